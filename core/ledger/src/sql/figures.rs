//! Figures of the whole hub. Each statement goes by an index whose part it reads has a bound: it is asked every few
//! seconds for years.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_types::statistics::Sums;
use ironcore_types::{TaskState, Timestamp};

use super::Sql;
use super::sessions::live_sessions;
use super::statistics::{SUMS, sums};
use crate::db::{Conn, Row, Value, sql};
use crate::error::Result;
use crate::model::{DatastoreFigures, Figures, JobFigures, LastRun, MessageState, OpenFigures, Tally};
use crate::{FIGURES_ATTEMPTS, FIGURES_COUNT, FIGURES_DATASTORES, FIGURES_JOBS};

/// What a watch calls a job without a recent good run; `PROJECT/JOB` follows.
const OVERDUE: &str = "overdue/";

fn bound(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

async fn open(conn: &mut Conn) -> Result<Vec<OpenFigures>> {
    let rows = sql(
        "SELECT type, state, COUNT(*) AS number,
            MIN(CASE WHEN not_before IS NOT NULL AND not_before > queued THEN not_before ELSE queued END) AS oldest
         FROM (SELECT type, state, queued, not_before FROM tasks WHERE state IN ('queued', 'running')
               ORDER BY id LIMIT $1) AS open
         GROUP BY type, state ORDER BY type, state",
    )
    .bind(FIGURES_COUNT.cast_signed())
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(OpenFigures {
                task_type: row.word("type")?,
                state: row.word("state")?,
                count: row.count("number")?,
                oldest: row.time("oldest")?,
            })
        })
        .collect()
}

