//! `job show`: everything about one job, in words.

use anyhow::Result;
use ironcore_api::wire::{self, JobView};
use ironcore_types::calendar::Calendar;
use ironcore_types::objects::{Command, Job, MissedPolicy, OnCommandFailure, OverlapPolicy};

use super::{Context, job_next};
use crate::exit::Exit;
use crate::output;

/// A label and what stands behind it.
type Field = (&'static str, String);

pub(super) async fn run(context: &Context, view: &JobView) -> Result<Exit> {
    let status: wire::Status = context.client.get(&["status"], &[]).await?;
    let job = &view.job;
    let mut fields: Vec<Field> = vec![
        ("Job", format!("{}/{}", job.project, job.name)),
        ("Type", job.task.task_type().to_string()),
        ("Source", output::or_dash(job.task.source().as_ref())),
        ("Target", output::or_dash(job.task.target().as_ref())),
        ("Owner", job.owner.to_string()),
    ];
    fields.extend(job.comment.clone().map(|comment| ("Comment", comment)));
    fields.push((
        "State",
        match (job.enabled, status.scheduler_paused) {
            (false, _) => "paused".to_owned(),
            (true, Some(since)) => format!(
                "enabled, but the scheduler is paused since {}",
                output::time(Some(since))
            ),
            (true, None) if !job_next::schedules(&status) => "enabled, but no scheduler is online".to_owned(),
            (true, None) => "enabled".to_owned(),
        },
    ));
    fields.extend(times(view, &status));
    fields.extend(limits(job));
    if !job.groups.is_empty() {
        let groups: Vec<&str> = job.groups.iter().map(AsRef::as_ref).collect();
        fields.push(("Groups", groups.join(", ")));
    }
    fields.extend(last(view));
    context.form.fields(view, &fields)?;
    Ok(Exit::Ok)
}

fn times(view: &JobView, status: &wire::Status) -> Vec<Field> {
    let job = &view.job;
    let mut fields = Vec::new();
    if let Some(schedule) = &job.schedule {
        let words = Calendar::parse(schedule).map(|calendar| calendar.describe());
        fields.push((
            "Schedule",
            match words {
                Ok(words) => format!("{schedule} ({words}, {})", job.timezone),
                Err(_) => schedule.clone(),
            },
        ));
    }
    fields.extend(job.after.as_ref().map(|after| ("After", after.to_string())));
    if job.schedule.is_none() && job.after.is_none() {
        fields.push(("Schedule", "by hand".to_owned()));
    }
    for (n, run) in view.next.iter().enumerate() {
        let left = job_next::distance(run.begins.since(status.time));
        let note = job_next::note(&view.job, run).map_or_else(String::new, |note| format!("; {note}"));
        let label = if n == 0 { "Next runs" } else { "" };
        fields.push((
            label,
            format!("{} (in {left}{note})", output::time(Some(run.begins))),
        ));
    }
    if view.next.is_empty() && job.schedule.is_some() {
        fields.push(("Next runs", job_next::none(job, &job.runs(status.time, 1, None))));
    }
    fields
}

fn limits(job: &Job) -> Vec<Field> {
    let mut fields = vec![
        (
            "While running",
            match job.overlap {
                OverlapPolicy::Queue => "the next run waits",
                OverlapPolicy::Skip => "the next run is left out",
                OverlapPolicy::CancelOld => "the run before is cancelled",
            }
            .to_owned(),
        ),
        (
            "Missed runs",
            match job.missed {
                MissedPolicy::RunOnce => format!("made up for by one run; told after {}", job.grace),
                MissedPolicy::Skip => format!("left out; told after {}", job.grace),
            },
        ),
        (
            "Retries",
            match job.retries {
                0 => "none".to_owned(),
                count => format!("{count}, the first after {}", job.retry_delay),
            },
        ),
        ("Time limit", output::or_dash(job.timeout.as_ref())),
        (
            "Overrun told",
            match job.warn_after {
                Some(after) => format!("after {after}"),
                None => "after three times the usual duration".to_owned(),
            },
        ),
        (
            "Recovery point",
            job.recovery_point
                .map_or_else(|| "no objective".to_owned(), |span| format!("{span} at most")),
        ),
    ];
    fields.extend(
        job.randomized_delay
            .map(|most| ("Randomized", format!("by up to {most}"))),
    );
    for window in &job.blackout {
        fields.push(("Blackout", format!("{} for {}", window.from, window.lasts)));
    }
    fields.extend(
        job.command_before
            .as_ref()
            .map(|found| ("Before", command(found))),
    );
    fields.extend(
        job.command_after
            .as_ref()
            .map(|found| ("After it", command(found))),
    );
    fields
}

fn command(command: &Command) -> String {
    let then = match command.on_failure {
        OnCommandFailure::Fail => "fails the task",
        OnCommandFailure::Warn => "warns",
        OnCommandFailure::Ignore => "is ignored",
    };
    format!(
        "{} (at most {}; a failure {then})",
        command.run.join(" "),
        command.timeout
    )
}

fn last(view: &JobView) -> Vec<Field> {
    let Some(task) = &view.last else {
        return vec![("Last run", "never".to_owned())];
    };
    let begun = output::time(task.started.or(Some(task.queued)));
    let mut text = format!("{}, {begun}", task.status);
    if let (Some(started), Some(ended)) = (task.started, task.ended) {
        let micros = u64::try_from(ended.since(started).as_micros()).unwrap_or(u64::MAX);
        text.push_str(&format!(", took {}", output::duration(micros)));
    }
    let mut fields = vec![("Last run", text), ("UPID", task.upid.to_string())];
    if let Some(error) = &task.error {
        fields.push(("Error", format!("{} [{}]", error.message, error.code)));
    }
    fields
}
