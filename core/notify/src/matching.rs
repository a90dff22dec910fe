//! Which handlers are told of an event. Plain functions over the configuration: no ledger, no clock.
//!
//! An event reaches the groups attached to the job that it is about. Trouble that is no job's, such as a verification
//! that was started by hand and found a bad chunk, reaches the groups of the jobs that use the same datastore. What
//! became of a message, or of the plugin that was to deliver it, reaches the group of its handler. The hub's own
//! events have no groups. The inbox gets every event.

use std::collections::BTreeSet;

use ironcore_ledger::model::HandlerRef;
use ironcore_types::event::EventData;
use ironcore_types::objects::{Filter, Group, Handler, Job};
use ironcore_types::{
    DatastoreName, ErrorCode, Event, EventType, GroupName, HandlerName, JobName, PluginName, Severity,
    TaskType,
};
use serde_json::Map;

/// Name of the plugin and of the fixed handler that every project has.
pub const INBOX: &str = "inbox";

/// The group of the fixed handlers, which nobody declares.
pub const BUILTIN_GROUP: &str = "hub.builtin";

/// A handler that is told of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Which.
    pub handler: HandlerRef,
    /// As it is declared.
    pub declared: Handler,
}

/// Why a handler is not told of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The handler is switched off.
    Disabled,
    /// Its filter names other event types.
    EventType,
    /// The event matters less than its filter asks for.
    Severity,
    /// Its filter names other jobs.
    Job,
    /// Its filter names other datastores.
    Datastore,
    /// The event tells that this very handler, or its plugin, failed.
    OwnFailure,
    /// The attempt was handed over by a worker that was stopped; the next one tells how the work went.
    HandedOver,
}

/// The job that an event is about.
pub fn job_of(data: &EventData) -> Option<&JobName> {
    data.task
        .as_ref()
        .and_then(|task| task.job.as_ref())
        .or_else(|| data.job.as_ref().map(|job| &job.name))
}

/// The datastores that an event is about.
pub fn datastores_of(data: &EventData) -> BTreeSet<DatastoreName> {
    let mut found = BTreeSet::new();
    found.extend(data.datastore.as_ref().map(|datastore| datastore.name.clone()));
    found.extend(data.snapshot.as_ref().map(|snapshot| snapshot.datastore.clone()));
    if let Some(task) = &data.task {
        // A UPID's id begins with the datastore; a sync's is FROM:TO, where FROM may be another hub's.
        let mut parts = task.upid.id.split(':');
        let first = parts.next().and_then(|name| DatastoreName::new(name).ok());
        if task.task_type == TaskType::Sync {
            let local = first.filter(|name| task.source.as_deref() == Some(name.as_str()));
            found.extend(local);
            found.extend(parts.next().and_then(|name| DatastoreName::new(name).ok()));
        } else {
            found.extend(first);
        }
    }
    found
}

/// The groups of the event's project that it reaches, in the order of `groups`.
///
/// `jobs` and `groups` are those of the event's project; others are passed over.
pub fn groups_reached<'a>(event: &Event, jobs: &[Job], groups: &'a [Group]) -> Vec<&'a Group> {
    let Some(project) = &event.data.project else {
        return Vec::new();
    };
    let jobs = jobs.iter().filter(|job| job.project == *project);
    let mut names: BTreeSet<&GroupName> = BTreeSet::new();
    match job_of(&event.data) {
        Some(name) => names.extend(jobs.filter(|job| job.name == *name).flat_map(|job| &job.groups)),
        None if event.data.severity >= Severity::Warning => {
            let about = datastores_of(&event.data);
            names.extend(
                jobs.filter(|job| job.task.datastores().into_iter().any(|name| about.contains(name)))
                    .flat_map(|job| &job.groups),
            );
        }
        None => {}
    }
    names.extend(
        event
            .data
            .delivery
            .as_ref()
            .and_then(|delivery| delivery.group.as_ref()),
    );
    groups
        .iter()
        .filter(|group| group.project == *project && names.contains(&group.name))
        .collect()
}

/// What keeps an event from a handler of a group that it reaches; none when the handler is told.
pub fn stopped(event: &Event, group: &GroupName, handler: &Handler) -> Option<Stopped> {
    if !handler.enabled {
        return Some(Stopped::Disabled);
    }
    if is_own_failure(event, group, handler) {
        return Some(Stopped::OwnFailure);
    }
    if is_handed_over(event) && group.as_str() != BUILTIN_GROUP {
        return Some(Stopped::HandedOver);
    }
    filtered(event, &handler.filter)
}

