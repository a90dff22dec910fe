//! Options of the commands about projects.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ironcore_types::ids::{DatastoreName, ProjectName, UserId};

use super::hub::Sure;

#[derive(Debug, Subcommand)]
pub(crate) enum Project {
    /// List projects.
    List,
    /// Make a project, with the usual jobs when --pattern is given.
    Create {
        /// Its name.
        name: ProjectName,
        /// A title for people.
        #[arg(long, value_name = "TEXT")]
        title: Option<String>,
        /// Make the usual jobs too, as `project pattern` prints them; --datastore and --tree say for what.
        #[arg(long, requires_all = ["datastore", "tree"])]
        pattern: bool,
        #[command(flatten)]
        jobs: PatternArgs,
    },
    /// Print the usual jobs of a project as `apply -f -` reads them: backups each day (02:00, 7 are kept) and each week
    /// (Sun 03:00, 3 are kept), a copy in an archive (Sun 04:30, 52 are kept), prune, verify and gc.
    #[command(mut_arg("datastore", |arg| arg.required(true)), mut_arg("tree", |arg| arg.required(true)))]
    Pattern {
        /// The project; it may be new.
        name: ProjectName,
        #[command(flatten)]
        jobs: PatternArgs,
    },
    /// Remove a project to which no job, no group and no grant of a datastore belongs any more.
    Remove {
        /// Which project.
        name: ProjectName,
        #[command(flatten)]
        sure: Sure,
    },
}

/// What the usual jobs are for.
#[derive(Debug, Clone, Args)]
pub(crate) struct PatternArgs {
    /// Datastore that the backups go to.
    #[arg(long, value_name = "NAME")]
    pub(crate) datastore: Option<DatastoreName>,
    /// Datastore that the weekly backups are copied to; without it there are no copies.
    #[arg(long, value_name = "NAME", requires = "datastore")]
    pub(crate) archive: Option<DatastoreName>,
    /// What is backed up: a path on the hub's machine; a relative one begins at the folder in which this command runs.
    #[arg(long, value_name = "PATH", requires = "datastore")]
    pub(crate) tree: Option<PathBuf>,
    /// User that the jobs run as; whoever runs this command when missing.
    #[arg(long, value_name = "USER@REALM", requires = "datastore")]
    pub(crate) owner: Option<UserId>,
    /// Time zone of the schedules (IANA name); UTC when missing.
    #[arg(long, value_name = "ZONE", requires = "datastore")]
    pub(crate) timezone: Option<String>,
}
