//! What the cause of an event is, and what is well again by it: what makes forty tasks that failed on one full datastore
//! one incident. A plain function of the event.
//!
//! | cause | trouble | over when |
//! | --- | --- | --- |
//! | `datastore/NAME/CODE` | tasks failed by a fault of the datastore's; it went offline | each of their jobs has worked again, or failed for another reason; it is online |
//! | `datastore/NAME/verification` | snapshots are CORRUPT or MISSING, tasks met damaged data | they are verified OK, or all that the project has there is |
//! | `remote/HOST/sync` | syncs failed by a fault of the other hub's | each of their jobs has worked again, or failed for another reason |
//! | `job/PROJECT/NAME` | runs failed for any other reason | a run ends well |
//! | `work/…` | the same for work that is no job's | the same work ends well |
//! | `missed/…`, `overrun/…` | `job.missed`, `job.overrun` | a run has ended |
//! | `overdue/…`, `stale/…`, `space-low/NAME`, `scheduler` | what the watch notices | its condition is over |
//! | `worker/NODE` | a worker was lost | one is online there |
//! | `delivery/PROJECT/GROUP/HANDLER` | messages of a handler were lost, it was switched off | one of its messages is delivered, it is switched on or declared anew |

use ironcore_ledger::model::{Clear, Condition};
use ironcore_types::event::TaskData;
use ironcore_types::{ErrorCode, Event, EventType, ProjectName, Severity, TaskType};

use crate::matching::{is_bad_verification, is_handed_over, job_of};

/// The cause of an event that is trouble, and who is affected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    /// What makes events one incident.
    pub(crate) key: String,
    /// Who is affected.
    pub(crate) member: String,
    /// Nobody does the same again: it is well when anything of its cause is.
    pub(crate) loose: bool,
    /// The condition by which it lasts.
    pub(crate) condition: Option<String>,
    /// One line for people.
    pub(crate) title: String,
    /// What they are told when it is over.
    pub(crate) over: String,
}

impl Cause {
    /// One that affects itself, and is over with what `over` says.
    fn own(key: String, event: &Event, over: String) -> Self {
        Self {
            member: key.clone(),
            key,
            loose: false,
            condition: None,
            title: event.data.title.clone(),
            over,
        }
    }

    /// The same, lasting by a condition of the same name.
    fn lasting(key: String, event: &Event, over: String) -> Self {
        Self {
            condition: Some(key.clone()),
            ..Self::own(key, event, over)
        }
    }
}

/// Whether a cause is that runs fail, so that failures are counted.
pub(crate) fn is_of_runs(cause: &str) -> bool {
    ["datastore/", "remote/", "job/", "work/"]
        .iter()
        .any(|kind| cause.starts_with(kind))
}

/// The cause of an event, if it is trouble.
pub(crate) fn of(event: &Event) -> Option<Cause> {
    let data = &event.data;
    let job = || Some((data.project.as_ref()?, job_of(data)?));
    let lasting = |kind: &str, over: &str| {
        job().map(|(project, job)| {
            let key = format!("{kind}/{project}/{job}");
            Cause::own(key, event, format!("Job {job} {over}"))
        })
    };
    match event.event_type {
        EventType::TaskFailed if !is_handed_over(event) => of_task(event),
        EventType::SyncIntegrityError => of_task(event),
        EventType::SnapshotVerified if is_bad_verification(event) => {
            let snapshot = data.snapshot.as_ref()?;
            Some(Cause {
                key: format!("datastore/{}/verification", snapshot.datastore),
                member: format!("snapshot/{snapshot}"),
                loose: false,
                condition: None,
                title: format!("Datastore {} has damaged snapshots", snapshot.datastore),
                over: format!(
                    "Datastore {} has no damaged snapshots any more",
                    snapshot.datastore
                ),
            })
        }
        // What a rule leaves out is as it should be.
        EventType::JobMissed if data.severity >= Severity::Warning => lasting("missed", "runs again"),
        EventType::JobOverrun => lasting("overrun", "has come to the end of its run"),
        EventType::JobOverdue => lasting("overdue", "is no longer overdue").map(|cause| Cause {
            condition: Some(cause.key.clone()),
            ..cause
        }),
        EventType::SnapshotStale => {
            let snapshot = data.snapshot.as_ref()?;
            let group = format!("{}:{}", snapshot.datastore, snapshot.path.group);
            let key = format!("stale/{}/{}", snapshot.datastore, snapshot.path.group);
            Some(Cause::lasting(
                key,
                event,
                format!("Snapshots of {group} are verified again"),
            ))
        }
        EventType::DatastoreSpaceLow => {
            let name = &data.datastore.as_ref()?.name;
            let over = format!("Datastore {name} has enough space again");
            Some(Cause::lasting(format!("space-low/{name}"), event, over))
        }
        EventType::DatastoreStatusChanged => {
            let datastore = data.datastore.as_ref().filter(|datastore| !datastore.online)?;
            let name = &datastore.name;
            Some(Cause {
                member: format!("datastore/{name}"),
                ..of_datastore(name.as_str(), ErrorCode::DatastoreOffline)
            })
        }
        EventType::WorkerOffline if data.severity >= Severity::Warning => {
            let node = &data.node.as_ref()?.name;
            let over = format!("A worker on {node} is online again");
            Some(Cause::own(format!("worker/{node}"), event, over))
        }
        // One that reached some is no sign that the others will not be reached.
        EventType::DeliveryExhausted | EventType::HandlerDisabled if data.severity >= Severity::Error => {
            let delivery = data.delivery.as_ref()?;
            let (group, handler) = (delivery.group.as_ref()?, delivery.handler.as_ref()?);
            let whose = data.project.as_ref().map_or("-", ProjectName::as_str);
            let key = format!("delivery/{whose}/{group}/{handler}");
            Some(Cause {
                title: format!("Handler {group}/{handler} loses messages"),
                ..Cause::lasting(key, event, format!("Handler {group}/{handler} delivers again"))
            })
        }
        EventType::SchedulerPaused if data.severity >= Severity::Warning => Some(Cause {
            condition: Some(Condition::PAUSED.to_owned()),
            ..Cause::own("scheduler".to_owned(), event, "The scheduler goes on".to_owned())
        }),
        _ => None,
    }
}

