//! Statistics of tasks, and how datastores fill.

use axum::Json;
use axum::extract::State;
use ironcore_ledger::model::{PartSums, SpanSums, StatisticsBy, StatisticsFilter};
use ironcore_types::clock_text::parse_time;
use ironcore_types::projection::{self, projection};
use ironcore_types::statistics::{Bucket, Sums};
use ironcore_types::{DatastoreName, Span, TaskType, Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Access;
use crate::error::ApiError;
use crate::extract::{self, Path, Query};
use crate::state::ApiState;
use crate::wire::{Figures, PartFigures, SpanFigures, SplitBy, Statistics, UsageHistory};

/// How far back statistics and samples go when nothing else is said.
const USUAL: Span = Span::from_days(30);
/// The types that write to a datastore: what the metrics speak of.
const WRITERS: [TaskType; 2] = [TaskType::Backup, TaskType::Sync];

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(usage))
}

/// Which attempts are added up, and how.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct StatisticsQuery {
    /// Of this project.
    project: Option<String>,
    /// Of this job.
    job: Option<String>,
    /// Writing to this datastore, or reading it when they write to none.
    datastore: Option<String>,
    /// Task types, joined by commas; `backup,sync` when missing.
    #[serde(rename = "type")]
    task_type: Option<String>,
    /// Ended at or after this: RFC 3339, a date, or `24h ago`. 30 days ago when missing.
    since: Option<String>,
    /// Ended before this; now when missing.
    until: Option<String>,
    /// Added up by `hour`, `day` or `week` of UTC (weeks begin on Monday), or `none` (the total only).
    bucket: Option<String>,
    /// Also added up by `job` or by `datastore`; `none` when missing.
    by: Option<String>,
}

pub(super) fn time(name: &str, text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
    text.map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| parse_time(text, now).map_err(|error| extract::parameter(name, &error)))
        .transpose()
}

fn split(text: Option<&str>) -> Result<SplitBy, ApiError> {
    match text.map(str::trim).unwrap_or_default() {
        "" | "none" => Ok(SplitBy::None),
        "job" => Ok(SplitBy::Job),
        "datastore" => Ok(SplitBy::Datastore),
        other => Err(extract::parameter(
            "by",
            &format!("{other:?} is not one of none, job, datastore"),
        )),
    }
}

fn figures(sums: Sums) -> Figures {
    Figures {
        metrics: sums.metrics(),
        sums,
    }
}

/// What backups and syncs (or tasks of other types) moved: rates, deduplication, compression. A token with a project
/// sees that project's share, of a datastore too.
#[utoipa::path(
    get, path = "/api/v1/statistics", tag = "statistics", operation_id = "statistics", params(StatisticsQuery),
    responses((status = 200, body = Statistics))
)]
async fn show(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<StatisticsQuery>,
) -> Result<Json<Statistics>, ApiError> {
    let now = state.seams().now();
    let mut types: Vec<TaskType> = extract::list("type", query.task_type.as_deref())?;
    if types.is_empty() {
        types = WRITERS.to_vec();
    }
    let datastore: Option<DatastoreName> = extract::optional("datastore", query.datastore.as_deref())?;
    if let Some(name) = &datastore {
        access.datastore(state.ledger(), name).await?;
    }
    let since = time("since", query.since.as_deref(), now)?.unwrap_or(now.before(USUAL.duration()));
    let until = time("until", query.until.as_deref(), now)?;
    let bucket: Bucket = extract::optional("bucket", query.bucket.as_deref())?.unwrap_or_default();
    let by = split(query.by.as_deref())?;
    let filter = StatisticsFilter {
        types,
        project: access.narrow(extract::optional("project", query.project.as_deref())?)?,
        job: extract::optional("job", query.job.as_deref())?,
        datastore,
        since: Some(since),
        // What ends in this moment is part of what there is now.
        until,
        bucket,
        by: match by {
            SplitBy::None => StatisticsBy::Nothing,
            SplitBy::Job => StatisticsBy::Job,
            SplitBy::Datastore => StatisticsBy::Datastore,
        },
    };
    let found = state.ledger().statistics(&filter).await?;
    let series = found
        .series
        .into_iter()
        .map(|SpanSums { start, sums }| SpanFigures {
            start,
            figures: figures(sums),
        });
    let parts = found.parts.into_iter().map(
        |PartSums {
             project,
             job,
             datastore,
             sums,
         }| PartFigures {
            project,
            job,
            datastore,
            figures: figures(sums),
        },
    );
    Ok(Json(Statistics {
        since,
        until: until.unwrap_or(now),
        types: filter.types,
        project: filter.project,
        bucket,
        total: figures(found.total),
        series: series.collect(),
        parts: parts.collect(),
    }))
}

/// How far back samples are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct UsageQuery {
    /// Samples from this on: RFC 3339, a date, or `7d ago`. 30 days ago when missing. The projection goes by the last
    /// 30 days whatever is asked for.
    since: Option<String>,
}

/// How full a datastore is and was, and when it will be full. Of one that other projects use too, a token with a project
/// sees its own part only.
#[utoipa::path(
    get, path = "/api/v1/datastores/{name}/usage", tag = "statistics", operation_id = "datastore_usage",
    params(("name" = DatastoreName, Path, description = "Its name."), UsageQuery),
    responses((status = 200, body = UsageHistory))
)]
async fn usage(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<DatastoreName>,
    Query(query): Query<UsageQuery>,
) -> Result<Json<UsageHistory>, ApiError> {
    let row = access.datastore(state.ledger(), &name).await?;
    let now = state.seams().now();
    let since = time("since", query.since.as_deref(), now)?.unwrap_or(now.before(USUAL.duration()));
    // One that cannot be read now still has a history.
    let usage = crate::usage::look(&state, &access, &row).await?.ok();
    let logical_bytes = usage.map(|usage| usage.logical_bytes);
    if !access.sees_whole(&row) {
        return Ok(Json(UsageHistory {
            datastore: name,
            projection: None,
            fill: "not shown: other projects use the datastore too".to_owned(),
            stored_bytes: None,
            free_bytes: None,
            logical_bytes,
            dedup_ratio: None,
            samples: Vec::new(),
        }));
    }
    let recent = now.before(projection::RECENT.duration());
    let samples = state.ledger().datastore_usage(&name, since.min(recent)).await?;
    let projection = projection(&samples, now);
    let stored_bytes = usage.and_then(|usage| usage.stored_bytes);
    let ratio =
        |(logical, stored): (u64, u64)| (logical > 0 && stored > 0).then(|| logical as f64 / stored as f64);
    Ok(Json(UsageHistory {
        datastore: name,
        fill: projection.fill.to_string(),
        projection: Some(projection),
        stored_bytes,
        free_bytes: usage.and_then(|usage| usage.free_bytes),
        logical_bytes,
        dedup_ratio: logical_bytes.zip(stored_bytes).and_then(ratio),
        samples: samples.into_iter().filter(|point| point.at >= since).collect(),
    }))
}
