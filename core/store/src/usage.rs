//! How full a datastore is, and what deduplication and compression save.

use std::collections::HashSet;

use serde::Serialize;

use crate::datastore::Datastore;
use crate::error::Result;
use crate::snapshots::SnapshotFilter;

/// Space and counts. Sizes in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Everything that the datastore's files occupy.
    pub used: u64,
    /// Still to be had where they lie, when there is a limit.
    pub available: Option<u64>,
    /// Size of the place where they lie, when there is a limit.
    pub total: Option<u64>,
    /// Content of all snapshots, as if each stood alone.
    pub logical: u64,
    /// Distinct chunks, before compression.
    pub unique: u64,
    /// Distinct chunks.
    pub chunks: u64,
    /// Snapshots.
    pub snapshots: u64,
}

impl Usage {
    /// How many bytes of content each stored byte stands for; none while nothing is stored.
    pub fn dedup_ratio(&self) -> Option<f64> {
        (self.used > 0 && self.logical > 0).then(|| self.logical as f64 / self.used as f64)
    }
}

impl Datastore {
    /// Looks at the files, the index and the manifests.
    pub fn usage(&self) -> Result<Usage> {
        let space = self.blobs().space()?;
        let mut usage = Usage {
            available: space.available,
            total: space.total,
            ..Usage::default()
        };
        usage.used = self.blobs().list("")?.iter().map(|blob| blob.size).sum();
        for info in self.snapshots(&SnapshotFilter::default())? {
            usage.snapshots += 1;
            usage.logical += info.manifest.map_or(0, |manifest| manifest.bytes);
        }
        let view = self.view(false)?;
        let mut seen = HashSet::new();
        for entry in view.entries() {
            if seen.insert(entry.info.id) {
                usage.chunks += 1;
                usage.unique += u64::from(entry.info.plain_len);
            }
        }
        Ok(usage)
    }
}
