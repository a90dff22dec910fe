//! Statistics: a row for each attempt that ran, written with its end, and samples of how full datastores are.

use std::collections::BTreeMap;

use ironcore_types::projection::UsagePoint;
use ironcore_types::statistics::{Bucket, Sums};
use ironcore_types::{DatastoreName, JobName, ProjectName, TaskSpec, TaskType, Timestamp};
use serde::Serialize;

use super::Sql;
use super::tx::Tx;
use crate::db::{Row, Statement, signed, sql, to_json, words};
use crate::error::Result;
use crate::model::{DatastoreStatus, PartSums, SpanSums, Statistics, StatisticsBy, StatisticsFilter, Task};

const HOUR: i64 = 3_600_000_000;
/// Rows that one call of `forget_statistics` deletes of each table: the writer must not stand still for long.
const FORGET: i64 = 5_000;

/// A row of `task_statistics`, on its way there.
#[derive(Serialize)]
pub(super) struct StatisticsRow {
    task: i64,
    kind: &'static str,
    project: Option<String>,
    job: Option<String>,
    datastore: String,
    state: &'static str,
    ended: i64,
    duration: i64,
    bytes: i64,
    bytes_read: i64,
    bytes_logical: i64,
    bytes_new: i64,
    bytes_stored: i64,
    chunks: i64,
    chunks_known: i64,
    files: i64,
    files_unchanged: i64,
}

/// The datastore that a task writes to, or reads when it writes to none.
fn datastore(spec: &TaskSpec) -> &DatastoreName {
    match spec {
        TaskSpec::Backup(spec) => &spec.datastore,
        TaskSpec::Restore(spec) => &spec.snapshot.datastore,
        TaskSpec::Sync(spec) => &spec.to,
        TaskSpec::Verify(spec) => &spec.datastore,
        TaskSpec::Gc(spec) => &spec.datastore,
        TaskSpec::Prune(spec) => &spec.datastore,
    }
}

impl Tx {
    /// Counts an attempt that ended; it is written when the transaction ends.
    pub(super) fn count(&mut self, task: &Task) {
        let (Some(began), Some(ended)) = (task.started, task.ended) else {
            return;
        };
        // A dump of an hour does not make the backup after it slow.
        let worked = ended.since(began).saturating_sub(task.progress.commands());
        let duration = u64::try_from(worked.as_micros()).unwrap_or(u64::MAX);
        let sums = Sums::of(task.task_type(), task.state, duration, &task.stats);
        self.moved.push(StatisticsRow {
            task: task.id.0,
            kind: task.task_type().as_str(),
            project: task.project.as_ref().map(ProjectName::to_string),
            job: task.job.as_ref().map(JobName::to_string),
            datastore: datastore(&task.spec).to_string(),
            state: task.state.as_str(),
            ended: ended.as_micros(),
            duration: signed(sums.duration_us),
            bytes: signed(sums.bytes),
            bytes_read: signed(sums.bytes_read),
            bytes_logical: signed(sums.bytes_logical),
            bytes_new: signed(sums.bytes_new),
            bytes_stored: signed(sums.bytes_stored),
            chunks: signed(sums.chunks),
            chunks_known: signed(sums.chunks_known),
            files: signed(sums.files),
            files_unchanged: signed(sums.files_unchanged),
        });
    }

