//! The reading half of a backup: the walk, the jobs it makes, and the threads that do them.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use ironcore_types::ErrorCode;
use ironcore_types::progress::{Stage, TaskStats};

use super::assemble::{Assembler, Pending, Totals, Waits};
use super::content::{Done, Job, Shared, Worker, check_is_file};
use super::filter::Filter;
use super::source::{self, Source};
use super::walk::{Found, Walk};
use crate::chunker::{Chunker, ChunkerConfig};
use crate::datastore::Datastore;
use crate::error::{Result, StoreError};
use crate::manifest::{ListInfo, Manifest};
use crate::tree::{Attributes, Content, Entry, Node, TreeReader, Xattrs};
use crate::watch::{self, Watch};
use crate::writer::ChunkWriter;

/// Jobs under way at most; each holds an open file or a bundle's paths.
const JOBS_PER_WORKER: usize = 4;
/// Entries that may wait behind one that is not ready.
const MAX_WAITING: usize = 50_000;
/// A bundle has at most so many files.
const BUNDLE_FILES: usize = 1024;

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
            files: self.totals.entries,
            files_unchanged: self.totals.unchanged,
            chunks: chunks + segments,
            chunks_known: (chunks + segments).saturating_sub(new),
            snapshots: 1,
            snapshots_affected: 0,
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
        let coordinator = Coordinator {
            shared: &shared,
            config,
            walk: Walk::new(source, filter, own.map(|meta| (meta.dev(), meta.ino())), watch),
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
        };
        let result = coordinator.run();
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
        self.stage.bytes = self.shared.bytes_read.load(Ordering::Relaxed);
        self.shared.watch.progress(&self.stage);
    }

    fn found(&mut self, found: Found) -> Result<()> {
        let Found { path, meta, folder } = found;
        if let Some(attributes) = folder {
            return self.ready(path, Node::Folder, attributes, false);
        }
        if meta.nlink() > 1 {
            let key = (meta.dev(), meta.ino());
            if let Some(first) = self.links.get(&key) {
                let node = Node::HardLink(first.clone());
                return self.ready(path, node, Attributes::default(), false);
            }
            self.links.insert(key, path.clone());
        }
        if meta.is_file() {
            return self.file(path, &meta);
        }
        let kind = meta.file_type();
        let (major, minor) = (rustix::fs::major(meta.rdev()), rustix::fs::minor(meta.rdev()));
        let node = if kind.is_symlink() {
            match self.shared.source.read_link(&path) {
                Ok(target) => Node::Symlink(target),
                Err(error) => return self.left_out(&path, &error),
            }
        } else if kind.is_fifo() {
            Node::Fifo
        } else if kind.is_socket() {
            Node::Socket
        } else if kind.is_char_device() {
            Node::CharDevice(major, minor)
        } else if kind.is_block_device() {
            Node::BlockDevice(major, minor)
        } else {
            let message = "neither file, folder, link, fifo, socket nor device";
            self.walk.warn(&path, ErrorCode::PathSkipped, message);
            return Ok(());
        };
        let mut attributes = source::attributes(&meta);
        match self.shared.source.xattrs_of_path(&path) {
            Ok(xattrs) => attributes.xattrs = xattrs,
            Err(error) => return self.left_out(&path, &error),
        }
        self.ready(path, node, attributes, false)
    }

    fn left_out(&mut self, path: &[u8], error: &io::Error) -> Result<()> {
        let (code, message) = source::describe(error);
        self.walk.warn(path, code, &message);
        // Further names of it, if any, stand for themselves.
        self.links.retain(|_, first| first != path);
        Ok(())
    }

    fn ready(&mut self, path: Vec<u8>, node: Node, attributes: Attributes, unchanged: bool) -> Result<()> {
        let entry = Entry {
            path,
            node,
            attributes,
        };
        self.assembler.push(Pending {
            entry,
            waits: Waits::Nothing,
            unchanged,
        })
    }

    fn file(&mut self, path: Vec<u8>, meta: &Metadata) -> Result<()> {
        let attributes = source::attributes(meta);
        if let Some((content, xattrs)) = self.unchanged(&path, meta, &attributes) {
            return self.ready(
                path,
                Node::File(content),
                Attributes { xattrs, ..attributes },
                true,
            );
        }
        if meta.len() > self.config.bundle_file {
            return self.large_file(path);
        }
        let ends = ChunkerConfig::ends_bundle(&path);
        let entry = Entry {
            path: path.clone(),
            node: Node::File(Content::default()),
            attributes,
        };
        self.bundle.push((self.assembler.next_number(), path));
        self.bundle_bytes += meta.len();
        self.assembler.push(Pending {
            entry,
            waits: Waits::Bundle,
            unchanged: false,
        })?;
        if self.bundle_bytes >= self.config.bundle_max
            || self.bundle.len() >= BUNDLE_FILES
            || (ends && self.bundle_bytes >= self.config.bundle_min)
        {
            self.end_bundle()?;
        }
        Ok(())
    }

    /// Content and extended attributes of the previous snapshot's file, when it is surely the same and all of
    /// its chunks can be relied on.
    fn unchanged(&mut self, path: &[u8], meta: &Metadata, now: &Attributes) -> Option<(Content, Xattrs)> {
        let found = match self.previous.as_mut()?.find(path) {
            Ok(found) => found?,
            Err(error) => {
                self.previous = None;
                let message =
                    format!("the previous snapshot cannot be read on, so files are read anew: {error}");
                self.walk.warn(path, ErrorCode::DedupPartial, &message);
                return None;
            }
        };
        let (Node::File(content), before) = (found.node, found.attributes) else {
            return None;
        };
        let same = before.inode == now.inode
            && before.inode != 0
            && before.modified == now.modified
            && before.changed == now.changed
            && content.size == meta.len();
        let mut last = None;
        let known = same
            && content.pieces.iter().all(|piece| {
                let same_chunk = last.replace(piece.chunk) == Some(piece.chunk);
                same_chunk || self.shared.writer.has(&piece.chunk)
            });
        known.then_some((content, before.xattrs))
    }

    fn large_file(&mut self, path: Vec<u8>) -> Result<()> {
        let open = || {
            let file = self.shared.source.open(&path, false)?;
            let meta = file.metadata()?;
            check_is_file(&meta)?;
            let xattrs = source::xattrs(&file)?;
            Ok((file, meta, xattrs))
        };
        let (file, before, xattrs) = match open() {
            Ok(opened) => opened,
            Err(error) => {
                // It keeps its place, so that further names of it are left out as well.
                let entry = Entry {
                    path: path.clone(),
                    node: Node::Fifo,
                    attributes: Attributes::default(),
                };
                let (code, message) = source::describe(&error);
                self.walk.warn(&path, code, &message);
                return self.assembler.push(Pending {
                    entry,
                    waits: Waits::Dropped,
                    unchanged: false,
                });
            }
        };
        let extents = source::extents(&file, &before);
        let parts = split(&extents.data, self.config.segment);
        let file = Arc::new(file);
        let entry = Entry {
            path,
            node: Node::File(Content {
                size: before.len(),
                holes: extents.holes,
                pieces: Vec::new(),
            }),
            attributes: Attributes {
                xattrs,
                ..source::attributes(&before)
            },
        };
        let waits = match parts.len() {
            0 => Waits::Nothing,
            missing => Waits::Segments {
                parts: (0..missing).map(|_| None).collect(),
                missing,
                file: Arc::clone(&file),
                before: Box::new(before),
                whole: true,
            },
        };
        let number = self.assembler.next_number();
        self.assembler.push(Pending {
            entry,
            waits,
            unchanged: false,
        })?;
        for (part, extents) in parts.into_iter().enumerate() {
            self.send(Job::Segment {
                entry: number,
                part,
                file: Arc::clone(&file),
                extents,
            })?;
        }
        Ok(())
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

/// Cuts runs of data into parts of `segment` bytes of data each, the last one shorter.
fn split(data: &[(u64, u64)], segment: u64) -> Vec<Vec<(u64, u64)>> {
    let mut parts = Vec::new();
    let (mut part, mut room) = (Vec::new(), segment);
    for (mut offset, mut len) in data.iter().copied() {
        while len > 0 {
            let take = len.min(room);
            part.push((offset, take));
            (offset, len, room) = (offset + take, len - take, room - take);
            if room == 0 {
                parts.push(std::mem::take(&mut part));
                room = segment;
            }
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_all_data_in_order() {
        assert_eq!(
            split(&[(0, 10), (20, 5)], 8),
            vec![vec![(0, 8)], vec![(8, 2), (20, 5)]]
        );
        assert_eq!(split(&[(0, 8), (20, 8)], 8), vec![vec![(0, 8)], vec![(20, 8)]]);
        assert!(split(&[], 8).is_empty());
    }
}
