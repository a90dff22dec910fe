//! The plugins of the hub: those it was built with and those of the admin's folder, with what each was granted.
//!
//! A plugin that cannot be loaded is refused and remembered with its reason; the others work. How a plugin is run is
//! left to the plugin host.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use ironcore_plugin_host::{
    Capability, Delivered, Delivery, Grants, HostConfig, HostServices, Manifest, Plugin, PluginError,
    PluginHost,
};
use ironcore_types::objects::{Group, Handler};
use ironcore_types::{ErrorCode, HandlerName, PluginName};

use crate::addresses;
use crate::error::NotifyError;
use crate::matching::{BUILTIN_GROUP, INBOX};
use crate::template_choice;
use crate::templates::Templates;

/// What plugins there are, and what they may do.
#[derive(Clone)]
pub struct PluginsOptions {
    /// The plugins that the hub was built with: name and component.
    pub builtin: Vec<(&'static str, &'static [u8])>,
    /// The admin's folder of further plugins, `*.wasm`.
    pub folder: Option<PathBuf>,
    /// What the operator grants to plugins of that folder, by name; nothing to those that are not named.
    pub grants: BTreeMap<PluginName, Grants>,
    /// How plugins are run. A guest that waits for its destination counts as running, so there must be room for all
    /// attempts and for advice beside them ([`crate::NotifyOptions`]).
    pub host: HostConfig,
    /// What delivers in the place of built-in plugins, by their name: nothing in a hub. It is there to measure what
    /// running plugins costs.
    pub native: BTreeMap<PluginName, Arc<dyn Deliver>>,
}

impl fmt::Debug for PluginsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let builtin: Vec<&str> = self.builtin.iter().map(|(name, _)| *name).collect();
        f.debug_struct("PluginsOptions")
            .field("builtin", &builtin)
            .field("folder", &self.folder)
            .field("grants", &self.grants)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

impl Default for PluginsOptions {
    fn default() -> Self {
        Self {
            builtin: Vec::new(),
            folder: None,
            grants: BTreeMap::new(),
            host: HostConfig {
                // More than there are attempts at once: advice and trials find a place also while all of those wait.
                concurrency: 192,
                ..HostConfig::default()
            },
            native: BTreeMap::new(),
        }
    }
}

/// A plugin that was not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its file.
    pub file: PathBuf,
    /// Its name, when its manifest could be read.
    pub name: Option<PluginName>,
    /// The stable code.
    pub code: ErrorCode,
    /// Why, in words.
    pub reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.reason)
    }
}

/// Something wrong with the declaration of a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerFault {
    /// Which handler; none when the group itself is at fault.
    pub handler: Option<HandlerName>,
    /// The key within it, such as `config.port` or `plugin`.
    pub path: String,
    /// The stable code.
    pub code: ErrorCode,
    /// In words, without the value.
    pub message: String,
}

