//! The configuration, as the schema in `plugin.toml` describes it.

use std::collections::BTreeMap;

use ironcore_plugin::{BasicCredential, Secret, Slot, http};
use serde::Deserialize;

/// What figures are pushed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Target {
    /// InfluxDB, version 2, or 1.8 and later.
    Influxdb,
    /// Prometheus's push gateway.
    PushGateway,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    pub(crate) target: Target,
    url: String,
    pub(crate) org: Option<String>,
    pub(crate) bucket: Option<String>,
    token: Option<Secret>,
    #[serde(default = "measurement")]
    pub(crate) measurement: String,
    #[serde(default = "job")]
    pub(crate) job: String,
    pub(crate) instance: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    timeout_ms: Option<u32>,
}

fn measurement() -> String {
    "ironcore_task".to_owned()
}

fn job() -> String {
    "ironcore-backup".to_owned()
}

impl Config {
    /// A request with a body of text to a path of the target.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: String,
    ) -> http::Request {
        let mut headers = vec![("content-type".to_owned(), Slot::Text(content_type.to_owned()))];
        if let Some(token) = &self.token {
            let token = Secret {
                before: format!("Token {}", token.before),
                ..token.clone()
            };
            headers.push(("authorization".to_owned(), token.slot()));
        }
        let basic = self.username.as_ref().zip(self.password.as_ref());
        http::Request {
            method: method.to_owned(),
            url: Slot::Text(format!("{}{path}", self.url.trim_end_matches('/'))),
            headers,
            credential: basic.map(|(name, password)| {
                http::Credential::Basic(BasicCredential {
                    username: Slot::Text(name.clone()),
                    password: password.slot(),
                })
            }),
            body: Some(body.into_bytes()),
            body_slots: Vec::new(),
            signature: None,
            timeout_ms: self.timeout_ms,
            attrs: Vec::new(),
        }
    }
}
