//! Snapshots as the API shows them: what a filter lets pass, and manifests that are not to be trusted.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use ironcore_ledger::model::Role;
use ironcore_store::{BackupRequest, Datastore, NoWatch, SigningKey};
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::verification::{VerifyDepth, VerifyReport, VerifyResult};
use serde_json::{Value, json};

use crate::setup::{Hub, encode, user, verify};

const SNAPSHOT: &str = "vm/12345/2026-05-21T00:00:00Z";

/// Makes the declared datastore `shared` with one snapshot in it.
pub(crate) fn store(hub: &Hub) -> Datastore {
    let tree = hub.folder.join("tree");
    std::fs::create_dir(&tree).expect("tree");
    put(&tree.join("file"), b"content");
    let (key, owner) = (SigningKey::from_seed(&[7; 32]).expect("key"), hub.ledger.hub_id());
    let datastore = Datastore::create(&hub.folder.join("shared"), owner, key, hub.seams.clone());
    let datastore = datastore.expect("datastore");
    let request = BackupRequest {
        snapshot: snapshot(),
        tree,
        exclude: Vec::new(),
        include: Vec::new(),
        optional: false,
        full: false,
        hub: owner,
        user: user("root@local"),
        project: None,
        job: None,
        upid: None,
    };
    datastore.backup(request, &NoWatch).expect("backup");
    datastore
}

pub(crate) fn snapshot() -> SnapshotPath {
    SNAPSHOT.parse().expect("snapshot")
}

/// Puts a file in the place of another, which may be read-only.
fn put(path: &Path, bytes: &[u8]) {
    if path.exists() {
        std::fs::remove_file(path).expect("removed");
    }
    File::create(path)
        .and_then(|mut file| file.write_all(bytes))
        .expect("written");
}

fn manifest(hub: &Hub) -> PathBuf {
    hub.folder
        .join("shared/snapshots/vm/12345/20260521T000000Z.manifest")
}

/// Records that the snapshot was verified OK.
async fn record_ok(hub: &Hub) {
    hub.enqueue("demo", verify("shared")).await;
    let task = hub.claim().await;
    let report = VerifyReport {
        snapshot: snapshot(),
        started: hub.seams.now(),
        duration_us: 1,
        depth: VerifyDepth::Full,
        chunks: 3,
        result: VerifyResult::Ok,
        failure: None,
    };
    let datastore = "shared".parse().expect("name");
    hub.ledger
        .record_verification(task.id, hub.session, &datastore, &report)
        .await
        .expect("recorded");
}

/// The snapshot in the list, and in full.
async fn shown(hub: &Hub, secret: &str) -> (Value, Value) {
    let list = hub.get("/api/v1/datastores/shared/snapshots", secret).await;
    let list = list.expect(StatusCode::OK);
    let path = format!("/api/v1/snapshots/{}", encode(format!("shared:{SNAPSHOT}")));
    let detail = hub.get(&path, secret).await.expect(StatusCode::OK);
    assert_eq!(list["snapshots"][0], detail["snapshot"]);
    (list["snapshots"][0].clone(), detail)
}

#[tokio::test]
async fn a_manifest_that_is_not_to_be_trusted_is_never_shown_as_ok() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    store(&hub);
    record_ok(&hub).await;
    let (listed, detail) = shown(&hub, &admin).await;
    assert_eq!(
        (&listed["verification"], &listed["failure"]),
        (&json!("OK"), &Value::Null)
    );
    assert_eq!(detail["verification"]["found"], "OK");

    let good = std::fs::read(manifest(&hub)).expect("manifest");
    let mut signed_wrongly = good.clone();
    *signed_wrongly.last_mut().expect("a signature") ^= 1;
    for (bytes, code) in [
        (signed_wrongly.as_slice(), "manifest.signature"),
        (b"no manifest".as_slice(), "manifest.invalid"),
    ] {
        put(&manifest(&hub), bytes);
        let (listed, detail) = shown(&hub, &admin).await;
        assert_eq!(listed["verification"], "CORRUPT", "{listed}");
        assert_eq!(listed["failure"]["code"], code, "{listed}");
        let verification = &detail["verification"];
        assert_eq!(
            (&verification["result"], &verification["found"]),
            (&json!("CORRUPT"), &json!("CORRUPT"))
        );
        assert_eq!(verification["failure"], listed["failure"]);
        assert!(
            verification["failure"]["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains("manifest"))
        );
        // What was found then stays what was found then.
        assert_eq!(detail["history"][0]["found"], "OK");
    }
}

#[tokio::test]
async fn snapshots_are_found_by_a_part_of_their_path_or_notes() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    store(&hub)
        .set_notes(&snapshot(), "before the move")
        .expect("notes");
    for (text, count) in [
        ("m/123", 1),
        ("2026-05", 1),
        ("the move", 1),
        ("", 1),
        ("elsewhere", 0),
    ] {
        let path = format!("/api/v1/datastores/shared/snapshots?text={}", encode(text));
        let list = hub.get(&path, &admin).await.expect(StatusCode::OK);
        assert_eq!(list["count"], count, "{text:?}: {list}");
        assert_eq!(
            list["snapshots"].as_array().map(Vec::len),
            Some(count),
            "{text:?}"
        );
    }
}
