//! The seam to the other side of a sync: another datastore, here or on another hub.

use ironcore_types::snapshot::SnapshotPath;
use uuid::Uuid;

use crate::chunk::StoredChunk;
use crate::config::FORMAT;
use crate::datastore::Datastore;
use crate::error::{Result, StoreError};
use crate::id::{ChunkId, PublicKey};
use crate::snapshots::SnapshotFilter;

/// What a peer says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerInfo {
    /// Its datastore's id.
    pub datastore: Uuid,
    /// Format of its datastore.
    pub format: u32,
    /// The keys that sign its manifests, its own first, and the datastore that each belongs to.
    pub keys: Vec<(Uuid, PublicKey)>,
}

/// The other side of a sync, as the receiving side sees it. What comes from it is checked, never trusted.
pub trait Peer: Send + Sync {
    /// Who it is.
    fn info(&self) -> Result<PeerInfo>;

    /// Its snapshots that `filter` takes, by group and time.
    fn list(&self, filter: &SnapshotFilter) -> Result<Vec<SnapshotPath>>;

    /// The exact bytes of a manifest.
    fn manifest(&self, snapshot: &SnapshotPath) -> Result<Vec<u8>>;

    /// Stored chunks (content, blocks and lists alike), in the order asked for. It may answer the first few
    /// only, at least one; the rest is asked for again. A chunk it does not have whole is an error that names it.
    fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>>;

    /// How many stored bytes these chunks have, at most 4096 of them; those that it lacks count as none. None
    /// when it cannot tell: only progress needs it, so what goes wrong is told by the copying that follows.
    fn stored_bytes(&self, _ids: &[ChunkId]) -> Option<u64> {
        None
    }
}

/// No more ids are asked the size of at once.
pub(crate) const MOST_IDS: usize = 4096;

/// An answer ends after so many bytes.
const ANSWER: usize = 16 << 20;

impl Peer for Datastore {
    fn info(&self) -> Result<PeerInfo> {
        let mut keys = vec![(self.config().id, self.public_key())];
        keys.extend(
            self.peer_keys()
                .into_iter()
                .map(|key| (key.datastore, key.public_key)),
        );
        Ok(PeerInfo {
            datastore: self.config().id,
            format: FORMAT,
            keys,
        })
    }

    fn list(&self, filter: &SnapshotFilter) -> Result<Vec<SnapshotPath>> {
        Ok(self
            .snapshots(filter)?
            .into_iter()
            .map(|info| info.path)
            .collect())
    }

    fn manifest(&self, snapshot: &SnapshotPath) -> Result<Vec<u8>> {
        self.manifest_bytes(snapshot)
    }

    fn chunks(&self, ids: &[ChunkId]) -> Result<Vec<StoredChunk>> {
        let view = self.cached_view()?;
        let (mut answer, mut size) = (Vec::new(), 0);
        for id in ids {
            let chunk = match self.stored_chunk(&view, id) {
                Ok(chunk) => chunk,
                // Those before it are good; asked again for the rest, this one comes first.
                Err(StoreError::Chunk { .. }) if !answer.is_empty() => break,
                Err(StoreError::Chunk { .. }) => self.stored_chunk(&self.view(false)?, id)?,
                Err(error) => return Err(error),
            };
            size += chunk.bytes.len();
            answer.push(chunk);
            if size >= ANSWER {
                break;
            }
        }
        Ok(answer)
    }

    fn stored_bytes(&self, ids: &[ChunkId]) -> Option<u64> {
        let mut view = self.cached_view().ok()?;
        if ids.iter().any(|id| view.best(id).is_none()) {
            // They may have come since it was read.
            view = self.view(false).ok()?;
        }
        let copies = ids.iter().filter_map(|id| view.best(id));
        Some(copies.map(|copy| u64::from(copy.info.stored_len)).sum())
    }
}

impl Datastore {
    fn stored_chunk(&self, view: &crate::index::View, id: &ChunkId) -> Result<StoredChunk> {
        let mut first = None;
        for copy in view.copies(id) {
            match self.read_checked(&copy) {
                Ok(bytes) => {
                    return Ok(StoredChunk {
                        info: copy.info,
                        bytes,
                    });
                }
                Err(error @ StoreError::Chunk { .. }) => first = first.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        Err(first.unwrap_or_else(|| StoreError::missing(*id, "the index does not know it")))
    }
}
