//! Enqueue, claim, renew and progress on SQLite.

use ironcore_types::objects::Job;
use ironcore_types::progress::Progress;
use ironcore_types::{NodeName, SessionId, TaskId, TaskState, TaskType, Timestamp, Upid};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use super::columns::{Columns, micros, to_json, words};
use super::objects::datastore_objects;
use super::tx::Tx;
use crate::LEASE;
use crate::error::{LedgerError, Result};
use crate::model::{NewTask, Renewal, RenewalState, Renewals, Task};
use crate::rules::{references, tell};

/// What stands beside a task's spec when it is enqueued.
pub(super) struct Origin {
    pub(super) attempt: u32,
    pub(super) scheduled_for: Option<Timestamp>,
}

impl Origin {
    pub(super) const FIRST: Self = Self {
        attempt: 1,
        scheduled_for: None,
    };
}

/// A task of a row of `tasks` joined with its progress.
pub(super) fn task(row: &SqliteRow) -> Result<Task> {
    Ok(Task {
        id: TaskId(row.num("id")?),
        upid: row.word("upid")?,
        project: row.opt_word("project")?,
        job: row.opt_word("job")?,
        user: row.word("user")?,
        spec: row.json("spec")?,
        state: row.word("state")?,
        retry_of: row.opt_word("retry_of")?,
        attempt: row.small("attempt")?,
        scheduled_for: row.opt_time("scheduled_for")?,
        not_before: row.opt_time("not_before")?,
        queued: row.time("queued")?,
        started: row.opt_time("started")?,
        ended: row.opt_time("ended")?,
        session: row.opt_word("session")?,
        node: row.opt_word("node")?,
        lease_until: row.opt_time("lease_until")?,
        cancel_by: row.opt_word("cancel_by")?,
        progress: row.opt_json("progress")?.unwrap_or_default(),
        stats: row.json("stats")?,
        error: row.opt_json("error")?,
        warnings: row.json("warnings")?,
        warning_count: row.count("warning_count")?,
        log_lines: row.count("log_lines")?,
    })
}

/// One task.
pub(super) async fn load(conn: &mut SqliteConnection, id: TaskId) -> Result<Option<Task>> {
    let row = sqlx::query(
        "SELECT t.*, p.body AS progress FROM tasks t LEFT JOIN task_progress p ON p.task = t.id WHERE t.id = ?",
    )
    .bind(id.0)
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(task).transpose()
}