impl fmt::Display for HandlerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.handler {
            Some(handler) => write!(f, "handler {handler}: {}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

/// The loaded plugins, cheap to clone.
#[derive(Clone)]
pub struct Plugins {
    inner: Arc<Inner>,
    templates: Option<Templates>,
}

struct Inner {
    loaded: BTreeMap<PluginName, Loaded>,
    refused: Vec<Refused>,
}

struct Loaded {
    plugin: Arc<Plugin>,
    file: Option<PathBuf>,
    /// Delivers in its place.
    native: Option<Arc<dyn Deliver>>,
}

/// Delivers messages: a plugin, or code of the hub's own process in its place.
pub trait Deliver: Send + Sync {
    /// Makes one attempt; see [`Plugin::deliver`].
    fn deliver(
        &self,
        delivery: Delivery,
        services: Arc<dyn HostServices>,
    ) -> BoxFuture<'_, Result<Delivered, PluginError>>;
}

impl Deliver for Plugin {
    fn deliver(
        &self,
        delivery: Delivery,
        services: Arc<dyn HostServices>,
    ) -> BoxFuture<'_, Result<Delivered, PluginError>> {
        Plugin::deliver(self, delivery, services).boxed()
    }
}

impl Plugins {
    /// Loads everything. Compiles, so it belongs on a blocking thread. Fails only when the engine or a built-in plugin
    /// does; what is wrong in the admin's folder is in [`Plugins::refused`].
    pub fn load(options: &PluginsOptions) -> Result<Self, NotifyError> {
        let host = PluginHost::new(options.host.clone())?;
        let mut loaded = BTreeMap::new();
        let mut refused = Vec::new();
        for (name, bytes) in &options.builtin {
            let plugin = host.load(bytes, &available())?;
            if plugin.name().as_str() != *name {
                return Err(NotifyError::Builtin {
                    expected: (*name).to_owned(),
                    found: plugin.name().clone(),
                });
            }
            let entry = Loaded {
                plugin: Arc::clone(&plugin),
                file: None,
                native: options.native.get(plugin.name()).cloned(),
            };
            loaded.insert(plugin.name().clone(), entry);
        }
        if let Some(folder) = &options.folder {
            let report = host.load_folder(folder, &|manifest: &Manifest| {
                options
                    .grants
                    .get(&manifest.name)
                    .map_or_else(Grants::none, |granted| granted.and(&available()))
            });
            refused.extend(
                report
                    .failures
                    .into_iter()
                    .map(|(file, error)| refusal(file, &error)),
            );
            for (file, plugin) in report.plugins {
                match loaded.get(plugin.name()) {
                    Some(other) => refused.push(taken(file, plugin.name(), other.file.as_deref())),
                    None => {
                        let entry = Loaded {
                            plugin: Arc::clone(&plugin),
                            file: Some(file),
                            native: None,
                        };
                        loaded.insert(plugin.name().clone(), entry);
                    }
                }
            }
        }
        for refusal in &refused {
            tracing::warn!(code = %refusal.code, "plugin not loaded: {refusal}");
        }
        Ok(Self {
            inner: Arc::new(Inner { loaded, refused }),
            templates: None,
        })
    }

    /// These plugins; handlers are checked for whether the templates that they ask for are among these.
    #[must_use]
    pub fn with_templates(self, templates: Templates) -> Self {
        Self {
            templates: Some(templates),
            ..self
        }
    }

    /// The plugin of that name.
    pub fn get(&self, name: &PluginName) -> Option<&Arc<Plugin>> {
        self.inner.loaded.get(name).map(|loaded| &loaded.plugin)
    }

    /// What delivers for the plugin of that name.
    pub(crate) fn deliverer(&self, name: &PluginName) -> Option<Arc<dyn Deliver>> {
        let loaded = self.inner.loaded.get(name)?;
        Some(match &loaded.native {
            Some(native) => Arc::clone(native),
            None => Arc::<Plugin>::clone(&loaded.plugin),
        })
    }

    /// All of them, by name, with their file when they are not built in.
    pub fn all(&self) -> impl Iterator<Item = (&Arc<Plugin>, Option<&Path>)> {
        self.inner
            .loaded
            .values()
            .map(|loaded| (&loaded.plugin, loaded.file.as_deref()))
    }

    /// What was not loaded, and why.
    pub fn refused(&self) -> &[Refused] {
        &self.inner.refused
    }

    /// Those that give advice.
    pub(crate) fn advisers(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.inner
            .loaded
            .values()
            .map(|loaded| &loaded.plugin)
            .filter(|plugin| plugin.manifest().advises)
    }

    /// The name of the inbox plugin, when there is one.
    pub(crate) fn inbox(&self) -> Option<PluginName> {
        let name = PluginName::new(INBOX).ok()?;
        self.get(&name)
            .filter(|plugin| plugin.manifest().delivers)
            .map(|_| name)
    }

