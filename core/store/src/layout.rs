//! The names of everything in a datastore, in one place.

use ironcore_types::Timestamp;
use ironcore_types::snapshot::{BackupGroup, SnapshotPath};

use crate::chunk::PackKind;
use crate::id::{ChunkId, PackId, SignerId};

/// The configuration; what makes a folder a datastore.
pub(crate) const CONFIG: &str = "ironcore-datastore.json";
pub(crate) const PACKS: &str = "packs/";
pub(crate) const INDEX: &str = "index/";
pub(crate) const SNAPSHOTS: &str = "snapshots/";
pub(crate) const SESSIONS: &str = "sessions/";
pub(crate) const CONDEMNED: &str = "condemned/";
pub(crate) const QUARANTINE: &str = "quarantine/";
pub(crate) const KEYS: &str = "keys/";
pub(crate) const MANIFEST_SUFFIX: &str = ".manifest";

/// The last two digits spread packs over 256 folders; the first ones are a time and would not.
pub(crate) fn pack(kind: PackKind, id: PackId) -> String {
    let hex = id.to_string();
    format!("{PACKS}{}/{}/{hex}", kind.as_str(), &hex[30..])
}

pub(crate) fn parse_pack(name: &str) -> Option<(PackKind, PackId)> {
    let mut parts = name.strip_prefix(PACKS)?.split('/');
    let (kind, _, id, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    Some((PackKind::from_name(kind)?, id.parse().ok()?))
}

pub(crate) fn quarantine(chunk: ChunkId, pack: PackId) -> String {
    format!("{QUARANTINE}{chunk}-{pack}")
}

pub(crate) fn parse_quarantine(name: &str) -> Option<(ChunkId, PackId)> {
    let (chunk, pack) = name.strip_prefix(QUARANTINE)?.split_once('-')?;
    Some((chunk.parse().ok()?, pack.parse().ok()?))
}

/// Keys that the owner with this key vouches for. A folder for each owner, so that adopting a datastore never
/// touches what the former owner relies on.
pub(crate) fn keys(owner: SignerId) -> String {
    format!("{KEYS}{owner}/")
}

pub(crate) fn key(owner: SignerId, signer: SignerId) -> String {
    format!("{}{signer}", keys(owner))
}

/// `snapshots/GROUP/`
pub(crate) fn group(group: &BackupGroup) -> String {
    format!("{SNAPSHOTS}{group}/")
}

/// Name of a snapshot's file without its suffix. The time is written without `-` and `:`, which not every
/// file system can hold.
fn snapshot(path: &SnapshotPath) -> String {
    let time: String = path
        .time
        .to_string()
        .chars()
        .filter(|c| !matches!(c, '-' | ':'))
        .collect();
    format!("{}{time}", group(&path.group))
}

pub(crate) fn manifest(path: &SnapshotPath) -> String {
    snapshot(path) + MANIFEST_SUFFIX
}

pub(crate) fn notes(path: &SnapshotPath) -> String {
    snapshot(path) + ".notes"
}

pub(crate) fn protected(path: &SnapshotPath) -> String {
    snapshot(path) + ".protected"
}

pub(crate) fn parse_manifest(name: &str) -> Option<SnapshotPath> {
    let (group, file) = name.strip_prefix(SNAPSHOTS)?.rsplit_once('/')?;
    let time = file.strip_suffix(MANIFEST_SUFFIX)?;
    if time.len() != 16 || !time.is_ascii() {
        return None;
    }
    let (y, mo, d, h, mi, s) = (
        &time[0..4],
        &time[4..6],
        &time[6..8],
        &time[9..11],
        &time[11..13],
        &time[13..15],
    );
    let time: Timestamp = format!("{y}-{mo}-{d}T{h}:{mi}:{s}Z").parse().ok()?;
    let path = SnapshotPath::new(group.parse().ok()?, time);
    (manifest(&path) == name).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for text in [
            "vm/12345/2026-05-21T00:00:00Z",
            "ns/a/b/host/web.1/2026-05-21T23:59:59Z",
        ] {
            let path: SnapshotPath = text.parse().expect("path");
            assert_eq!(parse_manifest(&manifest(&path)), Some(path));
        }
        assert_eq!(parse_manifest("snapshots/vm/1/20260521T000000Z.notes"), None);
        assert_eq!(parse_manifest("snapshots/vm/1/2026-5-21T000000Z.manifest"), None);
        let id = PackId([7; 16]);
        assert_eq!(parse_pack(&pack(PackKind::Meta, id)), Some((PackKind::Meta, id)));
        let chunk = ChunkId([9; 32]);
        assert_eq!(parse_quarantine(&quarantine(chunk, id)), Some((chunk, id)));
    }
}
