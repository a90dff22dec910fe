//! Users and what they may do.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ironcore_ledger::model::{NewUser, UserChange};
use ironcore_types::{ProjectName, RoleName, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::{self, Json as Body, Path, Query};
use crate::state::ApiState;
use crate::wire::{ChangeUser, CreateUser, Grant, RoleAt, User, UserList};
use crate::{passwords, view};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
        .routes(routes!(grant, take))
}

/// The users of the hub.
#[utoipa::path(
    get, path = "/api/v1/users", tag = "access", operation_id = "list_users", responses((status = 200, body = UserList))
)]
async fn list(State(state): State<ApiState>, access: Access) -> Result<Json<UserList>, ApiError> {
    access.require(Right::ReadAccess)?;
    let users = state.ledger().users().await?;
    Ok(Json(UserList {
        users: users.into_iter().map(view::user).collect(),
    }))
}

/// The hash of a password that was chosen for `user`.
async fn hashed(
    state: &ApiState,
    user: &UserId,
    password: Option<String>,
) -> Result<Option<String>, ApiError> {
    let Some(password) = password else { return Ok(None) };
    if let Some(fault) = passwords::fault(&password, user.as_str()) {
        return Err(extract::parameter("password", &fault));
    }
    state.passwords().hash(password).await.map(Some)
}

/// Makes a user.
#[utoipa::path(
    post, path = "/api/v1/users", tag = "access", operation_id = "create_user", request_body = CreateUser,
    responses((status = 201, body = User))
)]
async fn create(
    State(state): State<ApiState>,
    access: Access,
    Body(request): Body<CreateUser>,
) -> Result<(StatusCode, Json<User>), ApiError> {
    access.require(Right::ManageAccess)?;
    let password = hashed(&state, &request.user, request.password).await?;
    let new = NewUser {
        user: request.user.clone(),
        name: request.name,
        email: request.email,
        password,
    };
    let grants = request
        .grants
        .into_iter()
        .map(|at| (at.role, at.project))
        .collect();
    let made = state
        .ledger()
        .create_user(Some(&access.actor()), new, grants)
        .await?;
    Ok((StatusCode::CREATED, Json(view::user(made))))
}

async fn find(state: &ApiState, user: &UserId) -> Result<User, ApiError> {
    let found = state.ledger().user(user).await?;
    found
        .map(view::user)
        .ok_or_else(|| ApiError::not_found(format!("user {user}")))
}

/// A user.
#[utoipa::path(
    get, path = "/api/v1/users/{user}", tag = "access", operation_id = "show_user",
    params(("user" = UserId, Path, description = "`NAME@REALM`.")), responses((status = 200, body = User))
)]
async fn show(
    State(state): State<ApiState>,
    access: Access,
    Path(user): Path<UserId>,
) -> Result<Json<User>, ApiError> {
    access.require(Right::ReadAccess)?;
    find(&state, &user).await.map(Json)
}

/// Changes a user. Another password, or that it may not sign in any more, signs it out everywhere.
#[utoipa::path(
    patch, path = "/api/v1/users/{user}", tag = "access", operation_id = "change_user", request_body = ChangeUser,
    params(("user" = UserId, Path, description = "`NAME@REALM`.")), responses((status = 200, body = User))
)]
async fn change(
    State(state): State<ApiState>,
    access: Access,
    Path(user): Path<UserId>,
    Body(request): Body<ChangeUser>,
) -> Result<Json<User>, ApiError> {
    access.require(Right::ManageAccess)?;
    let change = UserChange {
        password: hashed(&state, &user, request.password).await?,
        name: request.name,
        email: request.email,
        enabled: request.enabled,
    };
    let changed = state.ledger().change_user(&access.actor(), &user, change).await?;
    Ok(Json(view::user(changed)))
}

/// Removes a user, what it may do, and its tokens.
#[utoipa::path(
    delete, path = "/api/v1/users/{user}", tag = "access", operation_id = "remove_user",
    params(("user" = UserId, Path, description = "`NAME@REALM`.")),
    responses((status = 204, description = "It is gone."))
)]
async fn remove(
    State(state): State<ApiState>,
    access: Access,
    Path(user): Path<UserId>,
) -> Result<StatusCode, ApiError> {
    access.require(Right::ManageAccess)?;
    state.ledger().remove_user(&access.actor(), &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a user a role, on a project or on the whole hub.
#[utoipa::path(
    post, path = "/api/v1/users/{user}/grants", tag = "access", operation_id = "grant_role", request_body = RoleAt,
    params(("user" = UserId, Path, description = "`NAME@REALM`.")), responses((status = 201, body = Grant))
)]
async fn grant(
    State(state): State<ApiState>,
    access: Access,
    Path(user): Path<UserId>,
    Body(at): Body<RoleAt>,
) -> Result<(StatusCode, Json<Grant>), ApiError> {
    access.require(Right::ManageAccess)?;
    let made = state
        .ledger()
        .make_grant(Some(&access.actor()), &user, &at.role, at.project.as_ref())
        .await?;
    Ok((StatusCode::CREATED, Json(view::grant(made))))
}

/// Which role is taken away.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct TakenQuery {
    /// The role.
    role: RoleName,
    /// In this project; on the whole hub when missing.
    project: Option<ProjectName>,
}

/// Takes a role away from a user, who is signed out where it acts by that.
#[utoipa::path(
    delete, path = "/api/v1/users/{user}/grants", tag = "access", operation_id = "take_role",
    params(("user" = UserId, Path, description = "`NAME@REALM`."), TakenQuery),
    responses((status = 204, description = "It is taken."))
)]
async fn take(
    State(state): State<ApiState>,
    access: Access,
    Path(user): Path<UserId>,
    Query(taken): Query<TakenQuery>,
) -> Result<StatusCode, ApiError> {
    access.require(Right::ManageAccess)?;
    state
        .ledger()
        .take_grant(&access.actor(), &user, &taken.role, taken.project.as_ref())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
