//! Node packages, and the dashboard: installed and built by npm, only when the inputs changed.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::files;
use crate::steps::{need, program, root, run};

/// Installs what `package-lock.json` of `folder` names. Gives a text that changes when the packages do.
pub(crate) fn install(folder: &Path) -> Result<String> {
    need("npm", "the dashboard and the demonstration need Node 20 or newer")?;
    let node = program("node").arg("--version").output()?.stdout;
    let manifests = [folder.join("package.json"), folder.join("package-lock.json")];
    let packages = format!(
        "{} {}",
        files::fingerprint(&manifests, &[])?,
        String::from_utf8_lossy(&node).trim()
    );
    let name = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let installed = folder.join("node_modules/.package-lock.json");
    files::once(&format!("npm-{name}"), &packages, &installed, || {
        run(program("npm")
            .current_dir(folder)
            .args(["ci", "--no-audit", "--no-fund"]))
    })?;
    Ok(packages)
}

/// Builds `core/dashboard` into its `dist`.
pub(crate) fn build() -> Result<()> {
    let folder = root().join("core/dashboard");
    let packages = install(&folder)?;
    // The types of the API are generated from its document.
    let inputs = [folder.clone(), root().join("docs/openapi.json")];
    let sources = files::fingerprint(&inputs, &["node_modules", "dist", "generated"])?;
    let page = folder.join("dist/index.html");
    files::once("dashboard", &format!("{sources} {packages}"), &page, || {
        run(program("npm").current_dir(&folder).args(["run", "build"]))
    })?;
    ensure!(
        page.is_file(),
        "npm run build left no core/dashboard/dist/index.html"
    );
    Ok(())
}

/// Runs the checks of the dashboard's own that its `package.json` names.
pub(crate) fn check() -> Result<()> {
    let folder = root().join("core/dashboard");
    for script in ["check", "test"] {
        run(program("npm")
            .current_dir(&folder)
            .args(["run", "--if-present", script]))?;
    }
    Ok(())
}
