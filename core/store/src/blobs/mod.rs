//! The seam to wherever the datastore's files lie: a file system, memory, later object storage.
//!
//! Names are relative, parts joined by `/`. A blob appears whole or not at all, and once it has appeared it
//! survives a crash. Blobs are never changed in place; only the configuration and a few records are replaced.

mod fs;
mod mem;

use std::fmt;
use std::io;
use std::path::Path;

pub use fs::FsBlobs;
pub use mem::MemBlobs;

/// What kind of trouble, as far as callers decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobErrorKind {
    /// There is no such blob.
    NotFound,
    /// A new blob has the name of an old one.
    Exists,
    /// No space is left.
    Full,
    /// No inodes are left.
    Inodes,
    /// The place that holds the blobs is not there.
    Offline,
    /// Anything else.
    Io,
}

/// An operation on a blob failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {name}: {}", kind_text(*.kind, .source))]
pub struct BlobError {
    /// What was tried: `read`, `write`, `list`, `delete`.
    pub action: &'static str,
    /// Which blob, or which prefix.
    pub name: String,
    /// What kind of trouble.
    pub kind: BlobErrorKind,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

fn kind_text(kind: BlobErrorKind, source: &io::Error) -> String {
    match kind {
        BlobErrorKind::NotFound => "there is no such file in the datastore".to_owned(),
        BlobErrorKind::Exists => "it exists already".to_owned(),
        BlobErrorKind::Full => "no space left on the datastore".to_owned(),
        BlobErrorKind::Inodes => "no inodes left on the datastore".to_owned(),
        BlobErrorKind::Offline => "the datastore's folder is not there (not mounted?)".to_owned(),
        BlobErrorKind::Io => source.to_string(),
    }
}

impl BlobError {
    /// Puts an error together.
    pub fn new(action: &'static str, name: &str, kind: BlobErrorKind, source: io::Error) -> Self {
        Self {
            action,
            name: name.to_owned(),
            kind,
            source,
        }
    }
}

/// A blob in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobMeta {
    /// Full name.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// Space where the blobs lie, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    /// In all, when there is a limit.
    pub total: Option<u64>,
    /// Still to be had, when there is a limit.
    pub available: Option<u64>,
}

/// A blob being written. Dropped without [`commit`](Self::commit), it never existed.
pub trait BlobWriter: Send {
    /// Appends bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError>;

    /// Makes the blob durable, then visible under its name. Fails with `Exists` when the name is taken.
    fn commit(self: Box<Self>) -> Result<(), BlobError>;
}

/// Where blobs lie.
pub trait Blobs: Send + Sync + fmt::Debug {
    /// Begins a new blob.
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, BlobError>;

    /// Writes a whole new blob; fails with `Exists` when the name is taken.
    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<(), BlobError> {
        let mut writer = self.create(name)?;
        writer.write(bytes)?;
        writer.commit()
    }

    /// Writes a blob, in place of an older one if there is one: readers see the old bytes or the new ones.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), BlobError>;

    /// The whole blob.
    fn get(&self, name: &str) -> Result<Vec<u8>, BlobError>;

    /// `len` bytes from `offset`; fails with `Io` (`UnexpectedEof`) when the blob is shorter.
    fn get_range(&self, name: &str, offset: u64, len: usize) -> Result<Vec<u8>, BlobError>;

    /// Everything whose name begins with `prefix` (a folder, ending in `/`), sorted by name.
    fn list(&self, prefix: &str) -> Result<Vec<BlobMeta>, BlobError>;

    /// Bytes of a blob; none when there is no such blob.
    fn size(&self, name: &str) -> Result<Option<u64>, BlobError>;

    /// Removes a blob; one that is not there is fine.
    fn delete(&self, name: &str) -> Result<(), BlobError>;

    /// How much space there is.
    fn space(&self) -> Result<Space, BlobError>;

    /// Removes what writers that are gone left unfinished, and nothing of those that still write. Returns how many.
    fn remove_unfinished(&self) -> Result<u64, BlobError>;

    /// The folder on this machine that holds the blobs, if there is one; a backup leaves it out.
    fn local_root(&self) -> Option<&Path> {
        None
    }
}
