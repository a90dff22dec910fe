//! The reading half of a backup: the threads, and the loop that walks the tree and hands out jobs. What becomes
//! of each thing that is found is left to `found`.

mod ahead;
mod found;

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use ironcore_types::progress::{Stage, TaskStats};

use self::ahead::Ahead;
use super::assemble::{Assembler, Totals};
use super::content::{Done, Job, Shared, Worker};
use super::filter::Filter;
use super::source::Source;
use super::walk::Walk;
use crate::chunker::{Chunker, ChunkerConfig};
use crate::datastore::Datastore;
use crate::error::{Result, StoreError};
use crate::manifest::{ListInfo, Manifest};
use crate::tree::TreeReader;
use crate::watch::{self, Watch};
use crate::writer::ChunkWriter;

/// After so many bytes were read it is worth while to count how many there are.
const WORTH_COUNTING: u64 = 64 << 20;
/// Jobs under way at most; each holds an open file or a bundle's paths.
const JOBS_PER_WORKER: usize = 4;
/// Entries that may wait behind one that is not ready.
const MAX_WAITING: usize = 50_000;

/// Reading failed: the tree itself, or the datastore.
pub(crate) enum RunError {
    Root(io::Error),
    Store(StoreError),
}

impl<E: Into<StoreError>> From<E> for RunError {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

/// What was read.
pub(crate) struct Read {
    pub(crate) data: ListInfo,
    pub(crate) blocks: ListInfo,
    pub(crate) warnings: u64,
    totals: Totals,
    bytes_read: u64,
}

impl Read {
    pub(crate) fn stats(&self, writer: &ChunkWriter) -> TaskStats {
        let chunks = self.data.count + self.blocks.count;
        let segments = self.data.segments.len() as u64 + self.blocks.segments.len() as u64;
        let new = writer.written.chunks.load(Ordering::Relaxed);
        TaskStats {
            bytes: self.totals.bytes,
            bytes_read: self.bytes_read,
            bytes_stored: writer.written.bytes.load(Ordering::Relaxed),
            bytes_new: writer.written.plain.load(Ordering::Relaxed),
            bytes_logical: self.totals.bytes,
            files: self.totals.entries,
            files_unchanged: self.totals.unchanged,
            chunks: chunks + segments,
            chunks_known: (chunks + segments).saturating_sub(new),
            snapshots: 1,
            ..TaskStats::default()
        }
    }
}

pub(crate) fn run(
    datastore: &Datastore,
    writer: &ChunkWriter,
    source: &Source,
    filter: &Filter,
    previous: Option<&Manifest>,
    watch: &dyn Watch,
) -> Result<Read, RunError> {
    let config = &datastore.config().chunker;
    let chunker = Chunker::new(config);
    let shared = Shared {
        source,
        writer,
        chunker: &chunker,
        watch,
        stop: AtomicBool::new(false),
        bytes_read: AtomicU64::new(0),
    };
    let workers = std::thread::available_parallelism()
        .map_or(2, std::num::NonZero::get)
        .clamp(1, 16);
    let (jobs, job_queue) = channel::<Job>();
    let (answers, done) = channel::<Result<Done>>();
    let job_queue = Mutex::new(job_queue);
    let own = datastore
        .blobs()
        .local_root()
        .and_then(|root| std::fs::metadata(root).ok());
    let own = own.map(|meta| (meta.dev(), meta.ino()));
    // How much there is, somebody goes ahead and counts: what there was last time says little. Where most has not
    // changed that would be half of the work, so not before there is something to read.
    let ahead = Ahead::default();
    let (count, worth_it) = channel::<()>();
    let count = (previous.is_some()).then_some(count);
    let previous = match previous {
        Some(manifest) => Some(TreeReader::new(datastore, &writer.view, manifest)?),
        None => None,
    };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (answers, shared, job_queue) = (answers.clone(), &shared, &job_queue);
            scope.spawn(move || work(shared, job_queue, &answers));
        }
        drop(answers);
        let (ahead, first) = (&ahead, count.is_none());
        scope.spawn(move || {
            if first || worth_it.recv().is_ok() {
                ahead.count(source, filter, own);
            }
        });
        let coordinator = Coordinator {
            shared: &shared,
            config,
            walk: Walk::new(source, filter, own, watch),
            assembler: Assembler::new(writer, watch)?,
            previous,
            links: HashMap::new(),
            bundle: Vec::new(),
            bundle_bytes: 0,
            jobs,
            done,
            under_way: 0,
            max_under_way: workers * JOBS_PER_WORKER,
            stage: watch::stage("read source", "files"),
            ahead,
            count,
            taken_over: 0,
        };
        let result = coordinator.run();
        ahead.stop();
        if result.is_err() {
            shared.stop.store(true, Ordering::Relaxed);
        }
        result
    })
}

