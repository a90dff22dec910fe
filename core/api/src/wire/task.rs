//! Tasks and their logs.

use ironcore_types::event::{ErrorData, Tip};
use ironcore_types::progress::{Progress, TaskStats, Warning};
use ironcore_types::{
    EventId, JobName, NodeName, ProjectName, TaskSpec, TaskState, TaskType, Timestamp, Upid, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A task: one attempt to do something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    /// Its unique id.
    pub upid: Upid,
    /// What it does.
    #[serde(rename = "type")]
    pub task_type: TaskType,
    /// Its state.
    pub state: TaskState,
    /// The state as people see it: `OK`, `WARNING`, `FAILED`, `CANCELLED`, `running`, `queued`.
    pub status: String,
    /// Whose; null for the hub's own.
    pub project: Option<ProjectName>,
    /// The job it is a run of.
    pub job: Option<JobName>,
    /// Who triggered it.
    pub user: UserId,
    /// Who cancelled it, or asked for its end while it runs; `hub@system` when the next run of its job did. Null when nobody
    /// did.
    pub cancelled_by: Option<UserId>,
    /// What is read.
    pub source: Option<String>,
    /// What is written or worked on.
    pub target: Option<String>,
    /// The attempt before this one.
    pub retry_of: Option<Upid>,
    /// The attempt after this one; null in lists.
    pub retried_by: Option<Upid>,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// The machine of the worker that runs or ran it.
    pub node: Option<NodeName>,
    /// When it was enqueued.
    pub queued: Timestamp,
    /// When a worker began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Bytes transferred or processed, so far or in all.
    pub bytes: u64,
    /// Counters, once it is over.
    pub stats: TaskStats,
    /// Stages begun so far.
    pub progress: Progress,
    /// Non-fatal issues, at most the first 100; empty in lists.
    pub warnings: Vec<Warning>,
    /// How many issues there were in all.
    pub warning_count: u64,
    /// Why it failed.
    pub error: Option<ErrorData>,
    /// Why it is still queued, in words.
    pub waiting: Option<String>,
    /// Its place while it is queued, 1 for the next: among the tasks that wait for a slot at most, and those that are
    /// held for the same reason as this one. Projects take turns. Null beyond the first 10,000 queued tasks.
    pub queue_position: Option<u64>,
    /// What to do about it; empty in lists.
    pub tips: Vec<Tip>,
}

/// One page of tasks, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaskList {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Where the next page begins: give it back as `cursor`; null at the end.
    pub next: Option<String>,
    /// How many tasks the filter lets pass, counted up to a cap.
    pub count: u64,
    /// Whether there are more than `count`.
    pub count_capped: bool,
}

/// What to start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartTask {
    /// For which project; the token's own when missing, else the hub itself.
    #[serde(default)]
    pub project: Option<ProjectName>,
    /// What to do.
    pub spec: TaskSpec,
}

/// A task that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Started {
    /// Its unique id.
    pub upid: Upid,
}

/// How a job is run by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunJob {
    /// Read every file again, whatever the metadata says; for backups only.
    pub full: bool,
}

/// What became of a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CancelOutcome {
    /// It was queued, and is cancelled now.
    Cancelled,
    /// It runs, and was asked to stop.
    Requested,
    /// It was over already.
    AlreadyOver,
}

/// The answer to a cancellation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CancelAnswer {
    /// The task.
    pub upid: Upid,
    /// What became of it.
    pub outcome: CancelOutcome,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What happens.
    Info,
    /// A non-fatal issue.
    Warn,
    /// Why the task fails.
    Error,
}

impl LogLevel {
    /// The word used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line of a task's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogEntry {
    /// Its number, from 1.
    pub line: u64,
    /// When it was written.
    pub time: Timestamp,
    /// How much it matters.
    pub level: LogLevel,
    /// The text, without a line break.
    pub text: String,
}

impl LogEntry {
    /// The line as text, without a line break: what the command line prints and what a downloaded log holds.
    pub fn format_line(&self) -> String {
        format!("{:.3} {:<5} {}", self.time, self.level.as_str(), self.text)
    }
}

/// A part of a task's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogPage {
    /// The lines, in order.
    pub lines: Vec<LogEntry>,
    /// Give it back as `after` to read on.
    pub next: u64,
    /// Whether the task is over and its log read to the end.
    pub done: bool,
    /// Whether the log is gone, because it is older than the hub keeps logs.
    pub removed: bool,
}

/// A step offered by a tip, to be taken now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunAction {
    /// The task whose tip offers it; or give `event`.
    #[serde(default)]
    pub upid: Option<Upid>,
    /// The event whose tip offers it; or give `upid`.
    #[serde(default)]
    pub event: Option<EventId>,
    /// `verify`, `full-backup`, `gc`, `resync`, `retry` or `pause-job`, as the tip says.
    pub kind: String,
    /// What it is done to, as the tip says.
    pub target: String,
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionAnswer {
    /// The task that was started; null when the action needed none.
    pub upid: Option<Upid>,
    /// False when somebody took the action before; nothing was done then.
    pub new: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_are_padded_after_the_level() {
        let mut entry = LogEntry {
            line: 1,
            time: Timestamp::from_seconds(1_779_321_600),
            level: LogLevel::Info,
            text: "reads /srv".to_owned(),
        };
        assert_eq!(entry.format_line(), "2026-05-21T00:00:00.000Z info  reads /srv");
        entry.level = LogLevel::Error;
        assert_eq!(entry.format_line(), "2026-05-21T00:00:00.000Z error reads /srv");
    }
}
