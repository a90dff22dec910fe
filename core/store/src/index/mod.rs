//! The index: where each chunk lies. A view is what one operation sees of it: all segments that were there
//! when the view was made, and which packs and chunks must not be relied on.

pub(crate) mod segment;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::blobs::{BlobErrorKind, Blobs};
use crate::error::{Result, StoreError};
use crate::id::{ChunkId, PackId, sha256};
use crate::layout;
use crate::reindex::StandIn;
pub(crate) use segment::{Location, PackRow, Segment};

/// Segments read so far, so that a new view reads only what is new.
#[derive(Debug, Default)]
pub(crate) struct IndexCache {
    segments: Mutex<HashMap<String, Arc<Segment>>>,
    /// In place of segments that cannot be read.
    pub(crate) stand_in: Mutex<Option<StandIn>>,
}

/// What one operation sees of the index.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// Name and content of each segment, by name.
    pub(crate) segments: Vec<(String, Arc<Segment>)>,
    /// Segments that cannot be read.
    pub(crate) damaged: Vec<String>,
    /// Packs that a garbage collection has condemned.
    pub(crate) condemned: HashSet<PackId>,
    /// Copies of chunks that a verification found bad.
    pub(crate) quarantined: HashSet<(ChunkId, PackId)>,
    /// The packs that are there, when the view was made to know that.
    pub(crate) present: Option<HashSet<PackId>>,
}

#[derive(Debug, Default)]
struct Loaded {
    segments: Vec<(String, Arc<Segment>)>,
    damaged: Vec<String>,
}

impl IndexCache {
    /// All segments that are there now. `again` also reads those that are in memory.
    fn load(&self, blobs: &dyn Blobs, again: bool) -> Result<Loaded> {
        // Segments may be merged while we read: then the list is taken anew. Merging writes the new segment
        // before it deletes the old ones, so a list that could be read whole is complete.
        for _ in 0..100 {
            let names: Vec<String> = blobs
                .list(layout::INDEX)?
                .into_iter()
                .map(|blob| blob.name)
                .collect();
            if let Some(loaded) = self.load_named(blobs, &names, again)? {
                return Ok(loaded);
            }
        }
        Err(StoreError::Busy(
            "the index keeps changing while it is read".to_owned(),
        ))
    }

    fn load_named(&self, blobs: &dyn Blobs, names: &[String], again: bool) -> Result<Option<Loaded>> {
        let mut known = self
            .segments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        known.retain(|name, _| names.contains(name));
        let mut loaded = Loaded::default();
        for name in names {
            let segment = match known.get(name).cloned() {
                Some(segment) if !again => segment,
                before => {
                    let bytes = match blobs.get(name) {
                        Ok(bytes) => bytes,
                        Err(error) if error.kind == BlobErrorKind::NotFound => return Ok(None),
                        Err(error) => return Err(error.into()),
                    };
                    match Segment::parse(bytes) {
                        // What is in memory stays there, rather than lie there twice.
                        Ok(segment) => before
                            .filter(|before| before.is_same(&segment))
                            .unwrap_or_else(|| Arc::new(segment)),
                        Err(error) => {
                            tracing::error!(segment = name, %error, "index segment is damaged and left out");
                            known.remove(name);
                            loaded.damaged.push(name.clone());
                            continue;
                        }
                    }
                }
            };
            known.insert(name.clone(), Arc::clone(&segment));
            loaded.segments.push((name.clone(), segment));
        }
        *self.segments.lock().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(Some(loaded))
    }

    /// Reads every segment again: what is damaged on disk since it was read is not known from then on.
    pub(crate) fn reread(&self, blobs: &dyn Blobs) -> Result<()> {
        self.load(blobs, true).map(drop)
    }

    /// What was read last, without looking again.
    pub(crate) fn cached(&self) -> Option<View> {
        let known = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        let segments = known
            .iter()
            .map(|(name, segment)| (name.clone(), Arc::clone(segment)))
            .collect();
        (!known.is_empty()).then_some(View {
            segments,
            ..View::default()
        })
    }

    /// A view of what is there now. `packs` also looks which packs are there.
    pub(crate) fn view(&self, blobs: &dyn Blobs, packs: bool) -> Result<View> {
        // Condemned and quarantined are read before the segments: an entry that appears in between is only
        // more to know, while a condemnation that is lifted in between costs a chunk stored twice at worst.
        let condemned = crate::gc::condemned_packs(blobs)?;
        let quarantined = blobs.list(layout::QUARANTINE)?.into_iter();
        let quarantined = quarantined
            .filter_map(|blob| layout::parse_quarantine(&blob.name))
            .collect();
        let Loaded { segments, damaged } = self.load(blobs, false)?;
        let present = match packs {
            true => {
                let blobs = blobs.list(layout::PACKS)?.into_iter();
                Some(
                    blobs
                        .filter_map(|blob| Some(layout::parse_pack(&blob.name)?.1))
                        .collect(),
                )
            }
            false => None,
        };
        Ok(View {
            segments,
            damaged,
            condemned,
            quarantined,
            present,
        })
    }
}

