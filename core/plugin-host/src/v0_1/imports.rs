//! What guests of the contract's version 0.1 call: checks of the host, then its services.

use std::sync::Arc;

use ironcore_types::ErrorCode;

use super::bindings::ironcore::plugin::{http, inbox, kv, log, mail, metrics, templates, types};
use super::convert::{self, custom, cut};
use crate::call::{Call, MAX_KEY, MAX_SAMPLES, MAX_VALUE, has_line_break, slot_has_line_break};
use crate::delivery::InboxWrite;
use crate::effects::{HttpError, KvError, LogLevel, Mail, MailError, RenderError, Sample, SampleKind};

impl types::Host for Call {}

impl http::Host for Call {
    async fn send(&mut self, request: http::Request) -> Result<http::Response, http::Error> {
        let answer = match convert::http_request(request) {
            Err(error) => Err(error),
            Ok(request) => {
                let bad_header = request
                    .headers
                    .iter()
                    .find(|(name, value)| has_line_break(name) || slot_has_line_break(value));
                if let Some((name, _)) = bad_header {
                    Err(HttpError::Invalid(format!(
                        "the header {name:?} holds a line break"
                    )))
                } else if let Some(secret) = self.denied_secret(&request.secrets()) {
                    Err(HttpError::SecretMissing(secret))
                } else {
                    self.services.http(request).await
                }
            }
        };
        convert::http_answer(answer)
    }
}

/// Every header field of a mail, with its name.
fn header_fields(mail: &Mail) -> impl Iterator<Item = (&str, &str)> {
    let boxes = std::iter::once(("From", &mail.from))
        .chain(mail.to.iter().map(|to| ("To", to)))
        .chain(mail.reply_to.iter().map(|to| ("Reply-To", to)));
    boxes
        .flat_map(|(field, mailbox)| {
            [
                (field, mailbox.address.as_str()),
                (field, mailbox.name.as_deref().unwrap_or_default()),
            ]
        })
        .chain([
            ("Subject", mail.subject.as_str()),
            ("Message-ID", mail.message_id.as_str()),
        ])
        .chain(mail.references.iter().map(|id| ("References", id.as_str())))
        .chain(
            mail.headers
                .iter()
                .flat_map(|(name, value)| [("header", name.as_str()), (name.as_str(), value.as_str())]),
        )
        .chain(mail.attachments.iter().flat_map(|file| {
            [
                ("attachment", file.name.as_str()),
                ("attachment", file.content_type.as_str()),
            ]
        }))
}

impl mail::Host for Call {
    async fn send(
        &mut self,
        server: mail::Server,
        message: mail::Message,
    ) -> Result<mail::Reply, mail::Error> {
        let (server, mail) = (convert::mail_server(server), convert::mail(message));
        let broken = header_fields(&mail)
            .find(|(_, value)| has_line_break(value))
            .map(|(field, _)| field.to_owned());
        let answer = if let Some(field) = broken {
            Err(MailError::Invalid(format!(
                "the field {field:?} holds a line break"
            )))
        } else if mail.to.is_empty() {
            Err(MailError::Invalid("the mail has no recipient".to_owned()))
        } else if let Some(secret) = self.denied_secret(&server.secrets()) {
            Err(MailError::SecretMissing(secret))
        } else {
            self.services.mail(server, mail).await
        };
        convert::mail_answer(answer)
    }
}

/// The longest title of an entry, bytes.
const MAX_TITLE: usize = 1 << 10;
/// The longest body of an entry, bytes.
const MAX_BODY: usize = 64 << 10;
/// The most links and buttons of an entry.
const MAX_PARTS: usize = 20;

impl inbox::Host for Call {
    fn put(&mut self, event_id: String, entry: inbox::Entry) -> Result<(), inbox::Error> {
        let event = self
            .delivery()
            .and_then(|delivery| {
                delivery
                    .events
                    .iter()
                    .find(|event| event.id.to_string() == event_id)
            })
            .map(|event| event.id)
            .ok_or(inbox::Error::UnknownEvent(event_id))?;
        for (text, most) in [(&entry.title, MAX_TITLE), (&entry.body, MAX_BODY)] {
            if text.len() > most {
                return Err(inbox::Error::TooLarge(u32::try_from(most).unwrap_or(u32::MAX)));
            }
        }
        self.inbox.insert(
            event,
            InboxWrite {
                event,
                title: entry.title.replace(['\r', '\n'], " "),
                body: entry.body,
                severity: convert::severity_in(entry.severity),
                links: entry
                    .links
                    .into_iter()
                    .take(MAX_PARTS)
                    .filter(|link| is_safe_link(&link.url))
                    .map(|link| (cut(link.label, MAX_TITLE), link.url))
                    .collect(),
                buttons: entry
                    .buttons
                    .into_iter()
                    .take(MAX_PARTS)
                    .map(convert::action)
                    .collect(),
            },
        );
        Ok(())
    }
}

