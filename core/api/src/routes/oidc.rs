//! Signing in at an identity provider: there, and back.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::{COOKIE, HeaderMap, HeaderValue, LOCATION, SET_COOKIE};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{Actor, Elsewhere};
use ironcore_types::UserId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::extract::{From, Path, Query};
use crate::oidc::{Begun, Claims, OidcProvider};
use crate::sign_in::{self, Caller, Shown};
use crate::state::ApiState;
use crate::wire::{LoginWay, LoginWays};

/// How long somebody may take at the provider.
const WAIT: Duration = Duration::from_secs(600);
/// What the browser keeps meanwhile, sealed.
const NAME: &str = "ironcore_oidc";
const PURPOSE: &str = "oidc-login";
/// In whose name users and grants are made by what a provider says.
const BY: &str = "oidc@system";
/// The way on, from the hub's own page: the cookie of a login is not sent where another site leads.
const PAGE: &str = "<!doctype html><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0;url=/\">\
     <title>Signed in</title><p>Signed in. <a href=\"/\">Go on</a></p>";

/// Routes that need no token.
pub(super) fn public() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(ways))
        .routes(routes!(begin))
        .routes(routes!(back))
}

/// The identity providers at which one can sign in, beside a password here.
#[utoipa::path(
    get, path = "/api/v1/login/ways", tag = "hub", operation_id = "login_ways", security(()),
    responses((status = 200, body = LoginWays))
)]
async fn ways(State(state): State<ApiState>) -> Json<LoginWays> {
    let providers = state.oidc().providers().iter();
    let ways = providers.map(|provider| LoginWay {
        realm: provider.realm.clone(),
        title: provider.title.clone(),
    });
    Json(LoginWays { ways: ways.collect() })
}

fn cookie(value: &str, seconds: u64, secure: bool) -> Result<HeaderValue, ApiError> {
    let secure = if secure { "; Secure" } else { "" };
    // Where it comes back from is another site, so it is sent along links too.
    let text =
        format!("{NAME}={value}; Path=/api/v1/login/oidc; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).map_err(|_| ApiError::Internal("a cookie cannot be written"))
}

/// Sends a browser to an identity provider.
#[utoipa::path(
    get, path = "/api/v1/login/oidc/{realm}", tag = "hub", operation_id = "login_oidc", security(()),
    params(("realm" = String, Path, description = "The realm of its users.")),
    responses((status = 303, description = "To the provider."), (status = 404, description = "There is no such provider."))
)]
async fn begin(
    State(state): State<ApiState>,
    from: From,
    Path(realm): Path<String>,
) -> Result<Response, ApiError> {
    let provider = state.oidc().of(&realm)?;
    sign_in::attempt(&state, &from)?;
    let until = state.seams().now().after(WAIT).as_micros();
    let begun = Begun::new(&realm, until)?;
    let there = state.oidc().beginning(provider, &begun).await?;
    let kept = serde_json::to_vec(&begun).map_err(|_| ApiError::Internal("a login cannot be kept"))?;
    let sealed = state.secrets().seal_for(PURPOSE, &kept);
    let sealed = sealed.map_err(|_| ApiError::Internal("a login cannot be sealed"))?;
    let there =
        HeaderValue::from_str(&there).map_err(|_| ApiError::Internal("a provider's address is none"))?;
    let kept = cookie(&hex::encode(sealed), WAIT.as_secs(), state.is_secure())?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, there), (SET_COOKIE, kept)]).into_response())
}

/// What a provider sends a browser back with.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Answer {
    /// Which login this belongs to.
    #[serde(default)]
    state: String,
    /// What the hub gets to know with who it is.
    code: Option<String>,
    /// Why there is none.
    error: Option<String>,
    /// Who says so.
    #[serde(rename = "iss")]
    issuer: Option<String>,
}

