//! Verification results as they are kept.

use ironcore_types::snapshot::{BackupGroup, SnapshotPath, SnapshotRef};
use ironcore_types::verification::{VerifyReport, VerifyResult};
use ironcore_types::{DatastoreName, JobName, Timestamp, Upid};
use serde::{Deserialize, Serialize};

use super::page::Count;

/// One verification of one snapshot. STALE is computed by the reader, never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationRow {
    /// In which datastore.
    pub datastore: DatastoreName,
    /// What was found.
    pub report: VerifyReport,
    /// The task that found it.
    pub upid: Upid,
    /// The verifier: the job the task was a run of, when it was one.
    pub job: Option<JobName>,
    /// When it was recorded.
    pub recorded: Timestamp,
}

impl VerificationRow {
    /// The snapshot with its datastore.
    pub fn snapshot(&self) -> SnapshotRef {
        SnapshotRef {
            datastore: self.datastore.clone(),
            path: self.report.snapshot.clone(),
        }
    }
}

/// Which verifications of a datastore are wanted. Parts that are empty let everything pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFilter {
    /// Of which datastore.
    pub datastore: DatastoreName,
    /// Of snapshots of which groups.
    pub groups: GroupScope,
    /// Of this snapshot.
    pub snapshot: Option<SnapshotPath>,
    /// By runs of this job.
    pub job: Option<JobName>,
    /// With any of these results, as they count today: see `stale_before`.
    pub results: Vec<VerifyResult>,
    /// An OK result counts as STALE when its verification began before this.
    pub stale_before: Timestamp,
    /// Began at or after this.
    pub since: Option<Timestamp>,
    /// Began before this.
    pub until: Option<Timestamp>,
    /// Only the latest of each snapshot.
    pub latest: bool,
}

/// Groups that somebody may see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum GroupScope {
    /// All.
    #[default]
    All,
    /// All but these.
    AllBut(Vec<BackupGroup>),
    /// These.
    Only(Vec<BackupGroup>),
}

/// A page of verifications, last recorded first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPage {
    /// The verifications.
    pub reports: Vec<VerificationRow>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
    /// How many match.
    pub total: Count,
}
