//! Options of the commands about jobs.

use clap::Subcommand;
use ironcore_types::ids::JobName;

use super::hub::Sure;
use super::start::{InProject, Wait};

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// List jobs with their next runs.
    List {
        #[command(flatten)]
        project: InProject,
    },
    /// Say when jobs run next, soonest first; of one job its next ten runs.
    Next {
        /// Which job; all of them when missing.
        name: Option<JobName>,
        /// How many runs: of the job, or of all jobs together.
        #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
        count: Option<u16>,
        #[command(flatten)]
        project: InProject,
    },
    /// Show one job: what it does and when, its limits, and how its last run ended.
    Show {
        /// Which job.
        name: JobName,
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
    /// Pause a job: it does not start by itself until it is resumed. A run that is under way goes on.
    Pause {
        /// Which job.
        name: JobName,
        #[command(flatten)]
        project: InProject,
    },
    /// Let a paused job go on. Runs that fell into the pause are not made up for.
    Resume {
        /// Which job.
        name: JobName,
        #[command(flatten)]
        project: InProject,
    },
    /// Remove a job; its tasks and snapshots stay.
    Remove {
        /// Which job.
        name: JobName,
        #[command(flatten)]
        project: InProject,
        #[command(flatten)]
        sure: Sure,
    },
}
