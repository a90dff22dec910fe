//! Mail servers as they are configured, and what they answered about a mail. Talking to them is [`crate::smtp`]'s part.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, FailureClass};
use crate::secrets::SecretName;

/// How the connection to a mail server is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmtpTls {
    /// Plain at first, then TLS, or nothing is sent (RFC 3207). Usual on port 587.
    #[serde(alias = "starttls")]
    StartTls,
    /// TLS from the first byte (RFC 8314). Usual on port 465.
    #[serde(alias = "tls")]
    Implicit,
    /// No TLS: to loopback addresses, or where the hub's configuration allows it.
    None,
}

/// How to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpMechanism {
    /// AUTH PLAIN (RFC 4616).
    Plain,
    /// AUTH LOGIN, for servers that know nothing else.
    Login,
}

/// A login at a mail server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmtpAuth {
    /// The user.
    pub user: String,
    /// The secret that holds the password.
    pub password: SecretName,
    /// Which way; when none, PLAIN if the server offers it, else LOGIN.
    #[serde(default)]
    pub mechanism: Option<SmtpMechanism>,
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpServer {
    /// Its name, which its certificate must carry; or a literal address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub tls: SmtpTls,
    /// The login; none for servers that want none.
    pub auth: Option<SmtpAuth>,
    /// A certificate authority for this server, in PEM, beside the known ones.
    pub ca_pem: Option<String>,
    /// For the whole hand-over.
    pub timeout: Duration,
}

impl SmtpServer {
    /// A server without login, and a time-out of 60 s.
    pub fn new(host: impl Into<String>, port: u16, tls: SmtpTls) -> Self {
        Self {
            host: host.into(),
            port,
            tls,
            auth: None,
            ca_pem: None,
            timeout: Duration::from_secs(60),
        }
    }
}

/// What became of a mail at one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientOutcome {
    /// The recipient's address.
    pub address: String,
    /// The server's answer when it took the mail (redacted), or why it did not.
    pub result: Result<String, Failure>,
}

/// What became of a mail that the server was willing to talk about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailReport {
    /// The id it travelled with, in `<>`.
    pub message_id: String,
    /// Each recipient, in the order given.
    pub recipients: Vec<RecipientOutcome>,
    /// From the call to the last answer.
    pub latency: Duration,
}

impl MailReport {
    /// The failure that decides about the mail: none when all recipients got it; one worth a retry before others.
    pub fn failure(&self) -> Option<Failure> {
        let failures = || self.recipients.iter().filter_map(|r| r.result.as_ref().err());
        let rank = |failure: &&Failure| (failure.class == FailureClass::Lane, failure.retry);
        failures().max_by_key(rank).cloned()
    }

    /// The recipients that a retry should go to.
    pub fn retryable(&self) -> Vec<String> {
        let wanted = |r: &&RecipientOutcome| r.result.as_ref().is_err_and(|f| f.retry);
        self.recipients
            .iter()
            .filter(wanted)
            .map(|r| r.address.clone())
            .collect()
    }
}
