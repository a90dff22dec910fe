//! When the runs of a job begin: what its calendar says, after its delay, its blackout windows and its policies. Firing
//! ticks is left to the scheduler, which goes by the same rules; when a slot is free is known to nobody beforehand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::calendar::{Calendar, zone};
use crate::job::{Blackout, Job, MissedPolicy, OverlapPolicy};
use crate::timestamp::{Span, Timestamp};
use crate::upid::Upid;

/// Ticks looked at in all: a minute's ticks of a week.
const LOOKED_AT: usize = 10_080;

/// The blackout window that holds a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct HeldBy {
    /// Calendar expression of the window's beginnings, as the job has it.
    pub from: String,
    /// How long the window lasts.
    pub lasts: Span,
    /// When it ends; windows that touch count as one.
    pub until: Timestamp,
}

/// A run of a job that is to begin by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Run {
    /// When it begins, if a slot is free: `randomized-delay` and blackout windows are in it. Job and tick decide the
    /// delay, so that this is one time and no range.
    pub begins: Timestamp,
    /// The first tick of the schedule that it stands for; null for a retry and for a run after another job.
    pub due: Option<Timestamp>,
    /// How many ticks it stands for: those that come while it waits start no run of their own.
    pub ticks: u64,
    /// How many ticks before it are left out because of a blackout window, with `missed = "skip"`.
    pub left_out: u64,
    /// The blackout window that holds it; null when none does.
    pub held_by: Option<HeldBy>,
    /// The task that waits for that time already; null while there is none.
    pub upid: Option<Upid>,
}

/// The runs that are to come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs {
    /// The runs, soonest first.
    pub runs: Vec<Run>,
    /// How many ticks after the last of them were looked at and are left out because of a blackout window.
    pub left_out: u64,
}

impl Job {
    /// When a run begins that is asked for at `now` by `tick`, or by the job before it.
    pub fn begins(&self, tick: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let begins = tick.map_or(now, |tick| tick.after(self.delay(tick)));
        // The delay once more: jobs that one window holds do not all begin at its end.
        match self.blackout_at(begins.max(now)) {
            Some(end) => end.after(self.delay(tick.unwrap_or(end))),
            None => begins,
        }
    }

    /// The next runs after `now`, at most `count`, when every tick is fired at its time; none while the job is paused.
    /// `waiting` is the run that waits in the queue for its time.
    pub fn runs(&self, now: Timestamp, count: usize, waiting: Option<Run>) -> Runs {
        let mut found = Runs::default();
        if !self.enabled || count == 0 {
            return found;
        }
        let schedule = self.schedule.as_deref().map(Calendar::parse);
        let (Some(Ok(calendar)), Ok(zone)) = (schedule, zone(&self.timezone)) else {
            found.runs.extend(waiting);
            return found;
        };
        let mut waits = waiting;
        let mut dark_until = now;
        for tick in calendar.upcoming(now, &zone).take(LOOKED_AT) {
            if self.missed == MissedPolicy::Skip {
                if tick >= dark_until {
                    dark_until = self.blackout_at(tick).unwrap_or(tick);
                }
                if tick < dark_until {
                    found.left_out += 1;
                    continue;
                }
            }
            // A tick that comes while a run waits for its time is left out, or takes its place.
            match waits.as_mut().filter(|run| run.begins > tick) {
                Some(run) if self.overlap != OverlapPolicy::CancelOld => run.ticks += 1,
                Some(run) => {
                    *run = Run {
                        due: run.due,
                        ticks: run.ticks + 1,
                        left_out: run.left_out,
                        ..self.run_of(tick)
                    }
                }
                None => {
                    found.runs.extend(waits.take());
                    if found.runs.len() == count {
                        return found;
                    }
                    waits = Some(Run {
                        left_out: std::mem::take(&mut found.left_out),
                        ..self.run_of(tick)
                    });
                }
            }
        }
        found.runs.extend(waits);
        found
    }

    /// The run of one tick that is fired at its time.
    fn run_of(&self, tick: Timestamp) -> Run {
        let begins = self.begins(Some(tick), tick);
        let held_by = self.held_at(tick.after(self.delay(tick)));
        // The delay after one window may reach into another; then a worker leaves the run alone until that one ends.
        let again = self.held_at(begins);
        Run {
            begins: again.as_ref().map_or(begins, |held| held.until),
            due: Some(tick),
            ticks: 1,
            left_out: 0,
            held_by: again.or(held_by),
            upid: None,
        }
    }

