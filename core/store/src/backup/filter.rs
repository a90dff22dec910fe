//! Which paths a backup takes: globs relative to the tree.
//!
//! A pattern without `/` (but for one at its end) matches a name at any depth; any other is anchored at the
//! tree's root. One that ends in `/` matches folders only. `*` and `?` do not match `/`, `**` does. A folder
//! that is excluded is not entered.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::error::{Result, StoreError};

#[derive(Debug, Default)]
struct Patterns {
    any: GlobSet,
    folders: GlobSet,
    empty: bool,
}

impl Patterns {
    fn new(patterns: &[String]) -> Result<Self> {
        let fail = |error: globset::Error| StoreError::Request(format!("pattern is not valid: {error}"));
        let (mut any, mut folders) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for pattern in patterns {
            let body = pattern.trim_end_matches('/');
            if body.trim_start_matches('/').is_empty() {
                return Err(StoreError::Request(format!("pattern {pattern:?} is empty")));
            }
            let glob = if body.contains('/') {
                body.trim_start_matches('/').to_owned()
            } else {
                format!("**/{body}")
            };
            let glob = GlobBuilder::new(&glob)
                .literal_separator(true)
                .build()
                .map_err(fail)?;
            if pattern.ends_with('/') {
                folders.add(glob)
            } else {
                any.add(glob)
            };
        }
        let (any, folders) = (any.build().map_err(fail)?, folders.build().map_err(fail)?);
        Ok(Self {
            any,
            folders,
            empty: patterns.is_empty(),
        })
    }

    fn matches(&self, path: &[u8], folder: bool) -> bool {
        let path = Path::new(OsStr::from_bytes(path));
        self.any.is_match(path) || (folder && self.folders.is_match(path))
    }
}

/// Decides about paths.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    exclude: Patterns,
    include: Patterns,
}

impl Filter {
    pub(crate) fn new(exclude: &[String], include: &[String]) -> Result<Self> {
        Ok(Self {
            exclude: Patterns::new(exclude)?,
            include: Patterns::new(include)?,
        })
    }

    /// Whether the entry is left out, with everything in it.
    pub(crate) fn excludes(&self, path: &[u8], folder: bool) -> bool {
        self.exclude.matches(path, folder)
    }

    /// Whether an entry that is no folder is taken. With include patterns it must match one itself, or be
    /// below a folder that does; folders are always there, since anything may be below them.
    pub(crate) fn includes(&self, path: &[u8]) -> bool {
        if self.include.empty || self.include.matches(path, false) {
            return true;
        }
        let parents = path
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| &path[..at]);
        parents
            .into_iter()
            .any(|parent| self.include.matches(parent, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(exclude: &[&str], include: &[&str]) -> Filter {
        let owned = |patterns: &[&str]| patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
        Filter::new(&owned(exclude), &owned(include)).expect("filter")
    }

    #[test]
    fn patterns_mean_what_they_say() {
        let f = filter(&["*.tmp", "/cache", "a/*/c", "logs/", "deep/**/x"], &[]);
        for (path, folder, out) in [
            (&b"x.tmp"[..], false, true),
            (b"a/b/x.tmp", false, true),
            (b"cache", true, true),
            (b"a/cache", true, false),
            (b"a/b/c", false, true),
            (b"a/b/b/c", false, false),
            (b"logs", true, true),
            (b"logs", false, false),
            (b"a/logs", true, true),
            (b"deep/1/2/x", false, true),
            (b"\xff.tmp", false, true),
            (b"x.tmpl", false, false),
        ] {
            assert_eq!(
                f.excludes(path, folder),
                out,
                "{:?}",
                String::from_utf8_lossy(path)
            );
        }
        let f = filter(&[], &["*.rs", "/docs"]);
        assert!(f.includes(b"a/b.rs") && f.includes(b"docs/a/b.md") && !f.includes(b"a/b.md"));
        assert!(Filter::new(&["[".to_owned()], &[]).is_err());
        assert!(Filter::new(&["/".to_owned()], &[]).is_err());
    }
}
