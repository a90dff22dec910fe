//! Events: what happened, as CloudEvents 1.0 with one typed `data` object.
//!
//! Changes to `data` are additive within a major version of [`DATASCHEMA`]; readers ignore what they do not know.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error_code::ErrorCode;
use crate::ids::{
    DatastoreName, EventId, GroupName, HandlerName, JobName, MessageId, NodeName, PluginName, ProjectName,
    UserId,
};
use crate::progress::{Stage, TaskStats, Warning};
use crate::snapshot::SnapshotRef;
use crate::task::{TaskState, TaskType};
use crate::timestamp::Timestamp;
use crate::upid::Upid;
use crate::verification::VerifyReport;

/// The schema of `data`, with its major version.
pub const DATASCHEMA: &str = "urn:ironcore-backup:event:v1";

/// How much an event matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// All is as it should be.
    Info,
    /// Worth knowing.
    Notice,
    /// Somebody should look at it soon.
    Warning,
    /// Somebody must act.
    Error,
}

impl Severity {
    /// The word used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! event_types {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal / $severity:ident,)+) => {
        /// What kind of thing happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
        #[non_exhaustive]
        pub enum EventType { $($(#[doc = $doc])+ #[serde(rename = $text)] $variant,)+ }

        impl EventType {
            /// All types.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The CloudEvents `type`, such as `ironcore.task.failed`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The severity such an event has unless its cause says otherwise.
            pub fn default_severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),+ }
            }
        }
    };
}

event_types! {
    /// A task waits for a worker.
    TaskQueued = "ironcore.task.queued" / Info,
    /// A worker began a task.
    TaskStarted = "ironcore.task.started" / Info,
    /// A task ended without errors.
    TaskCompleted = "ironcore.task.completed" / Info,
    /// A task ended with non-fatal issues.
    TaskWarning = "ironcore.task.warning" / Warning,
    /// A task failed.
    TaskFailed = "ironcore.task.failed" / Error,
    /// A task was stopped by an operator.
    TaskCancelled = "ironcore.task.cancelled" / Notice,
    /// A snapshot was verified; `data.verification` says with what result.
    SnapshotVerified = "ironcore.snapshot.verified" / Info,
    /// A snapshot has not been verified for too long.
    SnapshotStale = "ironcore.snapshot.stale" / Warning,
    /// A sync met data that does not match its fingerprint.
    SyncIntegrityError = "ironcore.sync.integrity-error" / Error,
    /// A job did not start at its time.
    JobMissed = "ironcore.job.missed" / Warning,
    /// A job has no recent good snapshot.
    JobOverdue = "ironcore.job.overdue" / Warning,
    /// A job runs longer than it should.
    JobOverrun = "ironcore.job.overrun" / Warning,
    /// A datastore has little space left.
    DatastoreSpaceLow = "ironcore.datastore.space-low" / Warning,
    /// A datastore went offline or came back.
    DatastoreStatusChanged = "ironcore.datastore.status-changed" / Notice,
    /// A worker came online.
    WorkerOnline = "ironcore.worker.online" / Info,
    /// A worker is gone.
    WorkerOffline = "ironcore.worker.offline" / Warning,
    /// The scheduler was paused.
    SchedulerPaused = "ironcore.scheduler.paused" / Notice,
    /// The scheduler goes on.
    SchedulerResumed = "ironcore.scheduler.resumed" / Info,
    /// A log-in failed.
    AuthLoginFailed = "ironcore.auth.login-failed" / Warning,
    /// An account was locked after failed log-ins.
    AuthLockedOut = "ironcore.auth.locked-out" / Error,
    /// An API token was made.
    AuthTokenCreated = "ironcore.auth.token-created" / Notice,
    /// A permission was granted.
    ConfigPermissionGranted = "ironcore.config.permission-granted" / Notice,
    /// A role was made.
    ConfigRoleCreated = "ironcore.config.role-created" / Notice,
    /// A key was rotated.
    ConfigKeyRotated = "ironcore.config.key-rotated" / Notice,
    /// A service of the hub started.
    SystemStarted = "ironcore.system.started" / Info,
    /// A service of the hub stopped.
    SystemStopped = "ironcore.system.stopped" / Notice,
    /// The hub's certificate was renewed.
    SystemCertificateRenewed = "ironcore.system.certificate-renewed" / Notice,
    /// A message could not be delivered and is not tried again.
    DeliveryExhausted = "ironcore.delivery.exhausted" / Error,
    /// A handler was switched off.
    HandlerDisabled = "ironcore.handler.disabled" / Error,
    /// A plugin failed.
    PluginFailed = "ironcore.plugin.failed" / Error,
}

