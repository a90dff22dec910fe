//! Marking: which chunks the snapshots refer to.

use std::collections::{HashMap, HashSet};

use crate::chunk::Decoder;
use crate::datastore::Datastore;
use crate::error::{Result, StoreError};
use crate::id::{ChunkId, PackId};
use crate::index::{Location, Marks, View};
use crate::layout;
use crate::list::{self, ListKind};
use crate::manifest::Manifest;
use crate::session::Session;
use crate::watch::{self, Watch};

/// What the snapshots refer to.
pub(super) struct Live {
    marks: Marks,
    pub(super) snapshots: u64,
    pub(super) chunks: u64,
    /// Chunks that a snapshot refers to and that the index does not know.
    pub(super) missing: u64,
}

/// Reads every manifest and every list. One that cannot be read ends the collection: nobody knows what it
/// needs, and nothing must be deleted until it is repaired or removed.
pub(super) fn mark(
    datastore: &Datastore,
    view: &View,
    session: Option<&Session>,
    watch: &dyn Watch,
) -> Result<Live> {
    let mut live = Live {
        marks: Marks::new(view),
        snapshots: 0,
        chunks: 0,
        missing: 0,
    };
    let mut decoder = Decoder::new()?;
    let mut done = HashSet::new();
    let names = datastore.blobs().list(layout::SNAPSHOTS)?;
    let names: Vec<_> = names
        .into_iter()
        .filter(|blob| blob.name.ends_with(layout::MANIFEST_SUFFIX))
        .collect();
    let mut stage = watch::stage("mark", "snapshots");
    stage.total = Some(names.len() as u64);
    for blob in names {
        watch::check(watch)?;
        let Some(path) = layout::parse_manifest(&blob.name) else {
            return Err(StoreError::manifest(
                &blob.name,
                "its file has a name that no snapshot has",
            ));
        };
        let bytes = match datastore.manifest_bytes(&path) {
            Ok(bytes) => bytes,
            // Pruned since the listing.
            Err(StoreError::Snapshot { .. }) => continue,
            Err(error) => return Err(error),
        };
        // A signature that is not valid is for verification to tell; what it refers to stays all the same.
        let manifest = Manifest::read(&path, &bytes, &[])?.manifest;
        for (kind, list) in [
            (ListKind::Data, &manifest.data),
            (ListKind::Blocks, &manifest.blocks),
        ] {
            for segment in &list.segments {
                if !done.insert(*segment) {
                    continue;
                }
                watch::check(watch)?;
                if let Some(session) = session {
                    session.renew()?;
                }
                live.add(view, segment);
                let plain =
                    datastore
                        .read_chunk(view, &mut decoder, segment)
                        .map_err(|error| match error {
                            StoreError::Chunk { .. } => StoreError::manifest(
                                &path,
                                format!(
                                    "its list of chunks cannot be read, so nothing may be deleted: {error}"
                                ),
                            ),
                            error => error,
                        })?;
                for id in list::parse(*segment, kind, &plain)? {
                    live.add(view, &id);
                }
            }
        }
        live.snapshots += 1;
        stage.done += 1;
        watch.progress(&stage);
    }
    Ok(live)
}

impl Live {
    fn add(&mut self, view: &View, id: &ChunkId) {
        match self.marks.set(view, id) {
            Some(false) => self.chunks += 1,
            Some(true) => {}
            None => self.missing += 1,
        }
    }

    /// For each pack that holds any: the entries that are needed there, no better copy being elsewhere.
    pub(super) fn needed(&self, view: &View) -> HashMap<PackId, Vec<Location>> {
        let mut needed: HashMap<PackId, Vec<Location>> = HashMap::new();
        for (entry, live) in self.marks.entries(view) {
            if live && view.best(&entry.info.id).is_some_and(|best| best == entry) {
                let entries = needed.entry(entry.pack.id).or_default();
                if !entries.contains(&entry) {
                    entries.push(entry);
                }
            }
        }
        needed
    }
}
