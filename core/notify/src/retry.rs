//! What becomes of a message after an attempt: decided here, without clock or runtime; performed elsewhere.

use std::time::Duration;

use ironcore_types::{ErrorCode, Timestamp};

use crate::options::RetryPolicy;

/// How an attempt ended, as the plugin or the host says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The destination took the message.
    Delivered,
    /// Trying again may help.
    Again {
        /// Not before this long from now, when the destination says so.
        after: Option<Duration>,
        /// The stable code.
        code: ErrorCode,
        /// In words, redacted.
        reason: String,
    },
    /// The destination works, and takes the message later.
    Later {
        /// Not before this long from now.
        after: Duration,
        /// The stable code.
        code: ErrorCode,
        /// In words, redacted.
        reason: String,
    },
    /// Trying again does not help.
    Rejected {
        /// The stable code.
        code: ErrorCode,
        /// In words, redacted.
        reason: String,
        /// The destination is gone for good.
        gone: bool,
    },
}

/// What was tried so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// Tries that failed, this one included if it did. Those of lost senders, and those that the destination answered by
    /// when it takes the message, are not the message's fault.
    pub failed: u32,
    /// When it was tried first.
    pub first: Timestamp,
}

/// What happens to the message next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It is done.
    Delivered,
    /// It is tried again at that time.
    Again {
        /// When.
        at: Timestamp,
    },
    /// It is a dead letter: the destination does not want it.
    Rejected,
    /// It is a dead letter: it was tried often enough.
    Exhausted,
}

/// The shortest wait that a destination is given that only says when to come again: asking it without a pause helps nobody.
const LEAST_ASKED: Duration = Duration::from_secs(1);

/// Decides what follows an attempt that ended at `now` with `verdict`.
///
/// `chance` is in `0.0..1.0`. A destination's own wait is obeyed when it is longer than the schedule's, up to
/// [`RetryPolicy::longest_wait`]. Where it works and only says when to come again, its wait takes the place of the
/// schedule's, for as long as the whole schedule would take.
pub fn next(policy: &RetryPolicy, verdict: &Verdict, tries: Tries, now: Timestamp, chance: f64) -> Next {
    match verdict {
        Verdict::Delivered => Next::Delivered,
        Verdict::Rejected { .. } => Next::Rejected,
        Verdict::Later { .. } if now.since(tries.first) >= policy.whole() => Next::Exhausted,
        Verdict::Later { after, .. } => {
            let asked = (*after).clamp(LEAST_ASKED, policy.longest_wait.max(LEAST_ASKED));
            // Later than asked, never earlier.
            let more = asked.mul_f64(policy.jitter.clamp(0.0, 1.0) * chance);
            Next::Again {
                at: now.after(asked + more),
            }
        }
        Verdict::Again { after, .. } => {
            let index = usize::try_from(tries.failed.saturating_sub(1)).unwrap_or(usize::MAX);
            match policy.schedule.get(index) {
                None => Next::Exhausted,
                Some(wait) => {
                    let wait = spread(*wait, policy.jitter, chance);
                    let asked = after.unwrap_or_default().min(policy.longest_wait);
                    Next::Again {
                        at: now.after(wait.max(asked)),
                    }
                }
            }
        }
    }
}

