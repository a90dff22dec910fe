//! How tasks end: finish, hand-over, cancel, and the leases that ran out. Whatever the way, the final state,
//! its event and what follows from it are one savepoint.

use ironcore_types::event::ErrorData;
use ironcore_types::{ErrorCode, SessionId, TaskId, TaskState, Upid, UserId};

use super::Sql;
use super::objects;
use super::queue::{Origin, load, task};
use super::tx::Tx;
use crate::db::{signed, sql, to_json};
use crate::error::{LedgerError, Result};
use crate::model::{Cancelled, Finished, Outcome, Task};
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

impl Tx {
    /// running → final, with the event and all that follows; of `session` alone, when there is one.
    async fn end(
        &mut self,
        id: TaskId,
        session: Option<SessionId>,
        outcome: Outcome,
        by: RetryBy,
    ) -> Result<Finished> {
        let Outcome {
            state,
            error,
            stats,
            mut warnings,
            warning_count,
            progress,
        } = outcome;
        let warning_count = warning_count.max(u64::try_from(warnings.len()).unwrap_or(u64::MAX));
        warnings.truncate(tell::MAX_WARNINGS);
        let row = sql(
            "UPDATE tasks SET state = $1, ended = $2, lease_until = NULL, stats = $3, error = $4, warnings = $5,
                warning_count = $6
             WHERE id = $7 AND state = 'running' AND ($8 IS NULL OR session = $8)
             RETURNING *, (SELECT p.body FROM task_progress p WHERE p.task = tasks.id) AS progress",
        )
        .bind(state.as_str())
        .bind(self.now.as_micros())
        .bind(to_json("a task's stats", &stats)?)
        .bind(error.as_ref().map(|e| to_json("an error", e)).transpose()?)
        .bind(to_json("warnings", &warnings)?)
        .bind(signed(warning_count))
        .bind(id.0)
        .bind(session.map(|session| session.to_string()))
        .fetch_optional(&mut self.conn)
        .await?
        .ok_or_else(|| LedgerError::Fenced(format!("task {id}")))?;
        let mut task = task(&row)?;
        if progress != task.progress {
            self.put_progress(id, &progress).await?;
            task.progress = progress;
        }
        let tail = self.log_tail(&task).await?;
        self.tell(tell::task(&task, tail), Some(task.id));
        self.woken.tasks = true;
        self.woken.logs = true;
        let follow_ups = self.follow_up(&task, by).await?;
        Ok(Finished { task, follow_ups })
    }

    /// What the end of `task` enqueues.
    async fn follow_up(&mut self, task: &Task, by: RetryBy) -> Result<Vec<TaskId>> {
        let job = match (&task.project, &task.job) {
            (Some(project), Some(job)) => objects::job(&mut self.conn, project, job).await?,
            _ => None,
        };
        if let Some(Retry { new, attempt }) = retry(task, job.as_ref(), by, self.now) {
            let origin = Origin {
                attempt,
                scheduled_for: task.scheduled_for,
            };
            return Ok(vec![self.put_task(new, origin).await?.id]);
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
        let mut follow_ups = Vec::with_capacity(rows.len());
        for row in rows {
            follow_ups.push(self.run_job(row.json("body")?, None).await?.id);
        }
        Ok(follow_ups)
    }

    async fn cancel(&mut self, upid: &Upid, by: &UserId) -> Result<Cancelled> {
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
        sql("UPDATE tasks SET state = 'cancelled', ended = $1, cancel_by = $2 WHERE id = $3 AND state = 'queued'")
            .bind(self.now.as_micros())
            .bind(by.as_str())
            .bind(task.id.0)
            .execute(&mut self.conn)
            .await?;
        task.state = TaskState::Cancelled;
        task.ended = Some(self.now);
        task.cancel_by = Some(by.clone());
        self.tell(tell::task(&task, Vec::new()), Some(task.id));
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

impl Sql {
    pub(crate) async fn finish(
        &self,
        task: TaskId,
        session: SessionId,
        outcome: Outcome,
    ) -> Result<Finished> {
        check(&outcome)?;
        self.write_unguarded(move |tx| {
            Box::pin(async move { tx.end(task, Some(session), outcome, RetryBy::Policy).await })
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
