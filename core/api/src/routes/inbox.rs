//! The inbox: every event, what its user has read of it, and its buttons. What its user mutes is in `inbox_mutes`.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use ironcore_ledger::model::{InboxFilter, InboxItem, Page, Scope};
use ironcore_notify::Policies;
use ironcore_notify::buttons::ACKNOWLEDGE;
use ironcore_types::clock_text::parse_time;
use ironcore_types::{Severity, Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actions;
use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::{self, Json as Body, Path, Query};
use crate::inbox_view;
use crate::state::ApiState;
use crate::wire::{ActionAnswer, Inbox, InboxCounts, InboxEntry, MarkEntries, Marked, UseButton};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(inbox))
        .routes(routes!(counts))
        .routes(routes!(entry))
        .routes(routes!(read))
        .routes(routes!(unread))
        .routes(routes!(read_all))
        .routes(routes!(mark))
        .routes(routes!(act))
}

/// Which part of the inbox is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct InboxQuery {
    /// Only what the user has not read, and does not mute.
    unread: Option<bool>,
    /// Only what the user mutes (`true`), or only what not (`false`).
    muted: Option<bool>,
    /// Only what somebody has acknowledged (`true`), or only what nobody has (`false`).
    acknowledged: Option<bool>,
    /// Event types, joined by commas, with or without `ironcore.`.
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// Events that matter so much or more: `info`, `notice`, `warning`, `error`.
    min_severity: Option<String>,
    /// Of this project.
    project: Option<String>,
    /// About this job.
    job: Option<String>,
    /// About this datastore.
    datastore: Option<String>,
    /// At or after this: RFC 3339, a date, or `24h ago`.
    since: Option<String>,
    /// Before this.
    until: Option<String>,
    /// At most this many; 50 when missing, and never more than 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
}

impl InboxQuery {
    fn filter(&self, now: Timestamp) -> Result<InboxFilter, ApiError> {
        let time = |name: &str, text: Option<&str>| {
            let text = text.map(str::trim).filter(|text| !text.is_empty());
            text.map(|text| parse_time(text, now).map_err(|error| extract::parameter(name, &error)))
                .transpose()
        };
        Ok(InboxFilter {
            unread: self.unread.unwrap_or(false),
            muted: self.muted,
            acknowledged: self.acknowledged,
            types: extract::list("type", self.event_type.as_deref())?,
            min_severity: severity(self.min_severity.as_deref())?,
            job: extract::optional("job", self.job.as_deref())?,
            datastore: extract::optional("datastore", self.datastore.as_deref())?,
            since: time("since", self.since.as_deref())?,
            until: time("until", self.until.as_deref())?,
        })
    }
}

fn severity(text: Option<&str>) -> Result<Option<Severity>, ApiError> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    let unknown = || extract::parameter("min_severity", &"use info, notice, warning or error");
    let known = |text: &str| {
        let mut all = Severity::ALL.iter().copied();
        all.find(|severity| severity.as_str().eq_ignore_ascii_case(text))
    };
    text.map(|text| known(text).ok_or_else(unknown)).transpose()
}

/// The inbox of the user, newest first: every event that the token sees, whatever was delivered outside.
#[utoipa::path(
    get, path = "/api/v1/inbox", tag = "notifications", operation_id = "list_inbox", params(InboxQuery),
    responses((status = 200, body = Inbox))
)]
async fn inbox(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<InboxQuery>,
) -> Result<Json<Inbox>, ApiError> {
    let filter = query.filter(state.seams().now())?;
    let project = access.narrow(extract::optional("project", query.project.as_deref())?)?;
    let scope = project.map_or(Scope::All, Scope::Project);
    let page = Page {
        limit: extract::limit(query.limit, 50)?,
        cursor: query.cursor,
    };
    let page = state.ledger().inbox(&scope, &access.user, &filter, &page).await?;
    let policies = policies(&state, &page.items).await?;
    Ok(Json(inbox_view::inbox(page, &policies)))
}

/// How much of the inbox the user has not read, by severity. What the user mutes does not count.
#[utoipa::path(
    get, path = "/api/v1/inbox/counts", tag = "notifications", operation_id = "count_inbox",
    responses((status = 200, body = InboxCounts))
)]
async fn counts(State(state): State<ApiState>, access: Access) -> Result<Json<InboxCounts>, ApiError> {
    let counts = state.ledger().inbox_unread(&access.scope(), &access.user).await?;
    Ok(Json(inbox_view::counts(counts)))
}

/// What becomes of the actions about some entries.
async fn policies(state: &ApiState, items: &[InboxItem]) -> Result<Policies, ApiError> {
    let mut projects = BTreeSet::new();
    for item in items {
        projects.extend(item.event.event.data.project.clone());
    }
    Ok(Policies::read(state.ledger(), projects).await?)
}

/// The entry at a place, when the token sees it.
async fn found(state: &ApiState, access: &Access, seq: i64) -> Result<InboxItem, ApiError> {
    let item = state
        .ledger()
        .inbox_item(&access.scope(), &access.user, seq)
        .await?;
    item.ok_or_else(|| ApiError::not_found(format!("entry {seq}")))
}

