//! Events as the ledger tells them: titles in words for people, severities, particulars.

use ironcore_types::event::{ErrorData, EventData, JobData, NodeData, TaskData};
use ironcore_types::progress::Progress;
use ironcore_types::verification::VerifyReport;
use ironcore_types::{
    DatastoreName, ErrorCode, EventType, ProjectName, Severity, TaskSpec, TaskState, counted,
};

use super::overlap;
use crate::model::{NewEvent, Service, Session, Task, Token};

/// Log lines that the event of an ended task carries.
pub(crate) const LOG_TAIL: u64 = 20;

/// What the task does, as the beginning of a sentence.
fn deed(spec: &TaskSpec) -> String {
    match spec {
        TaskSpec::Backup(s) => format!("Backup of {} to {}", s.group(), s.datastore),
        TaskSpec::Restore(s) => format!("Restore of {} to {}", s.snapshot, s.to.display()),
        TaskSpec::Sync(s) => match &s.from.remote {
            Some(remote) => format!("Sync of {} at {} to {}", s.from.datastore, remote.url, s.to),
            None => format!("Sync of {} to {}", s.from.datastore, s.to),
        },
        TaskSpec::Verify(_) => format!("Verification of {}", spec.worker_id()),
        TaskSpec::Gc(s) => format!("Garbage collection of {}", s.datastore),
        TaskSpec::Prune(s) => format!("Prune of {}", s.datastore),
    }
}

/// What a verification that ended well did not look at: "completed" alone would say more than is known.
fn left_out(task: &Task) -> String {
    match (task.stats.snapshots, task.stats.snapshots_skipped) {
        (_, 0) => String::new(),
        (0, skipped) => format!(
            ": nothing was due, {} verified OK before",
            counted(skipped, "snapshot")
        ),
        (_, skipped) => format!("; {} verified OK before left out", counted(skipped, "snapshot")),
    }
}

/// The event of the state that `task` is in now.
pub(crate) fn task(task: &Task, log_tail: Vec<String>) -> NewEvent {
    let deed = deed(&task.spec);
    let (event_type, title) = match task.state {
        TaskState::Queued if task.retry_of.is_some() => (
            EventType::TaskQueued,
            format!("{deed} is queued again (attempt {})", task.attempt),
        ),
        TaskState::Queued => (EventType::TaskQueued, format!("{deed} is queued")),
        TaskState::Running => (EventType::TaskStarted, format!("{deed} started")),
        TaskState::Ok => (
            EventType::TaskCompleted,
            format!("{deed} completed{}", left_out(task)),
        ),
        TaskState::Warning => {
            let warnings = counted(task.warning_count.max(1), "warning");
            (
                EventType::TaskWarning,
                format!("{deed} completed with {warnings}"),
            )
        }
        TaskState::Failed if is_handed_over(task) => (
            EventType::TaskFailed,
            format!("{deed} was interrupted: its worker was stopped; it is queued again"),
        ),
        TaskState::Failed => {
            let why = task
                .error
                .as_ref()
                .map_or("no reason was given", |e| e.message.as_str());
            (EventType::TaskFailed, format!("{deed} failed: {why}"))
        }
        TaskState::Cancelled => {
            let by = task
                .cancel_by
                .as_ref()
                .map(|user| match user.as_str() {
                    overlap::HUB => ": its job begins anew, and cancels the run before".to_owned(),
                    user => format!(" by {user}"),
                })
                .unwrap_or_default();
            (EventType::TaskCancelled, format!("{deed} was cancelled{by}"))
        }
    };
    let severity = if is_handed_over(task) {
        Severity::Notice
    } else {
        event_type.default_severity()
    };
    let mut data = EventData::new(task.project.clone(), severity, title);
    data.task = Some(task.data(log_tail));
    data.actor = task
        .cancel_by
        .clone()
        .filter(|_| task.state == TaskState::Cancelled);
    data.error.clone_from(&task.error);
    data.job = task.job.clone().map(|name| JobData {
        name,
        scheduled_for: task.scheduled_for,
        missed: 0,
    });
    NewEvent {
        event_type,
        subject: Some(task.upid.to_string()),
        data,
    }
}

/// Whether the attempt ended because its worker was stopped, and goes on elsewhere.
pub(super) fn is_handed_over(task: &Task) -> bool {
    let error = task.error.as_ref();
    task.state == TaskState::Failed && error.is_some_and(|error| error.code == ErrorCode::WorkerStopped)
}

/// `snapshot.verified`. `project`: whom it concerns, the verifying task's or else the snapshot's owner.
pub(crate) fn verified(
    task: &Task,
    project: Option<ProjectName>,
    datastore: &DatastoreName,
    report: &VerifyReport,
) -> NewEvent {
    let snapshot = ironcore_types::SnapshotRef {
        datastore: datastore.clone(),
        path: report.snapshot.clone(),
    };
    let mut title = format!("Snapshot {snapshot} is {}", report.result);
    if let Some(failure) = &report.failure {
        title.push_str(&format!(": {}", failure.reason));
    }
    let severity = if report.result.is_bad() {
        Severity::Error
    } else {
        Severity::Info
    };
    let mut data = EventData::new(project, severity, title);
    data.error = report.failure.as_ref().map(|failure| ErrorData {
        code: failure.code,
        message: failure.reason.clone(),
    });
    // The verifying task still runs; its stages would be those of a moment ago.
    let verifier = Task {
        progress: Progress::default(),
        ..task.clone()
    };
    data.task = Some(TaskData {
        warnings: Vec::new(),
        ..verifier.data(Vec::new())
    });
    data.job = task.job.clone().map(|name| JobData {
        name,
        scheduled_for: None,
        missed: 0,
    });
    data.snapshot = Some(snapshot.clone());
    data.verification = Some(report.clone());
    NewEvent {
        event_type: EventType::SnapshotVerified,
        subject: Some(snapshot.to_string()),
        data,
    }
}

