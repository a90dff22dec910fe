//! What is said of the end of a restore and of a sync while they go steadily: the jobs of the store, under a task's
//! context, on a clock that goes on by what they read.

#![expect(clippy::disallowed_methods, reason = "the trees of tests need not be durable")]

use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ironcore_store::{
    BackupRequest, BlobError, BlobErrorKind, BlobMeta, BlobWriter, Blobs, Datastore, MemBlobs, NoWatch,
    OpenOptions, RestoreRequest, SigningKey, Space, SyncRequest, Watch,
};
use ironcore_types::progress::{Stage, Warning};
use ironcore_types::seams::{Clock, Random};
use ironcore_types::{ErrorCode, HubId, Moment, Seams, Timestamp, UserId};

use super::TaskContext;

/// A megabyte takes a second.
const RATE: u64 = 1_000_000;
const SIZE: u64 = 48 * RATE;
/// Nothing that is read costs less than so much; what is smaller is the tree, not the work.
const SMALL: usize = 10_000;

#[derive(Debug, Default)]
struct Hands(AtomicI64, AtomicU64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn sleep_until(&self, _: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }

    fn moment(&self) -> Moment {
        Moment::new(self.now().since(Timestamp::EPOCH))
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

/// Numbers that never repeat.
impl Random for Hands {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            let number = self.1.fetch_add(1, Ordering::SeqCst).to_be_bytes();
            part.copy_from_slice(&number[..part.len()]);
        }
    }
}

/// Blobs that are read at [`RATE`], until a time after which they are broken.
#[derive(Debug)]
struct Disk {
    inner: MemBlobs,
    hands: Arc<Hands>,
    broken_after: Timestamp,
}

impl Blobs for Disk {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, BlobError> {
        self.inner.create(name)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), BlobError> {
        self.inner.replace(name, bytes)
    }

    fn get(&self, name: &str) -> Result<Vec<u8>, BlobError> {
        self.inner.get(name)
    }

    fn get_range(&self, name: &str, offset: u64, len: usize) -> Result<Vec<u8>, BlobError> {
        if len > SMALL {
            let micros = i64::try_from(len).expect("small");
            self.hands.0.fetch_add(micros, Ordering::SeqCst);
        }
        if self.hands.now() > self.broken_after {
            let source = std::io::Error::other("the disk is broken");
            return Err(BlobError::new("read", name, BlobErrorKind::Io, source));
        }
        self.inner.get_range(name, offset, len)
    }

    fn list(&self, prefix: &str) -> Result<Vec<BlobMeta>, BlobError> {
        self.inner.list(prefix)
    }

