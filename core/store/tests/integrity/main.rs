//! Damage is found, told and healed; sync lets none through. Damage of the index is left to `index`, what a forced
//! restore makes of damage to `forced`.

#![expect(clippy::disallowed_methods, reason = "the trees of tests need not be durable")]

mod forced;
mod index;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ironcore_store::{
    Blobs, ChunkId, Datastore, MemBlobs, NoWatch, OpenOptions, Peer, PeerInfo, RestoreRequest, Result,
    SnapshotFilter, StoredChunk, SyncRequest, VerifyRequest,
};
use ironcore_types::ErrorCode;
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::verification::{VerifyDepth, VerifyResult};
use support::{
    Recorder, World, assert_all_ok, backup, gc_now, hub, key, noise, paths, request, restore, snapshot,
    verify,
};

fn write(root: &Path, name: &str, seed: u64, len: usize) {
    fs::write(root.join(name), noise(seed, len)).expect("write");
}

fn filled() -> (tempfile::TempDir, World, Arc<MemBlobs>, Datastore) {
    let folder = tempfile::tempdir().expect("folder");
    let world = World::new();
    let blobs = Arc::new(MemBlobs::new());
    let datastore = world.create(blobs.clone());
    write(folder.path(), "a", 1, 3_000_000);
    write(folder.path(), "b", 2, 300_000);
    backup(&datastore, folder.path(), 0);
    write(folder.path(), "c", 3, 300_000);
    backup(&datastore, folder.path(), 1);
    (folder, world, blobs, datastore)
}

/// The pack of the first snapshot's content.
fn large_pack(blobs: &MemBlobs) -> String {
    let packs = blobs.list("packs/data/").expect("list");
    packs.into_iter().max_by_key(|blob| blob.size).expect("pack").name
}

fn flip(blobs: &MemBlobs, name: &str, at: usize) {
    let mut bytes = blobs.get(name).expect("get");
    bytes[at] ^= 1;
    blobs.replace(name, &bytes).expect("replace");
}

#[test]
fn it_is_known_beforehand_how_much_is_to_be_verified() {
    let (folder, _world, blobs, datastore) = filled();
    // More than is read at once, in one pack.
    write(folder.path(), "large", 4, 40_000_000);
    backup(&datastore, folder.path(), 2);
    for damaged in [false, true] {
        if damaged {
            flip(&blobs, &large_pack(&blobs), 50_000);
        }
        let recorder = Recorder::default();
        let request = VerifyRequest {
            snapshots: paths(&datastore),
            depth: VerifyDepth::Full,
        };
        datastore.verify(request, &mut drop, &recorder).expect("verify");
        let stages = recorder.stages.lock().expect("lock");
        let of_all: Vec<_> = stages.iter().filter(|stage| stage.name == "verify").collect();
        let total = of_all[0].bytes_total.expect("a total");
        assert!((43_000_000..45_000_000).contains(&total), "{total}");
        assert_eq!(of_all.last().expect("stages").bytes, total);
        // While the one large snapshot is read, not only once it has been.
        let between = of_all
            .iter()
            .filter(|stage| (total / 5..total * 4 / 5).contains(&stage.bytes));
        assert!(between.count() >= 2);
    }
}

#[test]
fn a_flipped_bit_is_corrupt_at_both_depths_and_heals() {
    let (folder, _world, blobs, datastore) = filled();
    assert_all_ok(&datastore, 2);
    flip(&blobs, &large_pack(&blobs), 50_000);
    for depth in [VerifyDepth::Stored, VerifyDepth::Full] {
        for report in verify(&datastore, depth) {
            assert_eq!(report.result, VerifyResult::Corrupt);
            let failure = report.failure.expect("failure");
            assert_eq!(failure.code, ErrorCode::ChunkCorrupt);
            assert_eq!(failure.chunk.expect("chunk").len(), 64);
            assert!(report.chunks > 5);
        }
    }
    let to = tempfile::tempdir().expect("folder");
    let wanted = |keep_going| RestoreRequest {
        snapshot: snapshot(1),
        to: to.path().join(format!("{keep_going}")),
        overwrite: false,
        keep_going,
    };
    let error = datastore.restore(wanted(false), &NoWatch).expect_err("corrupt");
    assert_eq!(error.code(), ErrorCode::ChunkCorrupt);
    let recorder = Recorder::default();
    datastore.restore(wanted(true), &recorder).expect("keeps going");
    // Workers put chunks into the pack in any order, so either file may be hit.
    let warned = recorder.codes();
    let [(ErrorCode::ChunkCorrupt, damaged)] = &warned[..] else {
        panic!("{warned:?}")
    };
    assert!(damaged == "a" || damaged == "b");
    assert!(!to.path().join("true").join(damaged).exists() && to.path().join("true/c").exists());

    // The next backup stores the chunk again, although the file looks unchanged; that heals the old ones too.
    let healed = backup(&datastore, folder.path(), 2);
    assert!(healed.stats.bytes_stored > 0 && healed.stats.bytes_stored < 2_300_000);
    assert_all_ok(&datastore, 3);
    datastore.gc(gc_now(), &NoWatch).expect("gc");
    assert_all_ok(&datastore, 3);
    restore(&datastore, 0, &to.path().join("0"));
    assert_eq!(fs::read(to.path().join("0/a")).expect("a"), noise(1, 3_000_000));
}

