//! Verification results as they are kept.

use ironcore_types::snapshot::SnapshotRef;
use ironcore_types::verification::VerifyReport;
use ironcore_types::{DatastoreName, JobName, Timestamp, Upid};
use serde::{Deserialize, Serialize};

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
