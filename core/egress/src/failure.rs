//! What became of a delivery that did not arrive, told so that its sender can decide what to do next.

use std::time::Duration;

use ironcore_types::ErrorCode;
use serde::{Deserialize, Serialize};

use crate::error::EgressError;

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The destination is unhealthy (name lookup, connect, TLS, time-out, 408, 429, 5xx, SMTP 421): every message to
    /// it would fare the same now.
    Lane,
    /// This message, or one recipient of it, was refused; others may pass.
    Message,
}

/// A delivery that did not arrive. Every text in it is redacted of the secrets that were used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// Whose fault it is.
    pub class: FailureClass,
    /// Whether the same message may pass later. Always so for [`FailureClass::Lane`].
    pub retry: bool,
    /// `delivery.unreachable`, `delivery.rejected`, `delivery.address`, `secret.missing`, `key.wrong`,
    /// `request.invalid`, `config.invalid` or `remote.fingerprint`.
    pub code: ErrorCode,
    /// HTTP status or SMTP reply code, when there was an answer.
    pub status: Option<u16>,
    /// How long the destination asked to wait.
    pub retry_after: Option<Duration>,
    /// From the call to the failure.
    pub latency: Duration,
    /// One line for people.
    pub reason: String,
    /// The secret that has no value, when that is the reason.
    pub secret: Option<String>,
}

impl Failure {
    fn new(class: FailureClass, retry: bool, code: ErrorCode, reason: impl Into<String>) -> Self {
        Self {
            class,
            retry,
            code,
            status: None,
            retry_after: None,
            latency: Duration::ZERO,
            reason: reason.into(),
            secret: None,
        }
    }

    /// The destination cannot be reached or is ill.
    pub(crate) fn lane(reason: impl Into<String>) -> Self {
        Self::new(FailureClass::Lane, true, ErrorCode::DeliveryUnreachable, reason)
    }

    /// The destination refused this message for good.
    pub(crate) fn rejected(reason: impl Into<String>) -> Self {
        Self::new(FailureClass::Message, false, ErrorCode::DeliveryRejected, reason)
    }

    /// The destination refused this message for now.
    pub(crate) fn deferred(reason: impl Into<String>) -> Self {
        Self::new(FailureClass::Message, true, ErrorCode::DeliveryRejected, reason)
    }

    /// What was asked for makes no sense, so that nothing was sent.
    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::new(FailureClass::Message, false, ErrorCode::RequestInvalid, reason)
    }

    /// The address is not allowed.
    pub(crate) fn address(reason: impl Into<String>) -> Self {
        Self::new(FailureClass::Message, false, ErrorCode::DeliveryAddress, reason)
    }

    /// The certificate is not the pinned one.
    pub(crate) fn fingerprint(reason: impl Into<String>) -> Self {
        Self::new(FailureClass::Lane, true, ErrorCode::RemoteFingerprint, reason)
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    pub(crate) fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.retry_after = after;
        self
    }

    pub(crate) fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }
}

impl From<EgressError> for Failure {
    /// A missing secret is retried: nothing was sent, and it may be sealed any moment.
    fn from(error: EgressError) -> Self {
        let retry = matches!(error, EgressError::SecretMissing { .. } | EgressError::Io { .. });
        let mut failure = Self::new(FailureClass::Message, retry, error.code(), error.to_string());
        if let EgressError::SecretMissing { name } = error {
            failure.secret = Some(name.to_string());
        }
        failure
    }
}
