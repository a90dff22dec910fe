//! Windows of time that recur, read once: in which a time lies, and when they end. The blackout windows of jobs are
//! such, and so are those of maintenance. What follows from that is left to [`crate::runs`], to who begins runs, and to
//! who tells of them.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::calendar::{Calendar, zone};
use crate::job::{Blackout, Job};
use crate::timestamp::Timestamp;

/// Windows that are followed from one to the next before they count as endless: those of a month that has one a minute.
pub(crate) const FOLLOWED: usize = 50_000;
/// The same where somebody waits for the answer, and asks again at the end that was found.
pub(crate) const FOLLOWED_AT_ONCE: usize = 1_000;

/// The windows in which a time lies, those that touch taken as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dark {
    /// When they end.
    pub(crate) until: Timestamp,
    /// False when they were not followed to their end: they go on at `until`.
    pub(crate) ends: bool,
}

/// A window of time that recurs.
#[derive(Debug, Clone)]
pub(crate) struct Recurring {
    pub(crate) begins: Calendar,
    pub(crate) lasts: Duration,
}

/// One window of a job, read.
#[derive(Debug)]
struct Window<'a> {
    declared: &'a Blackout,
    recurring: Recurring,
}

/// The windows of a job.
#[derive(Debug)]
pub(crate) struct Windows<'a> {
    windows: Vec<Window<'a>>,
    zone: TimeZone,
}

impl<'a> Windows<'a> {
    /// Those of `job`; what cannot be read was refused when the job was declared, and is none.
    pub(crate) fn of(job: &'a Job) -> Self {
        let read = |declared: &'a Blackout| {
            Some(Window {
                declared,
                recurring: Recurring {
                    begins: Calendar::parse(&declared.from).ok()?,
                    lasts: declared.lasts.duration(),
                },
            })
        };
        let zone = zone(&job.timezone).ok();
        let windows = job.blackout.iter().filter(|_| zone.is_some()).filter_map(read);
        Self {
            windows: windows.collect(),
            zone: zone.unwrap_or(TimeZone::UTC),
        }
    }

    /// The windows in which `at` lies; `links` are followed at most.
    pub(crate) fn dark(&self, at: Timestamp, links: usize) -> Option<Dark> {
        dark(
            self.windows.iter().map(|window| &window.recurring),
            &self.zone,
            at,
            links,
        )
    }

    /// Of the windows in which `at` lies, the one that ends last by itself.
    pub(crate) fn longest(&self, at: Timestamp) -> Option<&'a Blackout> {
        let ends = |window: &Window<'a>| Some((window.recurring.end(at, &self.zone)?, window.declared));
        let longest = self.windows.iter().filter_map(ends).max_by_key(|(end, _)| *end);
        longest.map(|(_, window)| window)
    }

    /// The first beginnings after `at`, of each window.
    pub(crate) fn first_after(&self, at: Timestamp) -> impl Iterator<Item = Timestamp> {
        let first = move |window: &Window<'a>| window.recurring.begins.next_after(at, &self.zone);
        self.windows.iter().filter_map(first)
    }
}

/// Those of the windows in which `at` lies, from one to the next; `links` are followed at most.
pub(crate) fn dark<'r>(
    windows: impl Iterator<Item = &'r Recurring> + Clone,
    zone: &TimeZone,
    at: Timestamp,
    links: usize,
) -> Option<Dark> {
    let mut until = at;
    for _ in 0..links {
        let ends = windows.clone().filter_map(|window| window.end(until, zone));
        match ends.max() {
            Some(later) if later > until => until = later,
            _ => return (until > at).then_some(Dark { until, ends: true }),
        }
    }
    (until > at).then_some(Dark { until, ends: false })
}

impl Recurring {
    /// When the window ends in which `at` lies: the latest, where windows of one calendar overlap.
    pub(crate) fn end(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let begun = self.begins.last_between(at.before(self.lasts), at, zone)?;
        Some(begun.after(self.lasts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(windows: &str) -> Job {
        let text = format!(
            r#"{{"project": "acme", "name": "daily", "owner": "root@local", "blackout": {windows},
                "task": {{"type": "gc", "datastore": "ibs-primary"}}}}"#
        );
        serde_json::from_str(&text).expect("a job")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn until(windows: &str, time: &str) -> Option<(String, bool)> {
        let job = job(windows);
        let dark = Windows::of(&job).dark(at(time), FOLLOWED)?;
        Some((dark.until.to_string(), dark.ends))
    }

    #[test]
    fn the_latest_beginning_counts_however_many_there_are() {
        // A window of a month begins each minute of a day: the last of them decides.
        let month = r#"[{"from": "2026-05-01 *:*", "lasts": "30d"}]"#;
        let end = Some(("2026-05-31T23:59:00Z".to_owned(), true));
        assert_eq!(until(month, "2026-05-01T00:00:00Z"), end);
        assert_eq!(until(month, "2026-05-20T12:00:00Z"), end);
        assert_eq!(until(month, "2026-05-31T23:59:00Z"), None);
        assert_eq!(until(month, "2026-04-30T23:59:59Z"), None);
    }

    #[test]
    fn windows_that_follow_each_other_are_one() {
        // Every minute of May, and four weeks after it.
        let chain = r#"[{"from": "2026-05-* *:*", "lasts": "1m"}, {"from": "2026-06-01", "lasts": "28d"}]"#;
        let end = Some(("2026-06-29T00:00:00Z".to_owned(), true));
        assert_eq!(until(chain, "2026-05-01T00:00:30Z"), end);
        let days = r#"[{"from": "mon..sat 00:00", "lasts": "1d"}]"#;
        // The 21st is a Thursday; the Sunday after it is free.
        assert_eq!(
            until(days, "2026-05-21T10:00:00Z"),
            Some(("2026-05-24T00:00:00Z".to_owned(), true))
        );
    }

    #[test]
    fn windows_without_a_gap_do_not_end() {
        let (_, ends) =
            until(r#"[{"from": "hourly", "lasts": "1h"}]"#, "2026-05-21T10:00:00Z").expect("dark");
        assert!(!ends);
    }
}