    /// The blackout window in which `at` lies: the one that ends last, of those that the job has.
    pub fn held_at(&self, at: Timestamp) -> Option<HeldBy> {
        let until = self.blackout_at(at)?;
        let alone = |window: &&Blackout| {
            let only = Job {
                blackout: vec![(*window).clone()],
                ..self.clone()
            };
            only.blackout_at(at)
        };
        let window = self.blackout.iter().max_by_key(alone)?;
        Some(HeldBy {
            from: window.from.clone(),
            lasts: window.lasts,
            until,
        })
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

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// When runs begin after midnight, how many ticks each stands for, and how many were left out before it.
    fn said(job: &Job, count: usize) -> Vec<(String, u64, u64)> {
        let runs = job.runs(at("2026-05-21T00:00:00Z"), count, None).runs;
        let said = runs
            .into_iter()
            .map(|run| (run.begins.to_string(), run.ticks, run.left_out));
        said.collect()
    }

    const NIGHT: &str = r#""schedule": "hourly", "blackout": [{"from": "02:00", "lasts": "3h"}],"#;

    fn run(begins: &str, ticks: u64, left_out: u64) -> (String, u64, u64) {
        (format!("2026-05-{begins}:00Z"), ticks, left_out)
    }

    #[test]
    fn ticks_that_one_window_holds_are_one_run() {
        // The tick at the window's end comes when the run that waits may begin.
        let expected = [
            run("21T01:00", 1, 0),
            run("21T05:00", 3, 0),
            run("21T05:00", 1, 0),
            run("21T06:00", 1, 0),
        ];
        for policy in ["queue", "skip", "cancel-old"] {
            let job = job(&format!(r#"{NIGHT} "overlap": "{policy}","#));
            assert_eq!(said(&job, 4), expected, "{policy}");
        }
        let held = job(NIGHT).runs(at("2026-05-21T00:00:00Z"), 2, None).runs;
        assert_eq!(held[0].held_by, None);
        assert_eq!(held[1].due, Some(at("2026-05-21T02:00:00Z")));
        assert_eq!(
            held[1].held_by,
            Some(HeldBy {
                from: "02:00".to_owned(),
                lasts: "3h".parse().expect("a span"),
                until: at("2026-05-21T05:00:00Z"),
            })
        );
    }

    #[test]
    fn a_job_that_skips_what_it_misses_has_no_runs_in_the_dark() {
        let skips = job(&format!(r#"{NIGHT} "missed": "skip","#));
        assert_eq!(said(&skips, 2), [run("21T01:00", 1, 0), run("21T05:00", 1, 3)]);
        let never =
            job(r#""schedule": "02:30", "missed": "skip", "blackout": [{"from": "02:00", "lasts": "1h"}],"#);
        let runs = never.runs(at("2026-05-21T00:00:00Z"), 2, None);
        assert!(runs.runs.is_empty() && runs.left_out > 1_000, "{runs:?}");
    }

    #[test]
    fn a_delay_is_in_the_time_and_may_swallow_ticks() {
        let late = job(r#""schedule": "02:00", "randomized-delay": "10m","#);
        let tick = at("2026-05-21T02:00:00Z");
        let runs = late.runs(at("2026-05-21T00:00:00Z"), 1, None).runs;
        assert_eq!(runs[0].begins, tick.after(late.delay(tick)));
        assert!(runs[0].begins > tick && runs[0].held_by.is_none(), "{runs:?}");

        let slow = job(r#""schedule": "minutely", "randomized-delay": "1h","#);
        let runs = slow.runs(at("2026-05-21T00:00:00Z"), 20, None).runs;
        assert!(runs.iter().any(|run| run.ticks > 1), "{runs:?}");
        assert!(
            runs.is_sorted_by(|a, b| a.begins <= b.begins && a.due < b.due),
            "{runs:?}"
        );
    }

    #[test]
    fn what_waits_already_is_the_first_run() {
        let waiting = Run {
            begins: at("2026-05-21T05:00:00Z"),
            due: Some(at("2026-05-21T02:00:00Z")),
            ticks: 1,
            left_out: 0,
            held_by: None,
            upid: None,
        };
        let now = at("2026-05-21T03:30:00Z");
        let runs = job(NIGHT).runs(now, 2, Some(waiting.clone())).runs;
        assert_eq!((runs[0].begins, runs[0].ticks), (waiting.begins, 2));
        assert_eq!(runs[0].due, waiting.due);
        assert_eq!(runs[1].due, Some(at("2026-05-21T05:00:00Z")));
        // So it is with a retry of a job that no calendar starts.
        let retry = job("").runs(now, 2, Some(waiting.clone())).runs;
        assert_eq!(retry, std::slice::from_ref(&waiting));
        let paused = job(r#""enabled": false,"#).runs(now, 2, Some(waiting));
        assert_eq!(paused, Runs::default());
    }

    #[test]
    fn of_windows_that_touch_the_last_end_counts() {
        let job = job(
            r#""blackout": [{"from": "02:00", "lasts": "1h"}, {"from": "02:00", "lasts": "2h"},
            {"from": "04:00", "lasts": "1h"}],"#,
        );
        let held = job.held_at(at("2026-05-21T02:30:00Z")).expect("held");
        assert_eq!(held.until, at("2026-05-21T05:00:00Z"));
        assert_eq!(
            (held.from.as_str(), held.lasts.to_string()),
            ("02:00", "2h".to_owned())
        );
        assert_eq!(job.held_at(at("2026-05-21T01:30:00Z")), None);
    }
}
