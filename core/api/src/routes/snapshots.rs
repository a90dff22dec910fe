//! Snapshots: list and show, with their verification.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use ironcore_ledger::model::{DatastoreRow, VerificationRow};
use ironcore_store::{SnapshotFilter, SnapshotInfo};
use ironcore_types::snapshot::{BackupGroup, Namespace, SnapshotPath};
use ironcore_types::verification::VerifyFailure;
use ironcore_types::{BackupId, BackupType, DatastoreName, SnapshotRef, Timestamp, VerifyResult};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Access;
use crate::error::ApiError;
use crate::extract::{self, Path, Query};
use crate::state::ApiState;
use crate::view;
use crate::wire::{Snapshot, SnapshotDetail, SnapshotList};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// Which snapshots are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct SnapshotQuery {
    /// Of this namespace; all when missing, the root when empty.
    namespace: Option<String>,
    /// Of this kind of workload: `vm`, `ct` or `host`.
    #[serde(rename = "type")]
    backup_type: Option<String>,
    /// Of this workload.
    id: Option<String>,
    /// Only snapshots whose path (`[ns/NAMESPACE/]TYPE/ID/TIME`) or notes hold this text.
    text: Option<String>,
    /// At most this many; 100 when missing, and never more than 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
}

/// What a query lets pass.
struct Wanted {
    namespace: Option<Namespace>,
    backup_type: Option<BackupType>,
    id: Option<BackupId>,
    text: Option<String>,
}

impl Wanted {
    fn read(query: &SnapshotQuery) -> Result<Self, ApiError> {
        let namespace = query.namespace.as_deref().map(str::parse).transpose();
        Ok(Self {
            namespace: namespace.map_err(|error| extract::parameter("namespace", &error))?,
            backup_type: extract::optional("type", query.backup_type.as_deref())?,
            id: extract::optional("id", query.id.as_deref())?,
            text: query.text.clone().filter(|text| !text.is_empty()),
        })
    }

    fn pass(&self, info: &SnapshotInfo) -> bool {
        self.group(&info.path.group) && self.text.as_deref().is_none_or(|text| holds(info, text))
    }

    fn group(&self, group: &BackupGroup) -> bool {
        self.namespace
            .as_ref()
            .is_none_or(|namespace| group.namespace == *namespace)
            && self
                .backup_type
                .is_none_or(|backup_type| group.backup_type == backup_type)
            && self.id.as_ref().is_none_or(|id| group.id == *id)
    }
}

fn holds(info: &SnapshotInfo, text: &str) -> bool {
    info.path.to_string().contains(text) || info.notes.as_deref().is_some_and(|notes| notes.contains(text))
}

/// Snapshots of a datastore, newest first.
#[utoipa::path(
    get, path = "/api/v1/datastores/{name}/snapshots", tag = "snapshots", operation_id = "list_snapshots",
    params(("name" = DatastoreName, Path, description = "The datastore."), SnapshotQuery),
    responses((status = 200, body = SnapshotList))
)]
async fn list(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<DatastoreName>,
    Query(query): Query<SnapshotQuery>,
) -> Result<Json<SnapshotList>, ApiError> {
    let row = access.datastore(state.ledger(), &name).await?;
    let visible = access.groups_of(state.ledger(), &row).await?;
    let wanted = Wanted::read(&query)?;
    let limit = usize::try_from(extract::limit(query.limit, 100)?).unwrap_or(usize::MAX);
    let cursor: Option<SnapshotPath> = extract::optional("cursor", query.cursor.as_deref())?;

    let datastore = state.stores().open(&name).await?;
    let found =
        tokio::task::spawn_blocking(move || datastore.snapshots(&SnapshotFilter::default())).await??;
    let mut found: Vec<SnapshotInfo> = found
        .into_iter()
        .filter(|info| visible.show(&info.path.group) && wanted.pass(info))
        .collect();
    found.sort_by(|a, b| newest_first(&a.path, &b.path));
    let count = u64::try_from(found.len()).unwrap_or(u64::MAX);
    // The cursor is the last snapshot of the page before; it may be gone by now.
    let begin = cursor.map_or(0, |cursor| {
        found.partition_point(|info| newest_first(&info.path, &cursor) != std::cmp::Ordering::Greater)
    });
    let page: Vec<SnapshotInfo> = found.drain(begin..).take(limit + 1).collect();
    let more = page.len() > limit;
    let next = page
        .get(limit.saturating_sub(1))
        .filter(|_| more)
        .map(|info| info.path.to_string());

    let verified = state.ledger().verifications(&name, None).await?;
    let verified: HashMap<SnapshotPath, VerificationRow> = verified
        .into_iter()
        .map(|row| (row.report.snapshot.clone(), row))
        .collect();
    let now = state.seams().now();
    let snapshots = page.into_iter().take(limit).map(|info| {
        let latest = verified.get(&info.path);
        snapshot(&row, &info, latest, now)
    });
    Ok(Json(SnapshotList {
        snapshots: snapshots.collect(),
        next,
        count,
    }))
}

