//! Verification: whether every chunk of a snapshot is there and right. Each chunk is read once, however many of
//! the snapshots share it; copies that are bad are quarantined. Results are reported, not kept.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ironcore_types::ErrorCode;
use ironcore_types::progress::{Stage, TaskStats};
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::verification::{VerifyDepth, VerifyFailure, VerifyReport, VerifyResult};

use crate::chunk::{Decoder, check_stored};
use crate::datastore::Datastore;
use crate::error::{ChunkFault, Result, StoreError};
use crate::id::ChunkId;
use crate::index::{Location, Marks, View};
use crate::layout;
use crate::list::{self, ListKind};
use crate::manifest::Manifest;
use crate::watch::{self, Watch};

/// Chunks that are collected before they are read in the order in which they lie.
const BATCH: usize = 50_000;
/// Neighbouring chunks are read together, up to so many bytes.
const READ: u64 = 8 << 20;

/// What to verify.
#[derive(Debug, Clone)]
pub struct VerifyRequest {
    /// Which snapshots, in this order.
    pub snapshots: Vec<SnapshotPath>,
    /// How deep.
    pub depth: VerifyDepth,
}

struct Verifier<'a> {
    datastore: &'a Datastore,
    view: View,
    depth: VerifyDepth,
    watch: &'a dyn Watch,
    /// Chunks looked at so far.
    checked: Marks,
    bad: HashMap<ChunkId, (ChunkFault, String)>,
    stage: Stage,
    chunks: u64,
    /// Bytes read so far, and those of the chunks that were checked.
    bytes: AtomicU64,
    done: AtomicU64,
}

impl Datastore {
    /// Verifies snapshots and reports each as soon as it is known. That one is bad is a report, not an error. The
    /// index comes first: what is damaged in it is warned of and made anew, so that results are of the snapshots.
    /// Stats: `snapshots` verified, `snapshots_affected` bad, `chunks`, `bytes_read`.
    pub fn verify(
        &self,
        request: VerifyRequest,
        on_report: &mut dyn FnMut(VerifyReport),
        watch: &dyn Watch,
    ) -> Result<TaskStats> {
        self.look_after_index(true, watch)?;
        let view = self.view(false)?;
        let mut stage = watch::stage("verify", "snapshots");
        stage.total = Some(request.snapshots.len() as u64);
        stage.bytes_total = Some(self.stored_bytes(&view, &request.snapshots, watch)?);
        let mut verifier = Verifier {
            datastore: self,
            checked: Marks::new(&view),
            view,
            depth: request.depth,
            watch,
            bad: HashMap::new(),
            stage,
            chunks: 0,
            bytes: AtomicU64::new(0),
            done: AtomicU64::new(0),
        };
        let mut stats = TaskStats::default();
        for path in &request.snapshots {
            match verifier.snapshot(path) {
                Ok(report) => {
                    stats.snapshots += 1;
                    stats.snapshots_affected += u64::from(report.result.is_bad());
                    on_report(report);
                }
                Err(StoreError::Snapshot { .. }) if request.snapshots.len() > 1 => {
                    watch.info(&format!("{path} was removed meanwhile"));
                }
                Err(error) => return Err(error),
            }
            verifier.stage.done += 1;
            verifier.report();
        }
        stats.chunks = verifier.chunks;
        stats.bytes_read = verifier.bytes.load(Ordering::Relaxed);
        stats.bytes = stats.bytes_read;
        Ok(stats)
    }

    /// How much the chunks of these snapshots take, each once. What cannot be read is left to the verification itself.
    fn stored_bytes(&self, view: &View, snapshots: &[SnapshotPath], watch: &dyn Watch) -> Result<u64> {
        let (mut seen, mut decoder, mut bytes) = (Marks::new(view), Decoder::new()?, 0);
        let mut add = |id: &ChunkId| {
            if seen.set(view, id) == Some(false)
                && let Some(copy) = view.best(id)
            {
                bytes += u64::from(copy.info.stored_len);
            }
        };
        for path in snapshots {
            let manifest = self.manifest_bytes(path);
            let read = manifest.and_then(|bytes| Manifest::read(path, &bytes, &self.trusted_keys()));
            let Ok(Manifest { blocks, data, .. }) = read.map(|read| read.manifest) else {
                continue;
            };
            for (kind, list) in [(ListKind::Blocks, blocks), (ListKind::Data, data)] {
                for segment in &list.segments {
                    watch::check(watch)?;
                    add(segment);
                    let plain = self.read_chunk(view, &mut decoder, segment);
                    let ids = plain.and_then(|plain| list::parse(*segment, kind, &plain));
                    ids.unwrap_or_default().iter().for_each(&mut add);
                }
            }
        }
        Ok(bytes)
    }
}

