//! Walks a tree in the order in which a snapshot holds it. Folders that cannot be read are warned of and
//! kept as empty ones.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;

use ironcore_types::ErrorCode;

use super::filter::Filter;
use super::source::{self, Source};
use crate::tree::{Attributes, show};
use crate::watch::{self, Watch};

/// Something that was found.
pub(crate) struct Found {
    pub(crate) path: Vec<u8>,
    pub(crate) meta: Metadata,
    /// For folders, with extended attributes.
    pub(crate) folder: Option<Attributes>,
}

struct Frame {
    path: Vec<u8>,
    names: std::vec::IntoIter<Vec<u8>>,
}

pub(crate) struct Walk<'a> {
    source: &'a Source,
    filter: &'a Filter,
    watch: &'a dyn Watch,
    /// Device and inode of the datastore's own folder.
    own: Option<(u64, u64)>,
    stack: Vec<Frame>,
    started: bool,
    pub(crate) excluded: u64,
    pub(crate) warnings: u64,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        source: &'a Source,
        filter: &'a Filter,
        own: Option<(u64, u64)>,
        watch: &'a dyn Watch,
    ) -> Self {
        Self {
            source,
            filter,
            watch,
            own,
            stack: Vec::new(),
            started: false,
            excluded: 0,
            warnings: 0,
        }
    }

    pub(crate) fn warn(&mut self, path: &[u8], code: ErrorCode, message: &str) {
        self.warnings += 1;
        let path = if path.is_empty() {
            ".".to_owned()
        } else {
            show(path)
        };
        self.watch.warn(watch::warning(code, path, message));
    }

    fn warn_io(&mut self, path: &[u8], error: &io::Error) {
        let (code, message) = source::describe(error);
        self.warn(path, code, &message);
    }

    /// The next entry; none at the end. Only trouble with the root is an error.
    pub(crate) fn next(&mut self) -> io::Result<Option<Found>> {
        if !self.started {
            self.started = true;
            let meta = self.source.stat(b"")?;
            return self.folder(Vec::new(), meta).map(Some);
        }
        while let Some(frame) = self.stack.last_mut() {
            let Some(name) = frame.names.next() else {
                self.stack.pop();
                continue;
            };
            let path = match frame.path.is_empty() {
                true => name,
                false => [&frame.path[..], b"/", &name].concat(),
            };
            let meta = match self.source.stat(&path) {
                Ok(meta) => meta,
                Err(error) => {
                    if !self.filter.excludes(&path, false) {
                        self.warn_io(&path, &error);
                    }
                    continue;
                }
            };
            if self.filter.excludes(&path, meta.is_dir()) {
                self.excluded += 1;
                continue;
            }
            if meta.is_dir() {
                if self.own == Some((meta.dev(), meta.ino())) {
                    self.warn(
                        &path,
                        ErrorCode::PathSkipped,
                        "it is the folder of the datastore itself",
                    );
                    continue;
                }
                return self.folder(path, meta).map(Some);
            }
            if self.filter.includes(&path) {
                return Ok(Some(Found {
                    path,
                    meta,
                    folder: None,
                }));
            }
            self.excluded += 1;
        }
        Ok(None)
    }

    /// Enters a folder.
    fn folder(&mut self, path: Vec<u8>, meta: Metadata) -> io::Result<Found> {
        let mut attributes = source::attributes(&meta);
        let opened = self.source.open(&path, true);
        let read = opened.as_ref().map_err(copy).and_then(|folder| {
            // The names first: a folder whose attributes cannot be read still has its content.
            let names = self.source.names(folder)?;
            Ok((names, source::xattrs(folder)))
        });
        match read {
            Ok((names, xattrs)) => {
                self.stack.push(Frame {
                    path: path.clone(),
                    names: names.into_iter(),
                });
                match xattrs {
                    Ok(xattrs) => attributes.xattrs = xattrs,
                    Err(error) => self.warn_io(&path, &error),
                }
            }
            Err(error) if path.is_empty() => return Err(error),
            Err(error) => {
                self.warn_io(&path, &error);
                attributes.xattrs = self.source.xattrs_of_path(&path).unwrap_or_default();
            }
        }
        Ok(Found {
            path,
            meta,
            folder: Some(attributes),
        })
    }
}

fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => error.kind().into(),
    }
}
