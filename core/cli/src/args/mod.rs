//! The command line: the commands, and the options of all of them. What each command takes is left to `start`
//! (what starts a task), `job`, `look` (what only reads), `notify` (who is told of what), `silence` (when nobody is),
//! `inbox`, `statistics` (figures kept over time), `hub` (what runs and declares the hub), `project`, `access` (who may do what) and `operate`;
//! `words` holds those that options take.

mod access;
mod hub;
mod inbox;
mod job;
mod look;
mod notify;
mod operate;
mod paging;
mod project;
mod silence;
mod start;
mod statistics;
#[cfg(test)]
mod told;
mod words;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use access::{Audit, Role, SecondFactor, Setup, User};
pub(crate) use hub::{
    Apply, Config, Datastore, DatastoreArgs, Group, LocalHub, Secret, Serve, Status, Sure, Token,
};
pub(crate) use inbox::{Inbox, InboxList};
pub(crate) use job::Job;
pub(crate) use look::{HandlerArg, Message, Schedule, Snapshot, Task, TaskList};
pub(crate) use notify::{Explain, Incident, IncidentArg, Notify, Preview, Target};
pub(crate) use operate::{Hub, Man, Restored, Scheduler, Worker};
pub(crate) use paging::Paging;
pub(crate) use project::{PatternArgs, Project};
pub(crate) use silence::{AddSilence, Maintenance, Silence};
pub(crate) use start::{Gc, InProject, Prune, Restore, Sync, Verify, Wait};
pub(crate) use statistics::{By, Report, Statistics, Usage};
pub(crate) use words::joined;

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
#[command(next_help_heading = "Options of every command")]
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
    /// SHA-256 fingerprint of the hub's certificate, which `serve` and `status` show: no other is believed.
    #[arg(long, global = true, env = "IRONCORE_FINGERPRINT", value_name = "SHA256")]
    pub(crate) fingerprint: Option<String>,
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
    /// Make the first administrator of a new hub; the password is read from standard input.
    Setup(Setup),
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
    /// Look at jobs and when they run; run, pause and remove them.
    #[command(subcommand)]
    Job(Job),
    /// Look at notification groups and remove them; `apply` makes them.
    #[command(subcommand)]
    Group(Group),
    /// Make projects, look at them and remove them.
    #[command(subcommand)]
    Project(Project),
    /// Create, attach and list datastores, and take them off the list.
    #[command(subcommand)]
    Datastore(Datastore),
    /// Show what backups and syncs moved: rates, deduplication, compression.
    Statistics(Statistics),
    /// Read calendar expressions, without a hub.
    #[command(subcommand)]
    Schedule(Schedule),
    /// Look at messages and their attempts; send one again.
    #[command(subcommand)]
    Message(Message),
    /// Look at incidents: trouble of one cause; say that somebody sees to one.
    #[command(subcommand)]
    Incident(Incident),
    /// Who is told of what, and why; test handlers, and see what they would send.
    #[command(subcommand)]
    Notify(Notify),
    /// Keep notifications silent for a while; see what is silenced.
    #[command(subcommand)]
    Silence(Silence),
    /// Look at maintenance windows and remove them; `apply` makes them.
    #[command(subcommand)]
    Maintenance(Maintenance),
    /// Look at the inbox: every event, what you have read of it and mute, and buttons to act on it.
    #[command(subcommand)]
    Inbox(Inbox),
    /// Make, list and revoke access tokens.
    #[command(subcommand)]
    Token(Token),
    /// Make users, and say what they may do.
    #[command(subcommand)]
    User(User),
    /// Look at roles, and make roles of the hub's own.
    #[command(subcommand)]
    Role(Role),
    /// Who changed what, and from where.
    #[command(subcommand)]
    Audit(Audit),
    /// Keep secrets that handlers use by name; values go in and are never shown.
    #[command(subcommand)]
    Secret(Secret),
    /// Make or change what a file declares: projects, datastores, groups, jobs, maintenance windows.
    Apply(Apply),
    /// Print all projects, datastores, groups, jobs and maintenance windows as `apply` reads them.
    Export,
    /// Say whether the hub is well.
    Status(Status),
    /// Look at the workers that run tasks.
    #[command(subcommand)]
    Worker(Worker),
    /// Pause the scheduler, and let it go on.
    #[command(subcommand)]
    Scheduler(Scheduler),
    /// Copy the hub's own state, and restore it.
    #[command(subcommand)]
    Hub(Hub),
    /// Check the hub's configuration file.
    #[command(subcommand)]
    Config(Config),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Write man pages of every command.
    Man(Man),
}
