//! `build`: everything that crates embed; `schemas`: everything that is generated and checked in.

use anyhow::Result;

use crate::run::{Workshop, run, say, step};
use crate::{dashboard, plugins};

/// Plugins and dashboard. The hub itself is left to cargo, which finds them in place.
pub(crate) fn all(workshop: &Workshop) -> Result<()> {
    step("plugins", || plugins::build(workshop))?;
    step("example plugins", || plugins::build_examples(workshop))?;
    step("dashboard", || dashboard::build(workshop))?;
    say("built: build/plugins, build/plugins-examples, core/dashboard/dist");
    Ok(())
}

/// Writes the schemas of events and the list of error codes; their tests compare otherwise.
pub(crate) fn schemas(workshop: &Workshop) -> Result<()> {
    step("schemas and error codes", || {
        let test = ["test", "--quiet", "-p", "ironcore-types", "--test", "generated"];
        run(workshop.cargo().args(test).env("UPDATE", "1"))
    })?;
    say("written: docs/schemas, docs/errors.md");
    Ok(())
}
