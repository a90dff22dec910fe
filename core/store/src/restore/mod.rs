//! Restore: writes a snapshot back to files.
//!
//! Folders are made in the order of the tree, files by workers; then hard links; at last the attributes of
//! folders, innermost first, since everything made in a folder changes its time.

mod apply;
mod content;
mod meter;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ironcore_types::ErrorCode;
use ironcore_types::progress::TaskStats;
use ironcore_types::snapshot::SnapshotPath;

use crate::datastore::Datastore;
use crate::error::{Result, StoreError};
use crate::index::View;
use crate::tree::{Attributes, Entry, Node, TreeReader, show};
use crate::watch::{self, Watch};
use apply::Target;
use content::FileWorker;
use meter::Meter;

/// What to restore, and where to.
#[derive(Debug, Clone)]
pub struct RestoreRequest {
    /// Which snapshot.
    pub snapshot: SnapshotPath,
    /// The folder to write to; made when missing.
    pub to: PathBuf,
    /// Write into a folder that is not empty, over files that exist; otherwise that is refused.
    pub overwrite: bool,
    /// Leave out what is damaged, with a warning each, instead of failing. Also takes a snapshot whose
    /// signature is not valid.
    pub keep_going: bool,
}

/// Files under way at most.
const QUEUE: usize = 64;

struct Shared<'a> {
    datastore: &'a Datastore,
    view: &'a View,
    target: &'a Target,
    watch: &'a dyn Watch,
    meter: Meter<'a>,
    keep_going: bool,
    stop: AtomicBool,
    /// Files that are restored whole.
    files: AtomicU64,
    bytes: AtomicU64,
    read: AtomicU64,
    failure: Mutex<Option<StoreError>>,
    /// The first thing that was left out.
    lost: Mutex<Option<StoreError>>,
}

impl Shared<'_> {
    fn failure(&self) -> MutexGuard<'_, Option<StoreError>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to do about an entry that could not be restored.
    fn failed(&self, path: &[u8], error: StoreError) {
        if self.keep_going && matches!(error, StoreError::Chunk { .. }) {
            self.watch.warn(watch::warning(
                error.code(),
                show(path),
                format!("not restored: {error}"),
            ));
            self.left_out(error);
            return;
        }
        self.failure().get_or_insert(error);
        self.stop.store(true, Ordering::Relaxed);
    }

    fn left_out(&self, error: StoreError) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.get_or_insert(error);
    }

    /// Whether a worker should go on: what went wrong elsewhere is left to [`check`](Self::check).
    fn go_on(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(StoreError::Cancelled);
        }
        watch::check(self.watch)
    }

    fn check(&self) -> Result<()> {
        watch::check(self.watch)?;
        if !self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(self.failure().take().unwrap_or(StoreError::Cancelled))
    }
}

impl Datastore {
    /// Restores a snapshot. Keeping going is no success when nothing at all came of it: that is the error of the
    /// first thing that was left out. Stats: `bytes` and `bytes_read` written and read, `files`.
    pub fn restore(&self, request: RestoreRequest, watch: &dyn Watch) -> Result<TaskStats> {
        let read = crate::manifest::Manifest::read(
            &request.snapshot,
            &self.manifest_bytes(&request.snapshot)?,
            &self.trusted_keys(),
        )?;
        if !read.trusted {
            let error = crate::manifest::bad_signature(&request.snapshot);
            if !request.keep_going {
                return Err(error);
            }
            watch.warn(watch::warning(
                ErrorCode::ManifestSignature,
                request.snapshot.to_string(),
                error.to_string(),
            ));
        }
        self.look_after_index(false, watch)?;
        let view = self.view(false)?;
        let target = Target::prepare(&request.to, request.overwrite)?;
        let tree = TreeReader::new(self, &view, &read.manifest)?;
        let shared = Shared {
            datastore: self,
            view: &view,
            target: &target,
            watch,
            meter: Meter::begin(&read.manifest, watch),
            keep_going: request.keep_going,
            stop: AtomicBool::new(false),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            read: AtomicU64::new(0),
            failure: Mutex::default(),
            lost: Mutex::default(),
        };
        let restored = restore_tree(&shared, tree);
        // What did not come to its end has moved something all the same.
        shared.meter.tell();
        let files = restored?;
        let lost = shared.lost.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(error) = lost
            && read.manifest.bytes > 0
            && shared.files.load(Ordering::Relaxed) == 0
        {
            return Err(nothing_restored(error));
        }
        Ok(TaskStats {
            bytes: shared.bytes.load(Ordering::Relaxed),
            bytes_read: shared.read.load(Ordering::Relaxed),
            files,
            snapshots: 1,
            ..TaskStats::default()
        })
    }
}

