//! How tasks end: finish, hand-over, cancel, and the leases that ran out. Whatever the way, the final state,
//! its event and what follows from it are one savepoint.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use ironcore_types::event::ErrorData;
use ironcore_types::progress::{Progress, TaskStats};
use ironcore_types::{ErrorCode, SessionId, TaskId, TaskState, Upid, UserId};
use serde::Serialize;

use super::Sql;
use super::gather::Together;
use super::objects;
use super::queue::{Origin, load, task};
use super::tx::Tx;
use crate::db::{readable, signed, sql, to_json};
use crate::error::{LedgerError, Result};
use crate::model::{Cancelled, Finished, Outcome, Task, WARNINGS_KEPT};
use crate::rules::retry::{Retry, RetryBy, retry};
use crate::rules::tell;

/// What a worker that is gone leaves: nothing is known but what the ledger was told before.
fn left(task: &Task, code: ErrorCode, message: &str) -> Outcome {
    let state = if task.cancel_by.is_some() {
        TaskState::Cancelled
    } else {
        TaskState::Failed
    };
    let error = ErrorData {
        code,
        message: message.to_owned(),
    };
    Outcome {
        error: (state == TaskState::Failed).then_some(error),
        // What did not come to its end has moved something all the same.
        stats: TaskStats {
            bytes: task
                .progress
                .stages
                .iter()
                .map(|stage| stage.bytes)
                .max()
                .unwrap_or(0),
            ..TaskStats::default()
        },
        progress: task.progress.clone(),
        ..Outcome::new(state)
    }
}

fn check(outcome: &Outcome) -> Result<()> {
    if !TaskState::Running.may_become(outcome.state) {
        return Err(LedgerError::request(format!(
            "a running task cannot become {}",
            outcome.state
        )));
    }
    if outcome.state == TaskState::Failed && outcome.error.is_none() {
        return Err(LedgerError::request("a task that failed must say why"));
    }
    Ok(())
}

/// Ends the rows of running tasks, each by its number: the indexes of those that run look smaller, and are full of those
/// that ran.
const END_ROWS: &str = "UPDATE tasks SET state = r.becomes, ended = $2, lease_until = NULL, stats = r.counted,
        error = r.reason, warnings = r.issues, warning_count = r.issue_count, log_lines = tasks.log_lines + 1
     FROM RECORDS($1 AS r: number BIGINT, becomes TEXT, counted TEXT, reason TEXT, issues TEXT, issue_count BIGINT)
     WHERE tasks.id = r.number AND COALESCE(tasks.state, '') = 'running'
        AND ($3 IS NULL OR COALESCE(tasks.session, '') = $3)
     RETURNING *, (SELECT p.body FROM task_progress p WHERE p.task = tasks.id) AS progress";

/// How a task ended, on the way to its row.
#[derive(Serialize)]
struct EndRow {
    number: i64,
    becomes: &'static str,
    counted: String,
    reason: Option<String>,
    issues: String,
    issue_count: i64,
}

impl EndRow {
    fn of(id: TaskId, outcome: &Outcome) -> Result<Self> {
        let kept = &outcome.warnings[..outcome.warnings.len().min(WARNINGS_KEPT)];
        let known = u64::try_from(outcome.warnings.len()).unwrap_or(u64::MAX);
        Ok(Self {
            number: id.0,
            becomes: outcome.state.as_str(),
            counted: to_json("a task's stats", &outcome.stats)?,
            reason: outcome
                .error
                .as_ref()
                .map(|e| to_json("an error", e))
                .transpose()?,
            issues: to_json("warnings", &kept)?,
            issue_count: signed(outcome.warning_count.max(known)),
        })
    }
}

