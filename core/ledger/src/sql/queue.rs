//! Enqueue, renew and progress. Claims are left to `claim`.

use std::collections::BTreeSet;
use std::sync::Arc;

use ironcore_types::objects::{DatastoreObject, Job};
use ironcore_types::progress::Progress;
use ironcore_types::{DatastoreName, JobName, ProjectName, SessionId, TaskId, TaskState, Timestamp, Upid};
use serde::Serialize;

use super::Sql;
use super::objects::datastore_objects;
use super::tx::Tx;
use crate::db::{Conn, Row, micros, sql, storable, to_json};
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
        automatic: row.flag("automatic")?,
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

/// A row of `tasks` on its way there: what is enqueued is written together, for each statement is a round trip.
#[derive(Serialize)]
pub(super) struct TaskRow {
    id: i64,
    upid: String,
    kind: &'static str,
    project: Option<String>,
    job: Option<String>,
    who: String,
    spec: String,
    source: Option<String>,
    target: Option<String>,
    retry_of: Option<String>,
    attempt: u32,
    scheduled_for: Option<i64>,
    not_before: Option<i64>,
    queued: i64,
    automatic: i64,
    share: String,
    datastore: Option<String>,
    other_datastore: Option<String>,
}

impl TaskRow {
    fn of(task: &Task) -> Result<Self> {
        let text = |text: Option<String>| text.map(storable);
        let mut datastores = task.spec.datastores().into_iter().map(DatastoreName::to_string);
        Ok(Self {
            id: task.id.0,
            upid: task.upid.to_string(),
            kind: task.task_type().as_str(),
            project: task.project.as_ref().map(ProjectName::to_string),
            job: task.job.as_ref().map(JobName::to_string),
            who: task.user.to_string(),
            spec: to_json("a task's spec", &task.spec)?,
            source: text(task.spec.source()),
            target: text(task.spec.target()),
            retry_of: task.retry_of.as_ref().map(Upid::to_string),
            attempt: task.attempt,
            scheduled_for: micros(task.scheduled_for),
            not_before: micros(task.not_before),
            queued: task.queued.as_micros(),
            automatic: i64::from(task.automatic),
            share: task
                .project
                .as_ref()
                .map(ProjectName::to_string)
                .unwrap_or_default(),
            datastore: datastores.next(),
            other_datastore: datastores.next(),
        })
    }
}

impl Tx {
    /// Enqueues a task and tells of it. The caller has checked what it names. The row is written when the transaction
    /// ends, or before a verb looks at tasks that others may have enqueued: see [`write_tasks`](Self::write_tasks).
    pub(super) fn put_task(&mut self, new: NewTask, origin: Origin) -> Result<Task> {
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
            automatic: new.automatic,
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
        self.rows.push(TaskRow::of(&task)?);
        self.woken.tasks = true;
        self.tell(tell::task(&task, Vec::new()), Some(id));
        Ok(task)
    }

    /// Writes the tasks that were enqueued in this transaction.
    pub(super) async fn write_tasks(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        sql(
            "INSERT INTO tasks (id, upid, type, project, job, \"user\", spec, source, target, state, retry_of, attempt,
                scheduled_for, not_before, queued, automatic, share, datastore, other_datastore, key_id)
             SELECT id, upid, kind, project, job, who, spec, source, target, 'queued', retry_of, attempt,
                scheduled_for, not_before, queued, automatic, share, datastore, other_datastore,
                CASE WHEN kind IN ('backup', 'restore')
                    THEN (SELECT d.key_id FROM datastores d WHERE d.name = r.datastore) END
             FROM RECORDS($1 AS r: id BIGINT, upid TEXT, kind TEXT, project TEXT, job TEXT, who TEXT, spec TEXT,
                source TEXT, target TEXT, retry_of TEXT, attempt BIGINT, scheduled_for BIGINT, not_before BIGINT,
                queued BIGINT, automatic BIGINT, share TEXT, datastore TEXT, other_datastore TEXT)",
        )
        .bind(to_json("tasks", &rows)?)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// The projects and datastores: read again when they may have changed.
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
            self.write_tasks().await?;
            let before = load(&mut self.conn, upid.task)
                .await?
                .filter(|task| task.upid == *upid);
            attempt = before
                .ok_or_else(|| LedgerError::NoTask(upid.to_string()))?
                .attempt
                + 1;
        }
        let origin = Origin {
            attempt,
            scheduled_for: None,
        };
        self.put_task(new, origin)
    }

    /// The run of a job that the hub starts by itself, as the job's owner: when its tick and its blackout windows
    /// allow.
    pub(super) fn run_job(&mut self, job: Job, tick: Option<Timestamp>) -> Result<Task> {
        let not_before = job.begins(tick, self.now);
        let new = NewTask {
            project: Some(job.project),
            job: Some(job.name),
            user: job.owner,
            spec: job.task,
            retry_of: None,
            not_before: Some(not_before).filter(|at| *at > self.now),
            automatic: true,
        };
        let origin = Origin {
            scheduled_for: tick,
            ..Origin::FIRST
        };
        self.put_task(new, origin)
    }

    async fn renew(&mut self, session: SessionId, tasks: &[TaskId]) -> Result<Renewals> {
        let session_alive = self.renew_session(session).await?;
        let until = self.lease_end().as_micros();
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
            session_alive,
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

    /// As [`enqueue`](Self::enqueue), all or none.
    pub(crate) async fn enqueue_all(&self, new: Vec<NewTask>) -> Result<Vec<Task>> {
        self.write(move |tx| {
            Box::pin(async move {
                let mut tasks = Vec::with_capacity(new.len());
                for new in new {
                    tasks.push(tx.enqueue(new).await?);
                }
                Ok(tasks)
            })
        })
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

    pub(crate) async fn retry_of(&self, upid: &Upid) -> Result<Option<Upid>> {
        let row = sql("SELECT upid FROM tasks WHERE retry_of = $1 ORDER BY id LIMIT 1")
            .bind(upid.to_string())
            .fetch_optional(&mut self.reader().await?)
            .await?;
        row.map(|row| row.word("upid")).transpose()
    }
}
