//! Why a verb was refused or failed.

use std::path::PathBuf;
use std::sync::Arc;

use ironcore_types::{ErrorCode, TaskState, Upid};
use sqlx::migrate::MigrateError;

/// The result of a verb.
pub type Result<T, E = LedgerError> = std::result::Result<T, E>;

/// Why a verb was refused or failed. Nothing of a verb that failed is kept, but for [`Failure::Unknown`].
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database did not do what it should.
    #[error("the database failed: {0}")]
    Database(#[source] Failure),
    /// The tables could not be brought up to date.
    #[error("the database cannot be brought up to date: {}", outdated(.0))]
    Migrate(#[from] MigrateError),
    /// Another process has it.
    #[error("the database {} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// The file or its folder cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database is too old to be trusted.
    #[error("{product} {found} is too old: {wanted} or newer is needed")]
    Version {
        /// Whose database.
        product: &'static str,
        /// What is there.
        found: String,
        /// What is needed.
        wanted: &'static str,
    },
    /// The ledger was closed.
    #[error("the database is closed")]
    Closed,
    /// There is nothing of that name.
    #[error("{0} does not exist")]
    NotFound(String),
    /// There is no such task.
    #[error("there is no task {0}")]
    NoTask(String),
    /// The caller no longer holds what it speaks of: its lease ran out, or it never had one.
    #[error("{0} is not held by this session (any more)")]
    Fenced(String),
    /// The task is over.
    #[error("task {upid} is over: it ended {}", state.shown())]
    Final {
        /// Which task.
        upid: Box<Upid>,
        /// How it ended.
        state: TaskState,
    },
    /// The change cannot be made; the message names the object and what is in its way.
    #[error("{message}")]
    Refused {
        /// `config.invalid`, `request.invalid`, `conflict`, `datastore.shared-path` or `schedule.invalid`.
        code: ErrorCode,
        /// In words.
        message: String,
    },
    /// A row cannot be understood.
    #[error("the database holds {what} that cannot be read: {source}")]
    Row {
        /// Which column.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// How the database failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// Nothing of the verb was kept.
    #[error("{}", said(.0))]
    NotKept(#[source] Arc<sqlx::Error>),
    /// The connection to PostgreSQL broke during COMMIT and did not come back in time to ask what became of it: the
    /// verb was kept as a whole or not at all. Look before doing again what must not be done twice.
    #[error("the connection broke during COMMIT; whether the change was kept is not known: {}", said(.0))]
    Unknown(#[source] Arc<sqlx::Error>),
}

/// What a database said, without the line of its own source that PostgreSQL adds.
fn said(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => format!("error returned from database: {}", error.message()),
        other => other.to_string(),
    }
}

/// Why tables cannot be brought up to date, for whoever has to choose another program or another copy.
fn outdated(error: &MigrateError) -> String {
    match error {
        MigrateError::VersionMissing(number) => format!(
            "it was made by a newer version of this program (it has migration {number}): run that version, or one newer still, \
             or restore a copy that was made before"
        ),
        MigrateError::VersionMismatch(number) => {
            format!(
                "it was made by a version of this program that never was released (its migration {number} is another)"
            )
        }
        other => other.to_string(),
    }
}

impl LedgerError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Database(_) | Self::Migrate(_) | Self::Io { .. } | Self::Version { .. } | Self::Closed => {
                ErrorCode::LedgerUnavailable
            }
            Self::Locked(_) => ErrorCode::LedgerLocked,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::NoTask(_) => ErrorCode::TaskNotFound,
            Self::Fenced(_) => ErrorCode::Conflict,
            Self::Final { .. } => ErrorCode::TaskFinal,
            Self::Refused { code, .. } => *code,
            Self::Row { .. } => ErrorCode::Internal,
        }
    }

    /// The same once more, for another who waited for the same thing.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Database(failure) => Self::Database(failure.clone()),
            Self::Closed => Self::Closed,
            other => Self::Database(sqlx::Error::Protocol(other.to_string()).into()),
        }
    }

    /// The change contradicts what is there.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::Refused {
            code: ErrorCode::Conflict,
            message: message.into(),
        }
    }

    /// The declaration is not valid.
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::Refused {
            code: ErrorCode::ConfigInvalid,
            message: message.into(),
        }
    }

    /// The request is not valid.
    pub(crate) fn request(message: impl Into<String>) -> Self {
        Self::Refused {
            code: ErrorCode::RequestInvalid,
            message: message.into(),
        }
    }

    /// A column of a row cannot be understood.
    pub(crate) fn row(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Row {
            what,
            source: source.into(),
        }
    }
}

impl From<sqlx::Error> for LedgerError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
            other => Self::Database(Failure::from(other)),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::NotKept(Arc::new(error))
    }
}

/// For what holds for a whole group of verbs, each of which gets it.
impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Database(failure) => failure,
            other => sqlx::Error::Protocol(other.to_string()).into(),
        }
    }
}
