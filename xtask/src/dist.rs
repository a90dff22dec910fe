//! `dist`: the binary as it is given away, with its size and SHA-256.

use anyhow::Result;

use crate::run::{Workshop, read, run, say, step};
use crate::{build, files};

/// The program, as cargo and people call it.
const BINARY: &str = "ironcore-backup";

/// Compiles for release into `build/dist`.
pub(crate) fn pack(workshop: &Workshop) -> Result<()> {
    build::all(workshop)?;
    let made = step("release binary", || {
        run(workshop
            .cargo()
            .args(["build", "--release", "-p", "ironcore-cli", "--bin", BINARY]))?;
        let host = read(workshop.program("rustc").args(["--print", "host-tuple"]))?;
        let name = format!("{BINARY}-{}-{}", env!("CARGO_PKG_VERSION"), host.trim());
        let made = workshop.build.join("dist").join(name);
        files::place(&workshop.target.join("release").join(BINARY), &made)?;
        std::fs::set_permissions(&made, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        Ok(made)
    })?;
    let name = made
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let digest = files::sha256(&made)?;
    files::write(
        &workshop.build.join("dist/SHA256SUMS"),
        format!("{digest}  {name}\n").as_bytes(),
    )?;
    let size = std::fs::metadata(&made)?.len();
    say(&format!(
        "build/dist/{name}: {:.1} MB ({size} bytes), SHA-256 {digest}",
        size as f64 / 1e6
    ));
    Ok(())
}
