//! Whether two trees are the same, by our own look and by rsync's. What is in them is left to `specimen`.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything about a tree that a restore must bring back, one line an entry.
fn describe(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut folders = vec![PathBuf::new()];
    let mut inodes: Vec<(u64, PathBuf)> = Vec::new();
    while let Some(folder) = folders.pop() {
        let full = root.join(&folder);
        let mut names: Vec<_> = fs::read_dir(&full)
            .expect("read")
            .map(|e| e.expect("entry").file_name())
            .collect();
        names.sort();
        for name in std::iter::once(None).chain(names.iter().map(Some)) {
            let Some(name) = name else {
                if folder.as_os_str().is_empty() {
                    lines.push(line(&full, Path::new(".")));
                }
                continue;
            };
            let (path, relative) = (full.join(name), folder.join(name));
            let meta = fs::symlink_metadata(&path).expect("meta");
            let mut text = line(&path, &relative);
            if meta.nlink() > 1 && !meta.is_dir() {
                let first = inodes
                    .iter()
                    .find(|(inode, _)| *inode == meta.ino())
                    .map(|(_, path)| path.clone());
                match first {
                    Some(first) => text += &format!(" = {first:?}"),
                    None => inodes.push((meta.ino(), relative.clone())),
                }
            }
            lines.push(text);
            if meta.is_dir() {
                folders.push(relative);
            }
        }
    }
    lines.sort();
    lines
}

fn line(path: &Path, name: &Path) -> String {
    let meta = fs::symlink_metadata(path).expect("meta");
    let kind = meta.file_type();
    let content = if kind.is_file() {
        let bytes = fs::read(path).expect("read");
        let sum = bytes
            .iter()
            .fold(17u64, |sum, b| sum.wrapping_mul(31).wrapping_add(u64::from(*b)));
        format!("file {} {sum:x}", bytes.len())
    } else if kind.is_symlink() {
        format!("link {:?}", fs::read_link(path).expect("link"))
    } else {
        format!(
            "dir {} fifo {} socket {} rdev {}",
            kind.is_dir(),
            kind.is_fifo(),
            kind.is_socket(),
            meta.rdev()
        )
    };
    let mut xattrs: Vec<String> = xattr::list(path)
        .expect("list")
        .map(|name| format!("{name:?}={:?}", xattr::get(path, &name).expect("get")))
        .collect();
    xattrs.sort();
    format!(
        "{name:?} {:o} {}:{} {}.{} {content} {xattrs:?}",
        meta.mode(),
        meta.uid(),
        meta.gid(),
        meta.mtime(),
        meta.mtime_nsec()
    )
}

pub(super) fn assert_same(a: &Path, b: &Path) {
    let (left, right) = (describe(a), describe(b));
    for (left, right) in left.iter().zip(&right) {
        assert_eq!(left, right);
    }
    assert_eq!(left.len(), right.len());
    let slash = |path: &Path| format!("{}/", path.display());
    let output = Command::new("rsync")
        .args(["-anc", "--delete", "-AXH", "-i", &slash(a), &slash(b)])
        .output();
    if let Ok(output) = output {
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    }
}
