//! Blocks: runs of entries with the table of the chunks they refer to. Paths share their beginning with the
//! entry before. Blocks are cut by path, so that a change touches few of them.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::{Attributes, Content, Entry, FileTime, Node, Piece, compare, is_safe};
use crate::id::{ChunkId, sha256};
use crate::wire::{Reader, WireError, put_bytes, put_varint, put_zigzag};

const MAGIC: &[u8; 4] = b"ICT1";
/// A block has at least so many bytes, but for the last.
const MIN: usize = 64 << 10;
/// A block is cut once it has so many bytes; one entry may go beyond.
const MAX: usize = 512 << 10;

const FOLDER: u8 = 1;
const FILE: u8 = 2;
const SYMLINK: u8 = 3;
const FIFO: u8 = 4;
const SOCKET: u8 = 5;
const CHAR_DEVICE: u8 = 6;
const BLOCK_DEVICE: u8 = 7;
const HARD_LINK: u8 = 8;
const CONTENT: u8 = 9;
/// A part of a file's content has at most so many holes and so many pieces; what is more follows in further
/// parts, so that no file is too large for a block.
const PART: usize = 8192;

/// An entry as a block has it: a file of very many pieces comes in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) entry: Entry,
    /// This only adds content to the file before it.
    pub(crate) continues: bool,
    /// Another part follows.
    pub(crate) more: bool,
}

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

/// The entries of a block.
pub(crate) fn parse(plain: &[u8]) -> Result<Vec<Part>, WireError> {
    let mut reader = Reader::new(plain);
    if &reader.array::<4>()? != MAGIC {
        return Err(WireError("is no block"));
    }
    let count = reader.count(4)?;
    let table_len = reader.count(ChunkId::LEN)?;
    let table: Vec<ChunkId> = (0..table_len)
        .map(|_| Ok(ChunkId(reader.array()?)))
        .collect::<Result<_, WireError>>()?;
    let mut parts: Vec<Part> = Vec::with_capacity(count);
    for at in 0..count {
        let last = at
            .checked_sub(1)
            .map_or(&[][..], |before| &parts[before].entry.path);
        let shared = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        let mut path = last
            .get(..shared)
            .ok_or(WireError("path shares too much"))?
            .to_vec();
        path.extend_from_slice(reader.bytes()?);
        if !is_safe(&path) {
            return Err(WireError("path leads out of the tree"));
        }
        let kind = reader.u8()?;
        let continues = kind == CONTENT;
        if at > 0
            && compare(last, &path)
                != (if continues {
                    Ordering::Equal
                } else {
                    Ordering::Less
                })
        {
            return Err(WireError("entries are not in order"));
        }
        let (node, more) = match kind {
            FILE | CONTENT => {
                let size = if continues { 0 } else { reader.varint()? };
                let content = take_content(&mut reader, size, &table)?;
                (Node::File(content), reader.u8()? != 0)
            }
            kind => (take_node(&mut reader, kind)?, false),
        };
        let attributes = match node {
            Node::HardLink(_) => Attributes::default(),
            _ if continues => Attributes::default(),
            _ => take_attributes(&mut reader)?,
        };
        parts.push(Part {
            entry: Entry {
                path,
                node,
                attributes,
            },
            continues,
            more,
        });
    }
    reader.end()?;
    Ok(parts)
}

fn take_node(reader: &mut Reader<'_>, kind: u8) -> Result<Node, WireError> {
    Ok(match kind {
        FOLDER => Node::Folder,
        SYMLINK => Node::Symlink(reader.bytes()?.to_vec()),
        FIFO => Node::Fifo,
        SOCKET => Node::Socket,
        CHAR_DEVICE => Node::CharDevice(reader.u32_varint()?, reader.u32_varint()?),
        BLOCK_DEVICE => Node::BlockDevice(reader.u32_varint()?, reader.u32_varint()?),
        HARD_LINK => {
            let target = reader.bytes()?.to_vec();
            if target.is_empty() || !is_safe(&target) {
                return Err(WireError("link leads out of the tree"));
            }
            Node::HardLink(target)
        }
        _ => return Err(WireError("entry kind not known")),
    })
}

fn take_content(reader: &mut Reader<'_>, size: u64, table: &[ChunkId]) -> Result<Content, WireError> {
    let mut end = 0u64;
    let count = reader.count(2)?;
    let mut holes = Vec::with_capacity(count);
    for _ in 0..count {
        let (gap, len) = (reader.varint()?, reader.varint()?);
        let offset = end.checked_add(gap).ok_or(WireError("hole too far"))?;
        end = offset.checked_add(len).ok_or(WireError("hole too long"))?;
        holes.push((offset, len));
    }
    let count = reader.count(3)?;
    let mut pieces = Vec::with_capacity(count);
    for _ in 0..count {
        let number = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        let chunk = *table.get(number).ok_or(WireError("chunk number too large"))?;
        let (offset, len) = (reader.u32_varint()?, reader.u32_varint()?);
        pieces.push(Piece { chunk, offset, len });
    }
    Ok(Content { size, holes, pieces })
}

/// Whether the parts of a content make a whole: holes in order and within the file, and exactly as much data
/// as they leave room for.
pub(crate) fn check_content(content: &Content) -> Result<(), WireError> {
    let (mut end, mut data) = (0, content.size);
    for (offset, len) in &content.holes {
        let next = offset
            .checked_add(*len)
            .filter(|next| *offset >= end && *next <= content.size);
        end = next.ok_or(WireError("holes are not in order"))?;
        data -= len;
    }
    for piece in &content.pieces {
        data = data
            .checked_sub(u64::from(piece.len))
            .ok_or(WireError("more data than the file is long"))?;
    }
    if data == 0 {
        Ok(())
    } else {
        Err(WireError("less data than the file is long"))
    }
}

