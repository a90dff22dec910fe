//! Garbage collection: what it frees, what it must not touch, and what it waits for.

#![expect(clippy::disallowed_methods, reason = "the trees of tests need not be durable")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use ironcore_store::{
    Blobs, FsBlobs, GcRequest, MemBlobs, NoWatch, PruneRequest, SESSION_TTL, SnapshotFilter, StoreError,
    Watch,
};
use ironcore_types::progress::Stage;
use ironcore_types::retention::Keep;
use support::{World, assert_all_ok, backup, gc_now, noise, paths, request, restore, snapshot};

fn write(root: &Path, name: &str, seed: u64, len: usize) {
    fs::write(root.join(name), noise(seed, len)).expect("write");
}

fn packs(blobs: &dyn Blobs) -> u64 {
    blobs
        .list("packs/")
        .expect("list")
        .iter()
        .map(|blob| blob.size)
        .sum()
}

#[test]
fn what_no_snapshot_needs_goes_after_the_grace() {
    let folder = tempfile::tempdir().expect("folder");
    let world = World::new();
    let blobs = Arc::new(MemBlobs::new());
    let datastore = world.create(blobs.clone());
    write(folder.path(), "a", 1, 3_000_000);
    write(folder.path(), "b", 2, 3_000_000);
    backup(&datastore, folder.path(), 0);
    fs::remove_file(folder.path().join("a")).expect("remove");
    backup(&datastore, folder.path(), 1);
    datastore.forget(&snapshot(0)).expect("forget");
    let before = packs(&*blobs);

    let dry = datastore
        .gc(
            GcRequest {
                dry_run: true,
                ..GcRequest::default()
            },
            &NoWatch,
        )
        .expect("dry");
    assert!(
        dry.bytes_pending > 2_900_000 && dry.bytes_pending < 3_200_000,
        "{dry:?}"
    );
    assert_eq!(packs(&*blobs), before);

    let first = datastore.gc(GcRequest::default(), &NoWatch).expect("gc");
    assert_eq!((first.bytes_freed, first.packs_deleted), (0, 0));
    assert!(first.packs_repacked >= 1 && first.bytes_pending > 5_900_000);
    assert_all_ok(&datastore, 1);
    world.pass(Duration::from_secs(25 * 3600));
    let second = datastore.gc(GcRequest::default(), &NoWatch).expect("gc");
    assert!(second.bytes_freed > 5_900_000, "{second:?}");
    assert!(packs(&*blobs) < 3_200_000);
    assert_all_ok(&datastore, 1);
    let to = tempfile::tempdir().expect("folder");
    restore(&datastore, 1, to.path());

    datastore.forget(&snapshot(1)).expect("forget");
    datastore.gc(gc_now(), &NoWatch).expect("gc");
    let names: Vec<String> = blobs
        .list("")
        .expect("list")
        .into_iter()
        .map(|blob| blob.name)
        .collect();
    assert_eq!(names, ["ironcore-datastore.json"]);
}

/// Stops an operation at its first word about a stage until the other side is through.
struct Gate {
    stage: &'static str,
    once: AtomicBool,
    reached: Barrier,
    go_on: Barrier,
}

impl Gate {
    fn new(stage: &'static str) -> Self {
        Self {
            stage,
            once: AtomicBool::new(false),
            reached: Barrier::new(2),
            go_on: Barrier::new(2),
        }
    }
}

impl Watch for Gate {
    fn progress(&self, stage: &Stage) {
        if stage.name == self.stage && stage.done >= 3 && !self.once.swap(true, Ordering::SeqCst) {
            self.reached.wait();
            self.go_on.wait();
        }
    }
}

#[test]
fn a_running_backup_keeps_what_it_found_although_nobody_else_needs_it() {
    let folder = tempfile::tempdir().expect("folder");
    let world = World::new();
    let datastore = world.create(Arc::new(MemBlobs::new()));
    for n in 0..8 {
        write(folder.path(), &format!("f{n}"), n, 400_000);
    }
    backup(&datastore, folder.path(), 0);
    for n in 8..70 {
        write(folder.path(), &format!("g{n}"), n, 10);
    }
    let gate = Gate::new("read source");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| datastore.backup(request(folder.path(), 1), &gate));
        gate.reached.wait();
        // The backup relies on chunks of the first snapshot by now, which goes.
        datastore.forget(&snapshot(0)).expect("forget");
        let beside = datastore.gc(gc_now(), &NoWatch).expect("gc");
        assert_eq!((beside.packs_deleted, beside.waiting_for), (0, 1));
        gate.go_on.wait();
        running.join().expect("thread").expect("backup");
    });
    assert_all_ok(&datastore, 1);
    let after = datastore.gc(gc_now(), &NoWatch).expect("gc");
    assert!(after.packs_reprieved >= 1, "{after:?}");
    assert_all_ok(&datastore, 1);
    // A backup that begins while packs are condemned does not rely on them.
    datastore.forget(&snapshot(1)).expect("forget");
    datastore.gc(GcRequest::default(), &NoWatch).expect("gc");
    let outcome = backup(&datastore, folder.path(), 2);
    assert!(outcome.stats.bytes_stored > 3_000_000);
    world.pass(Duration::from_secs(25 * 3600));
    datastore.gc(GcRequest::default(), &NoWatch).expect("gc");
    assert_all_ok(&datastore, 1);
}

