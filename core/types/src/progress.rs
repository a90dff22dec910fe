//! How far a task is, stage by stage, and what it found on its way.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error_code::ErrorCode;
use crate::timestamp::Timestamp;

/// One stage of a task, such as `read source` or `mark`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Stage {
    /// What is done, in a word or two.
    pub name: String,
    /// Units done so far.
    pub done: u64,
    /// Units in all, once known.
    pub total: Option<u64>,
    /// What is counted: `files`, `chunks`, `snapshots`, `packs`.
    pub unit: String,
    /// Bytes handled so far.
    pub bytes: u64,
    /// Bytes in all, once known.
    pub bytes_total: Option<u64>,
    /// When the stage began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Bytes a second of late; of the whole stage once it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// When it will be done, by how it went so far; missing while that cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<Timestamp>,
}

impl Stage {
    /// The stage of the command before a task.
    pub const COMMAND_BEFORE: &str = "command before";
    /// The stage of the command after a task.
    pub const COMMAND_AFTER: &str = "command after";

    /// Whether a command of the job runs in it, and nothing of the task itself.
    pub fn is_command(&self) -> bool {
        [Self::COMMAND_BEFORE, Self::COMMAND_AFTER].contains(&self.name.as_str())
    }
}

/// All stages of a task, in order. One row a task, written at most once a second.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Progress {
    /// Stages begun so far, the running one last.
    pub stages: Vec<Stage>,
}

impl Progress {
    /// How long the commands before and after the task took.
    pub fn commands(&self) -> Duration {
        let commands = self.stages.iter().filter(|stage| stage.is_command());
        commands
            .filter_map(|stage| Some(stage.ended?.since(stage.started?)))
            .fold(Duration::ZERO, Duration::saturating_add)
    }
}

/// A non-fatal issue of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Warning {
    /// What kind of issue.
    pub code: ErrorCode,
    /// The path it is about; bytes that are no UTF-8 are shown as U+FFFD.
    pub path: Option<String>,
    /// In words.
    pub message: String,
}

/// What a finished task moved and found. Which counters have a meaning depends on the task's type; others stay zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(default)]
pub struct TaskStats {
    /// Bytes transferred or processed; for a backup the bytes of the source that the snapshot holds.
    pub bytes: u64,
    /// Bytes read from the source or from the datastore.
    pub bytes_read: u64,
    /// Bytes newly written to the datastore, after compression (and encryption, where there is any).
    pub bytes_stored: u64,
    /// The same chunks before compression and encryption: `bytes_new` over `bytes_stored` is the compression ratio.
    pub bytes_new: u64,
    /// Content of the snapshots that were made or copied, as if each stood alone: before deduplication, compression and
    /// encryption.
    pub bytes_logical: u64,
    /// Files, folders and links.
    pub files: u64,
    /// Files taken over from the previous snapshot without reading them.
    pub files_unchanged: u64,
    /// Chunks referenced, those of files taken over without reading them as well.
    pub chunks: u64,
    /// Chunks referenced that the datastore held already, those of files taken over without reading them as well.
    pub chunks_known: u64,
    /// Snapshots looked at, copied or kept.
    pub snapshots: u64,
    /// Snapshots removed or found bad.
    pub snapshots_affected: u64,
    /// Snapshots that a verification left out because they were verified OK within `keep-verified`.
    pub snapshots_skipped: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commands_count_as_commands() {
        let stage = |name: &str, started, ended| Stage {
            name: name.to_owned(),
            started: Some(Timestamp::from_seconds(started)),
            ended: Some(Timestamp::from_seconds(ended)),
            ..Stage::default()
        };
        let open = Stage {
            ended: None,
            ..stage(Stage::COMMAND_AFTER, 90, 0)
        };
        let progress = Progress {
            stages: vec![
                stage(Stage::COMMAND_BEFORE, 0, 60),
                stage("read source", 60, 75),
                stage(Stage::COMMAND_AFTER, 75, 80),
                open,
            ],
        };
        assert_eq!(progress.commands(), Duration::from_secs(65));
        assert_eq!(Progress::default().commands(), Duration::ZERO);
    }
}
