//! `test`: every check there is, the quick ones first.

use anyhow::Result;

use crate::steps::{cargo, program, run, say, step};
use crate::{bench, build, dashboard, demo, machine};

/// Installs what is missing, builds, and runs all checks. Stops at the first that fails.
pub(crate) fn all() -> Result<()> {
    step("formatting", || run(cargo().args(["fmt", "--all", "--check"])))?;
    build::all()?;
    step("Debian packages", machine::debian_packages)?;
    step("Python packages", machine::python_packages)?;
    step("programs of Prometheus", machine::prometheus)?;
    step("packages of Node", machine::node_packages)?;
    step("lints", || {
        run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    step("dashboard checks", dashboard::check)?;
    // The same cases each time, so that what fails here is what was changed; soaking draws others.
    step("tests", || {
        run(cargo()
            .args(["test", "--workspace"])
            .env("PROPTEST_RNG_SEED", "1"))
    })?;
    step(
        "tests of whole hubs and of what is told, on PostgreSQL too",
        || {
            // Left out is what is about SQLite's file, and what has several hubs on PostgreSQL in any case.
            let left_out = [
                "soak::",
                "delivered::",
                "restarted::",
                "several::",
                "stopped::",
                "a_second_hub_on_the_same_ledger",
                "a_hub_moves_to_a_server_and_back",
            ];
            let skips = left_out.iter().flat_map(|name| ["--skip", name]);
            let programs = ["hub", "engine", "watch", "egress", "webhooks"];
            run(cargo()
                .args(["test", "--workspace"])
                .args(programs.iter().flat_map(|name| ["--test", name]))
                .arg("--")
                .args(skips)
                .env("IRONCORE_TEST_DATABASE", "postgres"))
        },
    )?;
    step("measures in short", bench::short)?;
    step("licences, bans, sources", || {
        let deny = machine::cargo_deny()?;
        run(program(deny).args(["check", "bans", "licenses", "sources"]))
    })?;
    step("one night", || demo::run(None, true))?;
    say("all checks passed");
    Ok(())
}
