//! `dist`: the binary as it is given away, with its size and SHA-256, its completions and its man pages.

use std::path::Path;

use anyhow::Result;

use crate::build::{self, BINARY};
use crate::files;
use crate::steps::{cargo, note, products, program, read, run, say, step, target};

/// Compiles for release into `build/dist`.
pub(crate) fn pack() -> Result<()> {
    build::all()?;
    let made = step("release binary", || {
        run(cargo().args(["build", "--release", "-p", "ironcore-cli", "--bin", BINARY]))?;
        let host = read(program("rustc").args(["--print", "host-tuple"]))?;
        let name = format!("{BINARY}-{}-{}", env!("CARGO_PKG_VERSION"), host.trim());
        let made = products().join("dist").join(name);
        files::place(&target()?.join("release").join(BINARY), &made)?;
        std::fs::set_permissions(&made, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        Ok(made)
    })?;
    step("completions and man pages", || documents(&made))?;
    let name = made
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let digest = files::sha256(&made)?;
    files::write(
        &products().join("dist/SHA256SUMS"),
        format!("{digest}  {name}\n").as_bytes(),
    )?;
    let size = std::fs::metadata(&made)?.len();
    say(&format!(
        "build/dist/{name}: {:.1} MB ({size} bytes), SHA-256 {digest}",
        size as f64 / 1e6
    ));
    Ok(())
}

/// What the binary says about itself: completions for the usual shells, and a man page for every command.
fn documents(binary: &Path) -> Result<()> {
    let dist = products().join("dist");
    let scripts = [
        ("bash", format!("{BINARY}.bash")),
        ("zsh", format!("_{BINARY}")),
        ("fish", format!("{BINARY}.fish")),
    ];
    for (shell, file) in scripts {
        let script = read(program(binary).args(["completions", shell]))?;
        files::write(&dist.join("completions").join(file), script.as_bytes())?;
    }
    let pages = read(program(binary).args(["man", "--dir"]).arg(dist.join("man")))?;
    // The first line is the head of the list.
    note(&format!("{} man pages", pages.lines().count().saturating_sub(1)));
    Ok(())
}
