//! Second factors: the step from the password to being signed in, and how users set theirs up and remove them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{Actor, Credentials};
use ironcore_types::{ErrorCode, UserId};
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Key, Right};
use crate::auth::{new_secret, secret_hash};
use crate::error::ApiError;
use crate::extract::{From, Json as Body, Path};
use crate::factors::{self, Proof};
use crate::sign_in::{self, Caller, Shown};
use crate::state::ApiState;
use crate::wire::{
    FactorState, FirstCode, LoggedIn, OwnPassword, ProposedFactor, RecoveryCodes, RemoveFactor,
    SecondFactorWanted, StepCode, StepOnly,
};

/// How long somebody may take from the password to the code.
const STEP: Duration = Duration::from_secs(300);
const WRONG: &str = "The code is wrong, or was used before.";
const OVER: ApiError = ApiError::Refused("This step to sign in is over; begin again with the password.");

/// Routes that need nothing but what the password was answered with.
pub(super) fn public() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(go_on)).routes(routes!(first))
}

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(show, propose))
        .routes(routes!(confirm))
        .routes(routes!(remove))
        .routes(routes!(take))
}

/// The password was right: what to go on with.
pub(super) async fn begin(state: &ApiState, user: &UserId, set_up: bool) -> Result<Response, ApiError> {
    let (step, hash) = new_secret()?;
    state.ledger().begin_step(user, hash, STEP).await?;
    let wanted = SecondFactorWanted {
        step,
        expires: state.seams().now().after(STEP),
        set_up,
    };
    Ok((StatusCode::ACCEPTED, Json(wanted)).into_response())
}

/// Who goes on with a step, and what is known of it.
async fn who(state: &ApiState, from: &From, step: &str) -> Result<(UserId, Credentials), ApiError> {
    sign_in::attempt(state, from)?;
    let user = state.ledger().step_user(secret_hash(step)).await?.ok_or(OVER)?;
    sign_in::unlocked(state, &user).await?;
    let known = state.ledger().credentials(&user).await?.ok_or(OVER)?;
    Ok((user, known))
}

fn actor(user: &UserId, from: &From) -> Actor {
    Actor {
        user: user.clone(),
        address: from.address,
        request: from.request.clone(),
    }
}

/// Signs in with the code of the second factor, or with a recovery code. A wrong one counts as a wrong password does.
#[utoipa::path(
    post, path = "/api/v1/login/second-factor", tag = "hub", operation_id = "login_second_factor", request_body = StepCode,
    security(()),
    responses((status = 200, body = LoggedIn), (status = 401, description = "The code is wrong, or the step is over."),
        (status = 429, description = "Too many failures; see Retry-After."))
)]
async fn go_on(
    State(state): State<ApiState>,
    from: From,
    headers: HeaderMap,
    Body(request): Body<StepCode>,
) -> Result<Response, ApiError> {
    let (user, known) = who(&state, &from, &request.step).await?;
    let proof = factors::proof(&state, &user, &known, &request.code)?;
    let is_new = known.second_factor.is_some_and(|factor| !factor.confirmed);
    let mut shown = Shown {
        after: Some(secret_hash(&request.step)),
        ..Shown::default()
    };
    match proof {
        // The first code, of a second factor that was set up on the way.
        Some(Proof::Step(step)) if is_new => {
            shown.recovery_codes = factors::confirm(&state, &actor(&user, &from), &user, step).await?;
        }
        Some(proof) => shown.proof = Some(proof),
        None => return Err(sign_in::failed(&state, &user, &from, WRONG).await),
    }
    let caller = Caller::of(from.clone(), &headers);
    match sign_in::admit(&state, caller, &user, shown).await {
        Err(ApiError::Ledger(LedgerError::Fenced(_))) => {
            Err(sign_in::failed(&state, &user, &from, WRONG).await)
        }
        answer => answer,
    }
}

/// Sets a second factor up that is demanded of who has none; its first code, at `/api/v1/login/second-factor`, signs in.
#[utoipa::path(
    post, path = "/api/v1/login/second-factor/new", tag = "hub", operation_id = "login_new_second_factor",
    request_body = StepOnly, security(()),
    responses((status = 201, body = ProposedFactor), (status = 401, description = "The step is over."),
        (status = 409, description = "The user has a second factor."))
)]
async fn first(
    State(state): State<ApiState>,
    from: From,
    Body(request): Body<StepOnly>,
) -> Result<(StatusCode, Json<ProposedFactor>), ApiError> {
    let (user, _) = who(&state, &from, &request.step).await?;
    let proposed = factors::propose(&state, &actor(&user, &from), &user).await?;
    Ok((StatusCode::CREATED, Json(proposed)))
}

