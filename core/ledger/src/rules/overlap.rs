//! What a tick does while earlier runs of its job wait or go on, and in the job's blackout windows: a plain function.

use ironcore_types::event::ErrorData;
use ironcore_types::objects::{Job, MissedPolicy, OverlapPolicy};
use ironcore_types::{ErrorCode, Timestamp, Upid, UserId};

use crate::error::{LedgerError, Result};

/// Who cancels a run for the next one of its job: nobody, but a name must stand there.
pub(crate) const HUB: &str = "hub@system";

/// [`HUB`] as a user.
pub(crate) fn by_the_hub() -> Result<UserId> {
    HUB.parse()
        .map_err(|error| LedgerError::row("the hub's own name", error))
}

/// A run that waits or goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenRun {
    pub(crate) upid: Upid,
    /// It waits; else it goes on.
    pub(crate) queued: bool,
    /// The hub started it by itself.
    pub(crate) automatic: bool,
    /// It is a further attempt.
    pub(crate) retry: bool,
    /// Not to begin before.
    pub(crate) not_before: Option<Timestamp>,
    /// Its tick, or that of the run that it tries again; none for a run after another job.
    pub(crate) tick: Option<Timestamp>,
    /// Since when it is queued.
    pub(crate) since: Timestamp,
}

impl OpenRun {
    /// Until when a run waits for its time that was due before `tick`: for the end of a blackout window, or of its delay.
    fn waits_until(&self, tick: Timestamp) -> Option<Timestamp> {
        let waits = self.queued && self.automatic && !self.retry;
        self.not_before.filter(|at| waits && *at >= tick)
    }
}

/// What the tick does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// A run is enqueued.
    Run,
    /// A run is enqueued, and these are cancelled.
    Cancel(Vec<Upid>),
    /// No run is enqueued, for this reason.
    LeaveOut {
        why: ErrorData,
        /// As the job's blackout windows and delay want it: nothing is lost by it.
        expected: bool,
    },
}

