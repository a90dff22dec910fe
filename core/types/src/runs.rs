//! When the runs of a job begin: what its calendar says, after its delay, its blackout windows and its policies. Firing
//! ticks is left to the scheduler, which goes by the same rules; when a slot is free is known to nobody beforehand.

use std::time::Duration;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::blackout::{FOLLOWED, Windows};
use crate::calendar::{Calendar, zone};
use crate::job::{Job, MissedPolicy};
use crate::timestamp::{Span, Timestamp};
use crate::upid::Upid;

/// Ticks and windows looked at for one run: a minute's ticks of a week, the nights of 27 years.
const LOOKED_AT: usize = 10_080;
/// Ticks counted for one run; of more it is only known that they were so many.
const COUNTED: u64 = 10_000;

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
    /// How many ticks it stands for, counted up to 10,000: those that come while it waits start no run of their own.
    pub ticks: u64,
    /// How many ticks before it are left out because of a blackout window, with `missed = "skip"`; counted up to 10,000.
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
    /// Whether nothing begins after the last of them, because the blackout windows do not end as far as can be seen.
    pub endless: bool,
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

    /// When the run of `tick` is to begin, whether or not somebody is there to begin it; none when the job leaves it out, for it
    /// lies in a blackout window.
    pub fn to_begin(&self, tick: Timestamp) -> Option<Timestamp> {
        let left_out = self.missed == MissedPolicy::Skip && self.blackout_at(tick).is_some();
        (!left_out).then(|| self.begins(Some(tick), tick))
    }

    /// The blackout window that a run waits for which was asked for at `asked`, by `tick` or by something else, and may not
    /// begin before `not_before`. None when it waits for its own delay only.
    pub fn holder(&self, tick: Option<Timestamp>, asked: Timestamp, not_before: Timestamp) -> Option<HeldBy> {
        let own = tick.map(|tick| tick.after(self.delay(tick)));
        if let Some(held) = self.held_at(not_before) {
            return Some(held);
        }
        if own == Some(not_before) {
            return None;
        }
        let within = not_before.before(Duration::from_micros(1));
        self.held_at(own.map_or(asked, |own| own.max(asked)))
            .filter(|held| held.until <= not_before)
            .or_else(|| self.held_at(within))
    }

    /// The next runs after `now`, at most `count`, when every tick is fired at its time; none while the job is paused.
    /// `waiting` is the run that waits in the queue for its time.
    pub fn runs(&self, now: Timestamp, count: usize, waiting: Option<Run>) -> Runs {
        let mut found = Runs::default();
        if !self.enabled || count == 0 {
            return found;
        }
        let windows = Windows::of(self);
        // The queue may know an end after which other windows follow.
        let mut waits = match waiting.map(|run| run.in_the_light(&windows)) {
            Some(None) => {
                found.endless = true;
                return found;
            }
            waits => waits.flatten(),
        };
        let schedule = self.schedule.as_deref().map(Calendar::parse);
        let (Some(Ok(calendar)), Ok(zone)) = (schedule, zone(&self.timezone)) else {
            found.runs.extend(waits);
            return found;
        };
        if let Some(run) = waits.as_mut()
            && let Some(due) = run.due.filter(|due| *due < now)
        {
            // It goes on to stand for the ticks that came since.
            let mut since = Ticks::new(&calendar, &zone, due);
            run.ticks = since.pass(due, now.after(Duration::from_micros(1)));
        }
        let mut ticks = Ticks::new(&calendar, &zone, now);
        while let Some(tick) = ticks.next() {
            if self.missed == MissedPolicy::Skip
                && let Some(dark) = windows.dark(tick, FOLLOWED)
            {
                found.left_out += ticks.pass(tick, dark.until);
                if !dark.ends {
                    found.endless = true;
                    break;
                }
                continue;
            }
            // A tick that comes while a run waits for its time, or when that has come, is left out: one run stands for both.
            match waits.as_mut().filter(|run| run.begins >= tick) {
                Some(run) => run.ticks += ticks.pass(tick, run.begins),
                None => {
                    found.runs.extend(waits.take());
                    if found.runs.len() == count {
                        return found;
                    }
                    let Some(run) = self.run_of(tick, &windows) else {
                        found.endless = true;
                        break;
                    };
                    waits = Some(Run {
                        left_out: std::mem::take(&mut found.left_out),
                        ..run
                    });
                    ticks.anew();
                }
            }
        }
        found.runs.extend(waits);
        found
    }

    /// The run of one tick that is fired at its time; none when it falls into windows that do not end.
    fn run_of(&self, tick: Timestamp, windows: &Windows<'_>) -> Option<Run> {
        let (held_by, ends) = held(windows, tick.after(self.delay(tick))).unzip();
        if ends == Some(false) {
            return None;
        }
        let run = Run {
            begins: self.begins(Some(tick), tick),
            due: Some(tick),
            ticks: 1,
            left_out: 0,
            held_by,
            upid: None,
        };
        run.in_the_light(windows)
    }

    /// The blackout window in which `at` lies: the one that ends last, of those that the job has.
    pub fn held_at(&self, at: Timestamp) -> Option<HeldBy> {
        held(&Windows::of(self), at).map(|(held, _)| held)
    }
}

