//! Configured objects. Each is its JSON body, with the columns that other verbs ask for beside it.

use std::collections::BTreeSet;

use ironcore_types::objects::{DatastoreObject, Document, Group, GroupRef, Job, Project};
use ironcore_types::{DatastoreName, JobName, KeyId, ProjectName, UserId};

use super::Sql;
use super::tx::Tx;
use crate::db::{Conn, Row, micros, readable, signed, sql, to_json};
use crate::error::{LedgerError, Result};
use crate::model::{ApplyReport, DatastoreRow, DatastoreStatus};
use crate::rules::configure::{JobChange, plan};
use crate::rules::tell;

impl Sql {
    pub(crate) async fn apply(&self, document: Document, actor: UserId) -> Result<ApplyReport> {
        self.write(move |tx| {
            Box::pin(async move {
                let paused = paused_by_hand(&mut tx.conn).await?;
                let plan = plan(&export(&mut tx.conn).await?, &document, &paused)?;
                for project in &plan.projects {
                    tx.put_project(project).await?;
                }
                for datastore in &plan.datastores {
                    tx.put_datastore(datastore).await?;
                }
                for group in &plan.groups {
                    tx.put_group(group).await?;
                }
                for change in &plan.jobs {
                    tx.put_job(change).await?;
                    if change.begins_changed {
                        tx.reschedule(&change.job).await?;
                    }
                }
                for window in &plan.maintenance {
                    tx.put_maintenance(window).await?;
                }
                tracing::info!(%actor, created = ?plan.report.created, changed = ?plan.report.changed, "configuration applied");
                tx.woken.objects = true;
                tx.woken.tasks = true;
                Ok(plan.report)
            })
        })
        .await
    }

    /// What applying would do.
    pub(crate) async fn check(&self, document: &Document) -> Result<ApplyReport> {
        let mut conn = self.reader().await?;
        let paused = paused_by_hand(&mut conn).await?;
        Ok(plan(&export(&mut conn).await?, document, &paused)?.report)
    }

    pub(crate) async fn export(&self) -> Result<Document> {
        export(&mut self.reader().await?).await
    }

    pub(crate) async fn datastores(&self) -> Result<Vec<DatastoreRow>> {
        let mut conn = self.reader().await?;
        let rows = sql("SELECT * FROM datastores ORDER BY name")
            .fetch_all(&mut conn)
            .await?;
        rows.iter().map(datastore_row).collect()
    }

    pub(crate) async fn jobs(&self, project: Option<ProjectName>) -> Result<Vec<Job>> {
        let mut conn = self.reader().await?;
        jobs(&mut conn, project.as_ref()).await
    }

    pub(crate) async fn job(&self, project: ProjectName, name: JobName) -> Result<Option<Job>> {
        job(&mut self.reader().await?, &project, &name).await
    }

    pub(crate) async fn groups(&self, project: Option<ProjectName>) -> Result<Vec<Group>> {
        let mut conn = self.reader().await?;
        groups(&mut conn, project.as_ref()).await
    }

    pub(crate) async fn hub_groups(&self) -> Result<Vec<Group>> {
        let rows = hub_groups(&mut self.reader().await?).await?;
        rows.iter().map(|row| row.json("body")).collect()
    }

    pub(crate) async fn group(&self, group: GroupRef) -> Result<Option<Group>> {
        let query = match &group.project {
            Some(project) => sql("SELECT body FROM notification_groups WHERE project = $1 AND name = $2")
                .bind(project.as_str())
                .bind(group.name.as_str()),
            None => sql("SELECT body FROM hub_groups WHERE name = $1").bind(group.name.as_str()),
        };
        let row = query.fetch_optional(&mut self.reader().await?).await?;
        row.map(|row| row.json("body")).transpose()
    }

    pub(crate) async fn set_job_enabled(
        &self,
        project: ProjectName,
        name: JobName,
        enabled: bool,
    ) -> Result<Job> {
        self.write(move |tx| Box::pin(async move { tx.set_job_enabled(&project, &name, enabled).await }))
            .await
    }

