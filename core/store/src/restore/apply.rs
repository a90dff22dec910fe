//! The tree that is written: folders, files, special entries, attributes.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ironcore_types::ErrorCode;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, Timespec, Timestamps, UTIME_OMIT, makedev, mknodat, utimensat,
};

use crate::error::{Result, StoreError};
use crate::tree::{Attributes, Entry, Node, show};
use crate::watch::{self, Watch};

/// A folder that is restored to.
#[derive(Debug)]
pub(crate) struct Target {
    root: PathBuf,
    overwrite: bool,
    user: u32,
}

impl Target {
    /// Makes the folder, or sees that it may be used.
    pub(crate) fn prepare(root: &Path, overwrite: bool) -> Result<Self> {
        let shown = root.display().to_string();
        match fs::read_dir(root) {
            Ok(mut entries) => {
                if !overwrite && entries.next().is_some() {
                    return Err(StoreError::Target {
                        path: shown,
                        code: ErrorCode::RestoreTargetExists,
                        reason: "the folder is not empty".to_owned(),
                        source: None,
                    });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(root)
                    .map_err(|error| {
                        StoreError::target(shown, format!("cannot be made: {error}"), Some(error))
                    })?;
            }
            Err(error) => {
                return Err(StoreError::target(
                    shown,
                    format!("cannot be used: {error}"),
                    Some(error),
                ));
            }
        }
        Ok(Self {
            root: root.to_owned(),
            overwrite,
            user: rustix::process::geteuid().as_raw(),
        })
    }

    fn full(&self, path: &[u8]) -> PathBuf {
        if path.is_empty() {
            self.root.clone()
        } else {
            self.root.join(OsStr::from_bytes(path))
        }
    }

    pub(crate) fn error(&self, path: &[u8], what: &str, error: io::Error) -> StoreError {
        StoreError::target(
            self.full(path).display().to_string(),
            format!("{what}: {error}"),
            Some(error),
        )
    }

    pub(crate) fn exists(&self, path: &[u8]) -> bool {
        fs::symlink_metadata(self.full(path)).is_ok()
    }

    /// Makes room for an entry that is no folder.
    fn clear(&self, path: &[u8]) -> Result<()> {
        if !self.overwrite {
            return Ok(());
        }
        let full = self.full(path);
        let result = match fs::symlink_metadata(&full) {
            Ok(meta) if meta.is_dir() => fs::remove_dir_all(&full),
            Ok(_) => fs::remove_file(&full),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        result.map_err(|error| self.error(path, "what is there cannot be removed", error))
    }

    /// Takes back a file that could not be restored whole.
    pub(crate) fn remove(&self, path: &[u8]) {
        if let Err(error) = fs::remove_file(self.full(path))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.full(path).display(), %error, "incomplete file left behind");
        }
    }

    pub(crate) fn make_folder(&self, path: &[u8]) -> Result<()> {
        if path.is_empty() {
            return Ok(());
        }
        let full = self.full(path);
        if self.overwrite {
            match fs::symlink_metadata(&full) {
                Ok(meta) if meta.is_dir() => return Ok(()),
                _ => self.clear(path)?,
            }
        }
        DirBuilder::new()
            .mode(0o700)
            .create(&full)
            .map_err(|error| self.error(path, "cannot be made", error))
    }

    pub(crate) fn create_file(&self, path: &[u8]) -> Result<File> {
        self.clear(path)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options
            .open(self.full(path))
            .map_err(|error| self.error(path, "cannot be made", error))
    }

    pub(crate) fn link(&self, path: &[u8], first: &[u8]) -> Result<()> {
        self.clear(path)?;
        fs::hard_link(self.full(first), self.full(path))
            .map_err(|error| self.error(path, "cannot be linked", error))
    }

