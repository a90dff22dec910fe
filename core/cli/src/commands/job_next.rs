//! `job next`: when jobs run, like `systemctl list-timers`. The runs are computed here from what the hub knows, so that
//! as many can be shown as are wanted.

use std::time::Duration;

use anyhow::Result;
use ironcore_api::wire::{self, JobView};
use ironcore_types::objects::Job;
use ironcore_types::runs::{HeldBy, Run, Runs};
use ironcore_types::{JobName, Timestamp, Upid};
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
    /// Whether a scheduler is online; else nothing starts by itself either.
    scheduler_online: bool,
    /// The runs, soonest first; jobs without one at the end.
    runs: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    /// When it begins, if a slot is free; null when the job has no next run.
    begins: Option<Timestamp>,
    /// The first tick of the schedule that it stands for.
    due: Option<Timestamp>,
    /// How many ticks it stands for.
    ticks: u64,
    /// How many ticks before it are left out because of a blackout window.
    left_out: u64,
    /// The blackout window that holds it.
    held_by: Option<HeldBy>,
    /// The task that waits for that time already.
    upid: Option<Upid>,
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
    let mut runs: Vec<Row<'_>> = Vec::new();
    let each = match (&name, count) {
        (Some(_), count) => count.unwrap_or(OF_ONE),
        (None, Some(count)) => count,
        (None, None) => 1,
    };
    for view in &views {
        let found = view.job.runs(now, usize::from(each), view.waiting.clone());
        if found.runs.is_empty() {
            let note = none(&view.job, &found);
            runs.push(Row {
                left_out: found.left_out,
                ..row(view, None, Some(note))
            });
        }
        for run in found.runs {
            let note = note(&view.job, &run);
            runs.push(row(view, Some(run), note));
        }
    }
    runs.sort_by_key(|run| (run.begins.is_none(), run.begins));
    if let (None, Some(count)) = (&name, count) {
        runs.retain(|run| run.begins.is_some());
        runs.truncate(usize::from(count));
    }
    let answer = Answer {
        now,
        scheduler_paused: status.scheduler_paused,
        scheduler_online: schedules(&status),
        runs,
    };
    print(context.form, &answer, name.is_some())?;
    Ok(Exit::Ok)
}

