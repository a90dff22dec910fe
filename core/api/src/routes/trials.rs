//! Test messages, and previews of what a handler would make of an event.

use axum::Json;
use axum::extract::State;
use futures::future::join_all;
use ironcore_ledger::model::{self, HandlerRef, MessageFilter, Page, SeqEvent};
use ironcore_notify::NotifyError;
use ironcore_notify::trial::{self, Tested, Tried};
use ironcore_types::notification::{Group, GroupRef, Handler};
use ironcore_types::{EventType, HandlerName, MessageId, TaskType};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::explain::made_up;
use crate::access::{Access, Right};
use crate::error::ApiError;
use crate::extract::{Json as Body, parameter};
use crate::state::ApiState;
use crate::view;
use crate::wire::{
    Made, MadeUpEvent, MessageDetail, PreviewAnswer, PreviewRequest, TemplateText, TestAnswer, TestRequest,
    TestedHandler,
};

/// The largest template that is tried, bytes.
const TEMPLATE: usize = 256 * 1024;
/// Messages of one event and handler that are shown.
const SENT: u32 = 10;
/// The plugin of webhooks.
const WEBHOOK: &str = "webhook";

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(test))
        .routes(routes!(preview))
}

/// Sends a test message through a handler, or through each of a group, now and once, and tells how it went. It is no
/// message of the hub: it is in no list, is not tried again, and a failure switches nothing off.
#[utoipa::path(
    post, path = "/api/v1/notifications/test", tag = "notifications", operation_id = "test_handlers",
    request_body = TestRequest, responses((status = 200, body = TestAnswer))
)]
async fn test(
    State(state): State<ApiState>,
    access: Access,
    Body(request): Body<TestRequest>,
) -> Result<Json<TestAnswer>, ApiError> {
    let group = group(&state, &access, request.project, request.group).await?;
    access.require(Right::TestHandlers)?;
    let handlers: Vec<&Handler> = match &request.handler {
        Some(name) => vec![handler(&group, name)?],
        None => group.handler.iter().filter(|handler| handler.enabled).collect(),
    };
    if handlers.is_empty() {
        return Err(ApiError::invalid("The group has no handler that is on."));
    }
    let event_type = request.event_type.unwrap_or(EventType::TaskCompleted);
    let wanted = MadeUpEvent {
        event_type,
        project: group.project.clone(),
        severity: None,
        code: None,
        job: None,
        datastore: None,
        task_type: Some(TaskType::Backup),
        at: None,
        before: None,
    };
    let mut event = made_up(&state, &access, wanted).await?;
    event.data.title = format!(
        "Test message of {}, asked for by {}: nothing happened",
        group.reference(),
        access.user
    );
    let tried = handlers.iter().map(|declared| {
        state.trials().test(Tried {
            handler: reference(&group, &declared.name),
            declared: (*declared).clone(),
            events: vec![SeqEvent {
                seq: 0,
                event: event.clone(),
            }],
            tips: Vec::new(),
            message: None,
        })
    });
    let ended = join_all(tried).await;
    tracing::info!(actor = %access.user, group = %group.reference(), handlers = ended.len(), "handlers were tested");
    let handlers = handlers.into_iter().zip(ended);
    Ok(Json(TestAnswer {
        event,
        handlers: handlers.map(|(handler, tested)| shown(handler, tested)).collect(),
    }))
}

