//! How fast a stage goes, and when it will be done: plain functions of what it reported so far. Waiting and writing are
//! left to others.

use std::collections::VecDeque;
use std::time::Duration;

use ironcore_types::Moment;
use ironcore_types::progress::Stage;

/// What "of late" means for a rate.
const LATE: Duration = Duration::from_secs(10);
/// Samples of late are at least so far apart.
const APART: Duration = Duration::from_millis(250);
/// Samples kept of the whole stage; when there are more, every other one goes.
const KEPT: usize = 128;
/// Before this part is done nothing is said about the end.
const FIRST_PART: f64 = 0.2;
/// How far the second half of the time may go from the whole for the work to count as steady.
const STEADY: f64 = 0.2;

/// What was done at a time.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Moment,
    bytes: u64,
    /// The part of all that is done, from 0 to 1; 0 while it is not known what all is.
    part: f64,
}

/// The course of one stage.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Of the whole stage, ever further apart.
    whole: Vec<Sample>,
    spacing: Duration,
    /// Of the last [`LATE`].
    late: VecDeque<Sample>,
    /// When the stage last reported anything.
    heard: Option<Moment>,
}

impl Pace {
    /// Takes note of where the stage is at `now`.
    pub(crate) fn note(&mut self, stage: &Stage, now: Moment) {
        let sample = Sample {
            at: now,
            bytes: stage.bytes,
            part: part(stage),
        };
        self.heard = Some(now);
        let far = |last: Option<&Sample>, least| last.is_none_or(|last| now.since(last.at) >= least);
        if far(self.whole.last(), self.spacing) {
            self.whole.push(sample);
            if self.whole.len() > KEPT {
                let mut at = 0;
                self.whole.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                self.spacing = (self.spacing * 2).max(Duration::from_millis(50));
            }
        }
        if far(self.late.back(), APART) {
            self.late.push_back(sample);
        }
        self.forget(now);
    }

    /// Keeps of the late samples one that is older than [`LATE`], from which the rate is counted.
    fn forget(&mut self, now: Moment) {
        while self.late.len() > 1 && now.since(self.late[1].at) >= LATE {
            self.late.pop_front();
        }
    }

    /// Bytes a second of late. None while there is nothing to tell it from.
    pub(crate) fn rate(&mut self, stage: &Stage, now: Moment) -> Option<u64> {
        self.forget(now);
        let first = self.late.front()?;
        if self.heard.is_some_and(|heard| now.since(heard) >= LATE) {
            return Some(0);
        }
        per_second(stage.bytes.saturating_sub(first.bytes), now.since(first.at))
    }

    /// In how long the stage will be done. None while that cannot be told: it is not known how much there is, too little of
    /// it is done, or the work does not go steadily.
    pub(crate) fn eta(&self, stage: &Stage, now: Moment) -> Option<Duration> {
        let first = self.whole.first()?;
        let (done, took) = (part(stage), now.since(first.at).as_secs_f64());
        let whole = done - first.part;
        if !(FIRST_PART..=1.0).contains(&done) || whole <= 0.0 || took <= 0.0 {
            return None;
        }
        let middle = first.at.after(Duration::from_secs_f64(took / 2.0));
        let second_half = (done - self.part_at(middle, stage, now)) / (took / 2.0);
        let average = whole / took;
        // Work that has just become slower or faster shows in the last quarter.
        let late = first.at.after(Duration::from_secs_f64(took * 0.75));
        let last_quarter = (done - self.part_at(late, stage, now)) / (took / 4.0);
        let differs = |rate: f64| (rate - average).abs() > STEADY * average;
        if differs(second_half) || differs(last_quarter) {
            return None;
        }
        Some(Duration::from_secs_f64((1.0 - done) / average))
    }

    /// The part that was done at a time, between the samples on both sides of it.
    fn part_at(&self, time: Moment, stage: &Stage, now: Moment) -> f64 {
        let last = (now, part(stage));
        let after = self.whole.partition_point(|sample| sample.at <= time);
        let Some(before) = after.checked_sub(1).and_then(|at| self.whole.get(at)) else {
            return 0.0;
        };
        let (end, end_part) = self
            .whole
            .get(after)
            .map_or(last, |sample| (sample.at, sample.part));
        let span = end.since(before.at).as_secs_f64();
        if span <= 0.0 {
            return before.part;
        }
        before.part + (end_part - before.part) * time.since(before.at).as_secs_f64() / span
    }
}

/// Bytes a second over the whole of a stage that ended.
pub(crate) fn whole_rate(stage: &Stage) -> Option<u64> {
    let (started, ended) = stage.started.zip(stage.ended)?;
    per_second(stage.bytes, ended.since(started))
}

