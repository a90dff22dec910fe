//! The deduplicating datastore: content-defined chunks in packs, an index, signed manifests; backup and restore
//! of trees, prune, garbage collection, verification and sync.
//!
//! Everything is synchronous; callers run it on threads that may block. It knows nothing of tasks, SQL, HTTP or
//! plugins: an operation talks to its caller through [`Watch`], to where files lie through [`Blobs`], to
//! another datastore through [`Peer`]. What lies on disk is described in `docs/format.md`.

mod backup;
mod blobs;
mod chunk;
mod chunker;
mod config;
mod datastore;
mod error;
mod gc;
mod glance;
mod id;
mod index;
mod layout;
mod list;
mod manifest;
mod pack;
mod prune;
mod quarantine;
mod reindex;
mod restore;
mod session;
mod sign;
mod snapshots;
mod sync;
mod tree;
mod usage;
mod verify;
mod watch;
mod wire;
mod writer;

pub use backup::{BackupOutcome, BackupRequest};
pub use blobs::{BlobError, BlobErrorKind, BlobMeta, BlobWriter, Blobs, FsBlobs, MemBlobs, Space};
pub use chunk::{ChunkInfo, ChunkKind, FLAG_ENCRYPTED, FLAG_ZSTD, PackKind, StoredChunk};
pub use chunker::{Chunker, ChunkerConfig};
pub use config::{Compression, Config, FORMAT};
pub use datastore::{Datastore, OpenOptions};
pub use error::{ChunkFault, ManifestFault, OpenFault, Result, StoreError};
pub use gc::{GcOutcome, GcRequest};
pub use id::{ChunkId, InvalidId, PackId, PublicKey, SignerId, StoredHash};
pub use manifest::{ListInfo, Manifest, SourceInfo};
pub use prune::{PruneEntry, PrunePlan, PruneRequest};
pub use restore::RestoreRequest;
pub use session::SESSION_TTL;
pub use sign::SigningKey;
pub use snapshots::{SnapshotFilter, SnapshotInfo};
pub use sync::{Peer, PeerInfo, SyncRequest};
pub use usage::Usage;
pub use verify::VerifyRequest;
pub use watch::{NoWatch, Watch};
