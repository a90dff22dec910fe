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

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    tls: Tls,
    username: Option<String>,
    password: Option<Secret>,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) reply_to: Option<String>,
    #[serde(default)]
    pub(crate) subject_prefix: String,
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
        mail::Server {
            host: self.host.clone(),
            port: self.port.unwrap_or(port),
            tls,
            credential,
            attrs: Vec::new(),
        }
    }
}
