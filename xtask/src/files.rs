//! Files of the checkout: copied only when they differ, and stamps that remember what a product was made from.
#![expect(
    clippy::disallowed_methods,
    reason = "products of the build, which the next build makes anew"
)]

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::steps::{note, products};

/// Copies `from` to `to` unless they are equal already, so that nothing that embeds `to` is compiled in vain.
pub(crate) fn place(from: &Path, to: &Path) -> Result<()> {
    let content = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    write(to, &content)
}

/// Moves a file to another folder of the same file system.
pub(crate) fn take(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
    fs::rename(from, to).with_context(|| format!("cannot move {}", from.display()))
}

/// Writes `content` to `path` unless it is there already; a reader sees the old or the new, never a part.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|found| found == content) {
        return Ok(());
    }
    let folder = path.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let partial = path.with_extension("partial");
    fs::write(&partial, content).with_context(|| format!("cannot write {}", partial.display()))?;
    fs::rename(&partial, path).with_context(|| format!("cannot write {}", path.display()))
}

/// SHA-256 of one file, in hex.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hex::encode(Sha256::digest(content)))
}

/// Does `work` unless `name` was made from the same `inputs` before and `product` is still there.
pub(crate) fn once(
    name: &str,
    inputs: &str,
    product: &Path,
    work: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let stamp = products().join("stamps").join(name);
    if product.exists() && fs::read_to_string(&stamp).is_ok_and(|found| found == inputs) {
        note(&format!("{name}: nothing changed"));
        return Ok(());
    }
    work()?;
    write(&stamp, inputs.as_bytes())
}

/// One hash over the names and contents of files, and of all files within folders, but for folders named in `skip`.
pub(crate) fn fingerprint(paths: &[PathBuf], skip: &[&str]) -> Result<String> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, skip, &mut files)?;
    }
    files.sort();
    let mut all = Sha256::new();
    for file in files {
        all.update(file.as_os_str().as_encoded_bytes());
        all.update(sha256(&file)?);
    }
    Ok(hex::encode(all.finalize()))
}

fn collect(path: &Path, skip: &[&str], files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
    } else if path.is_dir() {
        for entry in fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
            let entry = entry?;
            if !skip.iter().any(|name| entry.file_name() == *name) {
                collect(&entry.path(), skip, files)?;
            }
        }
    }
    Ok(())
}
