//! Handlers that fail.

use ironcore_types::Timestamp;
use ironcore_types::event::ErrorData;
use serde::{Deserialize, Serialize};

use super::handler::HandlerRef;

/// A handler all of whose attempts have failed for a while, or that was switched off for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlerHealth {
    /// Which one.
    pub handler: HandlerRef,
    /// Every attempt since then has failed, and none of those long after the one before.
    pub failing_since: Option<Timestamp>,
    /// When the last of them did.
    pub last_failed: Option<Timestamp>,
    /// When it was switched off: it is told of nothing until its declaration changes or somebody switches it on.
    pub disabled: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: ErrorData,
}
