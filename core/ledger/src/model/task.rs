//! Tasks, their logs, and what workers say about them.

use std::fmt;

use ironcore_types::event::{ErrorData, TaskData};
use ironcore_types::progress::{Progress, TaskStats, Warning};
use ironcore_types::{
    JobName, NodeName, ProjectName, SessionId, TaskId, TaskSpec, TaskState, TaskType, Timestamp, Upid, UserId,
};
use serde::{Deserialize, Serialize};

use super::page::Count;

/// Warnings of a task that are kept as records; further ones are counted.
pub const WARNINGS_KEPT: usize = 100;

/// A task to be enqueued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// Whose; none for a task of the hub's administrators.
    pub project: Option<ProjectName>,
    /// The job it is a run of. Its retries follow that job's policy.
    pub job: Option<JobName>,
    /// Who triggers it.
    pub user: UserId,
    /// What to do.
    pub spec: TaskSpec,
    /// The attempt before it.
    pub retry_of: Option<Upid>,
    /// Not to be claimed before.
    pub not_before: Option<Timestamp>,
    /// Whether the hub starts it by itself: pauses and blackout windows hold it, but not what a person starts.
    pub automatic: bool,
}

impl NewTask {
    /// A task of `user` that belongs to no job and may start at once.
    pub fn new(project: Option<ProjectName>, user: UserId, spec: TaskSpec) -> Self {
        Self {
            project,
            job: None,
            user,
            spec,
            retry_of: None,
            not_before: None,
            automatic: false,
        }
    }
}

/// A task: one attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The ledger's number.
    pub id: TaskId,
    /// Its unique id, made when it was enqueued.
    pub upid: Upid,
    /// Whose.
    pub project: Option<ProjectName>,
    /// The job it is a run of.
    pub job: Option<JobName>,
    /// Who triggered it.
    pub user: UserId,
    /// What it does.
    pub spec: TaskSpec,
    /// Where it is in its life.
    pub state: TaskState,
    /// The attempt before it.
    pub retry_of: Option<Upid>,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// The tick it answers.
    pub scheduled_for: Option<Timestamp>,
    /// Not to be claimed before.
    pub not_before: Option<Timestamp>,
    /// Whether the hub started it by itself.
    pub automatic: bool,
    /// When it was enqueued.
    pub queued: Timestamp,
    /// When a worker began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The session that runs or ran it.
    pub session: Option<SessionId>,
    /// The machine of that session.
    pub node: Option<NodeName>,
    /// When it counts as lost unless its session renews; only while it runs.
    pub lease_until: Option<Timestamp>,
    /// Who asked for its end while it ran.
    pub cancel_by: Option<UserId>,
    /// How far it is.
    pub progress: Progress,
    /// What it moved and found.
    pub stats: TaskStats,
    /// Why it failed.
    pub error: Option<ErrorData>,
    /// Non-fatal issues, at most the first 100.
    pub warnings: Vec<Warning>,
    /// How many there were in all.
    pub warning_count: u64,
    /// Lines of log so far.
    pub log_lines: u64,
}

impl Task {
    /// What the task does, in a word.
    pub fn task_type(&self) -> TaskType {
        self.spec.task_type()
    }

    /// Bytes as the task list shows them: the final count, or what the stages have handled so far.
    pub fn bytes(&self) -> u64 {
        if self.state.is_final() || self.stats.bytes > 0 {
            return self.stats.bytes;
        }
        let stages = self.progress.stages.iter().rev();
        stages
            .map(|stage| stage.bytes)
            .find(|bytes| *bytes > 0)
            .unwrap_or(0)
    }

    /// The task as an event tells of it.
    pub fn data(&self, log_tail: Vec<String>) -> TaskData {
        TaskData {
            upid: self.upid.clone(),
            task_type: self.task_type(),
            job: self.job.clone(),
            user: self.user.clone(),
            source: self.spec.source(),
            target: self.spec.target(),
            state: self.state,
            retry_of: self.retry_of.clone(),
            queued: self.queued,
            started: self.started,
            ended: self.ended,
            bytes: self.bytes(),
            stats: self.stats.clone(),
            stages: self.progress.stages.clone(),
            warnings: self.warnings.clone(),
            warning_count: self.warning_count,
            log_tail,
        }
    }
}

