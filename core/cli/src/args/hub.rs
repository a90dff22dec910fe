//! Options of the commands that run the hub, declare and remove its objects and keep its secrets. What it then does
//! is left to `start` and `look`; projects are in `project`, what operators do in `operate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ironcore_egress::SigningKind;
use ironcore_ledger::model::Service;
use ironcore_types::RoleName;
use ironcore_types::ids::{DatastoreName, GroupName, ProjectName, UserId};

use super::look::HandlerArg;
use super::start::InProject;
use super::words;

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
    /// What this process does; everything when missing.
    #[arg(long, value_delimiter = ',', value_name = "ROLE", value_parser = words::role())]
    pub(crate) role: Vec<Service>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Datastore {
    /// Make a datastore in an empty or missing folder of the hub's machine.
    Create(DatastoreArgs),
    /// Take an existing datastore of this hub into its list.
    Attach(DatastoreArgs),
    /// Take over a datastore of another hub, which must not use it any more, or one that another key signs.
    Adopt(DatastoreArgs),
    /// List datastores.
    List,
    /// Show how full a datastore is, and when it will be full.
    Usage(super::Usage),
    /// Take a datastore off the hub's list. Its files are left as they are: `datastore attach` takes it back.
    Remove {
        /// Which datastore.
        name: DatastoreName,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// List notification groups with their handlers.
    List {
        #[command(flatten)]
        project: InProject,
    },
    /// Switch a handler on again that was switched off because it failed.
    Enable {
        /// Which handler.
        #[arg(value_name = "GROUP/HANDLER")]
        handler: HandlerArg,
        #[command(flatten)]
        project: InProject,
    },
    /// Remove a group that no job names; its messages stay.
    Remove {
        /// Which group.
        name: GroupName,
        #[command(flatten)]
        project: InProject,
        #[command(flatten)]
        sure: Sure,
    },
}

/// Whether a removal is confirmed on the command line.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Sure {
    /// Do not ask; must be given when standard input is no terminal.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// A datastore on the command line.
#[derive(Debug, Clone, Args)]
pub(crate) struct DatastoreArgs {
    /// Its name, such as ibs-primary.
    pub(crate) name: DatastoreName,
    /// Its folder on the hub's machine; a relative one begins at the folder in which this command runs.
    #[arg(long, value_name = "DIR")]
    pub(crate) path: PathBuf,
    /// How long a verification counts.
    #[arg(long, default_value = "30d", value_name = "SPAN")]
    pub(crate) keep_verified: ironcore_types::Span,
    /// Projects that may use it; none when missing.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub(crate) projects: Vec<ProjectName>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token and print its secret, once.
    Create {
        /// USER@REALM!NAME
        user: UserId,
        /// What it may do: `admin` everything; `operator` starts, cancels, replays, pauses; `auditor` reads; `member` works in
        /// its project; or a role of the hub's own.
        #[arg(long, value_parser = words::access_role(), default_value = "member")]
        role: RoleName,
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

/// Where the hub's own files are, to work on them without asking it.
#[derive(Debug, Clone, Args)]
pub(crate) struct LocalHub {
    /// Work on the files of the hub with this configuration file, on its own machine.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Work on the files in this data folder of a hub.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// Keep a secret; its value is read from standard input, never from an argument.
    Set {
        /// Its name, as handlers write it: { secret = "NAME" }.
        name: String,
        /// Make a key for signing webhooks: hmac (shown once, for the receiver) or ed25519 (its public key is shown).
        #[arg(long, value_name = "KIND", value_parser = words::signing_kind())]
        generate: Option<SigningKind>,
        #[command(flatten)]
        hub: LocalHub,
    },
    /// List the secrets: when and by whom they were set, and what uses them.
    List {
        #[command(flatten)]
        hub: LocalHub,
    },
    /// Print the public key of an Ed25519 signing key, for those who verify signatures.
    PublicKey {
        /// Its name.
        name: String,
        #[command(flatten)]
        hub: LocalHub,
    },
    /// Forget a secret that nothing uses.
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
