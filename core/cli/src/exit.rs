//! Exit codes, the same for every command.

use std::process::ExitCode;

use ironcore_types::{ErrorCode, TaskState};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Ok = 0,
    /// It failed.
    Failed = 1,
    /// The command line is not right (clap uses the same number).
    Usage = 2,
    /// Done, with warnings.
    Warnings = 3,
    /// Access denied.
    Denied = 4,
    /// Nothing of that name.
    NotFound = 5,
    /// A verification found CORRUPT or MISSING.
    BadVerification = 6,
    /// Interrupted from the keyboard.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// An error with a stable code, as the hub or the command itself gives it.
#[derive(Debug, thiserror::Error)]
#[error("{message} [{code}]")]
pub(crate) struct Coded {
    /// The stable code.
    pub(crate) code: ErrorCode,
    /// In words.
    pub(crate) message: String,
}

impl Exit {
    /// The exit code for an error.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<Coded>() {
            Some(coded) => Self::of_code(coded.code),
            None => Self::Failed,
        }
    }

    fn of_code(code: ErrorCode) -> Self {
        match code {
            ErrorCode::AuthRequired | ErrorCode::AuthDenied => Self::Denied,
            ErrorCode::NotFound | ErrorCode::TaskNotFound | ErrorCode::SnapshotNotFound => Self::NotFound,
            ErrorCode::RequestInvalid | ErrorCode::ScheduleInvalid => Self::Usage,
            ErrorCode::ChunkCorrupt | ErrorCode::ChunkMissing | ErrorCode::ManifestSignature => {
                Self::BadVerification
            }
            _ => Self::Failed,
        }
    }

    /// The exit code for a task that ended so.
    pub(crate) fn of_task(state: TaskState, code: Option<ErrorCode>) -> Self {
        match (state, code) {
            (TaskState::Ok, _) => Self::Ok,
            (TaskState::Warning, _) => Self::Warnings,
            (_, Some(code)) => Self::of_code(code),
            _ => Self::Failed,
        }
    }
}
