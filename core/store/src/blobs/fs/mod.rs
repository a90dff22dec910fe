//! Blobs as files of a folder.
//!
//! A new blob is written to `tmp/`, synced, renamed without replacing, and the folder that now holds it is
//! synced; so it is durable before it is visible, and visible only whole. That is left to `writer` and `durable`;
//! here is everything that reads, lists and removes, and what errors mean.

mod durable;
mod writer;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use rustix::fs::{FlockOperation, RenameFlags, flock};
use rustix::io::Errno;

use super::{BlobError, BlobErrorKind, BlobMeta, BlobWriter, Blobs, Space};
use crate::layout;
use durable::sync_folder;
use writer::FsWriter;

const UNFINISHED: &str = "tmp";

/// Blobs as files of a folder. Cheap to clone.
#[derive(Debug, Clone)]
pub struct FsBlobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    counter: AtomicU64,
    /// Folders that are known to be there and durable.
    folders: Mutex<HashSet<PathBuf>>,
}

impl FsBlobs {
    /// Blobs below `root`, which need not be there yet.
    pub fn new(root: &Path) -> Self {
        let inner = Inner {
            root: root.to_owned(),
            counter: AtomicU64::new(0),
            folders: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Whether the folder is missing or holds nothing, but for what a crash in the first moment leaves.
    pub fn is_empty(&self) -> Result<bool, BlobError> {
        let entries = match fs::read_dir(&self.inner.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(BlobError::new("list", "/", BlobErrorKind::Io, error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| BlobError::new("list", "/", BlobErrorKind::Io, error))?;
            if entry.file_name() != UNFINISHED && entry.file_name() != "lost+found" {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes the root folder, durable with its parents.
    pub(crate) fn create_root(&self) -> Result<(), BlobError> {
        let root = self.inner.root.clone();
        self.inner
            .make_folder(&root, true)
            .map_err(|error| self.inner.error("write", "/", error))
    }
}

impl Inner {
    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn error(&self, action: &'static str, name: &str, source: io::Error) -> BlobError {
        let errno = Errno::from_io_error(&source);
        let kind = match errno {
            Some(Errno::NOSPC | Errno::DQUOT) => match rustix::fs::statvfs(&self.root) {
                Ok(stat) if stat.f_files > 0 && stat.f_favail == 0 => BlobErrorKind::Inodes,
                _ => BlobErrorKind::Full,
            },
            Some(Errno::NOENT) if !self.path(layout::CONFIG).exists() => BlobErrorKind::Offline,
            Some(Errno::NOENT) => BlobErrorKind::NotFound,
            Some(Errno::EXIST) => BlobErrorKind::Exists,
            Some(Errno::STALE | Errno::NOTCONN | Errno::HOSTDOWN | Errno::NODEV | Errno::NXIO) => {
                BlobErrorKind::Offline
            }
            _ => BlobErrorKind::Io,
        };
        BlobError::new(action, name, kind, source)
    }
}

impl Blobs for FsBlobs {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, BlobError> {
        Ok(Box::new(FsWriter::open(&self.inner, name)?))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), BlobError> {
        let mut writer = FsWriter::open(&self.inner, name)?;
        writer.write(bytes)?;
        writer.finish(RenameFlags::empty())
    }

    fn get(&self, name: &str) -> Result<Vec<u8>, BlobError> {
        fs::read(self.inner.path(name)).map_err(|error| self.inner.error("read", name, error))
    }

    fn get_range(&self, name: &str, offset: u64, len: usize) -> Result<Vec<u8>, BlobError> {
        let read = || {
            let file = File::open(self.inner.path(name))?;
            // A length from a damaged index must not make us ask for all memory.
            if file.metadata()?.len() < offset.saturating_add(len as u64) {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let mut bytes = vec![0; len];
            file.read_exact_at(&mut bytes, offset)?;
            Ok(bytes)
        };
        read().map_err(|error| self.inner.error("read", name, error))
    }

    fn list(&self, prefix: &str) -> Result<Vec<BlobMeta>, BlobError> {
        let mut found = Vec::new();
        let mut folders = vec![prefix.trim_end_matches('/').to_owned()];
        while let Some(folder) = folders.pop() {
            let fail = |error| self.inner.error("list", &folder, error);
            let entries = match fs::read_dir(self.inner.path(&folder)) {
                Ok(entries) => entries,
                Err(error) => match fail(error) {
                    error if error.kind == BlobErrorKind::NotFound => continue,
                    error => return Err(error),
                },
            };
            for entry in entries {
                let entry = entry.map_err(fail)?;
                let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                    continue;
                };
                let name = if folder.is_empty() {
                    name
                } else {
                    format!("{folder}/{name}")
                };
                let kind = entry.file_type().map_err(fail)?;
                if kind.is_dir() {
                    if name != UNFINISHED {
                        folders.push(name);
                    }
                } else if kind.is_file() {
                    match entry.metadata() {
                        Ok(meta) => found.push(BlobMeta {
                            name,
                            size: meta.len(),
                        }),
                        Err(error) if error.kind() == ErrorKind::NotFound => {}
                        Err(error) => return Err(fail(error)),
                    }
                }
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn size(&self, name: &str) -> Result<Option<u64>, BlobError> {
        match fs::metadata(self.inner.path(name)) {
            Ok(meta) => Ok(Some(meta.len())),
            Err(error) => match self.inner.error("read", name, error) {
                error if error.kind == BlobErrorKind::NotFound => Ok(None),
                error => Err(error),
            },
        }
    }

    fn delete(&self, name: &str) -> Result<(), BlobError> {
        let path = self.inner.path(name);
        let result = fs::remove_file(&path).and_then(|()| path.parent().map_or(Ok(()), sync_folder));
        match result.map_err(|error| self.inner.error("delete", name, error)) {
            Err(error) if error.kind == BlobErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    fn space(&self) -> Result<Space, BlobError> {
        let stat = rustix::fs::statvfs(&self.inner.root)
            .map_err(|error| self.inner.error("read", "/", error.into()))?;
        Ok(Space {
            total: Some(stat.f_blocks.saturating_mul(stat.f_frsize)),
            available: Some(stat.f_bavail.saturating_mul(stat.f_frsize)),
        })
    }

    fn remove_unfinished(&self) -> Result<u64, BlobError> {
        let fail = |error| self.inner.error("delete", UNFINISHED, error);
        let entries = match fs::read_dir(self.inner.path(UNFINISHED)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(fail(error)),
        };
        let mut count = 0;
        for entry in entries {
            let path = entry.map_err(fail)?.path();
            let left = File::open(&path).and_then(|file| {
                flock(&file, FlockOperation::NonBlockingLockExclusive)?;
                fs::remove_file(&path)
            });
            match left {
                Ok(()) => count += 1,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(fail(error)),
            }
        }
        Ok(count)
    }

    fn local_root(&self) -> Option<&Path> {
        Some(&self.inner.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, FsBlobs) {
        let folder = tempfile::tempdir().expect("folder");
        let blobs = FsBlobs::new(folder.path());
        blobs.put_new(layout::CONFIG, b"{}").expect("config");
        (folder, blobs)
    }

    #[test]
    fn a_blob_is_new_or_refused_and_ranges_are_exact() {
        let (_folder, blobs) = store();
        blobs.put_new("a/b/c", b"hello").expect("new");
        assert_eq!(
            blobs.put_new("a/b/c", b"x").expect_err("taken").kind,
            BlobErrorKind::Exists
        );
        assert_eq!(blobs.get("a/b/c").expect("get"), b"hello");
        assert_eq!(blobs.get_range("a/b/c", 1, 3).expect("range"), b"ell");
        assert_eq!(
            blobs.get_range("a/b/c", 3, 3).expect_err("short").kind,
            BlobErrorKind::Io
        );
        blobs.replace("a/b/c", b"other").expect("replace");
        assert_eq!(blobs.size("a/b/c").expect("size"), Some(5));
        assert_eq!(blobs.list("a/").expect("list").len(), 1);
        blobs.delete("a/b/c").expect("delete");
        blobs.delete("a/b/c").expect("delete again");
        assert_eq!(
            blobs.get("a/b/c").expect_err("gone").kind,
            BlobErrorKind::NotFound
        );
        assert!(blobs.list("nothing/").expect("list").is_empty());
    }

    #[test]
    fn a_dropped_writer_leaves_nothing() {
        let (folder, blobs) = store();
        let mut writer = blobs.create("x").expect("create");
        writer.write(b"half").expect("write");
        drop(writer);
        assert_eq!(blobs.size("x").expect("size"), None);
        assert_eq!(fs::read_dir(folder.path().join("tmp")).expect("tmp").count(), 0);
        let _living = blobs.create("y").expect("create");
        File::create(folder.path().join("tmp/1-0")).expect("left behind");
        assert_eq!(blobs.remove_unfinished().expect("sweep"), 1);
        assert_eq!(fs::read_dir(folder.path().join("tmp")).expect("tmp").count(), 1);
    }

    #[test]
    fn a_missing_root_is_offline_and_not_made_anew() {
        let (folder, blobs) = store();
        fs::remove_dir_all(folder.path()).expect("remove");
        assert_eq!(blobs.get("a").expect_err("get").kind, BlobErrorKind::Offline);
        assert_eq!(
            blobs.put_new("a", b"").expect_err("put").kind,
            BlobErrorKind::Offline
        );
        assert_eq!(blobs.list("a/").expect_err("list").kind, BlobErrorKind::Offline);
        assert!(!folder.path().exists());
    }
}
