//! The plugins that the binary carries, and how plugins may be run.

use std::collections::BTreeMap;

use anyhow::Result;
use ironcore_notify::PluginsOptions;
use ironcore_plugin_host::{Capability, Grants, HostConfig};

use super::config::Settings;
use super::keys;

macro_rules! builtin {
    ($($name:literal),+) => {
        /// Name and component of each, made by `cargo xtask build`.
        const BUILTIN: &[(&str, &[u8])] =
            &[$(($name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../build/plugins/", $name, ".wasm")))),+];
    };
}

builtin!("email", "webhook", "inbox", "remediation");

/// What to load, and what each may do.
pub(super) fn options(settings: &Settings) -> Result<PluginsOptions> {
    let cache = settings.data.join("plugin-cache");
    keys::private_folder(&cache)?;
    let mut grants = BTreeMap::new();
    for (name, granted) in &settings.plugin {
        let capabilities: Vec<Capability> = granted
            .grant
            .iter()
            .map(|word| word.parse())
            .collect::<Result<_, _>>()?;
        grants.insert(name.clone(), Grants::from_iter(capabilities));
    }
    Ok(PluginsOptions {
        builtin: BUILTIN.to_vec(),
        folder: settings.plugins.clone(),
        grants,
        host: HostConfig {
            cache: Some(cache),
            ..PluginsOptions::default().host
        },
    })
}
