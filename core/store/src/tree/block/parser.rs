//! Reads blocks and trusts nothing in them. Putting the parts of a file together is left to the tree's reader.

use std::cmp::Ordering;

use super::{
    BLOCK_DEVICE, CHAR_DEVICE, CONTENT, FIFO, FILE, FOLDER, HARD_LINK, MAGIC, Part, SOCKET, SYMLINK,
};
use crate::id::ChunkId;
use crate::tree::{Attributes, Content, Entry, FileTime, Node, Piece, compare, is_safe};
use crate::wire::{Reader, WireError};

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
