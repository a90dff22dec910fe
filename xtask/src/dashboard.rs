//! The dashboard: installed and built by npm, only when its inputs changed.

use anyhow::{Result, ensure};

use crate::files;
use crate::run::{Workshop, need, run};

/// Builds `core/dashboard` into its `dist`.
pub(crate) fn build(workshop: &Workshop) -> Result<()> {
    let folder = workshop.root.join("core/dashboard");
    need("npm", "the dashboard needs Node 20 or newer")?;
    let versions = workshop.program("node").arg("--version").output()?.stdout;
    let packages = files::fingerprint(
        &[folder.join("package.json"), folder.join("package-lock.json")],
        &[],
    )?;
    let packages = format!("{packages} {}", String::from_utf8_lossy(&versions).trim());
    let installed = folder.join("node_modules/.package-lock.json");
    files::once(workshop, "npm-ci", &packages, &installed, || {
        run(workshop
            .program("npm")
            .current_dir(&folder)
            .args(["ci", "--no-audit", "--no-fund"]))
    })?;

    let sources = files::fingerprint(std::slice::from_ref(&folder), &["node_modules", "dist"])?;
    let page = folder.join("dist/index.html");
    files::once(
        workshop,
        "dashboard",
        &format!("{sources} {packages}"),
        &page,
        || {
            run(workshop
                .program("npm")
                .current_dir(&folder)
                .args(["run", "build"]))
        },
    )?;
    ensure!(
        page.is_file(),
        "npm run build left no core/dashboard/dist/index.html"
    );
    Ok(())
}

/// Runs the checks of the dashboard's own that its `package.json` names.
pub(crate) fn check(workshop: &Workshop) -> Result<()> {
    let folder = workshop.root.join("core/dashboard");
    for script in ["check", "test"] {
        run(workshop
            .program("npm")
            .current_dir(&folder)
            .args(["run", "--if-present", script]))?;
    }
    Ok(())
}
