//! Messages with their attempts.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ironcore_ledger::Ledger;
use ironcore_ledger::model::{self, MessageFilter, Page};
use ironcore_notify::matching::{BUILTIN_GROUP, INBOX};
use ironcore_types::MessageId;
use ironcore_types::clock_text::parse_time;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::{self, Path, Query};
use crate::state::ApiState;
use crate::view;
use crate::wire::{MessageDetail, MessageList, Replayed, ReplayedAll};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(messages))
        .routes(routes!(message))
        .routes(routes!(replay))
        .routes(routes!(replay_all))
}

/// Which messages are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct MessageQuery {
    /// States, joined by commas: `pending`, `sending`, `delivered`, `dead`.
    state: Option<String>,
    /// Of this project.
    project: Option<String>,
    /// Of this group.
    group: Option<String>,
    /// Of this handler.
    handler: Option<String>,
    /// About this event.
    event: Option<String>,
    /// Made at or after this: RFC 3339, a date, or `24h ago`.
    since: Option<String>,
    /// At most this many; 100 when missing, and never more than 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
}

fn states(text: Option<&str>) -> Result<Vec<model::MessageState>, ApiError> {
    let words: Vec<String> = extract::list("state", text)?;
    let unknown = || extract::parameter("state", &"use pending, sending, delivered or dead");
    words
        .iter()
        .map(|word| model::MessageState::parse(&word.to_ascii_lowercase()).ok_or_else(unknown))
        .collect()
}

/// Whose messages are wanted, as a query says it.
struct Whose<'a> {
    project: Option<&'a str>,
    group: Option<&'a str>,
    handler: Option<&'a str>,
    event: Option<&'a str>,
    since: Option<&'a str>,
}

impl Whose<'_> {
    /// In any state, and no more than the token may see. What nobody knows is refused.
    async fn filter(&self, access: &Access, state: &ApiState) -> Result<MessageFilter, ApiError> {
        let since = self.since.filter(|text| !text.is_empty());
        let since = since.map(|text| {
            parse_time(text, state.seams().now()).map_err(|error| extract::parameter("since", &error))
        });
        let filter = MessageFilter {
            project: access.narrow(extract::optional("project", self.project)?)?,
            states: Vec::new(),
            group: extract::optional("group", self.group)?,
            handler: extract::optional("handler", self.handler)?,
            event: extract::optional("event", self.event)?,
            since: since.transpose()?,
        };
        check_names(access, state.ledger(), &filter).await?;
        Ok(filter)
    }
}

/// Refuses a project, group or handler that is not declared. One that was removed is known while it has messages.
async fn check_names(access: &Access, ledger: &Ledger, filter: &MessageFilter) -> Result<(), ApiError> {
    let names = MessageFilter {
        project: filter.project.clone(),
        group: filter.group.clone(),
        handler: filter.handler.clone(),
        ..MessageFilter::default()
    };
    if names == MessageFilter::default() {
        return Ok(());
    }
    let groups = ledger.groups(filter.project.as_ref()).await?;
    let groups = groups
        .iter()
        .filter(|group| filter.group.as_ref().is_none_or(|name| *name == group.name));
    let unknown = match (&filter.handler, &filter.group) {
        (Some(name), group) => {
            let declared = groups
                .flat_map(|group| &group.handler)
                .any(|handler| handler.name == *name);
            // The fixed one has a group that nobody declares.
            let fixed =
                name.as_str() == INBOX && group.as_ref().is_none_or(|name| name.as_str() == BUILTIN_GROUP);
            (!declared && !fixed).then(|| match group {
                Some(group) => format!("handler {group}/{name}"),
                None => format!("handler {name}"),
            })
        }
        (None, Some(name)) => {
            let known = groups.count() > 0 || name.as_str() == BUILTIN_GROUP;
            (!known).then(|| format!("group {name}"))
        }
        (None, None) => None,
    };
    let first = Page {
        limit: 1,
        cursor: None,
    };
    if let Some(project) = &filter.project
        && ledger.project(project).await?.is_none()
    {
        // It was removed, or never was; it has nothing but messages then.
        let of_it = MessageFilter {
            project: Some(project.clone()),
            ..MessageFilter::default()
        };
        if ledger.messages(&of_it, &first).await?.messages.is_empty() {
            return access.project(ledger, project).await;
        }
    }
    match unknown {
        Some(what) if ledger.messages(&names, &first).await?.messages.is_empty() => {
            Err(ApiError::not_found(what))
        }
        _ => Ok(()),
    }
}