#[test]
fn a_session_that_was_given_up_does_not_commit() {
    let folder = tempfile::tempdir().expect("folder");
    let world = World::new();
    let datastore = world.create(Arc::new(MemBlobs::new()));
    for n in 0..70 {
        write(folder.path(), &format!("f{n}"), n, 1000);
    }
    let gate = Gate::new("read source");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| datastore.backup(request(folder.path(), 0), &gate));
        gate.reached.wait();
        world.pass(SESSION_TTL * 2);
        datastore.gc(gc_now(), &NoWatch).expect("gc");
        gate.go_on.wait();
        let error = running.join().expect("thread").expect_err("given up");
        assert!(matches!(error, StoreError::SessionLost(_)), "{error}");
    });
    assert!(paths(&datastore).is_empty());
}

#[test]
fn a_clock_that_is_an_hour_off_ends_no_backup() {
    for hours in [-1, 1] {
        let world = World::new();
        let folder = tempfile::tempdir().expect("folder");
        let datastore = world.create(Arc::new(MemBlobs::new()));
        for n in 0..70 {
            write(folder.path(), &format!("f{n}"), n, 1000);
        }
        let gate = Gate::new("read source");
        std::thread::scope(|scope| {
            let running = scope.spawn(|| datastore.backup(request(folder.path(), 0), &gate));
            gate.reached.wait();
            world.pass(Duration::from_secs(30));
            world.jump(hours * 3_600);
            datastore.gc(gc_now(), &NoWatch).expect("gc");
            gate.go_on.wait();
            running.join().expect("thread").expect("it is not given up");
        });
        assert_eq!(paths(&datastore).len(), 1);
    }
}

#[test]
fn a_writer_that_was_silent_gives_up_whatever_the_clock_shows() {
    let world = World::new();
    let folder = tempfile::tempdir().expect("folder");
    let datastore = world.create(Arc::new(MemBlobs::new()));
    for n in 0..70 {
        write(folder.path(), &format!("f{n}"), n, 1000);
    }
    let gate = Gate::new("read source");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| datastore.backup(request(folder.path(), 0), &gate));
        gate.reached.wait();
        world.jump(-3_600);
        world.pass(Duration::from_secs(95 * 60));
        gate.go_on.wait();
        let error = running.join().expect("thread").expect_err("given up");
        assert!(matches!(error, StoreError::SessionLost(_)), "{error}");
    });
}

#[test]
fn two_collections_do_not_run_at_once_and_a_damaged_list_stops_one() {
    let folder = tempfile::tempdir().expect("folder");
    let blobs = Arc::new(MemBlobs::new());
    let datastore = World::new().create(blobs.clone());
    write(folder.path(), "a", 1, 1000);
    for number in 0..5 {
        backup(&datastore, folder.path(), number);
    }
    let gate = Gate::new("mark");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| datastore.gc(gc_now(), &gate));
        gate.reached.wait();
        assert!(matches!(
            datastore.gc(gc_now(), &NoWatch),
            Err(StoreError::Busy(_))
        ));
        gate.go_on.wait();
        running.join().expect("thread").expect("gc");
    });
    for blob in blobs.list("packs/meta/").expect("list") {
        let mut bytes = blobs.get(&blob.name).expect("get");
        bytes[32..].fill(0);
        blobs.replace(&blob.name, &bytes).expect("replace");
    }
    let error = datastore.gc(gc_now(), &NoWatch).expect_err("cannot mark");
    assert_eq!(error.code(), ironcore_types::ErrorCode::ManifestInvalid);
}

#[test]
fn a_lost_or_damaged_index_is_made_anew_from_the_packs() {
    let folder = tempfile::tempdir().expect("folder");
    let blobs = Arc::new(MemBlobs::new());
    let world = World::new();
    let datastore = world.create(blobs.clone());
    write(folder.path(), "a", 1, 3_000_000);
    backup(&datastore, folder.path(), 0);
    write(folder.path(), "b", 2, 3_000_000);
    backup(&datastore, folder.path(), 1);
    let segments = blobs.list("index/").expect("list");
    assert_eq!(segments.len(), 2);
    blobs.delete(&segments[0].name).expect("delete");
    let mut bytes = blobs.get(&segments[1].name).expect("get");
    bytes[100] ^= 1;
    blobs.replace(&segments[1].name, &bytes).expect("replace");
    let datastore = world.open(blobs.clone());
    let result = datastore.gc(gc_now(), &NoWatch).expect("gc");
    assert_eq!((result.packs_deleted, result.chunks_missing), (0, 0));
    assert_all_ok(&datastore, 2);
    assert!(
        !blobs
            .list("index/")
            .expect("list")
            .iter()
            .any(|blob| blob.name == segments[1].name)
    );
}

