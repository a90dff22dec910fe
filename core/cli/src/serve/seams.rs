//! The machine's clock and randomness: the one place where they are read.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ironcore_types::seams::{Clock, Random};
use ironcore_types::{Seams, Timestamp};

/// The longest sleep at a stretch: a wall clock that is set while we sleep is noticed after this at the latest.
const STRETCH: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct MachineClock;

impl Clock for MachineClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the seam that everything else goes through"
    )]
    fn now(&self) -> Timestamp {
        let micros = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_micros());
        Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
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
    Seams::new(Arc::new(MachineClock), Arc::new(MachineRandom))
}
