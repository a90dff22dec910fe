//! How many attempts are made at once. One that waits long for its destination gives its place to others, up to a bound:
//! else a few destinations that never answer would hold up all that do.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ironcore_types::Seams;
use tokio::sync::Notify;

use crate::options::NotifyOptions;

/// The places.
#[derive(Debug)]
pub(crate) struct Slots {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    most: usize,
    most_slow: usize,
    slow_after: Duration,
    quick: AtomicUsize,
    slow: AtomicUsize,
    freed: Notify,
}

impl Slots {
    pub(crate) fn new(options: &NotifyOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                most: options.attempts.max(1) as usize,
                most_slow: options.slow_attempts as usize,
                slow_after: options.slow_after,
                quick: AtomicUsize::new(0),
                slow: AtomicUsize::new(0),
                freed: Notify::new(),
            }),
        }
    }

    /// Places for attempts that are not slow.
    pub(crate) fn most(&self) -> usize {
        self.shared.most
    }

    /// How many more attempts may begin now.
    pub(crate) fn free(&self) -> usize {
        let taken = self.shared.quick.load(Ordering::SeqCst);
        self.shared.most.saturating_sub(taken)
    }

    /// Takes a place.
    pub(crate) fn take(&self) -> Slot {
        self.shared.quick.fetch_add(1, Ordering::SeqCst);
        Slot {
            shared: Arc::clone(&self.shared),
            slow: false,
        }
    }

    /// Ends when an attempt has become slow, and given its place away, since this was asked last.
    pub(crate) async fn freed(&self) {
        self.shared.freed.notified().await;
    }
}

/// The place of one attempt.
#[derive(Debug)]
pub(crate) struct Slot {
    shared: Arc<Shared>,
    slow: bool,
}

impl Slot {
    /// Does the work; when it takes long, it goes on in a place for slow ones, as far as there are any.
    pub(crate) async fn during<T>(mut self, seams: &Seams, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = seams.sleep(self.shared.slow_after) => {}
        }
        self.becomes_slow();
        work.await
    }

    fn becomes_slow(&mut self) {
        let most = self.shared.most_slow;
        let one_more = |slow| (slow < most).then_some(slow + 1);
        let slow = &self.shared.slow;
        self.slow = slow
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more)
            .is_ok();
        if self.slow {
            self.shared.quick.fetch_sub(1, Ordering::SeqCst);
            self.shared.freed.notify_one();
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let place = match self.slow {
            true => &self.shared.slow,
            false => &self.shared.quick,
        };
        place.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(attempts: u32, slow_attempts: u32) -> Slots {
        Slots::new(&NotifyOptions {
            attempts,
            slow_attempts,
            ..NotifyOptions::default()
        })
    }

    #[tokio::test]
    async fn slow_attempts_give_their_places_away_up_to_a_bound() {
        let slots = slots(3, 2);
        let mut held: Vec<Slot> = (0..3).map(|_| slots.take()).collect();
        assert_eq!(slots.free(), 0);
        held[0].becomes_slow();
        slots.freed().await;
        held[1].becomes_slow();
        held[2].becomes_slow();
        assert_eq!(slots.free(), 2, "the third keeps its place");
        drop(held.remove(0));
        assert_eq!(slots.free(), 2, "nor does the end of a slow one free more");
        let third = held.pop();
        drop(third);
        assert_eq!(slots.free(), 3);
        held.clear();
        assert_eq!(slots.shared.slow.load(Ordering::SeqCst), 0);
    }
}
