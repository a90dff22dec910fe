//! Events: in parts, and as a stream.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use ironcore_types::EventType;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Access;
use crate::error::ApiError;
use crate::extract::{self, Query};
use crate::state::ApiState;
use crate::stream::{self, EventFeed};
use crate::view::sequenced;
use crate::wire::EventList;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(follow))
}

/// Which events are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct EventQuery {
    /// Only events after this place; 0 or missing for the beginning.
    after: Option<i64>,
    /// At most this many are looked at; 100 when missing, and never more than 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Event types, joined by commas, with or without `ironcore.`.
    #[serde(rename = "type")]
    event_type: Option<String>,
}

/// Events, oldest first. A filter by type may leave a part empty though more follow: go on until `next` is `last`.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "events", operation_id = "list_events", params(EventQuery),
    responses((status = 200, body = EventList))
)]
async fn list(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<EventQuery>,
) -> Result<Json<EventList>, ApiError> {
    let types: Vec<EventType> = extract::list("type", query.event_type.as_deref())?;
    let limit = extract::limit(query.limit, 100)?;
    let after = query.after.unwrap_or(0).max(0);
    let last = state.ledger().last_seq().await?;
    let events = state.ledger().events_after(after, limit, &access.scope()).await?;
    let full = events.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let reached = events.last().map_or(after, |event| event.seq);
    let shown = events
        .into_iter()
        .filter(|event| types.is_empty() || types.contains(&event.event.event_type));
    Ok(Json(EventList {
        events: shown.map(sequenced).collect(),
        next: if full { reached } else { reached.max(last) },
        last: last.max(reached),
    }))
}

/// Where an event stream begins, and what it tells.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct FollowQuery {
    /// Only events after this place; `Last-Event-ID` goes before it. Missing: from now on.
    after: Option<i64>,
    /// Event types, joined by commas, with or without `ironcore.`.
    #[serde(rename = "type")]
    event_type: Option<String>,
}

/// Follows the events: each under its type, its id the place, its data the CloudEvent. Between them `event: progress`
/// (ProgressNotice, no id) at most once a second for each running task, and `event: ping` at once and every 15
/// seconds, whose id is the place reached. Resumed by `Last-Event-ID`.
#[utoipa::path(
    get, path = "/api/v1/events/stream", tag = "events", operation_id = "follow_events",
    params(
        FollowQuery,
        ("Last-Event-ID" = Option<i64>, Header, description = "The last place that was read."),
    ),
    responses((status = 200, content_type = "text/event-stream", body = String))
)]
async fn follow(
    State(state): State<ApiState>,
    access: Access,
    headers: HeaderMap,
    Query(query): Query<FollowQuery>,
) -> Result<Response, ApiError> {
    let after = stream::resume(&headers, query.after)?;
    let types = extract::list("type", query.event_type.as_deref())?;
    let permit = stream::permit(&state)?;
    let feed = EventFeed::open(state, access, after, types, permit).await?;
    Ok(stream::answer(feed.stream()))
}
