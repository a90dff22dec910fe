//! The plugins that notify loaded, as the API shows them and checks handlers by them.

use ironcore_notify::Plugins;
use ironcore_types::objects::Group;

use crate::state::PluginCatalog;
use crate::wire::{Fault, Plugin, PluginList, RefusedPlugin};

impl PluginCatalog for Plugins {
    fn list(&self) -> PluginList {
        let plugins = self.all().map(|(plugin, file)| {
            let manifest = plugin.manifest();
            let exports = [("deliver", manifest.delivers), ("advise", manifest.advises)];
            Plugin {
                name: manifest.name.clone(),
                version: manifest.version.clone(),
                description: manifest.description.clone(),
                builtin: file.is_none(),
                exports: exports
                    .iter()
                    .filter(|(_, has)| *has)
                    .map(|(name, _)| (*name).to_owned())
                    .collect(),
                capabilities: manifest
                    .wants
                    .iter()
                    .map(|capability| capability.to_string())
                    .collect(),
                config_schema: plugin.schema().clone(),
            }
        });
        let refused = self.refused().iter().map(|refused| RefusedPlugin {
            file: refused.file.display().to_string(),
            name: refused.name.clone(),
            code: refused.code,
            reason: refused.reason.clone(),
        });
        PluginList {
            plugins: plugins.collect(),
            refused: refused.collect(),
        }
    }

    fn check(&self, group: &Group) -> Vec<Fault> {
        let faults = group
            .handler
            .iter()
            .flat_map(|handler| self.check_handler(handler));
        faults
            .map(|fault| Fault {
                object: None,
                key: match &fault.handler {
                    Some(handler) => format!("handler.{handler}.{}", fault.path),
                    None => fault.path,
                },
                code: fault.code,
                detail: fault.message,
            })
            .collect()
    }
}
