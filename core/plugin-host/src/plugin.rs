//! A loaded plugin, and its calls: each in a fresh instance, with limits, and thrown away afterwards.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ironcore_types::event::Tip;
use ironcore_types::{Event, PluginName};
use serde_json::{Map, Value};
use wasmtime::Store;

use crate::call::{Call, Ended, Purpose};
use crate::delivery::{Delivered, Delivery};
use crate::error::PluginError;
use crate::error::wasmtime_error::Opaque;
use crate::host::Shared;
use crate::manifest::Manifest;
use crate::memory::Taken;
use crate::schema::ConfigSchema;
use crate::services::HostServices;
use crate::ticker::TICK;
use crate::v0_1;

/// A plugin that can be called, by as many callers at once as the host has slots.
pub struct Plugin {
    shared: Arc<Shared>,
    manifest: Manifest,
    schema: ConfigSchema,
    sha256: String,
    ready: v0_1::Ready,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("manifest", &self.manifest)
            .finish_non_exhaustive()
    }
}

impl Plugin {
    pub(crate) fn new(
        shared: Arc<Shared>,
        manifest: Manifest,
        schema: ConfigSchema,
        sha256: String,
        ready: v0_1::Ready,
    ) -> Self {
        Self {
            shared,
            manifest,
            schema,
            sha256,
            ready,
        }
    }

    /// What the plugin says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its name.
    pub fn name(&self) -> &PluginName {
        &self.manifest.name
    }

    /// The JSON Schema of its configuration, with the schema of secrets filled in.
    pub fn schema(&self) -> &Value {
        self.schema.json()
    }

    /// SHA-256 of its file, hex.
    pub fn digest(&self) -> &str {
        &self.sha256
    }

    /// Checks a configuration.
    ///
    /// # Errors
    /// `plugin.config` with every fault and the path of its key.
    pub fn check_config(&self, config: &Map<String, Value>) -> Result<(), PluginError> {
        let faults = self.schema.check(config);
        if faults.is_empty() {
            Ok(())
        } else {
            Err(PluginError::Config {
                plugin: self.manifest.name.to_string(),
                faults,
            })
        }
    }

    /// The destination of a configuration: the plugin's name and the values that its schema marks with
    /// `x-destination`. Equal for equal destinations; a lane is one of these in a project. Holds no secret, but names.
    pub fn destination(&self, config: &Map<String, Value>) -> String {
        format!("{}:{}", self.manifest.name, self.schema.destination(config))
    }

    /// The names of the secrets that a configuration uses; a call can use these and no others.
    pub fn secrets(&self, config: &Map<String, Value>) -> BTreeSet<String> {
        self.schema.secrets(config)
    }

    /// Delivers a message.
    ///
    /// # Errors
    /// `plugin.config` when the configuration does not match the schema, `plugin.trap`, `plugin.timeout` or
    /// `plugin.memory` when the guest did not end normally; nothing of what it buffered counts then.
    pub async fn deliver(
        &self,
        delivery: Delivery,
        services: Arc<dyn HostServices>,
    ) -> Result<Delivered, PluginError> {
        if !self.manifest.delivers {
            return Err(self.not_exported("deliver"));
        }
        self.check_config(&delivery.config)?;
        let secrets = self.schema.secrets(&delivery.config);
        let delivery = Arc::new(delivery);
        let purpose = Purpose::Deliver {
            delivery: Arc::clone(&delivery),
            secrets,
        };
        let limit = self.shared.config.deliver_timeout;
        let (outcome, left) = self
            .call(services, purpose, limit, async |store| {
                self.ready.deliver(store, &delivery).await
            })
            .await?;
        Ok(Delivered {
            outcome,
            kv: left.kv,
            inbox: left.inbox,
            report: left.report,
        })
    }

    /// Asks for advice about an event.
    ///
    /// # Errors
    /// `plugin.trap`, `plugin.timeout` or `plugin.memory` when the guest did not end normally.
    pub async fn advise(
        &self,
        event: &Event,
        services: Arc<dyn HostServices>,
    ) -> Result<Vec<Tip>, PluginError> {
        if !self.manifest.advises {
            return Err(self.not_exported("advise"));
        }
        let limit = self.shared.config.advise_timeout;
        let call = async |store: &mut Store<Call>| self.ready.advise(store, event, &self.manifest).await;
        let (tips, _) = self.call(services, Purpose::Advise, limit, call).await?;
        Ok(tips)
    }

    fn not_exported(&self, export: &'static str) -> PluginError {
        PluginError::NotExported {
            plugin: self.manifest.name.to_string(),
            export,
        }
    }

    fn guest_time(&self) -> Duration {
        let most = self.shared.config.guest_time;
        self.manifest
            .time_ms
            .map_or(most, |ms| Duration::from_millis(ms).min(most))
    }

    fn memory(&self) -> u64 {
        let most = self.shared.config.max_memory;
        self.manifest.memory.map_or(most, |wanted| wanted.min(most))
    }

    /// One call with all its limits. The store goes away with it, whatever happened.
    async fn call<T>(
        &self,
        services: Arc<dyn HostServices>,
        purpose: Purpose,
        limit: Duration,
        body: impl AsyncFnOnce(&mut Store<Call>) -> wasmtime::Result<T>,
    ) -> Result<(T, crate::call::Left), PluginError> {
        let plugin = || self.manifest.name.to_string();
        let _slot = self
            .shared
            .slots
            .acquire()
            .await
            .map_err(|error| PluginError::Trap {
                plugin: plugin(),
                message: "the host is shutting down".to_owned(),
                source: Opaque::new(&wasmtime::Error::msg(error.to_string())),
            })?;
        let ticks =
            u64::try_from(self.guest_time().as_millis().div_ceil(TICK.as_millis())).unwrap_or(u64::MAX);
        let memory = Taken::nothing(Arc::clone(&self.shared.memory));
        let call = Call::new(services, purpose, ticks, memory, self.memory());
        let mut store = Store::new(&self.shared.engine, call);
        store.limiter(|call| call);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| Ok(context.data_mut().tick()));
        let running = self.shared.ticker.guest();
        let answer = tokio::time::timeout(limit, body(&mut store)).await;
        drop(running);
        let call = store.into_data();
        match answer {
            Err(_elapsed) => Err(PluginError::Timeout {
                plugin: plugin(),
                what: "its whole time",
                limit,
            }),
            Ok(Ok(value)) => Ok((value, call.finish())),
            Ok(Err(error)) => Err(match call.ended {
                Some(Ended::Time) => PluginError::Timeout {
                    plugin: plugin(),
                    what: "its time on the processor",
                    limit: self.guest_time(),
                },
                Some(Ended::Memory) => PluginError::Memory {
                    plugin: plugin(),
                    limit: self.memory(),
                },
                Some(Ended::AllMemory) => PluginError::AllMemory {
                    plugin: plugin(),
                    limit: self.shared.memory.most(),
                },
                None => PluginError::Trap {
                    plugin: plugin(),
                    message: call
                        .printed
                        .panic_message()
                        .unwrap_or_else(|| error.root_cause().to_string()),
                    source: Opaque::new(&error),
                },
            }),
        }
    }
}
