//! Users, roles, and who changed what.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ironcore_types::{ProjectName, Right, RoleName, UserId};

use super::hub::Sure;
use super::paging::Paging;
use super::words;

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Make a user; a password is read from standard input.
    Create {
        /// NAME@REALM, such as alice@local.
        user: UserId,
        /// The user's name, for people.
        #[arg(long)]
        name: Option<String>,
        /// Where the user is reached.
        #[arg(long)]
        email: Option<String>,
        /// What it may do from the beginning: `admin`, `operator`, `auditor`, `member`, or a role of the hub's own.
        #[arg(long, value_parser = words::access_role())]
        role: Option<RoleName>,
        /// In which project; the whole hub when missing.
        #[arg(long, requires = "role")]
        project: Option<ProjectName>,
        /// Make it without a password: it has tokens, and cannot sign in.
        #[arg(long)]
        no_password: bool,
    },
    /// List users and what they may do.
    List,
    /// Show a user.
    Show {
        /// NAME@REALM
        user: UserId,
    },
    /// Set another password, read from standard input; it signs the user out everywhere.
    Password {
        /// NAME@REALM
        user: UserId,
    },
    /// Let a user sign in again, and use its tokens.
    Enable {
        /// NAME@REALM
        user: UserId,
    },
    /// Let a user sign in no more, nor use its tokens.
    Disable {
        /// NAME@REALM
        user: UserId,
    },
    /// Give a user a role.
    Grant {
        /// NAME@REALM
        user: UserId,
        /// Which role.
        #[arg(value_parser = words::access_role())]
        role: RoleName,
        /// In which project; the whole hub when missing.
        #[arg(long)]
        project: Option<ProjectName>,
    },
    /// Take a role away from a user.
    Take {
        /// NAME@REALM
        user: UserId,
        /// Which role.
        #[arg(value_parser = words::access_role())]
        role: RoleName,
        /// In which project; the whole hub when missing.
        #[arg(long)]
        project: Option<ProjectName>,
    },
    /// Set up a second factor, or take one away.
    #[command(subcommand)]
    SecondFactor(SecondFactor),
    /// Remove a user, what it may do, and its tokens.
    Remove {
        /// NAME@REALM
        user: UserId,
        #[command(flatten)]
        sure: Sure,
    },
}

/// Makes the first administrator of a new hub.
#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// Its name: NAME, or NAME@local.
    pub(crate) user: String,
    /// The administrator's name, for people.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Where the administrator is reached.
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// File with the token of the set-up, which the hub leaves in its data folder until it is set up.
    #[arg(long, value_name = "FILE", default_value = SETUP_TOKEN)]
    pub(crate) setup_token: PathBuf,
}

/// Where `serve` leaves it when it runs as a system service.
const SETUP_TOKEN: &str = "/var/lib/ironcore-backup/setup.token";

#[derive(Debug, Subcommand)]
pub(crate) enum SecondFactor {
    /// Set up a second factor: the user's password, then a code of it, are read from standard input, a line each.
    Set {
        /// NAME@REALM
        user: UserId,
    },
    /// Take a user's second factor away, say because the telephone is lost; it signs the user out everywhere.
    Remove {
        /// NAME@REALM
        user: UserId,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// List roles and what they allow.
    List,
    /// Make a role of the hub's own, or change what it allows.
    Set {
        /// Its name.
        name: RoleName,
        /// What it allows beside reading, joined by commas; `role list` shows all there is.
        #[arg(long, value_parser = words::right(), value_delimiter = ',', value_name = "RIGHT")]
        rights: Vec<Right>,
        /// What it is for.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Remove a role that nobody has.
    Remove {
        /// Its name.
        name: RoleName,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Who changed what, the newest first.
    List {
        /// By this user or token.
        #[arg(long)]
        user: Option<UserId>,
        /// To this object, such as user/alice@local, or to all of a kind: user/
        #[arg(long)]
        object: Option<String>,
        /// At or after this: a time, a date, or `24h ago`.
        #[arg(long)]
        since: Option<String>,
        /// Before this.
        #[arg(long)]
        until: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
}
