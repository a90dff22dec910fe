//! Writing an archive: what belongs into it is gathered, hashed, packed, made durable, and only then given its name.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ironcore_api::wire::HubArchive;
use ironcore_types::{HubId, Timestamp};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::manifest::{FORMAT, Hashed, KEYS, LEDGER, MANIFEST, Manifest, Member, SECRETS, TOKEN};
use super::{folder, rename, sync_folder};

/// What to write.
#[derive(Debug)]
pub(super) struct Order {
    /// Where the archives lie.
    pub(super) folder: PathBuf,
    /// The name of this one.
    pub(super) name: String,
    /// The hub's data folder.
    pub(super) data: PathBuf,
    /// The copy of its database, in the folder where the archive is made.
    pub(super) ledger: PathBuf,
    pub(super) hub: HubId,
    pub(super) made: Timestamp,
    /// Whether the keys belong into it.
    pub(super) keys: bool,
    /// How many archives stay.
    pub(super) keep: u32,
}

/// A file as it goes into the archive, but for the database, which may be large.
struct Small {
    path: String,
    content: Vec<u8>,
}

pub(super) fn write(order: &Order, stop: &CancellationToken) -> Result<HubArchive> {
    let small = gather(order)?;
    let (_, bytes, sha256) = hashed(&order.ledger, io::sink(), stop)?.end();
    let mut members = vec![Member {
        path: LEDGER.to_owned(),
        bytes,
        sha256,
    }];
    members.extend(small.iter().map(|file| Member {
        path: file.path.clone(),
        bytes: file.content.len().try_into().unwrap_or(u64::MAX),
        sha256: hex::encode(Sha256::digest(&file.content)),
    }));
    let manifest = Manifest {
        format: FORMAT,
        hub: order.hub,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made: order.made,
        keys: order.keys,
        files: members,
    };
    let unnamed = order.ledger.with_file_name(&order.name);
    let (file, bytes, sha256) = pack(order, &manifest, &small, &unnamed, stop)
        .with_context(|| format!("cannot write {}", unnamed.display()))?;
    file.sync_all()
        .with_context(|| format!("cannot write {} to disk", unnamed.display()))?;
    let path = order.folder.join(&order.name);
    rename(&unnamed, &path)?;
    sync_folder(&order.folder)?;
    Ok(HubArchive {
        path: path.display().to_string(),
        bytes,
        sha256,
        keys: order.keys,
        files: manifest.files.into_iter().map(|file| file.path).collect(),
        removed: folder::remove_old(&order.folder, order.keep)?,
    })
}

/// Reads the small files. What is written half has another name until it is whole, and is left out.
fn gather(order: &Order) -> Result<Vec<Small>> {
    let mut paths = Vec::new();
    if order.keys {
        paths.extend(below(&order.data, KEYS)?);
        paths.push(TOKEN.to_owned());
    }
    paths.extend(below(&order.data, SECRETS)?);
    let mut small = Vec::new();
    for path in paths {
        match std::fs::read(order.data.join(&path)) {
            Ok(content) => small.push(Small { path, content }),
            // A secret can be forgotten at any time.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {path}")),
        }
    }
    Ok(small)
}

fn below(data: &Path, folder: &str) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    let read = match std::fs::read_dir(data.join(folder)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(paths),
        read => read.with_context(|| format!("cannot read {folder}"))?,
    };
    for entry in read {
        let entry = entry?;
        let name = entry.file_name().into_string();
        let unfinished = |name: &str| name.ends_with(".new") || name.starts_with('.');
        if let Ok(name) = name
            && !unfinished(&name)
            && entry.file_type()?.is_file()
        {
            paths.push(format!("{folder}/{name}"));
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

fn hashed<W: Write>(path: &Path, to: W, stop: &CancellationToken) -> Result<Hashed<W>> {
    let mut hashed = Hashed::new(to);
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    io::copy(&mut Until { inner: file, stop }, &mut hashed)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hashed)
}

fn pack(
    order: &Order,
    manifest: &Manifest,
    small: &[Small],
    to: &Path,
    stop: &CancellationToken,
) -> Result<(File, u64, String)> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    let mut encoder = zstd::Encoder::new(Hashed::new(file), zstd::DEFAULT_COMPRESSION_LEVEL)?;
    encoder.include_checksum(true)?;
    let mut tar = tar::Builder::new(encoder);
    let text = serde_json::to_vec_pretty(manifest)?;
    append(&mut tar, order.made, MANIFEST, text.len(), text.as_slice())?;
    let ledger = File::open(&order.ledger)?;
    let length = usize::try_from(ledger.metadata()?.len())?;
    append(
        &mut tar,
        order.made,
        LEDGER,
        length,
        Until { inner: ledger, stop },
    )?;
    for file in small {
        let content = file.content.as_slice();
        append(&mut tar, order.made, &file.path, content.len(), content)?;
    }
    let mut hashed = tar.into_inner()?.finish()?;
    hashed.flush()?;
    Ok(hashed.end())
}

fn append(
    tar: &mut tar::Builder<impl Write>,
    made: Timestamp,
    path: &str,
    bytes: usize,
    content: impl Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o600);
    header.set_mtime(made.as_seconds().try_into().unwrap_or(0));
    header.set_size(bytes.try_into().unwrap_or(u64::MAX));
    tar.append_data(&mut header, path, content)
}

/// Reads until the hub is stopped.
struct Until<'a, R> {
    inner: R,
    stop: &'a CancellationToken,
}

impl<R: Read> Read for Until<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other("the hub was stopped meanwhile"));
        }
        self.inner.read(buffer)
    }
}