impl Tx {
    /// Enqueues a task and tells of it. The caller has checked what it names.
    pub(super) async fn put_task(&mut self, new: NewTask, origin: Origin) -> Result<Task> {
        let last: Option<i64> = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'tasks'")
            .fetch_optional(&mut self.conn)
            .await?;
        let id = TaskId(last.unwrap_or(0) + 1);
        let task = Task {
            id,
            upid: Upid {
                node: self.ctx.node.clone(),
                pid: self.ctx.pid,
                pstart: self.ctx.pstart,
                task: id,
                start: Timestamp::from_seconds(self.now.as_seconds()),
                task_type: new.spec.task_type(),
                id: new.spec.worker_id(),
                user: new.user.clone(),
            },
            project: new.project,
            job: new.job,
            user: new.user,
            spec: new.spec,
            state: TaskState::Queued,
            retry_of: new.retry_of,
            attempt: origin.attempt,
            scheduled_for: origin.scheduled_for,
            not_before: new.not_before,
            queued: self.now,
            started: None,
            ended: None,
            session: None,
            node: None,
            lease_until: None,
            cancel_by: None,
            progress: Progress::default(),
            stats: Default::default(),
            error: None,
            warnings: Vec::new(),
            warning_count: 0,
            log_lines: 0,
        };
        sqlx::query(
            "INSERT INTO tasks (id, upid, type, project, job, user, spec, source, target, state, retry_of, attempt,
                scheduled_for, not_before, queued)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?)",
        )
        .bind(id.0)
        .bind(task.upid.to_string())
        .bind(task.task_type().as_str())
        .bind(task.project.as_ref().map(|p| p.as_str()))
        .bind(task.job.as_ref().map(|j| j.as_str()))
        .bind(task.user.as_str())
        .bind(to_json("a task's spec", &task.spec)?)
        .bind(task.spec.source())
        .bind(task.spec.target())
        .bind(task.retry_of.as_ref().map(Upid::to_string))
        .bind(task.attempt)
        .bind(micros(task.scheduled_for))
        .bind(micros(task.not_before))
        .bind(task.queued.as_micros())
        .execute(&mut self.conn)
        .await?;
        self.woken.tasks = true;
        self.tell(tell::task(&task, Vec::new()), Some(id)).await?;
        Ok(task)
    }

    /// Enqueues a task that somebody asks for: what it names must exist and be granted.
    pub(super) async fn enqueue(&mut self, new: NewTask) -> Result<Task> {
        if let Some(project) = &new.project {
            let known = sqlx::query("SELECT 1 FROM projects WHERE name = ?").bind(project.as_str());
            let known = known.fetch_optional(&mut self.conn).await?;
            known.ok_or_else(|| LedgerError::NotFound(format!("project/{project}")))?;
        }
        let datastores = datastore_objects(&mut self.conn).await?;
        let label = format!("{} task", new.spec.task_type());
        references::usable(&datastores, new.project.as_ref(), &new.spec.datastores(), &label)?;
        let mut attempt = 1;
        if let Some(upid) = &new.retry_of {
            let before = load(&mut self.conn, upid.task)
                .await?
                .filter(|task| task.upid == *upid);
            attempt = before
                .ok_or_else(|| LedgerError::NoTask(upid.to_string()))?
                .attempt
                + 1;
        }
        self.put_task(
            new,
            Origin {
                attempt,
                scheduled_for: None,
            },
        )
        .await
    }

    /// The run of a job, as its owner.
    pub(super) async fn run_job(&mut self, job: Job, scheduled_for: Option<Timestamp>) -> Result<Task> {
        let new = NewTask {
            project: Some(job.project),
            job: Some(job.name),
            user: job.owner,
            spec: job.task,
            retry_of: None,
            not_before: None,
        };
        self.put_task(
            new,
            Origin {
                scheduled_for,
                ..Origin::FIRST
            },
        )
        .await
    }

    async fn claim(&mut self, session: SessionId, types: &[TaskType], n: u32) -> Result<Vec<Task>> {
        let node = self.live_session(session).await?;
        // A job never runs beside itself: of its ready tasks only the first is a candidate, and none while one runs.
        let rows = sqlx::query(
            "SELECT t.id FROM tasks t
             WHERE t.state = 'queued' AND t.type IN (SELECT value FROM json_each(?1))
               AND (t.not_before IS NULL OR t.not_before <= ?2)
               AND (t.job IS NULL OR NOT EXISTS (
                    SELECT 1 FROM tasks o
                    WHERE o.project IS t.project AND o.job = t.job AND o.state IN ('queued', 'running')
                      AND (o.state = 'running'
                           OR (o.id < t.id AND (o.not_before IS NULL OR o.not_before <= ?2)))))
             ORDER BY t.id LIMIT ?3",
        )
        .bind(words(types.iter().map(|t| t.as_str()))?)
        .bind(self.now.as_micros())
        .bind(n)
        .fetch_all(&mut self.conn)
        .await?;
        let mut claimed = Vec::with_capacity(rows.len());
        for row in rows {
            claimed.push(self.start(TaskId(row.num("id")?), session, &node).await?);
        }
        Ok(claimed)
    }

    /// queued → running.
    async fn start(&mut self, id: TaskId, session: SessionId, node: &NodeName) -> Result<Task> {
        sqlx::query(
            "UPDATE tasks SET state = 'running', started = ?, session = ?, node = ?, lease_until = ?
             WHERE id = ? AND state = 'queued'",
        )
        .bind(self.now.as_micros())
        .bind(session.to_string())
        .bind(node.as_str())
        .bind(self.now.after(LEASE).as_micros())
        .bind(id.0)
        .execute(&mut self.conn)
        .await?;
        let task = load(&mut self.conn, id)
            .await?
            .ok_or_else(|| LedgerError::NoTask(id.to_string()))?;
        self.woken.tasks = true;
        self.tell(tell::task(&task, Vec::new()), Some(id)).await?;
        Ok(task)
    }

    async fn renew(&mut self, session: SessionId, tasks: &[TaskId]) -> Result<Renewals> {
        let until = self.now.after(LEASE).as_micros();
        let own = sqlx::query("UPDATE sessions SET lease_until = ? WHERE id = ? AND ended IS NULL")
            .bind(until)
            .bind(session.to_string())
            .execute(&mut self.conn)
            .await?;
        sqlx::query("UPDATE messages SET lease_until = ? WHERE state = 'sending' AND session = ?")
            .bind(until)
            .bind(session.to_string())
            .execute(&mut self.conn)
            .await?;
        let mut renewals = Vec::with_capacity(tasks.len());
        for id in tasks {
            let row = sqlx::query(
                "UPDATE tasks SET lease_until = ? WHERE id = ? AND state = 'running' AND session = ?
                 RETURNING cancel_by",
            )
            .bind(until)
            .bind(id.0)
            .bind(session.to_string())
            .fetch_optional(&mut self.conn)
            .await?;
            let state = match row {
                None => RenewalState::Lost,
                Some(row) if row.opt_text("cancel_by")?.is_some() => RenewalState::CancelRequested,
                Some(_) => RenewalState::Held,
            };
            renewals.push(Renewal { task: *id, state });
        }
        Ok(Renewals {
            session_alive: own.rows_affected() > 0,
            tasks: renewals,
        })
    }

    /// The task, when this session runs it: the fence before everything a worker writes.
    pub(super) async fn held(&mut self, id: TaskId, session: SessionId) -> Result<Task> {
        load(&mut self.conn, id)
            .await?
            .filter(|task| task.state == TaskState::Running && task.session == Some(session))
            .ok_or_else(|| LedgerError::Fenced(format!("task {id}")))
    }

    /// The fence, when the task itself is not needed.
    pub(super) async fn check_held(&mut self, id: TaskId, session: SessionId) -> Result<()> {
        sqlx::query("SELECT 1 FROM tasks WHERE id = ? AND state = 'running' AND session = ?")
            .bind(id.0)
            .bind(session.to_string())
            .fetch_optional(&mut self.conn)
            .await?
            .map(|_| ())
            .ok_or_else(|| LedgerError::Fenced(format!("task {id}")))
    }

    pub(super) async fn put_progress(&mut self, id: TaskId, progress: &Progress) -> Result<()> {
        sqlx::query(
            "INSERT INTO task_progress (task, body, updated) VALUES (?1, ?2, ?3)
             ON CONFLICT (task) DO UPDATE SET body = ?2, updated = ?3",
        )
        .bind(id.0)
        .bind(to_json("progress", progress)?)
        .bind(self.now.as_micros())
        .execute(&mut self.conn)
        .await?;
        self.woken.logs = true;
        Ok(())
    }
}

impl Sqlite {
    pub(crate) async fn enqueue(&self, new: NewTask) -> Result<Task> {
        self.write(move |tx| Box::pin(async move { tx.enqueue(new).await }))
            .await
    }

    pub(crate) async fn claim(&self, session: SessionId, types: Vec<TaskType>, n: u32) -> Result<Vec<Task>> {
        self.write(move |tx| Box::pin(async move { tx.claim(session, &types, n).await }))
            .await
    }

    pub(crate) async fn renew(&self, session: SessionId, tasks: Vec<TaskId>) -> Result<Renewals> {
        self.write(move |tx| Box::pin(async move { tx.renew(session, &tasks).await }))
            .await
    }

    pub(crate) async fn set_progress(
        &self,
        task: TaskId,
        session: SessionId,
        progress: Progress,
    ) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.check_held(task, session).await?;
                tx.put_progress(task, &progress).await
            })
        })
        .await
    }

    pub(crate) async fn task_by_id(&self, id: TaskId) -> Result<Option<Task>> {
        load(&mut *self.reader().await?, id).await
    }
}
