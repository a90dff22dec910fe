//! Workers: who runs tasks, and how much of each is taken.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use ironcore_ledger::model::Session;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Access;
use crate::error::ApiError;
use crate::state::ApiState;
use crate::wire::{Worker, WorkerList, WorkerState};

/// How long a worker that was lost is shown.
const REMEMBERED: Duration = Duration::from_secs(86_400);

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The workers, with what they run, and those that were lost within the last 24 hours. Figures are of the whole hub.
#[utoipa::path(
    get, path = "/api/v1/workers", tag = "hub", operation_id = "list_workers",
    responses((status = 200, body = WorkerList))
)]
async fn list(State(state): State<ApiState>, _: Access) -> Result<Json<WorkerList>, ApiError> {
    let ledger = state.ledger();
    // In this order one that is found lost meanwhile shows twice rather than not at all.
    let mut sessions = ledger.sessions().await?;
    sessions.retain(|session| !session.types.is_empty());
    sessions.extend(ledger.lost_workers(REMEMBERED).await?);
    let workers = sessions.into_iter().map(worker).collect();
    let queued = state.ledger().open_tasks().await?.queued;
    Ok(Json(WorkerList { workers, queued }))
}

fn worker(session: Session) -> Worker {
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
        state: match session.ended {
            Some(_) => WorkerState::Lost,
            None if session.silent => WorkerState::Silent,
            None => WorkerState::Online,
        },
        lost: session.ended,
    }
}