    /// Writes what was counted, all at once.
    pub(super) async fn write_statistics(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.moved);
        if rows.is_empty() {
            return Ok(());
        }
        sql(
            "INSERT INTO task_statistics (task, type, project, job, datastore, state, ended, duration, bytes,
                bytes_read, bytes_logical, bytes_new, bytes_stored, chunks, chunks_known, files, files_unchanged)
             SELECT task, kind, project, job, datastore, state, ended, duration, bytes,
                bytes_read, bytes_logical, bytes_new, bytes_stored, chunks, chunks_known, files, files_unchanged
             FROM RECORDS($1 AS r: task BIGINT, kind TEXT, project TEXT, job TEXT, datastore TEXT, state TEXT,
                ended BIGINT, duration BIGINT, bytes BIGINT, bytes_read BIGINT, bytes_logical BIGINT,
                bytes_new BIGINT, bytes_stored BIGINT, chunks BIGINT, chunks_known BIGINT, files BIGINT,
                files_unchanged BIGINT)",
        )
        .bind(to_json("statistics", &rows)?)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Keeps how full a datastore is, unless this hour has a sample already.
    pub(super) async fn sample_usage(
        &mut self,
        name: &DatastoreName,
        status: &DatastoreStatus,
    ) -> Result<()> {
        let (true, Some(used), Some(free)) = (status.online, status.used, status.free) else {
            return Ok(());
        };
        sql(
            "INSERT INTO datastore_usage (datastore, hour, at, used, free) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
        )
        .bind(name.as_str())
        .bind(status.at.as_micros().div_euclid(HOUR))
        .bind(status.at.as_micros())
        .bind(signed(used))
        .bind(signed(free))
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Forgets the samples of a datastore.
    pub(super) async fn forget_usage(&mut self, name: &DatastoreName) -> Result<()> {
        sql("DELETE FROM datastore_usage WHERE datastore = $1")
            .bind(name.as_str())
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    async fn forget_statistics(&mut self, before: Timestamp) -> Result<u64> {
        let tasks = sql("DELETE FROM task_statistics WHERE ended < $1 AND ended <= (
                SELECT MAX(ended) FROM (
                    SELECT ended FROM task_statistics WHERE ended < $1 ORDER BY ended LIMIT $2) AS oldest)");
        let samples = sql("DELETE FROM datastore_usage WHERE at < $1 AND at <= (
                SELECT MAX(at) FROM (
                    SELECT at FROM datastore_usage WHERE at < $1 ORDER BY at LIMIT $2) AS oldest)");
        let mut forgotten = 0;
        for deed in [tasks, samples] {
            forgotten += deed
                .bind(before.as_micros())
                .bind(FORGET)
                .execute(&mut self.conn)
                .await?;
        }
        Ok(forgotten)
    }
}

fn conditions(query: &mut Statement, filter: &StatisticsFilter) {
    query.push(" FROM task_statistics WHERE 1 = 1");
    if !filter.types.is_empty() {
        let types = words(filter.types.iter().copied().map(TaskType::as_str));
        query.push(" AND type IN LIST(").push_bind(types).push(")");
    }
    if let Some(project) = &filter.project {
        query.push(" AND project = ").push_bind(project.as_str());
    }
    if let Some(job) = &filter.job {
        query.push(" AND job = ").push_bind(job.as_str());
    }
    if let Some(datastore) = &filter.datastore {
        query.push(" AND datastore = ").push_bind(datastore.as_str());
    }
    if let Some(since) = filter.since {
        query.push(" AND ended >= ").push_bind(since.as_micros());
    }
    if let Some(until) = filter.until {
        query.push(" AND ended < ").push_bind(until.as_micros());
    }
}

/// The sums of a row that [`SUMS`] selected.
pub(super) fn sums(row: &Row) -> Result<Sums> {
    Ok(Sums {
        runs: row.count("runs")?,
        failed: row.count("failed")?,
        cancelled: row.count("cancelled")?,
        duration_us: row.count("duration")?,
        bytes: row.count("bytes")?,
        bytes_read: row.count("bytes_read")?,
        bytes_logical: row.count("bytes_logical")?,
        bytes_new: row.count("bytes_new")?,
        bytes_stored: row.count("bytes_stored")?,
        chunks: row.count("chunks")?,
        chunks_known: row.count("chunks_known")?,
        files: row.count("files")?,
        files_unchanged: row.count("files_unchanged")?,
    })
}

pub(super) const SUMS: &str = ",
    COUNT(CASE WHEN state IN ('ok', 'warning') THEN 1 END) AS runs,
    COUNT(CASE WHEN state = 'failed' THEN 1 END) AS failed,
    COUNT(CASE WHEN state = 'cancelled' THEN 1 END) AS cancelled,
    CAST(SUM(duration) AS BIGINT) AS duration, CAST(SUM(bytes) AS BIGINT) AS bytes,
    CAST(SUM(bytes_read) AS BIGINT) AS bytes_read, CAST(SUM(bytes_logical) AS BIGINT) AS bytes_logical,
    CAST(SUM(bytes_new) AS BIGINT) AS bytes_new, CAST(SUM(bytes_stored) AS BIGINT) AS bytes_stored,
    CAST(SUM(chunks) AS BIGINT) AS chunks, CAST(SUM(chunks_known) AS BIGINT) AS chunks_known,
    CAST(SUM(files) AS BIGINT) AS files, CAST(SUM(files_unchanged) AS BIGINT) AS files_unchanged";

/// Project, job and datastore of a part, as far as the parts are told apart by them.
type PartKey = (Option<String>, Option<String>, Option<String>);

/// One statement: by span of time, and by job or datastore where asked for. The database adds up no more than a
/// week, so that its sums fit; what is beyond is added up here.
fn query(filter: &StatisticsFilter) -> Statement {
    let (width, first) = filter.bucket.grid();
    let mut query = sql("SELECT (ended - ");
    query
        .push_bind(first)
        .push(") / ")
        .push_bind(width)
        .push(" AS span, ")
        .push(match filter.by {
            StatisticsBy::Nothing => {
                "CAST(NULL AS TEXT) AS project, CAST(NULL AS TEXT) AS job, CAST(NULL AS TEXT) AS datastore"
            }
            StatisticsBy::Job => "project, job, CAST(NULL AS TEXT) AS datastore",
            StatisticsBy::Datastore => "CAST(NULL AS TEXT) AS project, CAST(NULL AS TEXT) AS job, datastore",
        })
        .push(SUMS);
    conditions(&mut query, filter);
    query.push(match filter.by {
        StatisticsBy::Nothing => " GROUP BY 1",
        StatisticsBy::Job => " GROUP BY 1, project, job",
        StatisticsBy::Datastore => " GROUP BY 1, datastore",
    });
    query
}

impl Sql {
    pub(crate) async fn statistics(&self, filter: StatisticsFilter) -> Result<Statistics> {
        let mut conn = self.reader().await?;
        let rows = query(&filter).fetch_all(&mut conn).await?;
        let (width, first) = filter.bucket.grid();
        let mut total = Sums::default();
        let mut series: BTreeMap<i64, Sums> = BTreeMap::new();
        let mut parts: BTreeMap<PartKey, Sums> = BTreeMap::new();
        for row in &rows {
            let sums = sums(row)?;
            total.add(&sums);
            series.entry(row.num("span")?).or_default().add(&sums);
            if filter.by != StatisticsBy::Nothing {
                let part = (
                    row.opt_text("project")?,
                    row.opt_text("job")?,
                    row.opt_text("datastore")?,
                );
                parts.entry(part).or_default().add(&sums);
            }
        }
        let series = series.into_iter().filter(|_| filter.bucket != Bucket::None);
        let parts = parts.into_iter().map(|((project, job, datastore), sums)| {
            Ok(PartSums {
                project: name(project, "project")?,
                job: name(job, "job")?,
                datastore: name(datastore, "datastore")?,
                sums,
            })
        });
        Ok(Statistics {
            total,
            series: series
                .map(|(span, sums)| SpanSums {
                    start: Timestamp::from_micros(span * width + first),
                    sums,
                })
                .collect(),
            parts: parts.collect::<Result<_>>()?,
        })
    }

    pub(crate) async fn datastore_usage(
        &self,
        name: DatastoreName,
        since: Timestamp,
    ) -> Result<Vec<UsagePoint>> {
        let mut conn = self.reader().await?;
        let rows = sql("SELECT at, used, free FROM datastore_usage
             WHERE datastore = $1 AND hour >= $2 AND at >= $3 ORDER BY hour")
        .bind(name.as_str())
        .bind(since.as_micros().div_euclid(HOUR))
        .bind(since.as_micros())
        .fetch_all(&mut conn)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(UsagePoint {
                    at: row.time("at")?,
                    used_bytes: row.count("used")?,
                    free_bytes: row.count("free")?,
                })
            })
            .collect()
    }

    pub(crate) async fn forget_statistics(&self, before: Timestamp) -> Result<u64> {
        self.write(move |tx| Box::pin(async move { tx.forget_statistics(before).await }))
            .await
    }
}

/// A name of a row, read again.
fn name<T>(text: Option<String>, column: &'static str) -> Result<Option<T>>
where
    T: std::str::FromStr<Err: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    text.map(|text| {
        text.parse()
            .map_err(|error: T::Err| crate::error::LedgerError::row(column, error))
    })
    .transpose()
}
