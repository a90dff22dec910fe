//! Options of `notify` and `incident`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use ironcore_ledger::model::IncidentState;
use ironcore_types::ids::{DatastoreName, GroupName, HandlerName, InvalidName, JobName, ProjectName};
use ironcore_types::{ErrorCode, EventId, EventType, IncidentId, MessageId, Severity, TaskState, TaskType};

use super::look::HandlerArg;
use super::start::InProject;
use super::{Paging, words};

#[derive(Debug, Subcommand)]
pub(crate) enum Notify {
    /// Tell which handlers an event is told to, and what keeps it from each of the others. Nothing is sent.
    Explain(Explain),
    /// Send a test message through a handler, or through each of a group, and tell how it went. It is not tried again, and a
    /// failure switches nothing off.
    Test {
        /// Which group, or which handler of it.
        #[arg(value_name = "GROUP[/HANDLER]")]
        target: Target,
        #[command(flatten)]
        project: InProject,
        /// Of what kind of event the test tells.
        #[arg(long = "type", value_name = "TYPE", default_value = "task.completed", value_parser = words::event_type())]
        event_type: EventType,
    },
    /// Show what a handler would make of an event that happened or of a message that was made, or what a template would, beside
    /// what was really sent. Nothing is sent.
    Preview(Preview),
}

/// What is previewed.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("what").required(true)))]
pub(crate) struct Preview {
    /// The event, by its id; with a handler, or a template.
    #[arg(group = "what")]
    pub(crate) event: Option<EventId>,
    /// A message as it was made, with all its events and its incident, by its id; by its own handler unless another is named.
    #[arg(long, value_name = "ID", group = "what")]
    pub(crate) message: Option<MessageId>,
    /// The handler.
    #[arg(long, value_name = "GROUP/HANDLER", required_unless_present_any = ["template", "message"])]
    pub(crate) handler: Option<HandlerArg>,
    /// A file in the place of a template; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) template: Option<PathBuf>,
    /// Which template the file stands for, such as webhook/slack.json or email/body.html; that of the handler when
    /// missing, if it is a webhook.
    #[arg(long = "as", value_name = "NAME", requires = "template")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) project: InProject,
}

/// A group, or a handler of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) group: GroupName,
    pub(crate) handler: Option<HandlerName>,
}

impl FromStr for Target {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (group, handler) = match text.split_once('/') {
            Some((group, handler)) => (group, Some(handler.parse()?)),
            None => (text, None),
        };
        Ok(Self {
            group: group.parse()?,
            handler,
        })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Incident {
    /// List incidents, newest first: those that last, unless others are asked for.
    List {
        /// Only incidents in these states.
        #[arg(
            long,
            value_delimiter = ',',
            ignore_case = true,
            default_values = ["open", "acknowledged"],
            value_parser = words::incident_state()
        )]
        state: Vec<IncidentState>,
        /// Incidents in any state.
        #[arg(long, conflicts_with = "state")]
        all: bool,
        /// Only incidents of this project.
        #[arg(long, value_name = "NAME")]
        project: Option<ProjectName>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one incident: who is affected, what happened, who was told.
    Show {
        /// Its number, or its id.
        incident: IncidentArg,
    },
    /// Say that you see to an incident: it is neither told again nor escalated, until it becomes worse.
    #[command(visible_alias = "ack")]
    Acknowledge {
        /// Its number, or its id.
        incident: IncidentArg,
        /// For the others.
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
    },
    /// Say that an incident is over which nothing else ends, such as the loss of a worker on a machine that was taken away.
    /// Who was told of it is told so; what fails of the same cause later is another incident.
    Close {
        /// Its number, or its id.
        incident: IncidentArg,
        /// For the others.
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
    },
}

/// An incident as it is typed: by its number, as lists and messages show it, or by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IncidentArg {
    Number(i64),
    Id(IncidentId),
}

impl FromStr for IncidentArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix('#').unwrap_or(text).parse().ok();
        let id = || text.parse().ok().map(Self::Id);
        number
            .map(Self::Number)
            .or_else(id)
            .ok_or_else(|| "write the number of an incident, such as 7, or its id".to_owned())
    }
}

/// Which event is explained: one that happened, or one that is made up.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("which").required(true)))]
pub(crate) struct Explain {
    /// An event that happened, by its id.
    #[arg(group = "which", conflicts_with_all = ["project", "severity", "code", "job", "datastore", "task_type", "at", "before"])]
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
    /// The code of its error, such as datastore.full; internal when missing, of a task that failed.
    #[arg(long, value_parser = words::error_code(), hide_possible_values = true)]
    pub(crate) code: Option<ErrorCode>,
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
