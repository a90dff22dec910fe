//! How far a restore and a sync are is told from the beginning, by bytes, and also when they end early. How fast that
//! is, the caller makes out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ironcore_store::{
    ChunkId, Datastore, MemBlobs, Peer, PeerInfo, RestoreRequest, Result, SnapshotFilter, StoreError,
    StoredChunk, SyncRequest, Watch,
};
use ironcore_types::progress::Stage;
use ironcore_types::snapshot::SnapshotPath;

use crate::put;
use crate::support::{Recorder, World, backup, hub, key, noise, snapshot};

const SIZE: u64 = 20_000_000;

fn of(recorder: &Recorder, name: &str) -> Vec<Stage> {
    let stages = recorder.stages.lock().expect("lock");
    stages
        .iter()
        .filter(|stage| stage.name == name)
        .cloned()
        .collect()
}

/// A datastore with one snapshot of one large file, and a folder.
fn one_large_file() -> (tempfile::TempDir, World, Datastore) {
    let folder = tempfile::tempdir().expect("folder");
    let tree = folder.path().join("tree");
    std::fs::create_dir(&tree).expect("tree");
    put(
        &tree.join("large"),
        &noise(1, usize::try_from(SIZE).expect("size")),
    );
    let world = World::new();
    let datastore = world.create(Arc::new(MemBlobs::new()));
    backup(&datastore, &tree, 0);
    (folder, world, datastore)
}

fn wanted(folder: &tempfile::TempDir) -> RestoreRequest {
    RestoreRequest {
        snapshot: snapshot(0),
        to: folder.path().join("to"),
        overwrite: false,
        keep_going: false,
    }
}

#[test]
fn a_restore_of_one_large_file_tells_its_bytes_as_they_are_written() {
    let (folder, _world, datastore) = one_large_file();
    let recorder = Recorder::default();
    let stats = datastore.restore(wanted(&folder), &recorder).expect("restore");
    let told = of(&recorder, "write files");
    let (first, last) = (&told[0], told.last().expect("stages"));
    assert_eq!((first.done, first.bytes), (0, 0), "told before anything is done");
    assert_eq!((first.total, first.bytes_total), (Some(2), Some(SIZE)));
    assert_eq!((last.done, last.bytes), (2, SIZE));
    assert_eq!(stats.bytes, SIZE);
    assert!(
        told.windows(2)
            .all(|two| two[0].bytes <= two[1].bytes && two[0].done <= two[1].done)
    );
    let steps = told.windows(2).map(|two| two[1].bytes - two[0].bytes);
    assert!(steps.max().expect("steps") <= SIZE / 5, "in small steps");
}

/// Cancels once so many bytes were told of.
struct CancelAt(Recorder, u64, AtomicU64);

impl Watch for CancelAt {
    fn cancelled(&self) -> bool {
        self.2.load(Ordering::SeqCst) >= self.1
    }

    fn progress(&self, stage: &Stage) {
        self.2.store(stage.bytes, Ordering::SeqCst);
        self.0.progress(stage);
    }
}

#[test]
fn a_restore_that_ends_early_tells_what_it_had_written() {
    let (folder, _world, datastore) = one_large_file();
    let watch = CancelAt(Recorder::default(), SIZE / 2, AtomicU64::new(0));
    let error = datastore.restore(wanted(&folder), &watch).expect_err("cancelled");
    assert!(matches!(error, StoreError::Cancelled), "{error}");
    let bytes = of(&watch.0, "write files").last().expect("stages").bytes;
    assert!((SIZE / 2..SIZE).contains(&bytes), "{bytes}");
    assert!(!folder.path().join("to/large").exists());
}

/// A peer that cannot tell how much its chunks take.
struct Terse<'a>(&'a Datastore);

impl Peer for Terse<'_> {
    fn info(&self) -> Result<PeerInfo> {
        self.0.info()
    }
    fn list(&self, filter: &SnapshotFilter) -> Result<Vec<SnapshotPath>> {
        self.0.list(filter)
    }
    fn manifest(&self, snapshot: &SnapshotPath) -> Result<Vec<u8>> {
        self.0.manifest(snapshot)
    }
    fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>> {
        self.0.chunks(ids)
    }
}

#[test]
fn a_sync_knows_how_much_it_will_copy_and_counts_only_that() {
    let (folder, world, source) = one_large_file();
    let create = || {
        let blobs = Arc::new(MemBlobs::new());
        Datastore::create_on(blobs, "target", hub(), key(9), world.seams.clone()).expect("create")
    };
    let sync = |target: &Datastore, peer: &dyn Peer| {
        let recorder = Recorder::default();
        let stats = target
            .sync_from(peer, SyncRequest::default(), &recorder)
            .expect("sync");
        (recorder, stats)
    };
    let target = create();
    let (recorder, stats) = sync(&target, &source);
    let told = of(&recorder, "copy");
    let (first, last) = (&told[0], told.last().expect("stages"));
    assert_eq!((first.done, first.bytes, first.total), (0, 0, Some(1)));
    assert_eq!(
        first.bytes_total,
        Some(stats.bytes),
        "known before anything is copied"
    );
    assert!(stats.bytes >= SIZE);
    assert_eq!(
        (last.done, last.bytes, last.bytes_total),
        (1, stats.bytes, Some(stats.bytes))
    );
    assert!(
        told.iter().any(|stage| (1..SIZE).contains(&stage.bytes)),
        "told on the way"
    );

    // Nothing is left to do: nothing is copied, and nothing pretends to be.
    let (recorder, stats) = sync(&target, &source);
    assert_eq!((stats.snapshots, stats.bytes), (1, 0));
    assert!(of(&recorder, "copy").is_empty());
    let compared = of(&recorder, "compare");
    assert_eq!(
        compared.last().map(|stage| (stage.done, stage.total)),
        Some((1, Some(1)))
    );

    // Of two snapshots one is here: the other is the work, and of that what is not here.
    put(&folder.path().join("tree/new"), &noise(2, 3_000_000));
    backup(&source, &folder.path().join("tree"), 1);
    let (recorder, stats) = sync(&target, &source);
    let last = of(&recorder, "copy").pop().expect("stages");
    assert_eq!((last.done, last.total), (1, Some(1)));
    assert_eq!((last.bytes, last.bytes_total), (stats.bytes, Some(stats.bytes)));
    assert!((3_000_000..4_000_000).contains(&stats.bytes), "{}", stats.bytes);

    let (recorder, stats) = sync(&create(), &Terse(&source));
    let told = of(&recorder, "copy");
    assert!(told.iter().all(|stage| stage.bytes_total.is_none()), "unknown");
    let last = told.last().expect("stages");
    assert_eq!((last.done, last.total, last.bytes), (2, Some(2), stats.bytes));
}
