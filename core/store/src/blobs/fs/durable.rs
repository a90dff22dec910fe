//! How a file comes to be durable: folders synced with their parents, unfinished files that are locked, and the
//! rename that publishes one. What is written to it is left to `writer`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use rustix::fs::{FlockOperation, RenameFlags, flock, renameat_with};
use rustix::io::Errno;

use super::{Inner, UNFINISHED};

impl Inner {
    /// Makes a folder and syncs its parent; the root itself only when `root` says so, because a root that is
    /// gone means that the datastore is offline, not that it should be made anew on the disk beneath.
    pub(super) fn make_folder(&self, folder: &Path, root: bool) -> io::Result<()> {
        if self
            .folders
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(folder)
        {
            return Ok(());
        }
        let made = fs::create_dir(folder).or_else(|error| {
            if error.kind() != ErrorKind::NotFound {
                return Err(error);
            }
            let parent = folder.parent().ok_or(error)?;
            if !root && !parent.starts_with(&self.root) {
                return Err(ErrorKind::NotFound.into());
            }
            self.folders
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(parent);
            self.make_folder(parent, root)?;
            // Once more and not again: a file system may say so of a folder whose parent is there.
            fs::create_dir(folder)
        });
        match made {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if let Some(parent) = folder.parent() {
            sync_folder(parent)?;
        }
        self.folders
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(folder.to_owned());
        Ok(())
    }

    pub(super) fn unfinished(&self) -> io::Result<(PathBuf, File)> {
        let folder = self.path(UNFINISHED);
        self.make_folder(&folder, false)?;
        loop {
            let number = self.counter.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{}-{number}", std::process::id()));
            match OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
            {
                Ok(file) => {
                    // The lock tells `remove_unfinished` that somebody writes; it ends with the process. A file
                    // that was removed before it could be locked is not used.
                    let locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
                    if locked.is_ok() && file.metadata()?.nlink() == 0 {
                        continue;
                    }
                    return Ok((path, file));
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) if error.kind() == ErrorKind::NotFound && !folder.exists() => {
                    self.folders
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .remove(&folder);
                    if !self.root.exists() {
                        return Err(error);
                    }
                    self.make_folder(&folder, false)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn publish(&self, from: &Path, to: &Path, flags: RenameFlags) -> io::Result<()> {
        let parent = to.parent().ok_or(ErrorKind::InvalidInput)?;
        self.make_folder(parent, false)?;
        match renameat_with(rustix::fs::CWD, from, rustix::fs::CWD, to, flags) {
            Ok(()) => {}
            // Not every file system renames without replacing; a hard link refuses to replace as well.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if flags == RenameFlags::NOREPLACE => {
                fs::hard_link(from, to)?;
                fs::remove_file(from)?;
            }
            Err(error) => return Err(error.into()),
        }
        sync_folder(parent)
    }
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    // A bare relative name has the empty path as its parent.
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    File::open(folder)?.sync_all()
}
