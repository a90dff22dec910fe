//! One chunk as it is stored: kind, flags, compression. Nothing in stored bytes depends on where they lie, so
//! they can move between packs and between datastores as they are.

use zstd::bulk::{Compressor, Decompressor};

use crate::error::{Result, StoreError};
use crate::id::{ChunkId, StoredHash};

/// No chunk is larger, plain or stored; what an index says beyond it is damage.
pub(crate) const MAX_CHUNK: u32 = 32 << 20;

/// What a chunk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChunkKind {
    /// Content of files.
    Data,
    /// A block of entries of a tree.
    Block,
    /// A list of chunk ids. Never encrypted.
    List,
}

impl ChunkKind {
    /// The byte in packs and indexes.
    pub fn to_byte(self) -> u8 {
        match self {
            Self::Data => 1,
            Self::Block => 2,
            Self::List => 3,
        }
    }

    /// From that byte.
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Data, Self::Block, Self::List]
            .into_iter()
            .find(|kind| kind.to_byte() == byte)
    }

    /// Which packs hold such chunks.
    pub fn pack_kind(self) -> PackKind {
        match self {
            Self::Data => PackKind::Data,
            Self::Block | Self::List => PackKind::Meta,
        }
    }
}

/// What a pack holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PackKind {
    /// Content of files.
    Data,
    /// Blocks and lists, kept together because listing and marking read them all.
    Meta,
}

impl PackKind {
    /// The name of its folder.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Meta => "meta",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Data, Self::Meta]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }

    pub(crate) fn to_byte(self) -> u8 {
        match self {
            Self::Data => 1,
            Self::Meta => 2,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Data, Self::Meta]
            .into_iter()
            .find(|kind| kind.to_byte() == byte)
    }
}

/// The stored bytes are a Zstandard frame.
pub const FLAG_ZSTD: u8 = 1;
/// The stored bytes are encrypted (after compression). Not written by this version.
pub const FLAG_ENCRYPTED: u8 = 2;

/// What is known of a stored chunk without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkInfo {
    /// Fingerprint of the plain bytes.
    pub id: ChunkId,
    /// SHA-256 of the stored bytes.
    pub stored_hash: StoredHash,
    /// What it holds.
    pub kind: ChunkKind,
    /// [`FLAG_ZSTD`], [`FLAG_ENCRYPTED`].
    pub flags: u8,
    /// Which key encrypted it; 0 when none did.
    pub key: u64,
    /// Length of the plain bytes.
    pub plain_len: u32,
    /// Length of the stored bytes.
    pub stored_len: u32,
}

/// A chunk with its stored bytes, as it travels between datastores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChunk {
    /// What is known of it.
    pub info: ChunkInfo,
    /// The stored bytes.
    pub bytes: Vec<u8>,
}

impl StoredChunk {
    /// Checks the stored bytes against their length and SHA-256.
    pub fn check_stored(&self) -> Result<()> {
        check_stored(&self.info, &self.bytes)
    }
}

pub(crate) fn check_stored(info: &ChunkInfo, bytes: &[u8]) -> Result<()> {
    if bytes.len() != info.stored_len as usize {
        return Err(StoreError::corrupt(
            info.id,
            "the stored bytes have another length",
        ));
    }
    if StoredHash::of(bytes) != info.stored_hash {
        return Err(StoreError::corrupt(
            info.id,
            "the stored bytes do not match their SHA-256",
        ));
    }
    Ok(())
}

/// Compresses chunks; one for each worker.
pub(crate) struct Encoder {
    zstd: Compressor<'static>,
}

impl Encoder {
    pub(crate) fn new(level: i32) -> Result<Self> {
        let zstd = Compressor::new(level).map_err(|error| StoreError::Request(format!("zstd: {error}")))?;
        Ok(Self { zstd })
    }

    /// What to store for `plain`, whose fingerprint is `id`.
    pub(crate) fn encode(&mut self, id: ChunkId, kind: ChunkKind, plain: &[u8]) -> StoredChunk {
        // What does not shrink by a thirty-second is not worth the decompression; failure is no shrinking.
        let limit = plain.len() - plain.len() / 32;
        let packed = self
            .zstd
            .compress(plain)
            .ok()
            .filter(|packed| packed.len() < limit);
        let (flags, bytes) = match packed {
            Some(packed) => (FLAG_ZSTD, packed),
            None => (0, plain.to_vec()),
        };
        let info = ChunkInfo {
            id,
            stored_hash: StoredHash::of(&bytes),
            kind,
            flags,
            key: 0,
            plain_len: plain.len() as u32,
            stored_len: bytes.len() as u32,
        };
        StoredChunk { info, bytes }
    }
}

/// Decompresses and checks chunks; one for each worker.
pub(crate) struct Decoder {
    zstd: Decompressor<'static>,
}

impl Decoder {
    pub(crate) fn new() -> Result<Self> {
        let zstd = Decompressor::new().map_err(|error| StoreError::Request(format!("zstd: {error}")))?;
        Ok(Self { zstd })
    }

    /// The plain bytes, checked against the chunk's fingerprint.
    pub(crate) fn decode(&mut self, info: &ChunkInfo, stored: &[u8]) -> Result<Vec<u8>> {
        let corrupt = |reason: String| StoreError::corrupt(info.id, reason);
        if info.flags & !FLAG_ZSTD != 0 || info.key != 0 {
            return Err(corrupt(format!(
                "flags {:#x} are not known to this version",
                info.flags
            )));
        }
        if info.plain_len > MAX_CHUNK {
            return Err(corrupt(format!(
                "a length of {} bytes is impossible",
                info.plain_len
            )));
        }
        let plain = if info.flags & FLAG_ZSTD == 0 {
            stored.to_vec()
        } else {
            self.zstd
                .decompress(stored, info.plain_len as usize)
                .map_err(|error| corrupt(format!("it does not decompress: {error}")))?
        };
        if plain.len() != info.plain_len as usize || ChunkId::of(&plain) != info.id {
            return Err(corrupt(
                "the data does not match its SHA-256 fingerprint".to_owned(),
            ));
        }
        Ok(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_read_back_and_damage_is_seen() {
        let mut encoder = Encoder::new(1).expect("zstd");
        let mut decoder = Decoder::new().expect("zstd");
        for plain in [b"abcd".repeat(1000), crate::id::sha256(b"x").to_vec(), Vec::new()] {
            let mut chunk = encoder.encode(ChunkId::of(&plain), ChunkKind::Data, &plain);
            assert!(chunk.check_stored().is_ok());
            assert_eq!(decoder.decode(&chunk.info, &chunk.bytes).expect("decode"), plain);
            if let Some(byte) = chunk.bytes.last_mut() {
                *byte ^= 1;
                assert!(chunk.check_stored().is_err());
                assert!(decoder.decode(&chunk.info, &chunk.bytes).is_err());
            }
        }
    }
}
