//! `job next`: when jobs run, like `systemctl list-timers`. The calendar is computed here from what the hub knows, so
//! that as many runs can be shown as are wanted.

use std::time::Duration;

use anyhow::Result;
use ironcore_api::wire::{self, JobView};
use ironcore_types::calendar::{Calendar, zone};
use ironcore_types::objects::{Job, MissedPolicy};
use ironcore_types::{JobName, Timestamp};
use serde::Serialize;

use super::{Context, job};
use crate::args::InProject;
use crate::exit::Exit;
use crate::output::{self, Form};
use crate::table::GivesWay;

/// So many runs are shown of one job unless told.
const OF_ONE: u16 = 10;

/// What `--output json` prints.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    /// The hub's time.
    now: Timestamp,
    /// Since when the scheduler is paused, so that nothing starts by itself; null while it is not.
    scheduler_paused: Option<Timestamp>,
    /// The runs, soonest first; jobs without one at the end.
    runs: Vec<Run<'a>>,
}

#[derive(Debug, Serialize)]
struct Run<'a> {
    /// When it is due; null when the job has no next run.
    next: Option<Timestamp>,
    /// When its job last began, or else was enqueued.
    last: Option<Timestamp>,
    project: &'a str,
    job: &'a str,
    #[serde(rename = "type")]
    task_type: ironcore_types::TaskType,
    enabled: bool,
    /// What is worth knowing about it, in words.
    note: Option<String>,
}

pub(super) async fn run(
    context: &Context,
    name: Option<JobName>,
    count: Option<u16>,
    project: InProject,
) -> Result<Exit> {
    let status: wire::Status = context.client.get(&["status"], &[]).await?;
    let views = match &name {
        Some(name) => vec![job::show(context, project, name).await?],
        None => job::jobs(context, project.project).await?.jobs,
    };
    let now = status.time;
    let mut runs: Vec<Run<'_>> = Vec::new();
    let each = match (&name, count) {
        (Some(_), count) => count.unwrap_or(OF_ONE),
        (None, Some(count)) => count,
        (None, None) => 1,
    };
    for view in &views {
        let times = upcoming(&view.job, now, usize::from(each));
        if times.is_empty() {
            runs.push(row(view, None));
        }
        runs.extend(times.into_iter().map(|time| row(view, Some(time))));
    }
    runs.sort_by_key(|run| (run.next.is_none(), run.next));
    if let (None, Some(count)) = (&name, count) {
        runs.retain(|run| run.next.is_some());
        runs.truncate(usize::from(count));
    }
    let answer = Answer {
        now,
        scheduler_paused: status.scheduler_paused,
        runs,
    };
    print(context.form, &answer, name.is_some())?;
    Ok(Exit::Ok)
}

fn print(form: Form, answer: &Answer<'_>, of_one: bool) -> Result<()> {
    let dash = || "-".to_owned();
    let rows = answer.runs.iter().map(|run| {
        vec![
            output::time(run.next),
            run.next
                .map_or_else(dash, |next| distance(next.since(answer.now))),
            output::time(run.last),
            run.last
                .map_or_else(dash, |last| format!("{} ago", distance(answer.now.since(last)))),
            run.project.to_owned(),
            run.job.to_owned(),
            run.task_type.to_string(),
            run.note.clone().unwrap_or_else(dash),
        ]
    });
    let mut head = vec!["NEXT", "LEFT", "LAST", "PASSED", "PROJECT", "JOB", "TYPE", "NOTE"];
    if of_one {
        // What is the same in every line is told once by `job show`.
        head.drain(2..7);
        let rows = rows.map(|mut row| {
            row.drain(2..7);
            row
        });
        form.rows(answer, &head, rows)?;
    } else {
        let order = [
            GivesWay::Out(2),
            GivesWay::Out(6),
            GivesWay::Under(7),
            GivesWay::Out(4),
        ];
        form.listing(answer, &head, &order, rows)?;
    }
    if let (Some(since), true) = (answer.scheduler_paused, form != Form::Json) {
        output::note(&format!(
            "The scheduler is paused since {}: nothing of this starts before `scheduler resume`.",
            output::time(Some(since))
        ));
    }
    Ok(())
}

