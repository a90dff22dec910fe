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

/// Decides what follows the `attempt`-th failed attempt (from 1), which ended at `now` with `verdict`.
///
/// `chance` is in `0.0..1.0`. A destination's own wait is obeyed when it is longer than the schedule's, up to
/// [`RetryPolicy::longest_wait`].
pub fn next(policy: &RetryPolicy, verdict: &Verdict, attempt: u32, now: Timestamp, chance: f64) -> Next {
    match verdict {
        Verdict::Delivered => Next::Delivered,
        Verdict::Rejected { .. } => Next::Rejected,
        Verdict::Again { after, .. } => {
            let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
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

    #[test]
    fn every_failure_waits_as_the_schedule_says_and_the_tenth_is_the_last() {
        let policy = RetryPolicy::default();
        for (index, wait) in SCHEDULE.iter().enumerate() {
            let attempt = u32::try_from(index).expect("small") + 1;
            assert_eq!(
                next(&policy, &again(None), attempt, NOW(), 0.5),
                Next::Again {
                    at: NOW().after(*wait)
                },
                "attempt {attempt}"
            );
        }
        assert_eq!(next(&policy, &again(None), 10, NOW(), 0.5), Next::Exhausted);
        assert_eq!(next(&policy, &again(None), u32::MAX, NOW(), 0.5), Next::Exhausted);
    }

    #[test]
    fn jitter_goes_both_ways_and_not_further_than_its_share() {
        let policy = RetryPolicy::default();
        let at = |chance| match next(&policy, &again(None), 2, NOW(), chance) {
            Next::Again { at } => at.since(NOW()).as_secs_f64(),
            other => panic!("{other:?}"),
        };
        assert!((at(0.0) - 270.0).abs() < 0.001);
        assert!((at(0.999_999) - 330.0).abs() < 0.001);
    }

    #[test]
    fn the_destinations_own_wait_is_obeyed_when_longer_but_not_for_ever() {
        let policy = RetryPolicy::default();
        let wait = |after, attempt| match next(&policy, &again(after), attempt, NOW(), 0.5) {
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
        assert_eq!(next(&policy, &rejected, 1, NOW(), 0.5), Next::Rejected);
        assert_eq!(
            next(&policy, &Verdict::Delivered, 10, NOW(), 0.5),
            Next::Delivered
        );
    }
}
