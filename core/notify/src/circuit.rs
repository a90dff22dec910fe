//! A lane's circuit: after failures of the destination its messages wait, until a single trial gets through.
//!
//! Closed: messages flow. Open: none is tried before a time. When that has come, one message is the trial: if it gets
//! through, the circuit closes; if not, it opens again for twice as long. The ledger enforces this when it hands out
//! messages; what the circuit's next state is, is decided here.
//!
//! A destination that works, but says that it takes no more now, is not given all that waits as soon as a trial gets
//! through: its messages go one at a time, each some while after the one before. That while is halved whenever several got
//! through in a row, and doubled when it was too short, until it is so short that it is over.

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
    /// How gently it is gone with, after it said that it takes no more now.
    pub pace: Option<Pace>,
}

/// How gently a destination is gone with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The time between two messages.
    pub gap: Duration,
    /// Messages that got through since that is so.
    pub well: u32,
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
    /// It works, but takes no more now.
    Busy {
        /// How long it asks to be left alone.
        after: Duration,
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
        Sign::Well => eased(policy, health, now),
        Sign::Unknown => health,
        Sign::Unwell { after } => opened(policy, health, after, now, chance),
        Sign::Busy { after } => Health {
            pace: Some(slower(policy, health, after, now)),
            ..opened(policy, health, Some(after), now, chance)
        },
    }
}

/// Attempts that were under way when the circuit opened tell nothing new.
fn is_open(health: Health, now: Timestamp) -> bool {
    health.open_until.is_some_and(|until| until > now)
}

/// It failed, or asks for a pause.
fn opened(
    policy: &CircuitPolicy,
    health: Health,
    after: Option<Duration>,
    now: Timestamp,
    chance: f64,
) -> Health {
    let already_open = is_open(health, now);
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
        pace: health.pace,
    }
}

/// It takes less than it got.
fn slower(policy: &CircuitPolicy, health: Health, after: Duration, now: Timestamp) -> Pace {
    match health.pace {
        Some(pace) if is_open(health, now) => pace,
        Some(pace) => Pace {
            gap: (pace.gap * 2).min(after).max(pace.gap),
            well: 0,
        },
        None => Pace {
            gap: policy.first_gap.min(after).max(policy.least_gap),
            well: 0,
        },
    }
}

/// It took a message.
fn eased(policy: &CircuitPolicy, health: Health, now: Timestamp) -> Health {
    let Some(pace) = health.pace else {
        return Health::default();
    };
    let well = pace.well.saturating_add(1);
    let pace = match well < policy.ease_after {
        true => Pace { well, ..pace },
        false => Pace {
            gap: pace.gap / 2,
            well: 0,
        },
    };
    if pace.gap < policy.least_gap {
        return Health::default();
    }
    Health {
        failures: 0,
        open_until: Some(now.after(pace.gap)),
        opened: health.opened,
        pace: Some(pace),
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
        first_gap: Duration::from_secs(1),
        ease_after: 4,
        least_gap: Duration::from_millis(250),
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
            pace: None,
        };
        assert_eq!(unwell(open, now()), open);
    }

    #[test]
    fn an_answer_closes_it_and_an_attempt_that_asked_nobody_changes_nothing() {
        let open = Health {
            failures: 7,
            open_until: Some(now()),
            opened: Some(now().before(Duration::from_secs(300))),
            pace: None,
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

    fn busy(health: Health, after_seconds: u64, at: Timestamp) -> Health {
        let sign = Sign::Busy {
            after: Duration::from_secs(after_seconds),
        };
        after(&POLICY, health, sign, at, 0.5)
    }

    fn well(health: Health, at: Timestamp) -> Health {
        after(&POLICY, health, Sign::Well, at, 0.5)
    }

    #[test]
    fn a_destination_that_takes_no_more_now_gets_one_at_a_time_and_by_and_by_all() {
        let mut health = busy(Health::default(), 60, now());
        assert_eq!(health.open_until, Some(now().after(Duration::from_secs(60))));
        let mut gaps = Vec::new();
        while let Some(at) = health.open_until {
            gaps.push(health.pace.expect("a pace").gap.as_millis());
            health = well(health, at);
        }
        assert_eq!(health, Health::default());
        assert_eq!(gaps, [[1_000; 4], [500; 4], [250; 4]].concat());
    }

    #[test]
    fn what_was_too_fast_goes_half_as_fast_but_no_slower_than_it_asks() {
        let mut health = Health::default();
        let mut at = now();
        for gap in [1, 2, 4, 7, 7] {
            health = busy(health, 7, at);
            assert_eq!(
                health.pace.map(|pace| pace.gap),
                Some(Duration::from_secs(gap)),
                "{gap}"
            );
            // Those that were under way tell nothing new.
            assert_eq!(busy(health, 7, at), health);
            at = well(health, health.open_until.expect("open"))
                .open_until
                .expect("a gap");
            health = well(health, health.open_until.expect("open"));
        }
        // One that says less when it is asked late is not gone with faster for it.
        assert_eq!(
            busy(health, 1, at).pace.map(|pace| pace.gap),
            Some(Duration::from_secs(7))
        );
    }

    #[test]
    fn one_that_takes_none_at_all_is_left_alone_for_longer_and_longer() {
        let mut health = Health::default();
        let mut at = now();
        let mut waits = Vec::new();
        for _ in 0..10 {
            health = busy(health, 1, at);
            let until = health.open_until.expect("open");
            waits.push(until.since(at).as_secs());
            at = until;
        }
        assert_eq!(waits, [1, 1, 5, 10, 20, 40, 80, 160, 300, 300]);
    }

    /// A destination that takes one message a second, and else says that it takes the next in a second.
    #[test]
    fn thirty_messages_to_one_that_takes_one_a_second_take_about_half_a_minute() {
        let (mut health, mut at) = (Health::default(), now());
        let (mut taken, mut refused, mut last) = (0, 0, None::<Timestamp>);
        // Eight at once, as nothing is known yet.
        taken += 1;
        last.replace(at);
        for _ in 0..7 {
            health = busy(health, 1, at);
            refused += 1;
        }
        while taken < 30 {
            at = health.open_until.unwrap_or(at).max(at);
            if last.is_none_or(|last| at.since(last) >= Duration::from_secs(1)) {
                taken += 1;
                last = Some(at);
                health = well(health, at);
            } else {
                refused += 1;
                health = busy(health, 1, at);
            }
        }
        assert!(
            at.since(now()) <= Duration::from_secs(45),
            "{}",
            at.since(now()).as_secs()
        );
        assert!(refused <= 16, "{refused}");
    }
}
