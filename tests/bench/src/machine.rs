//! This machine's clock and randomness good enough for ids.

use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ironcore_types::seams::{Clock, Random};
use ironcore_types::{Moment, Seams, Timestamp};

#[derive(Debug)]
struct MachineClock(Instant);

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "what is measured is real time")]
    fn now(&self) -> Timestamp {
        let micros = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_micros());
        Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(time.since(self.now())))
    }

    fn moment(&self) -> Moment {
        Moment::new(self.0.elapsed())
    }

    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(span))
    }
}

/// SplitMix64 from where the process began.
#[derive(Debug)]
struct Mixed(AtomicU64);

impl Random for Mixed {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// The seams of this machine.
pub(crate) fn seams() -> Seams {
    let start = RandomState::new().hash_one(std::process::id());
    Seams::new(
        Arc::new(MachineClock(Instant::now())),
        Arc::new(Mixed(AtomicU64::new(start))),
    )
}

/// Numbers that are the same in every run.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }

    pub(crate) fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let count = u64::try_from(all.len()).unwrap_or(u64::MAX);
        &all[usize::try_from(self.below(count)).unwrap_or(0)]
    }
}
