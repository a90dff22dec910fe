//! Writes blocks and decides where one ends. The marks of the format are the parent's.

use std::collections::HashMap;

use super::{BLOCK_DEVICE, CHAR_DEVICE, CONTENT, FIFO, FILE, FOLDER, HARD_LINK, MAGIC, SOCKET, SYMLINK};
use crate::id::{ChunkId, sha256};
use crate::tree::{Attributes, Entry, Node, Piece};
use crate::wire::{put_bytes, put_varint, put_zigzag};

/// A block has at least so many bytes, but for the last.
const MIN: usize = 64 << 10;
/// A block is cut once it has so many bytes; one entry may go beyond.
pub(super) const MAX: usize = 512 << 10;
/// A part of a file's content has at most so many holes and so many pieces; what is more follows in further
/// parts, so that no file is too large for a block.
const PART: usize = 8192;

/// Puts entries together to a block.
#[derive(Debug, Default)]
pub(crate) struct BlockBuilder {
    count: u64,
    table: Vec<ChunkId>,
    numbers: HashMap<ChunkId, u64>,
    entries: Vec<u8>,
    last: Vec<u8>,
}

impl BlockBuilder {
    /// Appends an entry; entries come in the order of the tree. Returns the blocks that this filled.
    pub(crate) fn push(&mut self, entry: &Entry) -> Vec<Vec<u8>> {
        let mut blocks = Vec::new();
        let Node::File(content) = &entry.node else {
            self.put_path(&entry.path);
            self.put_node(&entry.node);
            if !matches!(entry.node, Node::HardLink(_)) {
                put_attributes(&mut self.entries, &entry.attributes);
            }
            blocks.extend(self.cut(&entry.path));
            return blocks;
        };
        let (mut holes, mut pieces) = (content.holes.chunks(PART), content.pieces.chunks(PART));
        let (mut hole, mut piece) = (holes.next(), pieces.next());
        let mut first = true;
        loop {
            self.put_path(&entry.path);
            self.entries.push(if first { FILE } else { CONTENT });
            if first {
                put_varint(&mut self.entries, content.size);
            }
            self.put_content(hole.unwrap_or_default(), piece.unwrap_or_default());
            (hole, piece) = (holes.next(), pieces.next());
            let more = hole.is_some() || piece.is_some();
            self.entries.push(u8::from(more));
            if first {
                put_attributes(&mut self.entries, &entry.attributes);
            }
            blocks.extend(self.cut(&entry.path));
            first = false;
            if !more {
                return blocks;
            }
        }
    }

    fn put_path(&mut self, path: &[u8]) {
        let shared = self.last.iter().zip(path).take_while(|(a, b)| a == b).count();
        put_varint(&mut self.entries, shared as u64);
        put_bytes(&mut self.entries, &path[shared..]);
        self.last = path.to_vec();
        self.count += 1;
    }

    fn cut(&mut self, path: &[u8]) -> Option<Vec<u8>> {
        let size = self.entries.len() + self.table.len() * ChunkId::LEN;
        // One path in sixteen ends a block that is long enough.
        let ends = size >= MIN && sha256(path)[0] & 15 == 0;
        if ends || size >= MAX { self.finish() } else { None }
    }

    fn put_node(&mut self, node: &Node) {
        let (kind, target) = match node {
            Node::Folder => (FOLDER, None),
            Node::File(_) => return,
            Node::Symlink(target) => (SYMLINK, Some(target)),
            Node::Fifo => (FIFO, None),
            Node::Socket => (SOCKET, None),
            Node::CharDevice(..) => (CHAR_DEVICE, None),
            Node::BlockDevice(..) => (BLOCK_DEVICE, None),
            Node::HardLink(target) => (HARD_LINK, Some(target)),
        };
        self.entries.push(kind);
        if let Some(target) = target {
            put_bytes(&mut self.entries, target);
        }
        if let Node::CharDevice(major, minor) | Node::BlockDevice(major, minor) = node {
            put_varint(&mut self.entries, u64::from(*major));
            put_varint(&mut self.entries, u64::from(*minor));
        }
    }

    fn put_content(&mut self, holes: &[(u64, u64)], pieces: &[Piece]) {
        put_varint(&mut self.entries, holes.len() as u64);
        let mut end = 0;
        for (offset, len) in holes {
            put_varint(&mut self.entries, offset - end);
            put_varint(&mut self.entries, *len);
            end = offset + len;
        }
        put_varint(&mut self.entries, pieces.len() as u64);
        for piece in pieces {
            let table = &mut self.table;
            let number = *self.numbers.entry(piece.chunk).or_insert_with(|| {
                table.push(piece.chunk);
                table.len() as u64 - 1
            });
            put_varint(&mut self.entries, number);
            put_varint(&mut self.entries, u64::from(piece.offset));
            put_varint(&mut self.entries, u64::from(piece.len));
        }
    }

    /// The block of what there is; none when there is nothing.
    pub(crate) fn finish(&mut self) -> Option<Vec<u8>> {
        if self.count == 0 {
            return None;
        }
        let done = std::mem::take(self);
        let mut out = Vec::with_capacity(done.entries.len() + done.table.len() * ChunkId::LEN + 24);
        out.extend_from_slice(MAGIC);
        put_varint(&mut out, done.count);
        put_varint(&mut out, done.table.len() as u64);
        for id in &done.table {
            out.extend_from_slice(&id.0);
        }
        out.extend_from_slice(&done.entries);
        Some(out)
    }
}

fn put_attributes(out: &mut Vec<u8>, attributes: &Attributes) {
    put_varint(out, u64::from(attributes.mode));
    put_varint(out, u64::from(attributes.uid));
    put_varint(out, u64::from(attributes.gid));
    for time in [attributes.modified, attributes.changed] {
        put_zigzag(out, time.seconds);
        put_varint(out, u64::from(time.nanos));
    }
    put_varint(out, attributes.inode);
    put_varint(out, attributes.xattrs.len() as u64);
    for (name, value) in &attributes.xattrs {
        put_bytes(out, name);
        put_bytes(out, value);
    }
    // Room for what later versions know of: tagged values that readers may skip.
    put_varint(out, 0);
}
