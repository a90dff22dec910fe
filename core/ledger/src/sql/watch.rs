//! What a watch asks about runs: which wait, which go on, which ended well and whether what they made is still good.
//! Each is one or two statements however many jobs there are.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_types::progress::TaskStats;
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::verification::VerifyReport;
use ironcore_types::{JobName, ProjectName, TaskId, Timestamp};
use serde::Serialize;

use super::Sql;
use crate::db::{Row, Value, sql, to_json};
use crate::error::Result;
use crate::model::{Freshness, GoodRun, QueuedRun, RunningRun, SnapshotWindow};

/// A job by name, as a statement reads it.
#[derive(Serialize)]
struct Named<'a> {
    project: &'a str,
    job: &'a str,
}

/// Names of snapshots of a run, the lowest and the highest they can have.
#[derive(Serialize)]
struct Names<'a> {
    id: i64,
    datastore: &'a str,
    low: String,
    high: String,
}

fn good_run(row: &Row) -> Result<GoodRun> {
    let stats: TaskStats = row.json("stats")?;
    Ok(GoodRun {
        task: TaskId(row.num("id")?),
        started: row.time("started")?,
        ended: row.time("ended")?,
        snapshots: stats.snapshots,
    })
}

impl Sql {
    pub(crate) async fn late_starts(&self, now: Timestamp) -> Result<Vec<QueuedRun>> {
        let mut conn = self.reader().await?;
        // A further attempt is no late start: the first one began.
        let rows = sql(
            "SELECT id, upid, project, job, COALESCE(scheduled_for, queued) AS scheduled_for, not_before FROM tasks
             WHERE state = 'queued' AND automatic = 1 AND job IS NOT NULL AND retry_of IS NULL
                AND COALESCE(scheduled_for, queued) <= $1 AND (not_before IS NULL OR not_before <= $1)
             ORDER BY id",
        )
        .bind(now.as_micros())
        .fetch_all(&mut conn)
        .await?;
        rows.iter()
            .map(|row| {
                let scheduled_for = row.time("scheduled_for")?;
                let not_before = row.opt_time("not_before")?;
                Ok(QueuedRun {
                    task: TaskId(row.num("id")?),
                    upid: row.word("upid")?,
                    project: row.word("project")?,
                    job: row.word("job")?,
                    scheduled_for,
                    due: not_before.map_or(scheduled_for, |at| at.max(scheduled_for)),
                })
            })
            .collect()
    }

