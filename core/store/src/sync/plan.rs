//! What a sync has to do: which snapshots lack something here, and how many stored bytes that is. Nothing is stored
//! yet, and what turns out not to be whole is left to the copying, which says so.

use std::collections::{HashMap, HashSet};

use ironcore_types::snapshot::SnapshotPath;

use super::peer::{MOST_IDS, Peer};
use super::{Puller, SyncRequest};
use crate::chunk::ChunkKind;
use crate::error::{Result, StoreError};
use crate::id::ChunkId;
use crate::list::{self, ListKind};
use crate::manifest::Manifest;
use crate::watch;
use crate::writer::ChunkWriter;

/// A snapshot to be gone through.
pub(super) struct Work {
    pub(super) path: SnapshotPath,
    /// It is here already; only chunks may be missing.
    pub(super) here: bool,
    /// Something of it is to be copied.
    pub(super) lacks: bool,
}

pub(super) struct Plan {
    pub(super) work: Vec<Work>,
    /// Stored bytes to be copied. None when the peer cannot tell.
    pub(super) bytes: Option<u64>,
}

/// What was found to be missing so far.
struct Tally<'a> {
    peer: &'a dyn Peer,
    /// Missing chunks, each once.
    missing: HashSet<ChunkId>,
    /// Those whose size was not asked for yet.
    unasked: Vec<ChunkId>,
    /// List segments that were looked through, and whether anything in them is missing.
    segments: HashMap<ChunkId, bool>,
    bytes: Option<u64>,
}

impl Tally<'_> {
    fn note(&mut self, segment: ChunkId, kind: ListKind, plain: &[u8], ours: &ChunkWriter) -> Result<()> {
        let ids = list::parse(segment, kind, plain)?;
        let mut lacks = false;
        for id in std::iter::once(segment).chain(ids).filter(|id| !ours.has(id)) {
            lacks = true;
            if self.missing.insert(id) {
                self.unasked.push(id);
            }
        }
        self.segments.insert(segment, lacks);
        if self.unasked.len() >= MOST_IDS {
            self.ask();
        }
        Ok(())
    }

    fn ask(&mut self) {
        for ids in std::mem::take(&mut self.unasked).chunks(MOST_IDS) {
            self.bytes = self
                .bytes
                .and_then(|sum| Some(sum.saturating_add(self.peer.stored_bytes(ids)?)));
        }
    }
}

impl Puller<'_> {
    /// Compares what the peer has with what is here.
    pub(super) fn plan(&mut self, request: &SyncRequest, repair: bool) -> Result<Plan> {
        let theirs = self.peer.list(&request.filter)?;
        let ours: HashSet<SnapshotPath> = self
            .datastore
            .snapshots(&request.filter)?
            .into_iter()
            .map(|info| info.path)
            .collect();
        let mut newest = HashMap::new();
        for path in &ours {
            let time = newest.entry(path.group.clone()).or_insert(path.time);
            *time = path.time.max(*time);
        }
        let mut tally = Tally {
            peer: self.peer,
            missing: HashSet::new(),
            unasked: Vec::new(),
            segments: HashMap::new(),
            bytes: Some(0),
        };
        let mut stage = watch::stage("compare", "snapshots");
        stage.total = Some(theirs.len() as u64);
        let mut work = Vec::new();
        for path in theirs {
            watch::check(self.watch)?;
            self.stats.snapshots += 1;
            let here = ours.contains(&path);
            let old = request.newer_only && newest.get(&path.group).is_some_and(|newest| path.time < *newest);
            if (!here && !old) || (here && repair) {
                // Where the peer cannot tell sizes there is nothing to look for.
                let lacks = tally.bytes.is_some() && self.lacks(&path, &mut tally)?;
                let lacks = lacks || !here;
                work.push(Work { path, here, lacks });
            }
            stage.done += 1;
            self.watch.progress(&stage);
        }
        tally.ask();
        Ok(Plan {
            work,
            bytes: tally.bytes,
        })
    }

    /// Whether any chunk of the peer's snapshot is missing here.
    fn lacks(&mut self, path: &SnapshotPath, tally: &mut Tally<'_>) -> Result<bool> {
        match self.look_through(path, tally) {
            Err(error) if error.is_integrity() => Ok(false),
            Err(StoreError::Snapshot { exists: false, .. }) => Ok(false),
            result => result,
        }
    }

    fn look_through(&mut self, path: &SnapshotPath, tally: &mut Tally<'_>) -> Result<bool> {
        let manifest = Manifest::read_trusted(path, &self.peer.manifest(path)?, &self.keys)?;
        let mut lacks = false;
        for (kind, list) in [
            (ListKind::Blocks, manifest.blocks),
            (ListKind::Data, manifest.data),
        ] {
            let mut away = Vec::new();
            for segment in &list.segments {
                watch::check(self.watch)?;
                if tally.segments.contains_key(segment) {
                    continue;
                }
                match self.list_here(segment) {
                    Some(plain) => tally.note(*segment, kind, &plain, &self.writer)?,
                    None => away.push(*segment),
                }
            }
            let mut rest = &away[..];
            while !rest.is_empty() {
                for (id, chunk) in self.next(&mut rest)? {
                    let (_, plain) = self.open(chunk, id, ChunkKind::List)?;
                    tally.note(id, kind, &plain, &self.writer)?;
                }
            }
            let found = |segment: &ChunkId| tally.segments.get(segment).copied().unwrap_or(true);
            lacks |= list.segments.iter().any(found);
        }
        Ok(lacks)
    }
}
