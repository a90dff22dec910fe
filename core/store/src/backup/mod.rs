//! Backup: reads a tree into a new snapshot.
//!
//! One thread walks the tree and writes its blocks; workers read, cut and store content. What the previous
//! snapshot of the group holds already, by size, times and inode, is taken over without reading it.

mod assemble;
mod content;
mod filter;
mod run;
mod source;
mod walk;

use std::path::PathBuf;

use ironcore_types::progress::TaskStats;
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::{ErrorCode, HubId, JobName, ProjectName, Upid, UserId};

use crate::blobs::BlobErrorKind;
use crate::datastore::Datastore;
use crate::error::{Result, StoreError};
use crate::layout;
use crate::manifest::{Manifest, SourceInfo};
use crate::session::{Session, SessionKind};
use crate::snapshots::SnapshotFilter;
use crate::watch::{self, Watch};
use crate::writer::ChunkWriter;
use filter::Filter;
use source::Source;

/// What to back up, and as what.
#[derive(Debug, Clone)]
pub struct BackupRequest {
    /// The snapshot to make. There must be none of that name.
    pub snapshot: SnapshotPath,
    /// The tree to read, a folder.
    pub tree: PathBuf,
    /// Globs of what to leave out: a name at any depth, or a path from the tree's root when it holds a `/`.
    pub exclude: Vec<String>,
    /// Globs of what to take; everything when empty.
    pub include: Vec<String>,
    /// When the tree is not there, warn instead of failing.
    pub optional: bool,
    /// Read every file, whatever its metadata says.
    pub full: bool,
    /// The hub that does this.
    pub hub: HubId,
    /// The user it is done for.
    pub user: UserId,
    /// The project of the job.
    pub project: Option<ProjectName>,
    /// The job.
    pub job: Option<JobName>,
    /// The task.
    pub upid: Option<Upid>,
}

/// What a backup made.
#[derive(Debug, Clone)]
pub struct BackupOutcome {
    /// The snapshot; none when the source was optional and not there.
    pub snapshot: Option<SnapshotPath>,
    /// `bytes` and `bytes_logical`: content of the snapshot; `bytes_read`; `bytes_stored`; `bytes_new`; `files`;
    /// `files_unchanged`; `chunks`; `chunks_known`; `snapshots`: 1 when one was made.
    pub stats: TaskStats,
}

impl Datastore {
    /// Makes a snapshot of a tree. Until it returns there is none; what a backup that failed has written is
    /// garbage that a collection removes.
    pub fn backup(&self, request: BackupRequest, watch: &dyn Watch) -> Result<BackupOutcome> {
        let signing = self.signing()?;
        let exists = || StoreError::Snapshot {
            path: request.snapshot.to_string(),
            exists: true,
        };
        let filter = Filter::new(&request.exclude, &request.include)?;
        let source = match Source::open_root(&request.tree) {
            Ok(source) => source,
            Err(error) if request.optional && error.kind() == std::io::ErrorKind::NotFound => {
                let tree = request.tree.display().to_string();
                let message = "the source is not there; it is optional, so nothing was backed up";
                watch.warn(watch::warning(ErrorCode::SourceOptionalMissing, tree, message));
                return Ok(BackupOutcome {
                    snapshot: None,
                    stats: TaskStats::default(),
                });
            }
            Err(error) => return Err(unreadable(&request, error)),
        };
        let name = layout::manifest(&request.snapshot);
        if self.blobs().size(&name)?.is_some() {
            return Err(exists());
        }
        let task = request.upid.as_ref().map(ToString::to_string);
        let session = Session::register(&self.inner.blobs, &self.inner.seams, SessionKind::Backup, task)?;
        let started = self.now();
        self.look_after_index(false, watch)?;
        let view = self.view(true)?;
        let level = self.config().compression.level;
        let writer = ChunkWriter::new(&self.inner.blobs, &self.inner.seams, session, view, level);
        let previous = self.previous(&request, watch)?;

        let read =
            run::run(self, &writer, &source, &filter, previous.as_ref(), watch).map_err(
                |error| match error {
                    run::RunError::Root(error) => unreadable(&request, error),
                    run::RunError::Store(error) => error,
                },
            )?;
        watch::check(watch)?;
        writer.finish()?;

        let stats = read.stats(&writer);
        let manifest = Manifest {
            format: 1,
            snapshot: request.snapshot.clone(),
            datastore: self.config().id,
            hub: request.hub,
            user: request.user,
            project: request.project,
            job: request.job,
            upid: request.upid,
            started,
            finished: self.now(),
            source: SourceInfo {
                tree: request.tree.display().to_string(),
                exclude: request.exclude,
                include: request.include,
            },
            bytes: stats.bytes,
            bytes_added: stats.bytes_stored,
            entries: stats.files,
            warnings: read.warnings,
            data: read.data,
            blocks: read.blocks,
        };
        watch::check(watch)?;
        match self.commit(&writer, &name, &manifest.seal(signing)?, watch) {
            Err(StoreError::Blob(error)) if error.kind == BlobErrorKind::Exists => {
                return Err(StoreError::Snapshot {
                    path: request.snapshot.to_string(),
                    exists: true,
                });
            }
            result => result?,
        }
        Ok(BackupOutcome {
            snapshot: Some(request.snapshot),
            stats,
        })
    }

    /// Makes a snapshot visible, unless a garbage collection has given its session up meanwhile, or the caller its
    /// task. `watch` is looked at last: a thread that hung may come back when nobody waits for it any more.
    pub(crate) fn commit(
        &self,
        writer: &ChunkWriter,
        name: &str,
        manifest: &[u8],
        watch: &dyn Watch,
    ) -> Result<()> {
        writer.session.check()?;
        watch::check(watch)?;
        self.blobs().put_new(name, manifest)?;
        writer.session.check().inspect_err(|_| {
            // Chunks may be gone that it refers to.
            if let Err(error) = self.blobs().delete(name) {
                tracing::error!(name, %error, "a snapshot that may be incomplete could not be taken back");
            }
        })
    }

    /// The snapshot whose files need not be read again when they look the same.
    fn previous(&self, request: &BackupRequest, watch: &dyn Watch) -> Result<Option<Manifest>> {
        if request.full {
            watch.info("full backup: every file is read");
            return Ok(None);
        }
        let tree = request.tree.display().to_string();
        let infos = self.snapshots(&SnapshotFilter::group(request.snapshot.group.clone()))?;
        let earlier = infos
            .into_iter()
            .rev()
            .filter(|info| info.path.time < request.snapshot.time && info.trusted);
        let previous = earlier
            .filter_map(|info| info.manifest)
            .find(|manifest| manifest.source.tree == tree);
        match &previous {
            Some(manifest) => watch.info(&format!("files are compared with snapshot {}", manifest.snapshot)),
            None => watch.info("there is no earlier snapshot of this tree: every file is read"),
        }
        Ok(previous)
    }
}

fn unreadable(request: &BackupRequest, error: std::io::Error) -> StoreError {
    let code = match error.kind() {
        std::io::ErrorKind::PermissionDenied => ErrorCode::SourcePermission,
        _ => ErrorCode::SourceUnreachable,
    };
    StoreError::Source {
        path: request.tree.display().to_string(),
        code,
        reason: error.to_string(),
        source: Some(error),
    }
}
