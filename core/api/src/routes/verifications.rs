//! Reports of verifications, each with all that was found.

use axum::Json;
use axum::extract::State;
use ironcore_ledger::model::{GroupScope, Page, ReportFilter};
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::{DatastoreName, ErrorCode, SnapshotRef, VerifyResult};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::statistics::time;
use crate::access::{Access, VisibleGroups};
use crate::error::ApiError;
use crate::extract::{self, Path, Query};
use crate::state::ApiState;
use crate::view;
use crate::wire::ReportList;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which reports are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ReportQuery {
    /// Of this snapshot: `[ns/NAMESPACE/]TYPE/ID/TIME`.
    snapshot: Option<String>,
    /// Results, joined by commas, as they count today: `OK`, `STALE`, `CORRUPT`, `MISSING`; case is ignored.
    result: Option<String>,
    /// By runs of this job.
    job: Option<String>,
    /// Began at or after this: RFC 3339, a date, or `24h ago`.
    since: Option<String>,
    /// Began before this.
    until: Option<String>,
    /// `true`: only the latest report of each snapshot.
    latest: Option<bool>,
    /// At most this many; 100 when missing, and never more than 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
}

fn results(text: Option<&str>) -> Result<Vec<VerifyResult>, ApiError> {
    let words: Vec<String> = extract::list("result", text)?;
    let read = words.iter().map(|word| {
        let mut known = VerifyResult::ALL.iter().copied();
        let found = known.find(|result| result.as_str().eq_ignore_ascii_case(word));
        found.ok_or_else(|| {
            let why = format!("{word:?} is not one of OK, STALE, CORRUPT, MISSING");
            extract::parameter("result", &why)
        })
    });
    read.collect()
}

/// Verifications of a datastore's snapshots, last recorded first; every one that was made, those of snapshots that are
/// gone as well.
#[utoipa::path(
    get, path = "/api/v1/datastores/{name}/verifications", tag = "snapshots", operation_id = "list_verifications",
    params(("name" = DatastoreName, Path, description = "The datastore."), ReportQuery),
    responses((status = 200, body = ReportList))
)]
async fn list(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<DatastoreName>,
    Query(query): Query<ReportQuery>,
) -> Result<Json<ReportList>, ApiError> {
    let row = access.datastore(state.ledger(), &name).await?;
    let groups = match access.groups_of(state.ledger(), &row).await? {
        VisibleGroups::All => GroupScope::All,
        VisibleGroups::AllBut(foreign) => GroupScope::AllBut(foreign.into_iter().collect()),
        VisibleGroups::Only(own) => GroupScope::Only(own.into_iter().collect()),
    };
    // With other wishes there may be none of this snapshot that fulfils them.
    let whole =
        query.result.is_none() && query.job.is_none() && query.since.is_none() && query.until.is_none();
    let (now, keep) = (state.seams().now(), row.object.keep_verified);
    let snapshot: Option<SnapshotPath> = extract::optional("snapshot", query.snapshot.as_deref())?;
    let wanted = snapshot.clone().map(|path| SnapshotRef {
        datastore: name.clone(),
        path,
    });
    if let Some(reference) = &wanted {
        access.snapshot(state.ledger(), reference).await?;
    }
    let filter = ReportFilter {
        datastore: name,
        groups,
        snapshot,
        job: extract::optional("job", query.job.as_deref())?,
        results: results(query.result.as_deref())?,
        stale_before: now.before(keep.duration()),
        since: time("since", query.since.as_deref(), now)?,
        until: time("until", query.until.as_deref(), now)?,
        latest: query.latest.unwrap_or(false),
    };
    let page = Page {
        limit: extract::limit(query.limit, 100)?,
        cursor: query.cursor,
    };
    let found = state.ledger().verification_reports(&filter, &page).await?;
    // Of one that is gone there are reports; of one that never was there is nothing to say.
    if let Some(reference) = wanted.filter(|_| whole && found.total.value == 0) {
        match super::snapshots::find(&state, &reference).await {
            Err(error) if error.code() == ErrorCode::SnapshotNotFound => return Err(error),
            // While the datastore cannot be read, nobody knows.
            _ => {}
        }
    }
    let reports = found.reports.into_iter().map(|row| view::report(row, keep, now));
    Ok(Json(ReportList {
        reports: reports.collect(),
        next: found.next,
        count: found.total.value,
        count_capped: found.total.more,
    }))
}