/// `wait`, made longer or shorter by up to `share` of it; `chance` in `0.0..1.0` says by how much.
pub(crate) fn spread(wait: Duration, share: f64, chance: f64) -> Duration {
    let factor = 1.0 + share.clamp(0.0, 1.0) * (2.0 * chance - 1.0);
    wait.mul_f64(factor.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::SCHEDULE;

    const NOW: fn() -> Timestamp = || Timestamp::from_seconds(1_000_000);

    fn again(after: Option<u64>) -> Verdict {
        Verdict::Again {
            after: after.map(Duration::from_secs),
            code: ErrorCode::DeliveryUnreachable,
            reason: "it answered 500".to_owned(),
        }
    }

    fn tried(failed: u32) -> Tries {
        Tries { failed, first: NOW() }
    }

    fn later(after: Duration) -> Verdict {
        Verdict::Later {
            after,
            code: ErrorCode::DeliveryUnreachable,
            reason: "HTTP 429".to_owned(),
        }
    }

    #[test]
    fn every_failure_waits_as_the_schedule_says_and_the_tenth_is_the_last() {
        let policy = RetryPolicy::default();
        for (index, wait) in SCHEDULE.iter().enumerate() {
            let attempt = u32::try_from(index).expect("small") + 1;
            assert_eq!(
                next(&policy, &again(None), tried(attempt), NOW(), 0.5),
                Next::Again {
                    at: NOW().after(*wait)
                },
                "attempt {attempt}"
            );
        }
        assert_eq!(
            next(&policy, &again(None), tried(10), NOW(), 0.5),
            Next::Exhausted
        );
        assert_eq!(
            next(&policy, &again(None), tried(u32::MAX), NOW(), 0.5),
            Next::Exhausted
        );
    }

    #[test]
    fn jitter_goes_both_ways_and_not_further_than_its_share() {
        let policy = RetryPolicy::default();
        let at = |chance| match next(&policy, &again(None), tried(2), NOW(), chance) {
            Next::Again { at } => at.since(NOW()).as_secs_f64(),
            other => panic!("{other:?}"),
        };
        assert!((at(0.0) - 270.0).abs() < 0.001);
        assert!((at(0.999_999) - 330.0).abs() < 0.001);
    }

    #[test]
    fn the_destinations_own_wait_is_obeyed_when_longer_but_not_for_ever() {
        let policy = RetryPolicy::default();
        let wait = |after, attempt| match next(&policy, &again(after), tried(attempt), NOW(), 0.5) {
            Next::Again { at } => at.since(NOW()).as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait(Some(120), 1), 120);
        assert_eq!(wait(Some(1), 2), 300);
        assert_eq!(wait(Some(365 * 86_400), 1), 86_400);
    }

    #[test]
    fn rejection_and_delivery_end_it_at_once() {
        let policy = RetryPolicy::default();
        let rejected = Verdict::Rejected {
            code: ErrorCode::DeliveryRejected,
            reason: "it answered 410".to_owned(),
            gone: true,
        };
        assert_eq!(next(&policy, &rejected, tried(1), NOW(), 0.5), Next::Rejected);
        assert_eq!(
            next(&policy, &Verdict::Delivered, tried(10), NOW(), 0.5),
            Next::Delivered
        );
    }

    #[test]
    fn one_that_says_when_to_come_again_is_asked_then_whatever_the_schedule_says() {
        let policy = RetryPolicy::default();
        let wait = |after, failed, chance| match next(&policy, &later(after), tried(failed), NOW(), chance) {
            Next::Again { at } => at.since(NOW()).as_millis(),
            other => panic!("{other:?}"),
        };
        let second = Duration::from_secs(1);
        for failed in [1, 5, 10, 1_000] {
            assert_eq!(wait(second, failed, 0.0), 1_000, "{failed}");
        }
        assert_eq!(wait(second, 1, 0.5), 1_050, "never earlier than asked");
        assert_eq!(wait(Duration::ZERO, 1, 0.0), 1_000, "but not without a pause");
        assert_eq!(wait(second * 365 * 86_400, 1, 0.0), 86_400_000);
    }

    #[test]
    fn what_is_put_off_again_and_again_ends_when_the_schedule_would_have() {
        let policy = RetryPolicy::default();
        let verdict = later(Duration::from_secs(60));
        let just = NOW().after(policy.whole());
        let before = just.before(Duration::from_micros(1));
        let ends = |now| next(&policy, &verdict, tried(1), now, 0.5) == Next::Exhausted;
        assert!(ends(just) && !ends(before));
        assert_eq!(policy.whole(), Duration::from_secs(75 * 3_600 + 35 * 60 + 5));
    }
}
