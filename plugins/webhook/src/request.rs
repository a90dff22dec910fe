//! The request: a CloudEvent, or what a template makes; who asks, and how it is signed.

use ironcore_plugin::{Delivery, Failure, Host, LogLevel, Slot, http, templates};
use serde_json::json;

use crate::cloud_event::{self, Content};
use crate::config::Config;

const JSON: &str = "application/json; charset=utf-8";

/// Puts the request together.
pub(crate) fn request(
    host: &impl Host,
    delivery: &Delivery,
    config: &Config,
) -> Result<http::Request, Failure> {
    let Content { mut headers, body } = match delivery.template.as_deref() {
        Some(template) => Content {
            headers: vec![("content-type".to_owned(), Slot::Text(JSON.to_owned()))],
            body: rendered(host, template, config)?,
        },
        None => cloud_event::content(delivery, config.mode)?,
    };
    headers.push((
        "idempotency-key".to_owned(),
        Slot::Text(delivery.message_id.clone()),
    ));
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
        body_slots: config
            .body_secrets
            .iter()
            .map(|(pointer, secret)| http::BodySlot {
                pointer: pointer.clone(),
                value: secret.slot(),
            })
            .collect(),
        signature,
        timeout_ms: config.timeout_ms,
        attrs: Vec::new(),
    })
}

/// What the template makes. It may be mended, so a broken one is tried again; what is sent must be JSON.
fn rendered(host: &impl Host, template: &str, config: &Config) -> Result<String, Failure> {
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
    let extra = json!({ "values": config.values }).to_string();
    let text = host
        .render(&format!("webhook/{template}.json"), &extra)
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
