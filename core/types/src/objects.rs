//! The objects that people configure: projects, datastores, groups with their handlers, jobs, secrets by name.
//!
//! [`Document`] is what `apply -f FILE` reads and `export` writes. Unknown keys are refused.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::{EventType, Severity};
use crate::ids::{DatastoreName, GroupName, HandlerName, JobName, PluginName, ProjectName};
pub use crate::job::{Blackout, Command, Job, MissedPolicy, OnCommandFailure, OverlapPolicy};
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

/// A notification group of a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Group {
    /// Whose.
    pub project: ProjectName,
    /// Its name within the project.
    pub name: GroupName,
    /// For people.
    #[serde(default)]
    pub comment: Option<String>,
    /// Who is told, and how.
    #[serde(default)]
    pub handler: Vec<Handler>,
}

/// A handler: a plugin with its configuration, told of the events that its filter lets pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Handler {
    /// Its name within the group.
    pub name: HandlerName,
    /// Which plugin.
    pub plugin: PluginName,
    /// Switched off when false.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Checked by the plugin's JSON Schema. Secrets stand here as names: `{ secret = "smtp-password" }`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub config: serde_json::Map<String, serde_json::Value>,
    /// Which events.
    #[serde(default)]
    pub filter: Filter,
    /// Which template; the plugin's own when missing.
    #[serde(default)]
    pub template: Option<String>,
}

fn yes() -> bool {
    true
}

/// Which events reach a handler. Parts that are empty let everything pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Filter {
    /// Event types, with or without `ironcore.`; completed, warning and failed tasks by default.
    #[schemars(with = "Vec<String>")]
    #[schema(value_type = Vec<String>)]
    pub events: Vec<EventType>,
    /// At least this severity.
    pub min_severity: Option<Severity>,
    /// Only events of these jobs.
    pub jobs: Vec<JobName>,
    /// Only events about these datastores.
    pub datastores: Vec<DatastoreName>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            events: vec![
                EventType::TaskCompleted,
                EventType::TaskWarning,
                EventType::TaskFailed,
            ],
            min_severity: None,
            jobs: Vec::new(),
            datastores: Vec::new(),
        }
    }
}
