//! Verbs of tasks: their life, logs, progress and verification records.

use ironcore_types::progress::Progress;
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::verification::VerifyReport;
use ironcore_types::{DatastoreName, SessionId, TaskId, TaskType, Timestamp, Upid, UserId};

use crate::Ledger;
use crate::error::Result;
use crate::model::{
    Cancelled, Enqueued, Finished, KeyUse, KeyedRequest, LogLine, LogState, NewLogLine, NewTask, OpenTasks,
    Outcome, Page, Renewals, Task, TaskFilter, TaskPage, VerificationRow, Waiting,
};

impl Ledger {
    /// Enqueues a task and tells `task.queued`. Its UPID is made here and never changes.
    ///
    /// `config.invalid` when a datastore it names does not exist or is not granted to the project.
    pub async fn enqueue(&self, new: NewTask) -> Result<Task> {
        self.sql.enqueue(new).await
    }

    /// As [`enqueue`](Self::enqueue), for many at once: all or none.
    pub async fn enqueue_all(&self, new: Vec<NewTask>) -> Result<Vec<Task>> {
        self.sql.enqueue_all(new).await
    }

    /// As [`enqueue`](Self::enqueue), once for each key: a key that its user used within
    /// [`IDEMPOTENCY`](crate::IDEMPOTENCY) enqueues nothing, whichever hub took the request, and says what it was used
    /// for.
    pub async fn enqueue_once(&self, new: NewTask, keyed: KeyedRequest) -> Result<Enqueued> {
        self.sql.enqueue_once(new, keyed).await
    }

    /// What a key was used for, if it still counts: before anything else is looked at that may have changed since.
    pub async fn key_use(&self, keyed: &KeyedRequest) -> Result<Option<KeyUse>> {
        self.sql.key_use(keyed).await
    }

    /// Forgets some of the keys that count no more, the oldest first, and says how many. To be called again until that
    /// is none.
    pub async fn forget_idempotency_keys(&self) -> Result<u64> {
        self.sql.forget_idempotency_keys().await
    }

    /// Takes up to `n` queued tasks of these types for a live session: each is running now, with a lease of
    /// [`LEASE`](crate::LEASE), and `task.started` is told. Within a project the oldest comes first; projects share
    /// the slots evenly, within the limits of projects and datastores. Tasks that the hub started by itself wait while
    /// the scheduler or their job is paused, and in their job's blackout windows. A task goes only to a session that has
    /// the keys of its datastores. No two claims ever get the same task;
    /// a job never has two running tasks. [`Fenced`](crate::LedgerError::Fenced) when the session is over.
    pub async fn claim(&self, session: SessionId, types: &[TaskType], n: u32) -> Result<Vec<Task>> {
        self.sql.claim(session, types.to_vec(), n).await
    }

    /// Renews the leases of the session itself and of `tasks`, which may be none; to be called every 10 s.
    pub async fn renew(&self, session: SessionId, tasks: &[TaskId]) -> Result<Renewals> {
        self.sql.renew(session, tasks.to_vec()).await
    }

    /// Replaces the progress of a running task. Fenced.
    pub async fn set_progress(&self, task: TaskId, session: SessionId, progress: &Progress) -> Result<()> {
        self.sql.set_progress(task, session, progress.clone()).await
    }

    /// Appends to the log of a running task, as one compressed frame; returns the number of the last line. Fenced.
    pub async fn append_log(&self, task: TaskId, session: SessionId, lines: &[NewLogLine]) -> Result<u64> {
        self.sql.append_log(task, session, lines.to_vec()).await
    }

    /// Ends a running task: its final state, the event (with the last 20 log lines), a retry by the job's policy and
    /// the runs of jobs that come after this one are one transaction. Fenced: a late finisher changes nothing.
    ///
    /// A task that somebody asked to cancel is never retried.
    pub async fn finish(&self, task: TaskId, session: SessionId, outcome: Outcome) -> Result<Finished> {
        self.sql.finish(task, session, outcome).await
    }

    /// As [`finish`](Self::finish), for many at once: each is accepted or refused alone, in this order.
    pub async fn finish_all(
        &self,
        session: SessionId,
        ends: Vec<(TaskId, Outcome)>,
    ) -> Result<Vec<Result<Finished>>> {
        self.sql.finish_all(session, ends).await
    }

    /// Why tasks wait, and their places in the queue: one answer for each of these that is queued.
    pub async fn waiting(&self, tasks: &[Task]) -> Result<Vec<Waiting>> {
        self.sql.waiting(tasks.to_vec()).await
    }

