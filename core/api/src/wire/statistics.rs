//! Statistics: what attempts moved, how full datastores were, and what verifications found.

use ironcore_types::projection::{Projection, UsagePoint};
use ironcore_types::statistics::{Bucket, Metrics, Sums};
use ironcore_types::verification::{VerifyDepth, VerifyFailure};
use ironcore_types::{
    DatastoreName, JobName, ProjectName, SnapshotRef, TaskType, Timestamp, Upid, VerifyResult,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Sums, and what follows from them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figures {
    /// What the attempts add up to.
    pub sums: Sums,
    /// The metrics of these sums.
    pub metrics: Metrics,
}

/// The figures of one span of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SpanFigures {
    /// When the span began, by UTC.
    pub start: Timestamp,
    /// Of the attempts that ended in it.
    pub figures: Figures,
}

/// By what figures are split beside time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SplitBy {
    /// Not at all.
    #[default]
    None,
    /// By job; what belongs to no job is one part for each project.
    Job,
    /// By datastore.
    Datastore,
}

/// The figures of one job or datastore.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PartFigures {
    /// Whose; null for the hub's own tasks, and by datastore.
    pub project: Option<ProjectName>,
    /// Of which job; null for what belongs to no job, and by datastore.
    pub job: Option<JobName>,
    /// On which datastore; null by job.
    pub datastore: Option<DatastoreName>,
    /// Of its attempts.
    pub figures: Figures,
}

/// Statistics of the attempts that ended within a time. Those of a project are of its own tasks only, on whatever
/// datastore.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Statistics {
    /// Ended at or after this.
    pub since: Timestamp,
    /// Ended before this.
    pub until: Timestamp,
    /// Of these types.
    pub types: Vec<TaskType>,
    /// Of this project; null for all.
    pub project: Option<ProjectName>,
    /// By which spans of time.
    pub bucket: Bucket,
    /// Of all of them.
    pub total: Figures,
    /// By time, oldest first; spans without attempts are left out.
    pub series: Vec<SpanFigures>,
    /// By job or datastore, in order of their names.
    pub parts: Vec<PartFigures>,
}

/// How full a datastore was, and when it will be full. A token of a project that shares it with others sees
/// `logical_bytes` of its own snapshots; the figures of the whole are null, and there are no samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageHistory {
    /// Which datastore.
    pub datastore: DatastoreName,
    /// When it is full at the growth of the last 30 days.
    pub projection: Option<Projection>,
    /// The same in words: `full on 2026-09-01`, `never (it does not grow)`, `not enough history: 1 of 2 days`.
    pub fill: String,
    /// Bytes that its files occupy on disk, after deduplication and compression; null while it cannot be read.
    pub stored_bytes: Option<u64>,
    /// Bytes that are free where it lies; null without a limit, and while it cannot be read.
    pub free_bytes: Option<u64>,
    /// Content of the snapshots that the token sees, in bytes, as if each stood alone; null while it cannot be read.
    pub logical_bytes: Option<u64>,
    /// How many bytes of content one byte of its files stands for; null while there is none.
    pub dedup_ratio: Option<f64>,
    /// How full the place where it lies was, whatever lies there beside it: the first look of each hour, oldest first.
    pub samples: Vec<UsagePoint>,
}

/// The report of a verification of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerificationReport {
    /// The snapshot.
    pub snapshot: SnapshotRef,
    /// What it means today: `STALE` when an OK result is older than the datastore's `keep-verified`.
    pub result: VerifyResult,
    /// What it found; never `STALE`.
    pub found: VerifyResult,
    /// When it began.
    pub started: Timestamp,
    /// How long it took, microseconds.
    pub duration_us: u64,
    /// How deep it looked.
    pub depth: VerifyDepth,
    /// Distinct chunks that were looked at.
    pub chunks: u64,
    /// The first failure, when the result is bad: the chunk's fingerprint, and why.
    pub failure: Option<VerifyFailure>,
    /// The job that verified; null for a verification by hand.
    pub verifier: Option<JobName>,
    /// The task that verified.
    pub upid: Upid,
}

/// Verifications of a datastore's snapshots, last recorded first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportList {
    /// The reports.
    pub reports: Vec<VerificationReport>,
    /// Where the next page begins: give it back as `cursor`; null at the end.
    pub next: Option<String>,
    /// How many the filter lets pass, counted up to 10,000.
    pub count: u64,
    /// Whether there are more than that.
    pub count_capped: bool,
}