impl Tx {
    /// running → final, with the log's last line, the event and all that follows; of `session` alone, when there is one. One answer for
    /// each, in this order.
    pub(super) async fn end_all(
        &mut self,
        ends: Vec<(TaskId, Outcome)>,
        session: Option<SessionId>,
        by: RetryBy,
    ) -> Result<Vec<Result<Finished>>> {
        let mut rows = Vec::with_capacity(ends.len());
        let mut first = BTreeSet::new();
        for (id, outcome) in &ends {
            // Of two ends of one task, a database may take either: the first counts.
            if first.insert(*id) {
                rows.push(EndRow::of(*id, outcome)?);
            }
        }
        let rows = sql(END_ROWS)
            .bind(to_json("ends of tasks", &rows)?)
            .bind(self.now.as_micros())
            .bind(session.map(|session| session.to_string()))
            .fetch_all(&mut self.conn)
            .await?;
        let mut ended = rows
            .iter()
            .map(|row| task(row).map(|task| (task.id, task)))
            .collect::<Result<BTreeMap<TaskId, Task>>>()?;
        self.close_logs(ended.values()).await?;
        let mut finished = Vec::with_capacity(ends.len());
        for (id, outcome) in ends {
            finished.push(match ended.remove(&id) {
                // Who was second is too late, and so is who asks twice at once.
                None => Err(LedgerError::Fenced(format!("task {id}"))),
                Some(task) => Ok(self.ended(task, outcome.progress, by).await?),
            });
        }
        Ok(finished)
    }

    /// What belongs to a task's end: its last progress, its event, its slot time, its statistics, and what comes after it.
    async fn ended(&mut self, mut task: Task, progress: Progress, by: RetryBy) -> Result<Finished> {
        if progress != task.progress {
            self.put_progress(task.id, &progress).await?;
            task.progress = progress;
        }
        let tail = self.log_tail(&task).await?;
        self.tell(tell::task(&task, tail), Some(task.id));
        self.release(&task);
        self.count(&task);
        self.woken.tasks = true;
        self.woken.logs = true;
        let follow_ups = self.follow_up(&task, by).await?;
        Ok(Finished { task, follow_ups })
    }

    async fn end(
        &mut self,
        id: TaskId,
        session: Option<SessionId>,
        outcome: Outcome,
        by: RetryBy,
    ) -> Result<Finished> {
        let mut one = self.end_all(vec![(id, outcome)], session, by).await?;
        one.pop()
            .unwrap_or_else(|| Err(LedgerError::Fenced(format!("task {id}"))))
    }

    /// What the end of `task` enqueues.
    async fn follow_up(&mut self, task: &Task, by: RetryBy) -> Result<Vec<TaskId>> {
        let job = match (&task.project, &task.job) {
            (Some(project), Some(job)) => objects::readable_job(&mut self.conn, project, job).await?,
            _ => None,
        };
        if let Some(Retry { new, attempt }) = retry(task, job.as_ref(), by, self.now) {
            let origin = Origin {
                attempt,
                scheduled_for: task.scheduled_for,
            };
            return Ok(vec![self.put_task(new, origin)?.id]);
        }
        let (Some(project), Some(name)) = (&task.project, &task.job) else {
            return Ok(Vec::new());
        };
        if !matches!(task.state, TaskState::Ok | TaskState::Warning) {
            return Ok(Vec::new());
        }
        let rows =
            sql("SELECT body FROM jobs WHERE project = $1 AND after_job = $2 AND enabled = 1 ORDER BY name")
                .bind(project.as_str())
                .bind(name.as_str())
                .fetch_all(&mut self.conn)
                .await?;
        let jobs = rows.iter().map(|row| readable("a job", row.json("body")));
        let jobs = jobs.collect::<Result<Vec<_>>>()?;
        self.run_followers(jobs.into_iter().flatten().collect()).await
    }

