//! Options of the commands about the inbox.

use clap::{Args, Subcommand};
use ironcore_types::ids::{DatastoreName, JobName, ProjectName};
use ironcore_types::{EventType, Severity, Span};

use super::{Paging, words};

#[derive(Debug, Subcommand)]
pub(crate) enum Inbox {
    /// List the newest entries: every event that you may see, whatever was delivered outside.
    List(InboxList),
    /// Show one entry: what happened, what to do about it, and its buttons. It stays as unread as it is.
    Show {
        /// Which entry, by the number that `inbox list` prints.
        seq: i64,
    },
    /// Mark entries as read.
    #[command(group(clap::ArgGroup::new("which").required(true)))]
    Read {
        /// Which entries.
        #[arg(group = "which", value_name = "SEQ")]
        seqs: Vec<i64>,
        /// Every entry up to this one.
        #[arg(long, group = "which", value_name = "SEQ")]
        until: Option<i64>,
        /// Every entry that there is now.
        #[arg(long, group = "which")]
        all: bool,
    },
    /// Mark entries as not read.
    Unread {
        /// Which entries.
        #[arg(required = true, value_name = "SEQ")]
        seqs: Vec<i64>,
    },
    /// Say how many entries are unread, by severity.
    Count,
    /// Mute entries: they stay in the inbox, but are neither unread nor counted. All that is given must hold.
    #[command(group(clap::ArgGroup::new("what").required(true).multiple(true)))]
    Mute {
        /// Events of this type, such as task.completed.
        #[arg(long = "type", group = "what", value_name = "TYPE", value_parser = words::event_type())]
        event_type: Option<EventType>,
        /// Events about this job.
        #[arg(long, group = "what", value_name = "NAME")]
        job: Option<JobName>,
        /// Events about this datastore.
        #[arg(long, group = "what", value_name = "NAME")]
        datastore: Option<DatastoreName>,
        /// Events that matter less than this.
        #[arg(long, group = "what", value_parser = words::severity())]
        min_severity: Option<Severity>,
        /// For how long, such as 8h or 7d; until `inbox unmute` when missing.
        #[arg(long = "for", value_name = "SPAN")]
        span: Option<Span>,
    },
    /// Take a mute back: what it muted counts again.
    Unmute {
        /// Which, by the number that `inbox mutes` prints.
        number: i64,
    },
    /// List what you mute.
    Mutes,
    /// Use a button of an entry, as `inbox show` prints them. Each is used once: again, it says who did.
    Act {
        /// Which entry.
        seq: i64,
        /// Which button: acknowledge, verify, full-backup, gc, resync, retry or pause-job.
        kind: String,
        /// What it is done to, when the entry has several such buttons.
        target: Option<String>,
    },
}

/// Filters of `inbox list`.
#[derive(Debug, Clone, Args)]
pub(crate) struct InboxList {
    /// Only what you have not read, and do not mute.
    #[arg(long)]
    pub(crate) unread: bool,
    /// Only what you mute.
    #[arg(long, conflicts_with = "unread")]
    pub(crate) muted: bool,
    /// Only what somebody has acknowledged.
    #[arg(long)]
    pub(crate) acknowledged: bool,
    /// Only what nobody has acknowledged.
    #[arg(long, conflicts_with = "acknowledged")]
    pub(crate) unacknowledged: bool,
    /// Only events of these types, such as task.failed.
    #[arg(
        long = "type",
        value_name = "TYPE",
        value_delimiter = ',',
        value_parser = words::event_type()
    )]
    pub(crate) types: Vec<EventType>,
    /// Only what matters so much or more.
    #[arg(long, value_parser = words::severity())]
    pub(crate) min_severity: Option<Severity>,
    /// Only events of this project.
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<ProjectName>,
    /// Only events about this job.
    #[arg(long, value_name = "NAME")]
    pub(crate) job: Option<JobName>,
    /// Only events about this datastore.
    #[arg(long, value_name = "NAME")]
    pub(crate) datastore: Option<DatastoreName>,
    /// Only events since: RFC 3339, a date, or `24h ago`.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only events before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    #[command(flatten)]
    pub(crate) paging: Paging,
}
