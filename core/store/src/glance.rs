//! What can be seen of a datastore at a glance: whether it is there, how much space there is, the names of its
//! snapshots. No index and no manifest is read, so that it may be asked often. How full a datastore is in detail is
//! told by `usage`.

use std::path::Path;

use ironcore_types::snapshot::SnapshotPath;

use crate::blobs::{Blobs, FsBlobs, Space};
use crate::datastore::Datastore;
use crate::error::Result;
use crate::layout;

impl Datastore {
    /// How much space there is where the datastore in `folder` lies. Fails when no datastore can be read there;
    /// whose it is, is not asked.
    pub fn glance(folder: &Path) -> Result<Space> {
        let blobs = FsBlobs::new(folder);
        // Read, not only looked up: names may be remembered for a while after a file server is gone.
        blobs.get(layout::CONFIG)?;
        Ok(blobs.space()?)
    }

    /// The names of the snapshots there are, sorted, those with damaged manifests among them.
    pub fn snapshot_paths(&self) -> Result<Vec<SnapshotPath>> {
        let blobs = self.blobs().list(layout::SNAPSHOTS)?;
        let mut paths: Vec<SnapshotPath> = blobs
            .iter()
            .filter_map(|blob| layout::parse_manifest(&blob.name))
            .collect();
        paths.sort();
        Ok(paths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironcore_types::ErrorCode;

    #[test]
    fn a_folder_without_a_datastore_is_offline() {
        let folder = tempfile::tempdir().expect("folder");
        let gone = folder.path().join("gone");
        for place in [folder.path(), gone.as_path()] {
            let error = Datastore::glance(place).expect_err("nothing is there");
            assert_eq!(error.code(), ErrorCode::DatastoreOffline, "{error}");
        }
        FsBlobs::new(folder.path())
            .put_new(layout::CONFIG, b"{}")
            .expect("a configuration");
        let space = Datastore::glance(folder.path()).expect("there");
        assert!(space.total >= space.available && space.total.is_some());
    }
}
