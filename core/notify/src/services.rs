//! What a plugin may do while it delivers one message, over egress, ledger and templates; and the record of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use ironcore_egress::Egress;
use ironcore_ledger::Ledger;
use ironcore_ledger::model::{KvScope, KvWrite};
use ironcore_plugin_host::HostServices;
use ironcore_plugin_host::effects::{
    HttpError, HttpRequest, HttpResponse, KvError, LogLevel, LogLine, Mail, MailError, MailReply, MailServer,
    RenderError, Sample,
};
use ironcore_types::{MessageId, Seams};
use serde_json::Value;

use crate::outcome::cut;
use crate::requests;
use crate::templates::{TemplateError, Templates};

/// The record of an attempt is cut here, bytes.
pub(crate) const DETAIL: usize = 20_000;
/// An answer's body within it is cut here, bytes.
const BODY: usize = 8_000;

/// The services of one attempt.
pub(crate) struct AttemptServices {
    pub(crate) egress: Egress,
    pub(crate) ledger: Ledger,
    pub(crate) templates: Templates,
    pub(crate) seams: Seams,
    pub(crate) scope: KvScope,
    pub(crate) message: MessageId,
    pub(crate) record: Mutex<Record>,
}

/// What is known of an attempt when it has ended.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// What was sent and answered, line by line; redacted.
    pub(crate) detail: String,
    /// Addresses whose server took the mail although others did not; they do not get it again.
    pub(crate) taken: BTreeSet<String>,
}

impl AttemptServices {
    /// Hands the record over.
    pub(crate) fn finish(&self) -> Record {
        std::mem::take(&mut *self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, line: &str) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        if record.detail.len() < DETAIL {
            record.detail.push_str(line.trim_end());
            record.detail.push('\n');
        }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let what = format!("{} {}", request.method, requests::shown(&request.url));
        let request = requests::http(request, self.seams.now()).inspect_err(|error| {
            self.note(&format!("{what}: not sent: {error}"));
        })?;
        match self.egress.http(request).await {
            Ok(answer) => {
                let mut text = format!("{what}: {} in {} ms", answer.status, answer.latency.as_millis());
                for (name, value) in &answer.headers {
                    // Writing to a String cannot fail.
                    let _infallible = write!(text, "\n  {name}: {value}");
                }
                let body = answer.body_text();
                if !body.trim().is_empty() {
                    let _infallible =
                        write!(text, "\n  {}", cut(body, BODY).trim_end().replace('\n', "\n  "));
                }
                self.note(&text);
                Ok(HttpResponse {
                    status: answer.status,
                    headers: answer.headers,
                    body: answer.body,
                    truncated: answer.truncated,
                    retry_after: answer.retry_after,
                })
            }
            Err(failure) => {
                self.note(&format!(
                    "{what}: {} after {} ms",
                    failure.reason,
                    failure.latency.as_millis()
                ));
                Err(requests::http_error(failure))
            }
        }
    }

    async fn post(&self, server: MailServer, mut mail: Mail) -> Result<MailReply, MailError> {
        let what = format!("mail over {}:{}", server.host, server.port);
        let taken = self.taken_before().await.map_err(|why| MailError::Other {
            code: "ledger.unavailable".to_owned(),
            message: why,
        })?;
        mail.to.retain(|mailbox| !taken.contains(&mailbox.address));
        if mail.to.is_empty() {
            return Ok(MailReply {
                code: 250,
                text: "taken before".to_owned(),
            });
        }
        let (mail, smtp) = requests::mail(server, mail).inspect_err(|error| {
            self.note(&format!("{what}: not sent: {error}"));
        })?;
        match self.egress.mail(&mail, &smtp).await {
            Err(failure) => {
                self.note(&format!(
                    "{what}: {} after {} ms",
                    failure.reason,
                    failure.latency.as_millis()
                ));
                Err(requests::mail_error(failure))
            }
            Ok(report) => {
                let mut last = String::new();
                for recipient in &report.recipients {
                    match &recipient.result {
                        Ok(answer) => {
                            last.clone_from(answer);
                            self.note(&format!("{what}: {} taken: {answer}", recipient.address));
                        }
                        Err(failure) => {
                            self.note(&format!(
                                "{what}: {} not taken: {}",
                                recipient.address, failure.reason
                            ));
                        }
                    }
                }
                self.note(&format!("{what}: done in {} ms", report.latency.as_millis()));
                match report.failure() {
                    None => Ok(MailReply {
                        code: 250,
                        text: last,
                    }),
                    Some(failure) => {
                        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
                        let taken_now = report
                            .recipients
                            .iter()
                            .filter(|recipient| recipient.result.is_ok());
                        record
                            .taken
                            .extend(taken_now.map(|recipient| recipient.address.clone()));
                        record.taken.extend(taken);
                        Err(requests::mail_error(failure))
                    }
                }
            }
        }
    }