    pub(crate) async fn running_runs(&self) -> Result<Vec<RunningRun>> {
        let mut conn = self.reader().await?;
        let rows = sql(
            "SELECT id, upid, project, job, started FROM tasks WHERE state = 'running' AND job IS NOT NULL
             ORDER BY id",
        )
        .fetch_all(&mut conn)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(RunningRun {
                    task: TaskId(row.num("id")?),
                    upid: row.word("upid")?,
                    project: row.word("project")?,
                    job: row.word("job")?,
                    started: row.time("started")?,
                })
            })
            .collect()
    }

    pub(crate) async fn good_runs(
        &self,
        project: ProjectName,
        job: JobName,
        limit: u32,
    ) -> Result<Vec<GoodRun>> {
        let mut conn = self.reader().await?;
        // Two lists that the index has in order: sorting all runs of years would take longer than reading ten.
        let rows = sql("SELECT id, started, ended, stats FROM (
                SELECT * FROM (
                    SELECT id, started, ended, stats FROM tasks
                    WHERE project = $1 AND job = $2 AND state = 'ok' AND ended IS NOT NULL ORDER BY id DESC LIMIT $3) AS fine
                UNION ALL
                SELECT * FROM (
                    SELECT id, started, ended, stats FROM tasks
                    WHERE project = $1 AND job = $2 AND state = 'warning' AND ended IS NOT NULL ORDER BY id DESC LIMIT $3) AS warned
             ) AS good ORDER BY id DESC LIMIT $3")
        .bind(project.as_str())
        .bind(job.as_str())
        .bind(limit)
        .fetch_all(&mut conn)
        .await?;
        rows.iter().map(good_run).collect()
    }

    pub(crate) async fn freshness(&self, jobs: Vec<(ProjectName, JobName)>) -> Result<Vec<Freshness>> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let named: Vec<Named<'_>> = jobs
            .iter()
            .map(|(project, job)| Named {
                project: project.as_str(),
                job: job.as_str(),
            })
            .collect();
        let named = to_json("names of jobs", &named)?;
        let mut conn = self.reader().await?;
        let found = sql(
            "SELECT j.project AS project, j.name AS name, j.declared AS declared,
                (SELECT t.id FROM tasks t WHERE t.project = j.project AND t.job = j.name AND t.state = 'ok' AND t.ended IS NOT NULL
                 ORDER BY t.id DESC LIMIT 1) AS fine,
                (SELECT t.id FROM tasks t WHERE t.project = j.project AND t.job = j.name AND t.state = 'warning' AND t.ended IS NOT NULL
                 ORDER BY t.id DESC LIMIT 1) AS warned
             FROM RECORDS($1 AS want: project TEXT, job TEXT) CROSS JOIN jobs j
             WHERE j.project = want.project AND j.name = want.job ORDER BY j.project, j.name",
        )
        .bind(named)
        .fetch_all(&mut conn)
        .await?;
        let newest = found
            .iter()
            .map(|row| Ok(row.opt_num("fine")?.max(row.opt_num("warned")?)))
            .collect::<Result<Vec<Option<i64>>>>()?;
        let ids: Vec<i64> = newest.iter().copied().flatten().collect();
        let runs = sql("SELECT id, started, ended, stats FROM tasks WHERE id IN LIST($1)")
            .bind(Value::Numbers(ids))
            .fetch_all(&mut conn)
            .await?;
        let mut runs = runs
            .iter()
            .map(|row| good_run(row).map(|run| (run.task.0, run)))
            .collect::<Result<BTreeMap<i64, GoodRun>>>()?;
        found
            .iter()
            .zip(newest)
            .map(|(row, newest)| {
                Ok(Freshness {
                    project: row.word("project")?,
                    job: row.word("name")?,
                    declared: row.time("declared")?,
                    newest: newest.and_then(|id| runs.remove(&id)),
                })
            })
            .collect()
    }

    pub(crate) async fn bad_snapshots(&self, windows: Vec<SnapshotWindow>) -> Result<BTreeSet<TaskId>> {
        if windows.is_empty() {
            return Ok(BTreeSet::new());
        }
        // Names of one group go by time: whole seconds, always written in full.
        let names: Vec<Names<'_>> = windows
            .iter()
            .map(|window| Names {
                id: window.task.0,
                datastore: window.datastore.as_str(),
                low: SnapshotPath::new(window.group.clone(), window.from).to_string(),
                high: SnapshotPath::new(window.group.clone(), window.until).to_string(),
            })
            .collect();
        let names = to_json("names of snapshots", &names)?;
        let mut conn = self.reader().await?;
        let rows = sql("SELECT run.id AS id, h.body AS body
             FROM RECORDS($1 AS run: id BIGINT, datastore TEXT, low TEXT, high TEXT)
                CROSS JOIN verifications v CROSS JOIN verification_history h
             WHERE v.datastore = run.datastore AND v.snapshot >= run.low AND v.snapshot <= run.high
                AND h.id = v.latest")
        .bind(names)
        .fetch_all(&mut conn)
        .await?;
        let mut bad = BTreeSet::new();
        for row in &rows {
            let report: VerifyReport = row.json("body")?;
            if report.result.is_bad() {
                bad.insert(TaskId(row.num("id")?));
            }
        }
        Ok(bad)
    }
}
