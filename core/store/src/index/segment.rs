//! Index segments: immutable, sorted by chunk id, laid out in columns so that a search touches ids only.
//!
//! Header (48 bytes), packs (32 bytes each), ids (32 bytes each, sorted), places (32 bytes each), SHA-256 of
//! the stored bytes (32 bytes each), SHA-256 of all that.

use std::collections::HashMap;

use crate::chunk::{ChunkInfo, ChunkKind, PackKind};
use crate::id::{ChunkId, PackId, StoredHash, sha256};
use crate::pack::PackSummary;
use crate::wire::{Reader, WireError};

const MAGIC: &[u8; 8] = b"ICB-IDX1";
const HEADER: usize = 48;
const PACK: usize = 32;
const ID: usize = 32;
const PLACE: usize = 32;
const HASH: usize = 32;

/// A pack as a segment lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PackRow {
    pub(crate) id: PackId,
    pub(crate) kind: PackKind,
    pub(crate) size: u64,
}

/// One entry of the index: a chunk and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) info: ChunkInfo,
    pub(crate) pack: PackRow,
    pub(crate) offset: u32,
}

/// A segment in memory: its bytes, read in place.
#[derive(Debug)]
pub(crate) struct Segment {
    bytes: Vec<u8>,
    packs: Vec<PackRow>,
    len: usize,
}

/// The bytes of a segment over `locations`.
pub(crate) fn encode(mut locations: Vec<Location>) -> Vec<u8> {
    locations.sort_by_key(|entry| (entry.info.id, entry.pack.id, entry.offset));
    locations.dedup_by(|a, b| (a.info.id, a.pack.id, a.offset) == (b.info.id, b.pack.id, b.offset));
    let mut packs: Vec<PackRow> = locations.iter().map(|location| location.pack).collect();
    packs.sort_by_key(|pack| pack.id);
    packs.dedup_by_key(|pack| pack.id);
    let numbers: HashMap<PackId, u32> = packs.iter().zip(0u32..).map(|(pack, n)| (pack.id, n)).collect();
    let size = HEADER + packs.len() * PACK + locations.len() * (ID + PLACE + HASH) + 32;
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&(locations.len() as u64).to_le_bytes());
    out.extend_from_slice(&(packs.len() as u64).to_le_bytes());
    out.resize(HEADER, 0);
    for pack in &packs {
        out.extend_from_slice(&pack.id.0);
        out.extend_from_slice(&pack.size.to_le_bytes());
        out.extend_from_slice(&[pack.kind.to_byte(), 0, 0, 0, 0, 0, 0, 0]);
    }
    for location in &locations {
        out.extend_from_slice(&location.info.id.0);
    }
    for location in &locations {
        let number = numbers.get(&location.pack.id).copied().unwrap_or(u32::MAX);
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&location.offset.to_le_bytes());
        out.extend_from_slice(&location.info.stored_len.to_le_bytes());
        out.extend_from_slice(&location.info.plain_len.to_le_bytes());
        out.extend_from_slice(&[
            location.info.kind.to_byte(),
            location.info.flags,
            0,
            0,
            0,
            0,
            0,
            0,
        ]);
        out.extend_from_slice(&location.info.key.to_le_bytes());
    }
    for location in &locations {
        out.extend_from_slice(&location.info.stored_hash.0);
    }
    let hash = sha256(&out);
    out.extend_from_slice(&hash);
    out
}

/// The index entries of a pack.
pub(crate) fn locations(summary: &PackSummary) -> impl Iterator<Item = Location> + '_ {
    let pack = PackRow {
        id: summary.id,
        kind: summary.kind,
        size: summary.size,
    };
    summary.entries.iter().map(move |entry| Location {
        info: entry.info,
        pack,
        offset: entry.offset,
    })
}

