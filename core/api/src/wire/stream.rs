//! Events, and what the event streams carry beside them.

use ironcore_types::progress::Progress;
use ironcore_types::{Event, ProjectName, TaskState, Timestamp, Upid};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An event with its place in the order of all events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SequencedEvent {
    /// Its place; grows, with gaps where events are of other projects.
    pub seq: i64,
    /// The event, a CloudEvent.
    pub event: Event,
}

/// A part of the events, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventList {
    /// The events.
    pub events: Vec<SequencedEvent>,
    /// Give it back as `after` to read on.
    pub next: i64,
    /// The place of the newest event of the hub.
    pub last: i64,
}

/// `event: progress` of the event stream: how far a running task is. Has no id and is never repeated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProgressNotice {
    /// The task.
    pub upid: Upid,
    /// Whose.
    pub project: Option<ProjectName>,
    /// Bytes so far.
    pub bytes: u64,
    /// Stages begun so far.
    pub progress: Progress,
}

/// `event: ping` of every stream: sent at once, and then every 15 seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ping {
    /// The hub's time.
    pub time: Timestamp,
}

/// `event: done` of a log stream: the task is over and every line of its log was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogDone {
    /// The task's final state.
    pub state: TaskState,
    /// The state as people see it.
    pub status: String,
    /// Give it back as `after` to read nothing again.
    pub next: u64,
}