#[test]
fn a_lost_pack_is_missing_and_a_cut_one_corrupt() {
    let (folder, _world, blobs, datastore) = filled();
    let name = large_pack(&blobs);
    let bytes = blobs.get(&name).expect("get");
    blobs.replace(&name, &bytes[..60_000]).expect("cut");
    assert!(
        verify(&datastore, VerifyDepth::Stored)
            .iter()
            .all(|r| r.result == VerifyResult::Corrupt)
    );
    blobs.replace(&name, &bytes).expect("repair");
    assert_all_ok(&datastore, 2);
    assert!(
        blobs.list("quarantine/").expect("list").is_empty(),
        "good copies are released"
    );
    blobs.delete(&name).expect("delete");
    for report in verify(&datastore, VerifyDepth::Full) {
        assert_eq!(report.result, VerifyResult::Missing);
        assert_eq!(report.failure.expect("failure").code, ErrorCode::ChunkMissing);
    }
    backup(&datastore, folder.path(), 2);
    assert_all_ok(&datastore, 3);
}

#[test]
fn each_chunk_is_read_once() {
    let (_folder, _world, blobs, datastore) = filled();
    let mut reports = 0;
    let request = VerifyRequest {
        snapshots: paths(&datastore),
        depth: VerifyDepth::Full,
    };
    let stats = datastore
        .verify(request, &mut |_| reports += 1, &NoWatch)
        .expect("verify");
    let stored: u64 = blobs
        .list("packs/")
        .expect("list")
        .iter()
        .map(|blob| blob.size)
        .sum();
    assert!(stats.bytes_read <= stored, "{} of {stored}", stats.bytes_read);
    assert_eq!((reports, stats.snapshots, stats.snapshots_affected), (2, 2, 0));
}

#[test]
fn a_forged_manifest_is_corrupt_by_its_signature() {
    let (_folder, world, blobs, datastore) = filled();
    let name = "snapshots/host/test/20260521T000000Z.manifest";
    let good = blobs.get(name).expect("get");
    flip(&blobs, name, good.len() - 1);
    let report = verify(&datastore, VerifyDepth::Full).remove(0);
    assert_eq!(report.result, VerifyResult::Corrupt);
    assert_eq!(
        report.failure.expect("failure").code,
        ErrorCode::ManifestSignature
    );
    assert!(!datastore.snapshot(&snapshot(0)).expect("info").trusted);
    let wanted = RestoreRequest {
        snapshot: snapshot(0),
        to: "/nowhere".into(),
        overwrite: false,
        keep_going: false,
    };
    let error = datastore.restore(wanted, &NoWatch).expect_err("forged");
    assert_eq!(error.code(), ErrorCode::ManifestSignature);
    // One that is good but of another snapshot is no good here.
    blobs
        .replace("snapshots/host/test/20260521T090000Z.manifest", &good)
        .expect("put");
    let reports = verify(&datastore, VerifyDepth::Full);
    assert_eq!(
        reports[2].failure.as_ref().expect("failure").code,
        ErrorCode::ManifestInvalid
    );
    drop(world);
}

