//! The workers of a backup: whole jobs of reading, cutting, hashing, looking up, compressing and packing.

use std::fs::{File, Metadata};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::source::{self, Source};
use crate::chunk::{ChunkKind, Encoder};
use crate::chunker::Chunker;
use crate::error::{Result, StoreError};
use crate::id::ChunkId;
use crate::tree::{Attributes, Content, Piece};
use crate::watch::Watch;
use crate::writer::ChunkWriter;

/// What was small when the folder was read is read up to so many bytes.
const LIMIT: u64 = 16 << 20;

/// What a worker is to do. Entries are named by their number in the tree.
pub(crate) enum Job {
    /// Small files, read as one stream.
    Bundle(Vec<(u64, Vec<u8>)>),
    /// A part of a large file: runs of its data.
    Segment {
        entry: u64,
        part: usize,
        file: Arc<File>,
        extents: Vec<(u64, u64)>,
    },
}

/// What became of a small file.
pub(crate) struct SmallFile {
    pub(crate) entry: u64,
    /// Its attributes and content, and whether it changed while it was read.
    pub(crate) read: io::Result<(Attributes, Content, bool)>,
}

/// What a worker answers.
pub(crate) enum Done {
    Bundle(Vec<SmallFile>),
    /// Pieces of the part, or why it could not be read, and whether there was less than there should be.
    Segment {
        entry: u64,
        part: usize,
        read: io::Result<(Vec<Piece>, bool)>,
    },
}

/// What all workers share.
pub(crate) struct Shared<'a> {
    pub(crate) source: &'a Source,
    pub(crate) writer: &'a ChunkWriter,
    pub(crate) chunker: &'a Chunker,
    pub(crate) watch: &'a dyn Watch,
    pub(crate) stop: AtomicBool,
    pub(crate) bytes_read: AtomicU64,
}

pub(crate) struct Worker<'a> {
    shared: &'a Shared<'a>,
    encoder: Encoder,
    buffer: Vec<u8>,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Result<Self> {
        Ok(Self {
            shared,
            encoder: shared.writer.encoder()?,
            buffer: Vec::new(),
        })
    }

    pub(crate) fn run(&mut self, job: Job) -> Result<Done> {
        match job {
            Job::Bundle(files) => self.bundle(files),
            Job::Segment {
                entry,
                part,
                file,
                extents,
            } => {
                let read = self.segment(&file, &extents)?;
                Ok(Done::Segment { entry, part, read })
            }
        }
    }

    fn check(&self) -> Result<()> {
        if self.shared.stop.load(Ordering::Relaxed) || self.shared.watch.cancelled() {
            return Err(StoreError::Cancelled);
        }
        self.shared.writer.session.renew()
    }

    /// Stores the chunk at the front of the buffer from `at`, and tells its id and length.
    fn chunk(&mut self, at: usize) -> Result<(ChunkId, usize)> {
        self.check()?;
        let rest = &self.buffer[at..];
        let len = self.shared.chunker.cut(rest);
        let plain = &rest[..len];
        let id = ChunkId::of(plain);
        self.shared
            .writer
            .add(&mut self.encoder, id, ChunkKind::Data, plain)?;
        Ok((id, len))
    }

    fn segment(&mut self, file: &File, extents: &[(u64, u64)]) -> Result<io::Result<(Vec<Piece>, bool)>> {
        let max = self.shared.chunker.max();
        let mut pieces = Vec::new();
        let (mut extents, mut whole) = (extents.iter().copied(), true);
        let mut extent = extents.next();
        self.buffer.clear();
        let mut start = 0;
        loop {
            // Fill until a whole chunk is sure to be there.
            if self.buffer.len() - start < max && extent.is_some() {
                self.buffer.drain(..start);
                start = 0;
                while let Some((offset, len)) = extent
                    && self.buffer.len() < 2 * max
                {
                    let (from, take) = (self.buffer.len(), len.min((2 * max - self.buffer.len()) as u64));
                    self.buffer.resize(from + take as usize, 0);
                    match source::read_at(file, &mut self.buffer[from..], offset) {
                        Ok(all) => whole &= all,
                        Err(error) => return Ok(Err(error)),
                    }
                    self.shared.bytes_read.fetch_add(take, Ordering::Relaxed);
                    extent = if take == len {
                        extents.next()
                    } else {
                        Some((offset + take, len - take))
                    };
                }
            }
            if start == self.buffer.len() {
                return Ok(Ok((pieces, whole)));
            }
            let (chunk, len) = self.chunk(start)?;
            pieces.push(Piece {
                chunk,
                offset: 0,
                len: len as u32,
            });
            start += len;
        }
    }

    fn bundle(&mut self, files: Vec<(u64, Vec<u8>)>) -> Result<Done> {
        self.buffer.clear();
        let mut done = Vec::with_capacity(files.len());
        let mut ranges = Vec::with_capacity(files.len());
        for (entry, path) in files {
            self.check()?;
            let from = self.buffer.len();
            let read = self.small_file(&path);
            if read.is_err() {
                self.buffer.truncate(from);
            }
            ranges.push(from..self.buffer.len());
            done.push(SmallFile { entry, read });
        }
        self.shared
            .bytes_read
            .fetch_add(self.buffer.len() as u64, Ordering::Relaxed);
        let mut chunks = Vec::new();
        let mut at = 0;
        while at < self.buffer.len() {
            let (id, len) = self.chunk(at)?;
            chunks.push((at..at + len, id));
            at += len;
        }
        for (file, range) in done.iter_mut().zip(ranges) {
            if let Ok((_, content, _)) = &mut file.read {
                let first = chunks.partition_point(|(chunk, _)| chunk.end <= range.start);
                for (chunk, id) in chunks[first..]
                    .iter()
                    .take_while(|(chunk, _)| chunk.start < range.end)
                {
                    let (from, to) = (chunk.start.max(range.start), chunk.end.min(range.end));
                    let (offset, len) = ((from - chunk.start) as u32, (to - from) as u32);
                    content.pieces.push(Piece {
                        chunk: *id,
                        offset,
                        len,
                    });
                }
            }
        }
        Ok(Done::Bundle(done))
    }

    /// Reads a small file to the end of the buffer; its content still lacks the pieces.
    fn small_file(&mut self, path: &[u8]) -> io::Result<(Attributes, Content, bool)> {
        let file = self.shared.source.open(path, false)?;
        let before = file.metadata()?;
        check_is_file(&before)?;
        let mut attributes = source::attributes(&before);
        attributes.xattrs = source::xattrs(&file)?;
        let mut extents = source::extents(&file, &before);
        // It may have grown since it was found to be small; the next backup takes all of it.
        let mut size = before.len();
        let mut whole = size <= LIMIT;
        if !whole {
            size = LIMIT;
            extents = source::Extents {
                data: vec![(0, LIMIT)],
                holes: Vec::new(),
            };
        }
        for (offset, len) in &extents.data {
            let from = self.buffer.len();
            self.buffer.resize(from + *len as usize, 0);
            whole &= source::read_at(&file, &mut self.buffer[from..], *offset)?;
        }
        let changed = !whole || !source::is_same(&before, &file.metadata()?);
        Ok((
            attributes,
            Content {
                size,
                holes: extents.holes,
                pieces: Vec::new(),
            },
            changed,
        ))
    }
}

/// What was a file when the folder was read may be something else when it is opened.
pub(crate) fn check_is_file(meta: &Metadata) -> io::Result<()> {
    if meta.is_file() {
        Ok(())
    } else {
        Err(io::Error::other("it is no longer a file"))
    }
}
