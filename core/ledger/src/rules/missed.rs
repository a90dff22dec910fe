//! What becomes of a tick, told as one `job.missed`: how many runs were missed, and whether the run that stands for them
//! is made or left out, and why. Plain functions.

use ironcore_types::event::{ErrorData, EventData, JobData};
use ironcore_types::objects::Job;
use ironcore_types::{EventType, Severity, Timestamp, counted};

use super::overlap::{OpenRun, Overlap, overlap};
use crate::model::{NewEvent, Tick};

/// What becomes of a tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A run is enqueued, which may begin at this time, or when its turn comes.
    Run(Option<Timestamp>),
    /// The same, once the run before it has ended.
    After(Option<Timestamp>),
    /// The same, and the runs before it are cancelled, when it may begin.
    Instead(Option<Timestamp>),
    /// The job leaves out what it missed.
    Skipped,
    /// A rule leaves the run out.
    LeftOut {
        why: ErrorData,
        /// Nothing is lost by it.
        expected: bool,
    },
}

/// What becomes of `tick` with these runs of its job open, and what its job's rules say to it; nothing for a tick that is
/// not to run.
pub(crate) fn fate(tick: &Tick, job: &Job, open: &[OpenRun], now: Timestamp) -> (Fate, Option<Overlap>) {
    if !tick.run {
        return (Fate::Skipped, None);
    }
    let rule = overlap(job, open, tick.scheduled_for, now);
    // Of what missed nothing, nothing is told, so it need not be known.
    let later = || {
        let at = job.begins(Some(tick.scheduled_for), now);
        Some(at).filter(|at| tick.missed > 0 && *at > now)
    };
    let fate = match &rule {
        Overlap::LeaveOut { why, expected } => Fate::LeftOut {
            why: why.clone(),
            expected: *expected,
        },
        Overlap::Cancel(_) => Fate::Instead(later()),
        Overlap::Run if !open.is_empty() => Fate::After(later()),
        Overlap::Run => Fate::Run(later()),
    };
    (fate, Some(rule))
}

/// `job.missed`, once for a tick; none for one that runs in time. `was_told`: that its first run did not begin was told
/// when it was to.
pub(crate) fn missed(tick: &Tick, fate: &Fate, was_told: bool) -> Option<NewEvent> {
    let (left_out, expected) = match fate {
        Fate::LeftOut { why, expected } => (Some(why.clone()), *expected),
        // That it does not run at all is news, even of one that was told to be late.
        Fate::Skipped if tick.missed > 0 => (None, false),
        _ if tick.missed > u64::from(was_told) => (None, false),
        _ => return None,
    };
    let missed = format!("Job {} missed {}", tick.job, counted(tick.missed, "run"));
    let due = tick.scheduled_for;
    let title = match fate {
        Fate::LeftOut { why, .. } if tick.missed == 0 => {
            format!("Job {} left out its run of {due}: {}", tick.job, why.message)
        }
        Fate::LeftOut { why, .. } if tick.late => {
            format!(
                "{missed}, the last one due at {due}; it is left out: {}",
                why.message
            )
        }
        Fate::LeftOut { why, .. } => format!("{missed}, and left out that of {due}: {}", why.message),
        fate if tick.late => format!("{missed}, the last one due at {}", after(tick, fate)),
        fate => format!("{missed} before that of {}", after(tick, fate)),
    };
    // A blackout window was asked for; a run that nobody began, and one that takes longer than the time between two
    // ticks, were not.
    let severity = match expected && tick.missed == 0 {
        true => Severity::Notice,
        false => EventType::JobMissed.default_severity(),
    };
    let mut data = EventData::new(Some(tick.project.clone()), severity, title);
    // One that is left out in time was missed no less than those before it.
    let this_one = u64::from(left_out.is_some() && !tick.late);
    data.job = Some(JobData {
        name: tick.job.clone(),
        scheduled_for: Some(due),
        missed: tick.missed + this_one,
    });
    data.error = left_out;
    Some(NewEvent {
        event_type: EventType::JobMissed,
        subject: Some(format!("job/{}/{}", tick.project, tick.job)),
        data,
    })
}

/// When the newest run was due, and what is done about it.
fn after(tick: &Tick, fate: &Fate) -> String {
    let due = tick.scheduled_for;
    match fate {
        Fate::Run(None) => format!("{due}; it runs now"),
        Fate::Run(Some(at)) => format!("{due}; it runs at {at}"),
        Fate::After(None) => format!("{due}; it runs when the run before it has ended"),
        Fate::After(Some(at)) => {
            format!("{due}; it runs when the run before it has ended, and not before {at}")
        }
        Fate::Instead(None) => format!("{due}; it runs now, and the run before it is cancelled"),
        Fate::Instead(Some(at)) => {
            format!("{due}; it runs at {at}, and the run before it is cancelled when it goes on then")
        }
        Fate::Skipped | Fate::LeftOut { .. } => {
            format!("{due}; the job leaves out what it missed, and runs again at its next time")
        }
    }
}

