//! The types of events, once for all, and how much an event matters.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much an event matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// All is as it should be.
    Info,
    /// Worth knowing.
    Notice,
    /// Somebody should look at it soon.
    Warning,
    /// Somebody must act.
    Error,
}

impl Severity {
    /// All of them, the least first.
    pub const ALL: &'static [Self] = &[Self::Info, Self::Notice, Self::Warning, Self::Error];

    /// The word used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! event_types {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal / $severity:ident,)+) => {
        /// What kind of thing happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
        #[non_exhaustive]
        pub enum EventType { $($(#[doc = $doc])+ #[serde(rename = $text)] $variant,)+ }

        impl EventType {
            /// All types.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The CloudEvents `type`, such as `ironcore.task.failed`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The severity such an event has unless its cause says otherwise.
            pub fn default_severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),+ }
            }
        }
    };
}

event_types! {
    /// A task waits for a worker.
    TaskQueued = "ironcore.task.queued" / Info,
    /// A worker began a task.
    TaskStarted = "ironcore.task.started" / Info,
    /// A task ended without errors.
    TaskCompleted = "ironcore.task.completed" / Info,
    /// A task ended with non-fatal issues.
    TaskWarning = "ironcore.task.warning" / Warning,
    /// A task failed.
    TaskFailed = "ironcore.task.failed" / Error,
    /// A task was stopped by an operator.
    TaskCancelled = "ironcore.task.cancelled" / Notice,
    /// A snapshot was verified; `data.verification` says with what result.
    SnapshotVerified = "ironcore.snapshot.verified" / Info,
    /// A snapshot has not been verified for too long.
    SnapshotStale = "ironcore.snapshot.stale" / Warning,
    /// A sync met data that does not match its fingerprint.
    SyncIntegrityError = "ironcore.sync.integrity-error" / Error,
    /// A job did not start at its time.
    JobMissed = "ironcore.job.missed" / Warning,
    /// A job has no recent good snapshot.
    JobOverdue = "ironcore.job.overdue" / Warning,
    /// A job runs longer than it should.
    JobOverrun = "ironcore.job.overrun" / Warning,
    /// A datastore has little space left.
    DatastoreSpaceLow = "ironcore.datastore.space-low" / Warning,
    /// A datastore went offline or came back.
    DatastoreStatusChanged = "ironcore.datastore.status-changed" / Notice,
    /// A worker came online.
    WorkerOnline = "ironcore.worker.online" / Info,
    /// A worker is gone.
    WorkerOffline = "ironcore.worker.offline" / Warning,
    /// The scheduler was paused.
    SchedulerPaused = "ironcore.scheduler.paused" / Notice,
    /// The scheduler goes on.
    SchedulerResumed = "ironcore.scheduler.resumed" / Info,
    /// A log-in failed.
    AuthLoginFailed = "ironcore.auth.login-failed" / Warning,
    /// An account was locked after failed log-ins.
    AuthLockedOut = "ironcore.auth.locked-out" / Error,
    /// An API token was made.
    AuthTokenCreated = "ironcore.auth.token-created" / Notice,
    /// A permission was granted.
    ConfigPermissionGranted = "ironcore.config.permission-granted" / Notice,
    /// A role was made.
    ConfigRoleCreated = "ironcore.config.role-created" / Notice,
    /// A secret was replaced by another: a key, a token, a password.
    ConfigKeyRotated = "ironcore.config.key-rotated" / Notice,
    /// A service of the hub started.
    SystemStarted = "ironcore.system.started" / Info,
    /// A service of the hub stopped.
    SystemStopped = "ironcore.system.stopped" / Notice,
    /// The hub's certificate was renewed.
    SystemCertificateRenewed = "ironcore.system.certificate-renewed" / Notice,
    /// A message could not be delivered and is not tried again.
    DeliveryExhausted = "ironcore.delivery.exhausted" / Error,
    /// A handler was switched off.
    HandlerDisabled = "ironcore.handler.disabled" / Error,
    /// A plugin failed.
    PluginFailed = "ironcore.plugin.failed" / Error,
}

crate::words::described!(EventType, "What kind of thing happened.");

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EventType {
    /// Reads what [`FromStr`] reads, so that people may leave `ironcore.` out.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is no event type of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an event type")]
pub struct UnknownEventType(String);

impl FromStr for EventType {
    type Err = UnknownEventType;
    /// Reads the full name, or the name without `ironcore.`.
    fn from_str(text: &str) -> Result<Self, UnknownEventType> {
        Self::ALL
            .iter()
            .copied()
            .find(|t| t.as_str() == text || t.as_str().strip_prefix("ironcore.") == Some(text))
            .ok_or_else(|| UnknownEventType(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_read_back() {
        for event_type in EventType::ALL {
            assert_eq!(event_type.as_str().parse(), Ok(*event_type));
            assert!(event_type.as_str().starts_with("ironcore."));
        }
        assert_eq!("task.failed".parse(), Ok(EventType::TaskFailed));
        for text in ["\"task.failed\"", "\"ironcore.task.failed\""] {
            assert_eq!(
                serde_json::from_str::<EventType>(text).expect(text),
                EventType::TaskFailed
            );
        }
        assert!(serde_json::from_str::<EventType>("\"task.vanished\"").is_err());
    }
}