impl Run {
    /// The run as it begins: the delay after one window, or the end of one that the queue knows, may reach into another;
    /// then a worker leaves the run alone until that one ends. None when none of them ends.
    fn in_the_light(self, windows: &Windows<'_>) -> Option<Self> {
        match held(windows, self.begins) {
            None => Some(self),
            Some((_, false)) => None,
            Some((held, true)) => Some(Self {
                begins: held.until,
                held_by: Some(held),
                ..self
            }),
        }
    }
}

/// The window in which `at` lies, and whether it ends.
fn held(windows: &Windows<'_>, at: Timestamp) -> Option<(HeldBy, bool)> {
    let dark = windows.dark(at, FOLLOWED)?;
    let window = windows.longest(at)?;
    let held = HeldBy {
        from: window.from.clone(),
        lasts: window.lasts,
        until: dark.until,
    };
    Some((held, dark.ends))
}

/// A walk over the ticks of a schedule that passes whole windows, so that it comes to an end however many ticks lie in
/// them.
struct Ticks<'a> {
    calendar: &'a Calendar,
    zone: &'a TimeZone,
    /// The tick it has come to.
    at: Timestamp,
    /// Ticks and windows that may still be looked at for the next run.
    looks: usize,
    /// Ticks that may still be counted one by one.
    counts: u64,
}

impl<'a> Ticks<'a> {
    fn new(calendar: &'a Calendar, zone: &'a TimeZone, after: Timestamp) -> Self {
        Self {
            calendar,
            zone,
            at: after,
            looks: LOOKED_AT,
            counts: COUNTED,
        }
    }

    /// The next tick.
    fn next(&mut self) -> Option<Timestamp> {
        self.looks = self.looks.checked_sub(1)?;
        self.at = self.calendar.next_after(self.at, self.zone)?;
        Some(self.at)
    }

    /// Goes on to the last tick before `end`; how many those are from `tick` on, as far as they are counted.
    fn pass(&mut self, tick: Timestamp, end: Timestamp) -> u64 {
        let before = end.before(Duration::from_micros(1));
        let mut passed = u64::from(self.counts > 0);
        self.counts -= passed;
        self.at = tick;
        while self.counts > 0 {
            match self.calendar.next_after(self.at, self.zone) {
                Some(next) if next <= before => self.at = next,
                _ => return passed,
            }
            self.counts -= 1;
            passed += 1;
        }
        let last = self.calendar.last_between(self.at, before, self.zone);
        self.at = last.unwrap_or(self.at);
        passed
    }

