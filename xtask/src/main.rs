//! `cargo xtask`: builds, tests and packs the project, and installs what that needs.
//!
//! Every command says what it does, may be run again at any time, and then does only what is left to do. What the
//! hub does is left to the crates under `core`.

mod bench;
mod build;
mod dashboard;
mod demo;
mod dist;
mod fences;
mod files;
mod machine;
mod plugins;
mod soak;
mod steps;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Builds, tests and packs the project.
#[derive(Subcommand)]
enum Command {
    /// Compile the plugins and the dashboard, which the hub embeds.
    Build,
    /// Start a hub, a mail server and a webhook consumer to look at, and back up a real tree.
    Demo {
        /// Run one night unattended and check how it came out.
        #[arg(long)]
        once: bool,
        /// The folder to do it in; `.demo` when missing.
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
    /// Install what the tests need, then run every check and the demonstration.
    Test,
    /// Measure what the hub must keep up with, and print each figure beside its bound.
    Bench {
        #[command(subcommand)]
        what: bench::What,
    },
    /// Try the property tests on new cases, kill hubs at random moments, again and again, and stop workers, schedulers
    /// and a whole hub for five lease times.
    Soak {
        /// How often they are killed, on each database.
        #[arg(long, default_value_t = 1_000)]
        rounds: u32,
    },
    /// Take each fence of docs/fences.md away, in a copy of the work tree, and see the tests fail that try it.
    Fences {
        /// Only the fence of this name; may be given several times.
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
    },
    /// Compile the hub for release; print its size and SHA-256.
    Dist,
    /// Write the documents anew that are generated from the types.
    Schemas,
}

fn main() -> ExitCode {
    match work(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            steps::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn work(command: Command) -> Result<()> {
    match command {
        Command::Build => build::all(),
        Command::Demo { once, dir } => demo::run(dir, once),
        Command::Test => test::all(),
        Command::Bench { what } => bench::measure(&what),
        Command::Fences { only } => fences::take_away(&only),
        Command::Soak { rounds } => soak::run_tests(rounds),
        Command::Dist => dist::pack(),
        Command::Schemas => build::schemas(),
    }
}
