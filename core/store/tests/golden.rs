//! Datastores of earlier versions stay readable. `tests/golden/v1` was written by the first version; to make
//! one for a new format, run with `IRONCORE_WRITE_GOLDEN=1` and check it in beside the old ones.

#![expect(clippy::disallowed_methods, reason = "the trees of tests need not be durable")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use ironcore_store::{Datastore, NoWatch, OpenOptions, RestoreRequest};
use support::{World, assert_all_ok, backup, key, noise, paths, snapshot};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

fn write(tree: &Path) {
    fs::create_dir_all(tree.join("folder")).expect("folder");
    fs::write(tree.join("folder/text"), "golden ".repeat(1000)).expect("write");
    fs::write(tree.join("noise"), noise(42, 150_000)).expect("write");
    std::os::unix::fs::symlink("folder/text", tree.join("link")).expect("symlink");
    fs::hard_link(tree.join("noise"), tree.join("same noise")).expect("link");
}

#[test]
fn the_first_format_is_still_read() {
    let world = World::new();
    if std::env::var_os("IRONCORE_WRITE_GOLDEN").is_some() && !golden().exists() {
        let folder = tempfile::tempdir().expect("folder");
        write(folder.path());
        let datastore = world.create_at(&golden());
        backup(&datastore, folder.path(), 0);
        fs::write(folder.path().join("second"), "added").expect("write");
        backup(&datastore, folder.path(), 1);
        drop(datastore);
        for gone in ["tmp", "sessions"] {
            fs::remove_dir_all(golden().join(gone)).expect("remove");
        }
    }
    let options = OpenOptions {
        owner: None,
        signing: None,
        pinned: Some(key(1).public()),
        seams: world.seams.clone(),
    };
    let datastore = Datastore::open(&golden(), options).expect("open");
    assert_eq!(paths(&datastore), [snapshot(0), snapshot(1)]);
    assert_all_ok(&datastore, 2);
    let folder = tempfile::tempdir().expect("folder");
    let to = folder.path().join("to");
    let request = RestoreRequest {
        snapshot: snapshot(1),
        to: to.clone(),
        overwrite: false,
        keep_going: false,
    };
    datastore.restore(request, &NoWatch).expect("restore");
    assert_eq!(
        fs::read_to_string(to.join("link")).expect("link"),
        "golden ".repeat(1000)
    );
    assert_eq!(
        fs::read(to.join("same noise")).expect("noise"),
        noise(42, 150_000)
    );
    assert_eq!(fs::read_to_string(to.join("second")).expect("second"), "added");
}
