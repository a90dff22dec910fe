//! What can go wrong, each with its stable code.

use ironcore_ledger::LedgerError;
use ironcore_plugin_host::PluginError;
use ironcore_types::notification::GroupRef;
use ironcore_types::{ErrorCode, PluginName};

use crate::plugins::HandlerFault;
use crate::templates::TemplateError;

/// Why something of notification was refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// The ledger refused or failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A plugin could not be loaded or called.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A template could not be rendered.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A built-in plugin is not what the hub was built with.
    #[error("the built-in plugin {expected} calls itself {found}")]
    Builtin {
        /// As the hub calls it.
        expected: String,
        /// As its manifest says.
        found: PluginName,
    },
    /// A group cannot be used as it is declared.
    #[error("the group {group} is not valid: {}", join(faults))]
    Group {
        /// Which group.
        group: GroupRef,
        /// Everything that is wrong, handler by handler.
        faults: Vec<HandlerFault>,
    },
    /// An action cannot be performed.
    #[error("{message}")]
    Action {
        /// `not-found`, `request.invalid` or `conflict`.
        code: ErrorCode,
        /// In words.
        message: String,
    },
}

impl NotifyError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Ledger(error) => error.code(),
            Self::Plugin(error) => error.code(),
            Self::Template(error) => error.code(),
            Self::Builtin { .. } => ErrorCode::PluginLoad,
            Self::Group { faults, .. } => faults.first().map_or(ErrorCode::PluginConfig, |fault| fault.code),
            Self::Action { code, .. } => *code,
        }
    }

    pub(crate) fn action(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Action {
            code,
            message: message.into(),
        }
    }
}

fn join(faults: &[HandlerFault]) -> String {
    faults
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
