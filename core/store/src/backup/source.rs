//! The tree that is read: opening below its root without following symbolic links, attributes, holes.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use ironcore_types::ErrorCode;
use rustix::fs::{Dir, Mode, OFlags, ResolveFlags, SeekFrom, openat, openat2, seek};
use rustix::io::Errno;
use xattr::FileExt as _;

use crate::tree::{Attributes, FileTime, Xattrs};

/// A tree of files on this machine.
#[derive(Debug)]
pub(crate) struct Source {
    root: PathBuf,
    folder: File,
}

/// Runs of data within a file, and the holes between them: offset and length each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Extents {
    pub(crate) data: Vec<(u64, u64)>,
    pub(crate) holes: Vec<(u64, u64)>,
}

impl Source {
    /// Opens the root, which may be reached through symbolic links.
    pub(crate) fn open_root(root: &Path) -> io::Result<Self> {
        let folder = File::open(root)?;
        if !folder.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self {
            root: root.to_owned(),
            folder,
        })
    }

    fn full(&self, path: &[u8]) -> PathBuf {
        self.root.join(OsStr::from_bytes(path))
    }

    /// What the entry is, a symbolic link itself rather than what it points to. The root is always a folder.
    pub(crate) fn stat(&self, path: &[u8]) -> io::Result<Metadata> {
        if path.is_empty() {
            self.folder.metadata()
        } else {
            fs::symlink_metadata(self.full(path))
        }
    }

    /// Opens a file or folder for reading.
    pub(crate) fn open(&self, path: &[u8], folder: bool) -> io::Result<File> {
        let mut flags =
            OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOATIME;
        if folder {
            flags |= OFlags::DIRECTORY;
        }
        let name = if path.is_empty() { &b"."[..] } else { path };
        let root = self.folder.as_fd();
        let open = |flags| {
            let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            match openat2(root, name, flags, Mode::empty(), resolve) {
                Err(Errno::NOSYS) => openat(root, name, flags, Mode::empty()),
                result => result,
            }
        };
        let file = match open(flags) {
            // Only the owner may leave the access time alone, and a sandbox may forbid `openat2`.
            Err(Errno::PERM) => match open(flags - OFlags::NOATIME) {
                Err(Errno::PERM) => openat(root, name, flags - OFlags::NOATIME, Mode::empty()),
                result => result,
            },
            result => result,
        };
        Ok(File::from(file?))
    }

    /// Names in a folder, sorted.
    pub(crate) fn names(&self, folder: &File) -> io::Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(folder)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    pub(crate) fn read_link(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        Ok(fs::read_link(self.full(path))?.as_os_str().as_bytes().to_vec())
    }

    /// Extended attributes of something that cannot be opened for reading.
    pub(crate) fn xattrs_of_path(&self, path: &[u8]) -> io::Result<Xattrs> {
        let full = self.full(path);
        collect(xattr::list(&full), |name| xattr::get(&full, name))
    }
}

/// Extended attributes of an open file or folder.
pub(crate) fn xattrs(file: &File) -> io::Result<Xattrs> {
    collect(file.list_xattr(), |name| file.get_xattr(name))
}

fn collect(
    names: io::Result<xattr::XAttrs>,
    get: impl Fn(&OsStr) -> io::Result<Option<Vec<u8>>>,
) -> io::Result<Xattrs> {
    let names = match names {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(Vec::new()),
        names => names?,
    };
    let mut found = Vec::new();
    for name in names {
        // One that is gone since the list was made is no trouble.
        if let Some(value) = get(&name)? {
            found.push((name.as_bytes().to_vec(), value));
        }
    }
    found.sort();
    Ok(found)
}

/// Attributes but for the extended ones.
pub(crate) fn attributes(meta: &Metadata) -> Attributes {
    let time = |seconds, nanos: i64| FileTime {
        seconds,
        nanos: nanos as u32,
    };
    Attributes {
        mode: meta.mode() & 0o7777,
        uid: meta.uid(),
        gid: meta.gid(),
        modified: time(meta.mtime(), meta.mtime_nsec()),
        changed: time(meta.ctime(), meta.ctime_nsec()),
        inode: meta.ino(),
        xattrs: Vec::new(),
    }
}

/// Whether two looks at a file saw the same content.
pub(crate) fn is_same(a: &Metadata, b: &Metadata) -> bool {
    let key = |m: &Metadata| (m.len(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
    key(a) == key(b)
}

/// Where a file has data. Only files that occupy less than their size are asked.
pub(crate) fn extents(file: &File, meta: &Metadata) -> Extents {
    let size = meta.len();
    let mut found = Extents::default();
    if size == 0 {
        return found;
    }
    if meta.blocks().saturating_mul(512) >= size {
        found.data.push((0, size));
        return found;
    }
    let mut at = 0;
    while at < size {
        let data = match seek(file, SeekFrom::Data(at)) {
            Ok(data) => data.min(size),
            Err(Errno::NXIO) => size,
            // Not every file system knows of holes; then everything is data.
            Err(_) => at,
        };
        if data > at {
            found.holes.push((at, data - at));
        }
        if data < size {
            let hole = seek(file, SeekFrom::Hole(data))
                .map_or(size, |hole| hole.min(size))
                .max(data + 1);
            found.data.push((data, hole - data));
            at = hole;
        } else {
            at = size;
        }
    }
    found
}

/// Fills `buffer` from `offset`; what the file no longer has reads as zeros. True when there was all of it.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<bool> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => {
                buffer[done..].fill(0);
                return Ok(false);
            }
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// The code and words for something that could not be read.
pub(crate) fn describe(error: &io::Error) -> (ErrorCode, String) {
    match error.kind() {
        io::ErrorKind::PermissionDenied => (ErrorCode::SourcePermission, format!("may not be read: {error}")),
        io::ErrorKind::NotFound => (ErrorCode::PathSkipped, "vanished while the backup ran".to_owned()),
        _ => (ErrorCode::PathSkipped, format!("cannot be read: {error}")),
    }
}
