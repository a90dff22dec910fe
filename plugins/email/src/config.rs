//! The configuration, as the schema in `plugin.toml` describes it.

use ironcore_plugin::{BasicCredential, Secret, Slot, mail};
use serde::Deserialize;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tls {
    #[default]
    Starttls,
    Implicit,
    None,
}

/// How to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mechanism {
    Plain,
    Login,
}

/// How much of a log is attached when nobody says how much, KiB.
const LOG_KIB: u32 = 256;

/// Whether the log is attached, and how much of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub(crate) struct AttachLog(Option<u32>);

impl AttachLog {
    /// The most of it, bytes; none when it is not attached.
    pub(crate) fn bytes(self) -> Option<u64> {
        self.0.map(|kib| u64::from(kib) * 1024)
    }
}

impl TryFrom<serde_json::Value> for AttachLog {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        match value {
            serde_json::Value::Bool(wanted) => Ok(Self(wanted.then_some(LOG_KIB))),
            other => serde_json::from_value(other)
                .map(|kib| Self(Some(kib)))
                .map_err(|error| error.to_string()),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    tls: Tls,
    username: Option<String>,
    password: Option<Secret>,
    mechanism: Option<Mechanism>,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) reply_to: Option<String>,
    #[serde(default)]
    pub(crate) subject_prefix: String,
    #[serde(default)]
    pub(crate) attach_log: AttachLog,
}

impl Config {
    /// The server to send through.
    pub(crate) fn server(&self) -> mail::Server {
        let (tls, port) = match self.tls {
            Tls::Starttls => (mail::TlsMode::Starttls, 587),
            Tls::Implicit => (mail::TlsMode::Implicit, 465),
            Tls::None => (mail::TlsMode::None, 25),
        };
        let credential = self
            .username
            .as_ref()
            .zip(self.password.as_ref())
            .map(|(name, password)| BasicCredential {
                username: Slot::Text(name.clone()),
                password: password.slot(),
            });
        let mechanism = self.mechanism.map(|mechanism| {
            let word = match mechanism {
                Mechanism::Plain => "plain",
                Mechanism::Login => "login",
            };
            ("mechanism".to_owned(), word.to_owned())
        });
        mail::Server {
            host: self.host.clone(),
            port: self.port.unwrap_or(port),
            tls,
            credential,
            attrs: mechanism.into_iter().collect(),
        }
    }
}