    /// Everything that is wrong with a handler: its plugin, its configuration by the plugin's schema, and its template.
    pub fn check_handler(&self, handler: &Handler) -> Vec<HandlerFault> {
        let fault = |path: &str, code, message: String| HandlerFault {
            handler: Some(handler.name.clone()),
            path: path.to_owned(),
            code,
            message,
        };
        let Some(plugin) = self.get(&handler.plugin) else {
            let why = self
                .inner
                .refused
                .iter()
                .find(|refused| refused.name.as_ref() == Some(&handler.plugin));
            return vec![match why {
                Some(refused) => fault(
                    "plugin",
                    refused.code,
                    format!("the plugin {} was not loaded: {}", handler.plugin, refused.reason),
                ),
                None => fault(
                    "plugin",
                    ErrorCode::NotFound,
                    format!(
                        "there is no plugin {}; there are {}",
                        handler.plugin,
                        self.delivering()
                    ),
                ),
            }];
        };
        if !plugin.manifest().delivers {
            let message = format!(
                "the plugin {} delivers nothing; those that do are {}",
                handler.plugin,
                self.delivering()
            );
            return vec![fault("plugin", ErrorCode::PluginConfig, message)];
        }
        let mut faults = match plugin.check_config(&handler.config) {
            Ok(()) => Vec::new(),
            Err(PluginError::Config { faults, .. }) => faults
                .into_iter()
                .map(|config| {
                    let path = if config.path.is_empty() {
                        "config".to_owned()
                    } else {
                        format!("config.{}", config.path)
                    };
                    fault(&path, ErrorCode::PluginConfig, config.message)
                })
                .collect(),
            Err(other) => vec![fault("config", other.code(), other.to_string())],
        };
        let refused = addresses::faults(plugin, &handler.config).into_iter();
        faults.extend(refused.map(|(key, why)| {
            let path = format!("config.{key}");
            fault(&path, ErrorCode::PluginConfig, why.to_owned())
        }));
        if let Some(templates) = &self.templates {
            let builtin = self
                .inner
                .loaded
                .get(&handler.plugin)
                .is_some_and(|loaded| loaded.file.is_none());
            faults.extend(template_choice::faults(handler, plugin, builtin, templates));
        }
        faults
    }

    /// Whether a group can be stored as declared; to be called before the ledger stores it.
    pub fn check_group(&self, group: &Group) -> Result<(), NotifyError> {
        let mut faults: Vec<HandlerFault> = group
            .handler
            .iter()
            .flat_map(|handler| self.check_handler(handler))
            .collect();
        if group.name.as_str() == BUILTIN_GROUP {
            faults.push(HandlerFault {
                handler: None,
                path: "name".to_owned(),
                code: ErrorCode::ConfigInvalid,
                message: "this name is the hub's own".to_owned(),
            });
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(NotifyError::Group {
                group: group.reference(),
                faults,
            })
        }
    }

    fn delivering(&self) -> String {
        let names: Vec<&str> = self
            .inner
            .loaded
            .values()
            .filter(|loaded| loaded.plugin.manifest().delivers)
            .map(|loaded| loaded.plugin.name().as_str())
            .collect();
        names.join(", ")
    }
}

impl fmt::Debug for Plugins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugins")
            .field("loaded", &self.inner.loaded.keys())
            .field("refused", &self.inner.refused)
            .finish()
    }
}

/// Every capability that this hub can serve. Figures of plugins are shown nowhere yet, so no plugin may want that.
fn available() -> Grants {
    Capability::ALL
        .iter()
        .copied()
        .filter(|capability| *capability != Capability::Metrics)
        .collect()
}

fn refusal(file: PathBuf, error: &PluginError) -> Refused {
    let name = match error {
        PluginError::Contract { plugin, .. } | PluginError::Capability { plugin, .. } => {
            PluginName::new(plugin.clone()).ok()
        }
        _ => None,
    };
    Refused {
        file,
        name,
        code: error.code(),
        reason: brief(&error.to_string()),
    }
}

/// The first line, cut: the engine's own words can go on with a dump of the file.
fn brief(reason: &str) -> String {
    const MOST: usize = 200;
    let line = reason.lines().next().unwrap_or_default().trim_end();
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn taken(file: PathBuf, name: &PluginName, other: Option<&Path>) -> Refused {
    let reason = match other {
        Some(other) => format!("{} is a plugin of the same name, {name}", other.display()),
        None => format!("{name} is the name of a built-in plugin"),
    };
    Refused {
        file,
        name: None,
        code: ErrorCode::PluginLoad,
        reason,
    }
}
