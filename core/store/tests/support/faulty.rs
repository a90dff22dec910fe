//! Blobs that fail after a number of changes: the change in whose midst the process died is torn, lost or done,
//! and everything after it fails.

#![allow(dead_code, reason = "each test uses a part of this")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ironcore_store::{BlobError, BlobErrorKind, BlobMeta, BlobWriter, Blobs, MemBlobs, Space};

/// What becomes of the change that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    /// Nothing of it is there.
    Lost,
    /// It is there, but the caller is told that it failed.
    Done,
}

#[derive(Debug, Clone)]
pub(crate) struct FaultyBlobs {
    inner: MemBlobs,
    left: Arc<AtomicI64>,
    last: Last,
}

impl FaultyBlobs {
    /// Fails after `changes` more changes.
    pub(crate) fn new(inner: MemBlobs, changes: i64, last: Last) -> Self {
        Self {
            inner,
            left: Arc::new(AtomicI64::new(changes)),
            last,
        }
    }

    /// How many changes could still be made.
    pub(crate) fn left(&self) -> i64 {
        self.left.load(Ordering::SeqCst)
    }

    fn change(&self, name: &str, make: impl FnOnce() -> Result<(), BlobError>) -> Result<(), BlobError> {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        if left > 0 {
            return make();
        }
        if left == 0 && self.last == Last::Done {
            make()?;
        }
        Err(BlobError::new(
            "write",
            name,
            BlobErrorKind::Io,
            io::Error::other("injected"),
        ))
    }
}

struct Writer {
    blobs: FaultyBlobs,
    name: String,
    bytes: Vec<u8>,
}

impl BlobWriter for Writer {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<(), BlobError> {
        self.blobs
            .change(&self.name, || self.blobs.inner.put_new(&self.name, &self.bytes))
    }
}

impl Blobs for FaultyBlobs {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, BlobError> {
        Ok(Box::new(Writer {
            blobs: self.clone(),
            name: name.to_owned(),
            bytes: Vec::new(),
        }))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), BlobError> {
        self.change(name, || self.inner.replace(name, bytes))
    }

    fn get(&self, name: &str) -> Result<Vec<u8>, BlobError> {
        self.inner.get(name)
    }

    fn get_range(&self, name: &str, offset: u64, len: usize) -> Result<Vec<u8>, BlobError> {
        self.inner.get_range(name, offset, len)
    }

    fn list(&self, prefix: &str) -> Result<Vec<BlobMeta>, BlobError> {
        self.inner.list(prefix)
    }

    fn size(&self, name: &str) -> Result<Option<u64>, BlobError> {
        self.inner.size(name)
    }

    fn delete(&self, name: &str) -> Result<(), BlobError> {
        self.change(name, || self.inner.delete(name))
    }

    fn space(&self) -> Result<Space, BlobError> {
        self.inner.space()
    }

    fn remove_unfinished(&self) -> Result<u64, BlobError> {
        self.inner.remove_unfinished()
    }
}