/// Why a worker is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It said so.
    Stopped,
    /// It did not renew its lease.
    Lost,
}

/// `worker.online` or, when `gone` says why, `worker.offline`.
pub(crate) fn worker(session: &Session, gone: Option<Gone>) -> NewEvent {
    let (event_type, severity, what) = match gone {
        None => (EventType::WorkerOnline, Severity::Info, "is online"),
        Some(Gone::Stopped) => (EventType::WorkerOffline, Severity::Notice, "stopped"),
        Some(Gone::Lost) => (
            EventType::WorkerOffline,
            Severity::Warning,
            "is gone: it no longer renews its lease",
        ),
    };
    let title = format!("Worker on {} (process {}) {what}", session.node, session.pid);
    let mut data = EventData::new(None, severity, title);
    data.node = Some(NodeData {
        name: session.node.clone(),
        service: "worker".to_owned(),
    });
    NewEvent {
        event_type,
        subject: Some(format!("worker/{}", session.node)),
        data,
    }
}

/// `system.started` of a process that was told to be gone, and lives.
pub(crate) fn services_back(session: &Session) -> NewEvent {
    let what = names(&session.services);
    let title = format!(
        "The hub on {} (process {}; {what}) was not gone: it renews its lease again",
        session.node, session.pid
    );
    let event_type = EventType::SystemStarted;
    let mut data = EventData::new(None, event_type.default_severity(), title);
    data.node = Some(NodeData {
        name: session.node.clone(),
        service: what,
    });
    NewEvent {
        event_type,
        subject: Some(format!("hub/{}", session.node)),
        data,
    }
}

fn names(services: &[Service]) -> String {
    let names: Vec<&str> = services.iter().map(|service| service.as_str()).collect();
    names.join(", ")
}

/// `system.stopped` of a process that runs no tasks and is gone without a word; `undone` is what nobody does any more.
pub(crate) fn services_lost(session: &Session, undone: &[Service]) -> NewEvent {
    let what = names(&session.services);
    let mut title = format!(
        "The hub on {} (process {}; {what}) is gone: it no longer renews its lease",
        session.node, session.pid
    );
    if !undone.is_empty() {
        title.push_str(&format!("; nobody else does: {}", names(undone)));
    }
    let severity = match undone.is_empty() {
        true => Severity::Warning,
        false => Severity::Error,
    };
    let mut data = EventData::new(None, severity, title);
    data.node = Some(NodeData {
        name: session.node.clone(),
        service: what,
    });
    NewEvent {
        event_type: EventType::SystemStopped,
        subject: Some(format!("hub/{}", session.node)),
        data,
    }
}

/// `scheduler.paused` or `scheduler.resumed`.
pub(crate) fn scheduler(paused: bool, by: &ironcore_types::UserId) -> NewEvent {
    let (event_type, what) = if paused {
        (EventType::SchedulerPaused, "paused")
    } else {
        (EventType::SchedulerResumed, "resumed")
    };
    let mut data = EventData::new(
        None,
        event_type.default_severity(),
        format!("The scheduler was {what} by {by}"),
    );
    data.actor = Some(by.clone());
    NewEvent {
        event_type,
        subject: Some("scheduler".to_owned()),
        data,
    }
}

/// `auth.token-created`.
pub(crate) fn token(token: &Token, actor: Option<&ironcore_types::UserId>) -> NewEvent {
    let by = actor.map(|user| format!(" by {user}")).unwrap_or_default();
    let title = format!(
        "API token {} with role {} was created{by}",
        token.user, token.role
    );
    let event_type = EventType::AuthTokenCreated;
    let mut data = EventData::new(token.project.clone(), event_type.default_severity(), title);
    data.actor = actor.cloned();
    NewEvent {
        event_type,
        subject: Some(format!("token/{}", token.user)),
        data,
    }
}

/// `datastore.status-changed`.
pub(crate) fn datastore(name: &DatastoreName, status: &crate::model::DatastoreStatus) -> NewEvent {
    let event_type = EventType::DatastoreStatusChanged;
    let (severity, title) = if status.online {
        (Severity::Notice, format!("Datastore {name} is online"))
    } else {
        let why = status
            .reason
            .as_deref()
            .map(|reason| format!(": {reason}"))
            .unwrap_or_default();
        (Severity::Error, format!("Datastore {name} is offline{why}"))
    };
    let mut data = EventData::new(None, severity, title);
    data.datastore = Some(ironcore_types::event::DatastoreData {
        name: name.clone(),
        online: status.online,
        used: status.used,
        free: status.free,
    });
    NewEvent {
        event_type,
        subject: Some(format!("datastore/{name}")),
        data,
    }
}
