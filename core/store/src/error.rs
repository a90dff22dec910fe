//! What can go wrong in a datastore, by operation, and the stable code of each.

use std::io;

use ironcore_types::{ErrorCode, HubId};

use crate::blobs::{BlobError, BlobErrorKind};
use crate::id::ChunkId;

/// The result of an operation of this crate.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// An operation of the datastore failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Stored files could not be read or written.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A datastore could not be made or opened.
    #[error("datastore {path}: {fault}")]
    Open {
        /// Where it is.
        path: String,
        /// Why not.
        fault: OpenFault,
    },
    /// A chunk cannot be used.
    #[error("chunk {id} is {}: {reason}", fault.as_str())]
    Chunk {
        /// Which chunk.
        id: ChunkId,
        /// Corrupt or missing.
        fault: ChunkFault,
        /// In words.
        reason: String,
    },
    /// A manifest cannot be used.
    #[error("manifest of {snapshot}: {reason}")]
    Manifest {
        /// Which snapshot.
        snapshot: String,
        /// Unreadable or wrongly signed.
        fault: ManifestFault,
        /// In words.
        reason: String,
    },
    /// A snapshot is not there, or is there already.
    #[error("snapshot {path} {}", if *.exists { "exists already" } else { "does not exist" })]
    Snapshot {
        /// Which snapshot.
        path: String,
        /// Whether its existence is the trouble.
        exists: bool,
    },
    /// The source of a backup cannot be used at all.
    #[error("source {path}: {reason}")]
    Source {
        /// The tree.
        path: String,
        /// `source.unreachable` or `source.permission`.
        code: ErrorCode,
        /// In words.
        reason: String,
        /// What the system said.
        #[source]
        source: Option<io::Error>,
    },
    /// The target of a restore cannot be written.
    #[error("restore target {path}: {reason}")]
    Target {
        /// The file or folder.
        path: String,
        /// `restore.target` or `restore.target-exists`.
        code: ErrorCode,
        /// In words.
        reason: String,
        /// What the system said.
        #[source]
        source: Option<io::Error>,
    },
    /// The request makes no sense.
    #[error("{0}")]
    Request(String),
    /// Another operation is in the way.
    #[error("{0}")]
    Busy(String),
    /// The session of a writer was given up by a garbage collection, so it must not commit.
    #[error("session {0} was given up after a long silence; nothing was committed")]
    SessionLost(String),
    /// The other side of a sync failed.
    #[error("peer: {message}")]
    Peer {
        /// Such as `remote.unreachable`.
        code: ErrorCode,
        /// In words.
        message: String,
        /// What caused it.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The caller wanted the operation to end.
    #[error("cancelled")]
    Cancelled,
}

/// Why a datastore cannot be made or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// The folder for a new datastore holds something.
    #[error("the folder is not empty")]
    NotEmpty,
    /// There is no datastore.
    #[error("there is no datastore here")]
    NotFound,
    /// The system does not let it be made or read; in its words.
    #[error("its folder cannot be used: {0}")]
    Unusable(String),
    /// It belongs to another hub.
    #[error("it belongs to hub {0}; adopt it to take it over")]
    Foreign(HubId),
    /// It was written by a newer version, or its configuration cannot be read.
    #[error("{0}")]
    Format(String),
    /// Its public key is not the expected one.
    #[error("{0}")]
    Key(String),
}

/// What is wrong with a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkFault {
    /// The bytes do not match.
    Corrupt,
    /// The bytes are not there.
    Missing,
}

impl ChunkFault {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::Missing => "missing",
        }
    }

    /// `chunk.corrupt` or `chunk.missing`.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Corrupt => ErrorCode::ChunkCorrupt,
            Self::Missing => ErrorCode::ChunkMissing,
        }
    }
}

/// What is wrong with a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestFault {
    /// It cannot be read.
    Invalid,
    /// Its signature is not valid.
    Signature,
}

impl StoreError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Blob(error) => match error.kind {
                BlobErrorKind::Full => ErrorCode::DatastoreFull,
                BlobErrorKind::Inodes => ErrorCode::DatastoreInodes,
                BlobErrorKind::Offline => ErrorCode::DatastoreOffline,
                BlobErrorKind::Exists => ErrorCode::Conflict,
                BlobErrorKind::NotFound | BlobErrorKind::Io => ErrorCode::DatastoreIo,
            },
            Self::Open { fault, .. } => match fault {
                OpenFault::NotEmpty => ErrorCode::DatastoreNotEmpty,
                OpenFault::NotFound => ErrorCode::DatastoreNotFound,
                OpenFault::Unusable(_) => ErrorCode::DatastoreIo,
                OpenFault::Foreign(_) => ErrorCode::DatastoreForeign,
                OpenFault::Format(_) => ErrorCode::DatastoreFormat,
                OpenFault::Key(_) => ErrorCode::ManifestSignature,
            },
            Self::Chunk { fault, .. } => fault.code(),
            Self::Manifest {
                fault: ManifestFault::Invalid,
                ..
            } => ErrorCode::ManifestInvalid,
            Self::Manifest {
                fault: ManifestFault::Signature,
                ..
            } => ErrorCode::ManifestSignature,
            Self::Snapshot { exists: true, .. } => ErrorCode::SnapshotExists,
            Self::Snapshot { exists: false, .. } => ErrorCode::SnapshotNotFound,
            Self::Source { code, .. } | Self::Target { code, .. } | Self::Peer { code, .. } => *code,
            Self::Request(_) => ErrorCode::RequestInvalid,
            Self::Busy(_) => ErrorCode::Conflict,
            Self::SessionLost(_) => ErrorCode::WorkerLost,
            Self::Cancelled => ErrorCode::TaskCancelled,
        }
    }

    /// Whether stored or shipped data was found to be wrong (a sync then tells of an integrity error).
    pub fn is_integrity(&self) -> bool {
        matches!(self, Self::Chunk { .. } | Self::Manifest { .. })
    }

    pub(crate) fn corrupt(id: ChunkId, reason: impl Into<String>) -> Self {
        Self::Chunk {
            id,
            fault: ChunkFault::Corrupt,
            reason: reason.into(),
        }
    }

    pub(crate) fn missing(id: ChunkId, reason: impl Into<String>) -> Self {
        Self::Chunk {
            id,
            fault: ChunkFault::Missing,
            reason: reason.into(),
        }
    }

    pub(crate) fn manifest(snapshot: impl ToString, reason: impl Into<String>) -> Self {
        Self::Manifest {
            snapshot: snapshot.to_string(),
            fault: ManifestFault::Invalid,
            reason: reason.into(),
        }
    }

    pub(crate) fn target(
        path: impl Into<String>,
        reason: impl Into<String>,
        source: Option<io::Error>,
    ) -> Self {
        Self::Target {
            path: path.into(),
            code: ErrorCode::RestoreTarget,
            reason: reason.into(),
            source,
        }
    }
}
