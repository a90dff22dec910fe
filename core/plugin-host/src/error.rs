//! What can go wrong with a plugin, each with its stable code.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use ironcore_types::ErrorCode;

use crate::faults::ConfigFault;

/// Why a plugin could not be loaded or called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The engine cannot be set up on this machine.
    #[error("the WebAssembly engine cannot be set up: {0}")]
    Engine(#[source] wasmtime_error::Opaque),
    /// A file or folder of plugins cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The bytes are no component, or one without a valid manifest.
    #[error("{0}")]
    Manifest(String),
    /// The component cannot be compiled, or does not fit the contract that its manifest names.
    #[error("the plugin {plugin} does not fit the contract: {source}")]
    Contract {
        /// Which plugin.
        plugin: String,
        /// Why.
        #[source]
        source: wasmtime_error::Opaque,
    },
    /// The plugin wants or imports something that it may not have.
    #[error("the plugin {plugin} may not be loaded: {why}")]
    Capability {
        /// Which plugin.
        plugin: String,
        /// What it may not have, and what would help.
        why: String,
    },
    /// A configuration does not match the plugin's schema.
    #[error("the configuration of {plugin} is not valid: {}", join(faults))]
    Config {
        /// Which plugin.
        plugin: String,
        /// Every fault, with the path of its key.
        faults: Vec<ConfigFault>,
    },
    /// The plugin does not export what is called.
    #[error("the plugin {plugin} does not {export}")]
    NotExported {
        /// Which plugin.
        plugin: String,
        /// `deliver` or `advise`.
        export: &'static str,
    },
    /// The guest ended abnormally.
    #[error("the plugin {plugin} ended abnormally: {message}")]
    Trap {
        /// Which plugin.
        plugin: String,
        /// What the guest last wrote to its error output, or the trap.
        message: String,
        /// The trap.
        #[source]
        source: wasmtime_error::Opaque,
    },
    /// The guest used up its time.
    #[error("the plugin {plugin} used up its time: {what} of {}", human(*limit))]
    Timeout {
        /// Which plugin.
        plugin: String,
        /// The time that was used up, in words.
        what: &'static str,
        /// How much it was.
        limit: Duration,
    },
    /// The guest wanted more memory than was left of what all guests together may have.
    #[error("the plugin {plugin} got no more memory: all plugins together used up their {} MiB", limit >> 20)]
    AllMemory {
        /// Which plugin.
        plugin: String,
        /// How much they may have, bytes.
        limit: u64,
    },
    /// The guest used up its memory.
    #[error("the plugin {plugin} used up its memory of {} MiB", limit >> 20)]
    Memory {
        /// Which plugin.
        plugin: String,
        /// How much it was, bytes.
        limit: u64,
    },
}

impl PluginError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Engine(_) | Self::Io { .. } | Self::Manifest(_) | Self::Contract { .. } => {
                ErrorCode::PluginLoad
            }
            Self::NotExported { .. } => ErrorCode::PluginLoad,
            Self::Capability { .. } => ErrorCode::PluginCapability,
            Self::Config { .. } => ErrorCode::PluginConfig,
            Self::Trap { .. } => ErrorCode::PluginTrap,
            Self::Timeout { .. } => ErrorCode::PluginTimeout,
            Self::Memory { .. } | Self::AllMemory { .. } => ErrorCode::PluginMemory,
        }
    }
}

fn join(faults: &[ConfigFault]) -> String {
    faults
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

fn human(span: Duration) -> String {
    if span.subsec_millis() == 0 {
        format!("{} s", span.as_secs())
    } else {
        format!("{} ms", span.as_millis())
    }
}

/// wasmtime's error type as a source that says all it knows.
pub mod wasmtime_error {
    use std::fmt;

    /// An error of the WebAssembly engine, with its whole chain of causes as text.
    #[derive(Clone)]
    pub struct Opaque(String);

    impl Opaque {
        pub(crate) fn new(error: &wasmtime::Error) -> Self {
            Self(format!("{error:#}"))
        }
    }

    impl fmt::Display for Opaque {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl fmt::Debug for Opaque {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            fmt::Debug::fmt(&self.0, f)
        }
    }

    impl std::error::Error for Opaque {}
}
