//! A tree with one of everything that a file system can hold. Whether it came back is left to `likeness`.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, mknodat, utimensat};

use crate::support::noise;
use crate::{is_root, put};

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
pub(super) fn nasty_tree(root: &Path) {
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
