//! Ticks and the scheduler's pause.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ironcore_types::objects::Job;
use ironcore_types::{JobName, ProjectName, TaskId, TaskState, Timestamp, UserId};
use serde::Serialize;

use super::Sql;
use super::tx::Tx;
use crate::db::{Value, micros, readable, signed, sql, to_json};
use crate::error::Result;
use crate::model::{Condition, JobCursor, Task, Tick};
use crate::rules::missed::{fate, missed};
use crate::rules::overlap::{OpenRun, Overlap, by_the_hub};
use crate::rules::tell;

impl Tx {
    async fn paused(&mut self) -> Result<Option<Timestamp>> {
        sql("SELECT scheduler_paused FROM hub")
            .fetch_one(&mut self.conn)
            .await?
            .opt_time("scheduler_paused")
    }

    /// Fires ticks of as many jobs, with a few statements for all of them: often very many are due at the same time.
    async fn fire(&mut self, ticks: &[Tick]) -> Result<Vec<Task>> {
        let rows: Vec<TickRow<'_>> = ticks.iter().map(TickRow::of).collect();
        // The cursor is the first fence. It must stand where it stood when the tick was decided: another scheduler may
        // have fired a tick since that counts as missed here. The primary key of ticks holds even when a job was removed
        // and declared again.
        let moved = sql(
            "UPDATE jobs SET ticked = r.due FROM RECORDS($1 AS r: of_project TEXT, of_job TEXT, stood BIGINT, due BIGINT)
             WHERE jobs.project = r.of_project AND jobs.name = r.of_job AND jobs.enabled = 1 AND jobs.scheduled = 1
                AND jobs.ticked = r.stood AND jobs.ticked < r.due
             RETURNING project, name, body",
        )
        .bind(to_json("ticks", &rows)?)
        .fetch_all(&mut self.conn)
        .await?;
        let mut jobs = BTreeMap::new();
        for row in &moved {
            if let Some(job) = readable::<Job>("a job", row.json("body"))? {
                jobs.insert((job.project.clone(), job.name.clone()), job);
            }
        }
        let rows: Vec<TickRow<'_>> = ticks
            .iter()
            .filter(|tick| jobs.contains_key(&(tick.project.clone(), tick.job.clone())))
            .map(TickRow::of)
            .collect();
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let fresh = sql(
            "INSERT INTO ticks (project, job, scheduled_for, fired, missed)
             SELECT of_project, of_job, due, $2, missed
             FROM RECORDS($1 AS r: of_project TEXT, of_job TEXT, due BIGINT, missed BIGINT) WHERE due IS NOT NULL
             ON CONFLICT DO NOTHING RETURNING project, job",
        )
        .bind(to_json("ticks", &rows)?)
        .bind(self.now.as_micros())
        .fetch_all(&mut self.conn)
        .await?;
        let fresh: BTreeSet<(ProjectName, JobName)> = fresh
            .iter()
            .map(|row| Ok((row.word("project")?, row.word("job")?)))
            .collect::<Result<_>>()?;
        let names = rows.iter().map(|row| (row.of_project, row.of_job));
        let mut open = self.open_runs(names).await?;
        let unfired = self.unfired_no_more(&fresh).await?;
        let mut tasks = Vec::new();
        let mut numbered = Vec::new();
        for tick in ticks {
            let key = (tick.project.clone(), tick.job.clone());
            let Some(job) = jobs.remove(&key).filter(|_| fresh.contains(&key)) else {
                continue;
            };
            let runs = open.remove(&key).unwrap_or_default();
            let was_told = unfired.contains(&Condition::unfired(&tick.project, &tick.job));
            if let Some(task) = self
                .fire_one(tick, job, &runs, was_told, Some(tick.scheduled_for))
                .await?
            {
                if was_told || tick.missed > 0 {
                    // That it begins late is nothing new.
                    self.put_condition(Condition::late(&task.upid)).await?;
                }
                numbered.push(TickRow {
                    task: Some(task.id.0),
                    ..TickRow::of(tick)
                });
                tasks.push(task);
            }
        }
        if !numbered.is_empty() {
            sql(
                "UPDATE ticks SET task = r.task
                 FROM RECORDS($1 AS r: of_project TEXT, of_job TEXT, due BIGINT, task BIGINT)
                 WHERE ticks.project = r.of_project AND ticks.job = r.of_job AND ticks.scheduled_for = r.due",
            )
            .bind(to_json("ticks", &numbered)?)
            .execute(&mut self.conn)
            .await?;
        }
        Ok(tasks)
    }

    /// The jobs of which it was told that nobody fires their ticks, which is over now.
    async fn unfired_no_more(
        &mut self,
        fired: &BTreeSet<(ProjectName, JobName)>,
    ) -> Result<BTreeSet<String>> {
        let keys = fired
            .iter()
            .map(|(project, job)| Condition::unfired(project, job))
            .collect();
        let over = sql("DELETE FROM conditions WHERE key IN LIST($1) RETURNING key")
            .bind(Value::Words(keys))
            .fetch_all(&mut self.conn)
            .await?;
        over.iter().map(|row| row.text("key")).collect()
    }

