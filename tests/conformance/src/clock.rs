//! A clock that stands still until it is told to move, and bytes that are random enough for ids.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ironcore_types::seams::{Clock, Random};
use ironcore_types::{Moment, Seams, Timestamp};
use tokio::sync::watch;

/// Noon of a day in May 2026.
const START: i64 = 1_779_364_800;

/// A clock in the hand of a test.
#[derive(Debug, Clone)]
pub struct ManualClock {
    /// What it shows, and how much time has passed.
    hands: Arc<watch::Sender<(Timestamp, Moment)>>,
}

impl ManualClock {
    /// A clock that shows a fixed time.
    pub fn new() -> Self {
        Self {
            hands: Arc::new(watch::channel((Timestamp::from_seconds(START), Moment::default())).0),
        }
    }

    /// The time it shows.
    pub fn time(&self) -> Timestamp {
        self.hands.borrow().0
    }

    /// Lets time pass.
    pub fn advance(&self, seconds: u64) {
        let span = Duration::from_secs(seconds);
        self.hands
            .send_modify(|(now, moment)| (*now, *moment) = (now.after(span), moment.after(span)));
    }

    /// Sets it back, as it happens to clocks of real machines; no time passes.
    pub fn back(&self, seconds: u64) {
        self.hands
            .send_modify(|(now, _)| *now = now.before(Duration::from_secs(seconds)));
    }

    /// Sets it forward; no time passes.
    pub fn ahead(&self, seconds: u64) {
        self.hands
            .send_modify(|(now, _)| *now = now.after(Duration::from_secs(seconds)));
    }

    /// Seams of this clock, with randomness that differs from that of every other process.
    pub fn seams(&self) -> Seams {
        Seams::new(Arc::new(self.clone()), Arc::new(SplitMix))
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.time()
    }

    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let mut hands = self.hands.subscribe();
            // The sender lives as long as this clock.
            if hands.wait_for(|(now, _)| *now >= time).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }

    fn moment(&self) -> Moment {
        self.hands.borrow().1
    }

    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let until = self.moment().after(span);
        Box::pin(async move {
            let mut hands = self.hands.subscribe();
            if hands.wait_for(|(_, moment)| *moment >= until).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// One counter for the whole process, so that two sets of seams never make the same id.
static COUNTER: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
struct SplitMix;

impl Random for SplitMix {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let counter = COUNTER.fetch_add(1, Ordering::Relaxed) | (u64::from(std::process::id()) << 32);
            let mut mixed = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
        }
    }
}
