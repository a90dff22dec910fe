//! Plugins: the built-in ones of the workspace and the examples outside it, compiled to WebAssembly components.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::files;
use crate::steps::{self, cargo, note, products, program, read, root, run, succeeds};

const TARGET: &str = "wasm32-wasip2";

/// The built-in plugins; the package of each is `ironcore-plugin-NAME`.
const BUILT_IN: [&str; 5] = ["email", "webhook", "inbox", "remediation", "metrics"];

/// Compiles the built-in plugins to `build/plugins/NAME.wasm`.
pub(crate) fn build() -> Result<()> {
    component_target()?;
    let mut cargo = cargo();
    cargo.args(["build", "--profile", "plugin", "--target", TARGET]);
    for name in BUILT_IN {
        cargo.args(["-p", &format!("ironcore-plugin-{name}")]);
    }
    run(&mut cargo)?;
    for name in BUILT_IN {
        let made = steps::target()?
            .join(TARGET)
            .join("plugin")
            .join(format!("ironcore_plugin_{name}.wasm"));
        place(&made, &products().join("plugins").join(format!("{name}.wasm")))?;
    }
    Ok(())
}

/// Compiles each plugin below `examples/plugins`, as its author would, to `build/plugins-examples/FOLDER.wasm`.
pub(crate) fn build_examples() -> Result<()> {
    component_target()?;
    let cargo_folder = steps::target()?.join("examples");
    for folder in example_folders(&root().join("examples/plugins"))? {
        let manifest = folder.join("Cargo.toml");
        let name = folder
            .file_name()
            .context("an example has a name")?
            .to_string_lossy()
            .into_owned();
        let mut cargo = cargo();
        cargo
            .args(["build", "--release", "--target", TARGET, "--manifest-path"])
            .arg(&manifest);
        if folder.join("Cargo.lock").is_file() {
            cargo.arg("--locked");
        }
        run(cargo.env("CARGO_TARGET_DIR", &cargo_folder))?;
        let made = cargo_folder
            .join(TARGET)
            .join("release")
            .join(library(&manifest)? + ".wasm");
        place(
            &made,
            &products().join("plugins-examples").join(format!("{name}.wasm")),
        )?;
    }
    Ok(())
}

fn place(made: &Path, to: &Path) -> Result<()> {
    files::place(made, to)?;
    let size = std::fs::metadata(to)?.len();
    let name = to
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    note(&format!("{name}: {} kB", size.div_ceil(1000)));
    Ok(())
}

/// The folders with a package, by name; none when there are no examples.
fn example_folders(parent: &Path) -> Result<Vec<PathBuf>> {
    if !parent.is_dir() {
        return Ok(Vec::new());
    }
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(parent)? {
        let folder = entry?.path();
        if folder.join("Cargo.toml").is_file() {
            folders.push(folder);
        }
    }
    folders.sort();
    Ok(folders)
}

/// The file name, without extension, of the library that a package makes.
fn library(manifest: &Path) -> Result<String> {
    let arguments = [
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
        "--manifest-path",
    ];
    let text = read(cargo().args(arguments).arg(manifest))?;
    let metadata: serde_json::Value = serde_json::from_str(&text).context("cargo metadata")?;
    let targets = metadata["packages"][0]["targets"]
        .as_array()
        .into_iter()
        .flatten();
    let is_library = |target: &&serde_json::Value| {
        target["kind"]
            .as_array()
            .is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
    };
    let name = targets
        .into_iter()
        .find(is_library)
        .and_then(|target| target["name"].as_str());
    let name = name.with_context(|| format!("{} makes no library of type cdylib", manifest.display()))?;
    Ok(name.replace('-', "_"))
}

/// Makes sure that the compiler can make WebAssembly components.
fn component_target() -> Result<()> {
    let libraries = read(program("rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    if Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    if !succeeds(program("rustup").arg("--version")) {
        bail!("the compiler lacks the target {TARGET}, and there is no rustup to install it with");
    }
    run(program("rustup").args(["target", "add", TARGET]))
        .with_context(|| format!("the plugins need the target {TARGET}: run `rustup target add {TARGET}`"))
}
