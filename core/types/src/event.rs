//! Events: what happened, as CloudEvents 1.0 with one typed `data` object.
//!
//! Changes to `data` are additive within a major version of [`DATASCHEMA`]; readers ignore what they do not know.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error_code::ErrorCode;
pub use crate::event_type::{EventType, Severity, UnknownEventType};
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

    /// The job that it is about.
    pub fn job_name(&self) -> Option<&JobName> {
        let of_task = self.task.as_ref().and_then(|task| task.job.as_ref());
        of_task.or_else(|| self.job.as_ref().map(|job| &job.name))
    }

    /// The datastores that it is about.
    pub fn datastores(&self) -> BTreeSet<DatastoreName> {
        let mut found = BTreeSet::new();
        found.extend(self.datastore.as_ref().map(|datastore| datastore.name.clone()));
        found.extend(self.snapshot.as_ref().map(|snapshot| snapshot.datastore.clone()));
        if let Some(task) = &self.task {
            // A UPID's id begins with the datastore; a sync's is FROM:TO, where FROM may be another hub's.
            let mut parts = task.upid.id.split(':');
            let first = parts.next().and_then(|name| DatastoreName::new(name).ok());
            if task.task_type == TaskType::Sync {
                let local = first.filter(|name| task.source.as_deref() == Some(name.as_str()));
                found.extend(local);
                found.extend(parts.next().and_then(|name| DatastoreName::new(name).ok()));
            } else {
                found.extend(first);
            }
        }
        found
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
