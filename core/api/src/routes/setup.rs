//! The first administrator of a new hub.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ironcore_ledger::model::{Actor, NewUser};
use ironcore_types::{ErrorCode, UserId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::login::user_of;
use crate::auth::secret_hash;
use crate::error::ApiError;
use crate::extract::{self, From, Json as Body};
use crate::state::ApiState;
use crate::wire::{SetUpHub, User};
use crate::{passwords, sign_in, view};

/// In whose name it is done: whoever can read the hub's data folder.
const BY: &str = "setup@system";

/// Routes that need no token but that of the set-up.
pub(super) fn public() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(set_up))
}

/// Makes the first administrator of a new hub, with the token that `serve` printed and left in `setup.token`. Once: refused
/// as soon as there is an administrator.
#[utoipa::path(
    post, path = "/api/v1/setup", tag = "hub", operation_id = "set_up", request_body = SetUpHub, security(()),
    responses((status = 201, body = User), (status = 401, description = "The token is wrong."),
        (status = 409, description = "The hub is set up."))
)]
async fn set_up(
    State(state): State<ApiState>,
    from: From,
    Body(request): Body<SetUpHub>,
) -> Result<(StatusCode, Json<User>), ApiError> {
    sign_in::attempt(&state, &from)?;
    if state.ledger().is_set_up().await? {
        return Err(ApiError::Invalid {
            code: ErrorCode::Conflict,
            detail: "This hub is set up: there is an administrator, who makes other users.".to_owned(),
            faults: Vec::new(),
        });
    }
    let known = state
        .set_up()
        .filter(|known| known.sha256 == secret_hash(request.token.trim()));
    let known = known.ok_or(ApiError::Refused(
        "The set-up token is wrong: it is in setup.token of the hub's data folder.",
    ))?;
    let user =
        user_of(&request.user).ok_or_else(|| extract::parameter("user", &"write NAME, or NAME@local"))?;
    if let Some(fault) = passwords::fault(&request.password, user.as_str()) {
        return Err(extract::parameter("password", &fault));
    }
    let by = Actor {
        user: UserId::new(BY).map_err(|_| ApiError::Internal("a name of the hub's own is none"))?,
        address: from.address,
        request: from.request,
    };
    let new = NewUser {
        user,
        name: request.name,
        email: request.email,
        password: Some(state.passwords().hash(request.password).await?),
    };
    let made = state.ledger().set_up(&by, new).await?;
    (known.done)();
    tracing::info!(user = %made.user, address = ?from.address, "the hub is set up");
    Ok((StatusCode::CREATED, Json(view::user(made))))
}