/// The newest of the attempts that these columns name.
fn newest(row: &Row, columns: &[&'static str]) -> Result<Option<i64>> {
    let mut newest = None;
    for column in columns {
        newest = newest.max(row.opt_num(column)?);
    }
    Ok(newest)
}

fn last_run(row: &Row) -> Result<(i64, LastRun)> {
    let ended = row.time("ended")?;
    let started = row.opt_time("started")?.unwrap_or(ended);
    let state: TaskState = row.word("state")?;
    let duration = ended.since(started);
    Ok((
        row.num("id")?,
        LastRun {
            state,
            ended,
            duration,
        },
    ))
}

async fn jobs(conn: &mut Conn) -> Result<Vec<JobFigures>> {
    let found = sql("SELECT j.project AS project, j.name AS name, j.enabled AS enabled,
            (SELECT t.id FROM tasks t WHERE t.project = j.project AND t.job = j.name AND t.state = 'ok' AND t.ended IS NOT NULL
             ORDER BY t.id DESC LIMIT 1) AS fine,
            (SELECT t.id FROM tasks t WHERE t.project = j.project AND t.job = j.name AND t.state = 'warning' AND t.ended IS NOT NULL
             ORDER BY t.id DESC LIMIT 1) AS warned,
            (SELECT t.id FROM tasks t WHERE t.project = j.project AND t.job = j.name AND t.state = 'failed' AND t.ended IS NOT NULL
             ORDER BY t.id DESC LIMIT 1) AS failed
         FROM jobs j ORDER BY j.project, j.name LIMIT $1")
    .bind(bound(FIGURES_JOBS))
    .fetch_all(conn)
    .await?;
    let mut ids = Vec::with_capacity(found.len() * 2);
    for row in &found {
        ids.extend(newest(row, &["fine", "warned"])?);
        ids.extend(row.opt_num("failed")?);
    }
    let runs = sql("SELECT id, state, started, ended FROM tasks WHERE id IN LIST($1)")
        .bind(Value::Numbers(ids))
        .fetch_all(conn)
        .await?;
    let runs = runs
        .iter()
        .map(last_run)
        .collect::<Result<BTreeMap<i64, LastRun>>>()?;
    let overdue = sql("SELECT key FROM conditions WHERE key >= $1 AND key < $2 ORDER BY key LIMIT $3")
        .bind(OVERDUE)
        .bind(format!("{OVERDUE}\u{10FFFF}"))
        .bind(FIGURES_COUNT.cast_signed())
        .fetch_all(conn)
        .await?;
    let overdue = overdue
        .iter()
        .map(|row| row.text("key"))
        .collect::<Result<BTreeSet<String>>>()?;
    let run = |id: Option<i64>| id.and_then(|id| runs.get(&id).copied());
    found
        .iter()
        .map(|row| {
            let key = format!("{OVERDUE}{}/{}", row.text("project")?, row.text("name")?);
            Ok(JobFigures {
                project: row.word("project")?,
                job: row.word("name")?,
                enabled: row.flag("enabled")?,
                overdue: overdue.contains(&key),
                last_good: run(newest(row, &["fine", "warned"])?),
                last: run(newest(row, &["fine", "warned", "failed"])?),
            })
        })
        .collect()
}

/// What the last attempts of a datastore moved.
async fn recent(conn: &mut Conn, name: &str) -> Result<Sums> {
    let mut query = sql("SELECT 1 AS one");
    // As a range, and in the order of both, for one index alone is good: PostgreSQL would take the one by time and go
    // through all there is when nothing happened to the datastore lately.
    query.push(SUMS).push(
        " FROM (SELECT * FROM task_statistics s WHERE s.datastore >= $1 AND s.datastore <= $1
                ORDER BY s.datastore DESC, s.ended DESC LIMIT $2) AS last HAVING COUNT(*) > 0",
    );
    let row = query
        .bind(name)
        .bind(FIGURES_ATTEMPTS.cast_signed())
        .fetch_optional(conn)
        .await?;
    row.map_or(Ok(Sums::default()), |row| sums(&row))
}

async fn datastores(conn: &mut Conn) -> Result<Vec<DatastoreFigures>> {
    // As in `recent`.
    let rows = sql("SELECT d.name AS name, d.status AS status,
            (SELECT h.recorded FROM verification_history h
             WHERE h.datastore >= d.name AND h.datastore <= d.name AND h.result >= 'OK' AND h.result <= 'OK'
             ORDER BY h.datastore DESC, h.result DESC, h.id DESC LIMIT 1) AS verified
         FROM datastores d ORDER BY d.name LIMIT $1")
    .bind(bound(FIGURES_DATASTORES))
    .fetch_all(conn)
    .await?;
    let mut datastores = Vec::with_capacity(rows.len());
    for row in &rows {
        datastores.push(DatastoreFigures {
            name: row.word("name")?,
            status: row.opt_json("status")?,
            last_good_verification: row.opt_time("verified")?,
            recent: recent(conn, &row.text("name")?).await?,
        });
    }
    Ok(datastores)
}

/// What is one number each. Messages are counted as `recent` reads.
const NUMBERS: &str =
    "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM messages WHERE state >= 'pending' AND state <= 'pending' ORDER BY state, number LIMIT $1) AS p) AS pending,
        (SELECT COUNT(*) FROM (SELECT 1 FROM messages WHERE state >= 'sending' AND state <= 'sending' ORDER BY state, number LIMIT $1) AS s) AS sending,
        (SELECT COUNT(*) FROM (SELECT 1 FROM messages WHERE state >= 'dead' AND state <= 'dead' ORDER BY state, number LIMIT $1) AS d) AS dead,
        (SELECT due FROM messages VIA(messages_ready) WHERE state = 'pending' AND head = 1 ORDER BY due LIMIT 1) AS oldest_due,
        (SELECT COUNT(*) FROM circuits WHERE failures > 0) AS circuits,
        (SELECT COUNT(*) FROM handler_health WHERE disabled IS NOT NULL) AS disabled,
        (SELECT COUNT(*) FROM jobs) AS jobs, (SELECT COUNT(*) FROM datastores) AS datastores,
        (SELECT COALESCE(MAX(seq), 0) FROM events) - matched_seq AS unmatched, scheduler_paused
     FROM hub";

impl Sql {
    pub(crate) async fn figures(&self) -> Result<Figures> {
        let mut conn = self.reader().await?;
        let at = self.now(&mut conn).await?;
        let row = sql(NUMBERS)
            .bind(FIGURES_COUNT.cast_signed())
            .fetch_one(&mut conn)
            .await?;
        let jobs = jobs(&mut conn).await?;
        let datastores = datastores(&mut conn).await?;
        let left_out = |all: u64, shown: usize| all.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
        let leases = self.lease_time(&mut conn).await?;
        Ok(Figures {
            at,
            open: open(&mut conn).await?,
            jobs_left_out: left_out(row.count("jobs")?, jobs.len()),
            jobs,
            datastores_left_out: left_out(row.count("datastores")?, datastores.len()),
            datastores,
            messages: vec![
                (MessageState::Pending, row.count("pending")?),
                (MessageState::Sending, row.count("sending")?),
                (MessageState::Dead, row.count("dead")?),
            ],
            oldest_due: row.opt_time("oldest_due")?.filter(|due: &Timestamp| *due <= at),
            // Between two rows of one look another hub may have fanned out.
            unmatched: row.num("unmatched")?.max(0).cast_unsigned(),
            circuits: row.count("circuits")?,
            disabled_handlers: row.count("disabled")?,
            scheduler_paused: row.opt_time("scheduler_paused")?,
            sessions: live_sessions(&mut conn, leases).await?,
            writer_queue: self.writer.queue(),
        })
    }

    pub(crate) fn tally(&self) -> Tally {
        self.counted.read()
    }
}
