//! The writing side that backup, sync and repacking share: look a chunk up, encode it, put it in a pack, and
//! at the end write the index. It may be used from several threads.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ironcore_types::Seams;

use crate::blobs::Blobs;
use crate::chunk::{ChunkKind, Encoder, PackKind, StoredChunk};
use crate::error::Result;
use crate::id::{ChunkId, PackId};
use crate::index::{self, Location, View, segment};
use crate::pack::{PackSummary, PackWriter};
use crate::session::{Session, new_id};

/// An index segment is written once so many chunks wait for it, so that a long backup that breaks off has not
/// worked for nothing.
const INDEX_FLUSH: usize = 50_000;

/// What a writer did so far.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// New chunks.
    pub(crate) chunks: AtomicU64,
    /// Their stored bytes.
    pub(crate) bytes: AtomicU64,
    /// Their bytes before compression and encryption.
    pub(crate) plain: AtomicU64,
}

pub(crate) struct ChunkWriter {
    blobs: Arc<dyn Blobs>,
    seams: Seams,
    pub(crate) session: Session,
    pub(crate) view: View,
    level: i32,
    /// Chunks that this writer has taken on; they are in a pack, or will be before `finish` returns.
    fresh: Mutex<HashSet<ChunkId>>,
    data: Mutex<Option<PackWriter>>,
    meta: Mutex<Option<PackWriter>>,
    unindexed: Mutex<Vec<Location>>,
    pub(crate) written: Written,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ChunkWriter {
    /// `view` must have been made after `session` was registered.
    pub(crate) fn new(
        blobs: &Arc<dyn Blobs>,
        seams: &Seams,
        session: Session,
        view: View,
        level: i32,
    ) -> Self {
        Self {
            blobs: Arc::clone(blobs),
            seams: seams.clone(),
            session,
            view,
            level,
            fresh: Mutex::default(),
            data: Mutex::default(),
            meta: Mutex::default(),
            unindexed: Mutex::default(),
            written: Written::default(),
        }
    }

    pub(crate) fn encoder(&self) -> Result<Encoder> {
        Encoder::new(self.level)
    }

    /// Whether a snapshot may refer to the chunk without storing it again.
    pub(crate) fn has(&self, id: &ChunkId) -> bool {
        self.view.usable(id).is_some() || lock(&self.fresh).contains(id)
    }

    /// Takes a chunk on: true when it is new, and then the caller must store it.
    fn claim(&self, id: ChunkId) -> bool {
        self.view.usable(&id).is_none() && lock(&self.fresh).insert(id)
    }

    /// Stores `plain` unless it is there already. True when it was new.
    pub(crate) fn add(
        &self,
        encoder: &mut Encoder,
        id: ChunkId,
        kind: ChunkKind,
        plain: &[u8],
    ) -> Result<bool> {
        if !self.claim(id) {
            return Ok(false);
        }
        self.store(&encoder.encode(id, kind, plain))?;
        Ok(true)
    }

    /// Stores a chunk that is encoded already, unless it is there. True when it was new.
    pub(crate) fn add_stored(&self, chunk: &StoredChunk) -> Result<bool> {
        if !self.claim(chunk.info.id) {
            return Ok(false);
        }
        self.store(chunk)?;
        Ok(true)
    }

    /// Stores a further copy of a chunk wherever others are.
    pub(crate) fn add_copy(&self, chunk: &StoredChunk) -> Result<()> {
        if lock(&self.fresh).insert(chunk.info.id) {
            self.store(chunk)
        } else {
            Ok(())
        }
    }

    fn store(&self, chunk: &StoredChunk) -> Result<()> {
        let kind = chunk.info.kind.pack_kind();
        let slot = match kind {
            PackKind::Data => &self.data,
            PackKind::Meta => &self.meta,
        };
        let mut open = lock(slot);
        let mut pack = match open.take() {
            Some(pack) => pack,
            None => PackWriter::create(&*self.blobs, kind, PackId(new_id(&self.seams)))?,
        };
        pack.add(chunk)?;
        self.written.chunks.fetch_add(1, Ordering::Relaxed);
        self.written
            .bytes
            .fetch_add(chunk.bytes.len() as u64, Ordering::Relaxed);
        self.written
            .plain
            .fetch_add(u64::from(chunk.info.plain_len), Ordering::Relaxed);
        if !pack.is_full() {
            *open = Some(pack);
            return Ok(());
        }
        // Others go on with the next pack while this one is synced.
        drop(open);
        self.session.renew()?;
        self.finished(&pack.finish()?)
    }

    fn finished(&self, pack: &PackSummary) -> Result<()> {
        let mut unindexed = lock(&self.unindexed);
        unindexed.extend(segment::locations(pack));
        if unindexed.len() >= INDEX_FLUSH {
            let locations = std::mem::take(&mut *unindexed);
            drop(unindexed);
            index::write_segment(&*self.blobs, locations)?;
        }
        Ok(())
    }

    /// Finishes open packs, then writes the index of all that is not indexed yet. Nobody may be adding.
    pub(crate) fn finish(&self) -> Result<()> {
        for slot in [&self.data, &self.meta] {
            let open = lock(slot).take();
            if let Some(pack) = open {
                self.finished(&pack.finish()?)?;
            }
        }
        let locations = std::mem::take(&mut *lock(&self.unindexed));
        index::write_segment(&*self.blobs, locations)?;
        Ok(())
    }
}