/// One entry. It stays as unread as it is.
#[utoipa::path(
    get, path = "/api/v1/inbox/{seq}", tag = "notifications", operation_id = "show_entry",
    params(("seq" = i64, Path, description = "The place of the event.")),
    responses((status = 200, body = InboxEntry))
)]
async fn entry(
    State(state): State<ApiState>,
    access: Access,
    Path(seq): Path<i64>,
) -> Result<Json<InboxEntry>, ApiError> {
    let item = found(&state, &access, seq).await?;
    let policies = policies(&state, std::slice::from_ref(&item)).await?;
    Ok(Json(inbox_view::entry(item, &policies)))
}

async fn marked(state: &ApiState, access: &Access, seq: i64, read: bool) -> Result<Json<Marked>, ApiError> {
    let item = found(state, access, seq).await?;
    let changed = state
        .ledger()
        .mark_read(&access.scope(), &access.user, &[item.event.seq], read)
        .await?;
    Ok(Json(Marked { changed }))
}

/// Marks one entry as read.
#[utoipa::path(
    post, path = "/api/v1/inbox/{seq}/read", tag = "notifications", operation_id = "read_entry",
    params(("seq" = i64, Path, description = "The place of the event.")),
    responses((status = 200, body = Marked))
)]
async fn read(
    State(state): State<ApiState>,
    access: Access,
    Path(seq): Path<i64>,
) -> Result<Json<Marked>, ApiError> {
    marked(&state, &access, seq, true).await
}

/// Marks one entry as not read.
#[utoipa::path(
    post, path = "/api/v1/inbox/{seq}/unread", tag = "notifications", operation_id = "unread_entry",
    params(("seq" = i64, Path, description = "The place of the event.")),
    responses((status = 200, body = Marked))
)]
async fn unread(
    State(state): State<ApiState>,
    access: Access,
    Path(seq): Path<i64>,
) -> Result<Json<Marked>, ApiError> {
    marked(&state, &access, seq, false).await
}

/// Up to where entries are marked.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ReadQuery {
    /// The place of the newest entry that was seen.
    until: i64,
}

/// Marks every entry up to a place as read.
#[utoipa::path(
    post, path = "/api/v1/inbox/read", tag = "notifications", operation_id = "read_entries", params(ReadQuery),
    responses((status = 200, body = Marked))
)]
async fn read_all(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<ReadQuery>,
) -> Result<Json<Marked>, ApiError> {
    let changed = state
        .ledger()
        .mark_all_read(&access.scope(), &access.user, query.until)
        .await?;
    Ok(Json(Marked { changed }))
}

/// Marks several entries, each by its place, as read or not. Places where the token sees nothing are left alone.
#[utoipa::path(
    post, path = "/api/v1/inbox/mark", tag = "notifications", operation_id = "mark_entries", request_body = MarkEntries,
    responses((status = 200, body = Marked))
)]
async fn mark(
    State(state): State<ApiState>,
    access: Access,
    Body(request): Body<MarkEntries>,
) -> Result<Json<Marked>, ApiError> {
    let most = usize::try_from(extract::MAX_LIMIT).unwrap_or(usize::MAX);
    if request.seqs.len() > most {
        return Err(ApiError::invalid(format!("Give at most {most} places.")));
    }
    let changed = state
        .ledger()
        .mark_read(&access.scope(), &access.user, &request.seqs, request.read)
        .await?;
    Ok(Json(Marked { changed }))
}

/// Uses a button of an entry. `acknowledge` takes the event on for everybody who sees it, and its incident with it; the
/// others do what they say, as the token's user and with its rights. Each is done once: used again, the answer says so
/// and names the first task.
#[utoipa::path(
    post, path = "/api/v1/inbox/{seq}/act", tag = "notifications", operation_id = "use_button",
    request_body = UseButton, params(("seq" = i64, Path, description = "The place of the event.")),
    responses((status = 200, body = ActionAnswer))
)]
async fn act(
    State(state): State<ApiState>,
    access: Access,
    Path(seq): Path<i64>,
    Body(request): Body<UseButton>,
) -> Result<Json<ActionAnswer>, ApiError> {
    let item = found(&state, &access, seq).await?;
    if request.kind == ACKNOWLEDGE {
        access.require(Right::Acknowledge)?;
        let done = state
            .ledger()
            .acknowledge(&access.scope(), &access.user, seq)
            .await?;
        let (_, new) = done.ok_or_else(|| ApiError::not_found(format!("entry {seq}")))?;
        return Ok(Json(ActionAnswer { upid: None, new }));
    }
    access.require(Right::TakeActions)?;
    let target = match request.target {
        Some(target) => target,
        None => {
            let policies = policies(&state, std::slice::from_ref(&item)).await?;
            only_target(&item, &request.kind, &policies)?
        }
    };
    let event = item.event.event.id;
    actions::take(&state, &access, event, &request.kind, &target)
        .await
        .map(Json)
}

/// What the one button of that kind is for.
fn only_target(item: &InboxItem, kind: &str, policies: &Policies) -> Result<String, ApiError> {
    let all = inbox_view::buttons_of(item, policies);
    let mut found = all.into_iter().filter(|button| button.kind == kind);
    match (found.next(), found.next()) {
        (Some(button), None) => Ok(button.target),
        (None, _) => Err(ApiError::not_found(format!("button {kind} of this entry"))),
        (Some(one), Some(other)) => Err(ApiError::invalid(format!(
            "The entry has several buttons {kind}: give `target`, such as {} or {}.",
            one.target, other.target
        ))),
    }
}
