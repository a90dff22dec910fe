//! Actions that tips offer, performed when a person asks for it: recorded once for each cause, kind and target, and
//! enqueued in the same transaction. Whether that person may do it is the caller's to check.

use ironcore_ledger::Ledger;
use ironcore_ledger::model::{ActionResult, ActionWork, NewAction, NewTask, Task};
use ironcore_types::objects::Job;
use ironcore_types::spec::{GcSpec, VerifySpec};
use ironcore_types::{
    DatastoreName, ErrorCode, Event, EventId, JobName, ProjectName, SnapshotRef, TaskSpec, TaskState, Upid,
    UserId,
};

use crate::buttons;
use crate::error::NotifyError;
use crate::matching::{Policy, job_of};
use crate::policies::Policies;

/// What to do for an action, and for whom. What it touches tells callers which rights it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The project that it belongs to.
    pub project: Option<ProjectName>,
    /// The action as the ledger takes it.
    pub action: NewAction,
}

/// Whether this can be done about an event: a tip, its entry in the inbox or the hub itself offers it.
pub async fn offered(ledger: &Ledger, event: &Event, kind: &str, target: &str) -> Result<bool, NotifyError> {
    let tips = ledger.tips_of(event.id).await?;
    let entry = ledger.entry_of(event.id).await?;
    let offers = buttons::offers(event, &tips, entry.as_ref());
    Ok(offers
        .iter()
        .any(|offer| offer.kind == kind && offer.target == target))
}

/// Plans the action `kind` on `target`, which is offered about `event`, for the user `by`. Nothing is changed yet.
///
/// Refused with `not-found` when there is no such event or object, or nothing offers it; with `request.invalid` when
/// the hub knows no such kind; with `conflict` when its target is in no state for it, or a group says that actions are only
/// suggested.
pub async fn plan(
    ledger: &Ledger,
    event: EventId,
    kind: &str,
    target: &str,
    by: &UserId,
) -> Result<Planned, NotifyError> {
    let cause = ledger
        .event(event)
        .await?
        .ok_or_else(|| NotifyError::action(ErrorCode::NotFound, format!("there is no event {event}")))?
        .event;
    if !offered(ledger, &cause, kind, target).await? {
        let message = format!("nothing about this event offers {kind} of {target}");
        return Err(NotifyError::action(ErrorCode::NotFound, message));
    }
    let policies = Policies::read(ledger, cause.data.project.iter().cloned().collect()).await?;
    if policies.of(&cause) == Policy::Suggest {
        let message = "a group that this event reaches says that actions are suggested, not taken";
        return Err(NotifyError::action(ErrorCode::Conflict, message.to_owned()));
    }
    prepare(ledger, &cause, kind, target, by).await
}

/// The same for whoever has made sure that it is offered and may be taken.
pub(crate) async fn prepare(
    ledger: &Ledger,
    cause: &Event,
    kind: &str,
    target: &str,
    by: &UserId,
) -> Result<Planned, NotifyError> {
    let (project, work) = work(ledger, cause, kind, target, by).await?;
    let action = NewAction {
        cause: cause.id,
        kind: kind.to_owned(),
        target: target.to_owned(),
        actor: by.clone(),
        // A person's click begins a chain; it is not caused by an action before it.
        depth: 0,
        work,
    };
    Ok(Planned { project, action })
}

/// Records and performs an action, as [`plan`] says it. Asked for again, it does nothing and answers what was done
/// the first time.
pub async fn act(
    ledger: &Ledger,
    event: EventId,
    kind: &str,
    target: &str,
    by: &UserId,
) -> Result<ActionResult, NotifyError> {
    let planned = plan(ledger, event, kind, target, by).await?;
    Ok(ledger.record_action(planned.action).await?)
}

type Work = (Option<ProjectName>, ActionWork);

