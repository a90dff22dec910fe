//! The plugins as the API shows them and checks groups with them.

use ironcore_api::{PluginCatalog, wire};
use ironcore_notify::Plugins;
use ironcore_types::objects::Group;

/// Gives the API the plugins that notification runs.
#[derive(Debug)]
pub(super) struct Catalog(pub(super) Plugins);

impl PluginCatalog for Catalog {
    fn list(&self) -> wire::PluginList {
        let plugins = self
            .0
            .all()
            .map(|(plugin, file)| {
                let manifest = plugin.manifest();
                let exports = [("deliver", manifest.delivers), ("advise", manifest.advises)];
                wire::Plugin {
                    name: manifest.name.clone(),
                    version: manifest.version.clone(),
                    description: manifest.description.clone(),
                    builtin: file.is_none(),
                    exports: exports
                        .iter()
                        .filter(|(_, has)| *has)
                        .map(|(n, _)| (*n).to_owned())
                        .collect(),
                    capabilities: manifest
                        .wants
                        .iter()
                        .map(|capability| capability.to_string())
                        .collect(),
                    config_schema: manifest.schema.clone(),
                }
            })
            .collect();
        let refused = self.0.refused().iter().map(|refused| wire::RefusedPlugin {
            file: refused.file.display().to_string(),
            name: refused.name.clone(),
            code: refused.code,
            reason: refused.reason.clone(),
        });
        wire::PluginList {
            plugins,
            refused: refused.collect(),
        }
    }

    fn check(&self, group: &Group) -> Vec<wire::Fault> {
        let mut faults = Vec::new();
        for handler in &group.handler {
            for fault in self.0.check_handler(handler) {
                faults.push(wire::Fault {
                    object: Some(format!("group/{}/{}", group.project, group.name)),
                    key: format!("handler.{}.{}", handler.name, fault.path),
                    code: fault.code,
                    detail: fault.message,
                });
            }
        }
        faults
    }
}
