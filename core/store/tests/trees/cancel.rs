//! Cancelled backups and syncs: whenever it happens there is no snapshot, only garbage. Those that die are left
//! to `tests/crash.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use ironcore_store::{
    BlobError, BlobMeta, BlobWriter, Blobs, Datastore, MemBlobs, NoWatch, Space, StoreError, SyncRequest,
    Watch,
};
use ironcore_types::ErrorCode;

use crate::put;
use crate::support::{World, backup, gc_now, noise, paths, request};

struct CancelAfter(AtomicI64);

impl Watch for CancelAfter {
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::SeqCst) <= 0
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
        let watch = CancelAfter(AtomicI64::new(after));
        let error = datastore
            .backup(request(folder.path(), 0), &watch)
            .expect_err("cancelled");
        assert!(matches!(error, StoreError::Cancelled), "{error}");
        assert_eq!(error.code(), ErrorCode::TaskCancelled);
    }
    assert!(paths(&datastore).is_empty());
    datastore.gc(gc_now(), &NoWatch).expect("gc");
    let names: Vec<String> = blobs
        .list("")
        .expect("list")
        .into_iter()
        .map(|b| b.name)
        .collect();
    assert_eq!(names, ["ironcore-datastore.json"]);
}

/// A moment between the last chunk and the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// The index of what is new is being written.
    Index,
    /// The session is looked at once more; nothing but the manifest is left to write.
    Session,
}

/// Blobs that cancel their writer at a moment.
#[derive(Debug)]
struct CancellingBlobs {
    inner: MemBlobs,
    moment: Moment,
    cancelled: Arc<AtomicBool>,
}

impl CancellingBlobs {
    fn pass(&self, moment: Moment) {
        if self.moment == moment {
            self.cancelled.store(true, Ordering::SeqCst);
        }
    }
}

impl Blobs for CancellingBlobs {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, BlobError> {
        if name.starts_with("index/") {
            self.pass(Moment::Index);
        }
        self.inner.create(name)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), BlobError> {
        self.inner.replace(name, bytes)
    }

    fn get(&self, name: &str) -> Result<Vec<u8>, BlobError> {
        self.inner.get(name)
    }

    fn get_range(&self, name: &str, offset: u64, len: usize) -> Result<Vec<u8>, BlobError> {
        self.inner.get_range(name, offset, len)
    }

    fn list(&self, prefix: &str) -> Result<Vec<BlobMeta>, BlobError> {
        self.inner.list(prefix)
    }

    fn size(&self, name: &str) -> Result<Option<u64>, BlobError> {
        if name.starts_with("sessions/") {
            self.pass(Moment::Session);
        }
        self.inner.size(name)
    }

    fn delete(&self, name: &str) -> Result<(), BlobError> {
        self.inner.delete(name)
    }

    fn space(&self) -> Result<Space, BlobError> {
        self.inner.space()
    }

    fn remove_unfinished(&self) -> Result<u64, BlobError> {
        self.inner.remove_unfinished()
    }
}

struct Flag(Arc<AtomicBool>);

impl Watch for Flag {
    fn cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// A new datastore that has whatever writes to it cancelled at `moment`; its blobs, and the watch that tells.
fn cancelling(world: &World, moment: Moment) -> (Datastore, MemBlobs, Flag) {
    let blobs = MemBlobs::new();
    world.create(Arc::new(blobs.clone()));
    let cancelled = Arc::new(AtomicBool::new(false));
    let datastore = world.open(Arc::new(CancellingBlobs {
        inner: blobs.clone(),
        moment,
        cancelled: Arc::clone(&cancelled),
    }));
    assert!(!cancelled.load(Ordering::SeqCst), "{moment:?}: too early");
    (datastore, blobs, Flag(cancelled))
}

fn assert_only_the_manifest_is_missing(datastore: &Datastore, blobs: &MemBlobs, moment: Moment) {
    let there = |prefix: &str| !blobs.list(prefix).expect("list").is_empty();
    assert!(there("index/"), "{moment:?}: it did not come that far");
    assert!(!there("snapshots/"), "{moment:?}");
    assert!(!there("sessions/"), "{moment:?}: it holds up collections");
    assert!(paths(datastore).is_empty(), "{moment:?}");
}

#[test]
fn a_backup_that_is_cancelled_after_its_last_file_makes_no_snapshot() {
    let folder = tempfile::tempdir().expect("folder");
    put(&folder.path().join("f"), b"content");
    let world = World::new();
    for moment in [Moment::Index, Moment::Session] {
        let (datastore, blobs, flag) = cancelling(&world, moment);
        let error = datastore
            .backup(request(folder.path(), 0), &flag)
            .expect_err("cancelled");
        assert!(matches!(error, StoreError::Cancelled), "{moment:?}: {error}");
        assert_only_the_manifest_is_missing(&datastore, &blobs, moment);
    }
}

#[test]
fn a_sync_that_is_cancelled_after_its_last_chunk_makes_no_snapshot() {
    let folder = tempfile::tempdir().expect("folder");
    put(&folder.path().join("f"), b"content");
    let world = World::new();
    let source = world.create(Arc::new(MemBlobs::new()));
    backup(&source, folder.path(), 0);
    for moment in [Moment::Index, Moment::Session] {
        let (datastore, blobs, flag) = cancelling(&world, moment);
        let error = datastore
            .sync_from(&source, SyncRequest::default(), &flag)
            .expect_err("cancelled");
        assert!(matches!(error, StoreError::Cancelled), "{moment:?}: {error}");
        assert_only_the_manifest_is_missing(&datastore, &blobs, moment);
    }
}