    pub(crate) async fn pin_datastore(
        &self,
        name: DatastoreName,
        public_key: [u8; 32],
        owner: ironcore_types::HubId,
    ) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let done = sql("UPDATE datastores SET public_key = $1, owner = $2 WHERE name = $3")
                    .bind(public_key.as_slice())
                    .bind(owner.to_string())
                    .bind(name.as_str())
                    .execute(&mut tx.conn)
                    .await?;
                tx.woken.objects = true;
                // Who has the key may have waited for it.
                tx.woken.tasks = true;
                found(done, || format!("datastore/{name}"))
            })
        })
        .await
    }

    pub(crate) async fn set_datastore_key(&self, name: DatastoreName, key: Option<KeyId>) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let done = sql("UPDATE datastores SET key_id = $1 WHERE name = $2")
                    .bind(key.as_ref().map(KeyId::as_str))
                    .bind(name.as_str())
                    .execute(&mut tx.conn)
                    .await?;
                tx.woken.objects = true;
                found(done, || format!("datastore/{name}"))
            })
        })
        .await
    }

    pub(crate) async fn set_datastore_status(
        &self,
        name: DatastoreName,
        status: DatastoreStatus,
    ) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let row = sql("SELECT status FROM datastores WHERE name = $1")
                    .bind(name.as_str())
                    .fetch_optional(&mut tx.conn)
                    .await?
                    .ok_or_else(|| LedgerError::NotFound(format!("datastore/{name}")))?;
                let before: Option<DatastoreStatus> = row.opt_json("status")?;
                sql("UPDATE datastores SET status = $1 WHERE name = $2")
                    .bind(to_json("a datastore's status", &status)?)
                    .bind(name.as_str())
                    .execute(&mut tx.conn)
                    .await?;
                tx.sample_usage(&name, &status).await?;
                tx.woken.objects = true;
                // A datastore is thought to be online until it is seen otherwise.
                if before.is_none_or(|before| before.online) != status.online {
                    tx.tell(tell::datastore(&name, &status), None);
                }
                Ok(())
            })
        })
        .await
    }
}

pub(super) fn found(rows: u64, what: impl FnOnce() -> String) -> Result<()> {
    if rows == 0 {
        Err(LedgerError::NotFound(what()))
    } else {
        Ok(())
    }
}

fn datastore_row(row: &Row) -> Result<DatastoreRow> {
    let public_key = row
        .opt_bytes("public_key")?
        .map(|bytes| {
            bytes
                .try_into()
                .map_err(|_| LedgerError::row("public_key", "a key of another length"))
        })
        .transpose()?;
    Ok(DatastoreRow {
        object: row.json("body")?,
        public_key,
        owner: row.opt_word("owner")?,
        status: row.opt_json("status")?,
        created: row.time("created")?,
    })
}

/// All that is configured, by name.
pub(super) async fn export(conn: &mut Conn) -> Result<Document> {
    let projects = sql("SELECT body FROM projects ORDER BY name")
        .fetch_all(conn)
        .await?;
    Ok(Document {
        project: projects
            .iter()
            .map(|row| row.json("body"))
            .collect::<Result<_>>()?,
        datastore: datastore_objects(conn).await?,
        group: groups(conn, None).await?,
        job: jobs(conn, None).await?,
        maintenance: super::silences::maintenance(conn).await?,
    })
}

/// The datastores as configured, by name.
pub(super) async fn datastore_objects(conn: &mut Conn) -> Result<Vec<DatastoreObject>> {
    let rows = sql("SELECT body FROM datastores ORDER BY name")
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| row.json("body")).collect()
}

/// The groups of one project, or all, the hub's own among them.
async fn groups(conn: &mut Conn, project: Option<&ProjectName>) -> Result<Vec<Group>> {
    let mut rows =
        sql("SELECT body FROM notification_groups WHERE $1 IS NULL OR project = $1 ORDER BY project, name")
            .bind(project.map(ProjectName::as_str))
            .fetch_all(conn)
            .await?;
    if project.is_none() {
        rows.extend(hub_groups(conn).await?);
    }
    rows.iter().map(|row| row.json("body")).collect()
}

async fn hub_groups(conn: &mut Conn) -> Result<Vec<Row>> {
    sql("SELECT body FROM hub_groups ORDER BY name")
        .fetch_all(conn)
        .await
}

async fn jobs(conn: &mut Conn, project: Option<&ProjectName>) -> Result<Vec<Job>> {
    let rows = sql("SELECT body FROM jobs WHERE $1 IS NULL OR project = $1 ORDER BY project, name")
        .bind(project.map(ProjectName::as_str))
        .fetch_all(conn)
        .await?;
    let jobs = rows.iter().map(|row| readable("a job", row.json("body")));
    Ok(jobs.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The jobs that are paused.
pub(super) async fn paused_jobs(conn: &mut Conn) -> Result<BTreeSet<(ProjectName, JobName)>> {
    let rows = sql("SELECT project, name FROM jobs WHERE enabled = 0")
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| Ok((row.word("project")?, row.word("name")?)))
        .collect()
}

/// The jobs that somebody paused: declaring them again does not let them go on.
pub(super) async fn paused_by_hand(conn: &mut Conn) -> Result<BTreeSet<(ProjectName, JobName)>> {
    let rows = sql("SELECT project, name FROM jobs WHERE paused IS NOT NULL")
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| Ok((row.word("project")?, row.word("name")?)))
        .collect()
}

/// One job as declared.
pub(super) async fn job(conn: &mut Conn, project: &ProjectName, name: &JobName) -> Result<Option<Job>> {
    let row = sql("SELECT body FROM jobs WHERE project = $1 AND name = $2")
        .bind(project.as_str())
        .bind(name.as_str())
        .fetch_optional(conn)
        .await?;
    row.map(|row| row.json("body")).transpose()
}

