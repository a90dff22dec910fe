//! What two hubs say to each other: version 1, under `/api/v1/peer/{datastore}/`.
//!
//! | request | body | answer |
//! | --- | --- | --- |
//! | `GET info` | – | [`Info`], JSON |
//! | `POST list` | [`Filter`], JSON | [`Snapshots`], JSON |
//! | `POST manifest` | [`ManifestRequest`], JSON | the exact bytes of the manifest |
//! | `POST chunks` | [`ChunksRequest`], JSON | chunks, in the binary form of [`encode_chunks`] |
//! | `POST size` | [`ChunksRequest`], JSON | [`Size`], JSON; hubs of before do not know this verb |
//!
//! An error is a [`Problem`] (RFC 9457). Changes are additive: fields unknown to the reader are passed over.

use ironcore_store::{
    ChunkId, ChunkInfo, ChunkKind, PeerInfo, PublicKey, SnapshotFilter, StoredChunk, StoredHash,
};
use ironcore_types::snapshot::{BackupGroup, Namespace, SnapshotPath};
use ironcore_types::{JobName, ProjectName};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The path of a remote's API that all requests begin with.
pub const PREFIX: &str = "/api/v1/peer";
/// The type of [`encode_chunks`].
pub const CHUNKS_TYPE: &str = "application/vnd.ironcore.chunks";
/// The type of a manifest.
pub const MANIFEST_TYPE: &str = "application/octet-stream";
/// The type of a [`Problem`].
pub const PROBLEM_TYPE: &str = "application/problem+json";
/// The type of everything else.
pub const JSON_TYPE: &str = "application/json";
/// No body of a request is longer, in bytes.
pub const MAX_REQUEST: usize = 1 << 20;
/// No answer is longer, in bytes: 16 MiB of chunks and one more of at most 32 MiB.
pub const MAX_ANSWER: usize = 64 << 20;
/// No request asks for more chunks.
pub const MAX_IDS: usize = 4096;

/// A request, without the datastore it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Who the peer is.
    Info,
    /// Which snapshots it has.
    List,
    /// One manifest.
    Manifest,
    /// Some chunks.
    Chunks,
    /// How much some chunks take.
    Size,
}

impl Verb {
    /// All of them, to be routed.
    pub const ALL: [Self; 5] = [Self::Info, Self::List, Self::Manifest, Self::Chunks, Self::Size];

    /// The last part of its path.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::List => "list",
            Self::Manifest => "manifest",
            Self::Chunks => "chunks",
            Self::Size => "size",
        }
    }

    /// `GET` or `POST`.
    pub fn method(self) -> &'static str {
        match self {
            Self::Info => "GET",
            Self::List | Self::Manifest | Self::Chunks | Self::Size => "POST",
        }
    }

    /// From the last part of a path.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == name)
    }
}

/// What a peer says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Info {
    /// Its datastore's id.
    pub datastore: Uuid,
    /// Format of its datastore.
    pub format: u32,
    /// The keys that sign its manifests.
    pub keys: Vec<Key>,
}

/// A key and the datastore that it signs for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Key {
    /// Whose.
    pub datastore: Uuid,
    /// Ed25519, in hex.
    pub public_key: PublicKey,
}

impl From<PeerInfo> for Info {
    fn from(info: PeerInfo) -> Self {
        let keys = info.keys.into_iter().map(|(datastore, public_key)| Key {
            datastore,
            public_key,
        });
        Self {
            datastore: info.datastore,
            format: info.format,
            keys: keys.collect(),
        }
    }
}

impl From<Info> for PeerInfo {
    fn from(info: Info) -> Self {
        let keys = info.keys.into_iter().map(|key| (key.datastore, key.public_key));
        Self {
            datastore: info.datastore,
            format: info.format,
            keys: keys.collect(),
        }
    }
}

/// Which snapshots are asked for; parts that are missing or empty let everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Filter {
    /// Only this namespace.
    pub namespace: Option<Namespace>,
    /// Only these groups.
    pub groups: Vec<BackupGroup>,
    /// Only snapshots of this job.
    pub job: Option<JobOf>,
}

/// A job within its project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct JobOf {
    /// Whose.
    pub project: ProjectName,
    /// Its name.
    pub name: JobName,
}

impl From<&SnapshotFilter> for Filter {
    fn from(filter: &SnapshotFilter) -> Self {
        let job = filter.job.clone().map(|(project, name)| JobOf { project, name });
        Self {
            namespace: filter.namespace.clone(),
            groups: filter.groups.clone(),
            job,
        }
    }
}

impl From<Filter> for SnapshotFilter {
    fn from(filter: Filter) -> Self {
        let job = filter.job.map(|job| (job.project, job.name));
        Self {
            namespace: filter.namespace,
            groups: filter.groups,
            job,
        }
    }
}

/// The snapshots found, by group and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshots {
    /// Their paths.
    pub snapshots: Vec<SnapshotPath>,
}

