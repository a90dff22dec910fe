//! What the watch tells: titles in words for people, severities, particulars.

use std::time::Duration;

use ironcore_ledger::model::{NewEvent, QueuedRun, Task, WaitReason};
use ironcore_types::event::{DatastoreData, EventData, JobData};
use ironcore_types::objects::{DatastoreObject, Job};
use ironcore_types::{EventType, ProjectName, Severity, SnapshotRef, Span, TaskSpec, Timestamp};

use super::datastores::Fill;
use super::runs::Limit;
use super::snapshots::Stale;

/// A length of time in whole seconds: what is smaller means nothing here.
fn seconds(span: Duration) -> Span {
    Span::from_secs(span.as_secs())
}

pub(super) fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_seconds(time.as_seconds())
}

/// An event about a job.
fn of_job(event_type: EventType, job: &Job, title: String, data: JobData) -> NewEvent {
    NewEvent {
        event_type,
        subject: Some(format!("job/{}/{}", job.project, job.name)),
        data: EventData {
            job: Some(data),
            ..EventData::new(Some(job.project.clone()), event_type.default_severity(), title)
        },
    }
}

/// `job.missed`: a run that waits in the queue.
pub(super) fn late(job: &Job, run: &QueuedRun, task: &Task, why: Option<&WaitReason>) -> NewEvent {
    let why = match why {
        None | Some(WaitReason::Nothing) => "it still waits in the queue".to_owned(),
        Some(reason) => reason.to_string(),
    };
    late_run(job, run, task, &why)
}

/// `job.missed`: a run that begins at last.
pub(super) fn began_late(job: &Job, run: &QueuedRun, task: &Task, now: Timestamp) -> NewEvent {
    let late = seconds(now.since(run.due));
    late_run(job, run, task, &format!("it begins now, {late} late"))
}

fn late_run(job: &Job, run: &QueuedRun, task: &Task, why: &str) -> NewEvent {
    let title = format!(
        "Job {} did not begin within {} of {}: {why}",
        job.name,
        job.grace,
        whole(run.due)
    );
    let data = JobData {
        name: job.name.clone(),
        scheduled_for: Some(run.scheduled_for),
        missed: 1,
    };
    let mut event = of_job(EventType::JobMissed, job, title, data);
    event.data.task = Some(task.data(Vec::new()));
    event
}

/// `job.missed`: a run that nobody puts into the queue.
pub(super) fn unfired(job: &Job, tick: Timestamp, why: &str) -> NewEvent {
    let title = format!(
        "Job {} did not begin within {} of {}: {why}",
        job.name,
        job.grace,
        whole(tick.after(job.delay(tick)))
    );
    let data = JobData {
        name: job.name.clone(),
        scheduled_for: Some(tick),
        missed: 1,
    };
    of_job(EventType::JobMissed, job, title, data)
}

/// `job.overrun`: a run that takes long.
pub(super) fn overrun(job: &Job, task: &Task, limit: Limit, over: bool) -> NewEvent {
    let usual = match limit {
        Limit::Set(_) => String::new(),
        Limit::Usual(median) if median < Duration::from_secs(1) => {
            "; it usually takes less than a second".to_owned()
        }
        Limit::Usual(median) => format!("; it usually takes {}", seconds(median)),
    };
    let title = format!(
        "A run of job {} {} longer than {}{usual}",
        job.name,
        if over { "took" } else { "takes" },
        seconds(limit.span())
    );
    let data = JobData {
        name: job.name.clone(),
        scheduled_for: task.scheduled_for,
        missed: 0,
    };
    let mut event = of_job(EventType::JobOverrun, job, title, data);
    event.data.task = Some(task.data(Vec::new()));
    event
}

/// `job.overdue`: nothing good since `last`, or ever.
pub(super) fn overdue(job: &Job, promise: Duration, last: Option<Timestamp>) -> NewEvent {
    let what = match job.task {
        TaskSpec::Sync(_) => "sync",
        _ => "backup",
    };
    let since = match last {
        Some(last) => format!("has had no good {what} since {}", whole(last)),
        None => format!("has had no good {what} yet"),
    };
    let title = format!("Job {} {since}; its objective is {}", job.name, seconds(promise));
    let data = JobData {
        name: job.name.clone(),
        scheduled_for: None,
        missed: 0,
    };
    of_job(EventType::JobOverdue, job, title, data)
}

/// `scheduler.paused`, once more: somebody may have forgotten it.
pub(super) fn paused(after: Duration) -> NewEvent {
    let title = format!(
        "The scheduler has been paused for more than {}: no job starts by itself",
        seconds(after)
    );
    NewEvent {
        event_type: EventType::SchedulerPaused,
        subject: Some("scheduler".to_owned()),
        data: EventData::new(None, Severity::Warning, title),
    }
}

/// `datastore.space-low`.
pub(super) fn space_low(object: &DatastoreObject, fill: Fill) -> NewEvent {
    let event_type = EventType::DatastoreSpaceLow;
    let (whole, tenth) = fill.free_percent();
    let title = format!(
        "Datastore {} has {whole}.{tenth} % of its space left; less than {} % is low",
        object.name, object.warn_free_percent
    );
    NewEvent {
        event_type,
        subject: Some(format!("datastore/{}", object.name)),
        data: EventData {
            datastore: Some(DatastoreData {
                name: object.name.clone(),
                online: true,
                used: Some(fill.used),
                free: Some(fill.free),
            }),
            ..EventData::new(None, event_type.default_severity(), title)
        },
    }
}

/// `snapshot.stale`: one event for a backup group, about its newest stale snapshot.
pub(super) fn stale(object: &DatastoreObject, stale: &Stale, project: Option<ProjectName>) -> NewEvent {
    let event_type = EventType::SnapshotStale;
    let snapshots = if stale.total == 1 { "snapshot" } else { "snapshots" };
    let have = if stale.stale == 1 { "has" } else { "have" };
    let title = format!(
        "{} of {} {snapshots} of {}:{} {have} not been verified OK within {}",
        stale.stale, stale.total, object.name, stale.newest.group, object.keep_verified
    );
    let snapshot = SnapshotRef {
        datastore: object.name.clone(),
        path: stale.newest.clone(),
    };
    NewEvent {
        event_type,
        subject: Some(snapshot.to_string()),
        data: EventData {
            snapshot: Some(snapshot),
            ..EventData::new(project, event_type.default_severity(), title)
        },
    }
}
