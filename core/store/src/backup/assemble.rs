//! Puts the entries of a snapshot in order again: workers finish in any order, the tree is written in its own.

use std::collections::{HashSet, VecDeque};
use std::fs::{File, Metadata};
use std::io;
use std::sync::Arc;

use ironcore_types::ErrorCode;

use super::content::{Done, SmallFile};
use super::source;
use crate::chunk::{ChunkKind, Encoder};
use crate::error::Result;
use crate::id::ChunkId;
use crate::list::{ListKind, ListWriter};
use crate::manifest::ListInfo;
use crate::tree::{BlockBuilder, Entry, Node, Piece, show};
use crate::watch::{self, Watch};
use crate::writer::ChunkWriter;

/// An entry that waits for its content, or for its turn.
pub(crate) struct Pending {
    pub(crate) entry: Entry,
    pub(crate) waits: Waits,
    /// Taken over from the previous snapshot.
    pub(crate) unchanged: bool,
}

/// What an entry waits for.
pub(crate) enum Waits {
    Nothing,
    /// A worker's look at a small file.
    Bundle,
    /// Parts of a large file; none where one is still missing.
    Segments {
        parts: Vec<Option<Vec<Piece>>>,
        missing: usize,
        file: Arc<File>,
        before: Box<Metadata>,
        whole: bool,
    },
    /// It is left out.
    Dropped,
}

/// What the snapshot came to hold.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) entries: u64,
    pub(crate) unchanged: u64,
    pub(crate) bytes: u64,
    pub(crate) warnings: u64,
}

pub(crate) struct Assembler<'a> {
    writer: &'a ChunkWriter,
    watch: &'a dyn Watch,
    encoder: Encoder,
    queue: VecDeque<Pending>,
    /// Number of the entry at the front of the queue.
    first: u64,
    builder: BlockBuilder,
    data: ListWriter,
    blocks: ListWriter,
    seen: HashSet<ChunkId>,
    /// Files that were left out although further names of them may follow.
    dropped: HashSet<Vec<u8>>,
    pub(crate) totals: Totals,
}

impl<'a> Assembler<'a> {
    pub(crate) fn new(writer: &'a ChunkWriter, watch: &'a dyn Watch) -> Result<Self> {
        Ok(Self {
            writer,
            watch,
            encoder: writer.encoder()?,
            queue: VecDeque::new(),
            first: 0,
            builder: BlockBuilder::default(),
            data: ListWriter::new(ListKind::Data),
            blocks: ListWriter::new(ListKind::Blocks),
            seen: HashSet::new(),
            dropped: HashSet::new(),
            totals: Totals::default(),
        })
    }

    /// How many entries wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// The number that the next entry will have.
    pub(crate) fn next_number(&self) -> u64 {
        self.first + self.queue.len() as u64
    }

    pub(crate) fn push(&mut self, pending: Pending) -> Result<()> {
        self.queue.push_back(pending);
        self.write_ready()
    }

