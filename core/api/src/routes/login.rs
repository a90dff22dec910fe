//! Signing in and out, and what somebody is signed in as.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use ironcore_ledger::model::UserChange;
use ironcore_types::{ErrorCode, UserId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::second_factor;
use crate::access::{Access, Key};
use crate::error::ApiError;
use crate::extract::{From, Json as Body};
use crate::sign_in::{Caller, Shown};
use crate::state::ApiState;
use crate::wire::{ChangePassword, Grant, LoggedIn, LoginRequest, RoleAt, SecondFactorWanted};
use crate::{factors, logins, passwords, sign_in, view};

/// Routes that need nothing.
pub(super) fn public() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(login))
}

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(logout))
        .routes(routes!(csrf))
        .routes(routes!(grants))
        .routes(routes!(switch))
        .routes(routes!(password))
}

/// Signs a user in. The secret comes as a cookie that no script reads; with it go requests of the hub's own pages, which send
/// `X-CSRF-Token` with what changes something. Who has a second factor, or has to have one, goes on with `step`. Five failures
/// within a quarter of an hour lock the name for as long.
#[utoipa::path(
    post, path = "/api/v1/login", tag = "hub", operation_id = "login", request_body = LoginRequest, security(()),
    responses((status = 200, body = LoggedIn), (status = 202, body = SecondFactorWanted),
        (status = 401, description = "User name or password is wrong."),
        (status = 429, description = "Too many failures; see Retry-After."))
)]
async fn login(
    State(state): State<ApiState>,
    from: From,
    headers: HeaderMap,
    Body(request): Body<LoginRequest>,
) -> Result<Response, ApiError> {
    const WRONG: &str = "User name or password is wrong.";
    let ledger = state.ledger();
    sign_in::attempt(&state, &from)?;
    let Some(user) = user_of(&request.user) else {
        return Err(ApiError::Refused(WRONG));
    };
    sign_in::unlocked(&state, &user).await?;
    let known = ledger.credentials(&user).await?.filter(|known| known.enabled);
    let hash = known.as_ref().and_then(|known| known.password.clone());
    let is_right = state.passwords().is(request.password, hash).await?;
    let Some(known) = known.filter(|_| is_right) else {
        return Err(sign_in::failed(&state, &user, &from, WRONG).await);
    };
    let has = known.second_factor.is_some_and(|factor| factor.confirmed);
    if has || factors::is_demanded(&state, &user).await? {
        return second_factor::begin(&state, &user, !has).await;
    }
    sign_in::admit(&state, Caller::of(from, &headers), &user, Shown::default()).await
}

/// A user by what somebody types.
pub(super) fn user_of(text: &str) -> Option<UserId> {
    let text = text.trim();
    let full = if text.contains('@') {
        text.to_owned()
    } else {
        format!("{text}@local")
    };
    // Tokens do not sign in.
    full.parse().ok().filter(|_| !full.contains('!'))
}

/// Signs out.
#[utoipa::path(
    post, path = "/api/v1/logout", tag = "hub", operation_id = "logout",
    responses((status = 204, description = "The cookie is of no use any more."))
)]
async fn logout(State(state): State<ApiState>, access: Access) -> Result<Response, ApiError> {
    let Key::Login(hash) = access.key else {
        return Err(ApiError::denied("sign out: it is revoked"));
    };
    state.ledger().end_login(hash).await?;
    let cookie = logins::cookie(None, state.is_secure());
    Ok((StatusCode::NO_CONTENT, sign_in::cookies(cookie)).into_response())
}

/// Who is signed in by the cookie, with the token that pages send with what changes something.
#[utoipa::path(
    get, path = "/api/v1/login", tag = "hub", operation_id = "show_login", responses((status = 200, body = LoggedIn))
)]
async fn csrf(
    State(state): State<ApiState>,
    headers: HeaderMap,
    access: Access,
) -> Result<Json<LoggedIn>, ApiError> {
    let secret = logins::secret_of(&headers).filter(|_| matches!(access.key, Key::Login(_)));
    let secret = secret.ok_or_else(|| ApiError::denied("ask who is signed in: nobody is"))?;
    let csrf_token = logins::csrf_of(secret);
    Ok(Json(LoggedIn {
        session: view::session(&state, access),
        csrf_token,
        recovery_codes: Vec::new(),
    }))
}

/// What the user that is signed in may do, and where: it acts by one of these at a time.
#[utoipa::path(
    get, path = "/api/v1/session/grants", tag = "hub", operation_id = "list_own_grants",
    responses((status = 200, body = Vec<Grant>))
)]
async fn grants(State(state): State<ApiState>, access: Access) -> Result<Json<Vec<Grant>>, ApiError> {
    let user = state.ledger().user(&access.user).await?;
    let grants = user.map(|user| user.grants).unwrap_or_default();
    Ok(Json(grants.into_iter().map(view::grant).collect()))
}

/// Goes on by another role of the user that is signed in.
#[utoipa::path(
    post, path = "/api/v1/session/switch", tag = "hub", operation_id = "switch_role", request_body = RoleAt,
    responses((status = 204, description = "Requests go by that role from now on."))
)]
async fn switch(
    State(state): State<ApiState>,
    access: Access,
    Body(wanted): Body<RoleAt>,
) -> Result<StatusCode, ApiError> {
    let Key::Login(hash) = access.key else {
        return Err(ApiError::denied("act by another role: it has one"));
    };
    let user = state.ledger().user(&access.user).await?;
    // Who signs in elsewhere has to show there what is demanded.
    let bare = user.is_some_and(|user| user.password_set.is_some() && user.second_factor.is_none());
    if bare && state.demand().of([&wanted.role].into_iter()) {
        return Err(ApiError::Invalid {
            code: ErrorCode::AuthSecondFactor,
            detail: format!(
                "The role {} is for who has a second factor: set one up first.",
                wanted.role
            ),
            faults: Vec::new(),
        });
    }
    let done = state
        .ledger()
        .switch_login(hash, &wanted.role, wanted.project.as_ref())
        .await?;
    match done {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::not_found(format!(
            "role {} of {} there",
            wanted.role, access.user
        ))),
    }
}

/// Changes the password of the user that is signed in, who is signed out everywhere by that.
#[utoipa::path(
    post, path = "/api/v1/session/password", tag = "hub", operation_id = "change_own_password",
    request_body = ChangePassword,
    responses((status = 204, description = "Sign in again, with the new one."))
)]
async fn password(
    State(state): State<ApiState>,
    access: Access,
    Body(request): Body<ChangePassword>,
) -> Result<StatusCode, ApiError> {
    let user = access.user.clone();
    sign_in::prove(&state, &access, request.old).await?;
    if let Some(fault) = passwords::fault(&request.new, user.as_str()) {
        return Err(crate::extract::parameter("new", &fault));
    }
    let change = UserChange {
        password: Some(state.passwords().hash(request.new).await?),
        ..UserChange::default()
    };
    state.ledger().change_user(&access.actor(), &user, change).await?;
    Ok(StatusCode::NO_CONTENT)
}
