//! Verbs of conditions, and of the runs that a watch looks at to find them. What is a condition is for the watch to
//! decide.

use std::collections::BTreeSet;

use ironcore_types::{JobName, ProjectName, TaskId, Timestamp};

use crate::Ledger;
use crate::error::Result;
use crate::model::{Condition, Freshness, GoodRun, NewEvent, QueuedRun, RunningRun, SnapshotWindow};

impl Ledger {
    /// Says that something is so from now on, and tells `event` in the same transaction. False when it was known, and
    /// then nothing is told: however many watch, and however often, one event results.
    pub async fn open_condition(&self, key: &str, event: NewEvent) -> Result<bool> {
        let opened = self.sql.open_conditions(vec![(key.to_owned(), event)]).await?;
        Ok(opened == [true])
    }

    /// As [`open_condition`](Self::open_condition), for many at once: all or none. An answer for each.
    pub async fn open_conditions(&self, conditions: Vec<(String, NewEvent)>) -> Result<Vec<bool>> {
        self.sql.open_conditions(conditions).await
    }

    /// Says that it is over; nothing is told. True when it was so until now.
    pub async fn close_condition(&self, key: &str) -> Result<bool> {
        Ok(self.sql.close_conditions(vec![key.to_owned()]).await? > 0)
    }

    /// As [`close_condition`](Self::close_condition), for many at once. How many of them were so until now.
    pub async fn close_conditions(&self, keys: &[String]) -> Result<u64> {
        self.sql.close_conditions(keys.to_vec()).await
    }

    /// What is so now, of all keys that begin with `prefix`, by key.
    pub async fn conditions(&self, prefix: &str) -> Result<Vec<Condition>> {
        self.sql.conditions(prefix.to_owned()).await
    }

    /// Writes something that changes nothing. An error says that the database takes no writes.
    pub async fn check_writes(&self) -> Result<()> {
        self.sql.check_writes().await
    }

    /// The runs that answer a tick, were to begin at `now` or before, and still wait. Further attempts of a run that
    /// began are not among them.
    pub async fn late_starts(&self, now: Timestamp) -> Result<Vec<QueuedRun>> {
        self.sql.late_starts(now).await
    }

    /// The running tasks that are runs of jobs.
    pub async fn running_runs(&self) -> Result<Vec<RunningRun>> {
        self.sql.running_runs().await
    }

    /// The last `limit` runs of a job that ended `ok` or `warning`, last enqueued first.
    pub async fn good_runs(&self, project: &ProjectName, job: &JobName, limit: u32) -> Result<Vec<GoodRun>> {
        self.sql.good_runs(project.clone(), job.clone(), limit).await
    }

    /// When each of these jobs was declared, and its newest good run. Jobs that are gone are left out.
    pub async fn freshness(&self, jobs: &[(ProjectName, JobName)]) -> Result<Vec<Freshness>> {
        self.sql.freshness(jobs.to_vec()).await
    }

    /// Those of the runs whose snapshot was CORRUPT or MISSING when it was last verified.
    pub async fn bad_snapshots(&self, windows: &[SnapshotWindow]) -> Result<BTreeSet<TaskId>> {
        self.sql.bad_snapshots(windows.to_vec()).await
    }
}
