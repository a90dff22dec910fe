//! Signing in, as all its ways have it in common: attempts are counted, failures lock a name, and who has proved who it is
//! gets a cookie and a token against forged requests.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{HeaderMap, HeaderValue, SET_COOKIE, USER_AGENT};
use axum::response::{IntoResponse, Response};
use ironcore_ledger::LedgerError;
use ironcore_ledger::model::NewLogin;
use ironcore_types::{Timestamp, UserId};

use crate::access::{Access, Key};
use crate::auth::{access_of, new_secret};
use crate::error::ApiError;
use crate::extract::From;
use crate::factors::Proof;
use crate::logins::{self, IDLE, LONGEST, POLICY};
use crate::state::ApiState;
use crate::view;
use crate::wire::LoggedIn;

/// From where somebody signs in, and with which program.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) from: From,
    agent: Option<String>,
}

impl Caller {
    pub(crate) fn of(from: From, headers: &HeaderMap) -> Self {
        let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Self {
            from,
            agent: agent.map(str::to_owned),
        }
    }
}

/// Refuses an address that tries too often, whatever names it gives.
pub(crate) fn attempt(state: &ApiState, from: &From) -> Result<(), ApiError> {
    match state.attempts().wait(from.address, state.seams().moment()) {
        None => Ok(()),
        Some(wait) => Err(ApiError::Later {
            detail: "Too many attempts to sign in come from this address; wait a minute.".to_owned(),
            wait,
        }),
    }
}

/// Refuses a name that is locked.
pub(crate) async fn unlocked(state: &ApiState, user: &UserId) -> Result<(), ApiError> {
    match state.ledger().locked_until(user).await? {
        Some(until) => Err(locked(state, user, until)),
        None => Ok(()),
    }
}

/// Counts a failure, which may lock the name; what is answered.
pub(crate) async fn failed(state: &ApiState, user: &UserId, from: &From, why: &'static str) -> ApiError {
    match state.ledger().user(user).await {
        Ok(Some(_)) => tracing::warn!(%user, address = ?from.address, "a log-in failed"),
        // What was typed may be a password.
        Ok(None) => tracing::warn!(address = ?from.address, "a log-in of a user that there is not failed"),
        Err(error) => return error.into(),
    }
    match state.ledger().login_failed(user, from.address, POLICY).await {
        Ok(Some(until)) => locked(state, user, until),
        Ok(None) => ApiError::Refused(why),
        Err(error) => error.into(),
    }
}

fn locked(state: &ApiState, user: &UserId, until: Timestamp) -> ApiError {
    let wait = until.since(state.seams().now());
    let until = Timestamp::from_seconds(until.as_seconds());
    ApiError::Later {
        detail: format!("Nobody can sign in as {user} until {until}, for too many attempts failed."),
        wait,
    }
}

/// Refuses who does not know the password of the user that is signed in; counted as attempts to sign in are.
pub(crate) async fn prove(state: &ApiState, access: &Access, password: String) -> Result<(), ApiError> {
    if !matches!(access.key, Key::Login(_)) {
        return Err(ApiError::denied(
            "do this: it is for who is signed in with a password",
        ));
    }
    let user = &access.user;
    unlocked(state, user).await?;
    let known = state.ledger().credentials(user).await?;
    let known = known.and_then(|known| known.password);
    if state.passwords().is(password, known).await? {
        return Ok(());
    }
    let from = From {
        address: access.address,
        request: access.request.clone(),
    };
    Err(failed(state, user, &from, "The password is wrong.").await)
}

/// What somebody has shown beside the password.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// The second factor.
    pub(crate) proof: Option<Proof>,
    /// The step to it.
    pub(crate) after: Option<[u8; 32]>,
    /// Codes that were made on the way, to be shown this once.
    pub(crate) recovery_codes: Vec<String>,
}

/// Makes a login for who has proved who it is; what the cookie holds, and the body of the answer. `fenced` when what was
/// shown was used before.
pub(crate) async fn begin(
    state: &ApiState,
    caller: Caller,
    user: &UserId,
    shown: Shown,
) -> Result<(HeaderMap, LoggedIn), ApiError> {
    let (secret, hash) = new_secret()?;
    let address = caller.from.address;
    let (step, recovery) = match shown.proof {
        None => (None, None),
        Some(Proof::Step(step)) => (Some(step), None),
        Some(Proof::Recovery(hash)) => (None, Some(hash)),
    };
    let new = NewLogin {
        user: user.clone(),
        secret_sha256: hash,
        address,
        agent: caller.agent,
        step,
        recovery,
        after: shown.after,
        idle: IDLE,
        longest: LONGEST,
    };
    let ledger = state.ledger();
    ledger.create_login(new).await.map_err(|error| match error {
        LedgerError::NotFound(_) => ApiError::denied("do anything here yet: ask an administrator for a role"),
        error => error.into(),
    })?;
    let access = access_of(ledger, Key::Login(hash))
        .await?
        .ok_or(ApiError::Unauthorized)?;
    tracing::info!(%user, ?address, "signed in");
    let body = LoggedIn {
        session: view::session(state, access),
        csrf_token: logins::csrf_of(&secret),
        recovery_codes: shown.recovery_codes,
    };
    Ok((cookies(logins::cookie(Some(&secret), state.is_secure())), body))
}

/// The same as an answer.
pub(crate) async fn admit(
    state: &ApiState,
    caller: Caller,
    user: &UserId,
    shown: Shown,
) -> Result<Response, ApiError> {
    let (cookies, body) = begin(state, caller, user, shown).await?;
    Ok((StatusCode::OK, cookies, Json(body)).into_response())
}

/// The header that sets a cookie.
pub(crate) fn cookies(cookie: Option<HeaderValue>) -> HeaderMap {
    cookie.into_iter().map(|cookie| (SET_COOKIE, cookie)).collect()
}
