//! Trees go in and come out, whole and to where they belong. Requests that are refused are left to `requests`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::sync::Arc;

use ironcore_store::{BackupRequest, MemBlobs, NoWatch, RestoreRequest};
use ironcore_types::ErrorCode;

use crate::likeness::assert_same;
use crate::specimen::nasty_tree;
use crate::support::{Recorder, World, assert_all_ok, backup, request, restore, snapshot};
use crate::{is_root, put};

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
