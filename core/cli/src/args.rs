//! The command line: every command, its options and its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ironcore_types::ids::{DatastoreName, HandlerName, JobName, ProjectName, UserId};
use ironcore_types::snapshot::SnapshotRef;
use ironcore_types::{Upid, retention};

/// Runs backups, keeps them, and tells people how they went.
#[derive(Debug, Parser)]
#[command(
    name = "ironcore-backup",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Address of the hub.
    #[arg(long, global = true, env = "IRONCORE_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// File that holds the access token.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// PEM file with the certificate authority to trust for the hub.
    #[arg(long, global = true, env = "IRONCORE_CA", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = OutputMode::Auto)]
    pub(crate) output: OutputMode,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputMode {
    /// A table on a terminal, plain when piped.
    Auto,
    /// A table with borders.
    Table,
    /// Columns separated by tabs, without decoration.
    Plain,
    /// JSON, as the API gives it.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the hub.
    Serve(Serve),
    /// Look at tasks: list, show, log, cancel.
    #[command(subcommand)]
    Task(Task),
    /// Look at snapshots and their verification.
    #[command(subcommand)]
    Snapshot(Snapshot),
    /// Check stored snapshots.
    #[command(subcommand)]
    Verify(Verify),
    /// Write a snapshot back to files.
    #[command(subcommand)]
    Restore(Restore),
    /// Free the space of chunks that no snapshot needs.
    #[command(subcommand)]
    Gc(Gc),
    /// Remove snapshots that no retention rule keeps.
    #[command(subcommand)]
    Prune(Prune),
    /// Copy snapshots to another datastore.
    #[command(subcommand)]
    Sync(Sync),
    /// Look at jobs and run them.
    #[command(subcommand)]
    Job(Job),
    /// Create, attach and list datastores.
    #[command(subcommand)]
    Datastore(Datastore),
    /// Read calendar expressions, without a hub.
    #[command(subcommand)]
    Schedule(Schedule),
    /// Look at messages and their attempts; send one again.
    #[command(subcommand)]
    Message(Message),
    /// Look at the inbox.
    #[command(subcommand)]
    Inbox(Inbox),
    /// Make, list and revoke access tokens.
    #[command(subcommand)]
    Token(Token),
    /// Keep secrets that handlers use by name. Works on the hub's own machine.
    #[command(subcommand)]
    Secret(Secret),
    /// Make or change what a file declares: projects, datastores, groups, jobs.
    Apply(Apply),
    /// Print all projects, datastores, groups and jobs as `apply` reads them.
    Export,
    /// Whether the hub is well.
    Status(Status),
    /// Check the hub's configuration file.
    #[command(subcommand)]
    Config(Config),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Options of `serve`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Serve {
    /// Configuration file (TOML).
    #[arg(long, short, env = "IRONCORE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address to listen on.
    #[arg(long, env = "IRONCORE_LISTEN", value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Folder for database, keys and secrets.
    #[arg(long, env = "IRONCORE_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// Waits for a task that was started.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Wait {
    /// Wait until the task has ended, showing progress; the exit code tells how.
    #[arg(long)]
    pub(crate) wait: bool,
}

/// In which project a task is started.
#[derive(Debug, Clone, Args)]
pub(crate) struct InProject {
    /// Project; the token's own when missing.
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<ProjectName>,
}

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
    /// Print the log of a task.
    Log {
        /// Which task.
        #[arg(long)]
        upid: Upid,
        /// Go on until the task has ended.
        #[arg(long, short)]
        follow: bool,
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
    /// Only these types: backup, restore, sync, verify, gc, prune, tape.
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub(crate) types: Vec<String>,
    /// Only these states: queued, running, OK, WARNING, FAILED, CANCELLED.
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub(crate) status: Vec<String>,
    /// Only tasks of this user or token.
    #[arg(long)]
    pub(crate) user: Option<UserId>,
    /// Only tasks of this project.
    #[arg(long)]
    pub(crate) project: Option<ProjectName>,
    /// Only runs of this job.
    #[arg(long)]
    pub(crate) job: Option<JobName>,
    /// Only tasks whose source, target or UPID holds this text.
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
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
pub(crate) enum Verify {
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
        /// Folder to write to; must be empty or missing.
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

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// List jobs with their next runs.
    List {
        #[command(flatten)]
        project: InProject,
    },
    /// Run a job now.
    Run {
        /// Which job.
        name: JobName,
        /// Read every file again (backup jobs).
        #[arg(long)]
        full: bool,
        #[command(flatten)]
        project: InProject,
        #[command(flatten)]
        wait: Wait,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Datastore {
    /// Make a datastore in an empty or missing folder of the hub's machine.
    Create(DatastoreArgs),
    /// Take an existing datastore of this hub into its list.
    Attach(DatastoreArgs),
    /// Take over a datastore of another hub, which must not use it any more.
    Adopt(DatastoreArgs),
    /// List datastores.
    List,
}

/// A datastore on the command line.
#[derive(Debug, Clone, Args)]
pub(crate) struct DatastoreArgs {
    /// Its name, such as ibs-primary.
    pub(crate) name: DatastoreName,
    /// Its folder, absolute.
    #[arg(long, value_name = "DIR")]
    pub(crate) path: PathBuf,
    /// How long a verification counts.
    #[arg(long, default_value = "30d")]
    pub(crate) keep_verified: ironcore_types::Span,
    /// Projects that may use it; all when missing.
    #[arg(long, value_delimiter = ',')]
    pub(crate) projects: Vec<ProjectName>,
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

#[derive(Debug, Subcommand)]
pub(crate) enum Message {
    /// List messages, newest first.
    List {
        /// Only messages in this state: pending, delivered, dead.
        #[arg(long)]
        state: Option<String>,
        /// Only messages of this handler.
        #[arg(long)]
        handler: Option<HandlerName>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show one message with its attempts.
    Show {
        /// Which message.
        id: ironcore_types::MessageId,
    },
    /// Send a message again.
    Replay {
        /// Which message.
        id: ironcore_types::MessageId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Inbox {
    /// List the newest entries.
    List {
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token and print its secret, once.
    Create {
        /// USER@REALM!NAME
        user: UserId,
        /// What it may do: admin, operator, auditor, member.
        #[arg(long, default_value = "member")]
        role: String,
        /// The only project it reaches; every project when missing.
        #[arg(long)]
        project: Option<ProjectName>,
        /// How long it is valid, such as 90d; for ever when missing.
        #[arg(long, value_name = "SPAN")]
        expires: Option<ironcore_types::Span>,
    },
    /// List tokens.
    List,
    /// Revoke a token.
    Revoke {
        /// USER@REALM!NAME
        user: UserId,
    },
}

/// Where the hub's own files are, for commands that work without it.
#[derive(Debug, Clone, Args)]
pub(crate) struct LocalHub {
    /// Configuration file of the hub.
    #[arg(long, short, env = "IRONCORE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Its data folder.
    #[arg(long, env = "IRONCORE_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// Keep a secret; its value is read from standard input.
    Set {
        /// Its name, as handlers write it: { secret = "NAME" }.
        name: String,
        #[command(flatten)]
        hub: LocalHub,
    },
    /// List the names of the secrets.
    List {
        #[command(flatten)]
        hub: LocalHub,
    },
    /// Forget a secret.
    Remove {
        /// Its name.
        name: String,
        #[command(flatten)]
        hub: LocalHub,
    },
}

/// Options of `apply`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Apply {
    /// File to read (TOML, or JSON when its name ends in .json); `-` for standard input.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Check everything, change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Options of `status`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Status {
    /// Show each service with its state and node.
    #[arg(long)]
    pub(crate) services: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Read the configuration file and say what is wrong with it, or what would be used.
    Check {
        /// The file.
        #[arg(long, short, env = "IRONCORE_CONFIG", value_name = "FILE")]
        config: Option<PathBuf>,
    },
}