    /// Gives a running task back because this process stops: the attempt ends failed with `worker.stopped` and a new one
    /// is enqueued for at once, whatever the job's policy; it does not count as a retry. Fenced.
    pub async fn hand_over(&self, task: TaskId, session: SessionId) -> Result<Finished> {
        self.sql.hand_over(task, session).await
    }

    /// Ends a queued task now; asks the worker of a running one to end it.
    pub async fn cancel(&self, upid: &Upid, by: &UserId) -> Result<Cancelled> {
        self.sql.cancel(upid.clone(), by.clone()).await
    }

    /// Ends every task and session, and gives back every message, whose lease has run out: such a task ends failed
    /// with `worker.lost` and is retried by policy, or ends cancelled if that was asked for. To be called every few
    /// seconds by whoever schedules. Returns the tasks that ended.
    pub async fn reap(&self) -> Result<Vec<TaskId>> {
        self.sql.reap().await
    }

    /// Like [`Ledger::reap`], for the sessions of processes before this one, whose leases need not be waited for when
    /// a lock proves them gone (SQLite). Hubs that share a PostgreSQL database conclude nothing from opening it: there
    /// leases decide, and this does nothing. To be called once at start, before any session is registered.
    pub async fn recover(&self) -> Result<Vec<TaskId>> {
        self.sql.recover().await
    }

    /// How far a task's log has come. None without such a task.
    pub async fn log_state(&self, task: TaskId) -> Result<Option<LogState>> {
        self.sql.log_state(task).await
    }

    /// Up to `max_lines` lines of a task's log after line number `line` (0 for the beginning).
    pub async fn log_after(&self, task: TaskId, line: u64, max_lines: u32) -> Result<Vec<LogLine>> {
        self.sql.log_after(task, line, max_lines).await
    }

    /// Removes the logs of tasks that ended before `before`; the tasks, their events and the numbers of their lines stay.
    /// Done in parts, so that others get their turn. Returns how many tasks lost their log.
    pub async fn remove_logs(&self, before: Timestamp) -> Result<u64> {
        self.sql.remove_logs(before).await
    }

    /// How many lines the log of a task has, or had before it was removed.
    pub async fn log_lines(&self, task: TaskId) -> Result<u64> {
        self.sql.log_lines(task).await
    }

    /// The task of that UPID. Every field must match, not only the number.
    pub async fn task(&self, upid: &Upid) -> Result<Option<Task>> {
        Ok(self
            .task_by_id(upid.task)
            .await?
            .filter(|task| task.upid == *upid))
    }

    /// The task of that number.
    pub async fn task_by_id(&self, id: TaskId) -> Result<Option<Task>> {
        self.sql.task_by_id(id).await
    }

    /// The attempt that followed this one.
    pub async fn retry_of(&self, upid: &Upid) -> Result<Option<Upid>> {
        self.sql.retry_of(upid).await
    }

    /// How many tasks wait and how many run, of all.
    pub async fn open_tasks(&self) -> Result<OpenTasks> {
        self.sql.open_tasks().await
    }

    /// A page of the tasks that pass `filter`, last enqueued first: an order that does not change while tasks run.
    pub async fn tasks(&self, filter: &TaskFilter, page: &Page) -> Result<TaskPage> {
        self.sql.tasks(filter.clone(), page.clone()).await
    }

    /// Records what a running verification found in one snapshot, as latest result and in the history, and tells
    /// `snapshot.verified` (severity `error` when bad). The verifier is the task's job. Fenced.
    pub async fn record_verification(
        &self,
        task: TaskId,
        session: SessionId,
        datastore: &DatastoreName,
        report: &VerifyReport,
    ) -> Result<()> {
        self.sql
            .record_verification(task, session, datastore.clone(), report.clone())
            .await
    }

    /// The latest result of each snapshot of a datastore, or of one snapshot; those never verified have none.
    pub async fn verifications(
        &self,
        datastore: &DatastoreName,
        snapshot: Option<&SnapshotPath>,
    ) -> Result<Vec<VerificationRow>> {
        self.sql.verifications(datastore.clone(), snapshot.cloned()).await
    }

    /// Every recorded verification of one snapshot, newest first.
    pub async fn verification_history(
        &self,
        datastore: &DatastoreName,
        snapshot: &SnapshotPath,
    ) -> Result<Vec<VerificationRow>> {
        self.sql
            .verification_history(datastore.clone(), snapshot.clone())
            .await
    }
}
