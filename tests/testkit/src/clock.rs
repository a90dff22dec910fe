//! A clock that stands still until a test sets it, and randomness that repeats.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ironcore_types::seams::{Clock, Random};
use ironcore_types::{Seams, Timestamp};
use tokio::sync::watch;

/// A clock set by hand. Sleepers wake when it reaches their time.
#[derive(Debug, Clone)]
pub struct ManualClock {
    now: Arc<watch::Sender<Timestamp>>,
    random: Arc<SeededRandom>,
}

impl ManualClock {
    /// A clock that shows `start`.
    pub fn at(start: &str) -> Self {
        let start: Timestamp = start.parse().expect("an RFC 3339 time");
        Self {
            now: Arc::new(watch::Sender::new(start)),
            random: Arc::default(),
        }
    }

    /// Sets the clock.
    pub fn set(&self, time: Timestamp) {
        self.now.send_replace(time);
    }

    /// Sets the clock forward.
    pub fn advance(&self, span: Duration) {
        self.now.send_modify(|now| *now = now.after(span));
    }

    /// Seams with this clock and randomness that is the same in every run. All seams of a clock draw from one
    /// sequence, so that no two of them make the same id.
    pub fn seams(&self) -> Seams {
        Seams::new(Arc::new(self.clone()), self.random.clone())
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut changes = self.now.subscribe();
        Box::pin(async move {
            // The sender lives as long as `self`, so the wait cannot fail.
            let _reached = changes.wait_for(|now| *now >= time).await.is_ok();
        })
    }
}

/// Numbers that look random and repeat (SplitMix64).
#[derive(Debug, Default)]
pub struct SeededRandom {
    state: AtomicU64,
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
    }
}
