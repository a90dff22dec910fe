//! The plugins that the binary carries, and how plugins may be run.

use std::collections::BTreeMap;

use anyhow::Result;
use ironcore_notify::{Plugins, PluginsOptions};
use ironcore_plugin_host::{Capability, Grants, HostConfig};
use ironcore_types::PluginName;

use super::config::{Settings, invalid};
use super::keys;
use crate::exit::Coded;

macro_rules! builtin {
    ($($name:literal),+) => {
        /// Name and component of each, made by `cargo xtask build`.
        const BUILTIN: &[(&str, &[u8])] =
            &[$(($name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../build/plugins/", $name, ".wasm")))),+];
    };
}

builtin!("email", "webhook", "inbox", "remediation", "metrics");

fn grants(settings: &Settings) -> Result<BTreeMap<PluginName, Grants>, Coded> {
    let mut grants = BTreeMap::new();
    for (name, granted) in &settings.plugin {
        let capabilities: Vec<Capability> = granted
            .grant
            .iter()
            .map(|word| word.parse())
            .collect::<Result<_, _>>()
            .map_err(|error| invalid(format!("plugin.{name}.grant: {error}")))?;
        grants.insert(name.clone(), Grants::from_iter(capabilities));
    }
    Ok(grants)
}

/// Refuses grants that are none, or of plugins that are not there, and plugins that cannot be loaded.
pub(super) fn check(settings: &Settings) -> Result<()> {
    let grants = grants(settings)?;
    let named: Vec<PluginName> = grants.keys().cloned().collect();
    let plugins = Plugins::load(&PluginsOptions {
        folder: settings.plugins.clone(),
        grants,
        ..PluginsOptions::default()
    })?;
    let refused = plugins.refused().iter().map(ToString::to_string);
    // One that is there and was refused is no absent one: its refusal says what is wrong.
    let refused_too = |name: &PluginName| {
        plugins.refused().iter().any(|refused| {
            let stem = refused.file.file_stem().and_then(|stem| stem.to_str());
            refused.name.as_ref() == Some(name) || stem == Some(name.as_str())
        })
    };
    let absent = named
        .iter()
        .filter(|name| plugins.get(name).is_none() && !refused_too(name))
        .map(
            |name| match BUILTIN.iter().any(|(builtin, _)| *builtin == name.as_str()) {
                true => format!("plugin.{name}: the built-in plugins need no grants"),
                false => format!("plugin.{name}: no plugin of this name is in the folder `plugins`"),
            },
        );
    let faults: Vec<String> = refused.chain(absent).collect();
    if faults.is_empty() {
        return Ok(());
    }
    Err(invalid(faults.join("\n")).into())
}

/// What to load, and what each may do.
pub(super) fn options(settings: &Settings) -> Result<PluginsOptions> {
    let cache = settings.data.join("plugin-cache");
    keys::private_folder(&cache)?;
    Ok(PluginsOptions {
        builtin: BUILTIN.to_vec(),
        folder: settings.plugins.clone(),
        grants: grants(settings)?,
        host: HostConfig {
            cache: Some(cache),
            ..PluginsOptions::default().host
        },
        ..PluginsOptions::default()
    })
}
