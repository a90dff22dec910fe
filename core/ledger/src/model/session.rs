//! Sessions (one life of one process with its services) and what the scheduler fires.

use std::fmt;
use std::str::FromStr;

use ironcore_types::objects::Job;
use ironcore_types::{JobName, KeyId, NodeName, ProjectName, SessionId, TaskType, Timestamp};
use serde::{Deserialize, Serialize};

/// A role of the one binary, as `status --services` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Answers the API.
    Api,
    /// Fires the ticks.
    Scheduler,
    /// Runs backups, restores and prunes.
    Worker,
    /// Runs verifications.
    Verifier,
    /// Runs garbage collections.
    Gc,
    /// Runs syncs.
    Sync,
    /// Delivers messages.
    Notify,
}

impl Service {
    /// All of them, in the order they are shown.
    pub const ALL: &'static [Self] = &[
        Self::Api,
        Self::Scheduler,
        Self::Worker,
        Self::Verifier,
        Self::Gc,
        Self::Sync,
        Self::Notify,
    ];

    /// The word used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Scheduler => "scheduler",
            Self::Worker => "worker",
            Self::Verifier => "verifier",
            Self::Gc => "gc",
            Self::Sync => "sync",
            Self::Notify => "notify",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a service: use api, scheduler, worker, verifier, gc, sync or notify")]
pub struct UnknownService(String);

impl FromStr for Service {
    type Err = UnknownService;
    fn from_str(text: &str) -> Result<Self, UnknownService> {
        Self::ALL
            .iter()
            .copied()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| UnknownService(text.to_owned()))
    }
}

/// A session to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Made by the caller from its seams; never used twice.
    pub id: SessionId,
    /// The machine.
    pub node: NodeName,
    /// The process.
    pub pid: u32,
    /// What it does.
    pub services: Vec<Service>,
    /// The task types it claims; a session that claims any is a worker, whose coming and going is an event.
    pub types: Vec<TaskType>,
    /// How many tasks it runs at once.
    pub slots: u32,
    /// The keys that it has, to open and to sign: it claims no task that needs another.
    pub keys: Vec<KeyId>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The machine.
    pub node: NodeName,
    /// The process.
    pub pid: u32,
    /// What it does.
    pub services: Vec<Service>,
    /// The task types it claims.
    pub types: Vec<TaskType>,
    /// How many tasks it runs at once.
    pub slots: u32,
    /// The keys that it has.
    pub keys: Vec<KeyId>,
    /// When it began.
    pub started: Timestamp,
    /// When it counts as lost unless it renews, by the clock of leases.
    pub lease_until: Timestamp,
    /// Whether that was over when it was looked at: it is silent, and is taken for lost in a moment.
    pub silent: bool,
    /// When it ended; none while it lives.
    pub ended: Option<Timestamp>,
    /// How many tasks it runs.
    pub running: u64,
}

/// Up to where the ticks of a job have been dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCursor {
    /// The job.
    pub job: Job,
    /// Every tick at or before this is done with. Begins when the job is declared, its schedule changes or it is
    /// switched on again.
    pub until: Timestamp,
}

/// One tick of a job's schedule, with those before it that nobody fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// Whose.
    pub project: ProjectName,
    /// Which job.
    pub job: JobName,
    /// The job's cursor ([`JobCursor::until`]) that this was decided by. Once the cursor has moved the tick is ignored:
    /// what was missed is known anew then.
    pub cursor: Timestamp,
    /// The time it was due. Unique with the job: whoever fires it again is ignored.
    pub scheduled_for: Timestamp,
    /// How many ticks were missed: those before this one, and this one when it is late.
    pub missed: u64,
    /// Whether this one was not fired in time itself.
    pub late: bool,
    /// Whether to enqueue a task for it.
    pub run: bool,
}
