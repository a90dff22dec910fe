//! Options of `silence` and `maintenance`.

use clap::{Args, Subcommand};
use ironcore_types::ids::{MaintenanceName, ProjectName, SilenceId};
use ironcore_types::notification::NamePattern;
use ironcore_types::{EventType, Severity, Span};

use super::hub::Sure;
use super::start::InProject;
use super::words;

#[derive(Debug, Subcommand)]
pub(crate) enum Silence {
    /// Silence events for a while: nobody is told of them outside, the inbox shows them. What still lasts when the silence
    /// is over is told then.
    Add(AddSilence),
    /// List silences that are not over, and the maintenance windows in which it is now.
    List {
        /// Only of this project.
        #[arg(long, value_name = "NAME")]
        project: Option<ProjectName>,
        /// Those too that are over.
        #[arg(long)]
        over: bool,
    },
    /// Show one silence.
    Show {
        /// Which.
        id: SilenceId,
    },
    /// End a silence before its time; it stays in `silence list --over`.
    End {
        /// Which.
        id: SilenceId,
    },
}

/// A silence to be made.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("end").required(true)))]
pub(crate) struct AddSilence {
    /// Why.
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) comment: String,
    /// How long, such as 2h.
    #[arg(long = "for", group = "end", value_name = "SPAN")]
    pub(crate) lasts: Option<Span>,
    /// Up to when: RFC 3339 or a date.
    #[arg(long, group = "end", value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// From when on: RFC 3339 or a date; from now when missing.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Whose groups are quiet; the token's own project when missing, else everybody's.
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<ProjectName>,
    /// Only these event types, such as task.failed.
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = words::event_type())]
    pub(crate) types: Vec<EventType>,
    /// Only this severity or more.
    #[arg(long, value_parser = words::severity())]
    pub(crate) min_severity: Option<Severity>,
    /// Only this severity or less: with `warning`, errors are told all the same.
    #[arg(long, value_parser = words::severity())]
    pub(crate) max_severity: Option<Severity>,
    /// Only events of this job, or of those whose name matches /REGEX/; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) job: Vec<NamePattern>,
    /// Only events about this datastore, or about those whose name matches /REGEX/; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) datastore: Vec<NamePattern>,
    /// It may last longer than 30 days.
    #[arg(long)]
    pub(crate) long: bool,
    /// One of the whole hub may be about everything.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Maintenance {
    /// List maintenance windows, and when they are.
    List {
        /// Only of this project.
        #[arg(long, value_name = "NAME")]
        project: Option<ProjectName>,
    },
    /// Remove a maintenance window.
    Remove {
        /// Which.
        name: MaintenanceName,
        #[command(flatten)]
        project: InProject,
        #[command(flatten)]
        sure: Sure,
    },
}
