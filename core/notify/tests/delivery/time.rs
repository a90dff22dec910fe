//! A clock that stands until it is set forward, and randomness that is the same on every run.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ironcore_types::seams::{Clock, Random};
use ironcore_types::{Moment, Seams, Timestamp};
use tokio::sync::watch;

/// A clock set by hand; sleepers wake when their time is reached.
#[derive(Clone)]
pub(crate) struct Hands {
    /// What it shows, and how much time has passed.
    now: Arc<watch::Sender<(Timestamp, Moment)>>,
}

impl Hands {
    pub(crate) fn new() -> Self {
        Self {
            now: Arc::new(watch::Sender::new((
                Timestamp::from_seconds(1_780_000_000),
                Moment::default(),
            ))),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now.borrow().0
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, span: Duration) {
        self.now
            .send_modify(|(now, moment)| (*now, *moment) = (now.after(span), moment.after(span)));
    }

    /// Lets time pass until then.
    pub(crate) fn set(&self, time: Timestamp) {
        self.advance(time.since(self.now()));
    }

    pub(crate) fn seams(&self) -> Seams {
        Seams::new(Arc::new(self.clone()), Arc::new(Dice::default()))
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.now.borrow().0
    }

    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut receiver = self.now.subscribe();
        Box::pin(async move {
            // The sender lives in `self`, so waiting cannot fail.
            let _reached = receiver.wait_for(|(now, _)| *now >= time).await;
        })
    }

    fn moment(&self) -> Moment {
        self.now.borrow().1
    }

    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut receiver = self.now.subscribe();
        let until = self.moment().after(span);
        Box::pin(async move {
            let _reached = receiver.wait_for(|(_, moment)| *moment >= until).await;
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