#[cfg(test)]
mod tests {
    use ironcore_types::ErrorCode;

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

    fn tick(missed: u64, late: bool) -> Tick {
        Tick {
            project: "acme".parse().expect("a name"),
            job: "daily".parse().expect("a name"),
            cursor: at("2026-05-20T02:00:00Z"),
            scheduled_for: at("2026-05-21T02:00:00Z"),
            missed,
            late,
            run: true,
        }
    }

    fn goes_on() -> OpenRun {
        OpenRun {
            upid: "UPID:alpha:00000001:00000001:00000001:6A0E4B80:gc:ibs\\x2dprimary:root@local:"
                .parse()
                .expect("a UPID"),
            queued: false,
            automatic: true,
            retry: false,
            not_before: None,
            tick: Some(at("2026-05-20T02:00:00Z")),
            since: at("2026-05-20T02:00:00Z"),
        }
    }

    /// Title, runs that were missed and error code of what is told.
    fn told(tick: &Tick, job: &Job, open: &[OpenRun]) -> Option<(String, u64, Option<ErrorCode>)> {
        let (fate, _) = fate(tick, job, open, at("2026-05-21T03:00:00Z"));
        let data = missed(tick, &fate, false)?.data;
        let code = data.error.map(|error| error.code);
        Some((data.title, data.job.map_or(0, |job| job.missed), code))
    }

    #[test]
    fn what_runs_in_time_is_no_news() {
        assert_eq!(told(&tick(0, false), &job(""), &[]), None);
        assert_eq!(told(&tick(0, false), &job(""), &[goes_on()]), None);
    }

    #[test]
    fn what_is_missed_says_when_it_runs() {
        let two = "Job daily missed 2 runs, the last one due at 2026-05-21T02:00:00Z; it runs";
        let dark = r#""blackout": [{"from": "02:30", "lasts": "150m"}],"#;
        let both = format!(r#"{dark} "overlap": "cancel-old","#);
        let cases = [
            ("", &[][..], "now"),
            (dark, &[], "at 2026-05-21T05:00:00Z"),
            ("", &[goes_on()], "when the run before it has ended"),
            (
                r#""overlap": "cancel-old","#,
                &[goes_on()],
                "now, and the run before it is cancelled",
            ),
            (
                dark,
                &[goes_on()],
                "when the run before it has ended, and not before 2026-05-21T05:00:00Z",
            ),
            (
                both.as_str(),
                &[goes_on()],
                "at 2026-05-21T05:00:00Z, and the run before it is cancelled when it goes on then",
            ),
        ];
        for (rules, open, when) in cases {
            let told = told(&tick(2, true), &job(rules), open);
            assert_eq!(told, Some((format!("{two} {when}"), 2, None)));
        }
    }

    #[test]
    fn a_newest_run_that_is_in_time_is_not_said_to_be_missed() {
        let title = told(&tick(1, false), &job(""), &[]).expect("told").0;
        assert_eq!(
            title,
            "Job daily missed 1 run before that of 2026-05-21T02:00:00Z; it runs now"
        );
    }

    #[test]
    fn what_is_left_out_says_why_and_counts_once() {
        let skip = job(r#""overlap": "skip","#);
        let cases = [
            (tick(0, false), 1, "Job daily left out its run of "),
            (
                tick(2, true),
                2,
                "Job daily missed 2 runs, the last one due at 2026-05-21T02:00:00Z; it is left out: ",
            ),
            (
                tick(2, false),
                3,
                "Job daily missed 2 runs, and left out that of 2026-05-21T02:00:00Z: ",
            ),
        ];
        for (tick, count, begins) in cases {
            let (title, missed, code) = told(&tick, &skip, &[goes_on()]).expect("told");
            assert!(
                title.starts_with(begins) && title.contains("the run before it still goes on"),
                "{title}"
            );
            assert_eq!((missed, code), (count, Some(ErrorCode::JobOverlap)), "{title}");
        }
    }

    #[test]
    fn what_was_told_before_is_told_again_only_with_news() {
        let one = tick(1, true);
        assert!(missed(&one, &Fate::Run(None), true).is_none());
        assert!(missed(&tick(2, true), &Fate::Run(None), true).is_some());
        assert!(missed(&one, &Fate::Skipped, true).is_some());
        let (left_out, _) = fate(
            &one,
            &job(r#""overlap": "skip","#),
            &[goes_on()],
            one.scheduled_for,
        );
        assert!(missed(&one, &left_out, true).is_some());
    }
}
