//! The memory of guests: each has a limit of its own, and all that run have one together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What all guests together may have, bytes.
#[derive(Debug)]
pub(crate) struct Budget {
    most: u64,
    used: AtomicU64,
}

impl Budget {
    pub(crate) fn new(most: u64) -> Arc<Self> {
        let used = AtomicU64::new(0);
        Arc::new(Self { most, used })
    }

    /// What they may have, bytes.
    pub(crate) fn most(&self) -> u64 {
        self.most
    }
}

/// The part of the budget that one guest has taken; it goes back with this.
#[derive(Debug)]
pub(crate) struct Taken {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Taken {
    pub(crate) fn nothing(budget: Arc<Budget>) -> Self {
        Self { budget, bytes: 0 }
    }

    /// Takes more, if there is so much left.
    pub(crate) fn more(&mut self, bytes: u64) -> bool {
        let sum = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.budget.most);
        let taken = self
            .budget
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
        if taken.is_ok() {
            self.bytes += bytes;
        }
        taken.is_ok()
    }

    /// How much it has, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_goes_back() {
        let budget = Budget::new(100);
        let mut first = Taken::nothing(Arc::clone(&budget));
        let mut second = Taken::nothing(Arc::clone(&budget));
        assert!(first.more(60) && !second.more(41) && second.more(40));
        assert!(!first.more(u64::MAX));
        assert_eq!((first.bytes(), second.bytes()), (60, 40));
        drop(first);
        assert!(second.more(60));
        drop(second);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }
}