    fn find(&mut self, number: u64) -> Option<&mut Pending> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.queue.get_mut(at)
    }

    fn warn(&mut self, path: &[u8], code: ErrorCode, message: &str) {
        self.totals.warnings += 1;
        self.watch.warn(watch::warning(code, show(path), message));
    }

    /// Takes a worker's answer.
    pub(crate) fn done(&mut self, done: Done) -> Result<()> {
        match done {
            Done::Bundle(files) => files.into_iter().for_each(|file| self.small_file(file)),
            Done::Segment { entry, part, read } => self.segment(entry, part, read),
        }
        self.write_ready()
    }

    fn small_file(&mut self, file: SmallFile) {
        let Some(pending) = self.find(file.entry) else {
            return;
        };
        match file.read {
            Ok((attributes, content, changed)) => {
                pending.entry.attributes = attributes;
                pending.entry.node = Node::File(content);
                pending.waits = Waits::Nothing;
                if changed {
                    self.changed(file.entry);
                }
            }
            Err(error) => self.drop_entry(file.entry, &error),
        }
    }

    fn segment(&mut self, number: u64, part: usize, read: io::Result<(Vec<Piece>, bool)>) {
        let Some(pending) = self.find(number) else { return };
        let Waits::Segments {
            parts,
            missing,
            file,
            before,
            whole,
        } = &mut pending.waits
        else {
            return;
        };
        match read {
            Ok((pieces, all)) => {
                if let Some(slot) = parts.get_mut(part) {
                    *slot = Some(pieces);
                }
                *whole &= all;
                *missing -= 1;
                if *missing > 0 {
                    return;
                }
                let changed = !*whole || !file.metadata().is_ok_and(|after| source::is_same(before, &after));
                if let Node::File(content) = &mut pending.entry.node {
                    content.pieces = parts.drain(..).flatten().flatten().collect();
                }
                pending.waits = Waits::Nothing;
                if changed {
                    self.changed(number);
                }
            }
            Err(error) => self.drop_entry(number, &error),
        }
    }

    fn changed(&mut self, number: u64) {
        let Some(pending) = self.find(number) else { return };
        // Whatever its metadata will be next time, it is to be read again.
        pending.entry.attributes.inode = 0;
        let path = pending.entry.path.clone();
        self.warn(
            &path,
            ErrorCode::PathChanged,
            "changed while it was read; its content may mix two versions",
        );
    }

    fn drop_entry(&mut self, number: u64, error: &io::Error) {
        let Some(pending) = self.find(number) else { return };
        pending.waits = Waits::Dropped;
        let path = pending.entry.path.clone();
        let (code, message) = source::describe(error);
        self.warn(&path, code, &message);
    }

    fn write_ready(&mut self) -> Result<()> {
        while self
            .queue
            .front()
            .is_some_and(|pending| matches!(pending.waits, Waits::Nothing | Waits::Dropped))
        {
            let Some(pending) = self.queue.pop_front() else {
                break;
            };
            self.first += 1;
            self.write(pending)?;
        }
        Ok(())
    }

    fn write(&mut self, pending: Pending) -> Result<()> {
        let entry = pending.entry;
        if matches!(pending.waits, Waits::Dropped) {
            self.dropped.insert(entry.path);
            return Ok(());
        }
        match &entry.node {
            Node::HardLink(target) if self.dropped.contains(target) => {
                self.warn(
                    &entry.path,
                    ErrorCode::PathSkipped,
                    "another name of a file that was left out",
                );
                return Ok(());
            }
            Node::File(content) => {
                let mut last = None;
                for piece in &content.pieces {
                    self.totals.bytes += u64::from(piece.len);
                    if last != Some(piece.chunk) && self.seen.insert(piece.chunk) {
                        self.data.push(piece.chunk, self.writer, &mut self.encoder)?;
                    }
                    last = Some(piece.chunk);
                }
            }
            _ => {}
        }
        self.totals.entries += 1;
        self.totals.unchanged += u64::from(pending.unchanged);
        for block in self.builder.push(&entry) {
            self.block(&block)?;
        }
        Ok(())
    }

    fn block(&mut self, plain: &[u8]) -> Result<()> {
        let id = ChunkId::of(plain);
        self.writer.add(&mut self.encoder, id, ChunkKind::Block, plain)?;
        self.blocks.push(id, self.writer, &mut self.encoder)
    }

    /// Writes what is left; the lists of data and of blocks. Every entry must be ready.
    pub(crate) fn finish(mut self) -> Result<(ListInfo, ListInfo, Totals)> {
        if let Some(block) = self.builder.finish() {
            self.block(&block)?;
        }
        let list = |(segments, count)| ListInfo { count, segments };
        let data = list(self.data.finish(self.writer, &mut self.encoder)?);
        let blocks = list(self.blocks.finish(self.writer, &mut self.encoder)?);
        Ok((data, blocks, self.totals))
    }
}
