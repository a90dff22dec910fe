//! Conditions, which last and were told when they began, and the runs that a watch looks at to find them.

use ironcore_types::snapshot::BackupGroup;
use ironcore_types::{DatastoreName, JobName, ProjectName, TaskId, Timestamp, Upid};
use serde::{Deserialize, Serialize};

/// Something that is so until it is over, such as a datastore with little space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// What is so: the kind, `/`, and what it is about, such as `space-low/ibs-primary`.
    pub key: String,
    /// When it was noticed, which is when its event was told.
    pub since: Timestamp,
}

impl Condition {
    /// Prefix of the keys of runs that began late or have not begun.
    pub const LATE: &str = "late/";
    /// Prefix of the keys of jobs whose runs nobody puts into the queue.
    pub const UNFIRED: &str = "unfired/";

    /// The scheduler has been paused for too long.
    pub const PAUSED: &str = "paused";

    /// A run is late.
    pub fn late(run: &Upid) -> String {
        format!("{}{run}", Self::LATE)
    }

    /// Nobody fires the ticks of a job.
    pub fn unfired(project: &ProjectName, job: &JobName) -> String {
        format!("{}{project}/{job}", Self::UNFIRED)
    }
}

/// A run of a job that answers a tick and has not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedRun {
    /// Which task.
    pub task: TaskId,
    /// Its unique id.
    pub upid: Upid,
    /// Whose.
    pub project: ProjectName,
    /// A run of which job.
    pub job: JobName,
    /// The tick it answers.
    pub scheduled_for: Timestamp,
    /// When it was to begin: the tick, or later when the run was to wait.
    pub due: Timestamp,
}

/// A run of a job that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningRun {
    /// Which task.
    pub task: TaskId,
    /// Its unique id.
    pub upid: Upid,
    /// Whose.
    pub project: ProjectName,
    /// A run of which job.
    pub job: JobName,
    /// When it began.
    pub started: Timestamp,
}

/// A run of a job that ended `ok` or `warning`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodRun {
    /// Which task.
    pub task: TaskId,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Snapshots that it made, copied or looked at.
    pub snapshots: u64,
}

/// How fresh the results of a job are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// Whose.
    pub project: ProjectName,
    /// Which job.
    pub job: JobName,
    /// When it was first declared.
    pub declared: Timestamp,
    /// Its newest good run.
    pub newest: Option<GoodRun>,
}

/// Where the snapshot of a run lies: in this group, named by a time within the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotWindow {
    /// The run.
    pub task: TaskId,
    /// In which datastore.
    pub datastore: DatastoreName,
    /// In which group.
    pub group: BackupGroup,
    /// When the run began.
    pub from: Timestamp,
    /// When it ended.
    pub until: Timestamp,
}
