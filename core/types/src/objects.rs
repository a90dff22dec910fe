//! The objects that people configure: projects, datastores, groups with their handlers, jobs, secrets by name.
//!
//! [`Document`] is what `apply -f FILE` reads and `export` writes. Unknown keys are refused.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{DatastoreName, ProjectName};
pub use crate::job::{Blackout, Command, Job, MissedPolicy, OnCommandFailure, OverlapPolicy};
pub use crate::notification::{Filter, Group, GroupRef, Handler, Maintenance, Rule, Then};
use crate::timestamp::Span;

/// A whole declaration. What it names is made or changed; what it leaves out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Document {
    /// Projects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub project: Vec<Project>,
    /// Datastores.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub datastore: Vec<DatastoreObject>,
    /// Notification groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<Group>,
    /// Jobs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub job: Vec<Job>,
    /// Maintenance windows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintenance: Vec<Maintenance>,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Project {
    /// Its name; never changes.
    pub name: ProjectName,
    /// For people.
    #[serde(default)]
    pub title: Option<String>,
    /// How many of its tasks run at once at most; no limit when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_running: Option<u32>,
}

/// A datastore of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DatastoreObject {
    /// Its name; never changes.
    pub name: DatastoreName,
    /// The folder that holds it, absolute.
    #[schema(value_type = String)]
    pub path: PathBuf,
    /// How long a verification counts; older is STALE.
    #[serde(default = "thirty_days")]
    pub keep_verified: Span,
    /// Projects that may use it; none when empty.
    #[serde(default)]
    pub projects: Vec<ProjectName>,
    /// How many tasks work on it at once at most; no limit when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_running: Option<u32>,
    /// Space is low when less than this part of it is free, in percent; 0 for never.
    #[serde(default = "ten")]
    #[schemars(range(max = 100))]
    pub warn_free_percent: u8,
    /// Groups that are told of what happens to it: a project's of what concerns the project or the hub, the hub's of
    /// everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupRef>,
}

impl DatastoreObject {
    /// Whether the tasks of this project may use it.
    pub fn granted_to(&self, project: &ProjectName) -> bool {
        self.projects.contains(project)
    }
}

fn thirty_days() -> Span {
    Span::from_days(30)
}

fn ten() -> u8 {
    10
}
