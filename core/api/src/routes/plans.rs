//! What would be: the runs of a job that is not declared yet, and what retention would keep. Nothing is changed here; the
//! scheduler and the prune job go by the same functions.

use axum::Json;
use axum::extract::State;
use ironcore_store::{PrunePlan, PruneRequest, SnapshotFilter};
use ironcore_types::SnapshotRef;
use ironcore_types::snapshot::BackupGroup;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Access;
use crate::declare;
use crate::error::ApiError;
use crate::extract::{self, Json as Body};
use crate::state::ApiState;
use crate::wire::{LeftAlone, PlanPrune, PlanRuns, PlannedPrune, PlannedRuns, PlannedSnapshot};

/// Snapshots of a plan that are told one by one.
const TOLD: usize = 10_000;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(runs)).routes(routes!(prune))
}

/// The next runs of a job as it would be declared. Its faults are those of a declaration; names that it refers to are
/// not looked up.
#[utoipa::path(
    post, path = "/api/v1/plans/runs", tag = "jobs", operation_id = "plan_runs",
    request_body = PlanRuns, responses((status = 200, body = PlannedRuns))
)]
async fn runs(
    State(state): State<ApiState>,
    access: Access,
    Body(asked): Body<PlanRuns>,
) -> Result<Json<PlannedRuns>, ApiError> {
    access.narrow(Some(asked.job.project.clone()))?;
    let faults = declare::faults_of_job(&asked.job);
    if !faults.is_empty() {
        return Err(ApiError::faulty("The job is not valid.", faults));
    }
    let count = usize::try_from(extract::limit(asked.limit, 10)?).unwrap_or(usize::MAX);
    let now = state.seams().now();
    let planned = tokio::task::spawn_blocking(move || asked.job.runs(now, count, None)).await?;
    Ok(Json(PlannedRuns {
        runs: planned.runs,
        left_out: planned.left_out,
        endless: planned.endless,
    }))
}

/// What a removal of snapshots would keep and remove now, and why: a simulator for retention rules.
#[utoipa::path(
    post, path = "/api/v1/plans/prune", tag = "snapshots", operation_id = "plan_prune",
    request_body = PlanPrune, responses((status = 200, body = PlannedPrune))
)]
async fn prune(
    State(state): State<ApiState>,
    access: Access,
    Body(asked): Body<PlanPrune>,
) -> Result<Json<PlannedPrune>, ApiError> {
    let project = access.narrow(asked.project)?;
    let spec = asked.prune;
    let name = spec.datastore.clone();
    access.datastore(state.ledger(), &name).await?;
    let owned: Option<Vec<BackupGroup>> = match &project {
        None => None,
        Some(project) => {
            let owners = state.ledger().group_owners(&name).await?.into_iter();
            let mine = owners.filter(|owner| owner.project == *project);
            Some(mine.map(|owner| owner.group).collect())
        }
    };
    if spec.keep.keeps_nothing() {
        return Err(ApiError::invalid(
            "keep: every rule is 0, which would remove every snapshot; leave a rule out to switch it off.",
        ));
    }
    let datastore = state.stores().open(&name).await?;
    let request = PruneRequest {
        filter: SnapshotFilter {
            namespace: Some(spec.namespace),
            groups: spec.groups,
            job: None,
        },
        keep: spec.keep,
        timezone: spec.timezone,
    };
    let plan = tokio::task::spawn_blocking(move || datastore.prune_plan(&request)).await??;
    let mine = |group: &BackupGroup| owned.as_ref().is_none_or(|owned| owned.contains(group));
    Ok(Json(told(&name, plan, mine)))
}

/// The plan for the groups that are asked for: each is planned by itself.
fn told(
    datastore: &ironcore_types::DatastoreName,
    plan: PrunePlan,
    mine: impl Fn(&BackupGroup) -> bool,
) -> PlannedPrune {
    let reference = |path: ironcore_types::snapshot::SnapshotPath| SnapshotRef {
        datastore: datastore.clone(),
        path,
    };
    let (mut snapshots, mut kept, mut removed) = (Vec::new(), 0, 0);
    for entry in plan
        .entries
        .into_iter()
        .filter(|entry| mine(&entry.snapshot.group))
    {
        *(if entry.kept { &mut kept } else { &mut removed }) += 1;
        if snapshots.len() < TOLD {
            snapshots.push(PlannedSnapshot {
                time: entry.snapshot.time,
                kept: entry.kept,
                why: entry.why,
                snapshot: reference(entry.snapshot),
            });
        }
    }
    let left_alone = plan.left_alone.into_iter().filter(|(path, _)| mine(&path.group));
    PlannedPrune {
        snapshots,
        kept,
        removed,
        left_alone: left_alone
            .take(TOLD)
            .map(|(path, fault)| LeftAlone {
                snapshot: reference(path),
                code: fault.code,
                reason: fault.reason,
            })
            .collect(),
    }
}
