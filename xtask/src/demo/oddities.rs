//! What plain folders lack: sparse and linked files, odd names, attributes, access lists, foreign owners. A backup
//! that can do these can do the rest.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};
use rustix::io::Errno;

use crate::steps::note;

/// Somebody else: `daemon` on most systems.
const OTHER_USER: u32 = 1;
/// Another group.
const OTHER_GROUP: u32 = 2;

/// Makes `folder` with all of them. What the file system or this user cannot do is left out with a note.
pub(crate) fn make(folder: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).create(folder.join("empty"))?;
    contents(folder)?;
    names(folder)?;
    attributes(folder)?;
    owners(folder)
}

/// A sparse file, hard links, a symbolic link to nowhere, a named pipe.
fn contents(folder: &Path) -> Result<()> {
    let mut sparse = File::create(folder.join("sparse.img"))?;
    sparse.write_all(b"begin")?;
    sparse.seek(SeekFrom::Start(64 << 20))?;
    sparse.write_all(b"end")?;
    let linked = file(folder, "one name", "one file, two names\n")?;
    fs::hard_link(&linked, folder.join("another name"))?;
    symlink("nowhere", folder.join("dangling"))?;
    let mode = Mode::from_raw_mode(0o640);
    mknodat(CWD, folder.join("pipe"), FileType::Fifo, mode, 0).context("cannot make a named pipe")
}

/// Names with quotes, with a line break, and with bytes that are no text; a time with nanoseconds.
fn names(folder: &Path) -> Result<()> {
    let odd = file(folder, "Übergröße, 日本, \"quotes\" & 'more'", "")?;
    let old = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_000_000_000_123_456_789);
    File::options().write(true).open(&odd)?.set_modified(old)?;
    file(folder, "two\nlines\ttab", "a name with a line break\n")?;
    let latin = OsString::from_vec(b"latin-1 \xdcbergr\xf6\xdfe \xff".to_vec());
    let made = File::create(folder.join(latin)).map(drop);
    possible("a name that is not UTF-8", made, &[Errno::ILSEQ, Errno::INVAL])
}

/// Extended attributes and access lists, on files and folders.
fn attributes(folder: &Path) -> Result<()> {
    let tagged = file(folder, "tagged", "a file with attributes\n")?;
    let shared = folder.join("shared");
    DirBuilder::new().create(&shared)?;
    file(&shared, "inside", "before the folder had a default access list\n")?;
    attribute(&tagged, "user.origin", b"scanner 7")?;
    attribute(&tagged, "user.bytes", b"\x00\xff\x00")?;
    attribute(&tagged, "user.empty", b"")?;
    attribute(&shared, "user.owner", "Übergröße".as_bytes())?;
    let listed = file(folder, "listed", "a file with an access list\n")?;
    attribute(&listed, "system.posix_acl_access", &access_list(6, 4))?;
    attribute(&shared, "system.posix_acl_access", &access_list(7, 5))?;
    attribute(&shared, "system.posix_acl_default", &access_list(7, 5))?;
    file(&shared, "heir", "made when the folder had one\n")?;
    let secret = file(folder, "secret", "for its owner\n")?;
    fs::set_permissions(&secret, Permissions::from_mode(0o400))?;
    let sticky = folder.join("sticky");
    DirBuilder::new().create(&sticky)?;
    Ok(fs::set_permissions(&sticky, Permissions::from_mode(0o3775))?)
}

/// Set-uid bits; other owners, when this is root.
fn owners(folder: &Path) -> Result<()> {
    let own = file(folder, "set-uid", "not really a program\n")?;
    fs::set_permissions(&own, Permissions::from_mode(0o4750))?;
    if !rustix::process::geteuid().is_root() {
        note("only root can give files to others; the tree has none");
        return Ok(());
    }
    let (user, group) = (Some(OTHER_USER), Some(OTHER_GROUP));
    let excuses = [Errno::PERM, Errno::INVAL];
    let foreign = file(folder, "foreign", "somebody else's\n")?;
    possible("another owner", chown(&foreign, user, group), &excuses)?;
    // Giving a file away clears these bits.
    fs::set_permissions(&foreign, Permissions::from_mode(0o6755))?;
    let link = folder.join("foreign link");
    symlink("foreign", &link)?;
    possible("another owner of a link", lchown(&link, user, group), &excuses)?;
    let home = folder.join("foreign folder");
    DirBuilder::new().create(&home)?;
    possible("another owner of a folder", chown(&home, user, group), &excuses)
}

fn file(folder: &Path, name: &str, content: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    File::create(&path)?.write_all(content.as_bytes())?;
    Ok(path)
}

fn attribute(path: &Path, name: &str, value: &[u8]) -> Result<()> {
    let set = setxattr(path, name, value, XattrFlags::empty());
    let what = format!(
        "{name} of {:?}",
        path.file_name().unwrap_or(OsStr::new("the tree"))
    );
    possible(&what, set.map_err(Into::into), &[Errno::OPNOTSUPP])
}

/// An access list as the kernel takes it: the owner has `own`, the group and one other user have `others`.
fn access_list(own: u16, others: u16) -> Vec<u8> {
    const NOBODY: u32 = u32::MAX;
    let entries = [
        (0x01, own, NOBODY),
        (0x02, others, OTHER_USER),
        (0x04, others, NOBODY),
        (0x10, others, NOBODY),
        (0x20, 0_u16, NOBODY),
    ];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, who) in entries {
        list.extend(u16::to_le_bytes(tag));
        list.extend(rights.to_le_bytes());
        list.extend(who.to_le_bytes());
    }
    list
}

/// Passes over what failed with one of `excuses`, and says so.
fn possible(what: &str, done: std::io::Result<()>, excuses: &[Errno]) -> Result<()> {
    match done {
        Err(error) if Errno::from_io_error(&error).is_some_and(|errno| excuses.contains(&errno)) => {
            note(&format!("left out of the tree: {what} ({error})"));
            Ok(())
        }
        other => other.with_context(|| format!("cannot make {what}")),
    }
}
