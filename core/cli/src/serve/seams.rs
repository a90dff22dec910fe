//! The machine's clock and randomness: the one place where they are read.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ironcore_types::seams::{Clock, Random};
use ironcore_types::{Moment, Seams, Timestamp};

/// The longest sleep at a stretch: a wall clock that is set while we sleep is noticed after this at the latest.
const STRETCH: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct MachineClock {
    wall: fn() -> Timestamp,
    begun: Instant,
}

/// The machine's wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the seam that everything else goes through"
)]
fn wall() -> Timestamp {
    let micros = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros());
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

impl MachineClock {
    fn new(wall: fn() -> Timestamp) -> Self {
        let begun = Instant::now();
        Self { wall, begun }
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        (self.wall)()
    }

    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                let left = time.since(self.now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(STRETCH)).await;
            }
        })
    }

    fn moment(&self) -> Moment {
        Moment::new(self.begun.elapsed())
    }

    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(span))
    }
}

#[derive(Debug)]
struct MachineRandom;

impl Random for MachineRandom {
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            // The library documents that this does not happen once it is initialised. Ids made of zeros would
            // collide, so going on would be worse than stopping.
            std::process::abort();
        }
    }
}

/// The seams of this machine.
pub(crate) fn machine() -> Seams {
    Seams::new(Arc::new(MachineClock::new(wall)), Arc::new(MachineRandom))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    /// A wall clock that is set an hour ahead, or back, each time somebody has looked.
    fn jumping(hours: i64, looks: &AtomicI64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + looks.fetch_add(1, Ordering::SeqCst) * hours * 3_600)
    }

    fn ahead() -> Timestamp {
        static LOOKS: AtomicI64 = AtomicI64::new(0);
        jumping(1, &LOOKS)
    }

    fn back() -> Timestamp {
        static LOOKS: AtomicI64 = AtomicI64::new(0);
        jumping(-1, &LOOKS)
    }

    #[tokio::test]
    async fn who_sleeps_until_a_time_of_day_notices_at_once_that_the_clock_was_set() {
        let clock = MachineClock::new(ahead);
        let woken = clock.sleep_until(Timestamp::from_seconds(1_800_001_800));
        let limit = STRETCH + Duration::from_secs(2);
        assert!(tokio::time::timeout(limit, woken).await.is_ok());
    }

    #[tokio::test]
    async fn time_passes_whatever_the_clock_shows() {
        let clock = MachineClock::new(back);
        let (begun, shown) = (clock.moment(), clock.now());
        let span = Duration::from_millis(5);
        assert!(
            tokio::time::timeout(Duration::from_secs(60), clock.sleep(span))
                .await
                .is_ok()
        );
        assert!(clock.moment().since(begun) >= span);
        assert!(clock.now() < shown);
    }
}
