//! Workers: who runs tasks, and how much of each is taken.

use axum::Json;
use axum::extract::State;
use ironcore_ledger::model::Session;
use ironcore_types::Timestamp;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Access;
use crate::error::ApiError;
use crate::state::ApiState;
use crate::wire::{Worker, WorkerList, WorkerState};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The workers, with what they run. Figures are of the whole hub.
#[utoipa::path(
    get, path = "/api/v1/workers", tag = "hub", operation_id = "list_workers",
    responses((status = 200, body = WorkerList))
)]
async fn list(State(state): State<ApiState>, _: Access) -> Result<Json<WorkerList>, ApiError> {
    let now = state.seams().now();
    let sessions = state.ledger().sessions().await?;
    let workers = sessions
        .into_iter()
        .filter(|session| !session.types.is_empty())
        .map(|session| worker(session, now));
    let workers = workers.collect();
    let queued = state.ledger().open_tasks().await?.queued;
    Ok(Json(WorkerList { workers, queued }))
}

fn worker(session: Session, now: Timestamp) -> Worker {
    Worker {
        session: session.id,
        node: session.node,
        pid: session.pid,
        services: session.services.iter().map(ToString::to_string).collect(),
        types: session.types,
        slots: session.slots,
        running: session.running,
        keys: session.keys,
        started: session.started,
        state: if session.lease_until > now {
            WorkerState::Online
        } else {
            WorkerState::Silent
        },
    }
}
