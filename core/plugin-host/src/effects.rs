//! What guests ask of the hub, in the host's own words, whichever version of the contract they were built for.
//!
//! Secrets stand here as names. Whoever performs an effect opens them, fills them in, signs, and redacts the answer.

use std::time::Duration;

/// A value that is a text, or a secret known by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// A text.
    Text(String),
    /// The value of the secret of this name.
    Secret(String),
    /// The value of a secret, with text before and after it.
    Wrapped {
        /// Text before the secret.
        before: String,
        /// The name of the secret.
        secret: String,
        /// Text after the secret.
        after: String,
    },
}

impl Slot {
    /// The name of the secret, when there is one.
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Text(_) => None,
            Self::Secret(secret) | Self::Wrapped { secret, .. } => Some(secret),
        }
    }
}

/// A name and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicCredential {
    /// The name.
    pub username: Slot,
    /// The password.
    pub password: Slot,
}

/// Who asks, in the `Authorization` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpCredential {
    /// `Basic`.
    Basic(BasicCredential),
    /// `Bearer`.
    Bearer(Slot),
}

/// How a request is signed, after all secrets are in their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature` over the body as it is sent.
    StandardWebhook {
        /// Names of the signing secrets, the newest first; each gives one signature.
        keys: Vec<String>,
        /// The message.
        message_id: String,
    },
}

/// A value put into a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodySlot {
    /// A JSON pointer (RFC 6901) to a member that exists.
    pub pointer: String,
    /// The value; it becomes a JSON string.
    pub value: Slot,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Such as `POST`.
    pub method: String,
    /// Absolute, `http` or `https`.
    pub url: Slot,
    /// Headers, as the guest wrote them.
    pub headers: Vec<(String, Slot)>,
    /// Who asks.
    pub credential: Option<HttpCredential>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// Secrets in a JSON body.
    pub body_slots: Vec<BodySlot>,
    /// How it is signed.
    pub signature: Option<Signature>,
    /// For the whole exchange; whoever performs it has an upper bound of its own.
    pub timeout: Option<Duration>,
    /// Open pairs of name and value; unknown names are ignored.
    pub attrs: Vec<(String, String)>,
}

impl HttpRequest {
    /// The names of all secrets that the request uses.
    pub fn secrets(&self) -> Vec<&str> {
        let mut slots: Vec<&Slot> = vec![&self.url];
        slots.extend(self.headers.iter().map(|(_, slot)| slot));
        slots.extend(self.body_slots.iter().map(|slot| &slot.value));
        match &self.credential {
            Some(HttpCredential::Basic(basic)) => slots.extend([&basic.username, &basic.password]),
            Some(HttpCredential::Bearer(token)) => slots.push(token),
            None => {}
        }
        let mut names: Vec<&str> = slots.into_iter().filter_map(Slot::secret).collect();
        if let Some(Signature::StandardWebhook { keys, .. }) = &self.signature {
            names.extend(keys.iter().map(String::as_str));
        }
        names
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// Headers that say something about the message; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, cut and redacted.
    pub body: Vec<u8>,
    /// Whether the body was cut.
    pub truncated: bool,
    /// `retry-after`, from now.
    pub retry_after: Option<Duration>,
}

/// Why there is no answer. Texts are for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The address is not allowed as a destination.
    #[error("{0}")]
    AddressDenied(String),
    /// The name has no address, or nobody answers there.
    #[error("{0}")]
    Unreachable(String),
    /// TLS failed.
    #[error("{0}")]
    Tls(String),
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The secret of this name has no value, or the handler's configuration does not name it.
    #[error("the secret {0:?} has no value here")]
    SecretMissing(String),
    /// Another reason.
    #[error("{message}")]
    Other {
        /// An error code.
        code: String,
        /// In words.
        message: String,
    },
}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// `STARTTLS`, required.
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// None.
    None,
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: TlsMode,
    /// Who sends.
    pub credential: Option<BasicCredential>,
    /// Open pairs of name and value; unknown names are ignored.
    pub attrs: Vec<(String, String)>,
}