    /// What one fresh tick does. What becomes of it is decided first, so that one event tells all of it: a rule may leave
    /// the run out, or cancel others.
    async fn fire_one(
        &mut self,
        tick: &Tick,
        job: Job,
        open: &[OpenRun],
        was_told: bool,
        scheduled_for: Option<Timestamp>,
    ) -> Result<Option<Task>> {
        let (fate, rule) = fate(tick, &job, open, self.now);
        if let Some(event) = missed(tick, &fate, was_told) {
            self.tell(event, None);
        }
        match rule {
            None | Some(Overlap::LeaveOut { .. }) => return Ok(None),
            Some(Overlap::Run) => {}
            Some(Overlap::Cancel(upids)) => {
                let hub = by_the_hub()?;
                for upid in upids {
                    self.cancel(&upid, &hub).await?;
                }
            }
        }
        self.run_job(job, scheduled_for).map(Some)
    }

    /// Runs the jobs that follow another, each by its policies.
    pub(super) async fn run_followers(&mut self, jobs: Vec<Job>) -> Result<Vec<TaskId>> {
        let names = jobs.iter().map(|job| (job.project.as_str(), job.name.as_str()));
        let mut open = self.open_runs(names).await?;
        let mut tasks = Vec::with_capacity(jobs.len());
        for job in jobs {
            let runs = open
                .remove(&(job.project.clone(), job.name.clone()))
                .unwrap_or_default();
            let now = Tick {
                project: job.project.clone(),
                job: job.name.clone(),
                cursor: self.now,
                scheduled_for: self.now,
                missed: 0,
                late: false,
                run: true,
            };
            let task = self.fire_one(&now, job, &runs, false, None).await?;
            // A scheduler is to see when it takes the place of a run that goes on.
            self.woken.objects |= task.as_ref().is_some_and(|task| task.not_before.is_some());
            tasks.extend(task.map(|task| task.id));
        }
        Ok(tasks)
    }

    /// The runs that wait or go on, of each job.
    async fn open_runs(
        &mut self,
        jobs: impl Iterator<Item = (&str, &str)>,
    ) -> Result<BTreeMap<(ProjectName, JobName), Vec<OpenRun>>> {
        let names: Vec<JobKey<'_>> = jobs
            .map(|(of_project, of_job)| JobKey { of_project, of_job })
            .collect();
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.write_tasks().await?;
        // Job by job: few are looked at, and each has few open tasks, while of all there may be very many.
        let found = sql(if self.conn.is_postgres() {
            "SELECT o.* FROM RECORDS($1 AS r: of_project TEXT, of_job TEXT) CROSS JOIN LATERAL (
                SELECT upid, project, job, state, automatic, retry_of, not_before, scheduled_for, queued FROM tasks
                WHERE project = r.of_project AND job = r.of_job AND state IN ('queued', 'running') OFFSET 0) AS o"
        } else {
            "SELECT o.upid, o.project, o.job, o.state, o.automatic, o.retry_of, o.not_before, o.scheduled_for, o.queued
             FROM RECORDS($1 AS r: of_project TEXT, of_job TEXT) CROSS JOIN tasks o
             WHERE o.project = r.of_project AND o.job = r.of_job AND o.state IN ('queued', 'running')"
        })
        .bind(to_json("jobs", &names)?)
        .fetch_all(&mut self.conn)
        .await?;
        let mut open: BTreeMap<_, Vec<OpenRun>> = BTreeMap::new();
        for row in found {
            let run = OpenRun {
                upid: row.word("upid")?,
                queued: row.word::<TaskState>("state")? == TaskState::Queued,
                automatic: row.flag("automatic")?,
                retry: row.opt_text("retry_of")?.is_some(),
                not_before: row.opt_time("not_before")?,
                tick: row.opt_time("scheduled_for")?,
                since: row.time("queued")?,
            };
            open.entry((row.word("project")?, row.word("job")?))
                .or_default()
                .push(run);
        }
        Ok(open)
    }
}

/// A job's name.
#[derive(Serialize)]
struct JobKey<'t> {
    of_project: &'t str,
    of_job: &'t str,
}

/// A tick on its way to its row.
#[derive(Serialize)]
struct TickRow<'t> {
    of_project: &'t str,
    of_job: &'t str,
    stood: i64,
    due: i64,
    missed: i64,
    task: Option<i64>,
}

impl<'t> TickRow<'t> {
    fn of(tick: &'t Tick) -> Self {
        Self {
            of_project: tick.project.as_str(),
            of_job: tick.job.as_str(),
            stood: tick.cursor.as_micros(),
            due: tick.scheduled_for.as_micros(),
            missed: signed(tick.missed),
            task: None,
        }
    }
}

/// Ticks that one transaction fires at most: others get their turn in between.
const TICKS: usize = 1_000;

