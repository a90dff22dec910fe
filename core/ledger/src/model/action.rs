//! Actions: what is done about an event, once. Why it is done is left to notify and its plugins.

use ironcore_types::{EventId, JobName, ProjectName, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::task::{NewTask, Task};

/// What an action does, in the transaction that records it.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionWork {
    /// Nothing but being recorded: it is suggested, or waits to be asked for.
    Record,
    /// Enqueues a task.
    Enqueue(Box<NewTask>),
    /// Switches a job off.
    PauseJob {
        /// Whose.
        project: ProjectName,
        /// Which job.
        job: JobName,
    },
}

/// An action to be recorded, unique on (cause, kind, target).
#[derive(Debug, Clone, PartialEq)]
pub struct NewAction {
    /// The event that caused it.
    pub cause: EventId,
    /// `verify`, `full-backup`, `gc`, `resync`, `retry`, `pause-job`, …
    pub kind: String,
    /// What it is done to.
    pub target: String,
    /// Who does it: a user, or `NAME@plugin`.
    pub actor: UserId,
    /// How many actions led to its cause; 0 for the first.
    pub depth: u32,
    /// What to do.
    pub work: ActionWork,
}

/// A recorded action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// The event that caused it.
    pub cause: EventId,
    /// What kind.
    pub kind: String,
    /// What it was done to.
    pub target: String,
    /// Who did it.
    pub actor: UserId,
    /// How many actions led to its cause.
    pub depth: u32,
    /// The task it enqueued.
    pub task: Option<ironcore_types::TaskId>,
    /// When.
    pub at: Timestamp,
}

/// What recording an action did.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionResult {
    /// The action.
    pub action: Action,
    /// False when it had been recorded before; nothing was done then.
    pub new: bool,
    /// The task that was enqueued now.
    pub task: Option<Task>,
}
