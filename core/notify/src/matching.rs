//! Which handlers are told of an event, and why the others are not. Plain functions over the configuration: no ledger,
//! no clock.
//!
//! An event reaches the groups attached to the job that it is about, those attached to its datastores, and those that
//! listen to its source. Trouble that is no job's, such as a verification that was started by hand and found a bad
//! chunk, reaches the groups of the jobs that use the same datastore. What became of a message, or of the plugin that
//! was to deliver it, reaches the group of its handler. In a group that it reaches, rules, matrix and the default rule
//! say who is told, and each handler's filter has the last word; but while an event is silenced, nobody is told outside.
//! The inbox gets every event.

mod policy;
mod reach;
mod rules;
mod silences;

use ironcore_ledger::model::{HandlerRef, LastOutcome};
use ironcore_types::event::EventData;
use ironcore_types::notification::{Filter, Group, Handler, NamePattern};
use ironcore_types::objects::{DatastoreObject, Job};
use ironcore_types::{ErrorCode, Event, EventType, GroupName, HandlerName, PluginName, TaskState};
use serde_json::Map;

pub use policy::{Policy, policy};
pub use reach::{datastores_of, groups_reached, job_of};
pub use rules::{Decision, Reason, decide};
pub use silences::{Quiet, Silences};

/// Name of the plugin and of the fixed handler that every project has.
pub const INBOX: &str = "inbox";

/// The group of the fixed handlers, which nobody declares.
pub const BUILTIN_GROUP: &str = "hub.builtin";

/// What is declared, as far as an event may reach it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declared<'a> {
    /// Jobs of the event's project; others are passed over.
    pub jobs: &'a [Job],
    /// Groups of the event's project; others are passed over.
    pub groups: &'a [Group],
    /// Groups of the hub.
    pub hub_groups: &'a [Group],
    /// All datastores.
    pub datastores: &'a [DatastoreObject],
}

/// An event with what is known beside it.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The event.
    pub event: &'a Event,
    /// How the run before ended, when the event tells how one did.
    pub before: Option<&'a LastOutcome>,
}

/// A handler that is told of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Which.
    pub handler: HandlerRef,
    /// As it is declared.
    pub declared: Handler,
}

/// Which job's outcome an event tells, and what it is: the key under which outcomes are kept. Those of runs that were
/// handed over, or that somebody cancelled, say nothing about the job.
pub fn outcome_of(event: &Event) -> Option<(String, TaskState)> {
    let state = match event.event_type {
        EventType::TaskCompleted => TaskState::Ok,
        EventType::TaskWarning => TaskState::Warning,
        EventType::TaskFailed if !is_handed_over(event) => TaskState::Failed,
        _ => return None,
    };
    let project = event.data.project.as_ref()?;
    Some((format!("{project}/{}", job_of(&event.data)?), state))
}

/// Whether an event of this type tells of a failure to tell. Such events are never told by what failed, and when
/// telling them fails in its turn, no further event says so: or two broken handlers would keep each other busy for ever.
pub fn is_about_delivery(event_type: EventType) -> bool {
    matches!(event_type, EventType::PluginFailed | EventType::DeliveryExhausted)
}

pub(crate) fn is_bad_verification(event: &Event) -> bool {
    let report = event.data.verification.as_ref();
    event.event_type == EventType::SnapshotVerified && report.is_some_and(|report| report.result.is_bad())
}

pub(crate) fn is_handed_over(event: &Event) -> bool {
    let error = event.data.error.as_ref();
    event.event_type == EventType::TaskFailed
        && error.is_some_and(|error| error.code == ErrorCode::WorkerStopped)
}

/// Whether the event tells that this very handler, or its plugin, failed.
fn is_own_failure(event: &Event, group: &Group, handler: &Handler) -> bool {
    let cause = event.data.delivery.as_ref();
    let about = is_about_delivery(event.event_type) || event.event_type == EventType::HandlerDisabled;
    let Some(cause) = cause.filter(|_| about) else {
        return false;
    };
    let same_group = cause.group.as_ref() == Some(&group.name) && event.data.project == group.project;
    let same_handler = cause.handler.as_ref() == Some(&handler.name) && same_group;
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
        filter: Filter::of_events([]),
        template: None,
        digest: None,
        quiet: None,
        limit: None,
        incidents: None,
    };
    Some((GroupName::new(BUILTIN_GROUP).ok()?, handler))
}

/// Every handler that is told of an event. `inbox` is the inbox plugin, when there is one.
pub fn matches(told: Told<'_>, declared: Declared<'_>, inbox: Option<&PluginName>) -> Vec<Match> {
    let mut found = Vec::new();
    let fixed = inbox.cloned().and_then(inbox_handler);
    let own = |event: &Event, plugin: &PluginName| {
        let cause = event
            .data
            .delivery
            .as_ref()
            .and_then(|cause| cause.plugin.as_ref());
        event.event_type == EventType::PluginFailed && cause == Some(plugin)
    };
    if let Some((group, handler)) = fixed.filter(|(_, handler)| !own(told.event, &handler.plugin)) {
        found.push(Match {
            handler: HandlerRef {
                project: told.event.data.project.clone(),
                group,
                handler: handler.name.clone(),
            },
            declared: handler,
        });
    }
    for group in groups_reached(told.event, declared) {
        for (handler, decision) in group.handler.iter().zip(decide(told, group)) {
            if decision.told {
                found.push(Match {
                    handler: HandlerRef {
                        project: group.project.clone(),
                        group: group.name.clone(),
                        handler: handler.name.clone(),
                    },
                    declared: handler.clone(),
                });
            }
        }
    }
    found
}

/// What a message about this event belongs to: messages of one thread reach a handler in order. The task when there is
/// one, else the job, else what the event happened to, else the event alone.
pub fn thread_of(event: &Event) -> String {
    let data: &EventData = &event.data;
    match (&data.task, &data.job, &event.subject) {
        (Some(task), _, _) => task.upid.to_string(),
        (None, Some(job), _) => format!("job/{}", job.name),
        (None, None, Some(subject)) => subject.clone(),
        (None, None, None) => event.id.to_string(),
    }
}

fn names(patterns: &[NamePattern], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

#[cfg(test)]
#[path = "matching_tests.rs"]
pub(crate) mod tests;
