//! Time and randomness as seams: the binary hands in the machine's, tests hand in their own.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::timestamp::Timestamp;

/// Reads the time and waits for it. The wall clock (`now`, `sleep_until`) is for what people read and for times of day,
/// and may be set at any moment; time that passes (`moment`, `sleep`) is for leases, time-outs and what is done again
/// and again, and goes on evenly whatever the wall clock does.
pub trait Clock: Send + Sync + 'static {
    /// The time of the wall clock.
    fn now(&self) -> Timestamp;
    /// Ends when the wall clock shows `time`; at once when it is past. Must also end when the clock is set forward.
    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
    /// The moment now, which never goes back.
    fn moment(&self) -> Moment;
    /// Ends when `span` has passed.
    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// A moment of time that passes, counted from a beginning that only its clock knows: to be compared with moments of the
/// same clock, within the same process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The moment at which so much had passed since the beginning.
    pub const fn new(passed: Duration) -> Self {
        Self(passed)
    }

    /// How long `earlier` is ago; zero when it is not over.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment `span` later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

/// When something was done, by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// What the wall clock showed.
    pub time: Timestamp,
    /// The moment.
    pub moment: Moment,
}

/// Random bytes fit for ids and jitter. Keys and tokens are made with the cryptographic library instead.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The clock and the randomness of this process, cheap to clone.
#[derive(Clone)]
pub struct Seams {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Seams {
    /// Puts a pair together.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random }
    }

    /// The time of the wall clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until the wall clock shows `time`.
    pub async fn sleep_until(&self, time: Timestamp) {
        self.clock.sleep_until(time).await;
    }

    /// The moment now, to measure what passes.
    pub fn moment(&self) -> Moment {
        self.clock.moment()
    }

    /// Waits for `span` to pass.
    pub async fn sleep(&self, span: Duration) {
        self.clock.sleep(span).await;
    }

    /// Waits until `moment`.
    pub async fn sleep_to(&self, moment: Moment) {
        self.clock.sleep(moment.since(self.moment())).await;
    }

    /// Now, by both clocks.
    pub fn mark(&self) -> Mark {
        Mark {
            time: self.now(),
            moment: self.moment(),
        }
    }

    /// How long `mark` is ago by the clock that says more, for what must rather be done early than late: time may not
    /// pass while a machine sleeps, and a wall clock may be set back.
    pub fn at_most_since(&self, mark: Mark) -> Duration {
        let passed = self.moment().since(mark.moment);
        passed.max(self.now().since(mark.time))
    }

    /// A fresh UUIDv7 of this clock and randomness (RFC 9562).
    pub fn uuid(&self) -> Uuid {
        let mut random = [0; 10];
        self.random.fill(&mut random);
        let millis = u64::try_from(self.now().as_micros() / 1000).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// A number in `0.0..1.0`, for jitter.
    pub fn fraction(&self) -> f64 {
        let mut bytes = [0; 4];
        self.random.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }

    /// Fills `bytes`.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.random.fill(bytes);
    }
}

impl fmt::Debug for Seams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seams")
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}