fn work(shared: &Shared<'_>, jobs: &Mutex<Receiver<Job>>, answers: &Sender<Result<Done>>) {
    let mut worker = match Worker::new(shared) {
        Ok(worker) => worker,
        Err(error) => {
            // Nobody listens any more only when the backup is over.
            let _gone = answers.send(Err(error)).is_err();
            return;
        }
    };
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A panic must come back as an answer, or the walk would wait for it for ever.
        let answer = catch_unwind(AssertUnwindSafe(|| worker.run(job)))
            .unwrap_or_else(|_| Err(StoreError::Busy("a worker of the backup panicked".to_owned())));
        if answers.send(answer).is_err() {
            return;
        }
    }
}

struct Coordinator<'a> {
    shared: &'a Shared<'a>,
    config: &'a ChunkerConfig,
    walk: Walk<'a>,
    assembler: Assembler<'a>,
    previous: Option<TreeReader<'a>>,
    /// First name of each file with several, by device and inode.
    links: HashMap<(u64, u64), Vec<u8>>,
    bundle: Vec<(u64, Vec<u8>)>,
    bundle_bytes: u64,
    jobs: Sender<Job>,
    done: Receiver<Result<Done>>,
    under_way: usize,
    max_under_way: usize,
    stage: Stage,
    ahead: &'a Ahead,
    /// Lets somebody count, when there was a backup before.
    count: Option<Sender<()>>,
    /// Bytes of files that need not be read.
    taken_over: u64,
}

impl Coordinator<'_> {
    fn run(mut self) -> Result<Read, RunError> {
        while let Some(found) = self.walk.next().map_err(RunError::Root)? {
            watch::check(self.shared.watch)?;
            self.shared.writer.session.renew()?;
            self.found(found)?;
            while self.assembler.waiting() > MAX_WAITING {
                self.end_bundle()?;
                self.wait()?;
            }
            self.stage.done += 1;
            if self.stage.done.is_multiple_of(64) {
                self.report();
            }
        }
        self.end_bundle()?;
        while self.under_way > 0 {
            self.wait()?;
        }
        self.report();
        if self.walk.excluded > 0 {
            self.shared
                .watch
                .info(&format!("{} paths were left out by patterns", self.walk.excluded));
        }
        let bytes_read = self.shared.bytes_read.load(Ordering::Relaxed);
        let walk_warnings = self.walk.warnings;
        let (data, blocks, totals) = self.assembler.finish()?;
        Ok(Read {
            data,
            blocks,
            warnings: totals.warnings + walk_warnings,
            totals,
            bytes_read,
        })
    }

    fn report(&mut self) {
        let read = self.shared.bytes_read.load(Ordering::Relaxed);
        self.stage.bytes = self.taken_over + read;
        if read >= WORTH_COUNTING
            && let Some(count) = self.count.take()
        {
            // Nobody listens when the backup is over.
            let _gone = count.send(()).is_err();
        }
        // Files that grow meanwhile make it wrong, and then nothing is known.
        let bytes = self.stage.bytes;
        self.stage.bytes_total = self.ahead.total().filter(|total| *total >= bytes);
        self.shared.watch.progress(&self.stage);
    }

    fn end_bundle(&mut self) -> Result<()> {
        if self.bundle.is_empty() {
            return Ok(());
        }
        self.bundle_bytes = 0;
        let bundle = std::mem::take(&mut self.bundle);
        self.send(Job::Bundle(bundle))
    }

    fn send(&mut self, job: Job) -> Result<()> {
        while self.under_way >= self.max_under_way {
            self.wait()?;
        }
        // Workers end before us only when they failed, and then `wait` tells why.
        self.under_way += 1;
        if self.jobs.send(job).is_err() {
            self.wait()?;
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        watch::check(self.shared.watch)?;
        let Ok(answer) = self.done.recv() else {
            return Err(StoreError::Busy(
                "the workers of the backup ended early".to_owned(),
            ));
        };
        self.under_way = self.under_way.saturating_sub(1);
        self.report();
        self.assembler.done(answer?)
    }
}
