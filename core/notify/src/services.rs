//! What a plugin may do while it delivers one message, over egress, ledger and templates; and the record of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use ironcore_egress::{Egress, MailReport};
use ironcore_ledger::Ledger;
use ironcore_ledger::model::{KvScope, Sent};
use ironcore_plugin_host::HostServices;
use ironcore_plugin_host::effects::{
    HttpError, HttpRequest, HttpResponse, KvError, LogLevel, LogLine, Mail, MailError, MailReply, MailServer,
    RenderError, Sample,
};
use ironcore_types::{MessageId, Seams, Upid};
use serde_json::Value;

use crate::addresses;
use crate::log_file;
use crate::recipients::Recipients;
use crate::record::Record;
use crate::requests;
use crate::sent;
use crate::templates::{TemplateError, Templates};

/// The status of a mail that all its recipients refused before.
const REFUSED: u16 = 550;

/// The services of one attempt.
pub(crate) struct AttemptServices {
    pub(crate) egress: Egress,
    pub(crate) ledger: Ledger,
    pub(crate) templates: Templates,
    pub(crate) seams: Seams,
    pub(crate) scope: KvScope,
    pub(crate) message: MessageId,
    /// What earlier attempts told of the recipients.
    pub(crate) recipients: Recipients,
    /// The task whose log a mail may carry.
    pub(crate) log_of: Option<Upid>,
    /// The key of the message's link, which neither the record may hold nor what the plugin is answered.
    pub(crate) link: Option<String>,
    pub(crate) record: Mutex<Record>,
}

impl AttemptServices {
    /// Hands the record over.
    pub(crate) fn finish(&self) -> Record {
        std::mem::take(&mut *self.record())
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line to the record.
    fn note(&self, line: String) {
        self.record().note(&sent::without(self.link.as_deref(), line));
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let what = format!("{} {}", request.method, addresses::shown(&request.url));
        let sent = sent::request(&request, self.link.as_deref());
        let mut request = requests::http(request, self.seams.now()).inspect_err(|error| {
            self.note(format!("{what}: not sent: {error}"));
        })?;
        request.hide.extend(self.link.clone());
        match self.egress.http(request).await {
            Ok(answer) => {
                self.record().answered(what, sent, &answer);
                Ok(HttpResponse {
                    status: answer.status,
                    headers: answer.headers,
                    body: answer.body,
                    truncated: answer.truncated,
                    retry_after: answer.retry_after,
                })
            }
            Err(failure) => {
                self.record().failed(what, Some(sent), &failure);
                Err(requests::http_error(failure))
            }
        }
    }

    async fn post(&self, server: MailServer, mut mail: Mail) -> Result<MailReply, MailError> {
        let what = format!("mail over {}:{}", server.host, server.port);
        let known = self.record().recipients.clone();
        let known = known.unwrap_or_else(|| self.recipients.clone());
        mail.to.retain(|mailbox| !known.answered(&mailbox.address));
        if mail.to.is_empty() {
            return match known.refusals() {
                Some(refusals) if !known.any_took() => Err(MailError::Permanent(MailReply {
                    code: REFUSED,
                    text: refusals,
                })),
                _ => Ok(known.reply("taken before")),
            };
        }
        let wanted = requests::log_wanted(&mail);
        let (mut mail, smtp) = requests::mail(server, mail).inspect_err(|error| {
            self.note(format!("{what}: not sent: {error}"));
        })?;
        mail.hide.extend(self.link.clone());
        let sent = sent::mail(&mail, self.link.as_deref());
        if let Some((upid, most)) = self.log_of.as_ref().zip(wanted) {
            let log = log_file::attachment(&self.ledger, upid, most).await;
            mail.attachments.extend(log.map_err(|error| MailError::Other {
                code: "ledger.unavailable".to_owned(),
                message: error.to_string(),
            })?);
        }
        match self.egress.mail(&mail, &smtp).await {
            Err(failure) => {
                self.record().refused(what, Some(sent), &failure);
                Err(requests::mail_error(failure))
            }
            Ok(report) => self.reported(&what, sent, report, known),
        }
    }

    /// What a server's answers about each recipient mean for the mail: it is tried again while anybody may still take it,
    /// delivered when anybody did, and else refused.
    fn reported(
        &self,
        what: &str,
        sent: Sent,
        mut report: MailReport,
        mut known: Recipients,
    ) -> Result<MailReply, MailError> {
        let mut last = "taken before".to_owned();
        let mut record = self.record();
        // It is the same for all of them.
        let mut sent = Some(sent);
        for recipient in &report.recipients {
            let request = format!("{what} to {}", recipient.address);
            match &recipient.result {
                Ok(answer) => {
                    last.clone_from(answer);
                    let status = answer.split(' ').next().and_then(|code| code.parse().ok());
                    record.said(request, sent.take(), status, report.latency, answer.clone());
                    known.took(&recipient.address);
                }
                Err(failure) => {
                    record.refused(request, sent.take(), failure);
                    if requests::is_refusal(failure) {
                        known.refused(&recipient.address, &failure.reason);
                    }
                }
            }
        }
        record.recipients = Some(known.clone());
        let refused = report.failure();
        report
            .recipients
            .retain(|recipient| !known.answered(&recipient.address));
        match (report.failure(), refused) {
            (Some(open), _) => Err(requests::mail_error(open)),
            (None, Some(refused)) if !known.any_took() => Err(requests::mail_error(refused)),
            _ => Ok(known.reply(&last)),
        }
    }
}

impl HostServices for AttemptServices {
    fn http(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        self.send(request).boxed()
    }

    fn mail(&self, server: MailServer, mail: Mail) -> BoxFuture<'_, Result<MailReply, MailError>> {
        self.post(server, mail).boxed()
    }

    fn render(&self, template: &str, context: Value) -> Result<String, RenderError> {
        match self.templates.render_anyhow(template, context) {
            Ok(rendered) => {
                if let Some(error) = rendered.fallback {
                    tracing::warn!(code = %error.code(), "{error}; the built-in template was used");
                    let line = format!("{error}; the built-in template was used");
                    self.note(format!("template {template}: {line}"));
                    self.record().templates.push(line);
                }
                Ok(rendered.text)
            }
            Err(error) => {
                self.note(format!("template {template}: {error}"));
                self.record().templates.push(error.to_string());
                Err(render_error(error))
            }
        }
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
        let text = sent::without(self.link.as_deref(), line.text.clone());
        match line.level {
            LogLevel::Debug => tracing::debug!(plugin, message = %self.message, "{text}"),
            LogLevel::Info => tracing::info!(plugin, message = %self.message, "{text}"),
            LogLevel::Warn => tracing::warn!(plugin, message = %self.message, "{text}"),
            LogLevel::Error => tracing::error!(plugin, message = %self.message, "{text}"),
        }
        self.note(format!("{level}: {text}"));
    }

    fn metrics(&self, samples: Vec<Sample>) {
        // No plugin that wants this capability is loaded.
        tracing::debug!(plugin = %self.scope.plugin, count = samples.len(), "figures of plugins are shown nowhere");
    }
}

/// A template's fault as plugins are told of it.
pub(crate) fn render_error(error: TemplateError) -> RenderError {
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
}

/// Shares the services with a call while their record stays here.
pub(crate) fn shared(services: &Arc<AttemptServices>) -> Arc<dyn HostServices> {
    Arc::clone(services) as Arc<dyn HostServices>
}
