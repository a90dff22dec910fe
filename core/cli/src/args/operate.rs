//! Options of the commands of those who operate the hub: copies of its own state, workers, the scheduler, man pages.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Hub {
    /// Copy the hub's own state into an archive on the hub's machine, while the hub goes on.
    Backup {
        /// How many archives stay, this one included; as the hub is configured when missing.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
        keep: Option<u32>,
        /// Leave the keys and the local administrator's token out: without the keys such a copy opens nothing.
        #[arg(long)]
        without_keys: bool,
    },
    /// List the copies that were asked for since the hub was started and the archives that there are, newest first.
    List,
    /// Make a data folder of an archive, without a hub. Every file is checked before anything is put in place.
    Restore(Restored),
}

/// Options of `hub restore`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Restored {
    /// The archive.
    pub(crate) archive: PathBuf,
    /// Data folder of the hub to be, new or empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// PostgreSQL database of the hub to be, in which there is no hub yet; `sqlite` for a file in the data folder.
    #[arg(
        long,
        env = "IRONCORE_DATABASE",
        hide_env_values = true,
        default_value = "sqlite",
        value_name = "URL"
    )]
    pub(crate) database: String,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Worker {
    /// List the processes that run tasks: whether they are heard of, their slots, and how many tasks wait.
    List,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Scheduler {
    /// Pause the scheduler: no job starts by itself until it is resumed. Tasks that run go on.
    Pause,
    /// Let the scheduler go on.
    Resume,
    /// Say whether the scheduler runs, where, and since when it is paused.
    Status,
}

/// Options of `man`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Man {
    /// Folder to write to; made when missing.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
}
