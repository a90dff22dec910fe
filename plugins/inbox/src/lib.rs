//! The built-in inbox plugin: a title, a text in Markdown, links and buttons for each event of a delivery.
//!
//! Every event shows in the inbox anyway; this is how it shows. The text is made in `text`.

mod text;

use ironcore_plugin::{Action, Delivery, ErrorInfo, Event, Failure, Host, Plugin, Receipt, Tip, inbox};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters that stand for themselves in one segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The longest title, characters.
const MAX_TITLE: usize = 200;
/// The longest text, bytes; the hub takes more, but nobody reads it.
const MAX_BODY: usize = 16 << 10;

/// The plugin.
#[derive(Debug)]
pub struct Inbox;

impl Plugin for Inbox {
    fn deliver(host: &impl Host, delivery: &Delivery) -> Result<Receipt, Failure> {
        let last = delivery.event()?;
        for event in &delivery.events {
            let tips: Vec<Tip> = delivery
                .tips
                .iter()
                .filter(|tip| *about(tip).unwrap_or(&last.id) == event.id)
                .cloned()
                .collect();
            let entry = inbox::Entry {
                title: event
                    .title
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(MAX_TITLE)
                    .collect(),
                body: text::body(event, &tips, MAX_BODY),
                severity: event.severity,
                links: links(event, delivery),
                buttons: tips
                    .iter()
                    .flat_map(|tip| tip.actions.iter().cloned())
                    .fold(Vec::new(), distinct),
                attrs: Vec::new(),
            };
            host.inbox(&event.id, &entry).map_err(failure)?;
        }
        Ok(Receipt::new("shown in the inbox"))
    }
}

/// The event that a tip is about, when the hub says so; else it is about the last.
fn about(tip: &Tip) -> Option<&String> {
    tip.attrs
        .iter()
        .find(|(name, _)| name == "event")
        .map(|(_, id)| id)
}

/// One button for each thing to do, however many tips offer it.
fn distinct(mut actions: Vec<Action>, action: Action) -> Vec<Action> {
    if !actions
        .iter()
        .any(|known| known.kind == action.kind && known.target == action.target)
    {
        actions.push(action);
    }
    actions
}

/// The task of the event and its log, on the dashboard.
fn links(event: &Event, delivery: &Delivery) -> Vec<inbox::Link> {
    let Some((base, task)) = delivery.links.dashboard.as_ref().zip(event.data().task) else {
        return Vec::new();
    };
    let page = format!(
        "{}/tasks/{}",
        base.trim_end_matches('/'),
        utf8_percent_encode(&task.upid, SEGMENT)
    );
    [("Task", page.clone()), ("Log", format!("{page}#log"))]
        .into_iter()
        .map(|(label, url)| inbox::Link {
            label: label.to_owned(),
            url,
        })
        .collect()
}

fn failure(error: inbox::Error) -> Failure {
    Failure::Rejected(ironcore_plugin::Rejection {
        reason: match error {
            inbox::Error::UnknownEvent(id) => ErrorInfo::new("request.invalid", format!("no event {id}")),
            inbox::Error::TooLarge(most) => ErrorInfo::new(
                "delivery.rejected",
                format!("the entry has a part of more than {most} bytes"),
            ),
            inbox::Error::Custom((code, why)) => ErrorInfo::new(code, why),
        },
        gone: false,
        status: None,
        attrs: Vec::new(),
    })
}

ironcore_plugin::export!(Inbox);

#[cfg(test)]
mod tests;
