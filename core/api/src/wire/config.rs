//! The objects that people configure, as lists and single views, and declarations.

use ironcore_types::event::ErrorData;
use ironcore_types::objects::{DatastoreObject, Group, Job, Project};
use ironcore_types::runs::Run;
use ironcore_types::{DatastoreName, GroupName, HandlerName, ProjectName, Span, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::task::Task;

/// A job with what it did last and does next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobView {
    /// The job as it is configured.
    pub job: Job,
    /// Its next runs: ten of one job, five in lists; empty when it is paused, and without a schedule but for a run that
    /// waits.
    pub next: Vec<Run>,
    /// The run that waits in the queue for its time.
    pub waiting: Option<Run>,
    /// Its newest task.
    pub last: Option<Task>,
}

/// Jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobList {
    /// The jobs, by project and name.
    pub jobs: Vec<JobView>,
}

/// Projects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectList {
    /// The projects, by name.
    pub projects: Vec<Project>,
}

/// Notification groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GroupList {
    /// The groups, by project and name.
    pub groups: Vec<Group>,
    /// Their handlers that fail, and those that were switched off for it.
    pub failing: Vec<FailingHandler>,
}

/// A handler that is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandlerEnabled {
    /// Whether it had failed, or was switched off for it.
    pub was_off: bool,
}

/// A handler all of whose attempts fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailingHandler {
    /// Whose.
    pub project: Option<ProjectName>,
    /// Its group.
    pub group: GroupName,
    /// Its name.
    pub handler: HandlerName,
    /// Every attempt since then has failed.
    pub failing_since: Option<Timestamp>,
    /// When it was switched off for it; it is told of nothing until it is switched on again or declared otherwise.
    pub disabled: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: ErrorData,
}

/// What a datastore holds. A token of a project that shares it with others sees its own part: what its snapshots hold;
/// the figures of the whole are null.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DatastoreUsage {
    /// Content of the snapshots that the token sees, in bytes, as if each stood alone; over `stored_bytes` it is the
    /// deduplication ratio.
    pub logical_bytes: u64,
    /// Snapshots that the token sees.
    pub snapshots: u64,
    /// Bytes that its files occupy on disk, after deduplication and compression.
    pub stored_bytes: Option<u64>,
    /// Bytes of the distinct chunks, before compression.
    pub unique_bytes: Option<u64>,
    /// Distinct chunks.
    pub chunks: Option<u64>,
    /// Bytes that are left where it lies, when there is a limit.
    pub free_bytes: Option<u64>,
    /// Size of the place where it lies, in bytes, when there is a limit.
    pub total_bytes: Option<u64>,
}

/// A datastore of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Datastore {
    /// Its name.
    pub name: DatastoreName,
    /// The folder that holds it; shown to those who see the whole hub only.
    pub path: Option<String>,
    /// How long a verification counts.
    pub keep_verified: Span,
    /// Projects that may use it; every project when empty.
    pub projects: Vec<ProjectName>,
    /// How many tasks may work on it at once; null for any number.
    pub max_running: Option<u32>,
    /// Whether it can be used now.
    pub online: bool,
    /// Why not.
    pub error: Option<ErrorData>,
    /// What it holds, when it is online.
    pub usage: Option<DatastoreUsage>,
}

/// The datastores of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DatastoreList {
    /// The datastores, by name.
    pub datastores: Vec<Datastore>,
}

/// How a datastore comes to the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AddMode {
    /// Make a new one; its folder must be empty or missing.
    Create,
    /// Take one that this hub owns already.
    Attach,
    /// Take one over that belongs to another hub: from now on only this hub may write to it.
    Adopt,
}

/// A datastore to be made or attached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddDatastore {
    /// Make or attach.
    pub mode: AddMode,
    /// The datastore as it is configured.
    pub object: DatastoreObject,
}

/// What a declaration changed, or would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplyAnswer {
    /// Whether nothing was changed in fact.
    pub dry_run: bool,
    /// Objects that were made, such as `job demo/nightly`.
    pub created: Vec<String>,
    /// Objects that were changed.
    pub changed: Vec<String>,
    /// Objects that were as declared.
    pub unchanged: Vec<String>,
}