fn filtered(event: &Event, filter: &Filter) -> Option<Stopped> {
    let passes_job = |name: &JobName| filter.jobs.contains(name);
    let passes_type = |event_type| filter.events.is_empty() || filter.events.contains(&event_type);
    // A bad snapshot is told at once to those who want to know of failures, not when the verification has ended.
    let bad_snapshot = is_bad_verification(event) && passes_type(EventType::TaskFailed);
    // Nor must those who want to know of failures hear of none because another handler was switched off.
    let switched_off = event.event_type == EventType::HandlerDisabled && passes_type(EventType::TaskFailed);
    if !(passes_type(event.event_type) || bad_snapshot || switched_off) {
        return Some(Stopped::EventType);
    }
    if filter
        .min_severity
        .is_some_and(|least| event.data.severity < least)
    {
        return Some(Stopped::Severity);
    }
    if !filter.jobs.is_empty() && !job_of(&event.data).is_some_and(passes_job) {
        return Some(Stopped::Job);
    }
    if !filter.datastores.is_empty() {
        let about = datastores_of(&event.data);
        if !filter.datastores.iter().any(|name| about.contains(name)) {
            return Some(Stopped::Datastore);
        }
    }
    None
}

/// Whether an event of this type tells of a failure to tell. Such events are never told by what failed, and when
/// telling them fails in its turn, no further event says so: or two broken handlers would keep each other busy for ever.
pub fn is_about_delivery(event_type: EventType) -> bool {
    matches!(event_type, EventType::PluginFailed | EventType::DeliveryExhausted)
}

fn is_bad_verification(event: &Event) -> bool {
    let report = event.data.verification.as_ref();
    event.event_type == EventType::SnapshotVerified && report.is_some_and(|report| report.result.is_bad())
}

fn is_handed_over(event: &Event) -> bool {
    let error = event.data.error.as_ref();
    event.event_type == EventType::TaskFailed
        && error.is_some_and(|error| error.code == ErrorCode::WorkerStopped)
}

fn is_own_failure(event: &Event, group: &GroupName, handler: &Handler) -> bool {
    let Some(cause) = event
        .data
        .delivery
        .as_ref()
        .filter(|_| is_about_delivery(event.event_type))
    else {
        return false;
    };
    let same_handler = cause.handler.as_ref() == Some(&handler.name) && cause.group.as_ref() == Some(group);
    let same_plugin =
        event.event_type == EventType::PluginFailed && cause.plugin.as_ref() == Some(&handler.plugin);
    same_handler || same_plugin
}

/// The fixed handler that tells every event of a project, and of the hub, to the inbox.
pub fn inbox_handler(plugin: PluginName) -> Option<(GroupName, Handler)> {
    let handler = Handler {
        name: HandlerName::new(INBOX).ok()?,
        plugin,
        enabled: true,
        config: Map::new(),
        filter: Filter {
            events: Vec::new(),
            ..Filter::default()
        },
        template: None,
    };
    Some((GroupName::new(BUILTIN_GROUP).ok()?, handler))
}

/// Every handler that is told of an event. `inbox` is the inbox plugin, when there is one; `jobs` and `groups` are
/// those of the event's project.
pub fn matches(event: &Event, jobs: &[Job], groups: &[Group], inbox: Option<&PluginName>) -> Vec<Match> {
    let mut found = Vec::new();
    let mut look = |group: &GroupName, handler: &Handler| {
        if stopped(event, group, handler).is_none() {
            let reference = HandlerRef {
                project: event.data.project.clone(),
                group: group.clone(),
                handler: handler.name.clone(),
            };
            found.push(Match {
                handler: reference,
                declared: handler.clone(),
            });
        }
    };
    if let Some((group, handler)) = inbox.cloned().and_then(inbox_handler) {
        look(&group, &handler);
    }
    for group in groups_reached(event, jobs, groups) {
        for handler in &group.handler {
            look(&group.name, handler);
        }
    }
    found
}

/// What a message about this event belongs to: messages of one thread reach a handler in order. The task when there is
/// one, else the job, else what the event happened to, else the event alone.
pub fn thread_of(event: &Event) -> String {
    let data = &event.data;
    match (&data.task, &data.job, &event.subject) {
        (Some(task), _, _) => task.upid.to_string(),
        (None, Some(job), _) => format!("job/{}", job.name),
        (None, None, Some(subject)) => subject.clone(),
        (None, None, None) => event.id.to_string(),
    }
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
