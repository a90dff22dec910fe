//! Options of the commands that show figures kept over time: statistics, how a datastore fills, verification reports.

use clap::{Args, ValueEnum};
use ironcore_types::TaskType;
use ironcore_types::ids::{DatastoreName, JobName, ProjectName};
use ironcore_types::statistics::Bucket;
use ironcore_types::verification::VerifyResult;

use super::{Paging, words};

/// Options of `statistics`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Statistics {
    /// Only tasks of this project.
    #[arg(long)]
    pub(crate) project: Option<ProjectName>,
    /// Only runs of this job.
    #[arg(long)]
    pub(crate) job: Option<JobName>,
    /// Only tasks on this datastore.
    #[arg(long)]
    pub(crate) datastore: Option<DatastoreName>,
    /// Only these types; backup and sync when missing.
    #[arg(
        long = "type",
        value_name = "TYPE",
        value_delimiter = ',',
        ignore_case = true,
        value_parser = words::task_type()
    )]
    pub(crate) types: Vec<TaskType>,
    /// Only tasks that ended since: RFC 3339, a date, or `7d ago`; 30 days ago when missing.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only tasks that ended before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// One line for each hour, day or week of UTC.
    #[arg(long, default_value_t = Bucket::None, ignore_case = true, value_parser = words::bucket())]
    pub(crate) bucket: Bucket,
    /// Without --bucket: one line for each of these.
    #[arg(long, value_enum, default_value_t = By::Job, conflicts_with = "bucket")]
    pub(crate) by: By,
}

/// By what `statistics` is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// Jobs.
    Job,
    /// Datastores.
    Datastore,
    /// Nothing: only the total.
    None,
}

impl By {
    /// The word of the API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Datastore => "datastore",
            Self::None => "none",
        }
    }
}

/// Options of `datastore usage`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Usage {
    /// Which datastore.
    pub(crate) name: DatastoreName,
    /// With --output json: samples since; 30 days ago when missing.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
}

/// Options of `verify report`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Report {
    /// DATASTORE, or DATASTORE:[ns/NAMESPACE/]TYPE/ID/TIME; all datastores when missing.
    pub(crate) reference: Option<String>,
    /// Only these results.
    #[arg(
        long,
        value_name = "RESULT",
        value_delimiter = ',',
        ignore_case = true,
        value_parser = words::verify_result()
    )]
    pub(crate) result: Vec<VerifyResult>,
    /// Only verifications that began since: RFC 3339, a date, or `24h ago`.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only verifications that began before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Only verifications by this job.
    #[arg(long)]
    pub(crate) job: Option<JobName>,
    /// Only the latest of each snapshot.
    #[arg(long)]
    pub(crate) latest: bool,
    #[command(flatten)]
    pub(crate) paging: Paging,
}
