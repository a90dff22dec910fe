//! Small files that survive a crash: written aside, synced, then put in place; readable by their owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;

/// Writes `bytes` to `path` (0600), replacing what is there; after it returns they are on disk.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the write-fsync-rename seam of this crate"
)]
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = write_aside(path, bytes)?;
    fs::rename(&aside, path).inspect_err(|_| forget(&aside))?;
    sync_folder(path)
}

/// Like [`replace`], but leaves a file that is there alone and fails with `AlreadyExists`.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = write_aside(path, bytes)?;
    // A link is the one way to put a file in place that never replaces another.
    let linked = fs::hard_link(&aside, path);
    forget(&aside);
    linked?;
    sync_folder(path)
}

/// Removes `path`; whether it was there.
pub(crate) fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the folder (0700) with those above it, when missing.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn write_aside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut tag = [0; 8];
    rand::fill(&mut tag).map_err(|_| io::Error::other("no randomness"))?;
    let aside = parent(path).join(format!(".{:016x}.tmp", u64::from_be_bytes(tag)));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
    written.inspect_err(|_| forget(&aside))?;
    Ok(aside)
}

fn forget(aside: &Path) {
    if let Err(error) = fs::remove_file(aside)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %aside.display(), %error, "a temporary file stays behind");
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}

fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}