/// As [`job`], for what happens to the job's tasks: a job whose row cannot be read is none.
pub(super) async fn readable_job(
    conn: &mut Conn,
    project: &ProjectName,
    name: &JobName,
) -> Result<Option<Job>> {
    Ok(readable("a job", job(conn, project, name).await)?.flatten())
}

impl Tx {
    async fn put_project(&mut self, project: &Project) -> Result<()> {
        sql(
            "INSERT INTO projects (name, body, created, max_running) VALUES ($1, $2, $3, $4)
             ON CONFLICT (name) DO UPDATE SET body = $2, max_running = $4",
        )
        .bind(project.name.as_str())
        .bind(to_json("a project", project)?)
        .bind(self.now.as_micros())
        .bind(project.max_running.map(i64::from))
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    async fn put_datastore(&mut self, datastore: &DatastoreObject) -> Result<()> {
        sql(
            "INSERT INTO datastores (name, path, body, created, max_running) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name) DO UPDATE SET body = $3, max_running = $5",
        )
        .bind(datastore.name.as_str())
        .bind(datastore.path.to_string_lossy())
        .bind(to_json("a datastore", datastore)?)
        .bind(self.now.as_micros())
        .bind(datastore.max_running.map(i64::from))
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    async fn put_group(&mut self, group: &Group) -> Result<()> {
        self.forget_changed(&group.reference(), &group.handler).await?;
        let body = to_json("a group", group)?;
        let put = match &group.project {
            Some(project) => sql(
                "INSERT INTO notification_groups (name, body, project) VALUES ($1, $2, $3)
                 ON CONFLICT (project, name) DO UPDATE SET body = $2",
            )
            .bind(group.name.as_str())
            .bind(body)
            .bind(project.as_str()),
            None => sql(
                "INSERT INTO hub_groups (name, body) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET body = $2",
            )
            .bind(group.name.as_str())
            .bind(body),
        };
        put.execute(&mut self.conn).await?;
        Ok(())
    }

    async fn put_job(&mut self, change: &JobChange) -> Result<()> {
        let job = &change.job;
        sql(
            "INSERT INTO jobs (project, name, body, enabled, scheduled, after_job, ticked, declared, blackouts)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $9)
             ON CONFLICT (project, name) DO UPDATE SET body = $3, enabled = $4, scheduled = $5, after_job = $6,
                blackouts = $9,
                ticked = CASE WHEN $8 = 1 THEN $7 ELSE jobs.ticked END",
        )
        .bind(job.project.as_str())
        .bind(job.name.as_str())
        .bind(to_json("a job", job)?)
        .bind(job.enabled)
        .bind(job.schedule.is_some())
        .bind(job.after.as_ref().map(JobName::as_str))
        .bind(self.now.as_micros())
        .bind(change.times_changed)
        .bind(signed(u64::try_from(job.blackout.len()).unwrap_or(u64::MAX)))
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Lets the runs of a job that wait for their time go by its delay and blackout windows as they are now.
    async fn reschedule(&mut self, job: &Job) -> Result<()> {
        self.write_tasks().await?;
        let rows = sql(
            "SELECT id, scheduled_for FROM tasks WHERE project = $1 AND job = $2 AND state = 'queued'
                AND automatic = 1 AND retry_of IS NULL AND not_before > $3",
        )
        .bind(job.project.as_str())
        .bind(job.name.as_str())
        .bind(self.now.as_micros())
        .fetch_all(&mut self.conn)
        .await?;
        for row in &rows {
            let begins = job.begins(row.opt_time("scheduled_for")?, self.now).max(self.now);
            sql("UPDATE tasks SET not_before = $2 WHERE id = $1 AND state = 'queued'")
                .bind(row.num("id")?)
                .bind(begins.as_micros())
                .execute(&mut self.conn)
                .await?;
        }
        Ok(())
    }

    pub(super) async fn set_job_enabled(
        &mut self,
        project: &ProjectName,
        name: &JobName,
        enabled: bool,
    ) -> Result<Job> {
        let mut job = job(&mut self.conn, project, name)
            .await?
            .ok_or_else(|| LedgerError::NotFound(format!("job/{project}/{name}")))?;
        let times_changed = enabled && !job.enabled;
        job.enabled = enabled;
        let change = JobChange {
            job,
            times_changed,
            begins_changed: false,
        };
        self.put_job(&change).await?;
        sql("UPDATE jobs SET paused = $3 WHERE project = $1 AND name = $2")
            .bind(project.as_str())
            .bind(name.as_str())
            .bind(micros((!enabled).then_some(self.now)))
            .execute(&mut self.conn)
            .await?;
        self.woken.objects = true;
        Ok(change.job)
    }
}
