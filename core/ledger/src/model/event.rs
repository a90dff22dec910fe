//! Events with their place in the outbox.

use ironcore_types::{Event, EventData, EventType, ProjectName};
use serde::{Deserialize, Serialize};

/// An event to be told that no other verb tells.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// What happened.
    pub event_type: EventType,
    /// What it happened to, such as `datastore/ibs-primary`.
    pub subject: Option<String>,
    /// The particulars.
    pub data: EventData,
}

/// A committed event and its sequence number. Streams, replay and inbox go by `seq` only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeqEvent {
    /// Strictly increasing in the order of commits.
    pub seq: i64,
    /// The event.
    pub event: Event,
}

/// Whose events are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's, and the hub's own.
    All,
    /// One project's.
    Project(ProjectName),
}

impl Scope {
    /// The project, when it is one.
    pub fn project(&self) -> Option<&ProjectName> {
        match self {
            Self::All => None,
            Self::Project(name) => Some(name),
        }
    }
}
