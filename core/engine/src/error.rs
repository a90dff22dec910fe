//! Why a task or one of the engine's own loops could not go on.

use std::path::PathBuf;

use ironcore_ledger::LedgerError;
use ironcore_store::StoreError;
use ironcore_types::progress::TaskStats;
use ironcore_types::snapshot::BackupGroup;
use ironcore_types::{DatastoreName, ErrorCode, SnapshotRef, VerifyResult};

/// What can go wrong in the engine. Each has a stable code.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The datastore failed.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The ledger failed.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    /// The task was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The project does not own the backup group.
    #[error("{0} has no snapshots of this project")]
    NotOwned(BackupGroup),
    /// There is no such datastore.
    #[error("there is no datastore {0}")]
    NoDatastore(DatastoreName),
    /// The project may not use the datastore.
    #[error("project has no access to datastore {0}: add it to the datastore's `projects`")]
    NotGranted(DatastoreName),
    /// The snapshot must not be relied on.
    #[error(
        "the last verification of {snapshot} was {result}; {}; use force to restore it all the same",
        match .earlier { Some(s) => format!("the newest earlier snapshot that verified OK is {s}"),
                         None => "there is no earlier snapshot that verified OK".to_owned() }
    )]
    SnapshotNotOk {
        /// Which one.
        snapshot: Box<SnapshotRef>,
        /// What was found.
        result: VerifyResult,
        /// A better one.
        earlier: Option<Box<SnapshotRef>>,
    },
    /// A verification found snapshots that must not be relied on.
    #[error("{bad} of {checked} snapshots must not be relied on; first: {first}")]
    BadSnapshots {
        /// The first failure's code.
        code: ErrorCode,
        /// How many were bad.
        bad: u64,
        /// How many were looked at.
        checked: u64,
        /// The first one and why.
        first: String,
        /// What was moved and found nevertheless.
        stats: Box<TaskStats>,
    },
    /// The name or the path of a datastore is taken.
    #[error("datastore {wanted} cannot be added: {by} is at {path} already")]
    Taken {
        /// What was to be added.
        wanted: DatastoreName,
        /// What is in the way.
        by: DatastoreName,
        /// Where that is.
        path: PathBuf,
    },
    /// The place belongs to something else.
    #[error("{path} lies in {what}; choose another place")]
    Within {
        /// Which place.
        path: PathBuf,
        /// Whose it is.
        what: String,
        /// What that means for what was wanted there.
        code: ErrorCode,
    },
    /// The place holds something that must stay as it is.
    #[error("{path} holds {what}, whose files a restore could replace; restore to another place")]
    Around {
        /// Which place.
        path: PathBuf,
        /// What lies below it.
        what: String,
    },
    /// What was to be added is a copy of a datastore that the hub has.
    #[error(
        "datastore {wanted} cannot be added: it is a copy of {of}, which is at {path}; two copies that are both \
         written to cannot be told apart"
    )]
    Copy {
        /// What was to be added.
        wanted: DatastoreName,
        /// What it is a copy of.
        of: DatastoreName,
        /// Where that is.
        path: PathBuf,
    },
    /// The command before the task failed.
    #[error("{message}")]
    Command {
        /// `command.failed` or `command.refused`.
        code: ErrorCode,
        /// What happened.
        message: String,
    },
    /// The time zone or the schedule of a job cannot be used.
    #[error("{0}")]
    Schedule(String),
    /// The path is not one that can be used.
    #[error("{path}: {why}")]
    Path {
        /// Which path.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
    /// A fault of the engine itself.
    #[error("internal fault: {0}")]
    Internal(String),
}

impl EngineError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Store(error) => error.code(),
            Self::Ledger(error) => error.code(),
            Self::Cancelled => ErrorCode::TaskCancelled,
            Self::NotOwned(_) => ErrorCode::SnapshotNotFound,
            Self::NoDatastore(_) => ErrorCode::NotFound,
            Self::NotGranted(_) => ErrorCode::AuthDenied,
            Self::SnapshotNotOk { .. } => ErrorCode::SnapshotNotOk,
            Self::BadSnapshots { code, .. } | Self::Within { code, .. } | Self::Command { code, .. } => *code,
            Self::Around { .. } => ErrorCode::RestoreTarget,
            Self::Copy { .. } => ErrorCode::Conflict,
            Self::Schedule(_) => ErrorCode::ScheduleInvalid,
            Self::Taken { wanted, by, .. } if wanted == by => ErrorCode::Conflict,
            Self::Taken { .. } => ErrorCode::DatastoreShared,
            Self::Path { .. } => ErrorCode::RequestInvalid,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// What the task moved and found before it failed, as far as that is known.
    pub(crate) fn stats(&self) -> TaskStats {
        match self {
            Self::BadSnapshots { stats, .. } => (**stats).clone(),
            _ => TaskStats::default(),
        }
    }
}