    /// Who got the mail in an earlier attempt.
    async fn taken_before(&self) -> Result<BTreeSet<String>, String> {
        let key = taken_key(self.message);
        let value = self
            .ledger
            .kv_get(&self.scope, &key)
            .await
            .map_err(|error| error.to_string())?;
        Ok(value
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default())
    }
}

/// Where it is kept who got a mail while others did not. A guest's own keys cannot collide: they would have to guess
/// the id of a message of the future.
fn taken_key(message: MessageId) -> String {
    format!("hub/taken/{message}")
}

/// The change that remembers who got a mail, or forgets it when the message is over.
pub(crate) fn taken_write(message: MessageId, taken: &BTreeSet<String>, over: bool) -> KvWrite {
    let value = if over {
        None
    } else {
        serde_json::to_vec(taken).ok()
    };
    KvWrite {
        key: taken_key(message),
        value,
    }
}

impl HostServices for AttemptServices {
    fn http(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        self.send(request).boxed()
    }

    fn mail(&self, server: MailServer, mail: Mail) -> BoxFuture<'_, Result<MailReply, MailError>> {
        self.post(server, mail).boxed()
    }

    fn render(&self, template: &str, context: &Value) -> Result<String, RenderError> {
        self.templates.render(template, context).map_err(|error| {
            self.note(&format!("template {template}: {error}"));
            match error {
                TemplateError::NotFound { name, .. } => RenderError::NotFound(name),
                TemplateError::Invalid {
                    file,
                    line,
                    column,
                    message,
                } => RenderError::Invalid {
                    template: file,
                    line,
                    column,
                    message,
                },
            }
        })
    }

    fn kv_get(&self, key: &str) -> BoxFuture<'_, Result<Option<Vec<u8>>, KvError>> {
        let key = key.to_owned();
        async move {
            self.ledger
                .kv_get(&self.scope, &key)
                .await
                .map_err(|error| KvError::Unavailable(error.to_string()))
        }
        .boxed()
    }

    fn log(&self, line: &LogLine) {
        let plugin = self.scope.plugin.as_str();
        let level = match line.level {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        };
        match line.level {
            LogLevel::Debug => tracing::debug!(plugin, message = %self.message, "{}", line.text),
            LogLevel::Info => tracing::info!(plugin, message = %self.message, "{}", line.text),
            LogLevel::Warn => tracing::warn!(plugin, message = %self.message, "{}", line.text),
            LogLevel::Error => tracing::error!(plugin, message = %self.message, "{}", line.text),
        }
        self.note(&format!("{level}: {}", line.text));
    }

    fn metrics(&self, samples: Vec<Sample>) {
        // No plugin that wants this capability is loaded.
        tracing::debug!(plugin = %self.scope.plugin, count = samples.len(), "figures of plugins are shown nowhere");
    }
}

/// Shares the services with a call while their record stays here.
pub(crate) fn shared(services: &Arc<AttemptServices>) -> Arc<dyn HostServices> {
    Arc::clone(services) as Arc<dyn HostServices>
}
