//! The configuration, as the schema in `plugin.toml` describes it.

use std::collections::BTreeMap;

use ironcore_plugin::{BasicCredential, OneOrMany, Secret, Slot, TextOrSecret, http};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Where the attributes of a CloudEvent stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// In the body, with the data.
    #[default]
    Structured,
    /// In headers; the body is the data.
    Binary,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    pub(crate) url: TextOrSecret,
    #[serde(default = "post")]
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, TextOrSecret>,
    bearer: Option<Secret>,
    username: Option<String>,
    password: Option<Secret>,
    #[serde(default)]
    pub(crate) signing_secret: OneOrMany<Secret>,
    /// What templates see as `values`.
    #[serde(default)]
    pub(crate) values: Map<String, Value>,
    /// By the place in the body.
    #[serde(default)]
    pub(crate) body_secrets: BTreeMap<String, Secret>,
    /// The statuses that mean success; every 2xx when there are none.
    #[serde(default)]
    pub(crate) success: Vec<u16>,
    pub(crate) timeout_ms: Option<u32>,
}

fn post() -> String {
    "POST".to_owned()
}

impl Config {
    /// Who asks.
    pub(crate) fn credential(&self) -> Option<http::Credential> {
        if let Some(token) = &self.bearer {
            return Some(http::Credential::Bearer(token.slot()));
        }
        self.username
            .as_ref()
            .zip(self.password.as_ref())
            .map(|(name, password)| {
                http::Credential::Basic(BasicCredential {
                    username: Slot::Text(name.clone()),
                    password: password.slot(),
                })
            })
    }
}
