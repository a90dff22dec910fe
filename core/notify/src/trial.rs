//! Trials: a test message through a handler, and what a handler would make of an event. Neither is kept, and neither is a
//! message of the ledger: nothing is tried again, no circuit opens, no handler is switched off for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use ironcore_ledger::model::{ClaimedMessage, HandlerRef, Message, MessageState, SeqEvent};
use ironcore_plugin_host::HostServices;
use ironcore_plugin_host::effects::{
    HttpError, HttpRequest, HttpResponse, KvError, LogLine, Mail, MailError, MailReply, MailServer,
    RenderError, Sample,
};
use ironcore_types::event::{ErrorData, Tip};
use ironcore_types::notification::Handler;
use ironcore_types::{EventId, MessageId, Timestamp};
use serde_json::Value;

use crate::addresses;
use crate::delivery::{call, link_of, services_of};
use crate::fanout::{KIND_DIGEST, KIND_EVENT};
use crate::notify::{Notify, Shared};
use crate::outcome::{Meaning, cut};
use crate::record::{DETAIL, Record};
use crate::retry::Verdict;
use crate::sent;
use crate::services::{render_error, shared as as_services};
use crate::templates::{TemplateError, Templates};

/// What a message is called that only tries its handler.
const KIND_TEST: &str = "test";
/// A body in a preview is cut here, bytes.
const BODY: usize = 100_000;

/// What is tried: events, or a message, and the handler that is to tell of them.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The message that is previewed, as it was made; none for events by themselves.
    pub message: Option<Message>,
    /// Which handler.
    pub handler: HandlerRef,
    /// As it is declared.
    pub declared: Handler,
    /// What it tells of, oldest first.
    pub events: Vec<SeqEvent>,
    /// What to do about them, each with its event.
    pub tips: Vec<(EventId, Tip)>,
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// The id that the receiver saw.
    pub message: MessageId,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What the destination answered when it took the message; else why it did not.
    pub outcome: Result<String, ErrorData>,
    /// Whether trying again may help; a real message would be tried again.
    pub again: bool,
    /// The destination's status.
    pub status: Option<u16>,
    /// What was sent and answered; redacted.
    pub detail: Option<String>,
    /// What is wrong with templates, each with its place; where the built-in one was used all the same, it says so.
    pub templates: Vec<String>,
}

/// What a handler would send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// A request. Secrets stand as `{secret NAME}`.
    Http {
        /// Such as `POST`.
        method: String,
        /// Where to.
        url: String,
        /// Headers, but those that are made when it is sent; without what the configuration says in plain words of a
        /// credential.
        headers: Vec<(String, String)>,
        /// The body, as far as it is text.
        body: String,
    },
    /// A mail.
    Mail {
        /// Who sends it.
        from: String,
        /// Who gets it.
        to: Vec<String>,
        /// What it is about.
        subject: String,
        /// The plain part.
        text: String,
        /// The HTML part.
        html: Option<String>,
    },
}

/// What a handler would make of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// What it would send.
    pub made: Vec<Made>,
    /// Why it would send nothing, when it fails.
    pub problem: Option<ErrorData>,
    /// What is wrong with templates, each with its place; where the built-in one was used all the same, it says so.
    pub templates: Vec<String>,
}

impl Notify {
    /// Sends a test message now, and says how it ended.
    pub async fn test(&self, tried: Tried) -> Tested {
        let shared = &self.shared;
        let claimed = claimed(shared, tried, KIND_TEST);
        let (started, began) = (shared.seams.now(), shared.seams.moment());
        let services = services_of(shared, &claimed);
        let (meaning, _) = call(shared, &claimed, as_services(&services)).await;
        let record = services.finish();
        let detail = written(&record);
        Tested {
            message: claimed.message.id,
            started,
            took: shared.seams.moment().since(began),
            again: matches!(meaning.verdict, Verdict::Again { .. } | Verdict::Later { .. }),
            status: meaning.status,
            outcome: outcome(meaning),
            detail: Some(cut(detail, DETAIL)).filter(|detail| !detail.is_empty()),
            templates: record.templates,
        }
    }

    /// What the handler would send, with this text in the place of a template when one is given: its name, and the text.
    /// Nothing is sent, and no secret is opened.
    pub async fn preview(
        &self,
        tried: Tried,
        template: Option<(String, String)>,
    ) -> Result<Preview, TemplateError> {
        let shared = &self.shared;
        let templates = match template {
            Some((name, text)) => shared.templates.with(&name, &text)?,
            None => shared.templates.clone(),
        };
        let kind = match tried.events.len() {
            1 => KIND_EVENT,
            _ => KIND_DIGEST,
        };
        let claimed = claimed(shared, tried, kind);
        let services = Arc::new(Paper {
            link: link_of(shared, &claimed.message).map(|(_, key)| key),
            templates,
            written: Mutex::default(),
        });
        let (meaning, _) = call(shared, &claimed, Arc::clone(&services) as Arc<dyn HostServices>).await;
        let written = services.take();
        Ok(Preview {
            made: written.made,
            problem: outcome(meaning).err(),
            templates: written.templates,
        })
    }
}