/// What `tick` of `job` does at `now` with these runs open. What a person started is never cancelled by a tick.
pub(crate) fn overlap(job: &Job, open: &[OpenRun], tick: Timestamp, now: Timestamp) -> Overlap {
    let leave_out = |code, message: String, expected| Overlap::LeaveOut {
        why: ErrorData { code, message },
        expected,
    };
    let dark = job.blackout_at(tick);
    if job.missed == MissedPolicy::Skip
        && let Some(until) = dark
    {
        let message = format!("it fell into a blackout window that lasts until {until}");
        return leave_out(ErrorCode::JobBlackout, message, true);
    }
    let Some(first) = open.first() else {
        return Overlap::Run;
    };
    // One run stands for all ticks that come before it may begin, whatever the policy.
    let waits = open.iter().find_map(|run| Some((run, run.waits_until(tick)?)));
    if let Some((run, until)) = waits {
        let held = job.holder(run.tick, run.since, until).is_some();
        let (code, what) = match held {
            true => (ErrorCode::JobBlackout, "for the end of a blackout window"),
            false => (ErrorCode::JobOverlap, "for its time"),
        };
        let message = format!("the run that waits {what} stands for it ({})", run.upid);
        return leave_out(code, message, true);
    }
    match job.overlap {
        OverlapPolicy::Skip => {
            let what = if first.queued {
                "still waits"
            } else {
                "still goes on"
            };
            let message = format!("the run before it {what} ({})", first.upid);
            leave_out(ErrorCode::JobOverlap, message, false)
        }
        OverlapPolicy::Queue => match open.iter().find(|run| run.queued && run.automatic) {
            Some(waits) => {
                let message = format!("another run of the job waits already ({})", waits.upid);
                leave_out(ErrorCode::JobOverlap, message, false)
            }
            None => Overlap::Run,
        },
        OverlapPolicy::CancelOld => {
            // One that may not begin yet takes no other's place before it may: `supersede` does that then.
            let at_once = job.begins(Some(tick), now) <= now;
            let old = open.iter().filter(|run| run.automatic && at_once);
            Overlap::Cancel(old.map(|run| run.upid.clone()).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn job(more: &str) -> Job {
        let text = format!(
            r#"{{"project": "acme", "name": "daily", "owner": "root@local", {more}
                "task": {{"type": "gc", "datastore": "ibs-primary"}}}}"#
        );
        serde_json::from_str(&text).expect("a job")
    }

    fn run(queued: bool, automatic: bool) -> OpenRun {
        OpenRun {
            upid: "UPID:alpha:00000001:00000001:00000001:6A0E4B80:gc:ibs\\x2dprimary:root@local:"
                .parse()
                .expect("a UPID"),
            queued,
            automatic,
            retry: false,
            not_before: None,
            tick: Some(now().before(Duration::from_secs(60))),
            since: now(),
        }
    }

    fn now() -> Timestamp {
        "2026-05-21T10:00:00Z".parse().expect("a time")
    }

    fn code(overlap: &Overlap) -> Option<ErrorCode> {
        match overlap {
            Overlap::LeaveOut { why, .. } => Some(why.code),
            _ => None,
        }
    }

    #[test]
    fn a_job_with_nothing_open_runs_whatever_the_policy() {
        for policy in ["skip", "queue", "cancel-old"] {
            let job = job(&format!(r#""overlap": "{policy}","#));
            assert_eq!(overlap(&job, &[], now(), now()), Overlap::Run);
        }
    }

    #[test]
    fn skip_leaves_a_run_out_while_one_waits_or_goes_on() {
        let job = job(r#""overlap": "skip","#);
        for queued in [true, false] {
            let left = overlap(&job, &[run(queued, true)], now(), now());
            assert_eq!(code(&left), Some(ErrorCode::JobOverlap));
        }
    }

    #[test]
    fn queue_lets_one_run_wait_and_no_more() {
        let job = job("");
        assert_eq!(overlap(&job, &[run(false, true)], now(), now()), Overlap::Run);
        let left = overlap(&job, &[run(false, true), run(true, true)], now(), now());
        assert_eq!(code(&left), Some(ErrorCode::JobOverlap));
        // What a person started is no reason to leave out what is due.
        assert_eq!(overlap(&job, &[run(true, false)], now(), now()), Overlap::Run);
    }

    #[test]
    fn cancel_old_ends_what_the_hub_started() {
        let job = job(r#""overlap": "cancel-old","#);
        let done = overlap(&job, &[run(false, true), run(true, false)], now(), now());
        assert_eq!(done, Overlap::Cancel(vec![run(false, true).upid]));
    }

    #[test]
    fn a_run_that_waits_for_its_time_stands_for_what_comes_meanwhile() {
        let dark = r#""blackout": [{"from": "08:00", "lasts": "10h"}],"#;
        let end: Timestamp = "2026-05-21T18:00:00Z".parse().expect("a time");
        let waits = OpenRun {
            not_before: Some(end),
            ..run(true, true)
        };
        for policy in ["skip", "queue", "cancel-old"] {
            let job = job(&format!(r#"{dark} "overlap": "{policy}","#));
            for tick in [now(), end] {
                let left = overlap(&job, std::slice::from_ref(&waits), tick, tick);
                let expected = matches!(left, Overlap::LeaveOut { expected: true, .. });
                assert!(
                    expected && code(&left) == Some(ErrorCode::JobBlackout),
                    "{policy}: {left:?}"
                );
            }
        }
        // A further attempt has a time of its own: the next run takes its place, as soon as it may begin.
        let retry = OpenRun { retry: true, ..waits };
        let cases = [("", vec![retry.upid.clone()]), (dark, Vec::new())];
        for (dark, cancelled) in cases {
            let job = job(&format!(r#"{dark} "overlap": "cancel-old","#));
            let done = overlap(&job, std::slice::from_ref(&retry), now(), now());
            assert_eq!(done, Overlap::Cancel(cancelled));
        }
    }

    #[test]
    fn a_run_that_waits_for_its_delay_is_held_by_no_window() {
        // A window lies around the tick, and is over when the delay is; the run was asked for before it began.
        let tick = now().before(Duration::from_secs(60));
        let job = job(r#""randomized-delay": "2h", "blackout": [{"from": "09:59:30", "lasts": "1m"}],"#);
        let waits = OpenRun {
            not_before: Some(tick.after(job.delay(tick))),
            since: tick,
            ..run(true, true)
        };
        let left = overlap(&job, &[waits], now(), now());
        assert_eq!(code(&left), Some(ErrorCode::JobOverlap), "{left:?}");
    }

    #[test]
    fn what_may_not_begin_yet_cancels_nothing_that_goes_on() {
        let dark = job(r#""blackout": [{"from": "08:00", "lasts": "10h"}], "overlap": "cancel-old","#);
        let done = overlap(&dark, &[run(false, true)], now(), now());
        assert_eq!(done, Overlap::Cancel(Vec::new()));
    }

    #[test]
    fn a_job_that_skips_what_it_misses_skips_blackout_windows_too() {
        let dark = r#""blackout": [{"from": "08:00", "lasts": "10h"}],"#;
        assert_eq!(
            overlap(&job(dark), &[], now(), now()),
            Overlap::Run,
            "it waits for the window's end"
        );
        let skips = job(&format!(r#"{dark} "missed": "skip","#));
        assert_eq!(
            code(&overlap(&skips, &[], now(), now())),
            Some(ErrorCode::JobBlackout)
        );
    }
}
