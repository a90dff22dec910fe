//! What other hubs ask when they sync from here: the answering side of `core/remote`, behind the token.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use ironcore_remote::protocol::Verb;
use ironcore_types::DatastoreName;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Access;
use crate::error::ApiError;
use crate::extract::Path;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(info))
        .routes(routes!(list))
        .routes(routes!(manifest))
        .routes(routes!(chunks))
        .routes(routes!(size))
}

/// What a datastore says of itself to a hub that syncs from it.
#[utoipa::path(
    get, path = "/api/v1/peer/{datastore}/info", tag = "peers", operation_id = "peer_info",
    params(("datastore" = DatastoreName, Path, description = "Its name.")),
    responses((status = 200, content_type = "application/json", body = Object))
)]
async fn info(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<DatastoreName>,
) -> Result<Response, ApiError> {
    answer(&state, &access, name, Verb::Info, Bytes::new()).await
}

/// Which snapshots there are, for a hub that syncs from here.
#[utoipa::path(
    post, path = "/api/v1/peer/{datastore}/list", tag = "peers", operation_id = "peer_list",
    params(("datastore" = DatastoreName, Path, description = "Its name.")),
    request_body(content_type = "application/json", content = Object),
    responses((status = 200, content_type = "application/json", body = Object))
)]
async fn list(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<DatastoreName>,
    body: Bytes,
) -> Result<Response, ApiError> {
    answer(&state, &access, name, Verb::List, body).await
}

/// The exact bytes of a manifest, for a hub that syncs from here.
#[utoipa::path(
    post, path = "/api/v1/peer/{datastore}/manifest", tag = "peers", operation_id = "peer_manifest",
    params(("datastore" = DatastoreName, Path, description = "Its name.")),
    request_body(content_type = "application/json", content = Object),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>))
)]
async fn manifest(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<DatastoreName>,
    body: Bytes,
) -> Result<Response, ApiError> {
    answer(&state, &access, name, Verb::Manifest, body).await
}

/// Chunks as they are stored, for a hub that syncs from here.
#[utoipa::path(
    post, path = "/api/v1/peer/{datastore}/chunks", tag = "peers", operation_id = "peer_chunks",
    params(("datastore" = DatastoreName, Path, description = "Its name.")),
    request_body(content_type = "application/json", content = Object),
    responses((status = 200, content_type = "application/vnd.ironcore.chunks", body = Vec<u8>))
)]
async fn chunks(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<DatastoreName>,
    body: Bytes,
) -> Result<Response, ApiError> {
    answer(&state, &access, name, Verb::Chunks, body).await
}

/// How many stored bytes some chunks have, for a hub that syncs from here.
#[utoipa::path(
    post, path = "/api/v1/peer/{datastore}/size", tag = "peers", operation_id = "peer_size",
    params(("datastore" = DatastoreName, Path, description = "Its name.")),
    request_body(content_type = "application/json", content = Object),
    responses((status = 200, content_type = "application/json", body = Object))
)]
async fn size(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<DatastoreName>,
    body: Bytes,
) -> Result<Response, ApiError> {
    answer(&state, &access, name, Verb::Size, body).await
}

async fn answer(
    state: &ApiState,
    access: &Access,
    name: DatastoreName,
    verb: Verb,
    body: Bytes,
) -> Result<Response, ApiError> {
    access.peer(state.ledger(), &name).await?;
    let datastore = state.stores().open(&name).await?;
    let answer = tokio::task::spawn_blocking(move || ironcore_remote::serve(&datastore, verb, &body)).await?;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    Ok(response)
}
