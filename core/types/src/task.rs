//! Task types and states, with the legal transitions only.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[doc = $doc:literal])* $type:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum $type { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+ }

        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in the database, the API and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        crate::words::described!($type, concat!($($doc),*).trim_ascii());

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = UnknownWord;
            /// Case is ignored.
            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                let lower = text.to_ascii_lowercase();
                Self::ALL.iter().copied().find(|word| word.as_str() == lower).ok_or_else(|| UnknownWord {
                    what: $what,
                    text: text.to_owned(),
                    known: Self::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    };
}

pub(crate) use words;

/// A word that is none of the known ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {what}: use one of {known}")]
pub struct UnknownWord {
    pub(crate) what: &'static str,
    pub(crate) text: String,
    pub(crate) known: String,
}

words!(
    /// What a task does.
    TaskType, "task type" {
        /// Reads a source into a datastore.
        Backup = "backup",
        /// Writes a snapshot back to files.
        Restore = "restore",
        /// Copies snapshots from one datastore to another.
        Sync = "sync",
        /// Checks stored snapshots.
        Verify = "verify",
        /// Frees the space of chunks that no snapshot needs.
        Gc = "gc",
        /// Removes snapshots that no retention rule keeps.
        Prune = "prune",
        /// Writes snapshots to tape, or reads them back.
        Tape = "tape",
    }
);

words!(
    /// Where a task is in its life. Final is final.
    TaskState, "task state" {
        /// Waiting for a worker slot.
        Queued = "queued",
        /// Actively executing.
        Running = "running",
        /// Completed without errors.
        Ok = "ok",
        /// Completed, but with non-fatal issues.
        Warning = "warning",
        /// Errored out.
        Failed = "failed",
        /// Stopped by an operator before completion.
        Cancelled = "cancelled",
    }
);

impl TaskState {
    /// Whether the task is over.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// Whether a task may go from this state to `next`.
    pub fn may_become(self, next: Self) -> bool {
        use TaskState::{Cancelled, Failed, Ok, Queued, Running, Warning};
        matches!(
            (self, next),
            (Queued, Running | Cancelled) | (Running, Ok | Warning | Failed | Cancelled)
        )
    }

    /// As people see it: `OK`, `WARNING`, `FAILED`, `CANCELLED`, `running`, `queued`.
    pub fn shown(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_drawn_arrows_are_legal() {
        let legal: Vec<String> = TaskState::ALL
            .iter()
            .flat_map(|from| TaskState::ALL.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.may_become(*to))
            .map(|(from, to)| format!("{from}>{to}"))
            .collect();
        assert_eq!(
            legal,
            [
                "queued>running",
                "queued>cancelled",
                "running>ok",
                "running>warning",
                "running>failed",
                "running>cancelled"
            ]
        );
        assert!(
            TaskState::ALL
                .iter()
                .all(|s| s.is_final() != TaskState::ALL.iter().any(|t| s.may_become(*t)))
        );
    }

    #[test]
    fn words_ignore_case() {
        assert_eq!("FAILED".parse(), Ok(TaskState::Failed));
        assert_eq!("Backup".parse(), Ok(TaskType::Backup));
        assert!(
            "done"
                .parse::<TaskState>()
                .expect_err("unknown")
                .to_string()
                .contains("queued, running, ok")
        );
    }
}
