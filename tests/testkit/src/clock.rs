//! A clock that stands still until a test moves it, and randomness that repeats.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ironcore_types::seams::{Clock, Random};
use ironcore_types::{Moment, Seams, Timestamp};
use tokio::sync::watch;

/// What it shows, and how much time has passed.
#[derive(Debug, Clone, Copy)]
struct Hands {
    wall: Timestamp,
    moment: Moment,
}

impl Hands {
    fn pass(&mut self, span: Duration) {
        self.wall = self.wall.after(span);
        self.moment = self.moment.after(span);
    }
}

/// A clock set by hand. Sleepers wake when it reaches their time.
#[derive(Debug, Clone)]
pub struct ManualClock {
    hands: Arc<watch::Sender<Hands>>,
    /// Until when those sleep who wait for a span.
    asleep: Arc<watch::Sender<Vec<Moment>>>,
    random: Arc<SeededRandom>,
}

impl ManualClock {
    /// A clock that shows `start`.
    pub fn at(start: &str) -> Self {
        let start: Timestamp = start.parse().expect("an RFC 3339 time");
        Self {
            hands: Arc::new(watch::Sender::new(Hands {
                wall: start,
                moment: Moment::default(),
            })),
            asleep: Arc::new(watch::Sender::new(Vec::new())),
            random: Arc::default(),
        }
    }

    /// Lets time pass until the clock shows `time`; sets it back when that is over.
    pub fn set(&self, time: Timestamp) {
        self.hands.send_modify(|hands| {
            hands.pass(time.since(hands.wall));
            hands.wall = time;
        });
    }

    /// Lets time pass.
    pub fn advance(&self, span: Duration) {
        self.hands.send_modify(|hands| hands.pass(span));
    }

    /// Sets the wall clock to `time`, and no time passes.
    pub fn jump(&self, time: Timestamp) {
        self.hands.send_modify(|hands| hands.wall = time);
    }

    /// Lets time pass in steps of a second, and before each waits until `count` loops sleep for a span. So they go round
    /// as they would if it passed by itself, however slow the machine is.
    pub async fn pass(&self, span: Duration, count: usize) {
        for _ in 0..span.as_secs() {
            self.asleep(count).await;
            self.advance(Duration::from_secs(1));
        }
        self.asleep(count).await;
    }

    /// Waits until `count` loops sleep for a span that is not over.
    async fn asleep(&self, count: usize) {
        let now = self.hands.borrow().moment;
        let sleep = |sleepers: &Vec<Moment>| sleepers.iter().filter(|until| **until > now).count() >= count;
        let mut changes = self.asleep.subscribe();
        let limit = Duration::from_secs(60);
        let waited = tokio::time::timeout(limit, changes.wait_for(sleep)).await;
        assert!(waited.is_ok(), "{count} loops never slept");
    }

    /// Seams with this clock and randomness that is the same in every run. All seams of a clock draw from one
    /// sequence, so that no two of them make the same id.
    pub fn seams(&self) -> Seams {
        Seams::new(Arc::new(self.clone()), self.random.clone())
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.hands.borrow().wall
    }

    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut changes = self.hands.subscribe();
        Box::pin(async move {
            // The sender lives as long as `self`, so the wait cannot fail.
            let _reached = changes.wait_for(|hands| hands.wall >= time).await.is_ok();
        })
    }

    fn moment(&self) -> Moment {
        self.hands.borrow().moment
    }

    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut changes = self.hands.subscribe();
        let until = self.moment().after(span);
        Box::pin(async move {
            let _bed = Bed::new(&self.asleep, until);
            let _reached = changes.wait_for(|hands| hands.moment >= until).await.is_ok();
        })
    }
}

/// Somebody sleeps while this is there.
struct Bed<'a> {
    asleep: &'a watch::Sender<Vec<Moment>>,
    until: Moment,
}

impl<'a> Bed<'a> {
    fn new(asleep: &'a watch::Sender<Vec<Moment>>, until: Moment) -> Self {
        asleep.send_modify(|sleepers| sleepers.push(until));
        Self { asleep, until }
    }
}

impl Drop for Bed<'_> {
    fn drop(&mut self) {
        self.asleep.send_modify(|sleepers| {
            if let Some(own) = sleepers.iter().position(|until| *until == self.until) {
                sleepers.swap_remove(own);
            }
        });
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
