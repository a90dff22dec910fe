//! `dist`: the binary as it is given away, with its size and SHA-256.

use anyhow::Result;

use crate::build::{self, BINARY};
use crate::files;
use crate::steps::{cargo, products, program, read, run, say, step, target};

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
