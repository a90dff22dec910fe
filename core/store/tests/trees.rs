//! Backup and restore of trees: everything a file system can hold comes back, and what is unchanged is not read.

#![expect(clippy::disallowed_methods, reason = "the trees of tests need not be durable")]

mod support;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use ironcore_store::{BackupRequest, MemBlobs, NoWatch, RestoreRequest, StoreError, Watch};
use ironcore_types::ErrorCode;
use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, mknodat, utimensat};
use support::{Recorder, World, assert_all_ok, backup, noise, request, restore, snapshot};

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("write");
}

fn set_time(path: &Path, seconds: i64, nanos: i64) {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: nanos,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("time");
}

/// One of everything.
fn nasty_tree(root: &Path) {
    fs::create_dir_all(root.join("sub/deep/er")).expect("folders");
    fs::create_dir(root.join("empty folder")).expect("folder");
    put(&root.join("empty"), b"");
    put(&root.join("small"), b"hello");
    put(&root.join("sub/large"), &noise(1, 5_000_000));
    put(&root.join("sub-after"), b"sorts between sub and sub/");
    put(&root.join("sub.txt"), &b"compressible ".repeat(50_000));
    put(&root.join(OsStr::from_bytes(b"not\xffutf8\n*")), b"odd name");
    put(&root.join("x".repeat(255)), b"long name");
    for n in 0..300 {
        put(
            &root.join(format!("sub/deep/file-{n}")),
            &noise(n, (n * 37 % 5000) as usize),
        );
    }
    for (name, mode) in [
        ("setuid", 0o4755),
        ("setgid", 0o2711),
        ("sticky", 0o1666),
        ("none", 0o000),
    ] {
        put(&root.join(name), name.as_bytes());
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).expect("mode");
    }
    fs::set_permissions(root.join("sub/deep/er"), fs::Permissions::from_mode(0o1777)).expect("mode");
    symlink("small", root.join("link")).expect("symlink");
    symlink("../nowhere/\u{e4}", root.join("sub/dangling")).expect("symlink");
    symlink("sub", root.join("link-to-folder")).expect("symlink");
    fs::hard_link(root.join("sub/large"), root.join("another name")).expect("link");
    fs::hard_link(root.join("small"), root.join("sub/deep/small-too")).expect("link");
    mknodat(
        CWD,
        root.join("fifo"),
        FileType::Fifo,
        Mode::from_raw_mode(0o640),
        0,
    )
    .expect("fifo");
    mknodat(
        CWD,
        root.join("socket"),
        FileType::Socket,
        Mode::from_raw_mode(0o600),
        0,
    )
    .expect("socket");
    sparse(
        &root.join("sparse-middle"),
        9 << 20,
        &[(0, 4096), (3 << 20, 70_000)],
    );
    sparse(&root.join("sparse-end"), 3 << 20, &[(100, 10)]);
    sparse(&root.join("sparse-start"), 1 << 20, &[((1 << 20) - 10, 10)]);
    sparse(&root.join("only-hole"), 40 << 20, &[]);
    sparse(&root.join("small-sparse"), 100_000, &[(65_536, 100)]);
    if xattr::set(root.join("small"), "user.note", b"\0binary\xff").is_ok() {
        xattr::set(root.join("sub"), "user.folder", b"").expect("xattr");
        xattr::set(root.join("sub/large"), "user.big", &noise(5, 2000)).expect("xattr");
    }
    for arguments in [
        vec!["-m", "u:12:rw", "sub-after"],
        vec!["-d", "-m", "g:12:rx", "sub/deep/er"],
    ] {
        let status = Command::new("setfacl")
            .args(&arguments)
            .current_dir(root)
            .status();
        if let Ok(status) = status {
            assert!(status.success(), "setfacl {arguments:?}");
        }
    }
    if is_root() {
        std::os::unix::fs::lchown(root.join("sub.txt"), Some(1234), Some(4321)).expect("chown");
        std::os::unix::fs::lchown(root.join("link"), Some(1234), Some(4321)).expect("chown");
        std::os::unix::fs::lchown(root.join("sub/deep"), Some(1), Some(2)).expect("chown");
        let device = rustix::fs::makedev(1, 3);
        mknodat(
            CWD,
            root.join("null"),
            FileType::CharacterDevice,
            Mode::from_raw_mode(0o666),
            device,
        )
        .expect("device");
        xattr::set(root.join("link"), "trusted.on-link", b"x").expect("xattr");
    }
    set_time(&root.join("small"), 1, 999_999_999);
    set_time(&root.join("link"), 1_000_000_000, 123_456_789);
    set_time(&root.join("sub.txt"), -1, 5);
    set_time(&root.join("fifo"), 4_000_000_000, 7);
    set_time(&root.join("sub/deep/er"), 1_111_111_111, 111_111_111);
    set_time(&root.join("sub/deep"), 1_222_222_222, 222_222_222);
    set_time(&root.join("sub"), 1_333_333_333, 333_333_333);
    set_time(root, 1_444_444_444, 444_444_444);
}

