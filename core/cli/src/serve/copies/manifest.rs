//! What an archive of the hub holds: `manifest.json`, which comes first and names every other file with its size and
//! SHA-256, then those files.

use std::io::{self, Write};
use std::path::{Component, Path};

use ironcore_types::{HubId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The format that is written. One that is newer is not read.
pub(super) const FORMAT: u32 = 1;
/// The first file of an archive.
pub(super) const MANIFEST: &str = "manifest.json";
/// The hub's database.
pub(super) const LEDGER: &str = "ledger.sqlite";
/// The local administrator's token.
pub(super) const TOKEN: &str = "admin.token";
/// The folders whose files belong to a copy. Those of the first open what others hold.
pub(super) const KEYS: &str = "keys";
pub(super) const SECRETS: &str = "secrets";

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The format of the archive.
    pub(super) format: u32,
    /// Whose state it is.
    pub(super) hub: HubId,
    /// The version of the program that made it.
    pub(super) version: String,
    /// When it was made.
    pub(super) made: Timestamp,
    /// Whether the keys and the local administrator's token are in it.
    pub(super) keys: bool,
    /// Every other file.
    pub(super) files: Vec<Member>,
}

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Member {
    /// Its path in the data folder.
    pub(super) path: String,
    /// Its size.
    pub(super) bytes: u64,
    /// SHA-256 of it, in hexadecimal digits.
    pub(super) sha256: String,
}

/// Reads the format alone, which every version has.
#[derive(Debug, Deserialize)]
struct Head {
    format: u32,
}

impl Manifest {
    /// Reads and checks it; an error says in words why it cannot be used.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let unread = |error: serde_json::Error| format!("its {MANIFEST} cannot be read: {error}");
        let head: Head = serde_json::from_slice(bytes).map_err(unread)?;
        if head.format != FORMAT {
            return Err(format!(
                "it has format {}, and this version reads format {FORMAT}: use a newer version of ironcore-backup",
                head.format
            ));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(unread)?;
        let mut paths: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        if let Some(strange) = paths.iter().find(|path| !is_member(path)) {
            return Err(format!("{strange:?} is no file of a hub"));
        }
        if !paths.contains(&LEDGER) {
            return Err(format!("it holds no {LEDGER}"));
        }
        let count = paths.len();
        paths.sort_unstable();
        paths.dedup();
        if paths.len() != count {
            return Err("it names a file twice".to_owned());
        }
        Ok(manifest)
    }
}

/// Whether a path is that of a file which an archive may hold: nothing outside the data folder, and nothing else in it.
fn is_member(path: &str) -> bool {
    if path == LEDGER || path == TOKEN {
        return true;
    }
    let Some((folder, name)) = path.split_once('/') else {
        return false;
    };
    let mut parts = Path::new(name).components();
    let plain =
        matches!(parts.next(), Some(Component::Normal(part)) if part == name) && parts.next().is_none();
    [KEYS, SECRETS].contains(&folder) && plain
}

/// Passes bytes on and remembers their number and hash.
#[derive(Debug)]
pub(super) struct Hashed<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Hashed<W> {
    pub(super) fn new(inner: W) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            bytes: 0,
        }
    }

    /// What was written to, how much, and its SHA-256 in hexadecimal digits.
    pub(super) fn end(self) -> (W, u64, String) {
        (self.inner, self.bytes, hex::encode(self.hash.finalize()))
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.bytes += u64::try_from(count).unwrap_or(u64::MAX);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_a_hub_may_be_in_it() {
        for good in [
            "ledger.sqlite",
            "admin.token",
            "keys/signing.key",
            "secrets/a.sealed",
            "keys/..x",
        ] {
            assert!(is_member(good), "{good}");
        }
        for bad in [
            "",
            "keys",
            "keys/",
            "keys/.",
            "keys/..",
            "keys/../admin.token",
            "keys/a/b",
            "/etc/passwd",
            "../x",
            "plugins/x.wasm",
            "ledger.sqlite-wal",
        ] {
            assert!(!is_member(bad), "{bad}");
        }
    }

    #[test]
    fn a_newer_format_is_told_from_a_damaged_one() {
        let read = |text: &str| Manifest::read(text.as_bytes()).expect_err("refused");
        assert!(read(r#"{"format": 2, "new": true}"#).contains("newer version"));
        assert!(read(r#"{"format": 1, "new": true}"#).contains("manifest.json cannot be read"));
        assert!(read("{").contains("manifest.json cannot be read"));
    }
}