/// Asks for a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRequest {
    /// Of which snapshot.
    pub snapshot: SnapshotPath,
}

/// Asks for chunks, or for how much they take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunksRequest {
    /// Which, in hex; at most [`MAX_IDS`]. The answer holds the first few of them, at least one.
    pub ids: Vec<ChunkId>,
}

/// How much chunks take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Stored bytes of all that were asked for; those that are not there count as none.
    pub bytes: u64,
}

/// An error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The status once more.
    pub status: u16,
    /// The stable code.
    pub code: String,
    /// In words.
    #[serde(default)]
    pub detail: String,
    /// The chunk that is not there or not whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<ChunkId>,
    /// The snapshot that is not there or not whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
}

const MAGIC: &[u8; 4] = b"ICP1";
const HEAD: usize = 32 + 32 + 1 + 1 + 8 + 4 + 4;

/// Chunks for the wire: `ICP1`, then for each its id (32 bytes), SHA-256 of the stored bytes (32), kind (1),
/// flags (1), key (8), plain length (4), stored length (4), all big-endian, and the stored bytes.
pub fn encode_chunks(chunks: &[StoredChunk]) -> Vec<u8> {
    let size: usize = chunks.iter().map(|chunk| HEAD + chunk.bytes.len()).sum();
    let mut bytes = Vec::with_capacity(MAGIC.len() + size);
    bytes.extend_from_slice(MAGIC);
    for StoredChunk { info, bytes: stored } in chunks {
        bytes.extend_from_slice(&info.id.0);
        bytes.extend_from_slice(&info.stored_hash.0);
        bytes.extend_from_slice(&[info.kind.to_byte(), info.flags]);
        bytes.extend_from_slice(&info.key.to_be_bytes());
        bytes.extend_from_slice(&info.plain_len.to_be_bytes());
        bytes.extend_from_slice(&info.stored_len.to_be_bytes());
        bytes.extend_from_slice(stored);
    }
    bytes
}

/// Reads what [`encode_chunks`] wrote; the error says what is wrong. The bytes themselves are not checked here.
pub fn decode_chunks(bytes: &[u8]) -> Result<Vec<StoredChunk>, &'static str> {
    let mut rest = bytes
        .strip_prefix(MAGIC)
        .ok_or("it does not begin as chunks do")?;
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        chunks.push(take_chunk(&mut rest).ok_or("it ends within a chunk, or names an unknown kind")?);
    }
    Ok(chunks)
}

fn take_chunk(rest: &mut &[u8]) -> Option<StoredChunk> {
    let id = ChunkId(take(rest)?);
    let stored_hash = StoredHash(take(rest)?);
    let [kind, flags] = take(rest)?;
    let kind = ChunkKind::from_byte(kind)?;
    let key = u64::from_be_bytes(take(rest)?);
    let plain_len = u32::from_be_bytes(take(rest)?);
    let stored_len = u32::from_be_bytes(take(rest)?);
    let (stored, after) = rest.split_at_checked(usize::try_from(stored_len).ok()?)?;
    *rest = after;
    let info = ChunkInfo {
        id,
        stored_hash,
        kind,
        flags,
        key,
        plain_len,
        stored_len,
    };
    Some(StoredChunk {
        info,
        bytes: stored.to_vec(),
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_travel_as_they_are_and_damage_is_noticed() {
        let chunk = |text: &str, kind| StoredChunk {
            info: ChunkInfo {
                id: ChunkId::of(text.as_bytes()),
                stored_hash: StoredHash::of(text.as_bytes()),
                kind,
                flags: 1,
                key: 7,
                plain_len: 99,
                stored_len: text.len() as u32,
            },
            bytes: text.into(),
        };
        let chunks = vec![
            chunk("one", ChunkKind::Data),
            chunk("", ChunkKind::Block),
            chunk("three", ChunkKind::List),
        ];
        let bytes = encode_chunks(&chunks);
        assert_eq!(decode_chunks(&bytes).expect("chunks"), chunks);
        assert_eq!(decode_chunks(&encode_chunks(&[])).expect("none"), []);
        for cut in [0, 3, 10, bytes.len() - 1] {
            assert!(decode_chunks(&bytes[..cut]).is_err(), "{cut}");
        }
        let mut odd = bytes.clone();
        odd[4 + 64] = 9;
        assert!(decode_chunks(&odd).is_err());
    }

    #[test]
    fn filters_and_infos_convert_both_ways() {
        let json = r#"{"groups":["ns/a/vm/1"],"job":{"project":"p","name":"j"},"later":"field"}"#;
        let filter: Filter = serde_json::from_str(json).expect("filter");
        let store = SnapshotFilter::from(filter.clone());
        assert_eq!(Filter::from(&store), filter);
        let info = PeerInfo {
            datastore: Uuid::nil(),
            format: 1,
            keys: vec![(Uuid::max(), PublicKey([3; 32]))],
        };
        assert_eq!(PeerInfo::from(Info::from(info.clone())), info);
    }
}
