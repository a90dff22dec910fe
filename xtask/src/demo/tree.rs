//! The tree that the demonstration backs up: copies of real files that every machine with Rust has.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::oddities;
use crate::steps::{root, say};

/// The tree as people find it: oddities and real files. Done once.
pub(crate) fn assemble(tree: &Path, wanted: u64) -> Result<()> {
    let ready = tree.with_extension("ready");
    if ready.exists() {
        return Ok(());
    }
    if tree.exists() {
        std::fs::remove_dir_all(tree)?;
    }
    begin(tree)?;
    fill(tree, wanted)?;
    std::fs::File::create(ready)?;
    Ok(())
}

/// A small tree: what plain folders lack, and nothing else.
pub(crate) fn begin(tree: &Path) -> Result<()> {
    std::fs::create_dir_all(tree)?;
    oddities::make(&tree.join("oddities"))
}

/// Adds a folder with `bytes` that no compression makes smaller.
pub(crate) fn add_noise(tree: &Path, bytes: u64) -> Result<PathBuf> {
    let folder = tree.join("noise");
    std::fs::create_dir(&folder)?;
    let mut noise = std::fs::File::open("/dev/urandom")?.take(bytes);
    std::io::copy(&mut noise, &mut std::fs::File::create(folder.join("noise"))?)?;
    Ok(folder)
}

/// Copies folders of real files until the tree has `wanted` bytes more.
pub(crate) fn fill(tree: &Path, wanted: u64) -> Result<()> {
    let before = size(tree)?;
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
        bytes = size(tree)? - before;
    }
    ensure!(
        bytes >= wanted,
        "only {bytes} bytes of real files were found; {wanted} are wanted"
    );
    Ok(())
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