/// The record of an attempt as text: what was asked and answered, and what the plugin wrote.
fn written(record: &Record) -> String {
    let mut lines = Vec::new();
    for exchange in &record.exchanges {
        let millis = exchange.latency_us / 1_000;
        lines.push(match (exchange.status, &exchange.error) {
            (_, Some(error)) => format!("{}: {error} after {millis} ms", exchange.request),
            (Some(status), None) => format!("{}: {status} in {millis} ms", exchange.request),
            (None, None) => format!("{}: in {millis} ms", exchange.request),
        });
        lines.extend(exchange.body.lines().map(|line| format!("  {line}")));
    }
    lines.extend(record.detail.lines().map(str::to_owned));
    lines.join("\n")
}

fn outcome(meaning: Meaning) -> Result<String, ErrorData> {
    match meaning.verdict {
        Verdict::Delivered => Ok(meaning.receipt),
        Verdict::Again { code, reason, .. }
        | Verdict::Later { code, reason, .. }
        | Verdict::Rejected { code, reason, .. } => Err(ErrorData {
            code,
            message: reason,
        }),
    }
}

/// As the ledger would hand a message out: the one that was made, or one of this kind.
fn claimed(shared: &Shared, tried: Tried, kind: &str) -> ClaimedMessage {
    let message = match tried.message {
        // By whichever handler it is told now.
        Some(message) => Message {
            handler: tried.handler,
            plugin: tried.declared.plugin.clone(),
            ..message
        },
        None => made_up(shared, tried.handler, &tried.declared, kind),
    };
    let (tip_events, tips) = tried.tips.into_iter().unzip();
    ClaimedMessage {
        message,
        handler: tried.declared,
        handler_active: true,
        tip_events,
        events: tried.events,
        tips,
        attempt: 1,
        first_tried: None,
        circuit: None,
    }
}

fn made_up(shared: &Shared, handler: HandlerRef, declared: &Handler, kind: &str) -> Message {
    let now = shared.seams.now();
    let id = MessageId(shared.seams.uuid());
    Message {
        id,
        number: 0,
        handler,
        plugin: declared.plugin.clone(),
        recipient: String::new(),
        thread: format!("{kind}/{id}"),
        kind: kind.to_owned(),
        window: id.to_string(),
        replay: 0,
        lane: String::new(),
        state: MessageState::Sending,
        attempts: 0,
        failures: 0,
        due: now,
        created: now,
        ended: None,
        receipt: None,
        error: None,
        attrs: serde_json::Map::new(),
    }
}

/// Services that write down what would be sent.
struct Paper {
    templates: Templates,
    /// The key of the message's link, which must not be shown.
    link: Option<String>,
    written: Mutex<Written>,
}

#[derive(Default)]
struct Written {
    made: Vec<Made>,
    templates: Vec<String>,
}

impl Paper {
    fn write(&self, with: impl FnOnce(&mut Written)) {
        with(&mut self.written.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Text as it is shown.
    fn text(&self, text: String) -> String {
        cut(sent::without(self.link.as_deref(), text), BODY)
    }

    fn take(&self) -> Written {
        std::mem::take(&mut *self.written.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HostServices for Paper {
    fn http(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        let headers = sent::headers(&request).into_iter();
        let headers = headers.map(|(name, value)| (name, self.text(value))).collect();
        let body = request.body.unwrap_or_default();
        let made = Made::Http {
            method: request.method,
            url: self.text(addresses::previewed(&request.url)),
            headers,
            body: self.text(String::from_utf8_lossy(&body).into_owned()),
        };
        self.write(|written| written.made.push(made));
        async {
            Ok(HttpResponse {
                status: 200,
                ..HttpResponse::default()
            })
        }
        .boxed()
    }

    fn mail(&self, _server: MailServer, mail: Mail) -> BoxFuture<'_, Result<MailReply, MailError>> {
        let made = Made::Mail {
            from: mail.from.address,
            to: mail.to.into_iter().map(|to| to.address).collect(),
            subject: self.text(mail.subject),
            text: self.text(mail.text),
            html: mail.html.map(|html| self.text(html)),
        };
        self.write(|written| written.made.push(made));
        async {
            Ok(MailReply {
                code: 250,
                text: "previewed".to_owned(),
            })
        }
        .boxed()
    }

    fn render(&self, template: &str, context: Value) -> Result<String, RenderError> {
        match self.templates.render_anyhow(template, context) {
            Ok(rendered) => {
                if let Some(error) = rendered.fallback {
                    let line = format!("{error}; the built-in template was used");
                    self.write(|written| written.templates.push(line));
                }
                Ok(rendered.text)
            }
            Err(error) => {
                self.write(|written| written.templates.push(error.to_string()));
                Err(render_error(error))
            }
        }
    }

    fn kv_get(&self, _key: &str) -> BoxFuture<'_, Result<Option<Vec<u8>>, KvError>> {
        async { Ok(None) }.boxed()
    }

    fn log(&self, line: &LogLine) {
        tracing::debug!(level = ?line.level, "preview: {}", line.text);
    }

    fn metrics(&self, _samples: Vec<Sample>) {}
}
