//! Tokens: list, make, take back.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ironcore_ledger::model::{NewToken, Withheld};
use ironcore_types::UserId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::auth::new_secret;
use crate::error::ApiError;
use crate::extract::{Json as Body, Path, parameter};
use crate::state::ApiState;
use crate::view;
use crate::wire::{CreateToken, CreatedToken, TokenList};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(revoke))
}

/// The tokens of the hub, those taken back included. Secrets are not shown.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "tokens", operation_id = "list_tokens",
    responses((status = 200, body = TokenList))
)]
async fn list(State(state): State<ApiState>, access: Access) -> Result<Json<TokenList>, ApiError> {
    access.require(Right::ReadAccess)?;
    let tokens = state.ledger().tokens().await?;
    Ok(Json(TokenList {
        tokens: tokens.into_iter().map(view::token).collect(),
    }))
}

/// Makes a token. Its secret is in this answer and nowhere else. It may do no more than its user may there; what its role allows
/// beside is told.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "tokens", operation_id = "create_token", request_body = CreateToken,
    responses((status = 201, body = CreatedToken))
)]
async fn create(
    State(state): State<ApiState>,
    access: Access,
    Body(request): Body<CreateToken>,
) -> Result<(StatusCode, Json<CreatedToken>), ApiError> {
    access.require(Right::ManageAccess)?;
    if let Some(expires) = request.expires
        && expires <= state.seams().now()
    {
        return Err(parameter("expires", &"it is in the past"));
    }
    if let Some(project) = &request.project {
        access.project(state.ledger(), project).await?;
    }
    let (secret, hash) = new_secret()?;
    let new = NewToken {
        user: request.user,
        role: request.role,
        project: request.project,
        secret_sha256: hash,
        comment: request.comment,
        expires: request.expires,
        actor: Some(access.user.clone()),
    };
    let token = state.ledger().create_token(Some(&access.actor()), new).await?;
    let (usable, withheld) = match state.ledger().withheld(&token).await? {
        Withheld::All => (false, Vec::new()),
        Withheld::These(rights) => (true, rights.iter().collect()),
    };
    Ok((
        StatusCode::CREATED,
        Json(CreatedToken {
            token: view::token(token),
            secret,
            usable,
            withheld,
        }),
    ))
}

/// Takes a token back, for good.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{user}", tag = "tokens", operation_id = "revoke_token",
    params(("user" = UserId, Path, description = "`NAME@REALM!TOKEN`, percent-encoded.")),
    responses((status = 204, description = "It is of no use any more."))
)]
async fn revoke(
    State(state): State<ApiState>,
    access: Access,
    Path(user): Path<UserId>,
) -> Result<StatusCode, ApiError> {
    access.require(Right::ManageAccess)?;
    state.ledger().revoke_token(Some(&access.actor()), &user).await?;
    Ok(StatusCode::NO_CONTENT)
}
