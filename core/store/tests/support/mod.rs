//! What the tests of the datastore share: a clock and randomness of their own, a hub, blobs that fail.

#![expect(dead_code, reason = "each test uses a part of this")]

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ironcore_store::{
    BackupOutcome, BackupRequest, Blobs, Datastore, GcRequest, NoWatch, OpenOptions, RestoreRequest,
    SigningKey, SnapshotFilter, VerifyRequest, Watch,
};
use ironcore_types::progress::{Stage, Warning};
use ironcore_types::seams::{Clock, Random};
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::verification::{VerifyDepth, VerifyReport, VerifyResult};
use ironcore_types::{ErrorCode, HubId, Moment, Seams, Timestamp, UserId};
use uuid::Uuid;

/// What the wall clock shows, and how much of it was set rather than passed, in microseconds.
pub(crate) struct ManualClock {
    shown: AtomicI64,
    set: AtomicI64,
    start: i64,
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.shown.load(Ordering::SeqCst))
    }

    fn moment(&self) -> Moment {
        let passed = self.shown.load(Ordering::SeqCst) - self.set.load(Ordering::SeqCst) - self.start;
        Moment::new(Duration::from_micros(passed.unsigned_abs()))
    }

    fn sleep(&self, _span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }

    fn sleep_until(&self, _time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

struct Counter(AtomicU64);

impl Random for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let n = self
                .0
                .fetch_add(1, Ordering::SeqCst)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&n.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// A clock that stands still until it is moved, and ids that never repeat.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) seams: Seams,
}

impl World {
    pub(crate) fn new() -> Self {
        let start: Timestamp = "2026-05-21T00:00:00Z".parse().expect("time");
        let clock = Arc::new(ManualClock {
            shown: AtomicI64::new(start.as_micros()),
            set: AtomicI64::new(0),
            start: start.as_micros(),
        });
        let seams = Seams::new(clock.clone(), Arc::new(Counter(AtomicU64::new(1))));
        Self { clock, seams }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock
            .shown
            .fetch_add(time.as_micros() as i64, Ordering::SeqCst);
    }

    /// Sets the wall clock; no time passes.
    pub(crate) fn jump(&self, seconds: i64) {
        self.clock.set.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
        self.clock.shown.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub(crate) fn create(&self, blobs: Arc<dyn Blobs>) -> Datastore {
        Datastore::create_on(blobs, "test", hub(), key(1), self.seams.clone()).expect("create")
    }

    pub(crate) fn create_at(&self, path: &Path) -> Datastore {
        Datastore::create(path, hub(), key(1), self.seams.clone()).expect("create")
    }

    pub(crate) fn options(&self) -> OpenOptions {
        OpenOptions {
            owner: Some(hub()),
            signing: Some(key(1)),
            pinned: Some(key(1).public()),
            seams: self.seams.clone(),
        }
    }

    pub(crate) fn open(&self, blobs: Arc<dyn Blobs>) -> Datastore {
        Datastore::open_on(blobs, "test", self.options()).expect("open")
    }
}

pub(crate) fn hub() -> HubId {
    HubId(Uuid::from_u128(7))
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).expect("key")
}

pub(crate) fn snapshot(number: i64) -> SnapshotPath {
    let group = "host/test".parse().expect("group");
    let base: Timestamp = "2026-05-21T00:00:00Z".parse().expect("time");
    SnapshotPath::new(group, Timestamp::from_seconds(base.as_seconds() + number * 3600))
}

pub(crate) fn request(tree: &Path, number: i64) -> BackupRequest {
    BackupRequest {
        snapshot: snapshot(number),
        tree: tree.to_owned(),
        exclude: Vec::new(),
        include: Vec::new(),
        optional: false,
        full: false,
        hub: hub(),
        user: UserId::new("root@pam").expect("user"),
        project: None,
        job: None,
        upid: None,
    }
}

pub(crate) fn backup(datastore: &Datastore, tree: &Path, number: i64) -> BackupOutcome {
    datastore.backup(request(tree, number), &NoWatch).expect("backup")
}

pub(crate) fn restore(datastore: &Datastore, number: i64, to: &Path) {
    let request = RestoreRequest {
        snapshot: snapshot(number),
        to: to.to_owned(),
        overwrite: false,
        keep_going: false,
    };
    datastore.restore(request, &NoWatch).expect("restore");
}

pub(crate) fn gc_now() -> GcRequest {
    GcRequest {
        grace: Duration::ZERO,
        ..GcRequest::default()
    }
}

pub(crate) fn paths(datastore: &Datastore) -> Vec<SnapshotPath> {
    let infos = datastore
        .snapshots(&SnapshotFilter::default())
        .expect("snapshots");
    infos.into_iter().map(|info| info.path).collect()
}

pub(crate) fn verify(datastore: &Datastore, depth: VerifyDepth) -> Vec<VerifyReport> {
    let mut reports = Vec::new();
    let request = VerifyRequest {
        snapshots: paths(datastore),
        depth,
    };
    datastore
        .verify(request, &mut |report| reports.push(report), &NoWatch)
        .expect("verify");
    reports
}

pub(crate) fn assert_all_ok(datastore: &Datastore, count: usize) {
    let reports = verify(datastore, VerifyDepth::Full);
    assert_eq!(reports.len(), count);
    for report in reports {
        assert_eq!(report.result, VerifyResult::Ok, "{report:?}");
    }
}

/// Remembers warnings, lines and how far stages were.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) stages: Mutex<Vec<Stage>>,
    pub(crate) warnings: Mutex<Vec<Warning>>,
    pub(crate) lines: Mutex<Vec<String>>,
}

impl Watch for Recorder {
    fn progress(&self, stage: &Stage) {
        self.stages.lock().expect("lock").push(stage.clone());
    }

    fn warn(&self, warning: Warning) {
        self.warnings.lock().expect("lock").push(warning);
    }

    fn info(&self, line: &str) {
        self.lines.lock().expect("lock").push(line.to_owned());
    }
}

impl Recorder {
    pub(crate) fn codes(&self) -> Vec<(ErrorCode, String)> {
        let warnings = self.warnings.lock().expect("lock");
        warnings
            .iter()
            .map(|w| (w.code, w.path.clone().unwrap_or_default()))
            .collect()
    }
}

/// Bytes that do not compress and are the same every time.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}
