//! The key-value rows of plugins. They are written with the outcome of an attempt, which `message` holds.

use ironcore_types::PluginName;

use super::handler::HandlerRef;

/// Whose key-value rows: a plugin's, for one handler.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KvScope {
    /// Which plugin.
    pub plugin: PluginName,
    /// For which handler, and so for which project.
    pub handler: HandlerRef,
}

/// A change of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvWrite {
    /// At most 256 bytes.
    pub key: String,
    /// The value; none to remove the key.
    pub value: Option<Vec<u8>>,
}
