//! Verbs of the scheduler and of sessions.

use std::time::Duration;

use ironcore_types::{SessionId, Timestamp, UserId};

use crate::Ledger;
use crate::error::Result;
use crate::model::{JobCursor, NewSession, Session, Task, Tick};

impl Ledger {
    /// Cancels the runs of jobs with `overlap = "cancel-old"` that wait or go on though the next one, held by a delay or a
    /// blackout window until now, may begin. When the next of those that are still held may.
    pub async fn supersede(&self) -> Result<Option<Timestamp>> {
        self.sql.supersede().await
    }

    /// Up to where each enabled job that has a schedule is done with its ticks.
    pub async fn cursors(&self) -> Result<Vec<JobCursor>> {
        self.sql.cursors().await
    }

    /// Undoes what a clock that was ahead, and is right again, left for later: a job whose ticks are done up to a time
    /// that lies more than a minute ahead goes on from now, and a run that was queued at such a time waits no longer.
    /// Which ticks fired stays known, so none fires again. Returns how many jobs and runs those were.
    pub async fn follow_clock(&self) -> Result<u64> {
        self.sql.follow_clock().await
    }

    /// Fires ticks, up to a thousand in one transaction, none of them in two: each moves its job's cursor, tells
    /// `job.missed` when `missed > 0`, and enqueues a task of the job's owner when `run`. A tick at or before the cursor, one of a job that is gone or
    /// switched off, and every tick while the scheduler is paused are left out, so two schedulers, a restart or a
    /// clock that jumps fire each once. Returns the tasks enqueued.
    pub async fn fire_ticks(&self, ticks: &[Tick]) -> Result<Vec<Task>> {
        self.sql.fire_ticks(ticks.to_vec()).await
    }

    /// Begins a session with a lease of [`LEASE`](crate::LEASE), and tells `worker.online` when it claims tasks.
    pub async fn register_session(&self, new: NewSession) -> Result<Session> {
        self.sql.register_session(new).await
    }

    /// Ends a session. What it still holds is treated as lost, at once; `worker.offline` is told when it was a worker.
    /// Ending it twice does nothing. Returns the tasks that ended with it.
    pub async fn end_session(&self, session: SessionId) -> Result<Vec<ironcore_types::TaskId>> {
        self.sql.end_session(session).await
    }

    /// The sessions that live, oldest first, and of each whether it is silent.
    pub async fn sessions(&self) -> Result<Vec<Session>> {
        self.sql.sessions().await
    }

    /// The workers that were lost `within` this time, the last first; without those whose process has registered again.
    pub async fn lost_workers(&self, within: Duration) -> Result<Vec<Session>> {
        self.sql.lost_workers(within).await
    }

    /// Pauses the scheduler: until it is resumed no tick fires, and what the hub started by itself is not claimed. True when it was not paused already.
    pub async fn pause_scheduler(&self, by: &UserId) -> Result<bool> {
        self.sql.set_scheduler_paused(true, by.clone()).await
    }

    /// Lets the scheduler go on; ticks missed meanwhile are dealt with by policy. True when it was paused.
    pub async fn resume_scheduler(&self, by: &UserId) -> Result<bool> {
        self.sql.set_scheduler_paused(false, by.clone()).await
    }

    /// Since when the scheduler is paused; none while it is not.
    pub async fn scheduler_paused(&self) -> Result<Option<ironcore_types::Timestamp>> {
        self.sql.scheduler_paused().await
    }
}
