//! Snapshots and their verification.

use ironcore_types::verification::{VerifyDepth, VerifyFailure};
use ironcore_types::{
    BackupId, BackupType, DatastoreName, HubId, JobName, ProjectName, SnapshotRef, Timestamp, Upid, UserId,
    VerifyResult,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// Its reference.
    pub snapshot: SnapshotRef,
    /// Its datastore.
    pub datastore: DatastoreName,
    /// Its namespace; empty for the root.
    pub namespace: String,
    /// Kind of workload.
    #[serde(rename = "type")]
    pub backup_type: BackupType,
    /// Name of the workload.
    pub id: BackupId,
    /// When the backup began.
    pub time: Timestamp,
    /// Whether its manifest can be read; what the manifest says is null when not.
    pub readable: bool,
    /// Whether a trusted key signed its manifest.
    pub trusted: bool,
    /// Whether prune leaves it alone.
    pub protected: bool,
    /// Notes of people.
    pub notes: Option<String>,
    /// What was read.
    pub source: Option<String>,
    /// When everything was written.
    pub finished: Option<Timestamp>,
    /// Bytes of the source that it holds.
    pub bytes: Option<u64>,
    /// Stored bytes that it added to the datastore.
    pub bytes_added: Option<u64>,
    /// Files, folders and links.
    pub files: Option<u64>,
    /// Issues that its backup warned of.
    pub warnings: Option<u64>,
    /// The task that made it.
    pub upid: Option<Upid>,
    /// The project of the job.
    pub project: Option<ProjectName>,
    /// The job whose run it was.
    pub job: Option<JobName>,
    /// Who made it.
    pub user: Option<UserId>,
    /// The hub that made it.
    pub hub: Option<HubId>,
    /// The latest verification: `STALE` when an OK one is too long ago; `CORRUPT` when the manifest is found bad now;
    /// null when there was none.
    pub verification: Option<VerifyResult>,
    /// When that verification began.
    pub verified: Option<Timestamp>,
    /// What is wrong, when that result is bad.
    pub failure: Option<VerifyFailure>,
}

/// A verification of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verification {
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
    /// The job that verified; null for a verification by hand.
    pub verifier: Option<JobName>,
    /// The task that verified.
    pub upid: Option<Upid>,
    /// Distinct chunks that were looked at.
    pub chunks: u64,
    /// The first failure, when the result is bad.
    pub failure: Option<VerifyFailure>,
}

/// A snapshot with its verifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotDetail {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The latest verification; null when there was none. Without `upid` when only the manifest was looked at, now,
    /// and found bad.
    pub verification: Option<Verification>,
    /// Earlier ones and the latest, newest first.
    pub history: Vec<Verification>,
}

/// Snapshots of a datastore, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotList {
    /// The snapshots.
    pub snapshots: Vec<Snapshot>,
    /// Where the next page begins: give it back as `cursor`; null at the end.
    pub next: Option<String>,
    /// How many the filter lets pass.
    pub count: u64,
}