/// What is well again by an event.
pub(crate) fn clears(event: &Event) -> Vec<Clear> {
    let data = &event.data;
    let mut clears = Vec::new();
    let mut member = |member: String| clears.push(Clear::Member(member));
    match event.event_type {
        EventType::TaskCompleted
        | EventType::TaskWarning
        | EventType::TaskFailed
        | EventType::TaskCancelled => {
            if let Some((project, job)) = data.project.as_ref().zip(job_of(data)) {
                member(format!("missed/{project}/{job}"));
                member(format!("overrun/{project}/{job}"));
            }
            let well = matches!(
                event.event_type,
                EventType::TaskCompleted | EventType::TaskWarning
            );
            if let Some(task) = data.task.as_ref().filter(|_| well) {
                clears.extend(by_task(data.project.as_ref(), task));
            }
        }
        EventType::SnapshotVerified if !is_bad_verification(event) => {
            clears.extend(
                data.snapshot
                    .iter()
                    .map(|path| Clear::Member(format!("snapshot/{path}"))),
            );
        }
        EventType::DatastoreStatusChanged => {
            if let Some(datastore) = data.datastore.as_ref().filter(|datastore| datastore.online) {
                let name = &datastore.name;
                member(format!("datastore/{name}"));
                clears.push(Clear::Loose(format!(
                    "datastore/{name}/{}",
                    ErrorCode::DatastoreOffline
                )));
            }
        }
        EventType::WorkerOnline => {
            clears.extend(
                data.node
                    .iter()
                    .map(|node| Clear::Member(format!("worker/{}", node.name))),
            );
        }
        EventType::SchedulerResumed => member("scheduler".to_owned()),
        _ => {}
    }
    clears
}

/// What a task that ended well says.
fn by_task(project: Option<&ProjectName>, task: &TaskData) -> Vec<Clear> {
    let mut clears = vec![Clear::Member(runner(project, task))];
    let writes = matches!(task.task_type, TaskType::Backup | TaskType::Sync);
    if let Some(name) = datastore_of(task) {
        if writes {
            clears.push(Clear::Loose(format!("datastore/{name}/")));
        }
        // One that looked at all of it, or at all that is its project's.
        if task.task_type == TaskType::Verify && task.upid.id == name {
            clears.push(match project {
                Some(project) => Clear::CausesOf(project.clone(), verification(name)),
                None => Clear::Causes(verification(name)),
            });
        }
    }
    // With a slash, for another host may begin as this one does.
    clears.extend(remote_of(task).map(|host| Clear::Loose(format!("remote/{host}/"))));
    clears
}

/// Who runs again: the job, or else the same work.
fn runner(project: Option<&ProjectName>, task: &TaskData) -> String {
    let whose = project.map_or("-", ProjectName::as_str);
    match &task.job {
        Some(job) => format!("job/{whose}/{job}"),
        None => {
            let part = |text: &Option<String>| text.clone().unwrap_or_default();
            let (source, target) = (part(&task.source), part(&task.target));
            format!("work/{whose}/{}/{source}/{target}", task.task_type)
        }
    }
}

