//! Entries that the index lacks, read from the packs' own directories: of packs that a crash left between pack and
//! index, and of those whose segment is damaged or gone.
//!
//! Damage is made good at once, whoever else is at work: a collection must never judge by half an index. That is
//! safe, because a pack is whole once it is there and may be listed twice, so that one of a writer that is not
//! through yet does no harm. As writers do, whoever makes entries registers a session and looks only then: a
//! collection that condemns a pack later waits for it. The new entries are durable before what is damaged goes.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use ironcore_types::ErrorCode;

use crate::blobs::Blobs;
use crate::chunk::PackKind;
use crate::datastore::Datastore;
use crate::error::{Result, StoreError};
use crate::id::PackId;
use crate::index::{self, Location, Segment, View, segment};
use crate::layout;
use crate::pack;
use crate::session::{Session, SessionKind};
use crate::watch::{self, NoWatch, Watch};

/// Entries are written in portions of about so many.
const PORTION: usize = 500_000;

/// A pack that is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) kind: PackKind,
    pub(crate) id: PackId,
    pub(crate) size: u64,
}

/// What became of packs that were to be put into the index.
#[derive(Debug, Default)]
pub(crate) struct Indexed {
    /// The segments that list them now.
    written: HashSet<String>,
    /// Packs whose own directory cannot be read.
    pub(crate) unreadable: Vec<Found>,
}

/// What takes the place of damaged segments in memory, as long as they are there.
#[derive(Debug)]
pub(crate) struct StandIn {
    damaged: Vec<String>,
    segments: Vec<(String, Arc<Segment>)>,
}

impl Datastore {
    /// What there is now. `packs` also looks which packs are there. What damaged segments said is read from the
    /// packs and kept in memory: who only reads must find everything, even where nothing can be written.
    pub(crate) fn view(&self, packs: bool) -> Result<View> {
        let mut view = self.inner.cache.view(self.blobs(), packs)?;
        if !view.damaged.is_empty() {
            view.segments.extend(self.stand_in(&view)?);
        }
        Ok(view)
    }

    /// A view of segments that were read before, if there are any: enough to find chunks, and cheap to ask for
    /// with every batch.
    pub(crate) fn cached_view(&self) -> Result<View> {
        let Some(mut view) = self.inner.cache.cached() else {
            return self.view(false);
        };
        let kept = self.inner.cache.stand_in.lock();
        if let Some(stand_in) = &*kept.unwrap_or_else(PoisonError::into_inner) {
            view.segments.extend(stand_in.segments.iter().cloned());
        }
        Ok(view)
    }

    fn stand_in(&self, view: &View) -> Result<Vec<(String, Arc<Segment>)>> {
        // Held while it is made: others that come meanwhile want the same.
        let kept = self.inner.cache.stand_in.lock();
        let mut kept = kept.unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*kept
            && known.damaged == view.damaged
        {
            return Ok(known.segments.clone());
        }
        let packs = self.lacking(view)?;
        let mut segments = Vec::new();
        read_directories(self.blobs(), &packs, None, &NoWatch, &mut |entries| {
            segments.push(index::segment_in_memory(entries)?);
            Ok(())
        })?;
        *kept = Some(StandIn {
            damaged: view.damaged.clone(),
            segments: segments.clone(),
        });
        Ok(segments)
    }

    /// Sees to the index before an operation relies on it, and tells `watch` what was damaged. A datastore that
    /// cannot be written to is no reason to end: its packs' directories are read instead.
    pub(crate) fn look_after_index(&self, thorough: bool, watch: &dyn Watch) -> Result<()> {
        match self.mend_index(thorough, watch) {
            Err(error) if !matches!(error, StoreError::Cancelled) => {
                tracing::warn!(%error, "the index could not be made anew");
                watch.info(&format!("the index could not be made anew: {error}"));
                Ok(())
            }
            result => result,
        }
    }

