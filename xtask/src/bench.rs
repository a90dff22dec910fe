//! `bench`: what the hub must keep up with, measured by `tests/bench` on this machine.

use anyhow::Result;
use clap::Subcommand;

use crate::build::{self, BINARY};
use crate::machine;
use crate::steps::{cargo, program, run, step, target};

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Tasks, schedules and workers.
    Tasks {
        /// Small numbers, compiled as the tests are: fails on wrong results only, never on time.
        #[arg(long)]
        short: bool,
        /// Only the measures whose name contains this; may be given several times.
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
    },
}

/// Builds what is measured, and measures. Fails when a bound is missed or something could not be measured.
pub(crate) fn measure(what: &What) -> Result<()> {
    let What::Tasks { short, only } = what;
    build::all()?;
    step("Debian packages", machine::debian_packages)?;
    tasks(*short, only)
}

/// Compiles the hub and the measures, and measures.
pub(crate) fn tasks(short: bool, only: &[String]) -> Result<()> {
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
    bench.arg("tasks");
    if short {
        bench.arg("--short");
    }
    for name in only {
        bench.args(["--only", name]);
    }
    step("measuring", || run(&mut bench))
}