fn take_attributes(reader: &mut Reader<'_>) -> Result<Attributes, WireError> {
    let (mode, uid, gid) = (reader.u32_varint()?, reader.u32_varint()?, reader.u32_varint()?);
    let mut time = || {
        Ok(FileTime {
            seconds: reader.zigzag()?,
            nanos: reader.u32_varint()?,
        })
    };
    let (modified, changed) = (time()?, time()?);
    let inode = reader.varint()?;
    let count = reader.count(2)?;
    let mut xattrs = Vec::with_capacity(count);
    for _ in 0..count {
        xattrs.push((reader.bytes()?.to_vec(), reader.bytes()?.to_vec()));
    }
    for _ in 0..reader.count(2)? {
        let (_tag, _value) = (reader.varint()?, reader.bytes()?);
    }
    Ok(Attributes {
        mode,
        uid,
        gid,
        modified,
        changed,
        inode,
        xattrs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attributes() -> impl Strategy<Value = Attributes> {
        let time = || (any::<i64>(), 0..1_000_000_000u32);
        let xattr = prop::collection::vec(any::<u8>(), 1..8);
        let xattrs = prop::collection::vec((xattr.clone(), xattr), 0..3);
        (
            0..0o10000u32,
            any::<u32>(),
            any::<u32>(),
            time(),
            time(),
            any::<u64>(),
            xattrs,
        )
            .prop_map(|(mode, uid, gid, modified, changed, inode, xattrs)| Attributes {
                mode,
                uid,
                gid,
                modified: FileTime {
                    seconds: modified.0,
                    nanos: modified.1,
                },
                changed: FileTime {
                    seconds: changed.0,
                    nanos: changed.1,
                },
                inode,
                xattrs,
            })
    }

    fn content() -> impl Strategy<Value = Content> {
        prop::collection::vec((any::<bool>(), any::<u8>(), any::<u32>(), 1..u32::MAX), 0..6).prop_map(
            |runs| {
                let mut content = Content::default();
                for (hole, n, offset, len) in runs {
                    match hole {
                        true => content.holes.push((content.size, u64::from(len))),
                        false => content.pieces.push(Piece {
                            chunk: ChunkId::of(&[n % 4]),
                            offset,
                            len,
                        }),
                    }
                    content.size += u64::from(len);
                }
                content
            },
        )
    }

    fn node() -> impl Strategy<Value = Node> {
        prop_oneof![
            Just(Node::Folder),
            content().prop_map(Node::File),
            prop::collection::vec(1..255u8, 1..9).prop_map(Node::Symlink),
            Just(Node::Fifo),
            Just(Node::Socket),
            (any::<u32>(), any::<u32>()).prop_map(|(a, b)| Node::CharDevice(a, b)),
            (any::<u32>(), any::<u32>()).prop_map(|(a, b)| Node::BlockDevice(a, b)),
        ]
    }

    proptest! {
        #[test]
        fn entries_read_back(
            paths in prop::collection::btree_set("[ab\u{e4}]{1,3}(/[ab-]{1,3}){0,3}", 1..20),
            made in prop::collection::vec((node(), attributes()), 20),
        ) {
            let mut paths: Vec<Vec<u8>> = paths.into_iter().map(String::into_bytes).collect();
            paths.sort_by(|a, b| compare(a, b));
            let entries: Vec<Entry> = paths.into_iter().zip(made)
                .map(|(path, (node, attributes))| Entry { path, node, attributes }).collect();
            let mut builder = BlockBuilder::default();
            for entry in &entries {
                prop_assert!(builder.push(entry).is_empty());
            }
            let block = builder.finish().expect("block");
            let parts = parse(&block).expect("parse");
            prop_assert!(parts.iter().all(|part| !part.more && !part.continues));
            let read: Vec<Entry> = parts.into_iter().map(|part| part.entry).collect();
            for entry in &read {
                if let Node::File(content) = &entry.node {
                    prop_assert!(check_content(content).is_ok());
                }
            }
            prop_assert_eq!(read, entries);
            prop_assert!(parse(&block[..block.len() - 1]).is_err());
        }

        #[test]
        fn rubbish_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut block = MAGIC.to_vec();
            block.extend(bytes);
            let _entries = parse(&block);
        }
    }

    #[test]
    fn a_long_tree_is_cut_and_nothing_leads_out() {
        let mut builder = BlockBuilder::default();
        let mut blocks: Vec<Vec<u8>> = Vec::new();
        for n in 0..20_000u32 {
            let content = Content {
                size: 5,
                holes: vec![],
                pieces: vec![Piece {
                    chunk: ChunkId::of(&n.to_le_bytes()),
                    offset: 0,
                    len: 5,
                }],
            };
            let path = format!("f{n:08}").into_bytes();
            blocks.extend(builder.push(&Entry {
                path,
                node: Node::File(content),
                attributes: Attributes::default(),
            }));
        }
        blocks.extend(builder.finish());
        assert!(blocks.len() > 4);
        assert!(blocks.iter().all(|block| block.len() <= MAX + 1000));
        let mut bad = BlockBuilder::default();
        bad.push(&Entry {
            path: b"../x".to_vec(),
            node: Node::Folder,
            attributes: Attributes::default(),
        });
        assert!(parse(&bad.finish().expect("block")).is_err());
    }
}
