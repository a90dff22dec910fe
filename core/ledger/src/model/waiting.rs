//! Why a queued task waits, and its place in the queue.

use std::fmt;

use ironcore_types::{DatastoreName, ErrorCode, KeyId, TaskId, TaskType, Timestamp};
use serde::{Deserialize, Serialize};

/// A queued task's wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Which task.
    pub task: TaskId,
    /// What it waits for.
    pub reason: WaitReason,
    /// Its place, 1 for the next: among the tasks that can be claimed, and those that are held for the same reason as
    /// this one. Projects take turns; none beyond the first 10,000 queued tasks.
    pub position: Option<u64>,
}

/// What a queued task waits for. The first that applies, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum WaitReason {
    /// Its time: a retry, a randomized delay or the end of a blackout window.
    NotBefore {
        /// When that is.
        at: Timestamp,
    },
    /// The scheduler is paused.
    SchedulerPaused {
        /// Since when.
        since: Timestamp,
    },
    /// Its job is paused.
    JobPaused,
    /// An earlier run of its job goes on, or waits before it.
    JobRuns,
    /// Its project runs as many tasks as it may.
    ProjectLimit {
        /// So many.
        limit: u32,
    },
    /// A datastore has as many tasks as it may.
    DatastoreLimit {
        /// Which one.
        datastore: DatastoreName,
        /// So many.
        limit: u32,
    },
    /// No worker that runs such tasks is online.
    NoWorker {
        /// What kind.
        task_type: TaskType,
    },
    /// Workers that run such tasks are online, but none of them has the key that it needs.
    NoKey {
        /// Which key.
        key: KeyId,
    },
    /// Every slot of the workers that run such tasks is taken.
    NoSlot {
        /// How many slots there are.
        slots: u64,
    },
    /// Nothing: a worker takes it now.
    Nothing,
}

/// The letter of more than one.
fn s(count: impl Into<u64>) -> &'static str {
    if count.into() == 1 { "" } else { "s" }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // For people: a fraction of a second says nothing here.
            Self::NotBefore { at } => {
                write!(f, "waits until {}", Timestamp::from_seconds(at.as_seconds()))
            }
            Self::SchedulerPaused { since } => write!(
                f,
                "the scheduler is paused since {}",
                Timestamp::from_seconds(since.as_seconds())
            ),
            Self::JobPaused => f.write_str("its job is paused"),
            Self::JobRuns => f.write_str("waits until the previous run of its job has ended"),
            Self::ProjectLimit { limit } => {
                write!(
                    f,
                    "its project runs {limit} task{}, which is its limit",
                    s(*limit)
                )
            }
            Self::DatastoreLimit { datastore, limit } => {
                write!(
                    f,
                    "datastore {datastore} has {limit} running task{}, which is its limit",
                    s(*limit)
                )
            }
            Self::NoWorker { task_type } => {
                write!(f, "no worker that runs {task_type} tasks is online")
            }
            Self::NoKey { key } => write!(
                f,
                "no worker that is online has the key {key} [{}]",
                ErrorCode::KeyMissing
            ),
            Self::NoSlot { slots } => {
                write!(f, "all worker slots are taken ({slots} slot{} in all)", s(*slots))
            }
            Self::Nothing => f.write_str("a worker takes it in a moment"),
        }
    }
}
