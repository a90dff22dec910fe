//! Silences: made, listed, ended; and maintenance windows, which are made by declarations.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use ironcore_ledger::model::SilenceFilter;
use ironcore_types::notification::{GroupScope, Silencer};
use ironcore_types::{MaintenanceName, ProjectName, SilenceId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::{self, Json as Body, Path, Query};
use crate::state::ApiState;
use crate::wire::{CreateSilence, MaintenanceList, Silence, SilenceList};
use crate::{idempotency, silencing};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show))
        .routes(routes!(end))
        .routes(routes!(maintenance))
        .routes(routes!(remove_maintenance))
}

/// What somebody needs to silence this project, or the hub.
fn right(project: Option<&ProjectName>) -> Right {
    match project {
        Some(_) => Right::Silence,
        None => Right::SilenceHub,
    }
}

/// Which silences are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct SilenceQuery {
    /// Of this project.
    project: Option<String>,
    /// Those too that are over; they are kept for 400 days.
    over: Option<bool>,
}

/// Silences that are not over, newest first, a thousand at most, and the maintenance windows in which it is now. Those of
/// the hub show to those alone who see the whole hub.
#[utoipa::path(
    get, path = "/api/v1/silences", tag = "notifications", operation_id = "list_silences", params(SilenceQuery),
    responses((status = 200, body = SilenceList))
)]
async fn list(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<SilenceQuery>,
) -> Result<Json<SilenceList>, ApiError> {
    let project = access.narrow(extract::optional("project", query.project.as_deref())?)?;
    let now = state.seams().now();
    let filter = SilenceFilter {
        project: project.clone(),
        open_at: (!query.over.unwrap_or(false)).then_some(now),
    };
    let silences = state.ledger().silences(&filter).await?;
    let windows = state.ledger().maintenance().await?;
    let windows = windows
        .into_iter()
        .filter(|window| project.is_none() || window.project == project)
        .map(|window| silencing::window(window, now));
    Ok(Json(SilenceList {
        silences: silences
            .into_iter()
            .map(|silence| silencing::shown(silence, now))
            .collect(),
        windows: windows.filter(|view| view.until.is_some()).collect(),
    }))
}

/// Silences events for a while: nobody is told of them outside, and they show in the inbox. Who was kept from hearing of a
/// trouble that still lasts when the silence is over is told then, once. With an `Idempotency-Key`, the same request
/// makes one silence however often it is sent within a day.
#[utoipa::path(
    post, path = "/api/v1/silences", tag = "notifications", operation_id = "create_silence",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 characters of the client's choice."),
    ),
    request_body = CreateSilence, responses((status = 201, body = Silence))
)]
async fn create(
    State(state): State<ApiState>,
    access: Access,
    headers: HeaderMap,
    Body(request): Body<CreateSilence>,
) -> Result<(StatusCode, Json<Silence>), ApiError> {
    let project = access.narrow(request.project.clone())?;
    if let Some(project) = &project {
        access.project(state.ledger(), project).await?;
    }
    access.require(right(project.as_ref()))?;
    let asked =
        serde_json::to_vec(&request).map_err(|_| ApiError::Internal("a request cannot be written"))?;
    let keyed = idempotency::keyed(&headers, &access.user, &asked)?;
    let now = state.seams().now();
    let mut new = silencing::checked(state.ledger(), request, project, access.user, now).await?;
    new.key = keyed.map(|keyed| (keyed.key, keyed.sha256));
    let silence = state.ledger().add_silence(new).await?;
    tracing::info!(actor = %silence.by, silence = %silence.id, until = %silence.until, "a silence was made");
    Ok((StatusCode::CREATED, Json(silencing::shown(silence, now))))
}

/// One silence.
#[utoipa::path(
    get, path = "/api/v1/silences/{id}", tag = "notifications", operation_id = "show_silence",
    params(("id" = SilenceId, Path, description = "Its id.")),
    responses((status = 200, body = Silence))
)]
async fn show(
    State(state): State<ApiState>,
    access: Access,
    Path(id): Path<SilenceId>,
) -> Result<Json<Silence>, ApiError> {
    let silence = access.silence(state.ledger(), id).await?;
    Ok(Json(silencing::shown(silence, state.seams().now())))
}

/// Ends a silence before its time; it stays in the list. One that is over stays as it is.
#[utoipa::path(
    post, path = "/api/v1/silences/{id}/end", tag = "notifications", operation_id = "end_silence",
    params(("id" = SilenceId, Path, description = "Its id.")),
    responses((status = 200, body = Silence))
)]
async fn end(
    State(state): State<ApiState>,
    access: Access,
    Path(id): Path<SilenceId>,
) -> Result<Json<Silence>, ApiError> {
    let silence = access.silence(state.ledger(), id).await?;
    access.require(right(silence.project.as_ref()))?;
    let ended = state.ledger().end_silence(id, &access.user).await?;
    tracing::info!(actor = %access.user, silence = %id, "a silence was ended");
    // Not before the moment in which it ended.
    let now = state.seams().now().max(ended.over());
    Ok(Json(silencing::shown(ended, now)))
}

/// Which maintenance windows are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct MaintenanceQuery {
    /// Of this project.
    project: Option<String>,
}

/// Maintenance windows, and when they are. Those of the hub show to those alone who see the whole hub.
#[utoipa::path(
    get, path = "/api/v1/maintenance", tag = "configuration", operation_id = "list_maintenance",
    params(MaintenanceQuery), responses((status = 200, body = MaintenanceList))
)]
async fn maintenance(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<MaintenanceQuery>,
) -> Result<Json<MaintenanceList>, ApiError> {
    let project = access.narrow(extract::optional("project", query.project.as_deref())?)?;
    let now = state.seams().now();
    let windows = state.ledger().maintenance().await?;
    let windows = windows
        .into_iter()
        .filter(|window| project.is_none() || window.project == project);
    Ok(Json(MaintenanceList {
        maintenance: windows.map(|window| silencing::window(window, now)).collect(),
    }))
}

/// Removes a maintenance window. What it silences now is looked at as when it is over.
#[utoipa::path(
    delete, path = "/api/v1/maintenance/{project}/{name}", tag = "configuration",
    operation_id = "remove_maintenance",
    params(
        ("project" = String, Path, description = "Its project; `-` for a window of the hub."),
        ("name" = MaintenanceName, Path, description = "Its name."),
    ),
    responses((status = 204, description = "It is removed."))
)]
async fn remove_maintenance(
    State(state): State<ApiState>,
    access: Access,
    Path((scope, name)): Path<(GroupScope, MaintenanceName)>,
) -> Result<StatusCode, ApiError> {
    let window = Silencer::Maintenance {
        project: scope.0.clone(),
        name,
    };
    let known = state.ledger().maintenance().await?;
    if !access.sees(scope.0.as_ref()) || !known.iter().any(|known| known.silencer() == window) {
        return Err(ApiError::not_found(window.to_string()));
    }
    access.require(Right::Configure)?;
    state.ledger().delete_maintenance(&window).await?;
    Ok(super::removed(&access, &window.to_string()))
}