    fn size(&self, name: &str) -> Result<Option<u64>, BlobError> {
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

/// A task whose stage is looked at whenever it tells anything.
struct Looked {
    context: TaskContext,
    hands: Arc<Hands>,
    seen: Mutex<Vec<(Timestamp, Stage)>>,
}

impl Watch for Looked {
    fn progress(&self, stage: &Stage) {
        self.context.progress(stage);
        let progress = self.context.take(true).progress.expect("news");
        let stage = progress.stages.last().expect("a stage").clone();
        let mut seen = self.seen.lock().expect("lock");
        let now = self.hands.now();
        // What came at one moment is seen as it was at the end of it.
        seen.retain(|(at, old)| *at != now || old.name != stage.name);
        seen.push((now, stage));
    }

    fn warn(&self, warning: Warning) {
        self.context.warn(warning);
    }
}

/// One large file, backed up in no time; the datastore to read it from, and what looks.
struct Scene {
    folder: tempfile::TempDir,
    hands: Arc<Hands>,
    seams: Seams,
    source: Datastore,
}

fn noise(len: u64) -> Vec<u8> {
    let mut state: u64 = 1;
    (0..len / 8)
        .flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .collect()
}

fn create(seams: &Seams, blobs: MemBlobs, key: u8) -> Datastore {
    let signing = SigningKey::from_seed(&[key; 32]).expect("key");
    Datastore::create_on(
        Arc::new(blobs),
        "test",
        HubId(seams.uuid()),
        signing,
        seams.clone(),
    )
    .expect("datastore")
}

fn request(tree: &Path, hub: HubId) -> BackupRequest {
    BackupRequest {
        snapshot: "vm/1/2026-05-21T00:00:00Z".parse().expect("snapshot"),
        tree: tree.to_owned(),
        exclude: Vec::new(),
        include: Vec::new(),
        optional: false,
        full: false,
        hub,
        user: UserId::new("root@pam").expect("user"),
        project: None,
        job: None,
        upid: None,
    }
}

impl Scene {
    fn new(broken_after: Timestamp) -> Self {
        let hands = Arc::new(Hands::default());
        let seams = Seams::new(hands.clone(), hands.clone());
        let folder = tempfile::tempdir().expect("folder");
        let tree = folder.path().join("tree");
        std::fs::create_dir(&tree).expect("tree");
        std::fs::write(tree.join("large"), noise(SIZE)).expect("file");
        let blobs = MemBlobs::new();
        let made = create(&seams, blobs.clone(), 1);
        made.backup(request(&tree, made.config().owner), &NoWatch)
            .expect("backup");
        let options = OpenOptions {
            owner: None,
            signing: None,
            pinned: None,
            seams: seams.clone(),
        };
        let disk = Disk {
            inner: blobs,
            hands: Arc::clone(&hands),
            broken_after,
        };
        let source = Datastore::open_on(Arc::new(disk), "test", options).expect("open");
        Self {
            folder,
            hands,
            seams,
            source,
        }
    }

    fn looked(&self) -> Looked {
        Looked {
            context: TaskContext::new(self.seams.clone(), 1 << 20),
            hands: Arc::clone(&self.hands),
            seen: Mutex::default(),
        }
    }

    fn restore(&self, watch: &Looked) -> ironcore_store::Result<()> {
        let request = RestoreRequest {
            snapshot: "vm/1/2026-05-21T00:00:00Z".parse().expect("snapshot"),
            to: self.folder.path().join("to"),
            overwrite: false,
            keep_going: false,
        };
        self.source.restore(request, watch).map(drop)
    }
}

fn never() -> Timestamp {
    Timestamp::from_seconds(1_000_000)
}

/// From a fifth of the work on the end and the rate were known all along, within a quarter. Returns how often they were
/// told.
fn assert_the_end_was_known(watch: &Looked, name: &str) -> usize {
    let seen = watch.seen.lock().expect("lock");
    let of_stage: Vec<_> = seen.iter().filter(|(_, stage)| stage.name == name).collect();
    let began = of_stage[0].1.started.expect("it began");
    let end = of_stage.last().expect("it ended").0;
    let took = end.since(began);
    assert!(took.as_secs() >= SIZE / RATE, "{took:?}");
    let mut known = 0;
    for (at, stage) in of_stage {
        if at.since(began) <= took / 5 || at.since(began) >= took * 9 / 10 {
            continue;
        }
        known += 1;
        let remains = end.since(*at).as_secs_f64();
        let eta = stage
            .eta
            .unwrap_or_else(|| panic!("no ETA with {remains} s to go: {stage:?}"));
        let said = eta.since(*at).as_secs_f64();
        assert!(
            (said - remains).abs() * 4.0 <= remains,
            "{said} s, should be {remains}"
        );
        let rate = stage.rate.expect("a rate");
        assert!(rate.abs_diff(RATE) * 4 <= RATE, "{rate} bytes a second");
    }
    known
}

#[test]
fn the_end_of_a_restore_of_one_large_file_is_known() {
    let scene = Scene::new(never());
    let watch = scene.looked();
    scene.restore(&watch).expect("restore");
    let known = assert_the_end_was_known(&watch, "write files");
    assert!(known >= 10, "{known}");
}

#[test]
fn the_end_of_a_sync_of_one_large_snapshot_is_known() {
    let scene = Scene::new(never());
    let watch = scene.looked();
    create(&scene.seams, MemBlobs::new(), 2)
        .sync_from(&scene.source, SyncRequest::default(), &watch)
        .expect("sync");
    let known = assert_the_end_was_known(&watch, "copy");
    assert!(known >= 5, "{known}");
}

#[test]
fn a_restore_that_fails_keeps_what_it_had_written() {
    let scene = Scene::new(Timestamp::from_seconds(40));
    let watch = scene.looked();
    let error = scene.restore(&watch).expect_err("broken");
    assert_eq!(error.code(), ErrorCode::ChunkCorrupt);
    let (progress, ..) = watch.context.summary();
    let bytes = progress.stages.last().expect("a stage").bytes;
    assert!((30 * RATE..=40 * RATE).contains(&bytes), "{bytes}");
}