/// What one snapshot turns out to be.
struct Finding {
    result: VerifyResult,
    failure: Option<VerifyFailure>,
}

impl Finding {
    fn bad(&mut self, result: VerifyResult, code: ErrorCode, chunk: Option<ChunkId>, reason: String) {
        // The first failure of the worst kind is the one to tell.
        if result > self.result {
            self.result = result;
            self.failure = Some(VerifyFailure {
                code,
                chunk: chunk.map(|id| id.to_string()),
                reason,
            });
        }
    }

    fn chunk(&mut self, id: ChunkId, fault: ChunkFault, reason: &str) {
        let result = match fault {
            ChunkFault::Corrupt => VerifyResult::Corrupt,
            ChunkFault::Missing => VerifyResult::Missing,
        };
        self.bad(result, fault.code(), Some(id), reason.to_owned());
    }
}

impl Verifier<'_> {
    fn report(&self) {
        let stage = Stage {
            bytes: self.done.load(Ordering::Relaxed),
            ..self.stage.clone()
        };
        self.watch.progress(&stage);
    }

    fn snapshot(&mut self, path: &SnapshotPath) -> Result<VerifyReport> {
        watch::check(self.watch)?;
        let started = self.datastore.now();
        let mut finding = Finding {
            result: VerifyResult::Ok,
            failure: None,
        };
        let mut chunks = 0;
        let bytes = self.datastore.manifest_bytes(path)?;
        match Manifest::read(path, &bytes, &self.datastore.trusted_keys()) {
            Err(error) => finding.bad(VerifyResult::Corrupt, error.code(), None, error.to_string()),
            Ok(read) => {
                if !read.trusted {
                    let reason = "the manifest's signature is not valid".to_owned();
                    finding.bad(VerifyResult::Corrupt, ErrorCode::ManifestSignature, None, reason);
                }
                chunks = self.chunks_of(&read.manifest, &mut finding)?;
            }
        }
        let duration = self.datastore.now().since(started);
        Ok(VerifyReport {
            snapshot: path.clone(),
            started,
            duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
            depth: self.depth,
            chunks,
            result: finding.result,
            failure: finding.failure,
        })
    }

    fn chunks_of(&mut self, manifest: &Manifest, finding: &mut Finding) -> Result<u64> {
        let mut decoder = Decoder::new()?;
        let mut count = 0;
        let mut batch = Vec::new();
        for (kind, list) in [
            (ListKind::Blocks, &manifest.blocks),
            (ListKind::Data, &manifest.data),
        ] {
            for segment in &list.segments {
                watch::check(self.watch)?;
                count += 1;
                // Its own check first, so that a bad copy is quarantined like any other.
                self.flush(&mut vec![*segment], finding)?;
                let read = self.datastore.read_chunk(&self.view, &mut decoder, segment);
                let ids = match read.and_then(|plain| list::parse(*segment, kind, &plain)) {
                    Ok(ids) => ids,
                    Err(StoreError::Chunk { id, fault, reason }) => {
                        finding.chunk(id, fault, &reason);
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                count += ids.len() as u64;
                batch.extend(ids);
                if batch.len() >= BATCH {
                    self.flush(&mut batch, finding)?;
                }
            }
        }
        self.flush(&mut batch, finding)?;
        Ok(count)
    }

    /// Checks those of a batch that were not checked before, and notes what is bad about any.
    fn flush(&mut self, batch: &mut Vec<ChunkId>, finding: &mut Finding) -> Result<()> {
        let mut todo: Vec<Location> = Vec::new();
        for id in batch.iter() {
            match self.checked.set(&self.view, id) {
                Some(true) => {}
                Some(false) => todo.extend(self.view.best(id)),
                None => {
                    if !self.bad.contains_key(id)
                        && let Err((fault, reason)) = self.check_again(id)?
                    {
                        self.bad.insert(*id, (fault, reason));
                    }
                }
            }
        }
        self.chunks += todo.len() as u64;
        self.check(todo)?;
        for id in batch.drain(..) {
            if let Some((fault, reason)) = self.bad.get(&id) {
                finding.chunk(id, *fault, reason);
            }
        }
        self.report();
        Ok(())
    }

    /// Checks chunks pack by pack, with one thread for each processor.
    fn check(&mut self, mut todo: Vec<Location>) -> Result<()> {
        todo.sort_by_key(|copy| (copy.pack.kind, copy.pack.id, copy.offset));
        let packs: Vec<&[Location]> = todo.chunk_by(|a, b| a.pack.id == b.pack.id).collect();
        let next = AtomicUsize::new(0);
        let suspects: Mutex<Vec<ChunkId>> = Mutex::default();
        let failure: Mutex<Option<StoreError>> = Mutex::default();
        let threads = std::thread::available_parallelism()
            .map_or(2, std::num::NonZero::get)
            .clamp(1, 16);
        let this = &*self;
        std::thread::scope(|scope| {
            for _ in 0..threads.min(packs.len()) {
                scope.spawn(|| {
                    let work = || -> Result<()> {
                        let mut decoder = Decoder::new()?;
                        while let Some(copies) = packs.get(next.fetch_add(1, Ordering::Relaxed)) {
                            let bad = this.check_pack(copies, &mut decoder)?;
                            suspects
                                .lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .extend(bad);
                        }
                        Ok(())
                    };
                    if let Err(error) = work() {
                        next.store(packs.len(), Ordering::Relaxed);
                        failure
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .get_or_insert(error);
                    }
                });
            }
        });
        if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        for id in suspects.into_inner().unwrap_or_else(PoisonError::into_inner) {
            if let Err((fault, reason)) = self.check_again(&id)? {
                self.bad.insert(id, (fault, reason));
            }
        }
        Ok(())
    }

    /// Those whose copy here is not right.
    fn check_pack(&self, copies: &[Location], decoder: &mut Decoder) -> Result<Vec<ChunkId>> {
        let mut suspects = Vec::new();
        let mut rest = copies;
        while let Some(first) = rest.first() {
            watch::check(self.watch)?;
            let start = u64::from(first.offset);
            let end_of = |copy: &Location| u64::from(copy.offset) + u64::from(copy.info.stored_len);
            let together = rest
                .iter()
                .take_while(|copy| end_of(copy) - start <= READ)
                .count()
                .max(1);
            let (run, after) = rest.split_at(together);
            rest = after;
            let len = run.iter().map(end_of).max().unwrap_or(start) - start;
            let stored: u64 = run.iter().map(|copy| u64::from(copy.info.stored_len)).sum();
            self.done.fetch_add(stored, Ordering::Relaxed);
            let name = layout::pack(first.pack.kind, first.pack.id);
            let bytes = match self.datastore.blobs().get_range(&name, start, len as usize) {
                Ok(bytes) => bytes,
                Err(_) => {
                    // One by one they tell which of them cannot be read, and why.
                    suspects.extend(run.iter().map(|copy| copy.info.id));
                    continue;
                }
            };
            self.bytes.fetch_add(len, Ordering::Relaxed);
            for copy in run {
                let from = (u64::from(copy.offset) - start) as usize;
                let good = bytes
                    .get(from..from + copy.info.stored_len as usize)
                    .is_some_and(|stored| self.check_bytes(copy, stored, decoder).is_ok());
                if !good || self.view.quarantined.contains(&(copy.info.id, copy.pack.id)) {
                    suspects.push(copy.info.id);
                }
            }
            self.report();
        }
        Ok(suspects)
    }

    fn check_bytes(&self, copy: &Location, stored: &[u8], decoder: &mut Decoder) -> Result<()> {
        check_stored(&copy.info, stored)?;
        match self.depth {
            VerifyDepth::Stored => Ok(()),
            VerifyDepth::Full => decoder.decode(&copy.info, stored).map(drop),
        }
    }

    /// Looks at every copy there is now. Copies that are bad are quarantined; one good copy is enough.
    fn check_again(&self, id: &ChunkId) -> Result<Result<(), (ChunkFault, String)>> {
        let mut decoder = Decoder::new()?;
        let view = self.datastore.view(false)?;
        let mut first = None;
        let mut good = false;
        for copy in view.copies(id) {
            let quarantined = view.quarantined.contains(&(*id, copy.pack.id));
            let checked = self
                .datastore
                .read_stored(&copy)
                .and_then(|stored| self.check_bytes(&copy, &stored, &mut decoder));
            match checked {
                Ok(()) => {
                    good = true;
                    if quarantined {
                        self.datastore.release(&copy)?;
                    }
                }
                Err(StoreError::Chunk { fault, reason, .. }) => {
                    if fault == ChunkFault::Corrupt && !quarantined {
                        self.datastore.quarantine(&copy, &reason)?;
                    }
                    first = first.or(Some((fault, reason)));
                }
                Err(error) => return Err(error),
            }
        }
        if good {
            return Ok(Ok(()));
        }
        Ok(Err(first.unwrap_or((
            ChunkFault::Missing,
            "the index does not know it".to_owned(),
        ))))
    }
}