    /// Writes anew what damaged segments said. `thorough` reads every segment again rather than trust what is in
    /// memory, and also takes in packs that no segment lists, for a segment that is gone leaves no other trace.
    pub(crate) fn mend_index(&self, thorough: bool, watch: &dyn Watch) -> Result<()> {
        let cache = &self.inner.cache;
        if thorough {
            cache.reread(self.blobs())?;
        }
        let view = cache.view(self.blobs(), false)?;
        for name in &view.damaged {
            let message =
                "this segment does not match its SHA-256; it is made anew from the packs' directories";
            watch.warn(watch::warning(ErrorCode::IndexDamaged, name.as_str(), message));
        }
        if view.damaged.is_empty() && (!thorough || self.lacking(&view)?.is_empty()) {
            return Ok(());
        }
        // Who opened the datastore for reading only does not write to it.
        self.signing()?;
        let session = Session::register(&self.inner.blobs, &self.inner.seams, SessionKind::Index, None)?;
        let view = cache.view(self.blobs(), false)?;
        let indexed = self.index_packs(&self.lacking(&view)?, &session, watch)?;
        if !indexed.unreadable.is_empty() {
            // The segment may be all that tells of them; it is for the next collection to give them up.
            watch.info(&format!(
                "{} packs have no readable directory; what only they hold cannot be found",
                indexed.unreadable.len()
            ));
            return Ok(());
        }
        for name in &view.damaged {
            // One that was made anew, byte for byte, has its old name.
            if !indexed.written.contains(name) {
                self.blobs().delete(name)?;
            }
        }
        *cache.stand_in.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// The packs that no segment of `view` lists. They are listed after the view was made, so that no pack of a
    /// damaged segment is missed.
    fn lacking(&self, view: &View) -> Result<Vec<Found>> {
        let mut packs = unlisted(view, self.found_packs()?);
        // What is condemned leaves the index a moment before it is deleted. After damage it may be needed all the
        // same, by a snapshot that came later, and then only the index keeps a collection from deleting it.
        if view.damaged.is_empty() {
            packs.retain(|pack| !view.condemned.contains(&pack.id));
        }
        Ok(packs)
    }

    /// Every pack that is there.
    pub(crate) fn found_packs(&self) -> Result<Vec<Found>> {
        let blobs = self.blobs().list(layout::PACKS)?.into_iter();
        Ok(blobs
            .filter_map(|blob| {
                let (kind, id) = layout::parse_pack(&blob.name)?;
                Some(Found {
                    kind,
                    id,
                    size: blob.size,
                })
            })
            .collect())
    }

    /// Puts packs into the index. `session` must have been registered before they were listed.
    pub(crate) fn index_packs(
        &self,
        packs: &[Found],
        session: &Session,
        watch: &dyn Watch,
    ) -> Result<Indexed> {
        let mut indexed = Indexed::default();
        if packs.is_empty() {
            return Ok(indexed);
        }
        watch.info(&format!("{} packs were not in the index", packs.len()));
        let written = &mut indexed.written;
        indexed.unreadable = read_directories(self.blobs(), packs, Some(session), watch, &mut |entries| {
            written.extend(index::write_segment(self.blobs(), entries)?);
            Ok(())
        })?;
        Ok(indexed)
    }
}

/// Those of `packs` that no segment of `view` lists.
pub(crate) fn unlisted(view: &View, packs: Vec<Found>) -> Vec<Found> {
    let known = view.packs();
    let unknown = packs.into_iter().filter(|pack| !known.contains_key(&pack.id));
    unknown.collect()
}

/// Hands what an index would say of `packs` to `put`, some packs at a time and each as a whole. Returns those whose
/// directory cannot be read.
fn read_directories(
    blobs: &dyn Blobs,
    packs: &[Found],
    session: Option<&Session>,
    watch: &dyn Watch,
    put: &mut dyn FnMut(Vec<Location>) -> Result<()>,
) -> Result<Vec<Found>> {
    let mut stage = watch::stage("index", "packs");
    stage.total = Some(packs.len() as u64);
    let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
    for found in packs {
        watch::check(watch)?;
        if let Some(session) = session {
            session.renew()?;
        }
        match pack::read_directory(blobs, found.kind, found.id) {
            Ok(summary) => entries.extend(segment::locations(&summary)),
            // Deleted since it was listed.
            Err(_) if blobs.size(&layout::pack(found.kind, found.id))?.is_none() => {}
            Err(reason) => {
                tracing::warn!(pack = %found.id, reason, "pack without a readable directory");
                unreadable.push(*found);
            }
        }
        if entries.len() >= PORTION {
            put(std::mem::take(&mut entries))?;
        }
        stage.done += 1;
        watch.progress(&stage);
    }
    if !entries.is_empty() {
        put(entries)?;
    }
    Ok(unreadable)
}