/// Parts of at most [`TICKS`] in which no job stands twice.
fn parts(ticks: Vec<Tick>) -> Vec<Vec<Tick>> {
    let mut parts = Vec::new();
    let mut part: Vec<Tick> = Vec::new();
    let mut jobs = BTreeSet::new();
    for tick in ticks {
        let key = (tick.project.clone(), tick.job.clone());
        if part.len() == TICKS || jobs.contains(&key) {
            parts.push(std::mem::take(&mut part));
            jobs.clear();
        }
        jobs.insert(key);
        part.push(tick);
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

/// By how much the clocks of hubs may differ.
const AHEAD: Duration = Duration::from_secs(60);

impl Tx {
    async fn follow_clock(&mut self) -> Result<u64> {
        let (now, ahead) = (self.now.as_micros(), self.now.after(AHEAD).as_micros());
        let jobs = sql(
            "UPDATE jobs SET ticked = CASE WHEN ticked > $2 THEN $1 ELSE ticked END,
                declared = CASE WHEN declared > $2 THEN $1 ELSE declared END
             WHERE ticked > $2 OR declared > $2",
        )
        .bind(now)
        .bind(ahead)
        .execute(&mut self.conn)
        .await?;
        let tasks = sql(
            "UPDATE tasks SET not_before = $1 WHERE state = 'queued' AND not_before > $1 AND queued > $2",
        )
        .bind(now)
        .bind(ahead)
        .execute(&mut self.conn)
        .await?;
        self.woken.tasks |= tasks > 0;
        Ok(jobs + tasks)
    }
}

impl Sql {
    /// Schedulers ask at each look: a reader looks first whether there is anything to do.
    pub(crate) async fn follow_clock(&self) -> Result<u64> {
        let mut conn = self.reader().await?;
        let now = self.now(&mut conn).await?;
        let found = sql(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM jobs WHERE ticked > $2 OR declared > $2)
                OR EXISTS (SELECT 1 FROM tasks WHERE state = 'queued' AND not_before > $1 AND queued > $2)",
        )
        .bind(now.as_micros())
        .bind(now.after(AHEAD).as_micros())
        .fetch_optional(&mut conn)
        .await?;
        drop(conn);
        if found.is_none() {
            return Ok(0);
        }
        self.write(|tx| Box::pin(async move { tx.follow_clock().await }))
            .await
    }

    pub(crate) async fn cursors(&self) -> Result<Vec<JobCursor>> {
        let mut conn = self.reader().await?;
        let rows =
            sql("SELECT ticked, body FROM jobs WHERE enabled = 1 AND scheduled = 1 ORDER BY project, name")
                .fetch_all(&mut conn)
                .await?;
        let mut cursors = Vec::with_capacity(rows.len());
        for row in rows {
            if let Some(job) = readable("a job", row.json("body"))? {
                let until = row.time("ticked")?;
                cursors.push(JobCursor { job, until });
            }
        }
        Ok(cursors)
    }

    pub(crate) async fn fire_ticks(&self, ticks: Vec<Tick>) -> Result<Vec<Task>> {
        // Schedulers ask again and again while ticks are due and paused; that writes nothing.
        if ticks.is_empty() || self.scheduler_paused().await?.is_some() {
            return Ok(Vec::new());
        }
        let mut tasks = Vec::new();
        for part in parts(ticks) {
            let fired = self
                .write(move |tx| {
                    Box::pin(async move {
                        if tx.paused().await?.is_some() {
                            return Ok(Vec::new());
                        }
                        // Decided by a clock that was ahead and has been set right: they are due again when they are.
                        let ahead = tx.now.after(AHEAD);
                        let due: Vec<Tick> = part
                            .into_iter()
                            .filter(|tick| tick.scheduled_for <= ahead)
                            .collect();
                        tx.fire(&due).await
                    })
                })
                .await?;
            tasks.extend(fired);
        }
        Ok(tasks)
    }

    pub(crate) async fn set_scheduler_paused(&self, pause: bool, by: UserId) -> Result<bool> {
        self.write(move |tx| {
            Box::pin(async move {
                if tx.paused().await?.is_some() == pause {
                    return Ok(false);
                }
                sql("UPDATE hub SET scheduler_paused = $1")
                    .bind(micros(pause.then_some(tx.now)))
                    .execute(&mut tx.conn)
                    .await?;
                if !pause {
                    tx.end_by_conditions(&[Condition::PAUSED.to_owned()]).await?;
                    sql("DELETE FROM conditions WHERE key = $1")
                        .bind(Condition::PAUSED)
                        .execute(&mut tx.conn)
                        .await?;
                }
                tx.woken.objects = true;
                tx.tell(tell::scheduler(pause, &by), None);
                Ok(true)
            })
        })
        .await
    }

    pub(crate) async fn scheduler_paused(&self) -> Result<Option<Timestamp>> {
        let mut conn = self.reader().await?;
        sql("SELECT scheduler_paused FROM hub")
            .fetch_one(&mut conn)
            .await?
            .opt_time("scheduler_paused")
    }
}