fn of_task(event: &Event) -> Option<Cause> {
    let data = &event.data;
    let task = data.task.as_ref()?;
    let member = runner(data.project.as_ref(), task);
    let loose = task.job.is_none();
    let code = data.error.as_ref().map(|error| error.code);
    let shared = code.and_then(|code| shared_cause(task, code));
    Some(match shared {
        // What is damaged stays so whatever else works.
        Some(cause) => Cause {
            loose: loose && !cause.key.ends_with("/verification"),
            member,
            ..cause
        },
        None => {
            let what = match (&task.job, &task.target) {
                (Some(job), _) => job.to_string(),
                (None, Some(target)) => target.clone(),
                (None, None) => task.upid.id.clone(),
            };
            Cause {
                key: member.clone(),
                member,
                loose: false,
                condition: None,
                title: data.title.clone(),
                over: format!("{} of {what} works again", deed(task.task_type)),
            }
        }
    })
}

/// The cause of a failure that is not the job's own.
fn shared_cause(task: &TaskData, code: ErrorCode) -> Option<Cause> {
    match code {
        ErrorCode::DatastoreFull
        | ErrorCode::DatastoreInodes
        | ErrorCode::DatastoreOffline
        | ErrorCode::DatastoreNotFound
        | ErrorCode::DatastoreForeign
        | ErrorCode::DatastoreFormat
        | ErrorCode::DatastoreIo => Some(of_datastore(datastore_of(task)?, code)),
        ErrorCode::ChunkCorrupt
        | ErrorCode::ChunkMissing
        | ErrorCode::ManifestInvalid
        | ErrorCode::ManifestSignature => {
            let name = datastore_of(task)?;
            Some(Cause {
                key: verification(name),
                member: String::new(),
                loose: false,
                condition: None,
                title: format!("Datastore {name} has damaged snapshots"),
                over: format!("Datastore {name} has no damaged snapshots any more"),
            })
        }
        ErrorCode::RemoteAuth
        | ErrorCode::RemoteFingerprint
        | ErrorCode::RemoteUnreachable
        | ErrorCode::RemoteProtocol => {
            let host = remote_of(task)?;
            let what = match code {
                ErrorCode::RemoteAuth => "does not accept the token",
                ErrorCode::RemoteFingerprint => "shows another certificate than the pinned one",
                ErrorCode::RemoteUnreachable => "cannot be reached",
                _ => "is not understood",
            };
            Some(Cause {
                key: format!("remote/{host}/sync"),
                member: String::new(),
                loose: false,
                condition: None,
                title: format!("The hub at {host} {what}"),
                over: format!("Syncs with the hub at {host} work again"),
            })
        }
        _ => None,
    }
}

fn of_datastore(name: &str, code: ErrorCode) -> Cause {
    let what = match code {
        ErrorCode::DatastoreFull => "is full",
        ErrorCode::DatastoreInodes => "has no inodes left",
        ErrorCode::DatastoreOffline => "cannot be reached",
        ErrorCode::DatastoreNotFound => "is not in its folder",
        ErrorCode::DatastoreForeign => "belongs to another hub",
        ErrorCode::DatastoreFormat => "was written by a newer version",
        _ => "cannot be read or written",
    };
    Cause {
        key: format!("datastore/{name}/{code}"),
        member: String::new(),
        loose: false,
        condition: None,
        title: format!("Datastore {name} {what}"),
        over: format!("Datastore {name} works again"),
    }
}

fn verification(datastore: &str) -> String {
    format!("datastore/{datastore}/verification")
}

/// The datastore that a task works on; a sync's is the one that it writes.
fn datastore_of(task: &TaskData) -> Option<&str> {
    let name = match task.task_type {
        TaskType::Sync => task.target.as_deref()?,
        _ => task.upid.id.split(':').next()?,
    };
    Some(name).filter(|name| !name.is_empty())
}

/// The host of the other hub that a sync reads from, with its port unless that is the usual one: `URL:DATASTORE`.
fn remote_of(task: &TaskData) -> Option<String> {
    let source = task
        .source
        .as_deref()
        .filter(|_| task.task_type == TaskType::Sync)?;
    let (url, _) = source.rsplit_once(':')?;
    let url = url::Url::parse(url).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// What a task of the type does, as the beginning of a sentence.
fn deed(task_type: TaskType) -> &'static str {
    match task_type {
        TaskType::Backup => "Backup",
        TaskType::Restore => "Restore",
        TaskType::Prune => "Prune",
        TaskType::Gc => "Garbage collection",
        TaskType::Sync => "Sync",
        TaskType::Verify => "Verification",
        TaskType::Tape => "Tape work",
    }
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
