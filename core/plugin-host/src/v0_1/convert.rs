//! Between the host's words and those of the contract's version 0.1. What guests say is cut to sensible lengths.

use std::time::Duration;

use ironcore_types::event::{ErrorData, Tip, TipAction};
use ironcore_types::{ErrorCode, Event, EventId, PluginName, Severity};

use super::bindings::exports::ironcore::plugin::deliver as wit;
use super::bindings::ironcore::plugin::{http, mail, types};
use crate::delivery::{DeliverOutcome, Delivery, FailureScope, Reason, Receipt};
use crate::effects::{
    Attachment, BasicCredential, BodySlot, HttpCredential, HttpError, HttpRequest, HttpResponse, Mail,
    MailError, MailReply, MailServer, Mailbox, Signature, Slot, TlsMode,
};

/// The longest line of a guest that is kept, bytes.
const LINE: usize = 1 << 10;
/// The longest paragraph of a guest that is kept, bytes.
const PARAGRAPH: usize = 16 << 10;
/// How many tips of an event, steps of a tip and the like are kept.
const MANY: usize = 20;

/// Cuts at a character boundary.
pub(super) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}

fn line(text: String) -> String {
    cut(text, LINE).replace(['\r', '\n'], " ")
}

pub(super) fn event(event: &Event) -> types::Event {
    let data = &event.data;
    types::Event {
        id: event.id.to_string(),
        source: event.source.clone(),
        event_type: event.event_type.as_str().to_owned(),
        subject: event.subject.clone(),
        time_us: event.time.as_micros(),
        project: data.project.as_ref().map(ToString::to_string),
        severity: severity_out(data.severity),
        title: data.title.clone(),
        error: data.error.as_ref().map(error_info),
        // An event is an object of texts and numbers, so writing it cannot fail.
        json: serde_json::to_string(event).unwrap_or_default(),
        attrs: Vec::new(),
    }
}

fn error_info(error: &ErrorData) -> types::ErrorInfo {
    types::ErrorInfo {
        code: error.code.as_str().to_owned(),
        message: error.message.clone(),
    }
}

fn severity_out(severity: Severity) -> types::Severity {
    match severity {
        Severity::Info => types::Severity::Info,
        Severity::Notice => types::Severity::Notice,
        Severity::Warning => types::Severity::Warning,
        Severity::Error => types::Severity::Error,
    }
}

pub(super) fn severity_in(severity: types::Severity) -> Severity {
    match severity {
        types::Severity::Info => Severity::Info,
        types::Severity::Notice => Severity::Notice,
        types::Severity::Warning => Severity::Warning,
        types::Severity::Error => Severity::Error,
    }
}

