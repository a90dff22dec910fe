//! Kill-in-the-middle: whatever change the process dies in, the datastore opens, every committed snapshot is
//! whole, and the next backup and collection work.

#![expect(clippy::disallowed_methods, reason = "the trees of tests need not be durable")]

#[path = "support/faulty.rs"]
mod faulty;
mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use faulty::{FaultyBlobs, Last};
use ironcore_store::{Blobs, GcRequest, MemBlobs, NoWatch, SESSION_TTL, SyncRequest};
use support::{World, assert_all_ok, backup, gc_now, noise, paths, request, restore, snapshot};

fn tree(root: &Path, generation: u64) {
    for n in 0..12 {
        let seed = if n < 8 { n } else { n + 100 * generation };
        fs::write(root.join(format!("f{n}")), noise(seed, 200_000)).expect("write");
    }
    fs::write(root.join("generation"), noise(generation, 1000)).expect("write");
}

/// A copy of all blobs, so that each failure point starts from the same datastore.
fn copy(from: &MemBlobs) -> MemBlobs {
    let to = MemBlobs::new();
    for blob in from.list("").expect("list") {
        to.put_new(&blob.name, &from.get(&blob.name).expect("get"))
            .expect("put");
    }
    to
}

#[test]
fn a_backup_that_dies_anywhere_does_no_harm() {
    let folder = tempfile::tempdir().expect("folder");
    let world = World::new();
    let before = MemBlobs::new();
    tree(folder.path(), 1);
    backup(&world.create(Arc::new(before.clone())), folder.path(), 0);
    tree(folder.path(), 2);
    let mut points = 0;
    for last in [Last::Lost, Last::Done] {
        for changes in 0.. {
            let blobs = copy(&before);
            let faulty = FaultyBlobs::new(blobs.clone(), changes, last);
            let result = world
                .open(Arc::new(faulty.clone()))
                .backup(request(folder.path(), 1), &NoWatch);
            let committed = result.is_ok();
            points += 1;

            let datastore = world.open(Arc::new(blobs.clone()));
            let kept = paths(&datastore).len();
            assert!(
                kept == 2 || (kept == 1 && !committed),
                "{kept} snapshots after {changes} changes"
            );
            assert_all_ok(&datastore, kept);
            backup(&datastore, folder.path(), 2);
            datastore
                .gc(gc_now(), &NoWatch)
                .expect("gc beside what is left of the session");
            world.pass(SESSION_TTL * 2);
            datastore.gc(gc_now(), &NoWatch).expect("gc");
            datastore.gc(gc_now(), &NoWatch).expect("gc again");
            assert_all_ok(&datastore, kept + 1);
            let to = tempfile::tempdir().expect("folder");
            restore(&datastore, 2, to.path());
            assert_eq!(fs::read(to.path().join("f9")).expect("read"), noise(209, 200_000));
            let rest = datastore.gc(gc_now(), &NoWatch).expect("gc");
            assert_eq!(
                (rest.packs_condemned, rest.bytes_pending),
                (0, 0),
                "garbage after {changes} changes"
            );
            if faulty.left() > 0 {
                break;
            }
        }
    }
    assert!(points > 12, "only {points} failure points");
}

#[test]
fn a_collection_that_dies_anywhere_does_no_harm() {
    let folder = tempfile::tempdir().expect("folder");
    let world = World::new();
    let before = MemBlobs::new();
    let datastore = world.create(Arc::new(before.clone()));
    for generation in 0..4 {
        tree(folder.path(), generation);
        backup(&datastore, folder.path(), generation as i64);
    }
    for number in [0, 2] {
        datastore.forget(&snapshot(number)).expect("forget");
    }
    let mut points = 0;
    for last in [Last::Lost, Last::Done] {
        for changes in 0.. {
            let blobs = copy(&before);
            let faulty = FaultyBlobs::new(blobs.clone(), changes, last);
            let request = GcRequest {
                repack_above: 0.05,
                ..gc_now()
            };
            let result = world.open(Arc::new(faulty.clone())).gc(request, &NoWatch);
            points += 1;
            let datastore = world.open(Arc::new(blobs.clone()));
            assert_all_ok(&datastore, 2);
            backup(&datastore, folder.path(), 9);
            world.pass(SESSION_TTL * 2);
            datastore.gc(gc_now(), &NoWatch).expect("gc");
            datastore.gc(gc_now(), &NoWatch).expect("gc again");
            assert_all_ok(&datastore, 3);
            let to = tempfile::tempdir().expect("folder");
            restore(&datastore, 1, to.path());
            assert_eq!(fs::read(to.path().join("f9")).expect("read"), noise(109, 200_000));
            if faulty.left() > 0 {
                assert!(result.is_ok());
                break;
            }
        }
    }
    assert!(points > 20, "only {points} failure points");
}

#[test]
fn a_sync_that_dies_anywhere_does_no_harm() {
    let folder = tempfile::tempdir().expect("folder");
    let world = World::new();
    let source = world.create(Arc::new(MemBlobs::new()));
    for generation in 0..2 {
        tree(folder.path(), generation);
        backup(&source, folder.path(), generation as i64);
    }
    let before = MemBlobs::new();
    world.create(Arc::new(before.clone()));
    for changes in 0.. {
        let blobs = copy(&before);
        let faulty = FaultyBlobs::new(blobs.clone(), changes, Last::Done);
        let target = world.open(Arc::new(faulty.clone()));
        let result = target.sync_from(&source, SyncRequest::default(), &NoWatch);
        let target = world.open(Arc::new(blobs));
        assert_all_ok(&target, paths(&target).len());
        target
            .sync_from(&source, SyncRequest::default(), &NoWatch)
            .expect("sync");
        assert_all_ok(&target, 2);
        if faulty.left() > 0 {
            assert!(result.is_ok());
            break;
        }
    }
}
