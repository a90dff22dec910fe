//! Figures of the whole hub, for monitoring: how things are now, read as a few aggregates, and what this process has
//! counted since it opened the ledger.

use std::collections::BTreeMap;
use std::time::Duration;

use ironcore_types::statistics::Sums;
use ironcore_types::{
    DatastoreName, EventType, JobName, PluginName, ProjectName, TaskState, TaskType, Timestamp,
};

use super::message::MessageState;
use super::object::DatastoreStatus;
use super::session::Session;

/// How things are now.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// When it was looked.
    pub at: Timestamp,
    /// Tasks that wait or run; types and states without any are left out.
    pub open: Vec<OpenFigures>,
    /// Jobs in order of their names, at most [`FIGURES_JOBS`](crate::FIGURES_JOBS).
    pub jobs: Vec<JobFigures>,
    /// How many more jobs there are.
    pub jobs_left_out: u64,
    /// Datastores in order of their names, at most [`FIGURES_DATASTORES`](crate::FIGURES_DATASTORES).
    pub datastores: Vec<DatastoreFigures>,
    /// How many more datastores there are.
    pub datastores_left_out: u64,
    /// Messages that wait, are being sent, or are dead letters: each counted up to
    /// [`FIGURES_COUNT`](crate::FIGURES_COUNT).
    pub messages: Vec<(MessageState, u64)>,
    /// Since when the first message could be sent that nobody has claimed.
    pub oldest_due: Option<Timestamp>,
    /// Events that nobody has fanned out.
    pub unmatched: u64,
    /// Destinations that are being left alone because they fail.
    pub circuits: u64,
    /// Handlers that were switched off.
    pub disabled_handlers: u64,
    /// Since when the scheduler is paused.
    pub scheduler_paused: Option<Timestamp>,
    /// Sessions that are not over.
    pub sessions: Vec<Session>,
    /// Verbs that wait for this process's writer, and how many may.
    pub writer_queue: (usize, usize),
}

/// Tasks of one type in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFigures {
    /// What they do.
    pub task_type: TaskType,
    /// `queued` or `running`.
    pub state: TaskState,
    /// How many, counted up to [`FIGURES_COUNT`](crate::FIGURES_COUNT) over all types.
    pub count: u64,
    /// When the first of them was enqueued, or may begin when that is later.
    pub oldest: Timestamp,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFigures {
    /// Its project.
    pub project: ProjectName,
    /// Its name.
    pub job: JobName,
    /// Whether it starts by itself at all.
    pub enabled: bool,
    /// Whether it has no recent good run, as a watch has found.
    pub overdue: bool,
    /// The newest attempt that ended `ok` or `warning`.
    pub last_good: Option<LastRun>,
    /// The newest attempt that ran and ended.
    pub last: Option<LastRun>,
}

/// An attempt that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRun {
    /// How.
    pub state: TaskState,
    /// When.
    pub ended: Timestamp,
    /// How long it ran.
    pub duration: Duration,
}

/// A datastore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatastoreFigures {
    /// Its name.
    pub name: DatastoreName,
    /// What was last seen of it.
    pub status: Option<DatastoreStatus>,
    /// When a snapshot was last verified and found good.
    pub last_good_verification: Option<Timestamp>,
    /// What its last [`FIGURES_ATTEMPTS`](crate::FIGURES_ATTEMPTS) attempts moved.
    pub recent: Sums,
}

/// What this process has counted of what it committed, since it opened the ledger. Each thing is committed by one process,
/// so that the counters of all hubs on one database add up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Events told.
    pub events: BTreeMap<EventType, u64>,
    /// Tasks enqueued.
    pub queued: BTreeMap<TaskType, u64>,
    /// Attempts that ended, by their final state.
    pub ended: BTreeMap<(TaskType, TaskState), u64>,
    /// How long attempts ran that ended, whatever their state.
    pub durations: BTreeMap<TaskType, Histogram<{ TASK_SECONDS.len() }>>,
    /// `job.missed` events of each job, in runs missed; at most [`FIGURES_JOBS`](crate::FIGURES_JOBS) jobs.
    pub missed: BTreeMap<(ProjectName, JobName), u64>,
    /// `job.overdue` events of each job; likewise.
    pub overdue: BTreeMap<(ProjectName, JobName), u64>,
    /// Attempts to deliver, by plugin and outcome: `delivered`, `retry`, `exhausted`, `rejected`, `lost`.
    pub attempts: BTreeMap<(PluginName, &'static str), u64>,
    /// From when a message was made until it was delivered.
    pub latency: Histogram<{ DELIVERY_SECONDS.len() }>,
    /// How long single attempts to deliver took.
    pub attempt_durations: Histogram<{ ATTEMPT_SECONDS.len() }>,
    /// Transactions committed.
    pub commits: u64,
}

/// Upper bounds of how long attempts of tasks run, seconds.
pub const TASK_SECONDS: [f64; 11] = [
    1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 7_200.0, 14_400.0, 43_200.0, 86_400.0,
];
/// Upper bounds of how long it takes until a message is delivered, seconds.
pub const DELIVERY_SECONDS: [f64; 13] = [
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3_600.0, 21_600.0, 86_400.0,
];
/// Upper bounds of how long an attempt to deliver takes, seconds.
pub const ATTEMPT_SECONDS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// Durations by upper bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Histogram<const N: usize> {
    /// How many are at or below each bound and above the one before.
    pub buckets: [u64; N],
    /// How many there are in all.
    pub count: u64,
    /// What they add up to.
    pub sum: Duration,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self {
            buckets: [0; N],
            count: 0,
            sum: Duration::ZERO,
        }
    }
}

impl<const N: usize> Histogram<N> {
    /// Counts one.
    pub(crate) fn observe(&mut self, bounds: &[f64; N], duration: Duration) {
        let bucket = bounds
            .iter()
            .zip(&mut self.buckets)
            .find(|(bound, _)| duration.as_secs_f64() <= **bound);
        if let Some((_, bucket)) = bucket {
            *bucket += 1;
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_at_the_first_bound_that_holds_it() {
        let mut histogram = Histogram::default();
        for millis in [0, 1_000, 1_001, 5_000, 60_000] {
            histogram.observe(&[1.0, 5.0], Duration::from_millis(millis));
        }
        assert_eq!((histogram.buckets, histogram.count), ([2, 2], 5));
        assert_eq!(histogram.sum, Duration::from_millis(67_001));
    }
}
