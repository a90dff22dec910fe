//! Which snapshots there are and what is known of each; notes and protection, which are files beside the
//! manifest because a manifest never changes.

use ironcore_types::snapshot::{BackupGroup, Namespace, SnapshotPath};
use ironcore_types::verification::VerifyFailure;
use ironcore_types::{ErrorCode, JobName, ProjectName};

use crate::blobs::BlobErrorKind;
use crate::datastore::Datastore;
use crate::error::{Result, StoreError};
use crate::layout;
use crate::manifest::Manifest;

/// Which snapshots are meant. Parts that are none or empty let everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotFilter {
    /// Only this namespace (not those below it).
    pub namespace: Option<Namespace>,
    /// Only these groups.
    pub groups: Vec<BackupGroup>,
    /// Only snapshots that this job made.
    pub job: Option<(ProjectName, JobName)>,
}

impl SnapshotFilter {
    /// The snapshots of one group.
    pub fn group(group: BackupGroup) -> Self {
        Self {
            groups: vec![group],
            ..Self::default()
        }
    }

    pub(crate) fn takes_path(&self, path: &SnapshotPath) -> bool {
        self.namespace
            .as_ref()
            .is_none_or(|namespace| namespace == &path.group.namespace)
            && (self.groups.is_empty() || self.groups.contains(&path.group))
    }

    fn takes_job(&self, info: &SnapshotInfo) -> bool {
        let Some((project, job)) = &self.job else {
            return true;
        };
        info.manifest.as_ref().is_some_and(|manifest| {
            manifest.project.as_ref() == Some(project) && manifest.job.as_ref() == Some(job)
        })
    }
}

/// What is known of a snapshot.
#[derive(Debug, Clone)]
pub struct SnapshotInfo {
    /// Which snapshot.
    pub path: SnapshotPath,
    /// Its manifest; none when that cannot be read.
    pub manifest: Option<Manifest>,
    /// Whether a trusted key signed the manifest.
    pub trusted: bool,
    /// Whether prune must leave it alone.
    pub protected: bool,
    /// Notes of people.
    pub notes: Option<String>,
}

impl SnapshotInfo {
    /// Why its manifest must not be relied on, as a verification tells it; none when it may be.
    pub fn fault(&self) -> Option<VerifyFailure> {
        let (code, reason) = match (&self.manifest, self.trusted) {
            (None, _) => (ErrorCode::ManifestInvalid, "the manifest cannot be read"),
            (Some(_), false) => (
                ErrorCode::ManifestSignature,
                "the manifest's signature is not valid",
            ),
            (Some(_), true) => return None,
        };
        Some(VerifyFailure {
            code,
            chunk: None,
            reason: reason.to_owned(),
        })
    }
}

impl Datastore {
    /// The snapshots there are, by group and time. One with a damaged manifest is among them.
    pub fn snapshots(&self, filter: &SnapshotFilter) -> Result<Vec<SnapshotInfo>> {
        let names = self.blobs().list(layout::SNAPSHOTS)?;
        let mut infos = Vec::new();
        for path in names.iter().filter_map(|blob| layout::parse_manifest(&blob.name)) {
            if !filter.takes_path(&path) {
                continue;
            }
            let has = |name: String| names.binary_search_by(|blob| blob.name.cmp(&name)).is_ok();
            let (protected, noted) = (has(layout::protected(&path)), has(layout::notes(&path)));
            match self.info(path, protected, noted) {
                Ok(info) if filter.takes_job(&info) => infos.push(info),
                // Removed since the listing.
                Ok(_) | Err(StoreError::Snapshot { exists: false, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        infos.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(infos)
    }

    /// One snapshot.
    pub fn snapshot(&self, path: &SnapshotPath) -> Result<SnapshotInfo> {
        let has = |name: String| Ok::<_, StoreError>(self.blobs().size(&name)?.is_some());
        self.info(
            path.clone(),
            has(layout::protected(path))?,
            has(layout::notes(path))?,
        )
    }

    fn info(&self, path: SnapshotPath, protected: bool, noted: bool) -> Result<SnapshotInfo> {
        let bytes = self.manifest_bytes(&path)?;
        let (manifest, trusted) = match Manifest::read(&path, &bytes, &self.trusted_keys()) {
            Ok(read) => (Some(read.manifest), read.trusted),
            Err(_) => (None, false),
        };
        let notes = match noted {
            true => self.notes(&path)?,
            false => None,
        };
        Ok(SnapshotInfo {
            path,
            manifest,
            trusted,
            protected,
            notes,
        })
    }

    fn notes(&self, path: &SnapshotPath) -> Result<Option<String>> {
        match self.blobs().get(&layout::notes(path)) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind == BlobErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn manifest_bytes(&self, path: &SnapshotPath) -> Result<Vec<u8>> {
        self.blobs()
            .get(&layout::manifest(path))
            .map_err(|error| match error.kind {
                BlobErrorKind::NotFound => StoreError::Snapshot {
                    path: path.to_string(),
                    exists: false,
                },
                _ => error.into(),
            })
    }

    /// Sets or lifts the protection of a snapshot.
    pub fn set_protected(&self, path: &SnapshotPath, protected: bool) -> Result<()> {
        self.manifest_bytes(path)?;
        let name = layout::protected(path);
        match protected {
            true => self.blobs().replace(&name, b"")?,
            false => self.blobs().delete(&name)?,
        }
        Ok(())
    }

    /// Sets the notes of a snapshot; empty removes them.
    pub fn set_notes(&self, path: &SnapshotPath, notes: &str) -> Result<()> {
        self.manifest_bytes(path)?;
        let name = layout::notes(path);
        match notes.is_empty() {
            false => self.blobs().replace(&name, notes.as_bytes())?,
            true => self.blobs().delete(&name)?,
        }
        Ok(())
    }

    /// Removes a snapshot, even one whose manifest is damaged; its chunks stay until they are collected.
    /// Refused while it is protected. One that is gone already is fine.
    pub fn forget(&self, path: &SnapshotPath) -> Result<()> {
        if self.blobs().size(&layout::protected(path))?.is_some() {
            return Err(StoreError::Busy(format!("snapshot {path} is protected")));
        }
        // The manifest first: without it the rest means nothing.
        self.blobs().delete(&layout::manifest(path))?;
        self.blobs().delete(&layout::notes(path))?;
        Ok(())
    }
}