impl Segment {
    /// Checks everything about a segment, so that reading it later cannot fail.
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self, WireError> {
        let body_len = bytes.len().checked_sub(32).ok_or(WireError("too short"))?;
        if sha256(&bytes[..body_len]) != bytes[body_len..] {
            return Err(WireError("does not match its SHA-256"));
        }
        let mut reader = Reader::new(&bytes[..body_len]);
        if &reader.array::<8>()? != MAGIC {
            return Err(WireError("is no index segment"));
        }
        let (count, pack_count) = (reader.u64()?, reader.u64()?);
        reader.take(HEADER - 24)?;
        let fits = |n: u64, each: usize| {
            usize::try_from(n)
                .ok()
                .filter(|n| n.checked_mul(each).is_some_and(|bytes| bytes <= body_len))
        };
        let len = fits(count, ID + PLACE + HASH).ok_or(WireError("count too large"))?;
        let pack_count = fits(pack_count, PACK).ok_or(WireError("count too large"))?;
        let mut packs = Vec::with_capacity(pack_count);
        for _ in 0..pack_count {
            let (id, size) = (PackId(reader.array()?), reader.u64()?);
            let [kind, ..] = reader.array::<8>()?;
            let kind = PackKind::from_byte(kind).ok_or(WireError("pack kind not known"))?;
            packs.push(PackRow { id, kind, size });
        }
        if reader.left() != len * (ID + PLACE + HASH) {
            return Err(WireError("length does not fit its counts"));
        }
        let segment = Self { bytes, packs, len };
        for at in 0..len {
            if at > 0 && segment.id(at - 1) > segment.id(at) {
                return Err(WireError("is not sorted"));
            }
            segment.read(at)?;
        }
        Ok(segment)
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn packs(&self) -> &[PackRow] {
        &self.packs
    }

    fn column(&self, skipped: usize, at: usize) -> &[u8; 32] {
        let from = HEADER + self.packs.len() * PACK + 32 * (skipped * self.len + at);
        match self.bytes[from..].first_chunk() {
            Some(row) => row,
            None => &[0; 32],
        }
    }

    pub(crate) fn id(&self, at: usize) -> &[u8; 32] {
        self.column(0, at)
    }

    fn read(&self, at: usize) -> Result<Location, WireError> {
        let mut reader = Reader::new(self.column(1, at));
        let pack = *self
            .packs
            .get(reader.u32()? as usize)
            .ok_or(WireError("pack number too large"))?;
        let (offset, stored_len, plain_len) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let [kind, flags, ..] = reader.array::<8>()?;
        let kind = ChunkKind::from_byte(kind).ok_or(WireError("chunk kind not known"))?;
        let key = reader.u64()?;
        let (id, stored_hash) = (ChunkId(*self.id(at)), StoredHash(*self.column(2, at)));
        let info = ChunkInfo {
            id,
            stored_hash,
            kind,
            flags,
            key,
            plain_len,
            stored_len,
        };
        Ok(Location { info, pack, offset })
    }

    /// The entry at a position below [`len`](Self::len).
    pub(crate) fn location(&self, at: usize) -> Option<Location> {
        if at < self.len { self.read(at).ok() } else { None }
    }

    /// Positions of the entries of a chunk.
    pub(crate) fn find(&self, id: &ChunkId) -> std::ops::Range<usize> {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.id(middle) < &id.0 {
                low = middle + 1
            } else {
                high = middle
            }
        }
        let mut end = low;
        while end < self.len && self.id(end) == &id.0 {
            end += 1;
        }
        low..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(n: u8, pack: u8) -> Location {
        let info = ChunkInfo {
            id: ChunkId::of(&[n]),
            stored_hash: StoredHash([n; 32]),
            kind: ChunkKind::Data,
            flags: 1,
            key: 0,
            plain_len: 5,
            stored_len: 4,
        };
        Location {
            info,
            pack: PackRow {
                id: PackId([pack; 16]),
                kind: PackKind::Data,
                size: 99,
            },
            offset: u32::from(n),
        }
    }

    #[test]
    fn every_entry_is_found_and_damage_is_seen() {
        let all: Vec<Location> = (0..100)
            .map(|n| location(n, n % 3))
            .chain([location(5, 9)])
            .collect();
        let bytes = encode(all.clone());
        let segment = Segment::parse(bytes.clone()).expect("parse");
        assert_eq!((segment.len(), segment.packs().len()), (101, 4));
        for wanted in &all {
            let found: Vec<_> = segment
                .find(&wanted.info.id)
                .filter_map(|at| segment.location(at))
                .collect();
            assert!(found.contains(wanted));
        }
        assert!(segment.find(&ChunkId::of(b"none")).is_empty());
        for at in (0..bytes.len()).step_by(7) {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(Segment::parse(bad).is_err());
        }
        assert!(Segment::parse(bytes[..bytes.len() - 1].to_vec()).is_err());
        assert_eq!(Segment::parse(encode(Vec::new())).expect("empty").len(), 0);
    }
}
