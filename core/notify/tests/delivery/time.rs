//! A clock that stands until it is set forward, and randomness that is the same on every run.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ironcore_types::seams::{Clock, Random};
use ironcore_types::{Seams, Timestamp};
use tokio::sync::watch;

/// A clock set by hand; sleepers wake when their time is reached.
#[derive(Clone)]
pub(crate) struct Hands {
    now: Arc<watch::Sender<Timestamp>>,
}

impl Hands {
    pub(crate) fn new() -> Self {
        Self {
            now: Arc::new(watch::Sender::new(Timestamp::from_seconds(1_780_000_000))),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.now.send_modify(|now| *now = now.after(span));
    }

    pub(crate) fn set(&self, time: Timestamp) {
        self.now.send_modify(|now| *now = time.max(*now));
    }

    pub(crate) fn seams(&self) -> Seams {
        Seams::new(Arc::new(self.clone()), Arc::new(Dice::default()))
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut receiver = self.now.subscribe();
        Box::pin(async move {
            // The sender lives in `self`, so waiting cannot fail.
            let _reached = receiver.wait_for(|now| *now >= time).await;
        })
    }
}

/// SplitMix64, so that ids differ and every run is the same.
#[derive(Default)]
struct Dice(AtomicU64);

impl Random for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let state = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
    }
}