/// Absolute addresses of the web and paths of the dashboard; nothing that a browser would run.
fn is_safe_link(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    url.len() <= 2048
        && (lower.starts_with("https://")
            || lower.starts_with("http://")
            || (url.starts_with('/') && !url.starts_with("//")))
}

fn is_metric_name(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.as_bytes()[0].is_ascii_digit()
}

impl metrics::Host for Call {
    fn observe(&mut self, samples: Vec<metrics::Sample>) -> Result<(), metrics::Error> {
        if self.samples + samples.len() > MAX_SAMPLES {
            return Err(metrics::Error::TooMany(
                u32::try_from(MAX_SAMPLES).unwrap_or(u32::MAX),
            ));
        }
        self.samples += samples.len();
        let bad = samples
            .iter()
            .flat_map(|sample| {
                std::iter::once(&sample.name).chain(sample.labels.iter().map(|(name, _)| name))
            })
            .find(|name| !is_metric_name(name));
        if let Some(name) = bad {
            return Err(metrics::Error::InvalidName(name.clone()));
        }
        self.services.metrics(
            samples
                .into_iter()
                .map(|sample| Sample {
                    name: sample.name,
                    kind: match sample.kind {
                        metrics::Kind::Counter => SampleKind::Counter,
                        metrics::Kind::Gauge => SampleKind::Gauge,
                    },
                    labels: sample
                        .labels
                        .into_iter()
                        .map(|(name, value)| (name, cut(value, 200)))
                        .collect(),
                    value: sample.value,
                })
                .collect(),
        );
        Ok(())
    }
}

impl templates::Host for Call {
    async fn render(&mut self, name: String, extra: String) -> Result<String, templates::Error> {
        let (delivery, extra) = self.rendered(&extra).map_err(templates::Error::BadExtra)?;
        let services = Arc::clone(&self.services);
        // Not on this stack, which is the guest's: parsers that look how much is left of their thread's find nothing.
        let rendering = tokio::task::spawn_blocking(move || services.render(&name, delivery.context(extra)));
        let rendered = rendering.await.map_err(|_| {
            let why = "the template could not be rendered";
            templates::Error::Custom(custom(ErrorCode::Internal, why))
        })?;
        rendered.map_err(|error| match error {
            RenderError::NotFound(name) => templates::Error::NotFound(name),
            RenderError::Invalid {
                template,
                line,
                column,
                message,
            } => templates::Error::Invalid(templates::Fault {
                template,
                line,
                column,
                message,
            }),
        })
    }
}

impl kv::Host for Call {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, kv::Error> {
        if self.delivery().is_none() {
            return Err(kv::Error::Unavailable);
        }
        check_key(&key)?;
        if let Some(written) = self.written(&key) {
            return Ok(written);
        }
        self.services
            .kv_get(&key)
            .await
            .map_err(|KvError::Unavailable(why)| {
                kv::Error::Custom(custom(ErrorCode::LedgerUnavailable, &why))
            })
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), kv::Error> {
        if value.len() > MAX_VALUE {
            return Err(kv::Error::TooLarge(u32::try_from(MAX_VALUE).unwrap_or(u32::MAX)));
        }
        write(self, key, Some(value))
    }

    fn delete(&mut self, key: String) -> Result<(), kv::Error> {
        write(self, key, None)
    }
}

fn check_key(key: &str) -> Result<(), kv::Error> {
    if (1..=MAX_KEY).contains(&key.len()) {
        Ok(())
    } else {
        Err(kv::Error::BadKey)
    }
}

fn write(call: &mut Call, key: String, value: Option<Vec<u8>>) -> Result<(), kv::Error> {
    if call.delivery().is_none() {
        return Err(kv::Error::Unavailable);
    }
    check_key(&key)?;
    if call.write(key, value) {
        Ok(())
    } else {
        Err(kv::Error::Quota)
    }
}

impl log::Host for Call {
    fn write(&mut self, level: log::Level, line: String) {
        let level = match level {
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        self.log(level, &line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_a_browser_would_run_are_left_out() {
        assert!(is_safe_link("https://a.example/x") && is_safe_link("/tasks/1"));
        for bad in [
            "javascript:alert(1)",
            "//evil.example",
            "data:text/html,x",
            "JAVASCRIPT:x",
            "",
        ] {
            assert!(!is_safe_link(bad), "{bad}");
        }
    }

    #[test]
    fn names_of_figures_are_checked() {
        assert!(is_metric_name("sent_total"));
        for bad in ["", "1x", "a-b", "a b", "é", &"a".repeat(101)] {
            assert!(!is_metric_name(bad), "{bad}");
        }
    }
}