/// The first damage, as the reason why there is nothing to show.
fn nothing_restored(error: StoreError) -> StoreError {
    match error {
        StoreError::Chunk { id, fault, reason } => StoreError::Chunk {
            id,
            fault,
            reason: format!("{reason}; no file could be restored"),
        },
        error => error,
    }
}

/// What is left to do once all files are there.
#[derive(Default)]
struct Later {
    links: Vec<(Vec<u8>, Vec<u8>)>,
    folders: Vec<(Vec<u8>, Attributes)>,
    files: u64,
}

fn restore_tree(shared: &Shared<'_>, tree: TreeReader<'_>) -> Result<u64> {
    let (jobs, queue) = sync_channel::<Entry>(QUEUE);
    let queue = Mutex::new(queue);
    let workers = std::thread::available_parallelism()
        .map_or(2, std::num::NonZero::get)
        .clamp(1, 16);
    let later = std::thread::scope(|scope| {
        for _ in 0..workers {
            let queue = &queue;
            scope.spawn(move || work(shared, queue));
        }
        let result = walk(shared, tree, &jobs);
        if result.is_err() {
            shared.stop.store(true, Ordering::Relaxed);
        }
        drop(jobs);
        result
    })?;
    shared.check()?;
    for (path, first) in &later.links {
        shared.check()?;
        match shared.target.exists(first) {
            true => shared.target.link(path, first)?,
            // Only when keeping going: the file itself was damaged.
            false => shared.watch.warn(watch::warning(
                ErrorCode::ChunkCorrupt,
                show(path),
                format!("not restored: neither was {}", show(first)),
            )),
        }
        shared.meter.entry();
    }
    for (path, attributes) in later.folders.iter().rev() {
        shared.check()?;
        shared
            .target
            .set_attributes(path, attributes, false, shared.watch)?;
    }
    Ok(later.files)
}

fn walk(shared: &Shared<'_>, mut tree: TreeReader<'_>, jobs: &SyncSender<Entry>) -> Result<Later> {
    let mut later = Later::default();
    // The folders that lead to the entry: nothing may be written below what the snapshot says is no folder.
    let mut open: Vec<Vec<u8>> = Vec::new();
    loop {
        let entry = match tree.next() {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(later),
            Err(error @ StoreError::Chunk { .. }) if shared.keep_going => {
                if later.files == 0 {
                    return Err(nothing_restored(error));
                }
                let message = format!("the rest of the tree cannot be read: {error}");
                shared.watch.warn(watch::warning(error.code(), ".", message));
                shared.left_out(error);
                return Ok(later);
            }
            Err(error) => return Err(error),
        };
        shared.check()?;
        let parent = entry
            .path
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(&[][..], |at| &entry.path[..at]);
        while open.last().is_some_and(|folder| folder != parent) {
            open.pop();
        }
        if open.is_empty() && !entry.path.is_empty() {
            let reason = "the snapshot has an entry without its folder";
            return Err(StoreError::manifest(show(&entry.path), reason));
        }
        later.files += 1;
        match entry.node {
            Node::Folder => {
                shared.target.make_folder(&entry.path)?;
                open.push(entry.path.clone());
                later.folders.push((entry.path, entry.attributes));
                shared.meter.entry();
            }
            Node::HardLink(first) => later.links.push((entry.path, first)),
            Node::File(_) => {
                if jobs.send(entry).is_err() {
                    return Err(StoreError::Busy(
                        "the workers of the restore ended early".to_owned(),
                    ));
                }
            }
            _ => {
                shared.target.make_special(&entry, shared.watch)?;
                shared.meter.entry();
            }
        }
    }
}

fn work(shared: &Shared<'_>, jobs: &Mutex<Receiver<Entry>>) {
    let mut worker = FileWorker::new(shared.datastore, shared.view);
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(entry) = job else { return };
        if shared.stop.load(Ordering::Relaxed) || shared.watch.cancelled() {
            continue;
        }
        let Node::File(content) = &entry.node else {
            continue;
        };
        let result = match &mut worker {
            Ok(worker) => worker
                .write(shared.target, &entry.path, content, &|bytes| {
                    shared.meter.wrote(bytes);
                    shared.go_on()
                })
                .and_then(|()| {
                    shared
                        .target
                        .set_attributes(&entry.path, &entry.attributes, false, shared.watch)
                }),
            Err(error) => Err(StoreError::Request(error.to_string())),
        };
        match result {
            Ok(()) => {
                let bytes = content
                    .pieces
                    .iter()
                    .map(|piece| u64::from(piece.len))
                    .sum::<u64>();
                shared.files.fetch_add(1, Ordering::Relaxed);
                shared.bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            Err(error) => {
                shared.target.remove(&entry.path);
                shared.failed(&entry.path, error);
            }
        }
        shared.meter.entry();
        if let Ok(worker) = &mut worker {
            shared.read.fetch_add(worker.take_bytes_read(), Ordering::Relaxed);
        }
    }
}
