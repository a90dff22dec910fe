//! Jobs whose next run takes the place of the one before (`overlap = "cancel-old"`) when it may begin: at once, as its tick
//! is fired, or later, when a delay or a blackout window held it.

use ironcore_types::objects::{Job, OverlapPolicy};
use ironcore_types::{Timestamp, Upid};
use serde::Serialize;

use super::Sql;
use crate::db::{Conn, Row, readable, sql, to_json};
use crate::error::Result;
use crate::rules::overlap::by_the_hub;

#[derive(Serialize)]
struct JobKey<'j> {
    of_project: &'j str,
    of_job: &'j str,
}

/// Runs that the hub started and that wait or go on, each with one that waits behind it: a newer one, or any, behind a
/// further attempt of a run before it.
const PAIRS: &str = "SELECT o.upid, o.project, o.job, q.not_before
     FROM RECORDS($1 AS r: of_project TEXT, of_job TEXT)
     JOIN tasks q ON q.project = r.of_project AND q.job = r.of_job AND q.state = 'queued' AND q.automatic = 1
        AND q.retry_of IS NULL
     JOIN tasks o ON o.project = r.of_project AND o.job = r.of_job AND o.state IN ('queued', 'running')
        AND o.automatic = 1 AND o.cancel_by IS NULL AND o.id <> q.id
        AND (o.state = 'running' OR o.retry_of IS NOT NULL OR o.id < q.id)";

/// When the run that waits may begin.
fn may_begin(row: &Row, jobs: &[Job], now: Timestamp) -> Result<Option<Timestamp>> {
    let (project, name) = (row.text("project")?, row.text("job")?);
    let at = row.opt_time("not_before")?.unwrap_or(now);
    let job = jobs
        .iter()
        .find(|job| job.project.as_str() == project && job.name.as_str() == name);
    Ok(job.map(|job| job.blackout_at(at.max(now)).unwrap_or(at)))
}

/// The jobs of which the next run takes the place of the one before. Few are, so their text is looked at before it is read.
async fn cancelling_jobs(conn: &mut Conn) -> Result<Vec<Job>> {
    let rows = sql("SELECT body FROM jobs WHERE enabled = 1 AND body LIKE '%cancel-old%'")
        .fetch_all(conn)
        .await?;
    let jobs = rows
        .iter()
        .map(|row| readable::<Job>("a job", row.json("body")))
        .collect::<Result<Vec<_>>>()?;
    let cancels = |job: &Job| job.overlap == OverlapPolicy::CancelOld;
    Ok(jobs.into_iter().flatten().filter(cancels).collect())
}

impl Sql {
    /// Cancels what waits or goes on of jobs whose next run takes its place and may begin now. When the next of the others
    /// may.
    pub(crate) async fn supersede(&self) -> Result<Option<Timestamp>> {
        let mut conn = self.reader().await?;
        let jobs = cancelling_jobs(&mut conn).await?;
        if jobs.is_empty() {
            return Ok(None);
        }
        let keys: Vec<JobKey<'_>> = jobs
            .iter()
            .map(|job| JobKey {
                of_project: job.project.as_str(),
                of_job: job.name.as_str(),
            })
            .collect();
        let now = self.now(&mut conn).await?;
        let rows = sql(PAIRS)
            .bind(to_json("jobs", &keys)?)
            .fetch_all(&mut conn)
            .await?;
        drop(conn);
        let (mut due, mut next) = (Vec::<Upid>::new(), None::<Timestamp>);
        for row in &rows {
            match may_begin(row, &jobs, now)? {
                Some(at) if at > now => next = Some(next.map_or(at, |next| next.min(at))),
                Some(_) => due.push(row.word("upid")?),
                None => {}
            }
        }
        if !due.is_empty() {
            self.write(move |tx| {
                Box::pin(async move {
                    let hub = by_the_hub()?;
                    for upid in &due {
                        tx.cancel(upid, &hub).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        }
        Ok(next)
    }
}
