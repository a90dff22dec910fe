//! Options of the commands that show what there is: tasks, snapshots, messages, calendars; with the few that act on
//! what is shown. Starting tasks is left to `start`.

use std::str::FromStr;

use clap::{Args, Subcommand};
use ironcore_ledger::model::MessageState;
use ironcore_types::ids::{DatastoreName, GroupName, HandlerName, JobName, ProjectName, UserId};
use ironcore_types::snapshot::SnapshotRef;
use ironcore_types::{TaskState, TaskType, Upid};

use super::{Paging, words};

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// List tasks, newest first.
    List(TaskList),
    /// Show one task.
    Show {
        /// Which task.
        #[arg(long)]
        upid: Upid,
    },
    /// Print the log of a task; with --output json one object per line: line, time, level, text.
    Log {
        /// Which task.
        #[arg(long)]
        upid: Upid,
        /// Go on until the task has ended; then say on standard error how, and exit with its code.
        #[arg(long, short)]
        follow: bool,
        /// Only lines after this one, counted from 1: the number of the last line that is known already.
        #[arg(long, value_name = "LINE", default_value_t = 0)]
        after: u64,
    },
    /// Stop a queued or running task.
    Cancel {
        /// Which task.
        #[arg(long)]
        upid: Upid,
    },
    /// Wait until a task has ended; the exit code tells how.
    Wait {
        /// Which task.
        #[arg(long)]
        upid: Upid,
    },
}

/// Filters of `task list`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TaskList {
    /// Only tasks that started (or else were enqueued) since: RFC 3339, a date, or `24h ago`.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only tasks before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Only these types.
    #[arg(
        long = "type",
        value_name = "TYPE",
        value_delimiter = ',',
        ignore_case = true,
        value_parser = words::task_type()
    )]
    pub(crate) types: Vec<TaskType>,
    /// Only these states.
    #[arg(
        long,
        value_name = "STATUS",
        value_delimiter = ',',
        ignore_case = true,
        value_parser = words::task_state()
    )]
    pub(crate) status: Vec<TaskState>,
    /// Only tasks of exactly this user or token; a person's tokens, NAME@REALM!TOKEN, are users of their own.
    #[arg(long)]
    pub(crate) user: Option<UserId>,
    /// Only tasks of this project.
    #[arg(long)]
    pub(crate) project: Option<ProjectName>,
    /// Only runs of this job.
    #[arg(long)]
    pub(crate) job: Option<JobName>,
    /// Only tasks with exactly this source: a path, a datastore, a snapshot or a remote site, as `task show` prints it.
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Only tasks with exactly this target, as `task show` prints it.
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// Only tasks whose source, target, job, UPID or error holds this text; upper and lower case of A to Z are the same.
    #[arg(long)]
    pub(crate) text: Option<String>,
    #[command(flatten)]
    pub(crate) paging: Paging,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Snapshot {
    /// List the snapshots of a datastore.
    List {
        /// Which datastore.
        datastore: DatastoreName,
        /// Only snapshots whose name holds this text.
        #[arg(long)]
        text: Option<String>,
        /// At most so many, newest first; all when missing.
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// Go on where a list ended: its `next`, which --output json prints.
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show one snapshot. With --verify, exit code 6 says that it must not be relied on.
    Show {
        /// DATASTORE:[ns/NAMESPACE/]TYPE/ID/TIME
        reference: SnapshotRef,
        /// Show its verification.
        #[arg(long)]
        verify: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Schedule {
    /// Print the next times of an expression.
    Next {
        /// Calendar expression: systemd style (`Sun 06:00`) or crontab (`0 6 * * 0`).
        expression: String,
        /// Times after this one.
        #[arg(long, value_name = "TIME", default_value = "now")]
        after: String,
        /// How many.
        #[arg(long, default_value_t = 10)]
        count: usize,
        /// Time zone (IANA name).
        #[arg(long, default_value = "UTC")]
        timezone: String,
    },
}

/// A handler as it is typed, and as `message list` prints it: `HANDLER` or `GROUP/HANDLER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HandlerArg {
    /// Its group; any when missing.
    pub(crate) group: Option<GroupName>,
    /// Its name.
    pub(crate) handler: HandlerName,
}

impl FromStr for HandlerArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (group, handler) = match text.split_once('/') {
            Some((group, handler)) => (Some(group), handler),
            None => (None, text),
        };
        let group = group.map(str::parse::<GroupName>).transpose();
        Ok(Self {
            group: group.map_err(|error| error.to_string())?,
            handler: handler
                .parse::<HandlerName>()
                .map_err(|error| error.to_string())?,
        })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Message {
    /// List messages, newest first.
    List {
        /// Only messages in these states.
        #[arg(long, value_delimiter = ',', ignore_case = true, value_parser = words::message_state())]
        state: Vec<MessageState>,
        /// Only messages of this handler, or of this handler of a group.
        #[arg(long, value_name = "[GROUP/]HANDLER")]
        handler: Option<HandlerArg>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one message with its attempts.
    Show {
        /// Which message.
        id: ironcore_types::MessageId,
        /// All that is kept of what was sent and answered, not only its beginning.
        #[arg(long)]
        full: bool,
    },
    /// Send a message again, or every dead letter that was not sent again before: of a handler, a project, since a time.
    #[command(group(clap::ArgGroup::new("which").required(true).multiple(true)))]
    Replay {
        /// Which message.
        #[arg(group = "which", conflicts_with_all = ["handler", "project", "since"])]
        id: Option<ironcore_types::MessageId>,
        /// Dead letters of this handler, or of this handler of a group.
        #[arg(long, value_name = "[GROUP/]HANDLER", group = "which")]
        handler: Option<HandlerArg>,
        /// Dead letters of this project.
        #[arg(long, group = "which")]
        project: Option<ProjectName>,
        /// Dead letters made at or after this: RFC 3339, a date, or "24h ago".
        #[arg(long, value_name = "TIME", group = "which")]
        since: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_is_read_as_it_is_printed() {
        let read = |text: &str| {
            let arg: Result<HandlerArg, String> = text.parse();
            arg.map(|arg| (arg.group.map(|group| group.to_string()), arg.handler.to_string()))
        };
        assert_eq!(read("hook"), Ok((None, "hook".to_owned())));
        assert_eq!(
            read("oncall/hook"),
            Ok((Some("oncall".to_owned()), "hook".to_owned()))
        );
        for wrong in ["", "/hook", "oncall/", "a/b/c"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