async fn work(
    ledger: &Ledger,
    cause: &Event,
    kind: &str,
    target: &str,
    by: &UserId,
) -> Result<Work, NotifyError> {
    let project = cause.data.project.clone();
    match kind {
        "verify" => Ok(enqueue(project.clone(), by, verify(target)?)),
        "gc" => {
            let spec = GcSpec {
                datastore: parse(target, "a datastore")?,
                dry_run: false,
            };
            Ok(enqueue(project, by, TaskSpec::Gc(spec)))
        }
        "retry" => retry(ledger, target, by).await,
        "full-backup" => {
            let job = job(ledger, cause, target).await?;
            let mut spec = job.task.clone();
            // Jobs of other kinds have nothing to leave out; they are run as they are.
            if let TaskSpec::Backup(backup) = &mut spec {
                backup.full = true;
            }
            Ok(run(&job, by, spec))
        }
        "resync" => match target.parse::<Upid>() {
            Ok(_) => retry(ledger, target, by).await,
            Err(_) => {
                let job = sync_job(ledger, cause, target).await?;
                let spec = job.task.clone();
                Ok(run(&job, by, spec))
            }
        },
        "pause-job" => {
            let job = job(ledger, cause, target).await?;
            let work = ActionWork::PauseJob {
                project: job.project.clone(),
                job: job.name,
            };
            Ok((Some(job.project), work))
        }
        other => {
            let message = format!("this hub does not know how to perform {other:?}");
            Err(NotifyError::action(ErrorCode::RequestInvalid, message))
        }
    }
}

fn enqueue(project: Option<ProjectName>, by: &UserId, spec: TaskSpec) -> Work {
    (
        project.clone(),
        ActionWork::Enqueue(Box::new(NewTask::new(project, by.clone(), spec))),
    )
}

fn run(job: &Job, by: &UserId, spec: TaskSpec) -> Work {
    let mut task = NewTask::new(Some(job.project.clone()), by.clone(), spec);
    task.job = Some(job.name.clone());
    (Some(job.project.clone()), ActionWork::Enqueue(Box::new(task)))
}

fn parse<T: std::str::FromStr>(target: &str, what: &str) -> Result<T, NotifyError> {
    target.parse().map_err(|_| {
        NotifyError::action(
            ErrorCode::RequestInvalid,
            format!("{target:?} is not the name of {what}"),
        )
    })
}

fn verify(target: &str) -> Result<TaskSpec, NotifyError> {
    let (datastore, snapshot) = match target.parse::<SnapshotRef>() {
        Ok(reference) => (reference.datastore, Some(reference.path)),
        Err(_) => (parse(target, "a snapshot or a datastore")?, None),
    };
    Ok(TaskSpec::Verify(VerifySpec {
        datastore,
        namespace: None,
        snapshot,
        depth: Default::default(),
        again: true,
    }))
}

async fn retry(ledger: &Ledger, target: &str, by: &UserId) -> Result<Work, NotifyError> {
    let upid: Upid = parse(target, "a task")?;
    let task: Task = ledger
        .task(&upid)
        .await?
        .ok_or_else(|| NotifyError::action(ErrorCode::TaskNotFound, format!("there is no task {upid}")))?;
    if !matches!(
        task.state,
        TaskState::Failed | TaskState::Cancelled | TaskState::Warning
    ) {
        let message = format!(
            "the task is {}; there is nothing to try again",
            task.state.shown()
        );
        return Err(NotifyError::action(ErrorCode::Conflict, message));
    }
    let mut new = NewTask::new(task.project.clone(), by.clone(), task.spec);
    new.job = task.job;
    new.retry_of = Some(upid);
    Ok((task.project, ActionWork::Enqueue(Box::new(new))))
}

/// The job that a target names: `JOB` or `PROJECT/JOB`, the UPID of one of its runs, or a snapshot that it makes.
async fn job(ledger: &Ledger, cause: &Event, target: &str) -> Result<Job, NotifyError> {
    let missing = || NotifyError::action(ErrorCode::NotFound, format!("there is no job {target}"));
    if let Ok(snapshot) = target.parse::<SnapshotRef>() {
        let jobs = ledger.jobs(cause.data.project.as_ref()).await?;
        return maker(&jobs, &snapshot).cloned().ok_or_else(|| {
            NotifyError::action(
                ErrorCode::NotFound,
                format!("there is no job that makes {snapshot}"),
            )
        });
    }
    let (project, name) = if let Ok(upid) = target.parse::<Upid>() {
        let task = ledger.task(&upid).await?.ok_or_else(missing)?;
        (task.project, task.job.ok_or_else(missing)?)
    } else {
        let name = target.strip_prefix("job/").unwrap_or(target);
        let (project, name) = match name.split_once('/') {
            Some((project, name)) => (Some(parse(project, "a project")?), name),
            None => (cause.data.project.clone(), name),
        };
        (project, parse::<JobName>(name, "a job")?)
    };
    // A tip about one project's event must not reach into another.
    if cause.data.project.is_some() && project != cause.data.project {
        return Err(missing());
    }
    ledger
        .job(&project.ok_or_else(missing)?, &name)
        .await?
        .ok_or_else(missing)
}

