//! Which tick of one job is due: a plain function of the calendar, the cursor and the time.

use std::time::Duration;

use ironcore_types::Timestamp;
use ironcore_types::objects::MissedPolicy;

/// Ticks counted at most in one look; a job that missed more is said to have missed this many.
const COUNTED: u64 = 10_000;

/// The tick to fire, and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// The newest tick that is not in the future.
    pub(crate) scheduled_for: Timestamp,
    /// Ticks up to and with it that did not start in time.
    pub(crate) missed: u64,
    /// Whether it is one of them.
    pub(crate) late: bool,
    /// Whether to run the job.
    pub(crate) run: bool,
}

/// What to do now and when to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The tick to fire now.
    pub(crate) due: Option<Due>,
    /// The first tick after now.
    pub(crate) next: Option<Timestamp>,
}

/// Decides for one job. `next_after` is its calendar; ticks up to `cursor` were looked at before. `to_begin` says when the
/// run of a tick is to begin, which may be later than the tick; none when the job leaves it out by its own rules, so that
/// nobody misses it.
pub(crate) fn decide(
    next_after: impl Fn(Timestamp) -> Option<Timestamp>,
    to_begin: impl Fn(Timestamp) -> Option<Timestamp>,
    cursor: Timestamp,
    now: Timestamp,
    grace: Duration,
    policy: MissedPolicy,
) -> Decision {
    let mut ticks = 0;
    // When the runs of these were to begin, the newest last.
    let mut begins: Vec<Option<Timestamp>> = Vec::new();
    let mut newest = None;
    let mut at = cursor;
    let mut next = None;
    while let Some(tick) = next_after(at) {
        if tick > now {
            next = Some(tick);
            break;
        }
        if ticks == COUNTED {
            // So many passed that counting them all would take long: jump close to now.
            at = at.max(now.before(grace.max(Duration::from_secs(3600))));
            ticks += 1;
            continue;
        }
        ticks = (ticks + 1).min(COUNTED + 1);
        begins.push(to_begin(tick));
        newest = Some(tick);
        at = tick;
    }
    let due = newest.map(|scheduled_for| {
        let own = begins.pop().flatten();
        let late = own.is_some_and(|begins| now.since(begins) > grace);
        // A run that would still wait when the newest comes stands for both; others are not made any more.
        let passed = begins.iter().flatten().filter(|begins| **begins < scheduled_for);
        let passed = u64::try_from(passed.count()).unwrap_or(COUNTED);
        let passed = if ticks > COUNTED && passed > 0 {
            COUNTED
        } else {
            passed
        };
        Due {
            scheduled_for,
            missed: passed.saturating_add(u64::from(late)).min(COUNTED),
            late,
            run: !late || policy == MissedPolicy::RunOnce,
        }
    });
    Decision { due, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;

    fn hourly(after: Timestamp) -> Option<Timestamp> {
        Some(Timestamp::from_seconds(
            (after.as_seconds().div_euclid(HOUR) + 1) * HOUR,
        ))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn run(cursor: i64, now: i64, policy: MissedPolicy) -> Decision {
        decide(hourly, Some, at(cursor), at(now), Duration::from_secs(60), policy)
    }

    #[test]
    fn nothing_before_its_time() {
        let decision = run(0, HOUR - 1, MissedPolicy::RunOnce);
        assert_eq!(
            decision,
            Decision {
                due: None,
                next: Some(at(HOUR))
            }
        );
    }

    #[test]
    fn a_tick_on_time_is_no_miss() {
        let decision = run(0, HOUR + 30, MissedPolicy::Skip);
        assert_eq!(
            decision.due,
            Some(Due {
                scheduled_for: at(HOUR),
                missed: 0,
                late: false,
                run: true
            })
        );
        assert_eq!(decision.next, Some(at(2 * HOUR)));
    }

    #[test]
    fn missed_ticks_collapse_by_policy() {
        let now = 5 * HOUR + 600;
        let due = |policy| run(0, now, policy).due.expect("due");
        assert_eq!(
            due(MissedPolicy::RunOnce),
            Due {
                scheduled_for: at(5 * HOUR),
                missed: 5,
                late: true,
                run: true
            }
        );
        assert_eq!(
            due(MissedPolicy::Skip),
            Due {
                scheduled_for: at(5 * HOUR),
                missed: 5,
                late: true,
                run: false
            }
        );
        // The newest is still on time: it runs whatever the policy, and only the others were missed.
        let decision = run(0, 5 * HOUR, MissedPolicy::Skip);
        assert_eq!(
            decision.due,
            Some(Due {
                scheduled_for: at(5 * HOUR),
                missed: 4,
                late: false,
                run: true
            })
        );
    }

    #[test]
    fn what_is_to_begin_later_is_late_later_and_what_is_left_out_is_not_missed() {
        let look = |to_begin: &dyn Fn(Timestamp) -> Option<Timestamp>, now, policy| {
            let grace = Duration::from_secs(60);
            let due = decide(hourly, to_begin, at(0), at(now), grace, policy).due;
            due.map(|due| (due.missed, due.late, due.run))
        };
        // Held until the fifth hour.
        let held = |tick: Timestamp| Some(tick.max(at(5 * HOUR)));
        let now = 4 * HOUR + 600;
        assert_eq!(look(&held, now, MissedPolicy::Skip), Some((0, false, true)));
        assert_eq!(
            look(&held, 5 * HOUR + 61, MissedPolicy::Skip),
            Some((1, true, false)),
            "one run stood for all five"
        );
        // Left out from the second to the fourth.
        let dark = |tick: Timestamp| (tick < at(2 * HOUR)).then_some(tick);
        assert_eq!(look(&dark, now, MissedPolicy::Skip), Some((1, false, true)));
    }

    #[test]
    fn a_clock_set_back_fires_nothing_twice() {
        let decision = run(10 * HOUR, 8 * HOUR, MissedPolicy::RunOnce);
        assert_eq!(
            decision,
            Decision {
                due: None,
                next: Some(at(11 * HOUR))
            }
        );
    }

    #[test]
    fn a_very_long_absence_is_counted_up_to_a_bound() {
        let years = 20 * 365 * 24 * HOUR;
        let due = run(0, years + 5, MissedPolicy::RunOnce).due.expect("due");
        assert_eq!(
            due,
            Due {
                scheduled_for: at(years),
                missed: COUNTED,
                late: false,
                run: true
            }
        );
    }
}
