//! The half of a collection that changes things: repacking, deleting, and the index without what is deleted.

use std::collections::{HashMap, HashSet};

use crate::blobs::BlobErrorKind;
use crate::chunk::StoredChunk;
use crate::datastore::Datastore;
use crate::error::{Result, StoreError};
use crate::id::PackId;
use crate::index::{self, Location, PackRow, View};
use crate::layout;
use crate::watch::{self, Watch};
use crate::writer::ChunkWriter;

/// Segments are merged once there are more.
const MAX_SEGMENTS: usize = 24;
/// No merged segment has more entries.
const SEGMENT_ENTRIES: usize = 500_000;

/// Copies what is needed out of packs that hold little else; returns the packs that can go.
pub(super) fn repack(
    datastore: &Datastore,
    writer: &ChunkWriter,
    candidates: &[PackRow],
    needed: &HashMap<PackId, Vec<Location>>,
    watch: &dyn Watch,
) -> Result<Vec<PackRow>> {
    let mut stage = watch::stage("repack", "packs");
    stage.total = Some(candidates.len() as u64);
    let mut copied = Vec::new();
    for pack in candidates {
        watch::check(watch)?;
        writer.session.renew()?;
        let mut entries = needed.get(&pack.id).cloned().unwrap_or_default();
        entries.sort_by_key(|entry| entry.offset);
        if copy_entries(datastore, writer, &entries)? {
            copied.push(*pack);
        } else {
            watch.info(&format!(
                "pack {} holds damaged chunks that are needed and stays",
                pack.id
            ));
        }
        stage.done += 1;
        stage.bytes += pack.size;
        watch.progress(&stage);
    }
    writer.finish()?;
    Ok(copied)
}

/// Whether every entry could be copied.
fn copy_entries(datastore: &Datastore, writer: &ChunkWriter, entries: &[Location]) -> Result<bool> {
    for entry in entries {
        match datastore.read_checked(entry) {
            Ok(bytes) => writer.add_copy(&StoredChunk {
                info: entry.info,
                bytes,
            })?,
            Err(StoreError::Chunk { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Writes the index without `gone`, then deletes the old segments; merges segments when there are many.
/// With them go those that are `damaged`.
pub(super) fn rewrite_index(
    datastore: &Datastore,
    view: &View,
    gone: &HashSet<PackId>,
    damaged: &[String],
) -> Result<()> {
    let merge = view.segments.len() > MAX_SEGMENTS;
    let affected: Vec<_> = view
        .segments
        .iter()
        .filter(|(_, segment)| merge || segment.packs().iter().any(|pack| gone.contains(&pack.id)))
        .collect();
    let (mut written, mut entries) = (HashSet::new(), Vec::new());
    for (_, segment) in &affected {
        for entry in (0..segment.len()).filter_map(|at| segment.location(at)) {
            if !gone.contains(&entry.pack.id) {
                entries.push(entry);
            }
        }
        if entries.len() >= SEGMENT_ENTRIES {
            written.extend(index::write_segment(
                datastore.blobs(),
                std::mem::take(&mut entries),
            )?);
        }
    }
    written.extend(index::write_segment(datastore.blobs(), entries)?);
    for name in affected.iter().map(|(name, _)| name).chain(damaged) {
        if !written.contains(name) {
            datastore.blobs().delete(name)?;
        }
    }
    Ok(())
}

/// Removes marks of bad copies in packs that are gone.
pub(super) fn sweep_quarantine(datastore: &Datastore, view: &View, gone: &HashSet<PackId>) -> Result<()> {
    for (chunk, pack) in &view.quarantined {
        let absent = view
            .present
            .as_ref()
            .is_some_and(|present| !present.contains(pack));
        if gone.contains(pack) || absent {
            match datastore.blobs().delete(&layout::quarantine(*chunk, *pack)) {
                Err(error) if error.kind != BlobErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
    }
    Ok(())
}
