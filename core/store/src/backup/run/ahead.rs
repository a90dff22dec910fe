//! How much a backup has before it: a second walk that only counts, ahead of the one that reads. It decides nothing.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::backup::filter::Filter;
use crate::backup::source::Source;
use crate::backup::walk::Walk;
use crate::watch::NoWatch;

/// Not known yet.
const UNKNOWN: u64 = u64::MAX;

/// Bytes of all files, once they are known.
pub(super) struct Ahead {
    total: AtomicU64,
    over: AtomicBool,
}

impl Default for Ahead {
    fn default() -> Self {
        Self {
            total: AtomicU64::new(UNKNOWN),
            over: AtomicBool::new(false),
        }
    }
}

impl Ahead {
    pub(super) fn total(&self) -> Option<u64> {
        Some(self.total.load(Ordering::Relaxed)).filter(|total| *total != UNKNOWN)
    }

    /// Nobody wants to know any more.
    pub(super) fn stop(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Counts to the end, or until it is stopped. What cannot be looked at counts nothing; who reads will tell.
    pub(super) fn count(&self, source: &Source, filter: &Filter, own: Option<(u64, u64)>) {
        let mut walk = Walk::new(source, filter, own, &NoWatch);
        let mut links = HashSet::new();
        let mut total: u64 = 0;
        while let Ok(Some(found)) = walk.next() {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            let meta = &found.meta;
            let first = meta.nlink() == 1 || links.insert((meta.dev(), meta.ino()));
            if meta.is_file() && first {
                total = total.saturating_add(meta.len());
            }
        }
        self.total.store(total, Ordering::Relaxed);
    }
}
