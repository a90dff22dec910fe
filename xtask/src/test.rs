//! `test`: every check there is, the quick ones first.

use anyhow::Result;

use crate::run::{Workshop, run, say, step};
use crate::{build, dashboard, machine};

/// Installs what is missing, builds, and runs all checks. Stops at the first that fails.
pub(crate) fn all(workshop: &Workshop) -> Result<()> {
    step("formatting", || {
        run(workshop.cargo().args(["fmt", "--all", "--check"]))
    })?;
    build::all(workshop)?;
    step("Debian packages", || machine::debian_packages(workshop))?;
    step("Python packages", || machine::python_packages(workshop))?;
    step("lints", || {
        run(workshop
            .cargo()
            .args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    step("dashboard checks", || dashboard::check(workshop))?;
    step("tests", || run(workshop.cargo().args(["test", "--workspace"])))?;
    step("licences, bans, sources", || {
        let deny = machine::cargo_deny(workshop)?;
        run(workshop
            .program(deny)
            .args(["check", "bans", "licenses", "sources"]))
    })?;
    say("all checks passed");
    Ok(())
}
