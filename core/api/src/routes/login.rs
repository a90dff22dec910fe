//! Signing in and out, and what somebody is signed in as.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderMap, SET_COOKIE, USER_AGENT};
use axum::response::{IntoResponse, Response};
use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{NewLogin, UserChange};
use ironcore_types::{Timestamp, UserId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Key};
use crate::auth::{access_of, new_secret};
use crate::error::ApiError;
use crate::extract::{From, Json as Body};
use crate::logins::{self, IDLE, LONGEST, POLICY};
use crate::passwords;
use crate::state::ApiState;
use crate::view;
use crate::wire::{ChangePassword, Grant, LoggedIn, LoginRequest, RoleAt};

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
/// `X-CSRF-Token` with what changes something. Five failures within a quarter of an hour lock the name for as long.
#[utoipa::path(
    post, path = "/api/v1/login", tag = "hub", operation_id = "login", request_body = LoginRequest, security(()),
    responses((status = 200, body = LoggedIn), (status = 401, description = "User name or password is wrong."),
        (status = 429, description = "Too many failures; see Retry-After."))
)]
async fn login(
    State(state): State<ApiState>,
    from: From,
    headers: HeaderMap,
    Body(request): Body<LoginRequest>,
) -> Result<Response, ApiError> {
    let ledger = state.ledger();
    if !state.attempts().may(from.address, state.seams().moment()) {
        return Err(ApiError::busy(
            "Too many attempts to sign in come from this address; wait a minute.",
        ));
    }
    let wrong = || ApiError::Refused("User name or password is wrong.");
    let Some(user) = user_of(&request.user) else {
        return Err(wrong());
    };
    if let Some(until) = ledger.locked_until(&user).await? {
        return Err(locked(&user, until));
    }
    let known = ledger.credentials(&user).await?;
    let hash = known.as_ref().and_then(|known| known.password.clone());
    let is_right = state.passwords().is(request.password, hash).await?;
    if !is_right || !known.is_some_and(|known| known.enabled && known.second_factor.is_none()) {
        tracing::warn!(%user, address = ?from.address, "a log-in failed");
        return Err(match ledger.login_failed(&user, from.address, POLICY).await? {
            Some(until) => locked(&user, until),
            None => wrong(),
        });
    }
    let (secret, hash) = new_secret()?;
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    let new = NewLogin {
        user: user.clone(),
        secret_sha256: hash,
        address: from.address,
        agent: agent.map(str::to_owned),
        step: None,
        idle: IDLE,
        longest: LONGEST,
    };
    ledger.create_login(new).await.map_err(|error| match error {
        LedgerError::NotFound(_) => ApiError::denied("do anything here yet: ask an administrator for a role"),
        error => error.into(),
    })?;
    let access = access_of(ledger, Key::Login(hash))
        .await?
        .ok_or(ApiError::Unauthorized)?;
    tracing::info!(%user, address = ?from.address, "signed in");
    let answer = LoggedIn {
        session: view::session(&state, access),
        csrf_token: logins::csrf_of(&secret),
    };
    let cookie = logins::cookie(Some(&secret), state.is_secure());
    Ok((with_cookie(cookie), Json(answer)).into_response())
}

fn with_cookie(cookie: Option<axum::http::HeaderValue>) -> HeaderMap {
    cookie.into_iter().map(|cookie| (SET_COOKIE, cookie)).collect()
}

/// A user by what somebody types.
fn user_of(text: &str) -> Option<UserId> {
    let text = text.trim();
    let full = if text.contains('@') {
        text.to_owned()
    } else {
        format!("{text}@local")
    };
    // Tokens do not sign in.
    full.parse().ok().filter(|_| !full.contains('!'))
}

fn locked(user: &UserId, until: Timestamp) -> ApiError {
    let until = Timestamp::from_seconds(until.as_seconds());
    ApiError::busy(format!(
        "Nobody can sign in as {user} until {until}, for too many attempts failed."
    ))
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
    Ok((StatusCode::NO_CONTENT, with_cookie(cookie)).into_response())
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
    if !matches!(access.key, Key::Login(_)) {
        return Err(ApiError::denied("change a password: it has none"));
    }
    let user = access.user.clone();
    if let Some(until) = state.ledger().locked_until(&user).await? {
        return Err(locked(&user, until));
    }
    let known = state
        .ledger()
        .credentials(&user)
        .await?
        .and_then(|known| known.password);
    if !state.passwords().is(request.old, known).await? {
        state.ledger().login_failed(&user, access.address, POLICY).await?;
        return Err(ApiError::Refused("The old password is wrong."));
    }
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