#[test]
fn prune_follows_the_rules_and_spares_the_protected() {
    let folder = tempfile::tempdir().expect("folder");
    write(folder.path(), "a", 1, 1000);
    let datastore = World::new().create(Arc::new(MemBlobs::new()));
    for number in 0..6 {
        backup(&datastore, folder.path(), number);
    }
    datastore.set_protected(&snapshot(1), true).expect("protect");
    datastore
        .set_notes(&snapshot(2), "before the upgrade")
        .expect("notes");
    assert_eq!(
        datastore.snapshot(&snapshot(2)).expect("info").notes.as_deref(),
        Some("before the upgrade")
    );
    let rules = |keep| PruneRequest {
        filter: SnapshotFilter::default(),
        keep,
        timezone: "UTC".into(),
    };
    let nothing = datastore.prune_plan(&rules(Keep::default())).expect("plan");
    assert_eq!(nothing.removed().count(), 0);
    let plan = datastore
        .prune_plan(&rules(Keep {
            last: Some(2),
            ..Keep::default()
        }))
        .expect("plan");
    assert_eq!(
        plan.removed().cloned().collect::<Vec<_>>(),
        [snapshot(0), snapshot(2), snapshot(3)]
    );
    assert_eq!(paths(&datastore).len(), 6);
    let stats = datastore.prune_apply(&plan, &NoWatch).expect("apply");
    assert_eq!(stats.snapshots_affected, 3);
    assert_eq!(paths(&datastore), [snapshot(1), snapshot(4), snapshot(5)]);
    assert!(matches!(datastore.forget(&snapshot(1)), Err(StoreError::Busy(_))));
    assert!(
        datastore
            .prune_plan(&PruneRequest {
                timezone: "Mars".into(),
                ..rules(Keep::default())
            })
            .is_err()
    );
}

#[test]
fn datastores_are_told_apart() {
    use ironcore_store::{Datastore, OpenOptions};
    use ironcore_types::ErrorCode;
    let folder = tempfile::tempdir().expect("folder");
    let (path, world) = (folder.path().join("store"), World::new());
    let open = |options: OpenOptions| Datastore::open(&path, options).map_err(|error| error.code());
    assert_eq!(open(world.options()).err(), Some(ErrorCode::DatastoreOffline));
    fs::create_dir(&path).expect("folder");
    assert_eq!(open(world.options()).err(), Some(ErrorCode::DatastoreNotFound));
    let datastore = world.create_at(&path);
    write(folder.path(), "a", 1, 1000);
    datastore
        .backup(request(folder.path(), 0), &NoWatch)
        .expect("backup");
    let again = Datastore::create(&path, support::hub(), support::key(1), world.seams.clone());
    assert_eq!(
        again.map_err(|error| error.code()).err(),
        Some(ErrorCode::DatastoreNotEmpty)
    );
    let other = ironcore_types::HubId(uuid::Uuid::from_u128(8));
    let foreign = OpenOptions {
        owner: Some(other),
        signing: None,
        pinned: None,
        ..world.options()
    };
    assert_eq!(open(foreign).err(), Some(ErrorCode::DatastoreForeign));
    let wrong = OpenOptions {
        signing: None,
        pinned: Some(support::key(2).public()),
        ..world.options()
    };
    assert_eq!(open(wrong).err(), Some(ErrorCode::ManifestSignature));
    let usage = datastore.usage().expect("usage");
    assert!(usage.used > 1000 && usage.logical >= 1000 && usage.snapshots == 1 && usage.available.is_some());

    // Another hub takes it over: what the former signed still counts, and the former is out.
    let adopted = Datastore::adopt(&path, other, support::key(2), world.seams.clone()).expect("adopt");
    assert_all_ok(&adopted, 1);
    assert_eq!(open(world.options()).err(), Some(ErrorCode::DatastoreForeign));

    let config = FsBlobs::new(&path)
        .get("ironcore-datastore.json")
        .expect("config");
    let newer = String::from_utf8(config)
        .expect("text")
        .replace("\"format\": 1", "\"format\": 2");
    fs::write(path.join("ironcore-datastore.json"), newer).expect("write");
    let any = || OpenOptions {
        owner: None,
        signing: None,
        pinned: None,
        ..world.options()
    };
    assert_eq!(open(any()).err(), Some(ErrorCode::DatastoreFormat));
    fs::remove_dir_all(&path).expect("remove");
    assert_eq!(
        datastore.usage().map_err(|error| error.code()),
        Err(ErrorCode::DatastoreOffline)
    );
    assert_eq!(open(any()).err(), Some(ErrorCode::DatastoreOffline));
    assert_eq!(
        datastore
            .backup(request(folder.path(), 1), &NoWatch)
            .map_err(|error| error.code())
            .err(),
        Some(ErrorCode::DatastoreOffline)
    );
}