/// Which tasks are wanted. Parts that are empty let everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskFilter {
    /// Any of these types.
    pub types: Vec<TaskType>,
    /// Any of these states.
    pub states: Vec<TaskState>,
    /// Started (or, not started yet, enqueued) at or after this.
    pub since: Option<Timestamp>,
    /// Started (or enqueued) before this.
    pub until: Option<Timestamp>,
    /// Triggered by this user.
    pub user: Option<UserId>,
    /// Of this project.
    pub project: Option<ProjectName>,
    /// Of this job.
    pub job: Option<JobName>,
    /// With exactly this source.
    pub source: Option<String>,
    /// With exactly this target.
    pub target: Option<String>,
    /// Source, target, job, UPID or error hold this text; ASCII case is ignored. Fewer than three characters are looked
    /// for without an index.
    pub text: Option<String>,
}

/// A page of tasks, newest (last enqueued) first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
    /// How many tasks match.
    pub total: Count,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// As a log shows it: `info`, `warn`, `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// A log line that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLogLine {
    /// When.
    pub time: Timestamp,
    /// How much it matters.
    pub level: LogLevel,
    /// The text, without its line end.
    pub text: String,
}

/// A line of a task's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Its number; the first is 1.
    pub line: u64,
    /// When.
    pub time: Timestamp,
    /// How much it matters.
    pub level: LogLevel,
    /// The text, without its line end.
    pub text: String,
}

/// How many tasks are not over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenTasks {
    /// That wait.
    pub queued: u64,
    /// That run.
    pub running: u64,
}

/// How far a log has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogState {
    /// Of its task. Once it is final, no line is added.
    pub state: TaskState,
    /// How many lines were written, those included that retention has removed.
    pub lines: u64,
}

impl fmt::Display for LogLine {
    /// `2026-05-21T00:00:00.000Z info  text`; the one form in which logs are printed and downloaded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} {:<5} {}", self.time, self.level.as_str(), self.text)
    }
}

/// What a session may think of a task it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RenewalState {
    /// It is still its own; the lease is 30 s from now.
    Held,
    /// Still its own, but somebody asked for its end.
    CancelRequested,
    /// No longer its own: drop the work, say nothing more about it.
    Lost,
}

/// The answer for one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// Which task.
    pub task: TaskId,
    /// What became of it.
    pub state: RenewalState,
}

/// The answer to `renew`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewals {
    /// False when the session is over: all its tasks are lost, and it must register anew under a new id.
    pub session_alive: bool,
    /// One for each task asked about, in that order.
    pub tasks: Vec<Renewal>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// `Ok`, `Warning`, `Failed` or `Cancelled`.
    pub state: TaskState,
    /// Why; required when it failed.
    pub error: Option<ErrorData>,
    /// What it moved and found.
    pub stats: TaskStats,
    /// Non-fatal issues; the ledger keeps the first 100.
    pub warnings: Vec<Warning>,
    /// How many there were in all.
    pub warning_count: u64,
    /// The stages as they ended.
    pub progress: Progress,
}

impl Outcome {
    /// An outcome without particulars.
    pub fn new(state: TaskState) -> Self {
        Self {
            state,
            error: None,
            stats: TaskStats::default(),
            warnings: Vec::new(),
            warning_count: 0,
            progress: Progress::default(),
        }
    }

    /// A failure.
    pub fn failed(error: ErrorData) -> Self {
        Self {
            error: Some(error),
            ..Self::new(TaskState::Failed)
        }
    }
}

/// What an accepted finish left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// The task in its final state.
    pub task: Task,
    /// Tasks enqueued by the same transaction: a retry, or the runs of jobs that come after.
    pub follow_ups: Vec<TaskId>,
}

/// What a request to cancel did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cancelled {
    /// It was queued and is cancelled now.
    AtOnce,
    /// It runs; its worker is told at its next renewal (watch `Wakes::tasks`).
    Requested,
    /// It was over already, in this state.
    AlreadyFinal(TaskState),
}