    pub(super) async fn cancel(&mut self, upid: &Upid, by: &UserId) -> Result<Cancelled> {
        self.write_tasks().await?;
        let mut task = load(&mut self.conn, upid.task)
            .await?
            .filter(|task| task.upid == *upid)
            .ok_or_else(|| LedgerError::NoTask(upid.to_string()))?;
        if task.state.is_final() {
            return Ok(Cancelled::AlreadyFinal(task.state));
        }
        self.woken.tasks = true;
        if task.state == TaskState::Running {
            sql("UPDATE tasks SET cancel_by = COALESCE(cancel_by, $1) WHERE id = $2 AND state = 'running'")
                .bind(by.as_str())
                .bind(task.id.0)
                .execute(&mut self.conn)
                .await?;
            return Ok(Cancelled::Requested);
        }
        sql(
            "UPDATE tasks SET state = 'cancelled', ended = $1, cancel_by = $2, log_lines = log_lines + 1
             WHERE id = $3 AND state = 'queued'",
        )
        .bind(self.now.as_micros())
        .bind(by.as_str())
        .bind(task.id.0)
        .execute(&mut self.conn)
        .await?;
        task.state = TaskState::Cancelled;
        task.ended = Some(self.now);
        task.cancel_by = Some(by.clone());
        task.log_lines += 1;
        self.close_logs([&task]).await?;
        let tail = self.log_tail(&task).await?;
        self.tell(tell::task(&task, tail), Some(task.id));
        self.woken.logs = true;
        Ok(Cancelled::AtOnce)
    }

    /// Ends a running task whose worker is gone. None when it is not running any more.
    pub(super) async fn lose(&mut self, id: TaskId, message: &str) -> Result<Option<TaskId>> {
        let Some(task) = load(&mut self.conn, id)
            .await?
            .filter(|task| task.state == TaskState::Running)
        else {
            return Ok(None);
        };
        let outcome = left(&task, ErrorCode::WorkerLost, message);
        self.end(id, None, outcome, RetryBy::Policy).await?;
        Ok(Some(id))
    }
}

/// Ends of tasks, by the sessions that run them.
pub(super) struct Ends;

impl Together for Ends {
    type Asked = (TaskId, SessionId, Outcome);
    type Answer = Finished;

    fn write(tx: &mut Tx, all: Vec<Self::Asked>) -> BoxFuture<'_, Result<Vec<Result<Finished>>>> {
        Box::pin(async move {
            // Those of each session at once.
            let mut by_session = BTreeMap::<SessionId, Vec<(usize, (TaskId, Outcome))>>::new();
            for (place, (task, session, outcome)) in all.into_iter().enumerate() {
                by_session
                    .entry(session)
                    .or_default()
                    .push((place, (task, outcome)));
            }
            let mut finished = BTreeMap::new();
            for (session, ends) in by_session {
                let (places, ends): (Vec<usize>, Vec<_>) = ends.into_iter().unzip();
                let answers = tx.end_all(ends, Some(session), RetryBy::Policy).await?;
                finished.extend(places.into_iter().zip(answers));
            }
            Ok(finished.into_values().collect())
        })
    }
}

impl Sql {
    pub(crate) async fn finish(
        &self,
        task: TaskId,
        session: SessionId,
        outcome: Outcome,
    ) -> Result<Finished> {
        check(&outcome)?;
        let answer = self
            .writer
            .hand_over(|| self.ends.add((task, session, outcome)))
            .await?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }

    /// As [`finish`](Self::finish), for many: each is accepted or refused alone.
    pub(crate) async fn finish_all(
        &self,
        session: SessionId,
        ends: Vec<(TaskId, Outcome)>,
    ) -> Result<Vec<Result<Finished>>> {
        for (_, outcome) in &ends {
            check(outcome)?;
        }
        self.write_unguarded(move |tx| {
            Box::pin(async move { tx.end_all(ends, Some(session), RetryBy::Policy).await })
        })
        .await
    }

    pub(crate) async fn hand_over(&self, task: TaskId, session: SessionId) -> Result<Finished> {
        self.write(move |tx| {
            Box::pin(async move {
                let task = tx.held(task, session).await?;
                let message = "the worker was stopped; the task is done again";
                let outcome = left(&task, ErrorCode::WorkerStopped, message);
                tx.end(task.id, Some(session), outcome, RetryBy::HandOver).await
            })
        })
        .await
    }

    pub(crate) async fn cancel(&self, upid: Upid, by: UserId) -> Result<Cancelled> {
        self.write(move |tx| Box::pin(async move { tx.cancel(&upid, &by).await }))
            .await
    }
}
