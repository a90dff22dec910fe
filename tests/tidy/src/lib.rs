//! The source tree as the checks of the house see it: every file that people write, as text.
//!
//! The checks themselves are in `tests/house`.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders with products, downloads and history instead of sources.
const NOT_OURS: [&str; 7] = [
    "target",
    "build",
    "node_modules",
    "dist",
    ".git",
    ".demo",
    "snapshots",
];

/// One file of the source tree.
pub struct Source {
    /// Its path below the root, with `/`.
    pub path: String,
    /// What it holds.
    pub text: String,
}

impl Source {
    /// Whether its name ends with one of `endings`.
    pub fn ends_with(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }

    /// How many lines it has.
    pub fn lines(&self) -> usize {
        self.text.lines().count()
    }
}

/// The root of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every text file of the project, by path.
///
/// # Panics
/// When a folder cannot be read.
pub fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root(), "", &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(found.len() > 50, "the walk found {} files only", found.len());
    found
}

fn collect(folder: &Path, below: &str, found: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() {
            name.clone()
        } else {
            format!("{below}/{name}")
        };
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) {
            collect(&entry.path(), &path, found);
        } else if kind.is_file() {
            // What is not text is not written by people.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                found.push(Source { path, text });
            }
        }
    }
}

/// Fails with all of `faults`, unless there are none.
///
/// # Panics
/// That is what it is for.
pub fn expect_none(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}
