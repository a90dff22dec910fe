//! What can go wrong between two hubs.

use ironcore_egress::{EgressError, Failure};
use ironcore_store::StoreError;
use ironcore_types::ErrorCode;

/// Why another hub could not be asked, or did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// How the remote is configured makes no sense.
    #[error("the remote {url} cannot be used: {reason}")]
    Config {
        /// As configured.
        url: String,
        /// Why.
        reason: String,
        /// What caused it.
        #[source]
        source: Option<EgressError>,
    },
    /// The token was not accepted, or has no right to the datastore.
    #[error("the remote {host} did not accept the token (status {status})")]
    Auth {
        /// Which remote.
        host: String,
        /// 401 or 403.
        status: u16,
    },
    /// The certificate is not the pinned one.
    #[error("the remote {host} showed another certificate than the pinned one")]
    Fingerprint {
        /// Which remote.
        host: String,
        /// What was found.
        #[source]
        source: Failure,
    },
    /// There was no answer.
    #[error("the remote {host} cannot be reached")]
    Unreachable {
        /// Which remote.
        host: String,
        /// Why not.
        #[source]
        source: Failure,
    },
    /// The request could not be sent: a forbidden address, or a secret that is missing.
    #[error("the remote {host} was not asked")]
    NotAsked {
        /// Which remote.
        host: String,
        /// Why not.
        #[source]
        source: Failure,
    },
    /// The answer is not understood.
    #[error("the remote {host} answered in a way that is not understood: {reason}")]
    Protocol {
        /// Which remote.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// The remote answered that it failed.
    #[error("the remote {host} answered: {message}")]
    Refused {
        /// Which remote.
        host: String,
        /// Its code, such as `datastore.offline`.
        code: ErrorCode,
        /// In its words.
        message: String,
    },
    /// The remote answered that a chunk, manifest or snapshot is not there or not whole.
    #[error(transparent)]
    Content(StoreError),
}

impl RemoteError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Config { .. } => ErrorCode::ConfigInvalid,
            Self::Auth { .. } => ErrorCode::RemoteAuth,
            Self::Fingerprint { .. } => ErrorCode::RemoteFingerprint,
            Self::Unreachable { .. } => ErrorCode::RemoteUnreachable,
            Self::NotAsked { source, .. } => source.code,
            Self::Protocol { .. } => ErrorCode::RemoteProtocol,
            Self::Refused { code, .. } => *code,
            Self::Content(error) => error.code(),
        }
    }

    /// Whether asking again may help.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Refused {
                    code: ErrorCode::Overloaded,
                    ..
                }
        )
    }
}

impl From<RemoteError> for StoreError {
    fn from(error: RemoteError) -> Self {
        match error {
            RemoteError::Content(error) => error,
            error => {
                // The cause says why, and a task shows the message alone.
                let cause = std::error::Error::source(&error)
                    .map(|c| format!(": {c}"))
                    .unwrap_or_default();
                let message = format!("{error}{cause}");
                Self::Peer {
                    code: error.code(),
                    message,
                    source: Some(Box::new(error)),
                }
            }
        }
    }
}
