//! The built-in inbox plugin: a title, a text in Markdown, links and buttons for each event of a delivery.
//!
//! Every event shows in the inbox anyway; this is how it shows. The text is made in `text`.

mod text;

use ironcore_plugin::{Action, Delivery, ErrorInfo, Event, Failure, Host, Plugin, Receipt, inbox};

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
            // Advice is about the event of the message; earlier events of a digest show without.
            let tips = if event.id == last.id {
                delivery.tips.as_slice()
            } else {
                &[]
            };
            let entry = inbox::Entry {
                title: event
                    .title
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(MAX_TITLE)
                    .collect(),
                body: text::body(event, tips, MAX_BODY),
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

fn links(event: &Event, delivery: &Delivery) -> Vec<inbox::Link> {
    let task = event.data().task.is_some();
    [("Task", &delivery.links.task), ("Log", &delivery.links.log)]
        .into_iter()
        .filter(|_| task)
        .filter_map(|(label, url)| {
            url.as_ref().map(|url| inbox::Link {
                label: label.to_owned(),
                url: url.clone(),
            })
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
