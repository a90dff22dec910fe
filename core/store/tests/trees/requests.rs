//! What a request says: patterns, sources that are missing, names and targets that are taken. What then comes back
//! is left to `round_trip`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ironcore_store::{BackupRequest, Datastore, MemBlobs, NoWatch, RestoreRequest};
use ironcore_types::ErrorCode;

use crate::put;
use crate::support::{Recorder, World, backup, hub, key, noise, request, snapshot};

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
fn how_much_there_is_is_counted_anew_each_time() {
    let folder = tempfile::tempdir().expect("folder");
    let datastore = World::new().create(Arc::new(MemBlobs::new()));
    const LARGE: usize = 12_000_000;
    // First much, then less, then more: what there was before says nothing.
    for (number, files) in [(0_i64, 12_u64), (1, 8), (2, 10)] {
        for file in 0..12 {
            let path = folder.path().join(format!("{file}"));
            if file < files {
                put(&path, &noise(100 * number.unsigned_abs() + file, LARGE));
            } else if path.exists() {
                fs::remove_file(path).expect("removed");
            }
        }
        let recorder = Recorder::default();
        datastore
            .backup(request(folder.path(), number), &recorder)
            .expect("backup");
        let stages = recorder.stages.lock().expect("lock");
        let read: Vec<_> = stages
            .iter()
            .filter(|stage| stage.name == "read source")
            .collect();
        let total = files * LARGE as u64;
        assert!(
            read.iter()
                .all(|stage| stage.bytes_total.is_none_or(|told| told == total))
        );
        let last = read.last().expect("a stage");
        assert_eq!(
            (last.bytes, last.bytes_total),
            (total, Some(total)),
            "backup {number}"
        );
    }
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
fn a_datastore_is_refused_where_none_can_be() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("file");
    put(&file, b"no folder");
    let world = World::new();
    // In /proc a folder cannot be made although its parent is there.
    for place in [file.clone(), file.join("below"), "/proc/ironcore-x".into()] {
        let made = Datastore::create(&place, hub(), key(1), world.seams.clone());
        let error = made.expect_err("no place");
        assert_eq!(error.code(), ErrorCode::DatastoreIo, "{error}");
        assert!(
            error.to_string().contains(&place.display().to_string()),
            "{error}"
        );
    }
    let opened = Datastore::open(&file, world.options()).expect_err("no datastore");
    assert_eq!(opened.code(), ErrorCode::DatastoreIo, "{opened}");
    assert_eq!(fs::read(&file).expect("file"), b"no folder");
}
