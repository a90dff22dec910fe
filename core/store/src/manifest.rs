//! The manifest of a snapshot: who, when, what, and the lists of its chunks. Its appearance under its name is
//! the only commit point of a backup.

use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::{HubId, JobName, ProjectName, Timestamp, Upid, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{ManifestFault, Result, StoreError};
use crate::id::{ChunkId, PublicKey};
use crate::sign::{self, Sealed};

/// What a manifest says. Unknown keys are ignored, so that later versions can add some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Manifest {
    /// Version of the manifest; 1.
    pub format: u32,
    /// Which snapshot this is, whatever its file is called.
    pub snapshot: SnapshotPath,
    /// The datastore it was made in.
    pub datastore: Uuid,
    /// The hub that made it.
    pub hub: HubId,
    /// The user it was made for.
    pub user: UserId,
    /// The project of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// The job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobName>,
    /// The task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upid: Option<Upid>,
    /// When reading began.
    pub started: Timestamp,
    /// When everything was written.
    pub finished: Timestamp,
    /// What was read.
    pub source: SourceInfo,
    /// Content of files in bytes, holes and further hard links not counted.
    pub bytes: u64,
    /// Stored bytes that this snapshot added.
    pub bytes_added: u64,
    /// Entries of the tree.
    pub entries: u64,
    /// Issues that were warned of.
    pub warnings: u64,
    /// Chunks with content of files, each once.
    pub data: ListInfo,
    /// Blocks of the tree, in order.
    pub blocks: ListInfo,
}

/// Where a snapshot's content came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceInfo {
    /// The tree; bytes that are no UTF-8 are shown as U+FFFD.
    pub tree: String,
    /// What was left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// What was taken; everything when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
}

/// A list of chunks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ListInfo {
    /// Ids in it.
    pub count: u64,
    /// Its segments, themselves chunks, in order.
    pub segments: Vec<ChunkId>,
}

/// A manifest as it was read.
#[derive(Debug, Clone)]
pub(crate) struct ManifestRead {
    /// What it says.
    pub(crate) manifest: Manifest,
    /// Whether a trusted key signed it.
    pub(crate) trusted: bool,
}

impl Manifest {
    pub(crate) fn seal(&self, key: &sign::SigningKey) -> Result<Vec<u8>> {
        let body = serde_json::to_vec(self)
            .map_err(|error| StoreError::manifest(&self.snapshot, error.to_string()))?;
        Ok(key.seal(sign::MANIFEST, &body))
    }

    /// Reads a manifest that should be of `path`. The signature is judged by `keys`, and a bad one is told in
    /// `trusted` rather than as an error, because what is unsigned still says what must not be deleted.
    pub(crate) fn read(path: &SnapshotPath, bytes: &[u8], keys: &[PublicKey]) -> Result<ManifestRead> {
        let fail = |reason: String| StoreError::manifest(path, reason);
        let sealed = Sealed::parse(sign::MANIFEST, bytes).map_err(fail)?;
        let manifest: Self = serde_json::from_slice(sealed.body).map_err(|error| fail(error.to_string()))?;
        if manifest.format != 1 {
            return Err(fail(format!("format {} is not known", manifest.format)));
        }
        if &manifest.snapshot != path {
            return Err(fail(format!("it is the manifest of {}", manifest.snapshot)));
        }
        Ok(ManifestRead {
            manifest,
            trusted: keys.iter().any(|key| sealed.is_by(key)),
        })
    }

    /// Like [`read`](Self::read), but a bad signature is an error.
    pub(crate) fn read_trusted(path: &SnapshotPath, bytes: &[u8], keys: &[PublicKey]) -> Result<Self> {
        let read = Self::read(path, bytes, keys)?;
        if read.trusted {
            Ok(read.manifest)
        } else {
            Err(bad_signature(path))
        }
    }
}

pub(crate) fn bad_signature(path: &SnapshotPath) -> StoreError {
    StoreError::Manifest {
        snapshot: path.to_string(),
        fault: ManifestFault::Signature,
        reason: "its signature is not valid".to_owned(),
    }
}
