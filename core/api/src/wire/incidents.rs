//! Incidents: trouble of one cause.

use ironcore_types::{GroupName, HandlerName, IncidentId, ProjectName, Severity, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::stream::SequencedEvent;

/// Where an incident is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum IncidentState {
    /// It lasts, and nobody said that they see to it.
    Open,
    /// It lasts, and somebody sees to it.
    Acknowledged,
    /// It is over.
    Ended,
}

/// How an incident ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum IncidentEnding {
    /// All that failed works again.
    Recovered,
    /// What failed fails for another reason now, which is another incident.
    Moved,
    /// What failed is no longer there.
    Removed,
    /// Somebody said that it is over.
    Closed,
}

/// That somebody sees to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Acknowledgement {
    /// When they said so.
    pub at: Timestamp,
    /// Who. `HANDLER@GROUP!link` is whoever followed the link in a message of that handler.
    pub by: UserId,
    /// What they said.
    pub comment: Option<String>,
}

/// That somebody said that an incident is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Closing {
    /// Who.
    pub by: UserId,
    /// What they said.
    pub comment: Option<String>,
}

/// Trouble of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// What people call it: incidents are numbered as they begin.
    pub number: i64,
    /// Whose; null for the hub's.
    pub project: Option<ProjectName>,
    /// What makes its events one, such as `datastore/primary/datastore.full`.
    pub cause: String,
    /// One line for people.
    pub title: String,
    /// The most that any of its events mattered.
    pub severity: Severity,
    /// Where it is in its life.
    pub state: IncidentState,
    /// When it began.
    pub opened: Timestamp,
    /// When its newest event was told.
    pub last_seen: Timestamp,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub ending: Option<IncidentEnding>,
    /// Who closed it; null when it ended otherwise.
    pub closed: Option<Closing>,
    /// How many events of trouble it has.
    pub events: u64,
    /// How many are or were affected: jobs, snapshots, and the like.
    pub affected: u64,
    /// How many still are.
    pub failing: u64,
    /// Who sees to it.
    pub acknowledged: Option<Acknowledgement>,
}

/// Incidents, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IncidentList {
    /// The incidents.
    pub incidents: Vec<Incident>,
    /// Where the next page begins: give it back as `cursor`; null at the end.
    pub next: Option<String>,
    /// How many incidents the filter lets pass, counted up to a cap.
    pub count: u64,
    /// Whether there are more than `count`.
    pub count_capped: bool,
}

/// Who is or was affected by an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IncidentMember {
    /// Who, such as `job/office/db-orders`.
    pub member: String,
    /// How often it failed.
    pub failures: u64,
    /// Whether it still does.
    pub failing: bool,
}

/// What a handler was told of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IncidentNotice {
    /// Whose handler; null for the hub's.
    pub project: Option<ProjectName>,
    /// Its group.
    pub group: GroupName,
    /// The handler.
    pub handler: HandlerName,
    /// How often it was told.
    pub told: u32,
    /// When it was last told.
    pub last: Option<Timestamp>,
    /// When another handler was told because nobody acknowledged it.
    pub escalated: Option<Timestamp>,
    /// When it is told more, when nothing happens before; null when there is no more to tell.
    pub next: Option<Timestamp>,
}

/// An incident with who is affected, what happened, and who was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentDetail {
    /// The incident.
    pub incident: Incident,
    /// Who is or was affected, those first that still are; a thousand at most.
    pub members: Vec<IncidentMember>,
    /// Its newest events, newest first; a hundred at most.
    pub events: Vec<SequencedEvent>,
    /// Which handlers were told, and when they are told more.
    pub notices: Vec<IncidentNotice>,
}

/// That somebody sees to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AcknowledgeRequest {
    /// For the others, a thousand characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// That it is over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CloseRequest {
    /// For the others, a thousand characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}
