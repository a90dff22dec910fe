//! Events as CloudEvents over HTTP: as they are in the body, or with their attributes in headers (HTTP protocol binding
//! 1.0.2, sections 3.1 to 3.3), with tips and links added to their data.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ironcore_plugin::{ActionKind, Delivery, Event, Failure, Incident, Slot, Tip};
use serde_json::{Value, json};

use crate::config::Mode;

const CLOUDEVENT: &str = "application/cloudevents+json; charset=utf-8";
/// What of an incident is a number.
const COUNTS: [&str; 3] = ["number", "affected", "failing"];
const CLOUDEVENTS: &str = "application/cloudevents-batch+json; charset=utf-8";
/// What is added to an event beside its tips has about this many bytes.
const ADDED: usize = 1 << 10;

/// A body, and the headers that say what it is.
pub(crate) struct Content {
    pub(crate) headers: Vec<(String, Slot)>,
    pub(crate) body: String,
}

/// One event as `mode` says. Several are a batch, for which headers have no room.
pub(crate) fn content(delivery: &Delivery, mode: Mode) -> Result<Content, Failure> {
    let mut tips = tips(delivery);
    let mut whole = |event: &Event| {
        enriched(
            event,
            delivery,
            tips.remove(event.id.as_str()).unwrap_or_default(),
        )
    };
    match (delivery.events.as_slice(), mode) {
        ([], _) => Err(Failure::rejected("request.invalid", "a delivery without events")),
        ([event], Mode::Structured) => Ok(typed(CLOUDEVENT, whole(event)?.to_string())),
        ([event], Mode::Binary) => Ok(binary(whole(event)?)),
        (events, _) => {
            // Written one by one: hundreds of parsed events at once would need more memory than a plugin has.
            let mut body = String::with_capacity(size(delivery));
            for event in events {
                body.push(if body.is_empty() { '[' } else { ',' });
                // Writing to a String cannot fail.
                let _infallible = write!(body, "{}", whole(event)?);
            }
            body.push(']');
            Ok(typed(CLOUDEVENTS, body))
        }
    }
}

/// The tips of each event, by its id. Those of which the hub does not say it are about the last event.
fn tips(delivery: &Delivery) -> BTreeMap<&str, Vec<&Tip>> {
    let last = delivery.events.last().map(|event| event.id.as_str());
    let mut all: BTreeMap<&str, Vec<&Tip>> = BTreeMap::new();
    for tip in &delivery.tips {
        let about = tip.attrs.iter().find(|(name, _)| name == "event");
        if let Some(event) = about.map(|(_, id)| id.as_str()).or(last) {
            all.entry(event).or_default().push(tip);
        }
    }
    all
}

/// About how many bytes a batch has; a text that grows step by step leaves much memory behind that cannot be used.
fn size(delivery: &Delivery) -> usize {
    let events: usize = delivery.events.iter().map(|event| event.json.len() + ADDED).sum();
    let tips = delivery.tips.iter().map(|tip| {
        let steps: usize = tip.steps.iter().map(String::len).sum();
        tip.title.len() + tip.why.len() + steps + ADDED
    });
    events + tips.sum::<usize>()
}

fn typed(content_type: &str, body: String) -> Content {
    Content {
        headers: vec![("content-type".to_owned(), Slot::Text(content_type.to_owned()))],
        body,
    }
}

/// The data as body; the content type is the data's own, every other attribute a `ce-` header.
fn binary(mut event: Value) -> Content {
    let data = event["data"].take();
    let mut content = typed("application/json", data.to_string());
    for (name, value) in event.as_object().into_iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Null | Value::Array(_) | Value::Object(_) => continue,
            other => other.to_string(),
        };
        if name == "datacontenttype" {
            content.headers[0].1 = Slot::Text(text);
        } else if name != "data" {
            content
                .headers
                .push((format!("ce-{name}"), Slot::Text(encoded(&text))));
        }
    }
    content
}

/// The value of a `ce-` header: what is not printable ASCII, spaces, quotes and percent signs are percent-encoded
/// (section 3.1.3.2).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b'!'..=b'~') && byte != b'"' && byte != b'%' {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The event with what the hub knows beyond it: advice about it, addresses, and which message this is.
fn enriched(event: &Event, delivery: &Delivery, tips: Vec<&Tip>) -> Result<Value, Failure> {
    let mut json: Value = serde_json::from_str(&event.json).map_err(|error| {
        Failure::rejected("request.invalid", format!("an event that is no JSON: {error}"))
    })?;
    if let Some(data) = json.get_mut("data").and_then(Value::as_object_mut) {
        data.insert("tips".to_owned(), tips.into_iter().map(tip).collect());
        data.insert(
            "links".to_owned(),
            json!({
                "dashboard": delivery.links.dashboard,
                "task": delivery.links.task,
                "log": delivery.links.log,
            }),
        );
        if let Some(told) = &delivery.incident {
            data.insert("incident".to_owned(), incident(told));
        }
        data.insert(
            "message".to_owned(),
            json!({ "id": delivery.message_id, "thread": delivery.thread, "attempt": delivery.attempt }),
        );
    }
    Ok(json)
}

/// The incident, with all that the hub says of it.
fn incident(incident: &Incident) -> Value {
    let mut json = json!({
        "id": incident.key,
        "title": incident.title,
        "count": incident.count,
        "resolved": incident.resolved,
    });
    for (name, value) in &incident.attrs {
        json[name.replace('-', "_")] = match value.parse::<u64>() {
            Ok(number) if COUNTS.contains(&name.as_str()) => number.into(),
            _ => value.as_str().into(),
        };
    }
    json
}

fn tip(tip: &Tip) -> Value {
    let actions: Vec<Value> = tip
        .actions
        .iter()
        .map(|action| json!({ "kind": kind(&action.kind), "target": action.target, "label": action.label }))
        .collect();
    json!({ "title": tip.title, "why": tip.why, "steps": tip.steps, "link": tip.link, "actions": actions })
}

fn kind(kind: &ActionKind) -> &str {
    match kind {
        ActionKind::Verify => "verify",
        ActionKind::FullBackup => "full-backup",
        ActionKind::Gc => "gc",
        ActionKind::Resync => "resync",
        ActionKind::Retry => "retry",
        ActionKind::PauseJob => "pause-job",
        ActionKind::Custom(kind) => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_are_encoded_as_the_binding_says() {
        // The example of the specification, and what must not be taken for an escape.
        assert_eq!(encoded("Euro € 😀"), "Euro%20%E2%82%AC%20%F0%9F%98%80");
        assert_eq!(
            encoded("100 % \"x\" \\x2d~!\n"),
            "100%20%25%20%22x%22%20\\x2d~!%0A"
        );
    }
}