/// The job that backs up the group of a snapshot: into the same datastore, or into another from which it was copied.
fn maker<'a>(jobs: &'a [Job], snapshot: &SnapshotRef) -> Option<&'a Job> {
    let makes = |job: &&Job, same_datastore: bool| {
        matches!(&job.task, TaskSpec::Backup(spec) if spec.group() == snapshot.path.group
            && (!same_datastore || spec.datastore == snapshot.datastore))
    };
    let here = jobs.iter().find(|job| makes(job, true));
    here.or_else(|| jobs.iter().find(|job| makes(job, false)))
}

/// The sync job that a target names: the job itself, or one that fills the datastore of the target, be that a job, a
/// snapshot or a datastore; of several, the one that the event is about, else the first.
async fn sync_job(ledger: &Ledger, cause: &Event, target: &str) -> Result<Job, NotifyError> {
    let jobs = ledger.jobs(cause.data.project.as_ref()).await?;
    let filled: Vec<DatastoreName> = if let Ok(snapshot) = target.parse::<SnapshotRef>() {
        vec![snapshot.datastore]
    } else if let Ok(found) = job(ledger, cause, target).await {
        if matches!(found.task, TaskSpec::Sync(_)) {
            return Ok(found);
        }
        found.task.datastores().into_iter().cloned().collect()
    } else {
        vec![parse(target, "a sync job, a snapshot or a datastore")?]
    };
    let fills = |job: &&Job| matches!(&job.task, TaskSpec::Sync(spec) if filled.contains(&spec.to));
    let named = jobs
        .iter()
        .filter(fills)
        .find(|job| Some(&job.name) == job_of(&cause.data));
    named.or_else(|| jobs.iter().find(fills)).cloned().ok_or_else(|| {
        NotifyError::action(
            ErrorCode::NotFound,
            format!("there is no sync job that fills the datastore of {target}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_and_datastores_can_be_verified_again() {
        let one = verify("ibs-primary:vm/12345/2026-05-21T00:00:00Z").expect("a snapshot");
        let TaskSpec::Verify(spec) = one else {
            panic!("{one:?}")
        };
        assert!(spec.again && spec.snapshot.is_some());
        let all = verify("ibs-primary").expect("a datastore");
        assert!(matches!(all, TaskSpec::Verify(spec) if spec.snapshot.is_none()));
        assert_eq!(
            verify("no such thing!").expect_err("neither").code(),
            ErrorCode::RequestInvalid
        );
    }

    #[test]
    fn a_snapshot_tells_which_job_makes_it() {
        let job = |name: &str, datastore: &str, id: &str| -> Job {
            serde_json::from_value(serde_json::json!({
                "project": "web", "name": name, "owner": "root@local",
                "task": { "type": "backup", "source": { "tree": "/srv" }, "datastore": datastore,
                          "backup-type": "vm", "backup-id": id },
            }))
            .expect("a job")
        };
        let jobs = [
            job("other", "ibs-primary", "1"),
            job("copy", "ibs-second", "12345"),
            job("nightly", "ibs-primary", "12345"),
        ];
        let snapshot = |text: &str| text.parse::<SnapshotRef>().expect("a snapshot");
        let made = |text: &str| maker(&jobs, &snapshot(text)).map(|job| job.name.to_string());
        assert_eq!(
            made("ibs-primary:vm/12345/2026-05-21T00:00:00Z").as_deref(),
            Some("nightly")
        );
        assert_eq!(
            made("ibs-archival:vm/12345/2026-05-21T00:00:00Z").as_deref(),
            Some("copy")
        );
        assert_eq!(made("ibs-primary:ct/12345/2026-05-21T00:00:00Z"), None);
    }
}
