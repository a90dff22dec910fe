//! Workers: the processes that run tasks.

use ironcore_types::{KeyId, NodeName, SessionId, TaskType, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether a worker is heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WorkerState {
    /// It renews its lease.
    Online,
    /// Its lease has run out: what it runs is given to others in a moment.
    Silent,
    /// It was not heard of any more: what it ran was given to others.
    Lost,
}

/// A process that runs tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Worker {
    /// The session of the process.
    pub session: SessionId,
    /// The machine.
    pub node: NodeName,
    /// The process.
    pub pid: u32,
    /// Its services, such as `worker` or `verifier`.
    pub services: Vec<String>,
    /// The task types that it runs.
    pub types: Vec<TaskType>,
    /// How many tasks it runs at once at most.
    pub slots: u32,
    /// How many it runs now.
    pub running: u64,
    /// The keys that it has, to open and to sign: it takes no task that needs another.
    pub keys: Vec<KeyId>,
    /// When it began.
    pub started: Timestamp,
    /// Whether it is heard of.
    pub state: WorkerState,
    /// When it was found lost; null while it is not.
    pub lost: Option<Timestamp>,
}

/// The workers of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerList {
    /// The workers, the one that began first before the others; then those that were lost within the last 24 hours and
    /// did not come back, the last first.
    pub workers: Vec<Worker>,
    /// Tasks that wait for one of them.
    pub queued: u64,
}
