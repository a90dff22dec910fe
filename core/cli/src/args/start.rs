//! Options of the commands that start tasks. Following a task afterwards is left to `look`, jobs to `job`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ironcore_types::ids::{DatastoreName, ProjectName};
use ironcore_types::retention;
use ironcore_types::snapshot::SnapshotRef;

/// Waits for a task that was started.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Wait {
    /// Wait until the task has ended, showing progress; the exit code tells how.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Print the log until the task has ended, as `task log --follow` does; the exit code tells how.
    #[arg(long, conflicts_with = "wait")]
    pub(crate) follow: bool,
}

/// In which project a task is started.
#[derive(Debug, Clone, Args)]
pub(crate) struct InProject {
    /// Project; the token's own when missing.
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<ProjectName>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verify {
    /// List reports of verifications, newest first.
    Report(super::Report),
    /// Verify one snapshot, or a whole datastore.
    Start {
        /// DATASTORE:[ns/NAMESPACE/]TYPE/ID/TIME, or only DATASTORE.
        reference: String,
        /// Only check stored bytes; faster, needs no key.
        #[arg(long)]
        stored: bool,
        /// Check even what was verified lately.
        #[arg(long)]
        again: bool,
        #[command(flatten)]
        project: InProject,
        #[command(flatten)]
        wait: Wait,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Restore {
    /// Restore a snapshot to a folder on the hub's machine.
    Start {
        /// DATASTORE:[ns/NAMESPACE/]TYPE/ID/TIME
        reference: SnapshotRef,
        /// Folder to write to, empty or missing; a relative one begins at the folder in which this command runs.
        #[arg(long, value_name = "PATH")]
        to: PathBuf,
        /// Write over files that exist.
        #[arg(long)]
        overwrite: bool,
        /// Restore even when the last verification was CORRUPT or MISSING.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        project: InProject,
        #[command(flatten)]
        wait: Wait,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Gc {
    /// Collect garbage in a datastore.
    Start {
        /// Which datastore.
        datastore: DatastoreName,
        /// Only say what would be freed.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        project: InProject,
        #[command(flatten)]
        wait: Wait,
    },
}

/// Retention rules on the command line.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct KeepArgs {
    /// Keep the newest N.
    #[arg(long, value_name = "N")]
    keep_last: Option<u32>,
    /// Keep the newest of each of N hours.
    #[arg(long, value_name = "N")]
    keep_hourly: Option<u32>,
    /// … of N days.
    #[arg(long, value_name = "N")]
    keep_daily: Option<u32>,
    /// … of N weeks.
    #[arg(long, value_name = "N")]
    keep_weekly: Option<u32>,
    /// … of N months.
    #[arg(long, value_name = "N")]
    keep_monthly: Option<u32>,
    /// … of N years.
    #[arg(long, value_name = "N")]
    keep_yearly: Option<u32>,
}

impl From<KeepArgs> for retention::Keep {
    fn from(args: KeepArgs) -> Self {
        Self {
            last: args.keep_last,
            hourly: args.keep_hourly,
            daily: args.keep_daily,
            weekly: args.keep_weekly,
            monthly: args.keep_monthly,
            yearly: args.keep_yearly,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Prune {
    /// Prune a datastore. Without any --keep option everything is kept.
    Start {
        /// Which datastore.
        datastore: DatastoreName,
        /// Only this namespace.
        #[arg(long, default_value = "")]
        namespace: ironcore_types::snapshot::Namespace,
        #[command(flatten)]
        keep: KeepArgs,
        /// Time zone in which days, weeks, months and years are counted.
        #[arg(long, default_value = "UTC")]
        timezone: String,
        /// Only say what would be removed.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        project: InProject,
        #[command(flatten)]
        wait: Wait,
    },
    /// Apply retention rules to a list of snapshot times, without a hub.
    Simulate {
        /// JSON file with `snapshots`, `keep`, `timezone`, `protected`, `unfinished`.
        #[arg(long, value_name = "FILE")]
        input: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sync {
    /// Copy the snapshots of one datastore into another.
    Start {
        /// Where from.
        from: DatastoreName,
        /// Where to.
        to: DatastoreName,
        #[command(flatten)]
        project: InProject,
        #[command(flatten)]
        wait: Wait,
    },
}
