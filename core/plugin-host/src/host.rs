//! The host: one engine for all plugins, and how a plugin comes into it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use wasmtime::component::Component;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::cache::Cache;
use crate::error::PluginError;
use crate::error::wasmtime_error::Opaque;
use crate::grants::Grants;
use crate::manifest::{Contract, Manifest};
use crate::memory::Budget;
use crate::plugin::Plugin;
use crate::schema::ConfigSchema;
use crate::ticker::Ticker;
use crate::{v0_1, wasi};

/// The largest component that is loaded, bytes.
const MAX_COMPONENT: usize = 64 << 20;
/// Places whose memory stays as the last guest left it while nobody runs there.
const WARM: u32 = 32;
/// How much of each memory, table and stack stays mapped between calls. Measured: a third of the time of a call.
const KEEP: usize = 1 << 20;

/// How plugins are run.
#[derive(Debug, Clone)]
pub struct HostConfig {
    /// Folder for compiled plugins, made when missing; it must belong to the hub alone. None to compile at each start.
    pub cache: Option<PathBuf>,
    /// The most memory a guest may have, bytes; a manifest may ask for less.
    pub max_memory: u64,
    /// The most memory that all guests together may have, bytes.
    pub all_memory: u64,
    /// The most time that a call of `deliver` may take, with all waiting.
    pub deliver_timeout: Duration,
    /// The most time that a call of `advise` may take.
    pub advise_timeout: Duration,
    /// The most time on the processor that a call may take; a manifest may ask for less.
    pub guest_time: Duration,
    /// How many guests run at once; further calls wait.
    pub concurrency: u16,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            cache: None,
            max_memory: 64 << 20,
            all_memory: 2 << 30,
            deliver_timeout: Duration::from_secs(60),
            advise_timeout: Duration::from_secs(2),
            guest_time: Duration::from_secs(2),
            concurrency: 32,
        }
    }
}

pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) ticker: Ticker,
    pub(crate) slots: Semaphore,
    pub(crate) memory: Arc<Budget>,
    pub(crate) config: HostConfig,
    cache: Option<Cache>,
}

/// Loads plugins. Cheap to clone.
#[derive(Clone)]
pub struct PluginHost {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for PluginHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginHost")
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

fn engine(config: &HostConfig) -> wasmtime::Result<Engine> {
    let memory = usize::try_from(config.max_memory).unwrap_or(usize::MAX);
    let guests = u32::from(config.concurrency.max(1));
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(guests)
        .total_core_instances(guests * 24)
        .total_memories(guests * 2)
        .total_tables(guests * 8)
        .total_stacks(guests)
        .max_unused_warm_slots(WARM)
        .max_memory_size(memory)
        .linear_memory_keep_resident(KEEP)
        .table_keep_resident(KEEP)
        .async_stack_keep_resident(KEEP)
        .pagemap_scan(Enabled::Auto);
    let mut engine = Config::new();
    engine
        .wasm_component_model(true)
        .epoch_interruption(true)
        .memory_reservation(config.max_memory)
        .memory_guard_size(64 << 10)
        .max_wasm_stack(512 << 10)
        .async_stack_size(1 << 20)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20))
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&engine)
}

impl PluginHost {
    /// Sets up the engine.
    ///
    /// # Errors
    /// `plugin.load` when this machine cannot run it, or the cache's folder cannot be used.
    pub fn new(config: HostConfig) -> Result<Self, PluginError> {
        let engine = engine(&config).map_err(|error| PluginError::Engine(Opaque::new(&error)))?;
        let cache = match &config.cache {
            Some(folder) => Some(Cache::open(folder).map_err(|source| PluginError::Io {
                path: folder.clone(),
                source,
            })?),
            None => None,
        };
        let ticking = engine.clone();
        let ticker = Ticker::start(move || ticking.increment_epoch()).map_err(|source| PluginError::Io {
            path: PathBuf::from("thread"),
            source,
        })?;
        let slots = Semaphore::new(usize::from(config.concurrency.max(1)));
        let memory = Budget::new(config.all_memory);
        Ok(Self {
            shared: Arc::new(Shared {
                engine,
                ticker,
                slots,
                memory,
                config,
                cache,
            }),
        })
    }

    /// Loads a plugin: reads its manifest, checks what it wants, compiles it or takes it from the cache, and links
    /// what it may have. Compiling takes about a tenth of a second a plugin: call it where blocking is fine.
    ///
    /// # Errors
    /// `plugin.load` when it is not valid, `plugin.capability` when it wants or imports what it may not have.
    pub fn load(&self, wasm: &[u8], granted: &Grants) -> Result<Arc<Plugin>, PluginError> {
        if wasm.len() > MAX_COMPONENT {
            return Err(PluginError::Manifest(format!(
                "a component of more than {} MiB",
                MAX_COMPONENT >> 20
            )));
        }
        let manifest = Manifest::read(wasm)?;
        let name = || manifest.name.to_string();
        let schema = ConfigSchema::new(manifest.schema.clone()).map_err(|why| {
            PluginError::Manifest(format!(
                "the schema in the manifest of {} is not valid: {why}",
                manifest.name
            ))
        })?;
        let sha256 = hex::encode(Sha256::digest(wasm));
        let engine = &self.shared.engine;
        let contract = |error: wasmtime::Error| PluginError::Contract {
            plugin: name(),
            source: Opaque::new(&error),
        };
        let component = match &self.shared.cache {
            Some(cache) => cache.component(engine, wasm, &sha256),
            None => Component::new(engine, wasm),
        }
        .map_err(contract)?;
        let grants = manifest.wants.and(granted);
        check_imports(engine, &component, &manifest, &grants)?;
        let ready = match manifest.contract {
            Contract::V0_1 => v0_1::prepare(engine, &component, &manifest, &grants),
        }
        .map_err(contract)?;
        Ok(Arc::new(Plugin::new(
            Arc::clone(&self.shared),
            manifest,
            schema,
            sha256,
            ready,
        )))
    }
}

/// Looks at all imports before anything runs, so that the answer names what is missing and why.
fn check_imports(
    engine: &Engine,
    component: &Component,
    manifest: &Manifest,
    grants: &Grants,
) -> Result<(), PluginError> {
    let refuse = |why: String| {
        Err(PluginError::Capability {
            plugin: manifest.name.to_string(),
            why,
        })
    };
    for (import, _) in component.component_type().imports(engine) {
        match v0_1::import(import) {
            v0_1::Import::Words => {}
            v0_1::Import::Capability(capability) if grants.allows(capability) => {}
            v0_1::Import::Capability(capability) if manifest.wants.allows(capability) => {
                return refuse(format!(
                    "it uses `{capability}`, which was not granted to it (granted: {grants})"
                ));
            }
            v0_1::Import::Capability(capability) => {
                return refuse(format!(
                    "it uses `{capability}`, which its manifest does not ask for"
                ));
            }
            v0_1::Import::Foreign if wasi::allows(import) => {}
            v0_1::Import::Foreign => {
                return refuse(format!("it imports `{import}`, which no plugin can have"));
            }
        }
    }
    Ok(())
}
