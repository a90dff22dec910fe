//! Sync: copies snapshots from a peer. Stored bytes travel as they are and are checked against their SHA-256
//! and their fingerprint on arrival; manifests keep their own signature.

mod peer;

use std::collections::{HashMap, HashSet};

use ironcore_types::ErrorCode;
use ironcore_types::progress::{Stage, TaskStats};
use ironcore_types::snapshot::SnapshotPath;

use crate::blobs::BlobErrorKind;
use crate::chunk::{ChunkKind, Decoder, MAX_CHUNK, StoredChunk};
use crate::config::FORMAT;
use crate::datastore::{Datastore, TrustedKey};
use crate::error::{ManifestFault, Result, StoreError};
use crate::id::{ChunkId, PublicKey};
use crate::layout;
use crate::list::{self, ListKind};
use crate::manifest::Manifest;
use crate::session::{Session, SessionKind};
use crate::snapshots::SnapshotFilter;
use crate::watch::{self, Watch};
use crate::writer::ChunkWriter;
pub use peer::{Peer, PeerInfo};

/// What to copy.
#[derive(Debug, Clone, Default)]
pub struct SyncRequest {
    /// Which snapshots of the peer.
    pub filter: SnapshotFilter,
    /// Leave out what is older than the newest snapshot that the group has here already.
    pub newer_only: bool,
    /// Also look whether snapshots that are here already lack chunks, and fetch those. Done anyway while any
    /// chunk is quarantined.
    pub repair: bool,
    /// The keys that the peer's manifests must be signed with; when empty, those that it had when it was
    /// first seen.
    pub trust: Vec<PublicKey>,
    /// The task, for the session's record.
    pub task: Option<String>,
}

/// Chunks asked for at once.
const BATCH: usize = 64;

struct Puller<'a> {
    datastore: &'a Datastore,
    peer: &'a dyn Peer,
    writer: ChunkWriter,
    decoder: Decoder,
    keys: Vec<PublicKey>,
    watch: &'a dyn Watch,
    stage: Stage,
    stats: TaskStats,
}

impl Datastore {
    /// Copies snapshots that are missing here. One that is damaged on its way or at the peer is warned of and
    /// left out, the others are copied, and then the first such trouble is the error (`is_integrity`).
    /// Stats: `snapshots` looked at, `snapshots_affected` copied, `bytes` and `bytes_stored` stored bytes
    /// copied, `bytes_new` the same before compression, `bytes_read` all stored bytes that the peer sent,
    /// `bytes_logical` content of the snapshots copied, `chunks` referenced, `chunks_known`.
    pub fn sync_from(&self, peer: &dyn Peer, request: SyncRequest, watch: &dyn Watch) -> Result<TaskStats> {
        let info = peer.info()?;
        if info.format != FORMAT {
            let message = format!("its datastore has format {}, which is not known", info.format);
            return Err(StoreError::Peer {
                code: ErrorCode::DatastoreFormat,
                message,
                source: None,
            });
        }
        if info.datastore == self.config().id {
            return Err(StoreError::Request(
                "a datastore cannot be synced with itself".to_owned(),
            ));
        }
        let keys = self.keys_of(&info, &request.trust)?;
        let session = Session::register(
            &self.inner.blobs,
            &self.inner.seams,
            SessionKind::Sync,
            request.task.clone(),
        )?;
        self.look_after_index(false, watch)?;
        let view = self.view(true)?;
        let repair = request.repair || !view.quarantined.is_empty();
        let level = self.config().compression.level;
        let mut puller = Puller {
            datastore: self,
            peer,
            writer: ChunkWriter::new(&self.inner.blobs, &self.inner.seams, session, view, level),
            decoder: Decoder::new()?,
            keys,
            watch,
            stage: watch::stage("copy", "snapshots"),
            stats: TaskStats::default(),
        };
        puller.run(&request, repair)
    }

    /// The keys to judge a peer's manifests by; those of a new peer are noted.
    fn keys_of(&self, info: &PeerInfo, trust: &[PublicKey]) -> Result<Vec<PublicKey>> {
        let mut keys = vec![self.public_key()];
        let known = self.peer_keys();
        for (datastore, key) in &info.keys {
            if *key == self.public_key() || *datastore == self.config().id {
                continue;
            }
            let pinned: Vec<_> = known
                .iter()
                .filter(|known| known.datastore == *datastore)
                .collect();
            let is_known = pinned.iter().any(|pinned| pinned.public_key == *key);
            let allowed = if trust.is_empty() {
                is_known || pinned.is_empty()
            } else {
                trust.contains(key)
            };
            if !allowed {
                if *datastore == info.datastore {
                    return Err(StoreError::Manifest {
                        snapshot: format!("datastore {datastore}"),
                        fault: ManifestFault::Signature,
                        reason: "the peer's key is not the one that is trusted".to_owned(),
                    });
                }
                continue;
            }
            if !is_known {
                self.trust(TrustedKey {
                    format: 1,
                    public_key: *key,
                    datastore: *datastore,
                    added: self.now(),
                })?;
            }
            keys.push(*key);
        }
        Ok(keys)
    }
}

