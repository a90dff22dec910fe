//! The tree of a snapshot: a stream of entries sorted by path, cut into blocks that are chunks.

mod block;
mod reader;

use std::cmp::Ordering;

use crate::id::ChunkId;

pub(crate) use block::BlockBuilder;
pub(crate) use reader::TreeReader;

/// A time of a file: seconds since 1970 and nanoseconds within the second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FileTime {
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
}

/// Names and values.
pub(crate) type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

/// Everything about an entry but its path and content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// Permission bits, with set-uid, set-gid and sticky: the lower twelve bits.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) modified: FileTime,
    /// Change time and inode tell whether a file is the same as last time; they are not restored. An inode of
    /// 0 means: never take this for unchanged.
    pub(crate) changed: FileTime,
    pub(crate) inode: u64,
    /// Extended attributes, POSIX ACLs among them, sorted by name.
    pub(crate) xattrs: Xattrs,
}

/// A run of bytes within a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) chunk: ChunkId,
    pub(crate) offset: u32,
    pub(crate) len: u32,
}

/// The content of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// Bytes, holes counted.
    pub(crate) size: u64,
    /// Offset and length of each hole, in order.
    pub(crate) holes: Vec<(u64, u64)>,
    /// Everything else, in order.
    pub(crate) pieces: Vec<Piece>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Folder,
    File(Content),
    Symlink(Vec<u8>),
    Fifo,
    Socket,
    CharDevice(u32, u32),
    BlockDevice(u32, u32),
    /// Another name for the file of an earlier entry, whose path this is.
    HardLink(Vec<u8>),
}

/// An entry of a tree. The root has the empty path; others have parts joined by `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: Vec<u8>,
    pub(crate) node: Node,
    pub(crate) attributes: Attributes,
}

/// The order of a tree: a folder, then everything in it, then what comes after it. That is the order of the
/// bytes if `/` were the smallest of all.
pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let key = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
    a.iter().map(key).cmp(b.iter().map(key))
}

/// For people: a path that need not be UTF-8.
pub(crate) fn show(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// Whether a path can only lead to below the root.
pub(crate) fn is_safe(path: &[u8]) -> bool {
    path.is_empty()
        || path
            .split(|byte| *byte == b'/')
            .all(|part| !part.is_empty() && part != b"." && part != b".." && !part.contains(&0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_comes_right_before_what_is_in_it() {
        let mut paths: Vec<&[u8]> = vec![b"a-b", b"a", b"a/z", b"", b"a/b/c", b"a/b", b"b", b"a.txt"];
        paths.sort_by(|a, b| compare(a, b));
        let wanted: Vec<&[u8]> = vec![b"", b"a", b"a/b", b"a/b/c", b"a/z", b"a-b", b"a.txt", b"b"];
        assert_eq!(paths, wanted);
        assert!(is_safe(b"a/b") && is_safe(b""));
        for bad in [&b"../a"[..], b"a/../b", b"/a", b"a//b", b"a/", b"a/.", b"a\0"] {
            assert!(!is_safe(bad));
        }
    }
}
