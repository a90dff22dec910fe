//! A copy of the work tree that may be changed. Only what differs is written, so that cargo compiles only that again.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::files;
use crate::steps::{program, read};

/// What crates embed and git does not know: the copy shares it with the work tree.
const SHARED: [&str; 2] = ["build", "core/dashboard/dist"];

/// The copy.
pub(super) struct Copy {
    folder: PathBuf,
}

impl Copy {
    /// Makes the copy of `from`, or makes it current.
    pub(super) fn make(from: &Path, folder: &Path) -> Result<Self> {
        let listed =
            read(program("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
        let names = listed.split('\0').filter(|name| !name.is_empty());
        let listed: BTreeSet<&Path> = names
            .map(Path::new)
            .filter(|name| from.join(name).is_file())
            .collect();
        for name in &listed {
            files::place(&from.join(name), &folder.join(name))?;
        }
        for name in SHARED {
            let (there, here) = (from.join(name), folder.join(name));
            ensure!(there.exists(), "{name} is missing: run cargo xtask build");
            if !here.exists() {
                symlink(&there, &here).with_context(|| here.display().to_string())?;
            }
        }
        remove_others(folder, folder, &listed)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes `new` in place of `old`, which must stand exactly once in `file`, until the gap is closed.
    pub(super) fn replace(&self, file: &Path, old: &str, new: &str) -> Result<Gap> {
        let path = self.folder.join(file);
        let text = fs::read_to_string(&path).with_context(|| file.display().to_string())?;
        let found = text.matches(old).count();
        ensure!(
            found == 1,
            "{} holds the fence {found} times, not once: change xtask/src/fences/table.rs with it:\n{old}",
            file.display()
        );
        files::write(&path, text.replacen(old, new, 1).as_bytes())?;
        Ok(Gap { path, text })
    }
}

/// A file of the copy without its fence. One that is not closed is closed when the copy is made current.
#[must_use]
pub(super) struct Gap {
    path: PathBuf,
    text: String,
}

impl Gap {
    pub(super) fn close(self) -> Result<()> {
        files::write(&self.path, self.text.as_bytes())
    }
}

/// Removes what the work tree no longer has: cargo finds tests by their files.
fn remove_others(root: &Path, folder: &Path, files: &BTreeSet<&Path>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            remove_others(root, &path, files)?;
        } else if kind.is_file() && !path.strip_prefix(root).is_ok_and(|name| files.contains(name)) {
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}