impl Puller<'_> {
    fn run(&mut self, request: &SyncRequest, repair: bool) -> Result<TaskStats> {
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
        self.stage.total = Some(theirs.len() as u64);
        let mut first_error = None;
        for path in theirs {
            watch::check(self.watch)?;
            self.stats.snapshots += 1;
            let here = ours.contains(&path);
            let old = request.newer_only && newest.get(&path.group).is_some_and(|newest| path.time < *newest);
            if (!here && !old) || (here && repair) {
                match self.snapshot(&path, here) {
                    Ok(()) => {}
                    Err(error) if error.is_integrity() => {
                        let message = format!("not copied: {error}");
                        self.watch
                            .warn(watch::warning(error.code(), path.to_string(), message));
                        first_error.get_or_insert(error);
                    }
                    // Pruned there since it was listed.
                    Err(StoreError::Snapshot { exists: false, .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            self.stage.done += 1;
            self.watch.progress(&self.stage);
        }
        match first_error {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut self.stats)),
        }
    }

    fn snapshot(&mut self, path: &SnapshotPath, here: bool) -> Result<()> {
        let bytes = self.peer.manifest(path)?;
        let manifest = Manifest::read_trusted(path, &bytes, &self.keys)?;
        if here && self.datastore.manifest_bytes(path)? != bytes {
            let message = "another snapshot of the same name is here already";
            self.watch.warn(watch::warning(
                ErrorCode::SnapshotExists,
                path.to_string(),
                message,
            ));
            return Ok(());
        }
        let before = self.stats.bytes;
        for (kind, chunk_kind, info) in [
            (ListKind::Blocks, ChunkKind::Block, &manifest.blocks),
            (ListKind::Data, ChunkKind::Data, &manifest.data),
        ] {
            for segment in &info.segments {
                let ids = self.list(*segment, kind)?;
                self.fetch(&ids, chunk_kind)?;
            }
        }
        self.writer.finish()?;
        if here {
            if self.stats.bytes > before {
                self.watch.info(&format!("{path}: fetched what it lacked"));
            }
            return Ok(());
        }
        match self
            .datastore
            .commit(&self.writer, &layout::manifest(path), &bytes, self.watch)
        {
            Err(StoreError::Blob(error)) if error.kind == BlobErrorKind::Exists => return Ok(()),
            result => result?,
        }
        self.stats.snapshots_affected += 1;
        self.stats.bytes_logical += manifest.bytes;
        self.watch.info(&format!("copied {path}"));
        Ok(())
    }

    /// The ids of a list segment, which is fetched when it is not here.
    fn list(&mut self, segment: ChunkId, kind: ListKind) -> Result<Vec<ChunkId>> {
        self.stats.chunks += 1;
        if self.writer.view.usable(&segment).is_some()
            && let Ok(plain) = self
                .datastore
                .read_chunk(&self.writer.view, &mut self.decoder, &segment)
        {
            self.stats.chunks_known += 1;
            return list::parse(segment, kind, &plain);
        }
        let chunks = self.peer.chunks(&[segment])?;
        let chunk = chunks.first().ok_or_else(|| missing(segment))?;
        let plain = self.accept(chunk, segment, ChunkKind::List)?;
        list::parse(segment, kind, &plain)
    }

    fn fetch(&mut self, ids: &[ChunkId], kind: ChunkKind) -> Result<()> {
        self.stats.chunks += ids.len() as u64;
        let wanted: Vec<ChunkId> = ids.iter().filter(|id| !self.writer.has(id)).copied().collect();
        self.stats.chunks_known += (ids.len() - wanted.len()) as u64;
        let mut rest = &wanted[..];
        while !rest.is_empty() {
            watch::check(self.watch)?;
            self.writer.session.renew()?;
            let ask = &rest[..rest.len().min(BATCH)];
            let chunks = self.peer.chunks(ask)?;
            if chunks.is_empty() {
                return Err(missing(ask[0]));
            }
            for (chunk, id) in chunks.iter().zip(ask) {
                self.accept(chunk, *id, kind)?;
            }
            rest = &rest[chunks.len().min(ask.len())..];
            self.watch.progress(&self.stage);
        }
        Ok(())
    }

    /// Checks a chunk that came, and stores it. Returns its plain bytes.
    fn accept(&mut self, chunk: &StoredChunk, id: ChunkId, kind: ChunkKind) -> Result<Vec<u8>> {
        if chunk.info.id != id || chunk.info.stored_len > MAX_CHUNK {
            return Err(StoreError::corrupt(id, "the peer sent another chunk"));
        }
        chunk.check_stored()?;
        let plain = self.decoder.decode(&chunk.info, &chunk.bytes)?;
        let mut chunk = chunk.clone();
        // What it is decides where it is kept; that comes from the signed manifest, not from the peer.
        chunk.info.kind = kind;
        let size = chunk.bytes.len() as u64;
        self.stats.bytes_read += size;
        if self.writer.add_stored(&chunk)? {
            self.stats.bytes += size;
            self.stats.bytes_stored += size;
            self.stats.bytes_new += u64::from(chunk.info.plain_len);
            self.stage.bytes += size;
        }
        Ok(plain)
    }
}

fn missing(id: ChunkId) -> StoreError {
    StoreError::missing(id, "the peer did not send it")
}
