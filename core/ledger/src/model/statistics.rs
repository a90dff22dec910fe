//! Statistics of tasks, samples of datastores, and which of them are wanted.

use ironcore_types::statistics::{Bucket, Sums};
use ironcore_types::{DatastoreName, JobName, ProjectName, TaskType, Timestamp};

/// Which attempts are added up, and how. Parts that are empty let everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatisticsFilter {
    /// Any of these types.
    pub types: Vec<TaskType>,
    /// Of this project.
    pub project: Option<ProjectName>,
    /// Of this job.
    pub job: Option<JobName>,
    /// Writing to this datastore, or reading it when they write to none.
    pub datastore: Option<DatastoreName>,
    /// Ended at or after this.
    pub since: Option<Timestamp>,
    /// Ended before this.
    pub until: Option<Timestamp>,
    /// By which spans of time.
    pub bucket: Bucket,
    /// By what else.
    pub by: StatisticsBy,
}

/// By what attempts are added up beside time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StatisticsBy {
    /// Nothing: all together.
    #[default]
    Nothing,
    /// Each job; what belongs to no job is one part for each project.
    Job,
    /// Each datastore.
    Datastore,
}

/// Attempts, added up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// All of them.
    pub total: Sums,
    /// By time, oldest first; spans without attempts are left out. Empty without a bucket.
    pub series: Vec<SpanSums>,
    /// By job or datastore, in order of their names. Empty when that was not asked for.
    pub parts: Vec<PartSums>,
}

/// The attempts that ended in one span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanSums {
    /// When the span began.
    pub start: Timestamp,
    /// What they add up to.
    pub sums: Sums,
}

/// The attempts of one job or datastore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartSums {
    /// Whose; none for the hub's own, and by datastore.
    pub project: Option<ProjectName>,
    /// Of which job; none for what belongs to no job, and by datastore.
    pub job: Option<JobName>,
    /// On which datastore; none by job.
    pub datastore: Option<DatastoreName>,
    /// What they add up to.
    pub sums: Sums,
}
