//! `bench`: what the hub must keep up with, measured by `tests/bench` on this machine.

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::build::{self, BINARY};
use crate::machine;
use crate::steps::{cargo, program, run, step, target};

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Tasks, schedules and workers.
    Tasks(Extent),
    /// Events on their way to those who want to hear of them.
    Notify(Extent),
    /// The dashboard and the API behind it.
    Web(Extent),
}

/// How much is measured.
#[derive(Debug, Default, Args)]
pub(crate) struct Extent {
    /// Small numbers, compiled as the tests are: fails on wrong results only, never on time.
    #[arg(long)]
    pub(crate) short: bool,
    /// Only the measures whose name contains this; may be given several times.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
}

/// Builds what is measured, and measures. Fails when a bound is missed or something could not be measured.
pub(crate) fn measure(what: &What) -> Result<()> {
    build::all()?;
    step("Debian packages", machine::debian_packages)?;
    run_measures(what)
}

/// Compiles the hub and the measures, and measures.
pub(crate) fn run_measures(what: &What) -> Result<()> {
    let (name, Extent { short, only }) = match what {
        What::Tasks(extent) => ("tasks", extent),
        What::Notify(extent) => ("notify", extent),
        What::Web(extent) => ("web", extent),
    };
    let short = *short;
    let profile = if short { "debug" } else { "release" };
    step("compiling what is measured", || {
        let mut compile = cargo();
        // The whole workspace decides about features, so that nothing is compiled again for this.
        compile.args(["build", "--workspace", "--bin", BINARY, "--bin", "bench"]);
        if !short {
            compile.arg("--release");
        }
        run(&mut compile)
    })?;
    let mut bench = program(target()?.join(profile).join("bench"));
    bench.arg(name);
    if short {
        bench.arg("--short");
    }
    for name in only {
        bench.args(["--only", name]);
    }
    step("measuring", || run(&mut bench))
}

/// Every measure in short, compiled as the tests are.
pub(crate) fn short() -> Result<()> {
    let extent = || Extent {
        short: true,
        only: Vec::new(),
    };
    run_measures(&What::Tasks(extent()))?;
    run_measures(&What::Notify(extent()))?;
    run_measures(&What::Web(extent()))
}
