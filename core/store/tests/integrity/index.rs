//! A damaged index is no damaged snapshot: it is told, and made anew from the packs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ironcore_store::{
    Blobs as _, Datastore, MemBlobs, NoWatch, OpenOptions, SyncRequest, VerifyRequest, Watch,
};
use ironcore_types::ErrorCode;
use ironcore_types::progress::Stage;
use ironcore_types::verification::{VerifyDepth, VerifyResult};

use crate::support::{Recorder, assert_all_ok, gc_now, hub, key, paths, request, restore, snapshot};
use crate::{filled, flip};

/// Damages one of two segments, and gives its name.
fn damage(blobs: &MemBlobs) -> String {
    let segments = blobs.list("index/").expect("list");
    assert_eq!(segments.len(), 2);
    flip(blobs, &segments[1].name, 100);
    segments[1].name.clone()
}

#[test]
fn verification_tells_of_it_and_its_results_are_true() {
    for (depth, reopened) in [(VerifyDepth::Full, false), (VerifyDepth::Stored, true)] {
        let (_folder, world, blobs, open) = filled();
        assert_all_ok(&open, 2);
        let damaged = damage(&blobs);
        let datastore = if reopened { world.open(blobs.clone()) } else { open };
        // The second time there is nothing left to tell.
        for told in [vec![(ErrorCode::IndexDamaged, damaged)], vec![]] {
            let (recorder, mut results) = (Recorder::default(), Vec::new());
            let request = VerifyRequest {
                snapshots: paths(&datastore),
                depth,
            };
            datastore
                .verify(request, &mut |report| results.push(report.result), &recorder)
                .expect("verify");
            assert_eq!(results, [VerifyResult::Ok; 2]);
            assert_eq!(recorder.codes(), told);
        }
        assert!(blobs.list("sessions/").expect("list").is_empty());
        // A segment that is gone altogether leaves nothing to warn of.
        let left = blobs.list("index/").expect("list");
        blobs.delete(&left[0].name).expect("delete");
        assert_all_ok(&world.open(blobs.clone()), 2);
    }
}

#[test]
fn it_keeps_nobody_from_the_chunks() {
    let (folder, world, blobs, _) = filled();
    let damaged = damage(&blobs);
    // Who may not write finds everything, and leaves the damage to be told by those who may.
    let options = OpenOptions {
        signing: None,
        ..world.options()
    };
    let reader = Datastore::open_on(blobs.clone(), "test", options).expect("open");
    let theirs = Arc::new(MemBlobs::new());
    let target = Datastore::create_on(theirs, "target", hub(), key(9), world.seams.clone()).expect("create");
    target
        .sync_from(&reader, SyncRequest::default(), &NoWatch)
        .expect("sync");
    assert_all_ok(&target, 2);
    let elsewhere = tempfile::tempdir().expect("folder");
    restore(&reader, 1, &elsewhere.path().join("to"));
    assert!(blobs.size(&damaged).expect("size").is_some());

    let recorder = Recorder::default();
    let again = world
        .open(blobs.clone())
        .backup(request(folder.path(), 2), &recorder)
        .expect("backup");
    assert_eq!((again.stats.bytes_read, again.stats.bytes_stored), (0, 0));
    assert_eq!(recorder.codes(), [(ErrorCode::IndexDamaged, damaged)]);
    assert_all_ok(&world.open(blobs), 3);
}

/// Removes every snapshot and condemns what they needed while a backup is under way that relies on it.
struct Meanwhile<'a> {
    datastore: &'a Datastore,
    done: AtomicBool,
}

impl Watch for Meanwhile<'_> {
    fn progress(&self, stage: &Stage) {
        if stage.name == "read source" && stage.done >= 3 && !self.done.swap(true, Ordering::SeqCst) {
            for number in [0, 1] {
                self.datastore.forget(&snapshot(number)).expect("forget");
            }
            let outcome = self.datastore.gc(gc_now(), &NoWatch).expect("gc");
            assert!(
                outcome.packs_condemned > 0 && outcome.packs_deleted == 0,
                "{outcome:?}"
            );
        }
    }
}

#[test]
fn a_collection_does_not_judge_by_half_of_it() {
    let (folder, world, blobs, datastore) = filled();
    let meanwhile = Meanwhile {
        datastore: &datastore,
        done: AtomicBool::new(false),
    };
    datastore
        .backup(request(folder.path(), 2), &meanwhile)
        .expect("backup");
    assert!(meanwhile.done.load(Ordering::SeqCst));
    let segments = blobs.list("index/").expect("list");
    for segment in &segments {
        flip(&blobs, &segment.name, 100);
    }
    // What the new snapshot needs is condemned, its time has come, and only the index tells that it is needed.
    let datastore = world.open(blobs);
    let recorder = Recorder::default();
    let outcome = datastore.gc(gc_now(), &recorder).expect("gc");
    assert_eq!(recorder.codes().len(), segments.len());
    assert!(
        outcome.packs_reprieved > 0 && outcome.chunks_missing == 0,
        "{outcome:?}"
    );
    assert_all_ok(&datastore, 1);
}