/// Shows what a handler would make of an event that happened, or of a message that was made, beside what was really sent: with
/// its template, or with a text in the place of one. Nothing is sent and no secret is opened. A template that cannot be read is refused with
/// line and column.
#[utoipa::path(
    post, path = "/api/v1/notifications/preview", tag = "notifications", operation_id = "preview_event",
    request_body = PreviewRequest, responses((status = 200, body = PreviewAnswer))
)]
async fn preview(
    State(state): State<ApiState>,
    access: Access,
    Body(request): Body<PreviewRequest>,
) -> Result<Json<PreviewAnswer>, ApiError> {
    let (message, events) = match (request.event, request.message) {
        (Some(id), None) => (None, vec![access.event(state.ledger(), id).await?]),
        (None, Some(id)) => {
            let (message, events) = message(&state, &access, id).await?;
            (Some(message), events)
        }
        _ => return Err(ApiError::invalid("Give one of `event` and `message`.")),
    };
    let Some(event) = events.last().cloned() else {
        return Err(ApiError::not_found("event of the message".to_owned()));
    };
    let declared = match (request.group, &request.handler) {
        (Some(name), Some(wanted)) => {
            let group = group(&state, &access, request.project, name).await?;
            let declared = handler(&group, wanted)?.clone();
            Some((reference(&group, wanted), declared))
        }
        // A message is previewed by its own.
        (None, None) => match &message {
            Some(message) => Some((message.handler.clone(), own(&state, message).await?)),
            None => None,
        },
        _ => {
            return Err(ApiError::invalid(
                "Give both of `group` and `handler`, or neither.",
            ));
        }
    };
    access.require(Right::TestHandlers)?;
    let sent = match (&message, &declared) {
        (Some(message), _) => vec![detail(&state, &access, message.clone()).await?],
        (None, Some((handler, _))) => sent(&state, &access, &event, handler).await?,
        (None, None) => Vec::new(),
    };
    let (handler, mut declared) = match declared {
        Some(declared) => declared,
        None => {
            let name = request.template.as_ref().map(|template| template.name.as_deref());
            let name = name.ok_or_else(|| ApiError::invalid("Give a handler, or a template."))?;
            webhook(&event, name)?
        }
    };
    let template = request
        .template
        .map(|template| substitute(template, &mut declared))
        .transpose()?;
    let mut tips = Vec::new();
    for event in &events {
        let of_event = state.ledger().tips_of(event.event.id).await?;
        tips.extend(of_event.into_iter().map(|tip| (event.event.id, tip)));
    }
    let of = message.as_ref().map(|message| message.id);
    let tried = Tried {
        message,
        handler,
        declared,
        tips,
        events,
    };
    let preview = state.trials().preview(tried, template).await;
    let preview = preview.map_err(|error| ApiError::Notify(NotifyError::Template(error)))?;
    Ok(Json(PreviewAnswer {
        event: event.event,
        message: of,
        made: preview.made.into_iter().map(made).collect(),
        problem: preview.problem,
        templates: preview.templates,
        sent,
    }))
}

/// A message that was made, with its events, oldest first.
async fn message(
    state: &ApiState,
    access: &Access,
    id: MessageId,
) -> Result<(model::Message, Vec<SeqEvent>), ApiError> {
    let message = access.message(state.ledger(), id).await?;
    let mut events = state.ledger().message_events(id).await?;
    events.retain(|event| access.sees(event.event.data.project.as_ref()));
    Ok((message, events))
}

/// The handler of a message as it is declared; as it was when the message was made, when it was removed since.
async fn own(state: &ApiState, message: &model::Message) -> Result<Handler, ApiError> {
    let of = &message.handler;
    let group = GroupRef {
        project: of.project.clone(),
        name: of.group.clone(),
    };
    let group = state.ledger().group(&group).await?;
    let mut declared = group.into_iter().flat_map(|group| group.handler);
    if let Some(declared) = declared.find(|known| known.name == of.handler) {
        return Ok(declared);
    }
    let snapshot = state.ledger().message_snapshot(message.id).await?;
    snapshot.ok_or_else(|| ApiError::not_found(format!("handler {of}")))
}

async fn group(
    state: &ApiState,
    access: &Access,
    project: Option<ironcore_types::ProjectName>,
    name: ironcore_types::GroupName,
) -> Result<Group, ApiError> {
    let project = access.narrow(project)?;
    access.group(state.ledger(), &GroupRef { project, name }).await
}

fn handler<'g>(group: &'g Group, name: &HandlerName) -> Result<&'g Handler, ApiError> {
    let found = group.handler.iter().find(|known| known.name == *name);
    found.ok_or_else(|| ApiError::not_found(format!("handler {}/{name}", group.reference())))
}

fn reference(group: &Group, name: &HandlerName) -> HandlerRef {
    HandlerRef {
        project: group.project.clone(),
        group: group.name.clone(),
        handler: name.clone(),
    }
}

