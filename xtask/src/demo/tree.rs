//! The tree that the demonstration backs up: copies of real files that every machine with Rust has.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::steps::{root, say};

/// Copies folders until the tree has `wanted` bytes, and adds what plain folders lack. Done once.
pub(crate) fn assemble(tree: &Path, wanted: u64) -> Result<PathBuf> {
    let ready = tree.with_extension("ready");
    if ready.exists() {
        return Ok(tree.to_owned());
    }
    if tree.exists() {
        std::fs::remove_dir_all(tree)?;
    }
    std::fs::create_dir_all(tree)?;
    let mut bytes = 0;
    for (name, from) in sources()? {
        if bytes >= wanted {
            break;
        }
        if !from.is_dir() {
            continue;
        }
        say(&format!("copying {} into the tree to back up", from.display()));
        copy(&from, &tree.join(name))?;
        bytes = size(tree)?;
    }
    ensure!(
        bytes >= wanted,
        "only {bytes} bytes of real files were found; {wanted} are wanted"
    );
    oddities(&tree.join("oddities"))?;
    std::fs::File::create(ready)?;
    Ok(tree.to_owned())
}

/// Folders with many real files, in the order they are taken.
fn sources() -> Result<Vec<(&'static str, PathBuf)>> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output()?;
    let sysroot = PathBuf::from(String::from_utf8(output.stdout)?.trim());
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(Path::new(&home).join(".cargo"))
    });
    let mut sources = vec![("toolchain", sysroot)];
    sources.extend(cargo.map(|cargo| ("crates", cargo.join("registry/src"))));
    sources.push(("modules", root().join("core/dashboard/node_modules")));
    sources.push(("programs", PathBuf::from("/usr/lib")));
    Ok(sources)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp")
        .args(["-a", "--reflink=auto"])
        .arg(from)
        .arg(to)
        .status()?;
    ensure!(status.success(), "cp -a {} ended with {status}", from.display());
    Ok(())
}

fn size(tree: &Path) -> Result<u64> {
    let output = Command::new("du")
        .args(["-s", "--apparent-size", "--block-size=1"])
        .arg(tree)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    text.split_whitespace()
        .next()
        .and_then(|n| n.parse().ok())
        .context("du printed no number")
}

/// A sparse file, hard links, a symbolic link to nowhere, odd names and times.
fn oddities(folder: &Path) -> Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    use std::os::unix::fs::{PermissionsExt, symlink};
    std::fs::create_dir_all(folder.join("empty"))?;
    let mut sparse = std::fs::File::create(folder.join("sparse.img"))?;
    sparse.write_all(b"begin")?;
    sparse.seek(SeekFrom::Start(64 << 20))?;
    sparse.write_all(b"end")?;
    let linked = folder.join("one name");
    std::fs::File::create(&linked)?.write_all(b"one file, two names\n")?;
    std::fs::hard_link(&linked, folder.join("another name"))?;
    symlink("nowhere", folder.join("dangling"))?;
    let odd = folder.join("Übergröße, 日本, \"quotes\" & 'more'");
    std::fs::File::create(&odd)?;
    std::fs::set_permissions(&odd, std::fs::Permissions::from_mode(0o640))?;
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_nanos(1_000_000_000_123_456_789);
    std::fs::File::options()
        .write(true)
        .open(&odd)?
        .set_modified(old)?;
    Ok(())
}