    /// A run was found: the next one may be as far away.
    fn anew(&mut self) {
        (self.looks, self.counts) = (LOOKED_AT, COUNTED);
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
            run("21T05:00", 4, 0),
            run("21T06:00", 1, 0),
            run("21T07:00", 1, 0),
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
        assert_eq!((runs[0].begins, runs[0].ticks), (waiting.begins, 4));
        assert_eq!(runs[0].due, waiting.due);
        assert_eq!(runs[1].due, Some(at("2026-05-21T06:00:00Z")));
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

    #[test]
    fn a_window_of_weeks_cuts_nothing_short() {
        // 40,320 minutes lie in it, more than are counted.
        let weeks = r#""schedule": "minutely", "blackout": [{"from": "2026-05-21 00:00", "lasts": "28d"}],"#;
        let end = "2026-06-18T00:00:00Z";
        for policy in ["queue", "skip", "cancel-old"] {
            let job = job(&format!(r#"{weeks} "overlap": "{policy}","#));
            let runs = job.runs(at("2026-05-20T23:58:30Z"), 4, None).runs;
            let begins: Vec<String> = runs.iter().map(|run| run.begins.to_string()).collect();
            let after = [end, "2026-06-18T00:01:00Z", "2026-06-18T00:02:00Z"];
            assert_eq!(begins[0], "2026-05-20T23:59:00Z", "{policy}");
            assert_eq!(begins[1..], after, "{policy}");
            assert_eq!(runs[1].ticks, COUNTED + 1, "{policy}");
        }
        let skips = job(&format!(r#"{weeks} "missed": "skip","#));
        let runs = skips.runs(at("2026-05-21T00:00:00Z"), 2, None).runs;
        assert_eq!((runs[0].begins, runs[0].left_out), (at(end), COUNTED));
        assert_eq!(
            (runs[1].begins, runs[1].left_out),
            (at("2026-06-18T00:01:00Z"), 0)
        );
    }

    #[test]
    fn windows_that_follow_each_other_hold_until_the_last_ends() {
        // Monday to Saturday each by itself, and an hour of the Sunday that comes with the delay.
        let week = job(r#""schedule": "02:30", "randomized-delay": "10m",
               "blackout": [{"from": "mon..sat 00:00", "lasts": "1d"}, {"from": "sun 00:00", "lasts": "1h"}],"#);
        let runs = week.runs(at("2026-05-20T00:00:00Z"), 4, None).runs;
        // The 24th is a Sunday: what waits since Wednesday, and its own.
        for (run, day) in runs.iter().zip(["24", "24", "31", "31"]) {
            let begins = run.begins.to_string();
            assert!(begins.starts_with(&format!("2026-05-{day}T0")), "{runs:#?}");
            assert_eq!(week.blackout_at(run.begins), None, "{run:?}");
        }
        assert_eq!((runs[0].ticks, runs[1].ticks, runs[2].ticks), (4, 1, 6));
        let skips = Job {
            missed: MissedPolicy::Skip,
            ..week
        };
        let runs = skips.runs(at("2026-05-20T00:00:00Z"), 2, None).runs;
        assert_eq!((runs[0].left_out, runs[1].left_out), (4, 6), "{runs:#?}");
    }

    #[test]
    fn no_run_begins_inside_a_window_however_many_follow() {
        // Every minute of four weeks is a window of its own.
        let job = job(r#""schedule": "2026-05-21..22 06:00",
               "blackout": [{"from": "2026-05-21..31 *:*", "lasts": "1m"}, {"from": "2026-06-1..17 *:*", "lasts": "1m"}],"#);
        let runs = job.runs(at("2026-05-21T00:00:00Z"), 5, None);
        assert_eq!(runs.runs.len(), 1, "{runs:#?}");
        let run = &runs.runs[0];
        assert_eq!((run.begins, run.ticks), (at("2026-06-18T00:00:00Z"), 2));
        // What the queue knows is not the end of them either.
        let waiting = Run {
            begins: at("2026-05-21T22:40:00Z"),
            ..run.clone()
        };
        let runs = job.runs(at("2026-05-21T07:00:00Z"), 1, Some(waiting)).runs;
        assert_eq!(runs[0].begins, at("2026-06-18T00:00:00Z"));
    }

    #[test]
    fn windows_that_never_end_are_said_to() {
        let dark = r#""schedule": "02:30", "blackout": [{"from": "hourly", "lasts": "1h"}],"#;
        for missed in ["run-once", "skip"] {
            let job = job(&format!(r#"{dark} "missed": "{missed}","#));
            let runs = job.runs(at("2026-05-21T00:00:00Z"), 3, None);
            assert!(runs.runs.is_empty() && runs.endless, "{missed}: {runs:?}");
        }
    }
}
