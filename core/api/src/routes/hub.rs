//! The hub itself: health, status, who is asking, the scheduler, the plugins.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::silencing;
use crate::state::ApiState;
use crate::view::{self, services};
use crate::wire::{Health, PluginList, SchedulerState, Session, Status};

/// The only route without a token.
pub(super) fn public() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(health))
}

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(session))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(plugins))
}

/// Whether the hub answers. Needs no token.
#[utoipa::path(get, path = "/api/v1/health", tag = "hub", security(()), responses((status = 200, body = Health)))]
async fn health() -> Json<Health> {
    Json(Health {
        status: "ok".to_owned(),
    })
}

/// How the hub is: services, scheduler, queue. Figures are of the whole hub.
#[utoipa::path(get, path = "/api/v1/status", tag = "hub", responses((status = 200, body = Status)))]
async fn status(State(state): State<ApiState>, access: Access) -> Result<Json<Status>, ApiError> {
    let ledger = state.ledger();
    let sessions = ledger.sessions().await?;
    let open = ledger.open_tasks().await?;
    let now = state.seams().now();
    Ok(Json(Status {
        hub: state.hub(),
        certificate: state.certificate(),
        time: now,
        services: services(&sessions),
        scheduler_paused: ledger.scheduler_paused().await?,
        queue_depth: open.queued,
        running: open.running,
        silences: silencing::active(ledger, &access, now).await?,
        template_faults: match access.of_hub() {
            true => state
                .trials()
                .template_faults()
                .iter()
                .map(ToString::to_string)
                .collect(),
            false => Vec::new(),
        },
    }))
}

/// Who is asking, and what the token allows.
#[utoipa::path(get, path = "/api/v1/session", tag = "hub", responses((status = 200, body = Session)))]
async fn session(State(state): State<ApiState>, access: Access) -> Json<Session> {
    Json(view::session(&state, access))
}

/// Pauses the scheduler: no job starts by itself until it is resumed.
#[utoipa::path(
    post, path = "/api/v1/scheduler/pause", tag = "hub", operation_id = "pause_scheduler",
    responses((status = 200, body = SchedulerState))
)]
async fn pause(State(state): State<ApiState>, access: Access) -> Result<Json<SchedulerState>, ApiError> {
    access.require(Right::PauseScheduler)?;
    state.ledger().pause_scheduler(&access.user).await?;
    Ok(Json(SchedulerState { paused: true }))
}

/// Lets the scheduler go on.
#[utoipa::path(
    post, path = "/api/v1/scheduler/resume", tag = "hub", operation_id = "resume_scheduler",
    responses((status = 200, body = SchedulerState))
)]
async fn resume(State(state): State<ApiState>, access: Access) -> Result<Json<SchedulerState>, ApiError> {
    access.require(Right::PauseScheduler)?;
    state.ledger().resume_scheduler(&access.user).await?;
    Ok(Json(SchedulerState { paused: false }))
}

/// The plugins of the hub.
#[utoipa::path(
    get, path = "/api/v1/plugins", tag = "hub", operation_id = "list_plugins",
    responses((status = 200, body = PluginList))
)]
async fn plugins(State(state): State<ApiState>, access: Access) -> Json<PluginList> {
    let mut list = state.plugins().list();
    if !access.of_hub() {
        list.refused.clear();
    }
    Json(list)
}