fn newest_first(a: &SnapshotPath, b: &SnapshotPath) -> std::cmp::Ordering {
    b.time.cmp(&a.time).then_with(|| a.group.cmp(&b.group))
}

/// A snapshot as its datastore has it; access is for the caller to see to.
pub(super) async fn find(state: &ApiState, reference: &SnapshotRef) -> Result<SnapshotInfo, ApiError> {
    let datastore = state.stores().open(&reference.datastore).await?;
    let path = reference.path.clone();
    let info = tokio::task::spawn_blocking(move || datastore.snapshot(&path)).await?;
    info.map_err(|error| match error.code() {
        ironcore_types::ErrorCode::SnapshotNotFound => ApiError::Invalid {
            code: ironcore_types::ErrorCode::SnapshotNotFound,
            detail: format!("There is no snapshot {reference}."),
            faults: Vec::new(),
        },
        _ => ApiError::Store(error),
    })
}

/// One snapshot with its verification: the last result, and the history.
#[utoipa::path(
    get, path = "/api/v1/snapshots/{ref}", tag = "snapshots", operation_id = "show_snapshot",
    params(("ref" = SnapshotRef, Path, description = "Percent-encoded reference DATASTORE:[ns/NAMESPACE/]TYPE/ID/TIME.")),
    responses((status = 200, body = SnapshotDetail))
)]
async fn show(
    State(state): State<ApiState>,
    access: Access,
    Path(reference): Path<SnapshotRef>,
) -> Result<Json<SnapshotDetail>, ApiError> {
    let row = access.snapshot(state.ledger(), &reference).await?;
    let info = find(&state, &reference).await?;
    let history = state
        .ledger()
        .verification_history(&reference.datastore, &reference.path)
        .await?;
    let (keep, now) = (row.object.keep_verified, state.seams().now());
    let latest = history.first().cloned();
    Ok(Json(SnapshotDetail {
        snapshot: snapshot(&row, &info, latest.as_ref(), now),
        verification: match bad_manifest(&info, latest.as_ref()) {
            Some(failure) => Some(view::bad_manifest(failure, now)),
            None => latest.map(|latest| view::verification(latest, keep, now)),
        },
        history: history
            .into_iter()
            .map(|entry| view::verification(entry, keep, now))
            .collect(),
    }))
}

/// What is wrong with the manifest as it is now, unless the latest verification says so already. An OK from before
/// must not be shown: nothing can be restored by a manifest that is not to be trusted.
fn bad_manifest(info: &SnapshotInfo, latest: Option<&VerificationRow>) -> Option<VerifyFailure> {
    let told = latest.and_then(|latest| latest.report.failure.as_ref());
    info.fault()
        .filter(|fault| told.is_none_or(|told| told.code != fault.code))
}

fn snapshot(
    row: &DatastoreRow,
    info: &SnapshotInfo,
    latest: Option<&VerificationRow>,
    now: Timestamp,
) -> Snapshot {
    let group = info.path.group.clone();
    let manifest = info.manifest.as_ref();
    let (verification, verified, failure) = match (bad_manifest(info, latest), latest) {
        (Some(failure), _) => (Some(VerifyResult::Corrupt), Some(now), Some(failure)),
        (None, Some(latest)) => (
            Some(view::result_now(latest, row.object.keep_verified, now)),
            Some(latest.report.started),
            latest.report.failure.clone(),
        ),
        (None, None) => (None, None, None),
    };
    Snapshot {
        datastore: row.object.name.clone(),
        namespace: group.namespace.to_string(),
        backup_type: group.backup_type,
        id: group.id,
        time: info.path.time,
        readable: manifest.is_some(),
        trusted: info.trusted,
        protected: info.protected,
        notes: info.notes.clone(),
        source: manifest.map(|manifest| manifest.source.tree.clone()),
        finished: manifest.map(|manifest| manifest.finished),
        bytes: manifest.map(|manifest| manifest.bytes),
        bytes_added: manifest.map(|manifest| manifest.bytes_added),
        files: manifest.map(|manifest| manifest.entries),
        warnings: manifest.map(|manifest| manifest.warnings),
        upid: manifest.and_then(|manifest| manifest.upid.clone()),
        project: manifest.and_then(|manifest| manifest.project.clone()),
        job: manifest.and_then(|manifest| manifest.job.clone()),
        user: manifest.map(|manifest| manifest.user.clone()),
        hub: manifest.map(|manifest| manifest.hub),
        verification,
        verified,
        failure,
        snapshot: SnapshotRef {
            datastore: row.object.name.clone(),
            path: info.path.clone(),
        },
    }
}
