//! What a user mutes: it is in the inbox, but neither unread nor counted.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ironcore_ledger::model::NewMute;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Access;
use crate::error::ApiError;
use crate::extract::{Json as Body, Path};
use crate::inbox_view;
use crate::state::ApiState;
use crate::wire::{Mute, MuteList, MuteRule};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(mutes, mute))
        .routes(routes!(unmute))
}

/// What the user mutes, oldest first.
#[utoipa::path(
    get, path = "/api/v1/inbox/mutes", tag = "notifications", operation_id = "list_mutes",
    responses((status = 200, body = MuteList))
)]
async fn mutes(State(state): State<ApiState>, access: Access) -> Result<Json<MuteList>, ApiError> {
    let mutes = state.ledger().mutes(&access.user).await?;
    Ok(Json(MuteList {
        mutes: mutes.into_iter().map(inbox_view::mute).collect(),
    }))
}

/// Mutes something for the user, of what has happened and of what will. The same rule again is the rule that there was.
#[utoipa::path(
    post, path = "/api/v1/inbox/mutes", tag = "notifications", operation_id = "mute", request_body = MuteRule,
    responses((status = 200, body = Mute))
)]
async fn mute(
    State(state): State<ApiState>,
    access: Access,
    Body(rule): Body<MuteRule>,
) -> Result<Json<Mute>, ApiError> {
    let MuteRule {
        event_type,
        job,
        datastore,
        min_severity,
        until,
    } = rule;
    let new = NewMute {
        event_type,
        job,
        datastore,
        below: min_severity,
        until,
    };
    if new.is_everything() {
        return Err(ApiError::invalid(
            "Say what is muted: `type`, `job`, `datastore` or `min-severity`.",
        ));
    }
    if until.is_some_and(|until| until <= state.seams().now()) {
        return Err(ApiError::invalid("`until` is over already."));
    }
    let mute = state.ledger().mute(&access.user, &new).await?;
    Ok(Json(inbox_view::mute(mute)))
}

/// Takes a rule of the user back: what it muted counts again.
#[utoipa::path(
    delete, path = "/api/v1/inbox/mutes/{number}", tag = "notifications", operation_id = "unmute",
    params(("number" = i64, Path, description = "Its number among the user's.")),
    responses((status = 204, description = "It is gone."))
)]
async fn unmute(
    State(state): State<ApiState>,
    access: Access,
    Path(number): Path<i64>,
) -> Result<StatusCode, ApiError> {
    if state.ledger().unmute(&access.user, number).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::not_found(format!("mute {number}")))
    }
}