/// Messages, newest first. A project, group or handler that is not declared is refused, unless it still has messages.
#[utoipa::path(
    get, path = "/api/v1/messages", tag = "notifications", operation_id = "list_messages", params(MessageQuery),
    responses((status = 200, body = MessageList))
)]
async fn messages(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<MessageQuery>,
) -> Result<Json<MessageList>, ApiError> {
    let whose = Whose {
        project: query.project.as_deref(),
        group: query.group.as_deref(),
        handler: query.handler.as_deref(),
        event: query.event.as_deref(),
        since: query.since.as_deref(),
    };
    let filter = MessageFilter {
        states: states(query.state.as_deref())?,
        ..whose.filter(&access, &state).await?
    };
    let page = Page {
        limit: extract::limit(query.limit, 100)?,
        cursor: query.cursor,
    };
    let page = state.ledger().messages(&filter, &page).await?;
    Ok(Json(MessageList {
        messages: page.messages.into_iter().map(view::listed_message).collect(),
        next: page.next,
        count: page.total.value,
        count_capped: page.total.more,
    }))
}

/// One message with its attempts and events.
#[utoipa::path(
    get, path = "/api/v1/messages/{id}", tag = "notifications", operation_id = "show_message",
    params(("id" = MessageId, Path, description = "Its id.")),
    responses((status = 200, body = MessageDetail))
)]
async fn message(
    State(state): State<ApiState>,
    access: Access,
    Path(id): Path<MessageId>,
) -> Result<Json<MessageDetail>, ApiError> {
    let message = access.message(state.ledger(), id).await?;
    let attempts = state.ledger().attempts(id).await?;
    let events = state.ledger().message_events(id).await?;
    Ok(Json(MessageDetail {
        message: view::message(message, events.len() as u64),
        attempts: attempts.into_iter().map(view::attempt).collect(),
        events: events
            .into_iter()
            .filter(|event| access.sees(event.event.data.project.as_ref()))
            .map(view::sequenced)
            .collect(),
    }))
}

/// Sends a message again that was delivered or given up; refused while its handler is switched off or removed.
#[utoipa::path(
    post, path = "/api/v1/messages/{id}/replay", tag = "notifications", operation_id = "replay_message",
    params(("id" = MessageId, Path, description = "Its id.")),
    responses((status = 202, description = "The new message waits to be sent.", body = Replayed))
)]
async fn replay(
    State(state): State<ApiState>,
    access: Access,
    Path(id): Path<MessageId>,
) -> Result<(StatusCode, Json<Replayed>), ApiError> {
    let message = access.message(state.ledger(), id).await?;
    access.require(Right::ReplayMessages)?;
    let new = state.ledger().replay(message.id).await?;
    Ok((StatusCode::ACCEPTED, Json(Replayed { id: new.id })))
}

/// Which dead letters are sent again.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ReplayQuery {
    /// Of this project.
    project: Option<String>,
    /// Of this group.
    group: Option<String>,
    /// Of this handler.
    handler: Option<String>,
    /// About this event.
    event: Option<String>,
    /// Made at or after this: RFC 3339, a date, or `24h ago`.
    since: Option<String>,
}

/// Sends every dead letter again that passes the filter and was not sent again before. Those of handlers that are switched
/// off or removed are left out, and counted. A project, group or handler that is not declared, and has no messages, is refused.
#[utoipa::path(
    post, path = "/api/v1/messages/replay", tag = "notifications", operation_id = "replay_messages", params(ReplayQuery),
    responses((status = 202, description = "The new messages wait to be sent.", body = ReplayedAll))
)]
async fn replay_all(
    State(state): State<ApiState>,
    access: Access,
    Query(query): Query<ReplayQuery>,
) -> Result<(StatusCode, Json<ReplayedAll>), ApiError> {
    access.require(Right::ReplayMessages)?;
    let whose = Whose {
        project: query.project.as_deref(),
        group: query.group.as_deref(),
        handler: query.handler.as_deref(),
        event: query.event.as_deref(),
        since: query.since.as_deref(),
    };
    let filter = whose.filter(&access, &state).await?;
    let report = state.ledger().replay_all(&filter).await?;
    let answer = ReplayedAll {
        replayed: report.replayed,
        left_out: report.left_out,
    };
    Ok((StatusCode::ACCEPTED, Json(answer)))
}
