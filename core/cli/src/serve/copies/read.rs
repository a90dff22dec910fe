//! Reading an archive: every file is checked against the manifest before anything of it is used.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result};
use ironcore_types::ErrorCode;

use super::manifest::{Hashed, KEYS, MANIFEST, Manifest, Member, SECRETS};
use super::sync_folder;
use crate::exit::Coded;

/// A manifest names a few files; one that is larger is none.
const MOST: u64 = 4 << 20;
/// What may follow the last file: the end of a tar file is filled up with zeros.
const TAIL: u64 = 1 << 20;

/// Why an archive is not used.
fn refused(archive: &Path, why: impl std::fmt::Display) -> anyhow::Error {
    let message = format!("{}: {why}", archive.display());
    let code = ErrorCode::ArchiveInvalid;
    Coded { code, message }.into()
}

/// Unpacks every file of `archive` into the empty folder `to`, synced to disk. An error leaves some of them there.
pub(super) fn unpack(archive: &Path, to: &Path) -> Result<Manifest> {
    let file = File::open(archive).with_context(|| format!("cannot read {}", archive.display()))?;
    let mut tar = tar::Archive::new(zstd::Decoder::new(file)?);
    let damaged = |error: io::Error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            anyhow::Error::from(error).context(format!("cannot write to {}", to.display()))
        }
        _ => refused(
            archive,
            format_args!("it is damaged, or no archive of a hub: {error}"),
        ),
    };
    let mut manifest: Option<Manifest> = None;
    let mut open: Vec<Member> = Vec::new();
    for folder in [KEYS, SECRETS] {
        std::fs::DirBuilder::new().mode(0o700).create(to.join(folder))?;
    }
    for entry in tar.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(refused(archive, format_args!("{path:?} in it is no plain file")));
        }
        let Some(manifest) = &manifest else {
            if path != MANIFEST {
                return Err(refused(
                    archive,
                    format_args!("it does not begin with {MANIFEST}"),
                ));
            }
            let mut bytes = Vec::new();
            entry
                .by_ref()
                .take(MOST)
                .read_to_end(&mut bytes)
                .map_err(damaged)?;
            let read = Manifest::read(&bytes).map_err(|why| refused(archive, why))?;
            open.clone_from(&read.files);
            manifest = Some(read);
            continue;
        };
        let Some(at) = open.iter().position(|member| member.path == path) else {
            let known = manifest.files.iter().any(|member| member.path == path);
            let why = if known {
                "is in it twice"
            } else {
                "is not in its manifest"
            };
            return Err(refused(archive, format_args!("{path:?} {why}")));
        };
        let member = open.swap_remove(at);
        let out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to.join(&member.path))?;
        let mut out = Hashed::new(out);
        // One byte more than it says would show that it says too little.
        let most = member.bytes.saturating_add(1);
        io::copy(&mut entry.by_ref().take(most), &mut out).map_err(damaged)?;
        out.flush()?;
        let (file, bytes, sha256) = out.end();
        if bytes != member.bytes || sha256 != member.sha256 {
            return Err(refused(
                archive,
                format_args!(
                    "{path} does not match its size and SHA-256 in the manifest: the archive is damaged"
                ),
            ));
        }
        file.sync_all()?;
    }
    let Some(manifest) = manifest else {
        return Err(refused(archive, "it is empty, or no archive of a hub"));
    };
    if let Some(missing) = open.first() {
        return Err(refused(
            archive,
            format_args!("{} is missing in it", missing.path),
        ));
    }
    // The compressed stream ends with a checksum, which is only looked at by whoever reads on to the end.
    let tail = io::copy(&mut tar.into_inner().take(TAIL), &mut io::sink()).map_err(damaged)?;
    if tail >= TAIL {
        return Err(refused(archive, "something follows its last file"));
    }
    for folder in [to.join(KEYS), to.join(SECRETS), to.to_owned()] {
        sync_folder(&folder)?;
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    const LEDGER: (&str, &[u8]) = ("ledger.sqlite", b"rows");

    fn manifest(files: &[(&str, &[u8])]) -> Vec<u8> {
        let files: Vec<serde_json::Value> = files
            .iter()
            .map(|(path, content)| {
                serde_json::json!({"path": path, "bytes": content.len(),
                    "sha256": hex::encode(Sha256::digest(content))})
            })
            .collect();
        let manifest = serde_json::json!({
            "format": 1, "hub": "01970000-0000-7000-8000-000000000000", "version": "0.1.0",
            "made": "2026-05-21T00:00:00Z", "keys": true, "files": files,
        });
        serde_json::to_vec(&manifest).expect("json")
    }

    fn header(kind: tar::EntryType, path: &str, size: usize) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size.try_into().expect("size"));
        header.set_mode(0o644);
        // Written as it is: the library itself refuses `..` in paths.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        header
    }

    fn tarred(entries: &[(tar::EntryType, &str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (kind, path, content) in entries {
            tar.append(&header(*kind, path, content.len()), *content)
                .expect("appended");
        }
        let tar = tar.into_inner().expect("tar");
        zstd::encode_all(tar.as_slice(), 3).expect("zstd")
    }

    /// Unpacks it; gives what was said when it was refused.
    fn said(archive: &[u8]) -> Option<String> {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("archive");
        std::io::Write::write_all(&mut File::create(&file).expect("a file"), archive).expect("written");
        let to = dir.path().join("to");
        std::fs::create_dir(&to).expect("a folder");
        let error = unpack(&file, &to).err()?;
        let code = error.downcast_ref::<Coded>().map(|coded| coded.code);
        assert_eq!(code, Some(ErrorCode::ArchiveInvalid), "{error:#}");
        Some(format!("{error:#}"))
    }

    #[test]
    fn only_what_the_manifest_names_is_unpacked() {
        use tar::EntryType::{Link, Regular, Symlink};
        let whole = manifest(&[LEDGER]);
        let first = (Regular, MANIFEST, whole.as_slice());
        let ledger = (Regular, LEDGER.0, LEDGER.1);
        assert_eq!(said(&tarred(&[first, ledger])), None);

        let climbing = manifest(&[LEDGER, ("../evil", b"x")]);
        let absolute = manifest(&[LEDGER, ("/etc/cron.d/evil", b"x")]);
        let twice = manifest(&[LEDGER, LEDGER]);
        type Entries<'a> = Vec<(tar::EntryType, &'a str, &'a [u8])>;
        let cases: [(&str, Entries<'_>); 11] = [
            (
                "is not in its manifest",
                vec![first, ledger, (Regular, "../evil", b"x")],
            ),
            (
                "is not in its manifest",
                vec![first, ledger, (Regular, "/evil", b"x")],
            ),
            (
                "is not in its manifest",
                vec![first, ledger, (Regular, "keys/a", b"x")],
            ),
            ("is no plain file", vec![first, (Symlink, LEDGER.0, b"")]),
            ("is no plain file", vec![first, (Link, LEDGER.0, b"")]),
            ("is in it twice", vec![first, ledger, ledger]),
            ("does not match", vec![first, (Regular, LEDGER.0, b"rowz")]),
            (
                "does not match",
                vec![first, (Regular, LEDGER.0, b"rows and more")],
            ),
            ("is missing", vec![first]),
            ("does not begin with", vec![ledger, first]),
            ("no archive of a hub", vec![]),
        ];
        for (expected, entries) in cases {
            let text = said(&tarred(&entries)).expect(expected);
            assert!(text.contains(expected), "{expected}: {text}");
        }
        for manifest in [climbing, absolute] {
            let text = said(&tarred(&[(Regular, MANIFEST, &manifest), ledger])).expect("refused");
            assert!(text.contains("is no file of a hub"), "{text}");
        }
        let text = said(&tarred(&[(Regular, MANIFEST, &twice), ledger])).expect("refused");
        assert!(text.contains("twice"), "{text}");
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        let whole = manifest(&[LEDGER]);
        let files: [(tar::EntryType, &str, &[u8]); 2] = [
            (tar::EntryType::Regular, MANIFEST, &whole),
            (tar::EntryType::Regular, LEDGER.0, LEDGER.1),
        ];
        let mut tar = tar::Builder::new(Vec::new());
        for (kind, path, content) in files {
            tar.append(&header(kind, path, content.len()), content)
                .expect("appended");
        }
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("zstd");
        encoder.include_checksum(true).expect("a checksum");
        encoder
            .write_all(&tar.into_inner().expect("tar"))
            .expect("written");
        let archive = encoder.finish().expect("zstd");
        assert_eq!(said(&archive), None);
        for at in 0..archive.len() {
            let mut flipped = archive.clone();
            flipped[at] ^= 0x10;
            // A few bits of the compressed form mean nothing: then what is unpacked is the very same.
            if said(&flipped).is_none() {
                let same =
                    zstd::decode_all(flipped.as_slice()).ok() == zstd::decode_all(archive.as_slice()).ok();
                assert!(same, "byte {at} of {}", archive.len());
            }
        }
        for length in [0, 4, archive.len() / 2, archive.len() - 1] {
            assert!(said(&archive[..length]).is_some(), "cut after {length} bytes");
        }
    }
}
