//! Enqueue, claim, renew and progress.

use std::collections::BTreeSet;
use std::sync::Arc;

use ironcore_types::objects::{DatastoreObject, Job};
use ironcore_types::progress::Progress;
use ironcore_types::{ProjectName, SessionId, TaskId, TaskState, TaskType, Timestamp, Upid};

use super::Sql;
use super::objects::datastore_objects;
use super::sessions::live_session;
use super::tx::Tx;
use crate::LEASE;
use crate::db::{Conn, Row, micros, sql, to_json, words};
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

/// What tasks name.
pub(super) struct Known {
    projects: BTreeSet<ProjectName>,
    datastores: Vec<DatastoreObject>,
}

/// A task of a row of `tasks` joined with its progress.
pub(super) fn task(row: &Row) -> Result<Task> {
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
pub(super) async fn load(conn: &mut Conn, id: TaskId) -> Result<Option<Task>> {
    let row = sql(
        "SELECT t.*, p.body AS progress FROM tasks t LEFT JOIN task_progress p ON p.task = t.id WHERE t.id = $1",
    )
    .bind(id.0)
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(task).transpose()
}

/// The numbers of tasks of the types $1 that could be claimed at $2, the oldest $3 of them. A job never runs beside
/// itself: of its ready tasks only the first is among them, and none while one runs.
macro_rules! claimable {
    () => {
        "SELECT t.id FROM tasks t
         WHERE t.state = 'queued' AND t.type IN LIST($1) AND (t.not_before IS NULL OR t.not_before <= $2)
           AND (t.job IS NULL OR NOT EXISTS (
                SELECT 1 FROM tasks o
                WHERE o.project = t.project AND o.job = t.job AND o.state IN ('queued', 'running')
                  AND (o.state = 'running'
                       OR (o.id < t.id AND (o.not_before IS NULL OR o.not_before <= $2)))))
         ORDER BY t.id LIMIT $3"
    };
}

impl Tx {
    /// Enqueues a task and tells of it. The caller has checked what it names.
    pub(super) async fn put_task(&mut self, new: NewTask, origin: Origin) -> Result<Task> {
        self.numbers.task += 1;
        let id = TaskId(self.numbers.task);
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
        sql(
            "INSERT INTO tasks (id, upid, type, project, job, \"user\", spec, source, target, state, retry_of, attempt,
                scheduled_for, not_before, queued)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'queued', $10, $11, $12, $13, $14)",
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
        self.tell(tell::task(&task, Vec::new()), Some(id));
        Ok(task)
    }

    /// The projects and datastores: read once a transaction, in which nobody else changes them.
    async fn known(&mut self) -> Result<Arc<Known>> {
        if let Some(known) = &self.known
            && !self.woken.objects
        {
            return Ok(known.clone());
        }
        let projects = sql("SELECT name FROM projects").fetch_all(&mut self.conn).await?;
        let known = Arc::new(Known {
            projects: projects
                .iter()
                .map(|row| row.word("name"))
                .collect::<Result<_>>()?,
            datastores: datastore_objects(&mut self.conn).await?,
        });
        self.known = Some(known.clone());
        Ok(known)
    }

    /// Enqueues a task that somebody asks for: what it names must exist and be granted.
    pub(super) async fn enqueue(&mut self, new: NewTask) -> Result<Task> {
        if new.job.is_some() && new.project.is_none() {
            return Err(LedgerError::request(
                "a task of a job belongs to the job's project",
            ));
        }
        let known = self.known().await?;
        if let Some(project) = &new.project
            && !known.projects.contains(project)
        {
            return Err(LedgerError::NotFound(format!("project/{project}")));
        }
        let label = format!("{} task", new.spec.task_type());
        references::usable(
            &known.datastores,
            new.project.as_ref(),
            &new.spec.datastores(),
            &label,
        )?;
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
        let node = live_session(&mut self.conn, session).await?;
        let rows = sql(concat!(
            "UPDATE tasks SET state = 'running', started = $2, session = $4, node = $5, lease_until = $6
             WHERE id IN (",
            claimable!(),
            ") RETURNING *, CAST(NULL AS TEXT) AS progress"
        ))
        .bind(words(types.iter().map(|t| t.as_str())))
        .bind(self.now.as_micros())
        .bind(n)
        .bind(session.to_string())
        .bind(node.as_str())
        .bind(self.now.after(LEASE).as_micros())
        .fetch_all(&mut self.conn)
        .await?;
        let mut claimed = rows.iter().map(task).collect::<Result<Vec<_>>>()?;
        claimed.sort_by_key(|task| task.id);
        for task in &claimed {
            self.tell(tell::task(task, Vec::new()), Some(task.id));
        }
        self.woken.tasks |= !claimed.is_empty();
        Ok(claimed)
    }

    async fn renew(&mut self, session: SessionId, tasks: &[TaskId]) -> Result<Renewals> {
        let until = self.now.after(LEASE).as_micros();
        let own = sql("UPDATE sessions SET lease_until = $1 WHERE id = $2 AND ended IS NULL")
            .bind(until)
            .bind(session.to_string())
            .execute(&mut self.conn)
            .await?;
        sql("UPDATE messages SET lease_until = $1 WHERE state = 'sending' AND session = $2")
            .bind(until)
            .bind(session.to_string())
            .execute(&mut self.conn)
            .await?;
        let mut renewals = Vec::with_capacity(tasks.len());
        for id in tasks {
            let row = sql(
                "UPDATE tasks SET lease_until = $1 WHERE id = $2 AND state = 'running' AND session = $3
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
            session_alive: own > 0,
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
        sql("SELECT 1 FROM tasks WHERE id = $1 AND state = 'running' AND session = $2")
            .bind(id.0)
            .bind(session.to_string())
            .fetch_optional(&mut self.conn)
            .await?
            .map(|_| ())
            .ok_or_else(|| LedgerError::Fenced(format!("task {id}")))
    }

    pub(super) async fn put_progress(&mut self, id: TaskId, progress: &Progress) -> Result<()> {
        sql(
            "INSERT INTO task_progress (task, body, updated) VALUES ($1, $2, $3)
             ON CONFLICT (task) DO UPDATE SET body = $2, updated = $3",
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

impl Sql {
    pub(crate) async fn enqueue(&self, new: NewTask) -> Result<Task> {
        self.write_unguarded(move |tx| Box::pin(async move { tx.enqueue(new).await }))
            .await
    }

    /// Workers ask again and again: a reader looks first whether there is anything, so that an idle hub writes nothing.
    pub(crate) async fn claim(&self, session: SessionId, types: Vec<TaskType>, n: u32) -> Result<Vec<Task>> {
        let mut conn = self.reader().await?;
        live_session(&mut conn, session).await?;
        let now = self.now(&mut conn).await?;
        let found = sql(claimable!())
            .bind(words(types.iter().map(|t| t.as_str())))
            .bind(now.as_micros())
            .bind(n.min(1))
            .fetch_optional(&mut conn)
            .await?;
        drop(conn);
        if found.is_none() {
            return Ok(Vec::new());
        }
        self.write(move |tx| Box::pin(async move { tx.claim(session, &types, n).await }))
            .await
    }

    pub(crate) async fn renew(&self, session: SessionId, tasks: Vec<TaskId>) -> Result<Renewals> {
        self.write_unguarded(move |tx| Box::pin(async move { tx.renew(session, &tasks).await }))
            .await
    }

    pub(crate) async fn set_progress(
        &self,
        task: TaskId,
        session: SessionId,
        progress: Progress,
    ) -> Result<()> {
        self.write_unguarded(move |tx| {
            Box::pin(async move {
                tx.check_held(task, session).await?;
                tx.put_progress(task, &progress).await
            })
        })
        .await
    }

    pub(crate) async fn task_by_id(&self, id: TaskId) -> Result<Option<Task>> {
        load(&mut self.reader().await?, id).await
    }
}
