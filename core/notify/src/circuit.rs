//! A lane's circuit: after failures of the destination its messages wait, until a single trial gets through.
//!
//! Closed: messages flow. Open: none is tried before a time. When that has come, one message is the trial: if it gets
//! through, the circuit closes; if not, it opens again for twice as long. The ledger enforces this when it hands out
//! messages; what the circuit's next state is, is decided here.

use std::time::Duration;

use ironcore_types::Timestamp;

use crate::options::CircuitPolicy;
use crate::retry::spread;

/// What is known of a destination.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// Failures in a row.
    pub failures: u32,
    /// No message is tried before this.
    pub open_until: Option<Timestamp>,
    /// When that was said last.
    pub opened: Option<Timestamp>,
}

/// What an attempt says about its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It answered, be it with a refusal of this message.
    Well,
    /// It could not be reached, or said that it cannot work now.
    Unwell {
        /// How long it asks to be left alone.
        after: Option<Duration>,
    },
    /// Nothing: the attempt ended before the destination was asked.
    Unknown,
}

/// What an attempt that `began` then is worth. That one was well which was under way when the circuit opened says nothing:
/// what the destination said last counts, and it is to be left alone as long as it asked.
pub fn worth(health: Health, sign: Sign, began: Timestamp) -> Sign {
    match sign {
        Sign::Well if health.opened.is_some_and(|opened| began <= opened) => Sign::Unknown,
        sign => sign,
    }
}

/// What is known of a destination after one more attempt. `chance` is in `0.0..1.0`.
pub fn after(policy: &CircuitPolicy, health: Health, sign: Sign, now: Timestamp, chance: f64) -> Health {
    match sign {
        Sign::Well => Health::default(),
        Sign::Unknown => health,
        Sign::Unwell { after } => {
            // Attempts that were under way when the circuit opened tell nothing new.
            let already_open = health.open_until.is_some_and(|until| until > now);
            let failures = if already_open {
                health.failures
            } else {
                health.failures.saturating_add(1)
            };
            let opened = (failures >= policy.threshold).then(|| {
                let doublings = (failures - policy.threshold).min(20);
                let wait = policy.first.saturating_mul(1 << doublings).min(policy.longest);
                now.after(spread(wait, policy.jitter, chance))
            });
            let asked = after.map(|wait| now.after(wait.min(policy.longest_asked)));
            let computed = if already_open { None } else { opened };
            let open_until = computed.max(asked).max(health.open_until);
            Health {
                failures,
                open_until,
                opened: match open_until == health.open_until {
                    true => health.opened,
                    false => Some(now),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: CircuitPolicy = CircuitPolicy {
        threshold: 3,
        first: Duration::from_secs(5),
        longest: Duration::from_secs(300),
        longest_asked: Duration::from_secs(86_400),
        jitter: 0.1,
    };

    fn now() -> Timestamp {
        Timestamp::from_seconds(1_000_000)
    }

    fn unwell(health: Health, at: Timestamp) -> Health {
        after(&POLICY, health, Sign::Unwell { after: None }, at, 0.5)
    }

    #[test]
    fn the_third_failure_in_a_row_opens_and_each_failed_trial_doubles() {
        let first = unwell(Health::default(), now());
        let second = unwell(first, now());
        assert_eq!((second.failures, second.open_until), (2, None));
        let mut health = unwell(second, now());
        let mut at = now();
        for wait in [5, 10, 20, 40, 80, 160, 300, 300] {
            assert_eq!(
                health.open_until,
                Some(at.after(Duration::from_secs(wait))),
                "{wait}"
            );
            at = health.open_until.expect("open");
            health = unwell(health, at);
        }
    }

    #[test]
    fn attempts_that_were_under_way_when_it_opened_do_not_prolong_it() {
        let open = Health {
            failures: 3,
            open_until: Some(now().after(Duration::from_secs(5))),
            opened: Some(now()),
        };
        assert_eq!(unwell(open, now()), open);
    }

    #[test]
    fn an_answer_closes_it_and_an_attempt_that_asked_nobody_changes_nothing() {
        let open = Health {
            failures: 7,
            open_until: Some(now()),
            opened: Some(now().before(Duration::from_secs(300))),
        };
        assert_eq!(after(&POLICY, open, Sign::Well, now(), 0.5), Health::default());
        assert_eq!(after(&POLICY, open, Sign::Unknown, now(), 0.5), open);
    }

    #[test]
    fn an_attempt_that_began_before_it_opened_does_not_close_it() {
        let sign = Sign::Unwell {
            after: Some(Duration::from_secs(30)),
        };
        let later = |seconds| now().after(Duration::from_secs(seconds));
        let open = after(&POLICY, Health::default(), sign, later(1), 0.5);
        assert_eq!(open.opened, Some(later(1)));
        for began in [now(), later(1)] {
            assert_eq!(worth(open, Sign::Well, began), Sign::Unknown);
            assert_eq!(worth(open, sign, began), sign, "what it asks for is heard");
        }
        assert_eq!(worth(open, Sign::Well, later(31)), Sign::Well, "the trial");
        assert_eq!(worth(Health::default(), Sign::Well, now()), Sign::Well);
        // One that asks for more meanwhile counts from then on.
        let more = after(&POLICY, open, sign, later(5), 0.5);
        let known = (more.opened, more.open_until);
        assert_eq!(known, (Some(later(5)), Some(later(35))));
        assert_eq!(worth(more, Sign::Well, later(3)), Sign::Unknown);
    }

    #[test]
    fn a_destination_that_asks_for_a_pause_gets_it_at_once() {
        let sign = Sign::Unwell {
            after: Some(Duration::from_secs(30)),
        };
        let health = after(&POLICY, Health::default(), sign, now(), 0.5);
        assert_eq!(health.open_until, Some(now().after(Duration::from_secs(30))));
        assert_eq!(health.failures, 1);
        // Up to a day.
        for (asked, given) in [(7_200, 7_200), (365 * 86_400, 86_400)] {
            let sign = Sign::Unwell {
                after: Some(Duration::from_secs(asked)),
            };
            let health = after(&POLICY, Health::default(), sign, now(), 0.5);
            assert_eq!(health.open_until, Some(now().after(Duration::from_secs(given))));
        }
    }
}
