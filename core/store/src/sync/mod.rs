//! Sync: copies snapshots from a peer. Stored bytes travel as they are and are checked against their SHA-256
//! and their fingerprint on arrival; manifests keep their own signature.

mod peer;
mod plan;

use std::time::Duration;

use ironcore_types::progress::{Stage, TaskStats};
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::{ErrorCode, Moment};

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

/// Chunks asked for at once, at most.
const MOST: usize = 64;
/// A batch that takes longer is too large: between two of them nobody hears how far the sync is.
const SLOW: Duration = Duration::from_secs(2);
/// One that takes less is too small.
const QUICK: Duration = Duration::from_millis(500);

/// How many chunks are asked for at once, by how long the last ones took to come and to be stored.
struct Batch {
    size: usize,
    /// When the last were asked for, and how many came, unless something else was done since.
    last: Option<(Moment, usize)>,
}

impl Batch {
    /// The next is about to be asked for.
    fn began(&mut self, now: Moment) {
        let Some((at, came)) = self.last.take() else {
            return;
        };
        let took = now.since(at);
        if took > SLOW {
            self.size = (came / 2).max(1);
        } else if took < QUICK {
            self.size = (self.size * 2).min(MOST);
        }
    }
}

struct Puller<'a> {
    datastore: &'a Datastore,
    peer: &'a dyn Peer,
    writer: ChunkWriter,
    decoder: Decoder,
    keys: Vec<PublicKey>,
    watch: &'a dyn Watch,
    batch: Batch,
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
            batch: Batch { size: 8, last: None },
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
        let plan = self.plan(request, repair)?;
        let copied = plan.work.iter().filter(|work| work.lacks).count();
        self.stage.total = Some(copied as u64);
        self.stage.bytes_total = plan.bytes;
        if copied > 0 {
            self.watch.progress(&self.stage);
        }
        let mut first_error = None;
        for plan::Work { path, here, lacks } in plan.work {
            watch::check(self.watch)?;
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
            if lacks {
                self.stage.done += 1;
                self.watch.progress(&self.stage);
            }
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
        if let Some(plain) = self.list_here(&segment) {
            self.stats.chunks_known += 1;
            return list::parse(segment, kind, &plain);
        }
        let chunks = self.peer.chunks(&[segment])?;
        let chunk = chunks.into_iter().next().ok_or_else(|| missing(segment))?;
        let plain = self.accept(chunk, segment, ChunkKind::List)?;
        list::parse(segment, kind, &plain)
    }

    /// A list segment that is here already, and whole.
    fn list_here(&mut self, segment: &ChunkId) -> Option<Vec<u8>> {
        self.writer.view.usable(segment)?;
        self.datastore
            .read_chunk(&self.writer.view, &mut self.decoder, segment)
            .ok()
    }

    fn fetch(&mut self, ids: &[ChunkId], kind: ChunkKind) -> Result<()> {
        self.stats.chunks += ids.len() as u64;
        let wanted: Vec<ChunkId> = ids.iter().filter(|id| !self.writer.has(id)).copied().collect();
        self.stats.chunks_known += (ids.len() - wanted.len()) as u64;
        let mut rest = &wanted[..];
        while !rest.is_empty() {
            for (id, chunk) in self.next(&mut rest)? {
                self.accept(chunk, id, kind)?;
            }
            self.watch.progress(&self.stage);
        }
        Ok(())
    }

    /// Asks the peer for the first few of `rest`, and takes them off it.
    fn next(&mut self, rest: &mut &[ChunkId]) -> Result<Vec<(ChunkId, StoredChunk)>> {
        watch::check(self.watch)?;
        self.writer.session.renew()?;
        let now = self.datastore.inner.seams.moment();
        self.batch.began(now);
        let ask = &rest[..rest.len().min(self.batch.size)];
        let chunks = self.peer.chunks(ask)?;
        if chunks.is_empty() {
            return Err(missing(ask[0]));
        }
        *rest = &rest[chunks.len().min(ask.len())..];
        self.batch.last = (!rest.is_empty()).then_some((now, chunks.len()));
        Ok(ask.iter().copied().zip(chunks).collect())
    }

    /// Checks a chunk that came. Returns it as what it is to be kept as, and its plain bytes.
    fn open(
        &mut self,
        mut chunk: StoredChunk,
        id: ChunkId,
        kind: ChunkKind,
    ) -> Result<(StoredChunk, Vec<u8>)> {
        if chunk.info.id != id || chunk.info.stored_len > MAX_CHUNK {
            return Err(StoreError::corrupt(id, "the peer sent another chunk"));
        }
        chunk.check_stored()?;
        let plain = self.decoder.decode(&chunk.info, &chunk.bytes)?;
        // What it is decides where it is kept; that comes from the signed manifest, not from the peer.
        chunk.info.kind = kind;
        self.stats.bytes_read += chunk.bytes.len() as u64;
        Ok((chunk, plain))
    }

    /// Checks a chunk that came, and stores it. Returns its plain bytes.
    fn accept(&mut self, chunk: StoredChunk, id: ChunkId, kind: ChunkKind) -> Result<Vec<u8>> {
        let (chunk, plain) = self.open(chunk, id, kind)?;
        let size = chunk.bytes.len() as u64;
        if self.writer.add_stored(&chunk)? {
            self.stats.bytes += size;
            self.stats.bytes_stored += size;
            self.stats.bytes_new += u64::from(chunk.info.plain_len);
            self.stage.bytes += size;
            // A peer that told too little: then nothing is known.
            let bytes = self.stage.bytes;
            self.stage.bytes_total = self.stage.bytes_total.filter(|total| *total >= bytes);
        }
        Ok(plain)
    }
}

fn missing(id: ChunkId) -> StoreError {
    StoreError::missing(id, "the peer did not send it")
}
