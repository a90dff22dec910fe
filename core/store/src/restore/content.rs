//! Writes the content of one file: chunks, each decoded once while neighbours need it, and holes.

use std::collections::VecDeque;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use super::apply::Target;
use crate::chunk::Decoder;
use crate::datastore::Datastore;
use crate::error::{Result, StoreError};
use crate::id::ChunkId;
use crate::index::View;
use crate::tree::Content;

/// Decoded chunks that are kept, because small files share chunks.
const KEPT: usize = 4;

pub(crate) struct FileWorker<'a> {
    datastore: &'a Datastore,
    view: &'a View,
    decoder: Decoder,
    kept: VecDeque<(ChunkId, Arc<Vec<u8>>)>,
    bytes_read: u64,
}

impl<'a> FileWorker<'a> {
    pub(crate) fn new(datastore: &'a Datastore, view: &'a View) -> Result<Self> {
        Ok(Self {
            datastore,
            view,
            decoder: Decoder::new()?,
            kept: VecDeque::new(),
            bytes_read: 0,
        })
    }

    /// Plain bytes decoded since last asked.
    pub(crate) fn take_bytes_read(&mut self) -> u64 {
        std::mem::take(&mut self.bytes_read)
    }

    fn chunk(&mut self, id: &ChunkId) -> Result<Arc<Vec<u8>>> {
        if let Some((_, plain)) = self.kept.iter().find(|(kept, _)| kept == id) {
            return Ok(Arc::clone(plain));
        }
        let plain = Arc::new(self.datastore.read_chunk(self.view, &mut self.decoder, id)?);
        self.bytes_read += plain.len() as u64;
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((*id, Arc::clone(&plain)));
        Ok(plain)
    }

    /// Writes a file. `wrote` hears of each part's bytes once they are written, and ends it with an error.
    pub(crate) fn write(
        &mut self,
        target: &Target,
        path: &[u8],
        content: &Content,
        wrote: &dyn Fn(u64) -> Result<()>,
    ) -> Result<()> {
        let file = target.create_file(path)?;
        let fail = |error| target.error(path, "cannot be written", error);
        let mut holes = content.holes.iter().copied().peekable();
        let mut at = 0;
        for piece in &content.pieces {
            let plain = self.chunk(&piece.chunk)?;
            let end = piece.offset as usize + piece.len as usize;
            let outside = || StoreError::corrupt(piece.chunk, "a file refers to bytes beyond its end");
            let mut bytes = plain.get(piece.offset as usize..end).ok_or_else(outside)?;
            while !bytes.is_empty() {
                while let Some((_, len)) = holes.next_if(|(offset, _)| *offset == at) {
                    at += len;
                }
                let room = holes.peek().map_or(u64::MAX, |(offset, _)| offset - at);
                let (now, rest) =
                    bytes.split_at(bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
                file.write_all_at(now, at).map_err(fail)?;
                at += now.len() as u64;
                bytes = rest;
            }
            wrote(u64::from(piece.len))?;
        }
        if !content.holes.is_empty() {
            file.set_len(content.size).map_err(fail)?;
        }
        Ok(())
    }
}
