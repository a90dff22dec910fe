//! `build`: everything that crates embed; `schemas`: everything that is generated and checked in.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::steps::{cargo, run, say, step, target};
use crate::{dashboard, plugins};

/// The program, as cargo and people call it.
pub(crate) const BINARY: &str = "ironcore-backup";

/// Plugins and dashboard. The hub itself is left to cargo, which finds them in place.
pub(crate) fn all() -> Result<()> {
    step("plugins", plugins::build)?;
    step("example plugins", plugins::build_examples)?;
    step("dashboard", dashboard::build)?;
    say("built: build/plugins, build/plugins-examples, core/dashboard/dist");
    Ok(())
}

/// The hub's program for development, compiled when it must be. The whole workspace decides about features of
/// dependencies, as it does for the tests, so that neither compiles them again for the other.
pub(crate) fn binary() -> Result<PathBuf> {
    step("hub", || {
        run(cargo().args(["build", "--workspace", "--bin", BINARY]))
    })?;
    Ok(target()?.join("debug").join(BINARY))
}

/// Installs the packages that `folder` has locked, unless they are there.
pub(crate) fn node_packages(folder: &Path) -> Result<()> {
    dashboard::install(folder).map(drop)
}

/// Writes the schemas of events and the list of error codes; their tests compare otherwise.
pub(crate) fn schemas() -> Result<()> {
    step("schemas and error codes", || {
        let test = ["test", "--quiet", "-p", "ironcore-types", "--test", "generated"];
        run(cargo().args(test).env("UPDATE", "1"))
    })?;
    say("written: docs/schemas, docs/errors.md");
    Ok(())
}
