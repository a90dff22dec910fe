//! Roles, and who changed what.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ironcore_ledger::model::AuditFilter;
use ironcore_types::{Rights, RoleName};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::statistics::time;
use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::{self, Json as Body, Path, Query};
use crate::state::ApiState;
use crate::view;
use crate::wire::{AuditList, PutRole, Role, RoleList};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(put, remove))
        .routes(routes!(audit))
}

/// The roles of the hub: those that every hub has, and its own.
#[utoipa::path(
    get, path = "/api/v1/roles", tag = "access", operation_id = "list_roles", responses((status = 200, body = RoleList))
)]
async fn list(State(state): State<ApiState>, access: Access) -> Result<Json<RoleList>, ApiError> {
    access.require(Right::ReadAccess)?;
    let roles = state.ledger().roles().await?;
    Ok(Json(RoleList {
        roles: roles.into_iter().map(view::role).collect(),
    }))
}

/// Makes a role, or changes what it allows: for everybody who has it, at once.
#[utoipa::path(
    put, path = "/api/v1/roles/{name}", tag = "access", operation_id = "put_role", request_body = PutRole,
    params(("name" = RoleName, Path, description = "The role.")), responses((status = 200, body = Role))
)]
async fn put(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<RoleName>,
    Body(request): Body<PutRole>,
) -> Result<Json<Role>, ApiError> {
    access.require(Right::ManageAccess)?;
    let rights = Rights::from_iter(request.rights);
    let made = state
        .ledger()
        .put_role(&access.actor(), &name, rights, request.comment)
        .await?;
    Ok(Json(view::role(made)))
}

/// Removes a role that nobody has.
#[utoipa::path(
    delete, path = "/api/v1/roles/{name}", tag = "access", operation_id = "remove_role",
    params(("name" = RoleName, Path, description = "The role.")),
    responses((status = 204, description = "It is gone."))
)]
async fn remove(
    State(state): State<ApiState>,
    access: Access,
    Path(name): Path<RoleName>,
) -> Result<StatusCode, ApiError> {
    access.require(Right::ManageAccess)?;
    state.ledger().remove_role(&access.actor(), &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which changes are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    /// By this user or token.
    user: Option<String>,
    /// To this object, such as `user/alice@local`, or to all of a kind: `user/`.
    object: Option<String>,
    /// At or after this: RFC 3339, a date, or `24h ago`.
    since: Option<String>,
    /// Before this.
    until: Option<String>,
    /// At most this many; 100 when missing, and never more than 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
}

/// Who changed what, from where, as it was before and is since; the newest first. Kept for three years.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "access", operation_id = "list_changes", params(AuditQuery),
    responses((status = 200, body = AuditList))
)]
async fn audit(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditList>, ApiError> {
    access.require(Right::ReadAccess)?;
    let now = state.seams().now();
    let filter = AuditFilter {
        user: extract::optional("user", query.user.as_deref())?,
        object: query.object,
        since: time("since", query.since.as_deref(), now)?,
        until: time("until", query.until.as_deref(), now)?,
        before: extract::optional("cursor", query.cursor.as_deref())?,
    };
    let page = state
        .ledger()
        .audit(filter, extract::limit(query.limit, 100)?)
        .await?;
    Ok(Json(AuditList {
        entries: page.entries.into_iter().map(view::change).collect(),
        next: page.next.map(|number| number.to_string()),
    }))
}