impl View {
    /// Every copy of a chunk, good ones first.
    pub(crate) fn copies(&self, id: &ChunkId) -> Vec<Location> {
        let mut copies: Vec<Location> = self
            .segments
            .iter()
            .flat_map(|(_, segment)| segment.find(id).filter_map(|at| segment.location(at)))
            .collect();
        // Newest first, so that what was repacked is dead in its old pack.
        copies.sort_by_key(|copy| (self.rank(copy), std::cmp::Reverse(copy.pack.id), copy.offset));
        copies.dedup();
        copies
    }

    /// The best copy of a chunk to read, whatever its state.
    pub(crate) fn best(&self, id: &ChunkId) -> Option<Location> {
        self.copies(id).into_iter().next()
    }

    fn rank(&self, copy: &Location) -> u8 {
        if self.quarantined.contains(&(copy.info.id, copy.pack.id)) || !self.is_present(&copy.pack) {
            2
        } else {
            u8::from(self.condemned.contains(&copy.pack.id))
        }
    }

    fn is_present(&self, pack: &PackRow) -> bool {
        self.present
            .as_ref()
            .is_none_or(|present| present.contains(&pack.id))
    }

    /// Whether a new snapshot may rely on this copy.
    pub(crate) fn is_good(&self, copy: &Location) -> bool {
        self.rank(copy) == 0
    }

    /// A copy of the chunk that a new snapshot may rely on. What is condemned, quarantined or in a pack that
    /// is gone counts as not there, so that it is stored again.
    pub(crate) fn usable(&self, id: &ChunkId) -> Option<Location> {
        self.segments
            .iter()
            .flat_map(|(_, segment)| segment.find(id).filter_map(|at| segment.location(at)))
            .find(|copy| self.is_good(copy))
    }

    /// Every pack that the index knows, once.
    pub(crate) fn packs(&self) -> HashMap<PackId, PackRow> {
        let packs = self.segments.iter().flat_map(|(_, segment)| segment.packs());
        packs.map(|pack| (pack.id, *pack)).collect()
    }

    /// Every entry.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Location> + '_ {
        self.segments
            .iter()
            .flat_map(|(_, segment)| (0..segment.len()).filter_map(|at| segment.location(at)))
    }
}

/// Writes a segment; one with the same content is there already and that is fine. One of its name with other
/// content is damaged, and is replaced.
pub(crate) fn write_segment(blobs: &dyn Blobs, locations: Vec<Location>) -> Result<Option<String>> {
    if locations.is_empty() {
        return Ok(None);
    }
    let bytes = segment::encode(locations);
    let name = name_of(&bytes);
    match blobs.put_new(&name, &bytes) {
        Ok(()) => {}
        Err(error) if error.kind == BlobErrorKind::Exists => {
            if blobs.get(&name).is_ok_and(|there| there == bytes) {
                return Ok(Some(name));
            }
            blobs.replace(&name, &bytes)?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Some(name))
}

/// A segment that is written nowhere, with the name that it would have.
pub(crate) fn segment_in_memory(locations: Vec<Location>) -> Result<(String, Arc<Segment>)> {
    let bytes = segment::encode(locations);
    let name = name_of(&bytes);
    let segment = Segment::parse(bytes)
        .map_err(|error| StoreError::Request(format!("the index cannot be made anew: {error}")))?;
    Ok((name, Arc::new(segment)))
}

fn name_of(segment: &[u8]) -> String {
    format!("{}{}", layout::INDEX, hex::encode(sha256(segment)))
}

/// A bit for each entry of a view.
#[derive(Debug)]
pub(crate) struct Marks {
    segments: Vec<Vec<u64>>,
}

impl Marks {
    pub(crate) fn new(view: &View) -> Self {
        Self {
            segments: view
                .segments
                .iter()
                .map(|(_, s)| vec![0; s.len().div_ceil(64)])
                .collect(),
        }
    }

    /// Sets the bits of every copy of a chunk. None when the index does not know it, else whether they were
    /// set before.
    pub(crate) fn set(&mut self, view: &View, id: &ChunkId) -> Option<bool> {
        let mut found = None;
        for ((_, segment), bits) in view.segments.iter().zip(&mut self.segments) {
            for at in segment.find(id) {
                let (word, bit) = (&mut bits[at / 64], 1u64 << (at % 64));
                found = Some(found.unwrap_or(true) && *word & bit != 0);
                *word |= bit;
            }
        }
        found
    }

    /// Every entry of `view`, with its bit.
    pub(crate) fn entries<'a>(&'a self, view: &'a View) -> impl Iterator<Item = (Location, bool)> + 'a {
        view.segments
            .iter()
            .zip(&self.segments)
            .flat_map(|((_, segment), bits)| {
                (0..segment.len()).filter_map(move |at| {
                    Some((segment.location(at)?, bits[at / 64] & (1 << (at % 64)) != 0))
                })
            })
    }
}
