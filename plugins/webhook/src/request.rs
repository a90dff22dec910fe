//! The request: a CloudEvent with tips and links added to its data, or what a template makes.

use ironcore_plugin::{ActionKind, Delivery, Event, Failure, Host, LogLevel, Slot, Tip, http, templates};
use serde_json::{Value, json};

use crate::config::Config;

const CLOUDEVENT: &str = "application/cloudevents+json; charset=utf-8";
const CLOUDEVENTS: &str = "application/cloudevents-batch+json; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";

/// Puts the request together.
pub(crate) fn request(
    host: &impl Host,
    delivery: &Delivery,
    config: &Config,
) -> Result<http::Request, Failure> {
    let (content_type, body) = match delivery.template.as_deref() {
        Some(template) => (JSON, rendered(host, template)?),
        None => cloud_events(delivery)?,
    };
    let mut headers = vec![
        ("content-type".to_owned(), Slot::Text(content_type.to_owned())),
        (
            "idempotency-key".to_owned(),
            Slot::Text(delivery.message_id.clone()),
        ),
    ];
    let signature = match config.signing_secret.as_slice() {
        [] => {
            // Receivers tell repetitions by this header; with a signature the hub adds it itself.
            headers.push(("webhook-id".to_owned(), Slot::Text(delivery.message_id.clone())));
            None
        }
        secrets => Some(http::Signature::StandardWebhook(http::StandardWebhook {
            keys: secrets.iter().map(|secret| secret.secret.clone()).collect(),
            message_id: delivery.message_id.clone(),
        })),
    };
    for (name, value) in &config.headers {
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        headers.push((name.to_ascii_lowercase(), value.slot()));
    }
    Ok(http::Request {
        method: config.method.clone(),
        url: config.url.slot(),
        headers,
        credential: config.credential(),
        body: Some(body.into_bytes()),
        body_slots: Vec::new(),
        signature,
        timeout_ms: config.timeout_ms,
        attrs: Vec::new(),
    })
}

/// What the template makes. It may be mended, so a broken one is tried again; what is sent must be JSON.
fn rendered(host: &impl Host, template: &str) -> Result<String, Failure> {
    let valid = !template.is_empty()
        && template
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let fault = |why: String| {
        let message = format!("the template webhook/{template}.json does not work: {why}");
        host.log(LogLevel::Error, &message);
        Failure::retry("template.invalid", message)
    };
    if !valid {
        return Err(fault("its name may hold letters, digits, `-` and `_`".to_owned()));
    }
    let text = host
        .render(&format!("webhook/{template}.json"), "")
        .map_err(|error| {
            fault(match error {
                templates::Error::NotFound(name) => format!("there is no {name:?}"),
                templates::Error::Invalid(at) => {
                    format!("{}:{}:{}: {}", at.template, at.line, at.column, at.message)
                }
                templates::Error::BadExtra(why) | templates::Error::Custom((_, why)) => why,
            })
        })?;
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(fault(format!("what it makes is not JSON: {error}"))),
    }
}

/// One event as it is, several as a batch (CloudEvents JSON format 1.0, sections 3 and 4).
fn cloud_events(delivery: &Delivery) -> Result<(&'static str, String), Failure> {
    match delivery.events.as_slice() {
        [] => Err(Failure::rejected("request.invalid", "a delivery without events")),
        [event] => Ok((CLOUDEVENT, enriched(event, delivery)?.to_string())),
        events => {
            let events = events
                .iter()
                .map(|event| enriched(event, delivery))
                .collect::<Result<Vec<_>, _>>()?;
            Ok((CLOUDEVENTS, Value::Array(events).to_string()))
        }
    }
}

/// The event with what the hub knows beyond it: advice, addresses, and which message this is.
fn enriched(event: &Event, delivery: &Delivery) -> Result<Value, Failure> {
    let mut json: Value = serde_json::from_str(&event.json).map_err(|error| {
        Failure::rejected("request.invalid", format!("an event that is no JSON: {error}"))
    })?;
    if let Some(data) = json.get_mut("data").and_then(Value::as_object_mut) {
        data.insert("tips".to_owned(), delivery.tips.iter().map(tip).collect());
        data.insert(
            "links".to_owned(),
            json!({
                "dashboard": delivery.links.dashboard,
                "task": delivery.links.task,
                "log": delivery.links.log,
            }),
        );
        data.insert(
            "message".to_owned(),
            json!({ "id": delivery.message_id, "thread": delivery.thread, "attempt": delivery.attempt }),
        );
    }
    Ok(json)
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
