//! What `notify explain` asks and answers.

use ironcore_types::{
    DatastoreName, ErrorCode, Event, EventId, EventType, GroupName, HandlerName, IncidentId, JobName,
    PluginName, ProjectName, Severity, TaskState, TaskType, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which event to explain: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[derive(Default)]
pub struct ExplainRequest {
    /// One that happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    /// One that is made up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_up: Option<MadeUpEvent>,
}

/// An event that is made up, as far as rules and filters look at it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MadeUpEvent {
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Whose; the token's own project when missing, else the hub's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// How much it matters; as usual for its type when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The code of its error, such as `datastore.full`; `internal` when missing, of a task that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ErrorCode>,
    /// The job it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobName>,
    /// The datastore it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datastore: Option<DatastoreName>,
    /// What the task does, when it is no job's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_type: Option<TaskType>,
    /// When it happens; now when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// How the run before ended; well when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<TaskState>,
}

/// Who is told of an event, and why not the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExplainAnswer {
    /// The event.
    pub event: Event,
    /// Every handler of its project, and of the hub, in the order of their groups.
    pub handlers: Vec<ExplainedHandler>,
}

/// What becomes of an event for one handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedHandler {
    /// Whose; null for the hub's.
    pub project: Option<ProjectName>,
    /// Its group.
    pub group: GroupName,
    /// Its name.
    pub handler: HandlerName,
    /// Its plugin.
    pub plugin: PluginName,
    /// Whether it is told.
    pub told: bool,
    /// What decides, such as `rule`, `matrix`, `default-rule`, `severity`, `hours`, `silenced` or `not-reached`.
    pub reason: String,
    /// The same in words.
    pub why: String,
    /// The incident by which it is told; null when it is told by a message of its own, or by a digest.
    pub incident: Option<ExplainedIncident>,
    /// When it is told; null when it is not.
    pub when: Option<ExplainedWhen>,
}

/// When an event is told to a handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedWhen {
    /// By what: `at-once` (a message of its own), `digest`, `quiet-hours` (when they are over), `limit` (when it allows more), or
    /// `incident` (the notice of one).
    pub how: String,
    /// The time; null when it is told at once, or when an incident has no further notice.
    pub at: Option<Timestamp>,
    /// To whom the incident is escalated when nobody acknowledges it; null when to nobody.
    pub escalation: Option<ExplainedEscalation>,
}

/// To whom an incident is escalated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedEscalation {
    /// Another handler of the group.
    pub to: HandlerName,
    /// When it was, or will be.
    pub at: Timestamp,
    /// Whether that is past.
    pub done: bool,
    /// Whether it heard, when that is past: a handler that is off does not.
    pub heard: bool,
}

/// The incident by which an event is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedIncident {
    /// What makes its events one.
    pub cause: String,
    /// The incident that the event joined, or would join; null when it would be the first of one.
    pub id: Option<IncidentId>,
    /// What people call it.
    pub number: Option<i64>,
    /// When the handler was told of the event; null when it was not yet.
    pub told: Option<Timestamp>,
    /// When the handler is told next, of what lasts.
    pub next: Option<Timestamp>,
}
