//! Lists of chunk ids, cut by content into segments that are chunks themselves, so that snapshots that are
//! alike share most of their lists. They are readable without any key: marking, verification and sync need
//! nothing else of a snapshot.

use crate::chunk::{ChunkKind, Encoder};
use crate::error::{Result, StoreError};
use crate::id::ChunkId;
use crate::writer::ChunkWriter;

const MAGIC: &[u8; 4] = b"ICL1";
const HEADER: usize = 8;
/// A segment has at least so many ids, but for the last of a list.
const MIN: usize = 64;
/// An id whose last byte is this ends a segment that is long enough: one in 256.
const ENDING: u8 = 0;
/// No segment has more ids.
const MAX: usize = 4096;

/// What the chunks of a list hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListKind {
    /// Content of files, each id once, in the order of first use.
    Data,
    /// Blocks of the tree, in the order of the tree.
    Blocks,
}

impl ListKind {
    fn to_byte(self) -> u8 {
        match self {
            Self::Data => 1,
            Self::Blocks => 2,
        }
    }
}

/// Writes a list, segment by segment.
pub(crate) struct ListWriter {
    kind: ListKind,
    ids: Vec<ChunkId>,
    segments: Vec<ChunkId>,
    count: u64,
}

impl ListWriter {
    pub(crate) fn new(kind: ListKind) -> Self {
        Self {
            kind,
            ids: Vec::new(),
            segments: Vec::new(),
            count: 0,
        }
    }

    pub(crate) fn push(&mut self, id: ChunkId, out: &ChunkWriter, encoder: &mut Encoder) -> Result<()> {
        self.ids.push(id);
        self.count += 1;
        if self.ids.len() >= MAX || (self.ids.len() >= MIN && id.0[31] == ENDING) {
            self.cut(out, encoder)?;
        }
        Ok(())
    }

    fn cut(&mut self, out: &ChunkWriter, encoder: &mut Encoder) -> Result<()> {
        let mut plain = Vec::with_capacity(HEADER + self.ids.len() * ChunkId::LEN);
        plain.extend_from_slice(MAGIC);
        plain.extend_from_slice(&[self.kind.to_byte(), 0, 0, 0]);
        for id in self.ids.drain(..) {
            plain.extend_from_slice(&id.0);
        }
        let id = ChunkId::of(&plain);
        out.add(encoder, id, ChunkKind::List, &plain)?;
        self.segments.push(id);
        Ok(())
    }

    /// The ids of the segments, and how many ids the list has.
    pub(crate) fn finish(mut self, out: &ChunkWriter, encoder: &mut Encoder) -> Result<(Vec<ChunkId>, u64)> {
        if !self.ids.is_empty() {
            self.cut(out, encoder)?;
        }
        Ok((self.segments, self.count))
    }
}

/// The ids in a segment.
pub(crate) fn parse(id: ChunkId, kind: ListKind, plain: &[u8]) -> Result<Vec<ChunkId>> {
    let ids = plain
        .strip_prefix(MAGIC)
        .and_then(|rest| rest.strip_prefix(&[kind.to_byte(), 0, 0, 0]))
        .map(|ids| ids.as_chunks::<32>());
    match ids {
        Some((ids, [])) => Ok(ids.iter().map(|id| ChunkId(*id)).collect()),
        _ => Err(StoreError::corrupt(id, "it is no list of chunks")),
    }
}
