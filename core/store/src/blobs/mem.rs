//! Blobs in memory, for tests and experiments.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{BlobError, BlobErrorKind, BlobMeta, BlobWriter, Blobs, Space};

type Map = BTreeMap<String, Arc<Vec<u8>>>;

/// Blobs in memory; clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemBlobs {
    map: Arc<Mutex<Map>>,
}

impl MemBlobs {
    /// None at first.
    pub fn new() -> Self {
        Self::default()
    }

    fn map(&self) -> MutexGuard<'_, Map> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, action: &'static str, name: &str) -> Result<Arc<Vec<u8>>, BlobError> {
        self.map().get(name).cloned().ok_or_else(|| {
            BlobError::new(
                action,
                name,
                BlobErrorKind::NotFound,
                io::ErrorKind::NotFound.into(),
            )
        })
    }
}

struct MemWriter {
    blobs: MemBlobs,
    name: String,
    bytes: Vec<u8>,
}

impl BlobWriter for MemWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<(), BlobError> {
        let mut map = self.blobs.map();
        if map.contains_key(&self.name) {
            let source = io::ErrorKind::AlreadyExists.into();
            return Err(BlobError::new("write", &self.name, BlobErrorKind::Exists, source));
        }
        map.insert(self.name, Arc::new(self.bytes));
        Ok(())
    }
}

impl Blobs for MemBlobs {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, BlobError> {
        Ok(Box::new(MemWriter {
            blobs: self.clone(),
            name: name.to_owned(),
            bytes: Vec::new(),
        }))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), BlobError> {
        self.map().insert(name.to_owned(), Arc::new(bytes.to_vec()));
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Vec<u8>, BlobError> {
        Ok(self.find("read", name)?.to_vec())
    }

    fn get_range(&self, name: &str, offset: u64, len: usize) -> Result<Vec<u8>, BlobError> {
        let blob = self.find("read", name)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let range = blob.get(start..start.saturating_add(len)).ok_or_else(|| {
            BlobError::new(
                "read",
                name,
                BlobErrorKind::Io,
                io::ErrorKind::UnexpectedEof.into(),
            )
        })?;
        Ok(range.to_vec())
    }

    fn list(&self, prefix: &str) -> Result<Vec<BlobMeta>, BlobError> {
        let map = self.map();
        let found = map
            .range(prefix.to_owned()..)
            .take_while(|(name, _)| name.starts_with(prefix));
        Ok(found
            .map(|(name, bytes)| BlobMeta {
                name: name.clone(),
                size: bytes.len() as u64,
            })
            .collect())
    }

    fn size(&self, name: &str) -> Result<Option<u64>, BlobError> {
        Ok(self.map().get(name).map(|bytes| bytes.len() as u64))
    }

    fn delete(&self, name: &str) -> Result<(), BlobError> {
        self.map().remove(name);
        Ok(())
    }

    fn space(&self) -> Result<Space, BlobError> {
        Ok(Space::default())
    }

    fn remove_unfinished(&self) -> Result<u64, BlobError> {
        Ok(0)
    }
}
