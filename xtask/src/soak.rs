//! `soak`: the tests of crashes and stopped hubs at full length.

use anyhow::Result;

use crate::steps::{cargo, run, step};
use crate::{build, machine};

/// Kills hubs `rounds` times on each database, and stops others for five real lease times.
pub(crate) fn run_tests(rounds: u32) -> Result<()> {
    build::all()?;
    step("Debian packages", machine::debian_packages)?;
    step("compiling the hub", || {
        run(cargo().args(["build", "--workspace", "--bin", build::BINARY]))
    })?;
    let tests = [
        "a_hub_survives_kill_9_again_and_again",
        "two_hubs_survive_kill_9_again_and_again",
        "a_worker_that_was_stopped_is_refused",
        "a_scheduler_that_was_stopped_fires_nothing_twice",
        "a_hub_alone_that_was_stopped_goes_on",
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
