//! `message list`, `show`, `replay`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_ledger::model::MessageState;

use super::{Context, page};
use crate::args::{HandlerArg, Message, joined};
use crate::exit::Exit;
use crate::output;
use crate::table::GivesWay;

pub(super) async fn run(context: &Context, command: Message) -> Result<Exit> {
    match command {
        Message::List {
            state,
            handler,
            paging,
        } => {
            let mut query: Vec<(&str, String)> = Vec::new();
            query.extend(joined(&state, MessageState::as_str).map(|states| ("state", states)));
            if let Some(HandlerArg { group, handler }) = handler {
                query.extend(group.map(|group| ("group", group.to_string())));
                query.push(("handler", handler.to_string()));
            }
            let answer: wire::MessageList = page::pages(context, &["messages"], &query, &paging).await?;
            let rows = answer.messages.iter().map(|message| {
                vec![
                    output::time(Some(message.created)),
                    handler_of(message),
                    message.kind.clone(),
                    word(&message.state),
                    message.events.to_string(),
                    message.attempts.to_string(),
                    output::time(message.next_attempt),
                    message.id.to_string(),
                ]
            });
            let head = [
                "CREATED",
                "HANDLER",
                "KIND",
                "STATE",
                "EVENTS",
                "ATTEMPTS",
                "NEXT ATTEMPT",
                "ID",
            ];
            let order = [
                GivesWay::Id(7),
                GivesWay::Out(2),
                GivesWay::Out(5),
                GivesWay::Out(4),
            ];
            context.form.listing(&answer, &head, &order, rows)?;
            page::tell_more(context, &answer);
        }
        Message::Show { id, full } => {
            let detail: wire::MessageDetail = context.client.get(&["messages", &id.to_string()], &[]).await?;
            let message = &detail.message;
            let mut fields = vec![
                ("Message", message.id.to_string()),
                ("Handler", handler_of(message)),
                ("Plugin", message.plugin.to_string()),
            ];
            // One message goes to all of the handler's, unless it says whom it is for.
            if !message.recipient.is_empty() {
                fields.push(("Recipient", message.recipient.clone()));
            }
            fields.extend([
                ("Kind", message.kind.clone()),
                ("Thread", message.thread.clone()),
                ("State", word(&message.state)),
            ]);
            for listed in &detail.events {
                let event = &listed.event;
                let told = event.event_type.as_str().trim_start_matches("ironcore.");
                let text = format!("{} {told}: {}", output::time(Some(event.time)), event.data.title);
                fields.push(("Event", text));
            }
            for attempt in &detail.attempts {
                attempt_fields(attempt, full, &mut fields);
            }
            context.form.fields(&detail, &fields)?;
        }
        Message::Replay {
            id: None,
            handler,
            project,
            since,
        } => {
            let mut query: Vec<(&str, String)> = Vec::new();
            if let Some(HandlerArg { group, handler }) = handler {
                query.extend(group.map(|group| ("group", group.to_string())));
                query.push(("handler", handler.to_string()));
            }
            query.extend(project.map(|project| ("project", project.to_string())));
            query.extend(since.map(|since| ("since", since)));
            let path = ["messages", "replay"];
            let answer: wire::ReplayedAll =
                context.client.post(&path, &query, &serde_json::json!({})).await?;
            let mut fields = vec![("Sent again", answer.replayed.to_string())];
            if answer.left_out > 0 {
                fields.push((
                    "Left out",
                    format!(
                        "{}: their handlers are switched off or removed; `group list` tells which fail, `group enable` switches one on",
                        answer.left_out
                    ),
                ));
            }
            context.form.fields(&answer, &fields)?;
        }
        Message::Replay { id: Some(id), .. } => {
            let path = ["messages", &id.to_string(), "replay"];
            let answer: wire::Replayed = context.client.post(&path, &[], &serde_json::json!({})).await?;
            context
                .form
                .fields(&answer, &[("New message", answer.id.to_string())])?;
        }
    }
    Ok(Exit::Ok)
}

/// How many lines of a body a person is shown who does not ask for all of it.
const SHOWN: usize = 20;

/// The lines of a body, or as many of them as are shown.
fn body_fields(
    name: &'static str,
    body: &str,
    truncated: bool,
    full: bool,
    fields: &mut Vec<(&str, String)>,
) {
    let most = if full { usize::MAX } else { SHOWN };
    let mut lines = body.lines().map(printable).filter(|line| !line.trim().is_empty());
    fields.extend(lines.by_ref().take(most).map(|line| (name, line)));
    if lines.next().is_some() {
        fields.push((name, "… (--full shows all that is kept)".to_owned()));
    } else if truncated {
        fields.push((name, "… (no more of it is kept)".to_owned()));
    }
}

/// An attempt, what was sent in it, and what came back, line by line.
fn attempt_fields(attempt: &wire::Attempt, full: bool, fields: &mut Vec<(&str, String)>) {
    let status = attempt
        .status
        .map_or_else(String::new, |status| format!(", status {status}"));
    let error = attempt.error.as_ref().map_or_else(String::new, |error| {
        format!(": {} [{}]", error.message, error.code)
    });
    let text = format!(
        "{} {}{status}{error}",
        output::time(Some(attempt.started)),
        attempt.outcome
    );
    fields.push(("Attempt", format!("{} {text}", attempt.number)));
    for exchange in &attempt.exchanges {
        let what = match (exchange.status, &exchange.error) {
            (_, Some(error)) => format!("no answer: {error}"),
            (Some(status), None) => status.to_string(),
            (None, None) => "taken".to_owned(),
        };
        let (millis, tenth) = (exchange.latency_us / 1_000, exchange.latency_us % 1_000 / 100);
        fields.push((
            "  Asked",
            format!("{}: {what} ({millis}.{tenth} ms)", exchange.request),
        ));
        if let Some(sent) = &exchange.sent {
            for header in &sent.headers {
                let text = format!("{}: {}", header.name, printable(&header.value));
                fields.push(("  Sent header", text));
            }
            body_fields("  Sent", &sent.body, sent.truncated, full, fields);
        }
        for header in &exchange.headers {
            fields.push(("  Header", format!("{}: {}", header.name, header.value)));
        }
        body_fields("  Body", &exchange.body, exchange.truncated, full, fields);
    }
    for line in attempt.detail.iter().flat_map(|detail| detail.lines()) {
        fields.push(("  Log", printable(line)));
    }
}

/// A line of somebody else's without what could move the cursor of a terminal.
pub(super) fn printable(line: &str) -> String {
    line.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn handler_of(message: &wire::Message) -> String {
    format!("{}/{}", message.group, message.handler)
}

/// An enum as JSON writes it.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_default()
}
