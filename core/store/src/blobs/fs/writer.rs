//! A blob being written: an unfinished file until it is published, gone when it is dropped before. The folders
//! and the rename are left to `durable`.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::RenameFlags;

use super::Inner;
use crate::blobs::{BlobError, BlobWriter};

pub(super) struct FsWriter {
    inner: Arc<Inner>,
    name: String,
    path: PathBuf,
    file: File,
    done: bool,
}

impl FsWriter {
    pub(super) fn open(inner: &Arc<Inner>, name: &str) -> Result<Self, BlobError> {
        let (path, file) = inner
            .unfinished()
            .map_err(|error| inner.error("write", name, error))?;
        Ok(Self {
            inner: Arc::clone(inner),
            name: name.to_owned(),
            path,
            file,
            done: false,
        })
    }

    pub(super) fn finish(&mut self, flags: RenameFlags) -> Result<(), BlobError> {
        let to = self.inner.path(&self.name);
        let result = self
            .file
            .sync_data()
            .and_then(|()| self.inner.publish(&self.path, &to, flags));
        self.done = result.is_ok();
        result.map_err(|error| self.inner.error("write", &self.name, error))
    }
}

impl BlobWriter for FsWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.file
            .write_all(bytes)
            .map_err(|error| self.inner.error("write", &self.name, error))
    }

    fn commit(mut self: Box<Self>) -> Result<(), BlobError> {
        self.finish(RenameFlags::NOREPLACE)
    }
}

impl Drop for FsWriter {
    fn drop(&mut self) {
        if !self.done {
            // What cannot be removed now is removed by a later garbage collection.
            if let Err(error) = fs::remove_file(&self.path) {
                tracing::debug!(path = %self.path.display(), %error, "unfinished file left behind");
            }
        }
    }
}