/// The next times of a job's schedule; none when it is paused, or runs by hand or after another job.
pub(super) fn upcoming(job: &Job, now: Timestamp, count: usize) -> Vec<Timestamp> {
    let schedule = job.schedule.as_deref().filter(|_| job.enabled);
    match (schedule.map(Calendar::parse), zone(&job.timezone)) {
        (Some(Ok(calendar)), Ok(zone)) => calendar.upcoming(now, &zone).take(count).collect(),
        _ => Vec::new(),
    }
}

fn row<'a>(view: &'a JobView, next: Option<Timestamp>) -> Run<'a> {
    Run {
        next,
        last: view.last.as_ref().map(|task| task.started.unwrap_or(task.queued)),
        project: view.job.project.as_str(),
        job: view.job.name.as_str(),
        task_type: view.job.task.task_type(),
        enabled: view.job.enabled,
        note: note(&view.job, next),
    }
}

/// Why a job has no next run, or why one begins at another time than it is due.
pub(super) fn note(job: &Job, next: Option<Timestamp>) -> Option<String> {
    let Some(due) = next else {
        return Some(match (&job.after, &job.schedule) {
            _ if !job.enabled => "paused".to_owned(),
            (Some(after), None) => format!("after {after}"),
            (None, None) => "by hand".to_owned(),
            _ => "never again".to_owned(),
        });
    };
    if job.missed == MissedPolicy::Skip
        && let Some(end) = job.blackout_at(due)
    {
        return Some(format!("left out: blackout until {}", output::time(Some(end))));
    }
    let delayed = due.after(job.delay(due));
    match job.blackout_at(delayed) {
        Some(end) => {
            let begins = end.after(job.delay(due));
            Some(format!("begins at {}: blackout", output::time(Some(begins))))
        }
        None if delayed > due => Some(format!(
            "begins at {}: randomized-delay",
            output::time(Some(delayed))
        )),
        None => None,
    }
}

/// `3d 4h`, `12min`, `5s`: the two largest units.
pub(super) fn distance(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let Some(first) = units.iter().position(|(_, size)| seconds >= *size) else {
        return "0s".to_owned();
    };
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (unit, size) in &units[first..units.len().min(first + 2)] {
        if rest / size > 0 {
            parts.push(format!("{}{unit}", rest / size));
        }
        rest %= size;
    }
    parts.join(" ")
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

    #[test]
    fn distances_have_two_units() {
        let said = |seconds| distance(Duration::from_secs(seconds));
        assert_eq!(said(0), "0s");
        assert_eq!(said(61), "1min 1s");
        assert_eq!(said(3_600), "1h");
        assert_eq!(said(86_400 + 59), "1d");
        assert_eq!(said(3 * 86_400 + 4 * 3_600 + 59), "3d 4h");
    }

    #[test]
    fn what_has_no_next_run_says_why() {
        let said = |more: &str| {
            let job = job(more);
            let next = upcoming(&job, at("2026-05-21T00:00:00Z"), 1).first().copied();
            note(&job, next)
        };
        assert_eq!(said(r#""schedule": "02:00","#), None);
        assert_eq!(
            said(r#""schedule": "02:00", "enabled": false,"#).as_deref(),
            Some("paused")
        );
        assert_eq!(said("").as_deref(), Some("by hand"));
        assert_eq!(said(r#""after": "nightly","#).as_deref(), Some("after nightly"));
        assert_eq!(
            said(r#""schedule": "2020-01-01","#).as_deref(),
            Some("never again")
        );
        let dark = r#""schedule": "02:00", "blackout": [{"from": "01:00", "lasts": "2h"}],"#;
        assert_eq!(
            said(dark).as_deref(),
            Some("begins at 2026-05-21T03:00:00Z: blackout")
        );
        assert_eq!(
            said(&format!(r#"{dark} "missed": "skip","#)).as_deref(),
            Some("left out: blackout until 2026-05-21T03:00:00Z")
        );
        let late = said(r#""schedule": "02:00", "randomized-delay": "10m","#);
        assert!(late.is_some_and(|late| late.ends_with(": randomized-delay")));
    }
}
