//! `soak`: the tests of crashes and stopped workers at full length.

use anyhow::Result;

use crate::steps::{cargo, run, step};
use crate::{build, machine};

/// Kills the hub `rounds` times, and stops a worker for five real lease times.
pub(crate) fn run_tests(rounds: u32) -> Result<()> {
    build::all()?;
    step("Debian packages", machine::debian_packages)?;
    step("compiling the hub", || {
        run(cargo().args(["build", "--workspace", "--bin", build::BINARY]))
    })?;
    let tests = [
        "a_hub_survives_kill_9_again_and_again",
        "a_worker_that_was_stopped_is_refused",
    ];
    step("property tests on other cases", || {
        run(cargo().args([
            "test",
            "--workspace",
            "--test",
            "calendar_reference",
            "--test",
            "upid",
        ]))?;
        run(cargo().args(["test", "--workspace", "--test", "model"]))?;
        run(cargo().args([
            "test",
            "--workspace",
            "--test",
            "sqlite",
            "--test",
            "postgres",
            "--",
            "model::",
        ]))
    })?;
    step("soaking", || {
        run(cargo()
            .args(["test", "--workspace", "--test", "hub", "--"])
            .args(tests)
            .arg("--nocapture")
            .env("IRONCORE_SOAK_ROUNDS", rounds.to_string()))
    })
}
