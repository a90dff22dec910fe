//! The hub's figures, for Prometheus.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::figures;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Figures of the whole hub in Prometheus's text format. Only for tokens without a project.
#[utoipa::path(
    get, path = "/metrics", tag = "hub", operation_id = "metrics",
    responses((
        status = 200, description = "Prometheus's text format, version 0.0.4.",
        content_type = "text/plain; version=0.0.4; charset=utf-8", body = String
    ))
)]
async fn metrics(State(state): State<ApiState>, access: Access) -> Result<Response, ApiError> {
    access.require(Right::ReadFigures)?;
    let text = figures::expose(&state).await?;
    Ok(([(CONTENT_TYPE, figures::CONTENT_TYPE)], text).into_response())
}
