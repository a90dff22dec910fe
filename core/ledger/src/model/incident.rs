//! Incidents: trouble of one cause, who is affected, and what handlers were told of it. What the cause of an event is, and
//! when a handler is told, is decided above.

use std::collections::BTreeSet;

use ironcore_types::notification::Silencer;
use ironcore_types::{EventId, IncidentId, ProjectName, Severity, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::handler::HandlerRef;
use super::message::{NewMessage, Rate};
use super::page::Count;

/// What an event does to incidents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentStep {
    /// It is trouble, and of this cause.
    pub joins: Option<Joins>,
    /// It says that something is well again.
    pub clears: Vec<Clear>,
    /// Handlers that are told of the end by the notice of it: their own message of the event is left out when it ends an
    /// incident that they were told of.
    pub recovers: BTreeSet<HandlerRef>,
}

/// The cause of an event, and who is affected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joins {
    /// What makes events one incident, such as `datastore/primary/datastore.full`.
    pub cause: String,
    /// Who is affected, such as `job/office/db-orders`.
    pub member: String,
    /// Nobody does the same again: it is well when anything of its cause is.
    pub loose: bool,
    /// It is well when this condition is over, and was so already when the condition is gone.
    pub condition: Option<String>,
    /// One line for people.
    pub title: String,
    /// What they are told when it is over.
    pub over: String,
    /// How much it matters.
    pub severity: Severity,
    /// Whose incident it is: of projects, and of the hub (none).
    pub scopes: BTreeSet<Option<ProjectName>>,
    /// The handlers that are told of it by notices.
    pub told: BTreeSet<HandlerRef>,
}

/// What is well again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clear {
    /// Who was affected.
    Member(String),
    /// All of these causes that nobody does again: those that begin with this.
    Loose(String),
    /// All of these causes: those that begin with this.
    Causes(String),
    /// All of these causes, as far as they are the project's: it is well as far as the project can see.
    CausesOf(ProjectName, String),
}

/// Where an incident is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IncidentState {
    /// It lasts, and nobody said that they see to it.
    Open,
    /// It lasts, and somebody sees to it.
    Acknowledged,
    /// It is over.
    Ended,
}

impl IncidentState {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Open, Self::Acknowledged, Self::Ended];

    /// The word used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Ended => "ended",
        }
    }

    /// The state of that word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == text)
    }
}

/// How an incident ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// All that failed works again.
    Recovered,
    /// What failed fails for another reason now, which is another incident.
    Moved,
    /// What failed is no longer there.
    Removed,
    /// Somebody said that it is over.
    Closed,
}

impl Ending {
    /// The word used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Moved => "moved",
            Self::Removed => "removed",
            Self::Closed => "closed",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let all = [Self::Recovered, Self::Moved, Self::Removed, Self::Closed];
        all.into_iter().find(|ending| ending.as_str() == text)
    }
}

/// That somebody sees to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// When they said so.
    pub at: Timestamp,
    /// Who.
    pub by: UserId,
    /// What they said.
    pub comment: Option<String>,
}

/// That somebody said that an incident is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Who.
    pub by: UserId,
    /// What they said.
    pub comment: Option<String>,
}

/// Trouble of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// The order in which incidents began; what people call it.
    pub number: i64,
    /// Whose; none for the hub's.
    pub project: Option<ProjectName>,
    /// What makes its events one.
    pub cause: String,
    /// One line for people.
    pub title: String,
    /// What they are told when it is over.
    pub over: String,
    /// The most that any of its events mattered.
    pub severity: Severity,
    /// When its first event was told.
    pub opened: Timestamp,
    /// When its newest one was.
    pub seen: Timestamp,
    /// Its newest event.
    pub last_seq: i64,
    /// Events of trouble.
    pub failures: u64,
    /// Who is or was affected.
    pub members: u64,
    /// Who is still affected.
    pub failing: u64,
    /// When it was over, and how that came.
    pub ended: Option<(Timestamp, Ending)>,
    /// The event that ended it, when it was one.
    pub end_seq: Option<i64>,
    /// Who closed it, when somebody did.
    pub closed: Option<Closing>,
    /// Who sees to it.
    pub acknowledged: Option<Acknowledgement>,
}

impl Incident {
    /// Where it is in its life.
    pub fn state(&self) -> IncidentState {
        match (&self.ended, &self.acknowledged) {
            (Some(_), _) => IncidentState::Ended,
            (None, Some(_)) => IncidentState::Acknowledged,
            (None, None) => IncidentState::Open,
        }
    }
}

/// Who is or was affected by an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentMember {
    /// Who, such as `job/office/db-orders`.
    pub member: String,
    /// How often it failed.
    pub failures: u64,
    /// Whether it still does.
    pub failing: bool,
}

/// Which incidents are wanted. Parts that are empty let everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Of this project.
    pub project: Option<ProjectName>,
    /// Any of these states.
    pub states: Vec<IncidentState>,
    /// That this event joined.
    pub event: Option<EventId>,
}

/// A page of incidents, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentPage {
    /// The incidents.
    pub incidents: Vec<Incident>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
    /// How many match.
    pub total: Count,
}

/// What a handler was told of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The handler.
    pub handler: HandlerRef,
    /// When there first was something to tell; anew when what somebody saw to became worse.
    pub since: Timestamp,
    /// The newest event that it was told of; 0 for none.
    pub told_seq: i64,
    /// How often it was told.
    pub sent: u32,
    /// When it was first told, since then.
    pub first: Option<Timestamp>,
    /// When it was last told.
    pub last: Option<Timestamp>,
    /// When another was told because nobody acknowledged it.
    pub escalated: Option<Timestamp>,
    /// Whether another handler escalated it to this one.
    pub raised: Raised,
    /// When it is looked at next; none when there is no more to say.
    pub due: Option<Timestamp>,
    /// Changes with every write.
    pub version: i64,
}

/// Whether an incident was escalated to a handler.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Raised {
    /// No.
    #[default]
    No,
    /// Yes, and it was not told of that yet.
    Untold,
    /// Yes, and it was told.
    Told,
}

impl Raised {
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::No => 0,
            Self::Untold => 1,
            Self::Told => 2,
        }
    }

    pub(crate) fn of(number: i64) -> Self {
        match number {
            1 => Self::Untold,
            2 => Self::Told,
            _ => Self::No,
        }
    }
}

/// A notice that is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNotice {
    /// Of which incident.
    pub incident: Incident,
    /// What was told so far.
    pub notice: Notice,
    /// Events that the handler was told nothing of, oldest first: those that its filter let pass.
    pub untold: Vec<i64>,
    /// Those of them that are about somebody who was well before.
    pub news: Vec<i64>,
    /// Newest events of the incident, oldest first, whomever they were for, but for those in `held`.
    pub newest: Vec<i64>,
    /// Newest events of the incident that a silence keeps from the handler: nobody has looked yet whether they last.
    pub held: Vec<i64>,
    /// Whether the handler was to hear of the event that ended the incident.
    pub hears_end: bool,
}

/// What comes of looking at a notice.
#[derive(Debug, Clone, PartialEq)]
pub struct NoticeStep {
    /// Of which incident.
    pub incident: IncidentId,
    /// The notice as it shall be, with the version that was looked at.
    pub notice: Notice,
    /// What is told now, of these events.
    pub message: Option<(NewMessage, Vec<i64>)>,
    /// This handler shall hear of it too.
    pub raise: Option<HandlerRef>,
    /// What became of the limit of its destination.
    pub rate: Option<Rate>,
    /// Events that are not told because they are silenced by now, each by what and until when.
    pub held: Vec<(i64, Silencer, Timestamp)>,
}