/// A webhook that nobody declared, for a template by itself.
fn webhook(event: &SeqEvent, name: Option<&str>) -> Result<(HandlerRef, Handler), ApiError> {
    let template = match name {
        None => "preview",
        Some(name) => name
            .strip_prefix("webhook/")
            .and_then(|name| name.strip_suffix(".json"))
            .ok_or_else(|| {
                let why = "without a handler it is a webhook's, such as webhook/slack.json";
                parameter("template.name", &why)
            })?,
    };
    let declared = serde_json::json!({
        "name": "preview", "plugin": WEBHOOK, "template": template,
        "config": { "url": "https://preview.invalid/" },
    });
    let declared: Handler =
        serde_json::from_value(declared).map_err(|_| ApiError::Internal("a handler cannot be made"))?;
    let name = |_| ApiError::Internal("a name is not valid");
    let handler = HandlerRef {
        project: event.event.data.project.clone(),
        group: ironcore_types::GroupName::new("preview").map_err(name)?,
        handler: declared.name.clone(),
    };
    Ok((handler, declared))
}

/// Which template the text stands for: its name and the text.
fn substitute(template: TemplateText, handler: &mut Handler) -> Result<(String, String), ApiError> {
    if template.text.len() > TEMPLATE {
        return Err(parameter(
            "template.text",
            &format!("it has more than {TEMPLATE} bytes"),
        ));
    }
    let name = match template.name {
        Some(name) => name,
        None if handler.plugin.as_str() == WEBHOOK => {
            let own = handler.template.get_or_insert_with(|| "preview".to_owned());
            format!("webhook/{own}.json")
        }
        None => {
            let why = "say which template the text stands for, such as email/body.html";
            return Err(parameter("template.name", &why));
        }
    };
    Ok((name, template.text))
}

/// What was really sent.
async fn sent(
    state: &ApiState,
    access: &Access,
    event: &SeqEvent,
    handler: &HandlerRef,
) -> Result<Vec<MessageDetail>, ApiError> {
    let ledger = state.ledger();
    let filter = MessageFilter {
        group: Some(handler.group.clone()),
        handler: Some(handler.handler.clone()),
        event: Some(event.event.id),
        ..MessageFilter::default()
    };
    let page = ledger.messages(&filter, &Page::first(SENT)).await?;
    let mut sent = Vec::new();
    for listed in page.messages {
        // A group of another project may have the same name.
        if listed.message.handler != *handler {
            continue;
        }
        sent.push(detail(state, access, listed.message).await?);
    }
    Ok(sent)
}

/// A message as it is shown, with what became of it.
async fn detail(
    state: &ApiState,
    access: &Access,
    message: model::Message,
) -> Result<MessageDetail, ApiError> {
    let ledger = state.ledger();
    let events = ledger.message_events(message.id).await?;
    let attempts = ledger.attempts(message.id).await?;
    Ok(MessageDetail {
        message: view::message(message, events.len() as u64),
        attempts: attempts.into_iter().map(view::attempt).collect(),
        events: events
            .into_iter()
            .filter(|event| access.sees(event.event.data.project.as_ref()))
            .map(view::sequenced)
            .collect(),
    })
}

fn shown(handler: &Handler, tested: Tested) -> TestedHandler {
    let (receipt, error) = match tested.outcome {
        Ok(receipt) => (Some(receipt), None),
        Err(error) => (None, Some(error)),
    };
    TestedHandler {
        handler: handler.name.clone(),
        plugin: handler.plugin.clone(),
        delivered: error.is_none(),
        message: tested.message,
        started: tested.started,
        took_ms: u64::try_from(tested.took.as_millis()).unwrap_or(u64::MAX),
        status: tested.status,
        receipt,
        error,
        again: tested.again,
        detail: tested.detail,
        templates: tested.templates,
    }
}

fn made(made: trial::Made) -> Made {
    match made {
        trial::Made::Http {
            method,
            url,
            headers,
            body,
        } => Made::Http {
            method,
            url,
            headers,
            body,
        },
        trial::Made::Mail {
            from,
            to,
            subject,
            text,
            html,
        } => Made::Mail {
            from,
            to,
            subject,
            text,
            html,
        },
    }
}
