//! A forced restore brings back what it can. When that is nothing, it failed.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ironcore_store::{Blobs as _, Datastore, MemBlobs, RestoreRequest, StoreError};
use ironcore_types::ErrorCode;

use crate::support::{Recorder, World, backup, noise, snapshot};
use crate::{flip, large_pack, write};

/// One file in a folder, and beside it what holds no content.
fn stored() -> (tempfile::TempDir, Arc<MemBlobs>, Datastore) {
    let folder = tempfile::tempdir().expect("folder");
    let tree = folder.path().join("tree");
    fs::create_dir_all(tree.join("sub")).expect("folder");
    write(&tree, "sub/a", 1, 300_000);
    std::os::unix::fs::symlink("sub/a", tree.join("link")).expect("symlink");
    let blobs = Arc::new(MemBlobs::new());
    let datastore = World::new().create(blobs.clone());
    backup(&datastore, &tree, 0);
    (folder, blobs, datastore)
}

fn force(datastore: &Datastore, to: &Path, recorder: &Recorder) -> Result<(), StoreError> {
    let request = RestoreRequest {
        snapshot: snapshot(0),
        to: to.to_owned(),
        overwrite: false,
        keep_going: true,
    };
    datastore.restore(request, recorder).map(drop)
}

#[test]
fn without_any_file_it_fails() {
    let (folder, blobs, datastore) = stored();
    let to = folder.path().join("to");
    force(&datastore, &to, &Recorder::default()).expect("undamaged");
    assert_eq!(fs::read(to.join("sub/a")).expect("a"), noise(1, 300_000));

    flip(&blobs, &large_pack(&blobs), 5000);
    let (to, recorder) = (folder.path().join("damaged"), Recorder::default());
    let error = force(&datastore, &to, &recorder).expect_err("no file");
    assert_eq!(error.code(), ErrorCode::ChunkCorrupt);
    assert!(error.to_string().contains("no file could be restored"), "{error}");
    assert_eq!(recorder.codes(), [(ErrorCode::ChunkCorrupt, "sub/a".to_owned())]);
    assert!(to.join("link").is_symlink() && !to.join("sub/a").exists());
}

#[test]
fn without_the_root_it_fails() {
    let (folder, blobs, datastore) = stored();
    for blob in blobs.list("packs/meta/").expect("list") {
        let mut bytes = blobs.get(&blob.name).expect("get");
        bytes[32..].fill(0);
        blobs.replace(&blob.name, &bytes).expect("replace");
    }
    let error = force(&datastore, &folder.path().join("to"), &Recorder::default());
    assert_eq!(error.expect_err("no root").code(), ErrorCode::ChunkCorrupt);
}
