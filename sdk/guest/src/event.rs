//! The particulars of an event, read from its JSON. Every part may be missing, and what is unknown is ignored, so that
//! plugins keep working with hubs that tell more.

use serde::Deserialize;
use serde_json::{Map, Value};

/// `data` of an event.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Data {
    /// Whose event.
    pub project: Option<String>,
    /// `info`, `notice`, `warning` or `error`.
    pub severity: String,
    /// One line for people.
    pub title: String,
    /// The task.
    pub task: Option<Task>,
    /// The snapshot, such as `ibs-primary:vm/12345/2026-05-21T00:00:00Z`, however the hub writes it.
    pub snapshot: Option<Snapshot>,
    /// The report of a verification.
    pub verification: Option<Verification>,
    /// The job.
    pub job: Option<Job>,
    /// The datastore.
    pub datastore: Option<Datastore>,
    /// The machine.
    pub node: Option<Node>,
    /// The message or handler.
    pub delivery: Option<DeliveryOf>,
    /// Who did it.
    pub actor: Option<String>,
    /// What went wrong.
    pub error: Option<ErrorText>,
}

/// An error's code and text.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ErrorText {
    /// The stable code.
    pub code: String,
    /// In words.
    pub message: String,
}

/// A task.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Task {
    /// Its id.
    pub upid: String,
    /// `backup`, `restore`, `sync`, `verify`, `gc`, `prune` or `tape`.
    #[serde(rename = "type")]
    pub task_type: String,
    /// The job it is a run of.
    pub job: Option<String>,
    /// Who triggered it.
    pub user: String,
    /// What is read.
    pub source: Option<String>,
    /// What is written or worked on.
    pub target: Option<String>,
    /// Its state.
    pub state: String,
    /// RFC 3339.
    pub queued: Option<String>,
    /// RFC 3339.
    pub started: Option<String>,
    /// RFC 3339.
    pub ended: Option<String>,
    /// Bytes transferred or processed.
    pub bytes: u64,
    /// Counters, by name.
    pub stats: Map<String, Value>,
    /// Stages.
    pub stages: Vec<Stage>,
    /// Non-fatal issues, the first of them.
    pub warnings: Vec<Warning>,
    /// How many issues in all.
    pub warning_count: u64,
    /// The last lines of its log.
    pub log_tail: Vec<String>,
}

/// A stage of a task.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Stage {
    /// What is done.
    pub name: String,
    /// Units done.
    pub done: u64,
    /// Units in all.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: String,
    /// Bytes handled.
    pub bytes: u64,
}

/// A non-fatal issue.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Warning {
    /// The stable code.
    pub code: String,
    /// The path.
    pub path: Option<String>,
    /// In words.
    pub message: String,
}

/// A snapshot, which is written as a text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Value")]
pub struct Snapshot {
    /// `DATASTORE:[ns/NAMESPACE/]TYPE/ID/TIME`, or the same without datastore.
    pub reference: String,
}

impl From<Value> for Snapshot {
    fn from(value: Value) -> Self {
        match value {
            Value::String(reference) => Self { reference },
            other => Self {
                reference: other.to_string(),
            },
        }
    }
}

/// The report of verifying a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Verification {
    /// Which snapshot.
    pub snapshot: Snapshot,
    /// How long it took, microseconds.
    pub duration_us: u64,
    /// How deep.
    pub depth: String,
    /// Chunks looked at.
    pub chunks: u64,
    /// `OK`, `CORRUPT` or `MISSING`.
    pub result: String,
    /// The first failure.
    pub failure: Option<VerificationFailure>,
}

/// The first thing that was wrong in a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct VerificationFailure {
    /// The stable code.
    pub code: String,
    /// Fingerprint of the chunk, hex.
    pub chunk: Option<String>,
    /// Why, in words.
    pub reason: String,
}

/// A job.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// When it was due, RFC 3339.
    pub scheduled_for: Option<String>,
    /// How many runs were missed.
    pub missed: u64,
}

/// A datastore.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Datastore {
    /// Its name.
    pub name: String,
    /// Whether it can be used.
    pub online: bool,
    /// Bytes used.
    pub used: Option<u64>,
    /// Bytes free.
    pub free: Option<u64>,
}

/// A message or a handler.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct DeliveryOf {
    /// The message.
    pub message: Option<String>,
    /// The group of the handler.
    pub group: Option<String>,
    /// The handler.
    pub handler: Option<String>,
    /// The plugin.
    pub plugin: Option<String>,
    /// How often it was tried.
    pub attempts: u64,
}

/// A worker or service.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Node {
    /// The machine.
    pub name: String,
    /// The service.
    pub service: String,
}
