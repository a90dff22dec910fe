//! `cargo xtask`: builds, tests and packs the project, and installs what that needs.
//!
//! Every command says what it does, may be run again at any time, and then does only what is left to do. What the
//! hub does is left to the crates under `core`.

mod build;
mod dashboard;
mod dist;
mod files;
mod machine;
mod plugins;
mod run;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use run::Workshop;

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
    /// Install what the tests need, then run every check.
    Test,
    /// Compile the hub for release; print its size and SHA-256.
    Dist,
    /// Write the documents anew that are generated from the types.
    Schemas,
}

fn main() -> ExitCode {
    match work(&Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            run::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn work(command: &Command) -> Result<()> {
    let workshop = Workshop::find()?;
    match command {
        Command::Build => build::all(&workshop),
        Command::Test => test::all(&workshop),
        Command::Dist => dist::pack(&workshop),
        Command::Schemas => build::schemas(&workshop),
    }
}