fn sparse(path: &Path, size: u64, data: &[(u64, usize)]) {
    let file = File::create(path).expect("create");
    file.set_len(size).expect("size");
    for (offset, len) in data {
        file.write_all_at(&noise(*offset, *len), *offset).expect("write");
    }
}

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

fn assert_same(a: &Path, b: &Path) {
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

#[test]
fn everything_comes_back() {
    let folder = tempfile::tempdir().expect("folder");
    let (tree, to) = (folder.path().join("tree"), folder.path().join("to"));
    fs::create_dir(&tree).expect("folder");
    nasty_tree(&tree);
    let world = World::new();
    let datastore = world.create_at(&folder.path().join("store"));
    let recorder = Recorder::default();
    let outcome = datastore.backup(request(&tree, 0), &recorder).expect("backup");
    let unreadable = if is_root() {
        vec![]
    } else {
        vec![(ErrorCode::SourcePermission, "none".to_owned())]
    };
    assert_eq!(recorder.codes(), unreadable);
    assert!(outcome.stats.files > 320 && outcome.stats.bytes > 5_000_000);
    restore(&datastore, 0, &to);
    if is_root() {
        assert_same(&tree, &to);
    }
    let blocks = |path: &Path| fs::metadata(path).expect("meta").blocks() * 512;
    for (name, limit) in [("only-hole", 0), ("sparse-middle", 200_000), ("sparse-end", 8192)] {
        assert!(
            blocks(&to.join(name)) <= limit,
            "{name} occupies {}",
            blocks(&to.join(name))
        );
    }
    assert_all_ok(&datastore, 1);

    // Nothing changed: nothing is read, nothing but the frame of a snapshot is stored, and it restores too.
    let again = backup(&datastore, &tree, 1);
    assert_eq!(again.stats.bytes_read, 0);
    assert_eq!(again.stats.bytes, outcome.stats.bytes);
    assert!(again.stats.files_unchanged > 300);
    assert_eq!(again.stats.bytes_stored, 0);
    // A full one reads all and finds all of it.
    let full = BackupRequest {
        full: true,
        ..request(&tree, 2)
    };
    let full = datastore.backup(full, &NoWatch).expect("backup");
    assert_eq!((full.stats.files_unchanged, full.stats.bytes_stored), (0, 0));
    assert_eq!(full.stats.bytes_read, outcome.stats.bytes_read);

    put(&tree.join("sub/deep/file-7"), b"changed");
    fs::remove_file(tree.join("sub/deep/file-8")).expect("remove");
    let changed = backup(&datastore, &tree, 3);
    assert!(changed.stats.bytes_read < 100 && changed.stats.bytes_stored > 0);
    let to = folder.path().join("to-3");
    restore(&datastore, 3, &to);
    if is_root() {
        assert_same(&tree, &to);
    }
    assert_all_ok(&datastore, 4);
}

#[test]
fn patterns_and_the_datastore_itself_are_left_out() {
    let folder = tempfile::tempdir().expect("folder");
    let tree = folder.path();
    fs::create_dir(tree.join("cache")).expect("folder");
    put(&tree.join("cache/x"), b"x");
    put(&tree.join("a.tmp"), b"x");
    put(&tree.join("b"), b"x");
    let datastore = World::new().create_at(&tree.join("store"));
    let recorder = Recorder::default();
    let wanted = BackupRequest {
        exclude: vec!["*.tmp".into(), "/cache".into()],
        ..request(tree, 0)
    };
    let outcome = datastore.backup(wanted, &recorder).expect("backup");
    assert_eq!(outcome.stats.files, 2);
    assert_eq!(recorder.codes(), [(ErrorCode::PathSkipped, "store".to_owned())]);
    assert!(
        recorder
            .lines
            .lock()
            .expect("lock")
            .iter()
            .any(|line| line.starts_with("2 paths"))
    );
    let bad = BackupRequest {
        exclude: vec!["[".into()],
        ..request(tree, 1)
    };
    assert_eq!(
        datastore.backup(bad, &NoWatch).expect_err("bad").code(),
        ErrorCode::RequestInvalid
    );
}

#[test]
fn a_missing_source_fails_or_is_warned_of() {
    let datastore = World::new().create(Arc::new(MemBlobs::new()));
    let recorder = Recorder::default();
    let missing = Path::new("/no/such/tree");
    let error = datastore
        .backup(request(missing, 0), &recorder)
        .expect_err("missing");
    assert_eq!(error.code(), ErrorCode::SourceUnreachable);
    let optional = BackupRequest {
        optional: true,
        ..request(missing, 0)
    };
    let outcome = datastore.backup(optional, &recorder).expect("optional");
    assert!(outcome.snapshot.is_none());
    assert_eq!(
        recorder.codes(),
        [(ErrorCode::SourceOptionalMissing, missing.display().to_string())]
    );
}

#[test]
fn names_and_targets_are_not_taken_twice() {
    let folder = tempfile::tempdir().expect("folder");
    put(&folder.path().join("a"), b"a");
    let datastore = World::new().create(Arc::new(MemBlobs::new()));
    backup(&datastore, folder.path(), 0);
    let error = datastore
        .backup(request(folder.path(), 0), &NoWatch)
        .expect_err("twice");
    assert_eq!(error.code(), ErrorCode::SnapshotExists);
    let to = |overwrite| RestoreRequest {
        snapshot: snapshot(0),
        to: folder.path().to_owned(),
        overwrite,
        keep_going: false,
    };
    let error = datastore.restore(to(false), &NoWatch).expect_err("not empty");
    assert_eq!(error.code(), ErrorCode::RestoreTargetExists);
    put(&folder.path().join("a"), b"other");
    put(&folder.path().join("b"), b"stays");
    datastore.restore(to(true), &NoWatch).expect("overwrite");
    assert_eq!(fs::read(folder.path().join("a")).expect("a"), b"a");
    assert_eq!(fs::read(folder.path().join("b")).expect("b"), b"stays");
    let gone = RestoreRequest {
        snapshot: snapshot(9),
        ..to(true)
    };
    let error = datastore.restore(gone, &NoWatch).expect_err("no such");
    assert_eq!(error.code(), ErrorCode::SnapshotNotFound);
}

#[test]
fn a_restore_does_not_follow_links_that_are_in_its_way() {
    let folder = tempfile::tempdir().expect("folder");
    let (tree, outside, to) = (
        folder.path().join("tree"),
        folder.path().join("outside"),
        folder.path().join("to"),
    );
    fs::create_dir_all(tree.join("d")).expect("folder");
    fs::create_dir_all(&outside).expect("folder");
    fs::create_dir_all(&to).expect("folder");
    put(&tree.join("d/f"), b"new");
    put(&outside.join("f"), b"old");
    symlink(&outside, to.join("d")).expect("symlink");
    let datastore = World::new().create(Arc::new(MemBlobs::new()));
    backup(&datastore, &tree, 0);
    let request = RestoreRequest {
        snapshot: snapshot(0),
        to: to.clone(),
        overwrite: true,
        keep_going: false,
    };
    datastore.restore(request, &NoWatch).expect("restore");
    assert_eq!(fs::read(outside.join("f")).expect("old"), b"old");
    assert_eq!(fs::read(to.join("d/f")).expect("new"), b"new");
}

struct CancelAfter(std::sync::atomic::AtomicI64);

impl Watch for CancelAfter {
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) <= 0
    }
}

#[test]
fn cancel_ends_a_backup_and_leaves_only_garbage() {
    let folder = tempfile::tempdir().expect("folder");
    for n in 0..30 {
        put(&folder.path().join(format!("f{n}")), &noise(n, 300_000));
    }
    let world = World::new();
    let blobs = Arc::new(MemBlobs::new());
    let datastore = world.create(blobs.clone());
    for after in [0, 1, 10, 40, 70] {
        let watch = CancelAfter(std::sync::atomic::AtomicI64::new(after));
        let error = datastore
            .backup(request(folder.path(), 0), &watch)
            .expect_err("cancelled");
        assert!(matches!(error, StoreError::Cancelled), "{error}");
        assert_eq!(error.code(), ErrorCode::TaskCancelled);
    }
    assert!(support::paths(&datastore).is_empty());
    datastore.gc(support::gc_now(), &NoWatch).expect("gc");
    let names: Vec<String> = ironcore_store::Blobs::list(&*blobs, "")
        .expect("list")
        .into_iter()
        .map(|b| b.name)
        .collect();
    assert_eq!(names, ["ironcore-datastore.json"]);
}
