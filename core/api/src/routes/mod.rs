//! The routes below `/api/v1` and `/metrics`, put together with everything that each request passes through.

mod actions;
mod config;
mod datastores;
mod delivery;
mod events;
mod explain;
mod hub;
mod hub_backup;
mod inbox;
mod inbox_mutes;
mod incidents;
mod job_pause;
mod jobs;
mod login;
mod logs;
mod metrics;
mod oidc;
mod peer;
mod plans;
mod projects;
mod roles;
mod second_factor;
mod secrets;
mod setup;
mod silences;
mod snapshots;
mod statistics;
mod tasks;
mod tokens;
mod trials;
mod users;
mod verifications;
mod workers;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Access;
use crate::state::ApiState;
use crate::{acknowledge, auth, dashboard, document, headers, problem};

/// Routes that need no token: the hub's health, signing in, and the first set-up.
fn unguarded() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .merge(hub::public())
        .merge(login::public())
        .merge(second_factor::public())
        .merge(setup::public())
        .merge(oidc::public())
}

/// Routes that need a token: all others.
fn protected() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .merge(hub::routes())
        .merge(hub_backup::routes())
        .merge(workers::routes())
        .merge(tasks::routes())
        .merge(logs::routes())
        .merge(projects::routes())
        .merge(jobs::routes())
        .merge(plans::routes())
        .merge(job_pause::routes())
        .merge(datastores::routes())
        .merge(snapshots::routes())
        .merge(verifications::routes())
        .merge(statistics::routes())
        .merge(config::routes())
        .merge(events::routes())
        .merge(explain::routes())
        .merge(delivery::routes())
        .merge(silences::routes())
        .merge(trials::routes())
        .merge(inbox::routes())
        .merge(inbox_mutes::routes())
        .merge(incidents::routes())
        .merge(actions::routes())
        .merge(secrets::routes())
        .merge(tokens::routes())
        .merge(users::routes())
        .merge(roles::routes())
        .merge(login::routes())
        .merge(second_factor::routes())
        .merge(peer::routes())
        .merge(metrics::routes())
        .routes(routes!(openapi_json))
}

/// The OpenAPI document of the API.
pub fn openapi() -> OpenApi {
    let described = OpenApiRouter::with_openapi(document::base())
        .merge(unguarded())
        .merge(protected());
    document::finish(described.into_openapi())
}

/// The API with the embedded dashboard, ready to be served.
pub fn router(state: ApiState) -> Router {
    let (protected, _) = protected().split_for_parts();
    let (public, _) = unguarded().split_for_parts();
    let limits = state.limits().clone();
    let seams = state.seams().clone();
    protected
        .route_layer(from_fn_with_state(state.clone(), auth::require_token))
        .merge(public)
        .merge(acknowledge::routes())
        .fallback(elsewhere)
        .layer(DefaultBodyLimit::max(limits.body_bytes))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            limits.timeout,
        ))
        // Streams of events are left alone by it, so that each event goes out at once.
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(seams, finish))
        .layer(from_fn(headers::secure))
        .with_state(state)
}

async fn finish(State(seams): State<ironcore_types::Seams>, request: Request, next: Next) -> Response {
    problem::finish(seams, request, next).await
}

/// Writes to the hub's log who removed what, and answers that it is gone.
fn removed(access: &Access, object: &str) -> StatusCode {
    tracing::info!(actor = %access.user, object, "removed from the configuration");
    StatusCode::NO_CONTENT
}

/// What is no route: the dashboard's files, but below `/api` nothing.
async fn elsewhere(request: Request) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        StatusCode::NOT_FOUND.into_response()
    } else {
        dashboard::serve(request).await
    }
}

/// This document.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "hub", operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1.", content_type = "application/json", body = Object))
)]
async fn openapi_json() -> Json<OpenApi> {
    Json(openapi())
}
