//! Exit codes, the same for every command.

use std::process::ExitCode;

use ironcore_types::{ErrorCode, TaskState, TaskType};

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
#[error("{} [{code}]", .message.trim_end())]
pub(crate) struct Coded {
    /// The stable code.
    pub(crate) code: ErrorCode,
    /// In words.
    pub(crate) message: String,
}

/// A refusal of what was asked for, by the hub or by what the hub would say: there can be several faults in it, each with a code of its own, so its text names them.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Refused {
    /// The stable code of the whole.
    pub(crate) code: ErrorCode,
    /// In words, with codes.
    pub(crate) text: String,
}

impl Exit {
    /// All of them.
    pub(crate) const ALL: &'static [Self] = &[
        Self::Ok,
        Self::Failed,
        Self::Usage,
        Self::Warnings,
        Self::Denied,
        Self::NotFound,
        Self::BadVerification,
        Self::Interrupted,
    ];

    /// What it means, for man pages.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "All is well; a task that was waited for ended OK",
            Self::Failed => "It failed, or a task that was waited for ended FAILED or CANCELLED",
            Self::Usage => "The command line is not right, or what it asks for was refused as not valid",
            Self::Warnings => "A task that was waited for ended with WARNING",
            Self::Denied => "Access denied: no token, or one that may not do this",
            Self::NotFound => "There is nothing of that name",
            Self::BadVerification => "A verification found CORRUPT or MISSING",
            Self::Interrupted => "Interrupted from the keyboard; a task that was waited for goes on",
        }
    }

    /// The exit code for an error.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        let coded = error.downcast_ref::<Coded>().map(|coded| coded.code);
        let refused = error.downcast_ref::<Refused>().map(|refused| refused.code);
        match (coded, refused) {
            // What was asked for is not right; a hub that refuses its own configuration file fails instead.
            (None, Some(ErrorCode::ConfigInvalid)) => Self::Usage,
            (coded, refused) => coded.or(refused).map_or(Self::Failed, Self::of_code),
        }
    }

    fn of_code(code: ErrorCode) -> Self {
        match code {
            ErrorCode::AuthRequired | ErrorCode::AuthDenied | ErrorCode::AuthSecondFactor => Self::Denied,
            ErrorCode::NotFound | ErrorCode::TaskNotFound | ErrorCode::SnapshotNotFound => Self::NotFound,
            ErrorCode::RequestInvalid | ErrorCode::ScheduleInvalid => Self::Usage,
            ErrorCode::ChunkCorrupt | ErrorCode::ChunkMissing | ErrorCode::ManifestSignature => {
                Self::BadVerification
            }
            _ => Self::Failed,
        }
    }

    /// The exit code for a task that ended so.
    pub(crate) fn of_task(task_type: TaskType, state: TaskState, code: Option<ErrorCode>) -> Self {
        match (state, code) {
            (TaskState::Ok, _) => Self::Ok,
            (TaskState::Warning, _) => Self::Warnings,
            // To a verification a manifest that cannot be read is a finding, CORRUPT; to all others it is a failure.
            (_, Some(ErrorCode::ManifestInvalid)) if task_type == TaskType::Verify => Self::BadVerification,
            (_, Some(code)) => Self::of_code(code),
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_manifest_is_a_finding_of_verifications_only() {
        let failed = |task_type, code| Exit::of_task(task_type, TaskState::Failed, Some(code));
        let invalid = ErrorCode::ManifestInvalid;
        assert_eq!(failed(TaskType::Verify, invalid), Exit::BadVerification);
        assert_eq!(failed(TaskType::Restore, invalid), Exit::Failed);
        assert_eq!(failed(TaskType::Sync, invalid), Exit::Failed);
        assert_eq!(
            failed(TaskType::Verify, ErrorCode::DatastoreOffline),
            Exit::Failed
        );
        assert_eq!(
            failed(TaskType::Verify, ErrorCode::ChunkCorrupt),
            Exit::BadVerification
        );
        assert_eq!(
            Exit::of_task(TaskType::Verify, TaskState::Failed, None),
            Exit::Failed
        );
        // A command that only wanted to show the snapshot.
        assert_eq!(Exit::of_code(invalid), Exit::Failed);
    }

    #[test]
    fn the_code_of_a_refusal_counts() {
        let refused = |code| {
            let text = "no".to_owned();
            Exit::of(&Refused { code, text }.into())
        };
        assert_eq!(refused(ErrorCode::AuthDenied), Exit::Denied);
        assert_eq!(refused(ErrorCode::TaskNotFound), Exit::NotFound);
        assert_eq!(refused(ErrorCode::ConfigInvalid), Exit::Usage);
        let coded = Coded {
            code: ErrorCode::ConfigInvalid,
            message: "no".to_owned(),
        };
        assert_eq!(Exit::of(&coded.into()), Exit::Failed);
        assert_eq!(Exit::of(&anyhow::anyhow!("no")), Exit::Failed);
    }
}