crate::words::described!(EventType, "What kind of thing happened.");

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EventType {
    /// Reads what [`FromStr`] reads, so that people may leave `ironcore.` out.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is no event type of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an event type")]
pub struct UnknownEventType(String);

impl FromStr for EventType {
    type Err = UnknownEventType;
    /// Reads the full name, or the name without `ironcore.`.
    fn from_str(text: &str) -> Result<Self, UnknownEventType> {
        Self::ALL
            .iter()
            .copied()
            .find(|t| t.as_str() == text || t.as_str().strip_prefix("ironcore.") == Some(text))
            .ok_or_else(|| UnknownEventType(text.to_owned()))
    }
}

/// One event, in the CloudEvents 1.0 JSON format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Event {
    /// Always `1.0`.
    pub specversion: String,
    /// Unique; UUIDv7.
    pub id: EventId,
    /// The hub: `urn:ironcore-backup:hub:HUBID`.
    pub source: String,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// What it happened to: a UPID, or an object such as `datastore/ibs-primary`.
    pub subject: Option<String>,
    /// When.
    pub time: Timestamp,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// [`DATASCHEMA`].
    pub dataschema: String,
    /// The particulars.
    pub data: EventData,
}

/// The particulars of an event. Parts that do not apply are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct EventData {
    /// Whose event; null for the hub's own, which reach administrators only.
    pub project: Option<ProjectName>,
    /// How much it matters.
    pub severity: Severity,
    /// One line for people.
    pub title: String,
    /// The task it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskData>,
    /// The snapshot it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotRef>,
    /// The verification's report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<VerifyReport>,
    /// The job it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobData>,
    /// The datastore it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datastore: Option<DatastoreData>,
    /// The worker or service it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeData>,
    /// The message or handler it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryData>,
    /// Who did it, for events of access and configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<UserId>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorData>,
}

impl EventData {
    /// Data with a title and nothing else.
    pub fn new(project: Option<ProjectName>, severity: Severity, title: impl Into<String>) -> Self {
        Self {
            project,
            severity,
            title: title.into(),
            task: None,
            snapshot: None,
            verification: None,
            job: None,
            datastore: None,
            node: None,
            delivery: None,
            actor: None,
            error: None,
        }
    }
}

/// An error: its stable code and what happened in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct ErrorData {
    /// The stable code.
    pub code: ErrorCode,
    /// In words.
    pub message: String,
}

/// A task as an event tells of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct TaskData {
    /// Its unique id.
    pub upid: Upid,
    /// What it does.
    #[serde(rename = "type")]
    pub task_type: TaskType,
    /// The job it is a run of.
    pub job: Option<JobName>,
    /// Who triggered it.
    pub user: UserId,
    /// What is read.
    pub source: Option<String>,
    /// What is written or worked on.
    pub target: Option<String>,
    /// Its state.
    pub state: TaskState,
    /// The UPID of the attempt before this one.
    pub retry_of: Option<Upid>,
    /// When it was enqueued.
    pub queued: Timestamp,
    /// When a worker began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Bytes transferred or processed.
    pub bytes: u64,
    /// Counters.
    pub stats: TaskStats,
    /// Stages.
    pub stages: Vec<Stage>,
    /// Non-fatal issues, at most the first 100.
    pub warnings: Vec<Warning>,
    /// How many issues there were in all.
    pub warning_count: u64,
    /// The last lines of its log.
    pub log_tail: Vec<String>,
}

/// A job as an event tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct JobData {
    /// Its name.
    pub name: JobName,
    /// The time it was due.
    pub scheduled_for: Option<Timestamp>,
    /// How many runs were missed.
    pub missed: u64,
}

/// A datastore as an event tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct DatastoreData {
    /// Its name.
    pub name: DatastoreName,
    /// Whether it can be used now.
    pub online: bool,
    /// Bytes used.
    pub used: Option<u64>,
    /// Bytes free.
    pub free: Option<u64>,
}

/// A worker or service as an event tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct NodeData {
    /// The machine.
    pub name: NodeName,
    /// The service, such as `worker`.
    pub service: String,
}

/// A message or a handler as an event tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct DeliveryData {
    /// The message.
    pub message: Option<MessageId>,
    /// The group of the handler.
    pub group: Option<GroupName>,
    /// The handler.
    pub handler: Option<HandlerName>,
    /// The plugin.
    pub plugin: Option<PluginName>,
    /// How often it was tried.
    pub attempts: u32,
}

/// A step that a person or a plugin's action can take, as a remediation tip offers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Tip {
    /// What to do, in one line.
    pub title: String,
    /// Why: the evidence.
    pub why: String,
    /// Step by step.
    pub steps: Vec<String>,
    /// Where to read more.
    pub link: Option<String>,
    /// What the hub could do itself.
    pub actions: Vec<TipAction>,
    /// Which plugin says so.
    pub plugin: PluginName,
}

/// Something the hub could do itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct TipAction {
    /// `verify`, `full-backup`, `gc`, `resync`, `retry`, `pause-job`, or a plugin's own kind.
    pub kind: String,
    /// What it is done to: a snapshot, job, datastore or UPID.
    pub target: String,
    /// As a button says it.
    pub label: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_read_back() {
        for event_type in EventType::ALL {
            assert_eq!(event_type.as_str().parse(), Ok(*event_type));
            assert!(event_type.as_str().starts_with("ironcore."));
        }
        assert_eq!("task.failed".parse(), Ok(EventType::TaskFailed));
        for text in ["\"task.failed\"", "\"ironcore.task.failed\""] {
            assert_eq!(
                serde_json::from_str::<EventType>(text).expect(text),
                EventType::TaskFailed
            );
        }
        assert!(serde_json::from_str::<EventType>("\"task.vanished\"").is_err());
    }
}
