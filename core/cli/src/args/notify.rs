//! Options of `notify`.

use clap::{Args, Subcommand};
use ironcore_types::ids::{DatastoreName, JobName, ProjectName};
use ironcore_types::{EventId, EventType, Severity, TaskState, TaskType};

use super::words;

#[derive(Debug, Subcommand)]
pub(crate) enum Notify {
    /// Tell which handlers an event is told to, and what keeps it from each of the others. Nothing is sent.
    Explain(Explain),
}

/// Which event is explained: one that happened, or one that is made up.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("which").required(true)))]
pub(crate) struct Explain {
    /// An event that happened, by its id.
    #[arg(group = "which", conflicts_with_all = ["project", "severity", "job", "datastore", "task_type", "at", "before"])]
    pub(crate) event: Option<EventId>,
    /// Make up an event of this type, such as task.failed.
    #[arg(long = "type", group = "which", value_name = "TYPE", value_parser = words::event_type())]
    pub(crate) event_type: Option<EventType>,
    /// Its project; the token's own when missing, else the hub.
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<ProjectName>,
    /// Its severity; as usual for its type when missing.
    #[arg(long, value_parser = words::severity())]
    pub(crate) severity: Option<Severity>,
    /// The job it is about.
    #[arg(long, value_name = "NAME")]
    pub(crate) job: Option<JobName>,
    /// The datastore it is about.
    #[arg(long, value_name = "NAME")]
    pub(crate) datastore: Option<DatastoreName>,
    /// What its task does, when it is no job's.
    #[arg(long, value_name = "TYPE", ignore_case = true, value_parser = words::task_type())]
    pub(crate) task_type: Option<TaskType>,
    /// When it happens: RFC 3339, a date, or `24h ago`; now when missing.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// How the run before it ended; well when missing.
    #[arg(long, value_name = "STATUS", ignore_case = true, value_parser = words::task_state())]
    pub(crate) before: Option<TaskState>,
}
