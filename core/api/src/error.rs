//! What an API request can fail of.

use std::time::Duration;

use axum::http::StatusCode;
use ironcore_engine::EngineError;
use ironcore_ledger::LedgerError;
use ironcore_notify::NotifyError;
use ironcore_store::{OpenFault, StoreError};
use ironcore_types::ErrorCode;

use crate::problem::status_of;
use crate::wire::Fault;

/// Why a request was refused or failed. Each has a stable code and an HTTP status.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No token, or none that is known.
    #[error("The request carried no valid token.")]
    Unauthorized,
    /// Whoever asks is not who it says.
    #[error("{0}")]
    Refused(&'static str),
    /// The token may not do this.
    #[error("This token may not {0}.")]
    Denied(String),
    /// There is no such object, or the token may not know of it.
    #[error("There is no {0}.")]
    NotFound(String),
    /// The request is not valid.
    #[error("{detail}")]
    Invalid {
        /// Which kind of fault.
        code: ErrorCode,
        /// In words.
        detail: String,
        /// The single faults, when they are known.
        faults: Vec<Fault>,
    },
    /// It may be asked again, but not before this time has passed.
    #[error("{detail}")]
    Later {
        /// In words.
        detail: String,
        /// How long.
        wait: Duration,
    },
    /// The HTTP layer refused it.
    #[error("{detail}")]
    Http {
        /// With this status.
        status: StatusCode,
        /// In words.
        detail: String,
    },
    /// The ledger refused or failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The engine refused or failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The datastore refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Notification refused or failed.
    #[error(transparent)]
    Notify(#[from] NotifyError),
    /// Work on another thread did not end.
    #[error("work of the request did not end")]
    Work(#[from] tokio::task::JoinError),
    /// A fault of the hub itself.
    #[error("{0}")]
    Internal(&'static str),
}

impl ApiError {
    /// Too much is asked for at once.
    pub fn busy(detail: impl Into<String>) -> Self {
        Self::Invalid {
            code: ErrorCode::Overloaded,
            detail: detail.into(),
            faults: Vec::new(),
        }
    }

    /// There is no `what`.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound(what.into())
    }

    /// The token may not do `what`, such as `start a restore`.
    pub fn denied(what: impl Into<String>) -> Self {
        Self::Denied(what.into())
    }

    /// The request is not valid.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::Invalid {
            code: ErrorCode::RequestInvalid,
            detail: detail.into(),
            faults: Vec::new(),
        }
    }

    /// The request is not valid, in ways that can be named.
    pub fn faulty(detail: impl Into<String>, faults: Vec<Fault>) -> Self {
        let code = faults
            .first()
            .map_or(ErrorCode::RequestInvalid, |fault| fault.code);
        Self::Invalid {
            code,
            detail: detail.into(),
            faults,
        }
    }

    /// What went wrong with the place of a datastore, for those who may know where datastores lie: why the system
    /// does not let it be used is for them to see, not for the hub's log only.
    pub fn of_place(error: EngineError) -> Self {
        match &error {
            EngineError::Store(StoreError::Open {
                fault: OpenFault::Unusable(_),
                ..
            }) => Self::Invalid {
                code: error.code(),
                detail: sentence(&error.to_string()),
                faults: Vec::new(),
            },
            _ => Self::Engine(error),
        }
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unauthorized | Self::Refused(_) => ErrorCode::AuthRequired,
            Self::Denied(_) => ErrorCode::AuthDenied,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::Invalid { code, .. } => *code,
            Self::Later { .. } => ErrorCode::Overloaded,
            Self::Http { status, .. } if status.is_client_error() => ErrorCode::RequestInvalid,
            Self::Ledger(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Notify(error) => error.code(),
            Self::Http { .. } | Self::Work(_) | Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Http { status, .. } => *status,
            other => status_of(other.code()),
        }
    }

    /// What the client is told. Faults of the hub itself are told to the log only.
    pub(crate) fn detail(&self) -> String {
        match (self.status(), self.code()) {
            (StatusCode::INTERNAL_SERVER_ERROR, _) if !matches!(self, Self::Invalid { .. }) => {
                "The hub failed; its log tells more under the request id.".to_owned()
            }
            (_, ErrorCode::LedgerUnavailable | ErrorCode::LedgerLocked) => {
                "The hub's database does not answer now; try again.".to_owned()
            }
            _ => sentence(&self.to_string()),
        }
    }

    /// After which time to ask again, when that is known.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Later { wait, .. } => Some(*wait),
            _ => None,
        }
    }

    pub(crate) fn into_faults(self) -> Vec<Fault> {
        match self {
            Self::Invalid { faults, .. } => faults,
            _ => Vec::new(),
        }
    }
}

/// Errors of the crates below begin in lower case, for they stand behind a colon; here they stand alone.
fn sentence(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    let mut letters = text.chars();
    // Names and paths at the beginning keep their case.
    let word_is_plain = text
        .split_whitespace()
        .next()
        .is_some_and(|word| word.bytes().all(|b| b.is_ascii_lowercase()));
    match letters.next() {
        Some(first) if word_is_plain => out.extend(first.to_uppercase()),
        Some(first) => out.push(first),
        None => return out,
    }
    out.push_str(letters.as_str());
    if !out.ends_with(['.', '?', '!']) {
        out.push('.');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_sentences() {
        assert_eq!(sentence("the job is there"), "The job is there.");
        assert_eq!(sentence("ibs-primary is offline"), "ibs-primary is offline.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn faults_of_the_hub_stay_in_its_log() {
        let error = ApiError::Internal("a row was odd");
        assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!error.detail().contains("row"));
        // But for why a datastore cannot be where its administrator wants it.
        let unusable = || {
            EngineError::Store(StoreError::Open {
                path: "/dev/null".to_owned(),
                fault: OpenFault::Unusable("Not a directory".to_owned()),
            })
        };
        let (told, hidden) = (ApiError::of_place(unusable()), ApiError::from(unusable()));
        assert_eq!(
            (told.code(), hidden.code()),
            (ErrorCode::DatastoreIo, ErrorCode::DatastoreIo)
        );
        let detail = told.detail();
        assert!(
            detail.contains("/dev/null") && detail.ends_with("Not a directory."),
            "{detail}"
        );
        assert!(!hidden.detail().contains("/dev/null"));
    }
}
