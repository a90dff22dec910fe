//! How a running operation talks to its caller: cancel, progress, warnings, log lines. Who shows them is
//! the caller's matter.

use ironcore_types::ErrorCode;
use ironcore_types::progress::{Stage, Warning};

use crate::error::{Result, StoreError};

/// The caller's side of a running operation. Called from several threads, as often as the operation likes.
pub trait Watch: Send + Sync {
    /// Whether the operation should stop. Looked at between chunks and between files.
    fn cancelled(&self) -> bool {
        false
    }

    /// How far a stage is; stages are told apart by name.
    fn progress(&self, _stage: &Stage) {}

    /// A non-fatal issue.
    fn warn(&self, _warning: Warning) {}

    /// A line for the task's log.
    fn info(&self, _line: &str) {}
}

/// Listens to nothing and never cancels.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWatch;

impl Watch for NoWatch {}

/// Ends the operation when its caller wants that.
pub(crate) fn check(watch: &dyn Watch) -> Result<()> {
    if watch.cancelled() {
        Err(StoreError::Cancelled)
    } else {
        Ok(())
    }
}

/// A stage that counts `unit`s.
pub(crate) fn stage(name: &str, unit: &str) -> Stage {
    Stage {
        name: name.to_owned(),
        unit: unit.to_owned(),
        ..Stage::default()
    }
}

/// A warning about a path.
pub(crate) fn warning(code: ErrorCode, path: impl Into<String>, message: impl Into<String>) -> Warning {
    Warning {
        code,
        path: Some(path.into()),
        message: message.into(),
    }
}