fn kept(state: &ApiState, headers: &HeaderMap, realm: &str, answer: &Answer) -> Option<Begun> {
    let pairs = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = pairs
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, sealed) = pairs.find(|(name, _)| *name == NAME)?;
    let opened = state
        .secrets()
        .open_for(PURPOSE, &hex::decode(sealed).ok()?)
        .ok()??;
    let begun: Begun = serde_json::from_slice(&opened).ok()?;
    let is_own = begun.realm == realm
        && begun.until > state.seams().now().as_micros()
        && aws_lc_rs::constant_time::verify_slices_are_equal(begun.state.as_bytes(), answer.state.as_bytes())
            .is_ok();
    is_own.then_some(begun)
}

/// Signs in who comes back from an identity provider.
#[utoipa::path(
    get, path = "/api/v1/login/oidc/{realm}/callback", tag = "hub", operation_id = "login_oidc_back", security(()),
    params(("realm" = String, Path, description = "The realm of its users."), Answer),
    responses((status = 200, content_type = "text/html", body = String),
        (status = 401, description = "It is not known who that is."))
)]
async fn back(
    State(state): State<ApiState>,
    from: From,
    headers: HeaderMap,
    Path(realm): Path<String>,
    Query(answer): Query<Answer>,
) -> Result<Response, ApiError> {
    let provider = state.oidc().of(&realm)?;
    sign_in::attempt(&state, &from)?;
    let begun = kept(&state, &headers, &realm, &answer).ok_or(ApiError::Refused(
        "This login did not begin in this browser, or took too long; begin again.",
    ))?;
    let is_other = answer
        .issuer
        .as_ref()
        .is_some_and(|issuer| *issuer != provider.issuer);
    let code = answer.code.filter(|_| answer.error.is_none() && !is_other);
    let code = code.ok_or(ApiError::Refused("The identity provider let nobody in."))?;
    let claims = state.oidc().end(provider, &begun, &code).await?;
    let user = known(&state, provider, &claims, &from).await?;
    let (mut cookies, _) =
        sign_in::begin(&state, Caller::of(from, &headers), &user, Shown::default()).await?;
    cookies.append(SET_COOKIE, cookie("", 0, state.is_secure())?);
    cookies.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    Ok((StatusCode::OK, cookies, PAGE).into_response())
}

/// The user that the claims are of, with the roles that go with its groups.
async fn known(
    state: &ApiState,
    provider: &OidcProvider,
    claims: &Claims,
    from: &From,
) -> Result<UserId, ApiError> {
    let name = claims.text(&provider.name_claim).unwrap_or_default();
    let user =
        Some(format!("{name}@{}", provider.realm)).filter(|_| !name.contains(['@', '!']) && !name.is_empty());
    let user = user
        .and_then(|user| user.parse::<UserId>().ok())
        .ok_or(ApiError::Refused(
            "The identity provider tells no name that can be a user's here.",
        ))?;
    let groups = claims.list(&provider.groups_claim);
    let grants = provider
        .grants
        .iter()
        .filter(|grant| groups.contains(&grant.group.as_str()));
    let by = Actor {
        user: UserId::new(BY).map_err(|_| ApiError::Internal("a name of the hub's own is none"))?,
        address: from.address,
        request: from.request.clone(),
    };
    let elsewhere = Elsewhere {
        user: user.clone(),
        subject: format!("{} {}", provider.issuer, claims.text("sub").unwrap_or_default()),
        name: claims.text("name").map(str::to_owned),
        email: claims.text("email").map(str::to_owned),
        create: provider.create_users,
        grants: match provider.grants.is_empty() {
            true => None,
            false => Some(
                grants
                    .map(|grant| (grant.role.clone(), grant.project.clone()))
                    .collect(),
            ),
        },
    };
    match state.ledger().sign_in_elsewhere(&by, elsewhere).await {
        Ok(()) => Ok(user),
        Err(LedgerError::NotFound(_)) => {
            tracing::warn!(%user, "nobody made the user that an identity provider sent");
            Err(ApiError::Refused(
                "There is no such user here; ask an administrator to make it.",
            ))
        }
        Err(error) => Err(error.into()),
    }
}
