//! What becomes of each thing that the walk finds: an entry that is ready, or one that waits for jobs. Who does
//! the jobs, and when, is left to the parent.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::sync::Arc;

use ironcore_types::ErrorCode;

use super::Coordinator;
use crate::backup::assemble::{Pending, Waits};
use crate::backup::content::{Job, check_is_file};
use crate::backup::source;
use crate::backup::walk::Found;
use crate::chunker::ChunkerConfig;
use crate::error::Result;
use crate::tree::{Attributes, Content, Entry, Node, Xattrs};

/// A bundle has at most so many files.
const BUNDLE_FILES: usize = 1024;

impl Coordinator<'_> {
    pub(super) fn found(&mut self, found: Found) -> Result<()> {
        let Found { path, meta, folder } = found;
        if let Some(attributes) = folder {
            return self.ready(path, Node::Folder, attributes, false);
        }
        if meta.nlink() > 1 {
            let key = (meta.dev(), meta.ino());
            if let Some(first) = self.links.get(&key) {
                let node = Node::HardLink(first.clone());
                return self.ready(path, node, Attributes::default(), false);
            }
            self.links.insert(key, path.clone());
        }
        if meta.is_file() {
            return self.file(path, &meta);
        }
        let kind = meta.file_type();
        let (major, minor) = (rustix::fs::major(meta.rdev()), rustix::fs::minor(meta.rdev()));
        let node = if kind.is_symlink() {
            match self.shared.source.read_link(&path) {
                Ok(target) => Node::Symlink(target),
                Err(error) => return self.left_out(&path, &error),
            }
        } else if kind.is_fifo() {
            Node::Fifo
        } else if kind.is_socket() {
            Node::Socket
        } else if kind.is_char_device() {
            Node::CharDevice(major, minor)
        } else if kind.is_block_device() {
            Node::BlockDevice(major, minor)
        } else {
            let message = "neither file, folder, link, fifo, socket nor device";
            self.walk.warn(&path, ErrorCode::PathSkipped, message);
            return Ok(());
        };
        let mut attributes = source::attributes(&meta);
        match self.shared.source.xattrs_of_path(&path) {
            Ok(xattrs) => attributes.xattrs = xattrs,
            Err(error) => return self.left_out(&path, &error),
        }
        self.ready(path, node, attributes, false)
    }

    fn left_out(&mut self, path: &[u8], error: &io::Error) -> Result<()> {
        let (code, message) = source::describe(error);
        self.walk.warn(path, code, &message);
        // Further names of it, if any, stand for themselves.
        self.links.retain(|_, first| first != path);
        Ok(())
    }

    fn ready(&mut self, path: Vec<u8>, node: Node, attributes: Attributes, unchanged: bool) -> Result<()> {
        let entry = Entry {
            path,
            node,
            attributes,
        };
        self.assembler.push(Pending {
            entry,
            waits: Waits::Nothing,
            unchanged,
        })
    }

    fn file(&mut self, path: Vec<u8>, meta: &Metadata) -> Result<()> {
        let attributes = source::attributes(meta);
        if let Some((content, xattrs)) = self.unchanged(&path, meta, &attributes) {
            self.taken_over += meta.len();
            return self.ready(
                path,
                Node::File(content),
                Attributes { xattrs, ..attributes },
                true,
            );
        }
        if meta.len() > self.config.bundle_file {
            return self.large_file(path);
        }
        let ends = ChunkerConfig::ends_bundle(&path);
        let entry = Entry {
            path: path.clone(),
            node: Node::File(Content::default()),
            attributes,
        };
        self.bundle.push((self.assembler.next_number(), path));
        self.bundle_bytes += meta.len();
        self.assembler.push(Pending {
            entry,
            waits: Waits::Bundle,
            unchanged: false,
        })?;
        if self.bundle_bytes >= self.config.bundle_max
            || self.bundle.len() >= BUNDLE_FILES
            || (ends && self.bundle_bytes >= self.config.bundle_min)
        {
            self.end_bundle()?;
        }
        Ok(())
    }

    /// Content and extended attributes of the previous snapshot's file, when it is surely the same and all of
    /// its chunks can be relied on.
    fn unchanged(&mut self, path: &[u8], meta: &Metadata, now: &Attributes) -> Option<(Content, Xattrs)> {
        let found = match self.previous.as_mut()?.find(path) {
            Ok(found) => found?,
            Err(error) => {
                self.previous = None;
                let message =
                    format!("the previous snapshot cannot be read on, so files are read anew: {error}");
                self.walk.warn(path, ErrorCode::DedupPartial, &message);
                return None;
            }
        };
        let (Node::File(content), before) = (found.node, found.attributes) else {
            return None;
        };
        let same = before.inode == now.inode
            && before.inode != 0
            && before.modified == now.modified
            && before.changed == now.changed
            && content.size == meta.len();
        let mut last = None;
        let known = same
            && content.pieces.iter().all(|piece| {
                let same_chunk = last.replace(piece.chunk) == Some(piece.chunk);
                same_chunk || self.shared.writer.has(&piece.chunk)
            });
        known.then_some((content, before.xattrs))
    }

    fn large_file(&mut self, path: Vec<u8>) -> Result<()> {
        let open = || {
            let file = self.shared.source.open(&path, false)?;
            let meta = file.metadata()?;
            check_is_file(&meta)?;
            let xattrs = source::xattrs(&file)?;
            Ok((file, meta, xattrs))
        };
        let (file, before, xattrs) = match open() {
            Ok(opened) => opened,
            Err(error) => {
                // It keeps its place, so that further names of it are left out as well.
                let entry = Entry {
                    path: path.clone(),
                    node: Node::Fifo,
                    attributes: Attributes::default(),
                };
                let (code, message) = source::describe(&error);
                self.walk.warn(&path, code, &message);
                return self.assembler.push(Pending {
                    entry,
                    waits: Waits::Dropped,
                    unchanged: false,
                });
            }
        };
        let extents = source::extents(&file, &before);
        let parts = split(&extents.data, self.config.segment);
        let file = Arc::new(file);
        let entry = Entry {
            path,
            node: Node::File(Content {
                size: before.len(),
                holes: extents.holes,
                pieces: Vec::new(),
            }),
            attributes: Attributes {
                xattrs,
                ..source::attributes(&before)
            },
        };
        let waits = match parts.len() {
            0 => Waits::Nothing,
            missing => Waits::Segments {
                parts: (0..missing).map(|_| None).collect(),
                missing,
                file: Arc::clone(&file),
                before: Box::new(before),
                whole: true,
            },
        };
        let number = self.assembler.next_number();
        self.assembler.push(Pending {
            entry,
            waits,
            unchanged: false,
        })?;
        for (part, extents) in parts.into_iter().enumerate() {
            self.send(Job::Segment {
                entry: number,
                part,
                file: Arc::clone(&file),
                extents,
            })?;
        }
        Ok(())
    }
}

/// Cuts runs of data into parts of `segment` bytes of data each, the last one shorter.
fn split(data: &[(u64, u64)], segment: u64) -> Vec<Vec<(u64, u64)>> {
    let mut parts = Vec::new();
    let (mut part, mut room) = (Vec::new(), segment);
    for (mut offset, mut len) in data.iter().copied() {
        while len > 0 {
            let take = len.min(room);
            part.push((offset, take));
            (offset, len, room) = (offset + take, len - take, room - take);
            if room == 0 {
                parts.push(std::mem::take(&mut part));
                room = segment;
            }
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_all_data_in_order() {
        assert_eq!(
            split(&[(0, 10), (20, 5)], 8),
            vec![vec![(0, 8)], vec![(8, 2), (20, 5)]]
        );
        assert_eq!(split(&[(0, 8), (20, 8)], 8), vec![vec![(0, 8)], vec![(20, 8)]]);
        assert!(split(&[], 8).is_empty());
    }
}
