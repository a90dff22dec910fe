//! How far a restore is: entries and bytes, counted by whoever writes them and told now and then. How fast that is,
//! the caller makes out.

use std::sync::{Mutex, PoisonError};

use ironcore_types::progress::Stage;

use crate::manifest::Manifest;
use crate::watch::{self, Watch};

/// After so many bytes the stage is told again.
const EVERY_BYTES: u64 = 1 << 20;
/// After so many entries it is told again, however little is in them.
const EVERY_ENTRIES: u64 = 64;

pub(super) struct Meter<'a> {
    watch: &'a dyn Watch,
    count: Mutex<Count>,
}

struct Count {
    stage: Stage,
    /// Entries and bytes when the stage was told last.
    told: (u64, u64),
}

impl<'a> Meter<'a> {
    /// Begins the stage, with all that is to be written.
    pub(super) fn begin(manifest: &Manifest, watch: &'a dyn Watch) -> Self {
        let mut stage = watch::stage("write files", "files");
        stage.total = Some(manifest.entries);
        stage.bytes_total = Some(manifest.bytes);
        watch.progress(&stage);
        let count = Mutex::new(Count { stage, told: (0, 0) });
        Self { watch, count }
    }

    /// Some content was written.
    pub(super) fn wrote(&self, bytes: u64) {
        self.add(0, bytes);
    }

    /// An entry is done with.
    pub(super) fn entry(&self) {
        self.add(1, 0);
    }

    fn add(&self, entries: u64, bytes: u64) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        count.stage.done += entries;
        count.stage.bytes += bytes;
        let Count { stage, told } = &*count;
        if stage.done - told.0 >= EVERY_ENTRIES || stage.bytes - told.1 >= EVERY_BYTES {
            self.say(&mut count);
        }
    }

    /// Tells how far it came.
    pub(super) fn tell(&self) {
        self.say(&mut self.count.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Under the lock, so that nobody tells an older state after a newer one.
    fn say(&self, count: &mut Count) {
        count.told = (count.stage.done, count.stage.bytes);
        self.watch.progress(&count.stage);
    }
}
