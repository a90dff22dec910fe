//! Reads the entries of a snapshot in order, one block in memory at a time.

use std::collections::VecDeque;

use super::block::{self, Part};
use super::{Entry, Node, compare};
use crate::chunk::Decoder;
use crate::datastore::Datastore;
use crate::error::{Result, StoreError};
use crate::id::ChunkId;
use crate::index::View;
use crate::list::{self, ListKind};
use crate::manifest::Manifest;

pub(crate) struct TreeReader<'a> {
    datastore: &'a Datastore,
    view: &'a View,
    decoder: Decoder,
    segments: VecDeque<ChunkId>,
    blocks: VecDeque<ChunkId>,
    parts: std::vec::IntoIter<Part>,
    /// The block that is being read.
    block: ChunkId,
    waiting: Option<Entry>,
    last: Option<Vec<u8>>,
}

impl<'a> TreeReader<'a> {
    pub(crate) fn new(datastore: &'a Datastore, view: &'a View, manifest: &Manifest) -> Result<Self> {
        Ok(Self {
            datastore,
            view,
            decoder: Decoder::new()?,
            segments: manifest.blocks.segments.iter().copied().collect(),
            blocks: VecDeque::new(),
            parts: Vec::new().into_iter(),
            block: ChunkId([0; 32]),
            waiting: None,
            last: None,
        })
    }

    /// The next entry; none at the end. After an error there is nothing more to be had.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>> {
        if let Some(entry) = self.waiting.take() {
            return Ok(Some(entry));
        }
        let Some(Part {
            mut entry,
            continues,
            mut more,
        }) = self.next_part()?
        else {
            return Ok(None);
        };
        let broken = |id, reason: &str| StoreError::corrupt(id, format!("block of entries: {reason}"));
        if continues {
            return Err(broken(self.block, "content without its file"));
        }
        while more {
            let part = self
                .next_part()?
                .filter(|part| part.continues && part.entry.path == entry.path);
            let Some(part) = part else {
                return Err(broken(self.block, "a file without all of its content"));
            };
            if let (Node::File(content), Node::File(next)) = (&mut entry.node, part.entry.node) {
                content.holes.extend(next.holes);
                content.pieces.extend(next.pieces);
            }
            more = part.more;
        }
        if let Node::File(content) = &entry.node {
            block::check_content(content).map_err(|error| broken(self.block, error.0))?;
        }
        Ok(Some(entry))
    }

    fn next_part(&mut self) -> Result<Option<Part>> {
        loop {
            if let Some(part) = self.parts.next() {
                return Ok(Some(part));
            }
            if let Some(id) = self.blocks.pop_front() {
                let plain = self.datastore.read_chunk(self.view, &mut self.decoder, &id)?;
                let bad = |reason: &str| StoreError::corrupt(id, format!("block of entries: {reason}"));
                let parts = block::parse(&plain).map_err(|error| bad(error.0))?;
                if let (Some(last), Some(first)) = (&self.last, parts.first()) {
                    let order = compare(last, &first.entry.path);
                    if order.is_gt() || (order.is_eq() && !first.continues) {
                        return Err(bad("it does not follow the one before"));
                    }
                }
                self.last = parts.last().map(|part| part.entry.path.clone());
                self.block = id;
                self.parts = parts.into_iter();
            } else if let Some(id) = self.segments.pop_front() {
                let plain = self.datastore.read_chunk(self.view, &mut self.decoder, &id)?;
                self.blocks = list::parse(id, ListKind::Blocks, &plain)?.into();
            } else {
                return Ok(None);
            }
        }
    }

    /// The entry of `path`, if there is one; paths must be asked for in the order of the tree.
    pub(crate) fn find(&mut self, path: &[u8]) -> Result<Option<Entry>> {
        while let Some(entry) = self.next()? {
            match compare(&entry.path, path) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(Some(entry)),
                std::cmp::Ordering::Greater => {
                    self.waiting = Some(entry);
                    break;
                }
            }
        }
        Ok(None)
    }
}
