//! The configuration, as the schema in `plugin.toml` describes it.

use std::collections::BTreeMap;

use ironcore_plugin::{BasicCredential, OneOrMany, Secret, Slot, TextOrSecret, http};
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    pub(crate) url: TextOrSecret,
    #[serde(default = "post")]
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, TextOrSecret>,
    bearer: Option<Secret>,
    username: Option<String>,
    password: Option<Secret>,
    #[serde(default)]
    pub(crate) signing_secret: OneOrMany<Secret>,
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