fn print(form: Form, answer: &Answer<'_>, of_one: bool) -> Result<()> {
    let dash = || "-".to_owned();
    let rows = answer.runs.iter().map(|run| {
        vec![
            output::time(run.begins),
            run.begins
                .map_or_else(dash, |begins| distance(begins.since(answer.now))),
            output::time(run.last),
            run.last.map_or_else(dash, |last| passed(last, answer.now)),
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
    if !answer.scheduler_online && form != Form::Json {
        output::note(
            "No scheduler is online: nothing of this starts before one is; `status --services` shows who does what.",
        );
    }
    Ok(())
}

/// Whether a scheduler is online.
pub(super) fn schedules(status: &wire::Status) -> bool {
    let online = |service: &wire::Service| service.state == wire::ServiceState::Online;
    status
        .services
        .iter()
        .any(|service| service.service == "scheduler" && online(service))
}

fn row(view: &JobView, run: Option<Run>, note: Option<String>) -> Row<'_> {
    let (due, ticks, left_out, held_by, upid) = match run.clone() {
        Some(run) => (run.due, run.ticks, run.left_out, run.held_by, run.upid),
        None => (None, 0, 0, None, None),
    };
    Row {
        begins: run.map(|run| run.begins),
        due,
        ticks,
        left_out,
        held_by,
        upid,
        last: view.last.as_ref().map(|task| task.started.unwrap_or(task.queued)),
        project: view.job.project.as_str(),
        job: view.job.name.as_str(),
        task_type: view.job.task.task_type(),
        enabled: view.job.enabled,
        note,
    }
}

/// Why a job has no next run.
pub(super) fn none(job: &Job, found: &Runs) -> String {
    match (&job.after, &job.schedule) {
        _ if !job.enabled => "paused".to_owned(),
        (Some(after), None) => format!("after {after}"),
        (None, None) => "by hand".to_owned(),
        _ if found.endless => "held: its blackout windows leave no time between them".to_owned(),
        _ if found.left_out > 0 => "left out: all its times fall into blackout windows".to_owned(),
        _ => "never again".to_owned(),
    }
}

/// Why a run begins at another time than it is due, and what it stands for.
pub(super) fn note(job: &Job, run: &Run) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(held) = &run.held_by {
        parts.push(format!("held by blackout {} for {}", held.from, held.lasts));
    }
    match run.due {
        Some(due) if due < run.begins => {
            let delayed = if run.held_by.is_none() && job.randomized_delay.is_some() {
                " (randomized-delay)"
            } else {
                ""
            };
            parts.push(format!("due {}{delayed}", output::time(Some(due))));
        }
        Some(_) => {}
        None => parts.push("waits for its time".to_owned()),
    }
    if run.ticks > 1 {
        parts.push(format!("one run for {} times", many(run.ticks)));
    }
    match run.left_out {
        0 => {}
        1 => parts.push("one time before it is left out: blackout".to_owned()),
        count => parts.push(format!("{} times before it are left out: blackout", many(count))),
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// `3h ago`; of a run that began while the clock was ahead, `in 3h`.
fn passed(last: Timestamp, now: Timestamp) -> String {
    match last > now {
        // Less than a second is a fraction that the one was cut by.
        true if last.since(now) >= Duration::from_secs(1) => format!("in {}", distance(last.since(now))),
        true => "0s ago".to_owned(),
        false => format!("{} ago", distance(now.since(last))),
    }
}

/// So many; beyond ten thousand they are not counted.
fn many(count: u64) -> String {
    match count {
        10_000.. => "10000 or more".to_owned(),
        _ => count.to_string(),
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
            let found = job.runs(at("2026-05-21T00:00:00Z"), 1, None);
            assert!(found.runs.is_empty(), "{found:?}");
            none(&job, &found)
        };
        assert_eq!(said(r#""schedule": "02:00", "enabled": false,"#), "paused");
        assert_eq!(said(""), "by hand");
        assert_eq!(said(r#""after": "nightly","#), "after nightly");
        assert_eq!(said(r#""schedule": "2020-01-01","#), "never again");
        let dark =
            r#""schedule": "02:00", "blackout": [{"from": "01:00", "lasts": "2h"}], "missed": "skip","#;
        assert_eq!(said(dark), "left out: all its times fall into blackout windows");
        let endless = r#""schedule": "02:00", "blackout": [{"from": "hourly", "lasts": "1h"}],"#;
        assert_eq!(
            said(endless),
            "held: its blackout windows leave no time between them"
        );
    }

    #[test]
    fn what_begins_late_says_why() {
        let said = |more: &str| {
            let found = job(more).runs(at("2026-05-21T00:00:00Z"), 1, None);
            note(&job(more), found.runs.first().expect("a run"))
        };
        assert_eq!(said(r#""schedule": "02:00","#), None);
        let dark = r#""blackout": [{"from": "01:00", "lasts": "2h"}],"#;
        assert_eq!(
            said(&format!(r#""schedule": "02:00", {dark}"#)).as_deref(),
            Some("held by blackout 01:00 for 2h; due 2026-05-21T02:00:00Z")
        );
        assert_eq!(
            said(&format!(r#""schedule": "1..2:00", {dark}"#)).as_deref(),
            Some("held by blackout 01:00 for 2h; due 2026-05-21T01:00:00Z; one run for 2 times")
        );
        assert_eq!(
            said(&format!(r#""schedule": "1..3:30", "missed": "skip", {dark}"#)).as_deref(),
            Some("2 times before it are left out: blackout")
        );
        let weeks = r#""schedule": "minutely", "blackout": [{"from": "2026-05-21", "lasts": "28d"}],"#;
        let long = said(weeks).expect("a note");
        assert!(long.ends_with("one run for 10000 or more times"), "{long}");
        let late = said(r#""schedule": "02:00", "randomized-delay": "10m","#);
        assert_eq!(
            late.as_deref(),
            Some("due 2026-05-21T02:00:00Z (randomized-delay)")
        );
    }
}