#[test]
fn sync_copies_what_is_missing_as_it_is() {
    let (folder, world, _blobs, source) = filled();
    let theirs = Arc::new(MemBlobs::new());
    let target =
        Datastore::create_on(theirs.clone(), "target", hub(), key(9), world.seams.clone()).expect("create");
    let stats = target
        .sync_from(&source, SyncRequest::default(), &NoWatch)
        .expect("sync");
    assert_eq!((stats.snapshots, stats.snapshots_affected), (2, 2));
    assert_all_ok(&target, 2);
    assert_eq!(
        target.manifest(&snapshot(1)).expect("bytes"),
        source.manifest(&snapshot(1)).expect("bytes")
    );
    let to = folder.path().join("to");
    restore(&target, 1, &to);
    assert_eq!(fs::read(to.join("a")).expect("a"), noise(1, 3_000_000));
    let again = target
        .sync_from(&source, SyncRequest::default(), &NoWatch)
        .expect("sync");
    assert_eq!((again.snapshots_affected, again.bytes), (0, 0));
    let elsewhere = SnapshotFilter {
        groups: vec!["vm/1".parse().expect("group")],
        ..Default::default()
    };
    let none = target.sync_from(
        &source,
        SyncRequest {
            filter: elsewhere,
            ..Default::default()
        },
        &NoWatch,
    );
    assert_eq!(none.expect("sync").snapshots, 0);
    assert!(
        source
            .sync_from(&source, SyncRequest::default(), &NoWatch)
            .is_err()
    );

    // Damage at the target is healed by the next sync once a verification has seen it.
    flip(&theirs, &large_pack(&theirs), 50_000);
    assert!(
        verify(&target, VerifyDepth::Stored)
            .iter()
            .all(|r| r.result == VerifyResult::Corrupt)
    );
    target
        .sync_from(&source, SyncRequest::default(), &NoWatch)
        .expect("sync");
    assert_all_ok(&target, 2);
    // Opened anew, the peer's key still counts.
    let options = OpenOptions {
        owner: Some(hub()),
        signing: None,
        pinned: Some(key(9).public()),
        seams: world.seams.clone(),
    };
    assert_all_ok(&Datastore::open_on(theirs, "target", options).expect("open"), 2);
}

/// A peer that changes what it ships.
struct Liar<'a>(&'a Datastore, fn(&mut StoredChunk));

impl Peer for Liar<'_> {
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
        let mut chunks = self.0.chunks(ids)?;
        if let Some(chunk) = chunks.iter_mut().find(|chunk| chunk.info.plain_len > 100_000) {
            (self.1)(chunk);
        }
        Ok(chunks)
    }
}

#[test]
fn what_a_peer_gets_wrong_is_an_integrity_error() {
    let (_folder, world, blobs, source) = filled();
    let lies: [fn(&mut StoredChunk); 3] = [
        |chunk| chunk.bytes[7] ^= 1,
        |chunk| {
            chunk.bytes[7] ^= 1;
            chunk.info.stored_hash = ironcore_store::StoredHash::of(&chunk.bytes);
        },
        |chunk| chunk.info.id = ChunkId([0; 32]),
    ];
    for lie in lies {
        let target = world.create(Arc::new(MemBlobs::new()));
        let recorder = Recorder::default();
        let error = target
            .sync_from(&Liar(&source, lie), SyncRequest::default(), &recorder)
            .expect_err("lie");
        assert!(
            error.is_integrity() && error.code() == ErrorCode::ChunkCorrupt,
            "{error}"
        );
        assert!(!recorder.codes().is_empty());
        assert_all_ok(&target, paths(&target).len());
        target
            .sync_from(&source, SyncRequest::default(), &NoWatch)
            .expect("sync");
        assert_all_ok(&target, 2);
    }
    // A snapshot that is damaged at the source does not keep the others from coming.
    let target = world.create(Arc::new(MemBlobs::new()));
    flip(&blobs, "snapshots/host/test/20260521T000000Z.manifest", 40);
    let error = target
        .sync_from(&source, SyncRequest::default(), &NoWatch)
        .expect_err("damaged");
    assert!(error.is_integrity());
    assert_eq!(paths(&target), [snapshot(1)]);
    // A peer that shows another key than the one it was first seen with is not believed.
    let trust = vec![key(5).public()];
    let target = Datastore::create_on(Arc::new(MemBlobs::new()), "t", hub(), key(9), world.seams.clone())
        .expect("create");
    let error = target.sync_from(
        &source,
        SyncRequest {
            trust,
            ..Default::default()
        },
        &NoWatch,
    );
    assert_eq!(error.expect_err("other key").code(), ErrorCode::ManifestSignature);
}

#[test]
fn a_full_disk_is_told_as_such() {
    // A tmpfs of limited size shows the real thing; without the right to mount one there is nothing to test.
    let folder = tempfile::tempdir().expect("folder");
    let (tree, disk) = (folder.path().join("tree"), folder.path().join("disk"));
    fs::create_dir_all(&tree).expect("folder");
    fs::create_dir_all(&disk).expect("folder");
    for (options, code) in [
        ("size=2m", ErrorCode::DatastoreFull),
        ("size=64m,nr_inodes=12", ErrorCode::DatastoreInodes),
    ] {
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&disk)
            .stderr(std::process::Stdio::null())
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            return;
        }
        write(&tree, "a", 1, 4_000_000);
        let datastore = World::new().create_at(&disk.join("store"));
        let error = datastore
            .backup(request(&tree, 0), &NoWatch)
            .map_err(|error| error.code())
            .err();
        let unmounted = std::process::Command::new("umount")
            .arg("-l")
            .arg(&disk)
            .status()
            .expect("umount");
        assert!(unmounted.success());
        assert_eq!(error, Some(code));
    }
}
