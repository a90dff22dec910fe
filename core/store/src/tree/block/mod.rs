//! Blocks: runs of entries with the table of the chunks they refer to. Paths share their beginning with the
//! entry before. Blocks are cut by path, so that a change touches few of them.
//!
//! Here is what both directions must agree on; writing is left to `builder`, reading to `parser`.

mod builder;
mod parser;

use super::Entry;

pub(crate) use builder::BlockBuilder;
pub(super) use parser::{check_content, parse};

const MAGIC: &[u8; 4] = b"ICT1";

const FOLDER: u8 = 1;
const FILE: u8 = 2;
const SYMLINK: u8 = 3;
const FIFO: u8 = 4;
const SOCKET: u8 = 5;
const CHAR_DEVICE: u8 = 6;
const BLOCK_DEVICE: u8 = 7;
const HARD_LINK: u8 = 8;
const CONTENT: u8 = 9;

/// An entry as a block has it: a file of very many pieces comes in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) entry: Entry,
    /// This only adds content to the file before it.
    pub(crate) continues: bool,
    /// Another part follows.
    pub(crate) more: bool,
}

#[cfg(test)]
mod tests {
    use super::builder::MAX;
    use super::*;
    use crate::id::ChunkId;
    use crate::tree::{Attributes, Content, FileTime, Node, Piece, compare};
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