fn per_second(bytes: u64, took: Duration) -> Option<u64> {
    let micros = took.as_micros();
    let rate = (u128::from(bytes) * 1_000_000).checked_div(micros)?;
    u64::try_from(rate).ok()
}

/// The part of a stage that is done: by bytes where all of them are known, else by units.
#[expect(
    clippy::cast_precision_loss,
    reason = "a part of all needs no more than 52 bits"
)]
fn part(stage: &Stage) -> f64 {
    match (stage.bytes_total, stage.total) {
        (Some(total), _) if total > 0 => stage.bytes as f64 / total as f64,
        (None, Some(total)) if total > 0 => stage.done as f64 / total as f64,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::new(Duration::from_millis(millis))
    }

    fn stage(bytes: u64, total: Option<u64>) -> Stage {
        Stage {
            bytes,
            bytes_total: total,
            ..Stage::default()
        }
    }

    /// Bytes done after so many milliseconds.
    type Course = fn(u64) -> u64;

    fn run(course: Course, total: u64, until: u64) -> (Pace, Stage) {
        let mut pace = Pace::default();
        for millis in (0..=until).step_by(7) {
            pace.note(&stage(course(millis), Some(total)), at(millis));
        }
        (pace, stage(course(until), Some(total)))
    }

    /// Steady, but not smooth: bursts of half a second.
    fn bursts(millis: u64) -> u64 {
        (millis / 500 * 500 + (millis % 500).min(200) * 5 / 2) * 1_000
    }

    #[test]
    fn the_end_of_steady_work_is_known_after_a_fifth_of_it() {
        let courses: [Course; 2] = [|millis| millis * 1_000, bursts];
        for course in courses {
            for seconds in [20_u64, 100, 3_600] {
                let total = seconds * 1_000_000;
                for fifths in 1..5 {
                    let now = seconds * 1_000 * fifths / 5 + 10;
                    let (pace, stage) = run(course, total, now);
                    let eta = pace.eta(&stage, at(now)).expect("steady");
                    let remains = seconds * 1_000 - now;
                    let said = u64::try_from(eta.as_millis()).expect("small");
                    assert!(
                        said.abs_diff(remains) * 4 <= remains,
                        "{fifths}/5 of {seconds} s: {said} ms, should be {remains}"
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_is_said_too_early_or_without_a_whole() {
        let steady: Course = |millis| millis * 1_000;
        let (pace, stage_then) = run(steady, 100_000_000, 19_000);
        assert_eq!(pace.eta(&stage_then, at(19_000)), None, "less than a fifth");
        let mut pace = Pace::default();
        for second in 0..60 {
            pace.note(&stage(second * 1_000, None), at(second * 1_000));
        }
        assert_eq!(
            pace.eta(&stage(59_000, None), at(59_000)),
            None,
            "how much there is, nobody knows"
        );
    }

    #[test]
    fn nothing_is_said_of_work_that_slows_down() {
        // Quick at first, then a tenth of it.
        let slows: Course = |millis| millis.min(10_000) * 5_000 + millis.saturating_sub(10_000) * 500;
        let (pace, stage) = run(slows, 100_000_000, 40_000);
        assert_eq!(pace.eta(&stage, at(40_000)), None);
        // Work that stands still ends who knows when.
        let stalls: Course = |millis| millis.min(30_000) * 1_000;
        let (pace, stage) = run(stalls, 100_000_000, 90_000);
        assert_eq!(pace.eta(&stage, at(90_000)), None);
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let slows: Course = |millis| millis.min(60_000) * 5_000 + millis.saturating_sub(60_000) * 100;
        let (mut pace, stage) = run(slows, 1_000_000_000, 100_000);
        let rate = pace.rate(&stage, at(100_000)).expect("known");
        assert!((99_000..=101_000).contains(&rate), "{rate}");
        // Nothing more is reported: it stands still.
        assert_eq!(pace.rate(&stage, at(130_000)), Some(0));
    }

    #[test]
    fn few_samples_are_kept_of_long_work() {
        let steady: Course = |millis| millis * 1_000;
        let (pace, _) = run(steady, u64::MAX, 600_000);
        assert!(pace.whole.len() <= KEPT && pace.late.len() <= 50);
    }

    #[test]
    fn units_count_where_bytes_do_not() {
        let units = |done| Stage {
            done,
            total: Some(100),
            ..Stage::default()
        };
        let mut pace = Pace::default();
        for done in 0..=50 {
            pace.note(&units(done), at(done * 1_000));
        }
        let eta = pace.eta(&units(50), at(50_000)).expect("steady");
        assert_eq!(eta.as_secs(), 50);
    }
}