pub(super) fn delivery(delivery: &Delivery) -> wit::Delivery {
    wit::Delivery {
        kind: delivery.kind.clone(),
        message_id: delivery.message.to_string(),
        thread: delivery.thread.clone(),
        attempt: delivery.attempt,
        recipient: delivery.recipient.clone(),
        handler: wit::Handler {
            project: delivery.project.as_ref().map(ToString::to_string),
            group: delivery.group.to_string(),
            name: delivery.handler.to_string(),
        },
        config: serde_json::Value::Object(delivery.config.clone()).to_string(),
        template: delivery.template.clone(),
        events: delivery.events.iter().map(event).collect(),
        incident: delivery.incident.as_ref().map(|incident| wit::Incident {
            key: incident.key.clone(),
            title: incident.title.clone(),
            opened_us: incident.opened.as_micros(),
            count: incident.count,
            resolved: incident.resolved,
            attrs: incident.attrs(),
        }),
        tips: tips_out(&delivery.tips, &delivery.tip_events),
        links: wit::Links {
            dashboard: delivery.links.dashboard.clone(),
            task: delivery.links.task.clone(),
            log: delivery.links.log.clone(),
            others: Vec::new(),
        },
        hub: wit::Hub {
            id: delivery.hub.id.to_string(),
            name: delivery.hub.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        attrs: delivery.attrs.clone(),
    }
}

/// Tips, each with the event it is about when that is known.
fn tips_out(tips: &[Tip], events: &[EventId]) -> Vec<types::Tip> {
    let mut events = events.iter();
    let about = |tip| {
        let mut out = tip_out(tip);
        out.attrs
            .extend(events.next().map(|event| ("event".to_owned(), event.to_string())));
        out
    };
    tips.iter().map(about).collect()
}

fn tip_out(tip: &Tip) -> types::Tip {
    types::Tip {
        title: tip.title.clone(),
        why: tip.why.clone(),
        evidence: Vec::new(),
        steps: tip.steps.clone(),
        link: tip.link.clone(),
        actions: tip
            .actions
            .iter()
            .map(|action| types::Action {
                kind: match action.kind.as_str() {
                    "verify" => types::ActionKind::Verify,
                    "full-backup" => types::ActionKind::FullBackup,
                    "gc" => types::ActionKind::Gc,
                    "resync" => types::ActionKind::Resync,
                    "retry" => types::ActionKind::Retry,
                    "pause-job" => types::ActionKind::PauseJob,
                    other => types::ActionKind::Custom(other.to_owned()),
                },
                target: action.target.clone(),
                label: action.label.clone(),
                attrs: Vec::new(),
            })
            .collect(),
        attrs: vec![("plugin".to_owned(), tip.plugin.to_string())],
    }
}

pub(super) fn action(action: types::Action) -> TipAction {
    let kind = match action.kind {
        types::ActionKind::Verify => "verify".to_owned(),
        types::ActionKind::FullBackup => "full-backup".to_owned(),
        types::ActionKind::Gc => "gc".to_owned(),
        types::ActionKind::Resync => "resync".to_owned(),
        types::ActionKind::Retry => "retry".to_owned(),
        types::ActionKind::PauseJob => "pause-job".to_owned(),
        types::ActionKind::Custom(kind) => line(kind),
    };
    TipAction {
        kind,
        target: line(action.target),
        label: line(action.label),
    }
}

/// A tip's evidence becomes lines after its cause: `code: chunk.corrupt`.
pub(super) fn tips(tips: Vec<types::Tip>, plugin: &PluginName) -> Vec<Tip> {
    tips.into_iter()
        .take(MANY)
        .map(|tip| {
            let mut why = cut(tip.why, PARAGRAPH);
            for evidence in tip.evidence.into_iter().take(MANY) {
                if !why.is_empty() {
                    why.push('\n');
                }
                why.push_str(&line(evidence.kind));
                why.push_str(": ");
                why.push_str(&line(evidence.text));
            }
            Tip {
                title: line(tip.title),
                why,
                steps: tip
                    .steps
                    .into_iter()
                    .take(MANY)
                    .map(|step| cut(step, PARAGRAPH))
                    .collect(),
                link: tip.link.map(line),
                actions: tip.actions.into_iter().take(MANY).map(action).collect(),
                plugin: plugin.clone(),
            }
        })
        .collect()
}

fn reason(error: types::ErrorInfo) -> Reason {
    Reason {
        code: line(error.code),
        message: line(error.message),
    }
}

pub(super) fn outcome(answer: Result<wit::Receipt, wit::Failure>) -> DeliverOutcome {
    match answer {
        Ok(receipt) => DeliverOutcome::Delivered(Receipt {
            id: receipt.id.map(line),
            status: receipt.status,
            detail: cut(receipt.detail, PARAGRAPH),
        }),
        Err(wit::Failure::Retry(retry)) => DeliverOutcome::Retry {
            after: retry.after_ms.map(Duration::from_millis),
            reason: reason(retry.reason),
            scope: match retry.scope {
                wit::FailureScope::Message => FailureScope::Message,
                wit::FailureScope::Destination => FailureScope::Destination,
            },
            status: retry.status,
        },
        Err(wit::Failure::Rejected(rejection)) => DeliverOutcome::Rejected {
            reason: reason(rejection.reason),
            gone: rejection.gone,
            status: rejection.status,
        },
        Err(wit::Failure::Custom(error)) => DeliverOutcome::Retry {
            after: None,
            reason: reason(error),
            scope: FailureScope::Message,
            status: None,
        },
    }
}

fn slot(slot: types::Slot) -> Slot {
    match slot {
        types::Slot::Text(text) => Slot::Text(text),
        types::Slot::Secret(name) => Slot::Secret(name),
        types::Slot::Wrapped(wrapped) => Slot::Wrapped {
            before: wrapped.before,
            secret: wrapped.secret,
            after: wrapped.after,
        },
    }
}

fn basic(credential: types::BasicCredential) -> BasicCredential {
    BasicCredential {
        username: slot(credential.username),
        password: slot(credential.password),
    }
}

pub(super) fn http_request(request: http::Request) -> Result<HttpRequest, HttpError> {
    let signature = match request.signature {
        None => None,
        Some(http::Signature::StandardWebhook(sign)) => Some(Signature::StandardWebhook {
            keys: sign.keys,
            message_id: sign.message_id,
        }),
        Some(http::Signature::Custom((scheme, _))) => {
            return Err(HttpError::Invalid(format!(
                "this hub does not know the signature {scheme:?}"
            )));
        }
    };
    Ok(HttpRequest {
        method: request.method,
        url: slot(request.url),
        headers: request
            .headers
            .into_iter()
            .map(|(name, value)| (name, slot(value)))
            .collect(),
        credential: request.credential.map(|credential| match credential {
            http::Credential::Basic(credential) => HttpCredential::Basic(basic(credential)),
            http::Credential::Bearer(token) => HttpCredential::Bearer(slot(token)),
        }),
        body: request.body,
        body_slots: request
            .body_slots
            .into_iter()
            .map(|body| BodySlot {
                pointer: body.pointer,
                value: slot(body.value),
            })
            .collect(),
        signature,
        timeout: request.timeout_ms.map(|ms| Duration::from_millis(ms.into())),
        attrs: request.attrs,
    })
}

pub(super) fn http_answer(answer: Result<HttpResponse, HttpError>) -> Result<http::Response, http::Error> {
    match answer {
        Ok(response) => Ok(http::Response {
            status: response.status,
            headers: response.headers,
            body: response.body,
            truncated: response.truncated,
            retry_after_ms: response
                .retry_after
                .map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
            attrs: Vec::new(),
        }),
        Err(error) => Err(match error {
            HttpError::Invalid(why) => http::Error::Invalid(why),
            HttpError::AddressDenied(why) => http::Error::AddressDenied(why),
            HttpError::Unreachable(why) => http::Error::Unreachable(why),
            HttpError::Tls(why) => http::Error::Tls(why),
            HttpError::Timeout => http::Error::Timeout,
            HttpError::SecretMissing(name) => http::Error::SecretMissing(name),
            HttpError::Other { code, message } => http::Error::Custom((code, message)),
        }),
    }
}

pub(super) fn mail_server(server: mail::Server) -> MailServer {
    MailServer {
        host: server.host,
        port: server.port,
        tls: match server.tls {
            mail::TlsMode::Starttls => TlsMode::StartTls,
            mail::TlsMode::Implicit => TlsMode::Implicit,
            mail::TlsMode::None => TlsMode::None,
        },
        credential: server.credential.map(basic),
        attrs: server.attrs,
    }
}

fn mailbox(mailbox: mail::Mailbox) -> Mailbox {
    Mailbox {
        name: mailbox.name,
        address: mailbox.address,
    }
}

pub(super) fn mail(message: mail::Message) -> Mail {
    Mail {
        from: mailbox(message.sender),
        to: message.to.into_iter().map(mailbox).collect(),
        reply_to: message.reply_to.map(mailbox),
        subject: message.subject,
        message_id: message.message_id,
        references: message.references,
        headers: message.headers,
        text: message.text,
        html: message.html,
        attachments: message
            .attachments
            .into_iter()
            .map(|file| Attachment {
                name: file.name,
                content_type: file.content_type,
                content: file.content,
            })
            .collect(),
        attrs: message.attrs,
    }
}

pub(super) fn mail_answer(answer: Result<MailReply, MailError>) -> Result<mail::Reply, mail::Error> {
    let reply = |reply: MailReply| mail::Reply {
        code: reply.code,
        text: reply.text,
    };
    match answer {
        Ok(taken) => Ok(reply(taken)),
        Err(error) => Err(match error {
            MailError::Invalid(why) => mail::Error::Invalid(why),
            MailError::AddressDenied(why) => mail::Error::AddressDenied(why),
            MailError::Unreachable(why) => mail::Error::Unreachable(why),
            MailError::Tls(why) => mail::Error::Tls(why),
            MailError::Timeout => mail::Error::Timeout,
            MailError::Credential(why) => mail::Error::Credential(why),
            MailError::SecretMissing(name) => mail::Error::SecretMissing(name),
            MailError::Temporary(said) => mail::Error::Temporary(reply(said)),
            MailError::Permanent(said) => mail::Error::Permanent(reply(said)),
            MailError::Other { code, message } => mail::Error::Custom((code, message)),
        }),
    }
}

/// The code that an error variant without one of its own is given.
pub(super) fn custom(code: ErrorCode, message: &str) -> (String, String) {
    (code.as_str().to_owned(), message.to_owned())
}
