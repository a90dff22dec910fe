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
}

/// What the tick does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// A run is enqueued.
    Run,
    /// A run is enqueued, and these are cancelled.
    Cancel(Vec<Upid>),
    /// No run is enqueued, for this reason.
    LeaveOut(ErrorData),
}

/// What a tick of `job` does at `now` with these runs open. What a person started is never cancelled by a tick.
pub(crate) fn overlap(job: &Job, open: &[OpenRun], now: Timestamp) -> Overlap {
    let leave_out = |code, message: String| Overlap::LeaveOut(ErrorData { code, message });
    if job.missed == MissedPolicy::Skip
        && let Some(until) = job.blackout_at(now)
    {
        let message = format!("it fell into a blackout window that lasts until {until}");
        return leave_out(ErrorCode::JobBlackout, message);
    }
    let Some(first) = open.first() else {
        return Overlap::Run;
    };
    match job.overlap {
        OverlapPolicy::Skip => {
            let what = if first.queued {
                "still waits"
            } else {
                "still goes on"
            };
            leave_out(
                ErrorCode::JobOverlap,
                format!("the run before it {what} ({})", first.upid),
            )
        }
        OverlapPolicy::Queue => match open.iter().find(|run| run.queued && run.automatic) {
            Some(waits) => leave_out(
                ErrorCode::JobOverlap,
                format!("another run of the job waits already ({})", waits.upid),
            ),
            None => Overlap::Run,
        },
        OverlapPolicy::CancelOld => {
            let old = open.iter().filter(|run| run.automatic);
            Overlap::Cancel(old.map(|run| run.upid.clone()).collect())
        }
    }
}

#[cfg(test)]
mod tests {
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
        }
    }

    fn now() -> Timestamp {
        "2026-05-21T10:00:00Z".parse().expect("a time")
    }

    fn code(overlap: &Overlap) -> Option<ErrorCode> {
        match overlap {
            Overlap::LeaveOut(error) => Some(error.code),
            _ => None,
        }
    }

    #[test]
    fn a_job_with_nothing_open_runs_whatever_the_policy() {
        for policy in ["skip", "queue", "cancel-old"] {
            let job = job(&format!(r#""overlap": "{policy}","#));
            assert_eq!(overlap(&job, &[], now()), Overlap::Run);
        }
    }

    #[test]
    fn skip_leaves_a_run_out_while_one_waits_or_goes_on() {
        let job = job(r#""overlap": "skip","#);
        for queued in [true, false] {
            let left = overlap(&job, &[run(queued, true)], now());
            assert_eq!(code(&left), Some(ErrorCode::JobOverlap));
        }
    }

    #[test]
    fn queue_lets_one_run_wait_and_no_more() {
        let job = job("");
        assert_eq!(overlap(&job, &[run(false, true)], now()), Overlap::Run);
        let left = overlap(&job, &[run(false, true), run(true, true)], now());
        assert_eq!(code(&left), Some(ErrorCode::JobOverlap));
        // What a person started is no reason to leave out what is due.
        assert_eq!(overlap(&job, &[run(true, false)], now()), Overlap::Run);
    }

    #[test]
    fn cancel_old_ends_what_the_hub_started() {
        let job = job(r#""overlap": "cancel-old","#);
        let done = overlap(&job, &[run(false, true), run(true, false)], now());
        assert_eq!(done, Overlap::Cancel(vec![run(false, true).upid]));
    }

    #[test]
    fn a_job_that_skips_what_it_misses_skips_blackout_windows_too() {
        let dark = r#""blackout": [{"from": "08:00", "lasts": "10h"}],"#;
        assert_eq!(
            overlap(&job(dark), &[], now()),
            Overlap::Run,
            "it waits for the window's end"
        );
        let skips = job(&format!(r#"{dark} "missed": "skip","#));
        assert_eq!(code(&overlap(&skips, &[], now())), Some(ErrorCode::JobBlackout));
    }
}