    /// Makes a symbolic link, fifo, socket or device, with its attributes. A device that this user may not
    /// make is left out with a warning.
    pub(crate) fn make_special(&self, entry: &Entry, watch: &dyn Watch) -> Result<()> {
        self.clear(&entry.path)?;
        let full = self.full(&entry.path);
        let node = |kind, device| mknodat(CWD, &full, kind, Mode::from_raw_mode(0o600), device);
        let made = match &entry.node {
            Node::Symlink(target) => std::os::unix::fs::symlink(OsStr::from_bytes(target), &full),
            Node::Fifo => node(FileType::Fifo, 0).map_err(Into::into),
            Node::Socket => node(FileType::Socket, 0).map_err(Into::into),
            Node::CharDevice(major, minor) => {
                node(FileType::CharacterDevice, makedev(*major, *minor)).map_err(Into::into)
            }
            Node::BlockDevice(major, minor) => {
                node(FileType::BlockDevice, makedev(*major, *minor)).map_err(Into::into)
            }
            Node::Folder | Node::File(_) | Node::HardLink(_) => return Ok(()),
        };
        let device = matches!(entry.node, Node::CharDevice(..) | Node::BlockDevice(..));
        match made {
            Ok(()) => {
                let symlink = matches!(entry.node, Node::Symlink(_));
                self.set_attributes(&entry.path, &entry.attributes, symlink, watch)
            }
            Err(error) if device && error.kind() == io::ErrorKind::PermissionDenied => {
                let message = "only an administrator can restore a device; left out";
                watch.warn(watch::warning(ErrorCode::PathSkipped, show(&entry.path), message));
                Ok(())
            }
            Err(error) => Err(self.error(&entry.path, "cannot be made", error)),
        }
    }

    /// Owner, extended attributes, mode and time, in this order: a change of owner clears set-uid bits and
    /// capabilities, and everything changes the time. What this user may not set is warned of.
    pub(crate) fn set_attributes(
        &self,
        path: &[u8],
        attributes: &Attributes,
        symlink: bool,
        watch: &dyn Watch,
    ) -> Result<()> {
        let full = self.full(path);
        let warn = |what: &str, error: io::Error| {
            let message = format!("{what} could not be restored: {error}");
            watch.warn(watch::warning(ErrorCode::RestoreTarget, show(path), message));
        };
        let meta = fs::symlink_metadata(&full).map_err(|error| self.error(path, "cannot be read", error))?;
        if (meta.uid(), meta.gid()) != (attributes.uid, attributes.gid)
            && let Err(error) = std::os::unix::fs::lchown(&full, Some(attributes.uid), Some(attributes.gid))
        {
            warn("the owner", error);
        }
        if let Ok(present) = xattr::list(&full) {
            for name in present {
                let wanted = attributes
                    .xattrs
                    .iter()
                    .any(|(wanted, _)| wanted == name.as_bytes());
                // Inherited from the folder it was made in, or there before.
                if !wanted && let Err(error) = xattr::remove(&full, &name) {
                    tracing::debug!(path = %full.display(), ?name, %error, "extended attribute stays");
                }
            }
        }
        for (name, value) in &attributes.xattrs {
            let name = OsStr::from_bytes(name);
            if let Err(error) = xattr::set(&full, name, value) {
                warn(
                    &format!("the extended attribute {}", name.to_string_lossy()),
                    error,
                );
            }
        }
        if !symlink {
            // Whoever gives a file away does not give away the right to become its owner by it.
            let mode = match fs::symlink_metadata(&full).map(|meta| meta.uid()) {
                Ok(owner) if owner != attributes.uid && self.user != 0 => attributes.mode & 0o1777,
                _ => attributes.mode,
            };
            if let Err(error) = fs::set_permissions(&full, fs::Permissions::from_mode(mode)) {
                warn("the mode", error);
            }
        }
        let times = Timestamps {
            last_access: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            },
            last_modification: Timespec {
                tv_sec: attributes.modified.seconds,
                tv_nsec: attributes.modified.nanos.into(),
            },
        };
        if let Err(error) = utimensat(CWD, &full, &times, AtFlags::SYMLINK_NOFOLLOW) {
            warn("the time", error.into());
        }
        Ok(())
    }
}