impl MailServer {
    /// The names of all secrets that it takes to log in.
    pub fn secrets(&self) -> Vec<&str> {
        self.credential
            .iter()
            .flat_map(|c| [c.username.secret(), c.password.secret()])
            .flatten()
            .collect()
    }
}

/// A mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// A name for people.
    pub name: Option<String>,
    /// The address.
    pub address: String,
}

/// A file in a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// A mail. The host has made sure that no header field holds a line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// `From`.
    pub from: Mailbox,
    /// `To`.
    pub to: Vec<Mailbox>,
    /// `Reply-To`.
    pub reply_to: Option<Mailbox>,
    /// `Subject`, not encoded.
    pub subject: String,
    /// `Message-ID` without angle brackets.
    pub message_id: String,
    /// `References` without angle brackets, oldest first; the last is `In-Reply-To` too.
    pub references: Vec<String>,
    /// Further headers, such as `Auto-Submitted`.
    pub headers: Vec<(String, String)>,
    /// The plain part.
    pub text: String,
    /// The HTML part.
    pub html: Option<String>,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// Open pairs of name and value; unknown names are ignored.
    pub attrs: Vec<(String, String)>,
}

/// What a mail server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailReply {
    /// Its code, such as 250 or 550.
    pub code: u16,
    /// Its text.
    pub text: String,
}

/// Why a mail was not taken. Texts are for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The mail makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The address of the server is not allowed as a destination.
    #[error("{0}")]
    AddressDenied(String),
    /// The name has no address, or nobody answers there.
    #[error("{0}")]
    Unreachable(String),
    /// TLS failed, or the server does not offer it.
    #[error("{0}")]
    Tls(String),
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The server does not accept the credential.
    #[error("{0}")]
    Credential(String),
    /// The secret of this name has no value, or the handler's configuration does not name it.
    #[error("the secret {0:?} has no value here")]
    SecretMissing(String),
    /// The server says: not now (4xx).
    #[error("{} {}", .0.code, .0.text)]
    Temporary(MailReply),
    /// The server says: never (5xx).
    #[error("{} {}", .0.code, .0.text)]
    Permanent(MailReply),
    /// Another reason.
    #[error("{message}")]
    Other {
        /// An error code.
        code: String,
        /// In words.
        message: String,
    },
}

/// Why a template was not rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// There is no template of this name.
    #[error("there is no template {0:?}")]
    NotFound(String),
    /// The template cannot be read, or not with these values.
    #[error("{template}{}: {message}", place(*line, *column))]
    Invalid {
        /// Which template; a partial perhaps.
        template: String,
        /// From 1; 0 when not known.
        line: u32,
        /// From 1; 0 when not known.
        column: u32,
        /// What is wrong.
        message: String,
    },
}

/// The place in a template, when it is known.
fn place(line: u32, column: u32) -> String {
    match line {
        0 => String::new(),
        line => format!(":{line}:{column}"),
    }
}

/// Why a value could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KvError {
    /// The values cannot be reached now.
    #[error("the values cannot be reached: {0}")]
    Unavailable(String),
}

/// How much a line matters, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For authors.
    Debug,
    /// Worth knowing.
    Info,
    /// Somebody should look.
    Warn,
    /// Something does not work.
    Error,
}

/// A line that a guest wrote, cut to a sensible length and without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The line.
    pub text: String,
}

/// Whether a sample is added or set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    /// Added to a counter.
    Counter,
    /// Becomes the value of a gauge.
    Gauge,
}

/// A plugin's own figure. Names of it and of its labels are valid in Prometheus' text format.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its name, without prefix.
    pub name: String,
    /// What it means.
    pub kind: SampleKind,
    /// Labels.
    pub labels: Vec<(String, String)>,
    /// The figure.
    pub value: f64,
}
