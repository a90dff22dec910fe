//! Packs: many chunks in one blob, with a directory at the end so that a lost index can be made again.
//!
//! Header (32 bytes), stored bytes of the chunks back to back, directory (88 bytes a chunk), trailer (64 bytes).

use crate::blobs::{BlobWriter, Blobs};
use crate::chunk::{ChunkInfo, ChunkKind, PackKind, StoredChunk};
use crate::error::{Result, StoreError};
use crate::id::{ChunkId, PackId, StoredHash, sha256};
use crate::layout;
use crate::wire::{Reader, WireError};

/// A pack is finished once it has this many bytes.
pub(crate) const PACK_TARGET: u64 = 32 << 20;

const HEADER_MAGIC: &[u8; 8] = b"ICB-PAK1";
const TRAILER_MAGIC: &[u8; 8] = b"ICB-PKE1";
pub(crate) const HEADER: usize = 32;
const TRAILER: usize = 64;
pub(crate) const DIRECTORY_ENTRY: usize = 88;

/// A chunk and where in its pack it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PackEntry {
    pub(crate) info: ChunkInfo,
    pub(crate) offset: u32,
}

impl PackEntry {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.info.id.0);
        out.extend_from_slice(&self.info.stored_hash.0);
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.info.stored_len.to_le_bytes());
        out.extend_from_slice(&self.info.plain_len.to_le_bytes());
        out.extend_from_slice(&[self.info.kind.to_byte(), self.info.flags, 0, 0]);
        out.extend_from_slice(&self.info.key.to_le_bytes());
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let id = ChunkId(reader.array()?);
        let stored_hash = StoredHash(reader.array()?);
        let (offset, stored_len, plain_len) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let [kind, flags, _, _] = reader.array()?;
        let kind = ChunkKind::from_byte(kind).ok_or(WireError("chunk kind not known"))?;
        let key = reader.u64()?;
        Ok(Self {
            info: ChunkInfo {
                id,
                stored_hash,
                kind,
                flags,
                key,
                plain_len,
                stored_len,
            },
            offset,
        })
    }
}

/// A finished pack.
#[derive(Debug, Clone)]
pub(crate) struct PackSummary {
    pub(crate) id: PackId,
    pub(crate) kind: PackKind,
    /// Bytes of the whole blob.
    pub(crate) size: u64,
    pub(crate) entries: Vec<PackEntry>,
}

/// A pack being written; dropped unfinished, it never existed.
pub(crate) struct PackWriter {
    out: Box<dyn BlobWriter>,
    id: PackId,
    kind: PackKind,
    at: u64,
    entries: Vec<PackEntry>,
}

impl PackWriter {
    pub(crate) fn create(blobs: &dyn Blobs, kind: PackKind, id: PackId) -> Result<Self> {
        let mut out = blobs.create(&layout::pack(kind, id))?;
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(HEADER_MAGIC);
        header.extend_from_slice(&id.0);
        header.push(kind.to_byte());
        header.resize(HEADER, 0);
        out.write(&header)?;
        Ok(Self {
            out,
            id,
            kind,
            at: HEADER as u64,
            entries: Vec::new(),
        })
    }

    pub(crate) fn add(&mut self, chunk: &StoredChunk) -> Result<()> {
        let offset = u32::try_from(self.at).map_err(|_| StoreError::Request("pack too large".to_owned()))?;
        self.out.write(&chunk.bytes)?;
        self.entries.push(PackEntry {
            info: chunk.info,
            offset,
        });
        self.at += chunk.bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn is_full(&self) -> bool {
        self.at >= PACK_TARGET
    }

    pub(crate) fn finish(mut self) -> Result<PackSummary> {
        let mut tail = Vec::with_capacity(self.entries.len() * DIRECTORY_ENTRY + TRAILER);
        for entry in &self.entries {
            entry.put(&mut tail);
        }
        let hash = sha256(&tail);
        tail.extend_from_slice(&hash);
        tail.extend_from_slice(&self.at.to_le_bytes());
        tail.extend_from_slice(&(self.entries.len() as u32).to_le_bytes());
        tail.extend_from_slice(&[0; 12]);
        tail.extend_from_slice(TRAILER_MAGIC);
        self.out.write(&tail)?;
        self.out.commit()?;
        let size = self.at + tail.len() as u64;
        Ok(PackSummary {
            id: self.id,
            kind: self.kind,
            size,
            entries: self.entries,
        })
    }
}

/// Reads the directory of a pack: what an index would say of it.
pub(crate) fn read_directory(blobs: &dyn Blobs, kind: PackKind, id: PackId) -> Result<PackSummary, String> {
    let name = layout::pack(kind, id);
    let size = blobs
        .size(&name)
        .map_err(|e| e.to_string())?
        .ok_or("there is no such pack")?;
    let tail_at = size.checked_sub(TRAILER as u64).ok_or("too short")?;
    let trailer = blobs
        .get_range(&name, tail_at, TRAILER)
        .map_err(|e| e.to_string())?;
    let parse = || -> Result<([u8; 32], u64, u32), WireError> {
        let mut reader = Reader::new(&trailer);
        let (hash, at, count) = (reader.array()?, reader.u64()?, reader.u32()?);
        reader.take(12)?;
        if &reader.array::<8>()? != TRAILER_MAGIC {
            return Err(WireError("no pack trailer"));
        }
        Ok((hash, at, count))
    };
    let (hash, at, count) = parse().map_err(|e| e.to_string())?;
    let len = count as usize * DIRECTORY_ENTRY;
    if at.checked_add(len as u64) != Some(tail_at) {
        return Err("the trailer does not fit the pack's length".to_owned());
    }
    let directory = blobs.get_range(&name, at, len).map_err(|e| e.to_string())?;
    if sha256(&directory) != hash {
        return Err("the directory does not match its SHA-256".to_owned());
    }
    let mut reader = Reader::new(&directory);
    let entries: Result<Vec<_>, WireError> = (0..count).map(|_| PackEntry::take(&mut reader)).collect();
    Ok(PackSummary {
        id,
        kind,
        size,
        entries: entries.map_err(|e| e.to_string())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::MemBlobs;
    use crate::chunk::Encoder;

    #[test]
    fn a_pack_tells_what_it_holds() {
        let blobs = MemBlobs::new();
        let mut pack = PackWriter::create(&blobs, PackKind::Data, PackId([3; 16])).expect("create");
        let mut encoder = Encoder::new(1).expect("zstd");
        for n in 0..5u8 {
            let plain = vec![n; 1000];
            pack.add(&encoder.encode(ChunkId::of(&plain), ChunkKind::Data, &plain))
                .expect("add");
        }
        let summary = pack.finish().expect("finish");
        let name = layout::pack(PackKind::Data, PackId([3; 16]));
        assert_eq!(blobs.size(&name).expect("size"), Some(summary.size));
        let read = read_directory(&blobs, PackKind::Data, PackId([3; 16])).expect("directory");
        assert_eq!((read.entries, read.size), (summary.entries, summary.size));
        let mut bytes = blobs.get(&name).expect("get");
        let at = bytes.len() - 100;
        bytes[at] ^= 1;
        blobs.replace(&name, &bytes).expect("replace");
        assert!(read_directory(&blobs, PackKind::Data, PackId([3; 16])).is_err());
    }
}
