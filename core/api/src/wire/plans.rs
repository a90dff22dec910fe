//! What would be: runs that are to come, and what retention keeps.

use ironcore_types::ids::ProjectName;
use ironcore_types::objects::Job;
use ironcore_types::retention::RetentionReason;
use ironcore_types::runs::Run;
use ironcore_types::spec::PruneSpec;
use ironcore_types::{ErrorCode, SnapshotRef, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A job that need not be declared, whose runs are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRuns {
    /// The job.
    pub job: Job,
    /// At most this many; 10 when missing, and never more than 1000.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
}

/// The runs of a job that are to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedRuns {
    /// When they begin, soonest first, if the job is declared as it was asked about.
    pub runs: Vec<Run>,
    /// How many ticks after the last of them are left out because of a blackout window.
    pub left_out: u64,
    /// Whether nothing begins after the last of them, because the blackout windows do not end as far as can be seen.
    pub endless: bool,
}

/// A removal of snapshots that is wanted to be known before it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanPrune {
    /// Of this project's groups only, as its jobs would; of all when missing.
    #[serde(default)]
    pub project: Option<ProjectName>,
    /// What would be removed: datastore, namespace, groups, rules and time zone.
    pub prune: PruneSpec,
}

/// What retention would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedPrune {
    /// Each snapshot that the rules see, by group and time; at most 10,000.
    pub snapshots: Vec<PlannedSnapshot>,
    /// How many stay.
    pub kept: u64,
    /// How many go.
    pub removed: u64,
    /// Snapshots whose manifest is damaged: they neither count nor go.
    pub left_alone: Vec<LeftAlone>,
}

/// What retention would do with one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedSnapshot {
    /// Which.
    pub snapshot: SnapshotRef,
    /// When it was made.
    pub time: Timestamp,
    /// Whether it stays.
    pub kept: bool,
    /// Why it stays or goes.
    pub why: RetentionReason,
}

/// A snapshot that retention does not touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftAlone {
    /// Which.
    pub snapshot: SnapshotRef,
    /// What is wrong with it.
    pub code: ErrorCode,
    /// In words.
    pub reason: String,
}
