//! `bench`: measures what the hub must keep up with, and prints each figure beside its bound. `cargo xtask bench` builds
//! it for release and runs it; its short form, with small numbers, checks results and never time.

#![expect(clippy::print_stdout, reason = "this program talks to a terminal")]

mod machine;
mod measure;
mod notify;
mod place;
mod process;
mod report;
mod tasks;
mod web;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bench", about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Measures what the hub must keep up with.
#[derive(Subcommand)]
enum Command {
    /// Tasks, schedules and workers.
    Tasks(Extent),
    /// Events on their way to those who want to hear of them.
    Notify(Extent),
    /// The dashboard and the API behind it.
    Web(Extent),
}

/// How much is measured.
#[derive(Args)]
struct Extent {
    /// Small numbers: fails on wrong results only, never on time.
    #[arg(long)]
    short: bool,
    /// Only the measures whose name contains this; may be given several times.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
}

fn main() -> Result<ExitCode> {
    let command = Arguments::parse().command;
    // Whoever else has chosen one before is as good.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (report, short) = match command {
        Command::Tasks(Extent { short, only }) => (runtime.block_on(tasks::all(short, &only)), short),
        Command::Notify(Extent { short, only }) => (runtime.block_on(notify::all(short, &only)), short),
        Command::Web(Extent { short, only }) => (runtime.block_on(web::all(short, &only)), short),
    };
    println!("\n{report}");
    // What was left out by wish is not unmeasured.
    Ok(if report.stands(short) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A line about what goes on.
fn say(what: &str) {
    println!("    {what}");
}