/// The second factor of the user that is signed in.
#[utoipa::path(
    get, path = "/api/v1/session/second-factor", tag = "hub", operation_id = "show_own_second_factor",
    responses((status = 200, body = FactorState))
)]
async fn show(State(state): State<ApiState>, access: Access) -> Result<Json<FactorState>, ApiError> {
    if !matches!(access.key, Key::Login(_)) {
        return Err(ApiError::denied("have a second factor: it is for who signs in"));
    }
    let user = state.ledger().user(&access.user).await?;
    let known = state.ledger().credentials(&access.user).await?;
    Ok(Json(FactorState {
        since: user.and_then(|user| user.second_factor),
        recovery_codes: known.map_or(0, |known| known.recovery_codes),
        demanded: factors::is_demanded(&state, &access.user).await?,
    }))
}

/// Makes a second factor for the user that is signed in. It is not asked for before a code of it was shown.
#[utoipa::path(
    post, path = "/api/v1/session/second-factor", tag = "hub", operation_id = "propose_second_factor",
    request_body = OwnPassword,
    responses((status = 201, body = ProposedFactor), (status = 409, description = "There is one."))
)]
async fn propose(
    State(state): State<ApiState>,
    access: Access,
    Body(request): Body<OwnPassword>,
) -> Result<(StatusCode, Json<ProposedFactor>), ApiError> {
    sign_in::prove(&state, &access, request.password).await?;
    let proposed = factors::propose(&state, &access.actor(), &access.user).await?;
    Ok((StatusCode::CREATED, Json(proposed)))
}

/// Shows the first code: from now on one is asked for. The answer holds what stands in for it, this once.
#[utoipa::path(
    post, path = "/api/v1/session/second-factor/confirm", tag = "hub", operation_id = "confirm_second_factor",
    request_body = FirstCode,
    responses((status = 200, body = RecoveryCodes), (status = 401, description = "The code is wrong."),
        (status = 409, description = "There is nothing to confirm."))
)]
async fn confirm(
    State(state): State<ApiState>,
    access: Access,
    Body(request): Body<FirstCode>,
) -> Result<Json<RecoveryCodes>, ApiError> {
    if !matches!(access.key, Key::Login(_)) {
        return Err(ApiError::denied("have a second factor: it is for who signs in"));
    }
    let user = &access.user;
    let known = state.ledger().credentials(user).await?;
    let factor = known.and_then(|known| known.second_factor);
    let factor = factor
        .filter(|factor| !factor.confirmed)
        .ok_or_else(|| conflict("There is no new second factor to confirm: make one first."))?;
    let step = factors::step(&state, user, &factor, &request.code)?;
    let step = step.ok_or(ApiError::Refused(WRONG))?;
    let recovery_codes = factors::confirm(&state, &access.actor(), user, step).await?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}

fn conflict(detail: &str) -> ApiError {
    ApiError::Invalid {
        code: ErrorCode::Conflict,
        detail: detail.to_owned(),
        faults: Vec::new(),
    }
}

/// Removes the second factor of the user that is signed in, who is signed out everywhere by that.
#[utoipa::path(
    post, path = "/api/v1/session/second-factor/remove", tag = "hub", operation_id = "remove_own_second_factor",
    request_body = RemoveFactor,
    responses((status = 204, description = "Sign in again, without."), (status = 401, description = "Password or code is wrong."),
        (status = 409, description = "A role demands it."))
)]
async fn remove(
    State(state): State<ApiState>,
    access: Access,
    Body(request): Body<RemoveFactor>,
) -> Result<StatusCode, ApiError> {
    sign_in::prove(&state, &access, request.password).await?;
    let user = &access.user;
    if factors::is_demanded(&state, user).await? {
        return Err(conflict("One of your roles is for who has a second factor."));
    }
    let known = state.ledger().credentials(user).await?;
    let known = known.filter(|known| {
        known
            .second_factor
            .as_ref()
            .is_some_and(|factor| factor.confirmed)
    });
    let known = known.ok_or_else(|| conflict("You have no second factor."))?;
    let is_right = match factors::proof(&state, user, &known, &request.code)? {
        Some(Proof::Step(_)) => true,
        Some(Proof::Recovery(hash)) => state.ledger().has_recovery_code(user, hash).await?,
        None => false,
    };
    if !is_right {
        let from = From {
            address: access.address,
            request: access.request.clone(),
        };
        return Err(sign_in::failed(&state, user, &from, WRONG).await);
    }
    state.ledger().remove_factor(&access.actor(), user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a user's second factor away, say because the telephone is lost. The user is signed out everywhere.
#[utoipa::path(
    delete, path = "/api/v1/users/{user}/second-factor", tag = "access", operation_id = "take_second_factor",
    params(("user" = UserId, Path, description = "`NAME@REALM`.")),
    responses((status = 204, description = "It signs in with the password alone, or sets up another."))
)]
async fn take(
    State(state): State<ApiState>,
    access: Access,
    Path(user): Path<UserId>,
) -> Result<StatusCode, ApiError> {
    access.require(Right::ManageAccess)?;
    state.ledger().remove_factor(&access.actor(), &user).await?;
    Ok(StatusCode::NO_CONTENT)
}
