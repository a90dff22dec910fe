//! In a group that an event reaches: which handlers are told, by which rule, and what keeps it from the others.

use ironcore_types::notification::{Filter, Group, Handler, Then};
use ironcore_types::{Event, EventType, TaskState};

use super::silences::Quiet;
use super::{Told, datastores_of, is_bad_verification, is_handed_over, is_own_failure, job_of, names};

/// What becomes of an event for one handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is told.
    pub told: bool,
    /// What decided.
    pub reason: Reason,
}

/// What decides whether a handler is told of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The group's rule of this number, from 1, tells it.
    Rule(usize),
    /// The rule of this number stops, and tells others or nobody.
    StoppedBy(usize),
    /// The matrix names it for this event type, or names others.
    Matrix,
    /// Its own filter names the event types, and this one is among them or not.
    Events,
    /// The default rule: completed, warning and failed tasks, and what counts as a failure.
    Default,
    /// The event does not reach the group.
    NotReached,
    /// The handler is switched off in its declaration.
    Disabled,
    /// It was switched off because it failed.
    SwitchedOff,
    /// The event tells that this very handler, or its plugin, failed.
    OwnFailure,
    /// The attempt was handed over by a worker that was stopped; the next one tells how the work went.
    HandedOver,
    /// The event matters less than its filter asks for.
    Severity,
    /// Its filter names other jobs.
    Job,
    /// Its filter names other datastores.
    Datastore,
    /// It fell outside of its filter's hours.
    Hours,
    /// The outcome is that of the run before, and its filter wants changes only.
    NoChange,
    /// It would be told, but the event is silenced.
    Silenced(Quiet),
}

/// What becomes of the event for each handler of a group that it reaches, in their order.
pub fn decide(told: Told<'_>, group: &Group) -> Vec<Decision> {
    // Which rules tell a handler is the same for all of them, but for their names.
    let mut hit = Vec::new();
    let mut stopped = None;
    for (at, rule) in group.rule.iter().enumerate() {
        if passes_types(told.event, rule.when.events.as_deref()) && filtered(told, &rule.when).is_none() {
            hit.push((at + 1, rule.tell.as_deref()));
            if rule.then == Then::Stop {
                stopped = Some(at + 1);
                break;
            }
        }
    }
    let of = |handler: &Handler| {
        let no = |reason| Decision { told: false, reason };
        if let Some(reason) = never(told.event, group, handler) {
            return no(reason);
        }
        let named = |tell: &Option<&[_]>| tell.is_none_or(|names| names.contains(&handler.name));
        let reason = match hit.iter().find(|(_, tell)| named(tell)) {
            Some((number, _)) => Reason::Rule(*number),
            None => match stopped {
                Some(number) => return no(Reason::StoppedBy(number)),
                None => match beyond_rules(told.event, group, handler) {
                    Ok(reason) => reason,
                    Err(reason) => return no(reason),
                },
            },
        };
        match filtered(told, &handler.filter) {
            Some(reason) => no(reason),
            None => Decision { told: true, reason },
        }
    };
    group.handler.iter().map(of).collect()
}

/// What no rule can change.
fn never(event: &Event, group: &Group, handler: &Handler) -> Option<Reason> {
    if !handler.enabled {
        Some(Reason::Disabled)
    } else if is_own_failure(event, group, handler) {
        Some(Reason::OwnFailure)
    } else if is_handed_over(event) {
        Some(Reason::HandedOver)
    } else {
        None
    }
}

/// Where no rule tells and none stops: the matrix, or the handler's own event types, or the default rule.
fn beyond_rules(event: &Event, group: &Group, handler: &Handler) -> Result<Reason, Reason> {
    let (passes, reason) = match (group.matrix.get(&event.event_type), &handler.filter.events) {
        (Some(told), _) => (told.contains(&handler.name), Reason::Matrix),
        (None, Some(events)) => (passes_types(event, Some(events)), Reason::Events),
        (None, None) => (passes_types(event, Some(&Group::DEFAULT_EVENTS)), Reason::Default),
    };
    if passes { Ok(reason) } else { Err(reason) }
}

fn passes_types(event: &Event, events: Option<&[EventType]>) -> bool {
    let Some(events) = events.filter(|events| !events.is_empty()) else {
        return true;
    };
    let wants = |event_type| events.contains(&event_type);
    // A bad snapshot is told at once to those who want to know of failures, not when the verification has ended. Nor must
    // they hear of none because another handler was switched off, or could not tell of it.
    let untold = matches!(
        event.event_type,
        EventType::HandlerDisabled | EventType::DeliveryExhausted
    );
    let like_a_failure = is_bad_verification(event) || untold;
    wants(event.event_type) || (like_a_failure && wants(EventType::TaskFailed))
}

/// What of a filter, but for its event types, keeps the event out.
fn filtered(told: Told<'_>, filter: &Filter) -> Option<Reason> {
    let event = told.event;
    if filter
        .min_severity
        .is_some_and(|least| event.data.severity < least)
    {
        return Some(Reason::Severity);
    }
    let job = job_of(&event.data);
    if !filter.jobs.is_empty() && !job.is_some_and(|job| names(&filter.jobs, job.as_str())) {
        return Some(Reason::Job);
    }
    if !filter.datastores.is_empty() {
        let about = datastores_of(&event.data);
        if !about.iter().any(|name| names(&filter.datastores, name.as_str())) {
            return Some(Reason::Datastore);
        }
    }
    if filter
        .hours
        .as_ref()
        .is_some_and(|hours| !hours.contain(event.time))
    {
        return Some(Reason::Hours);
    }
    if filter.changes_only && !is_change(told) {
        return Some(Reason::NoChange);
    }
    None
}

/// Whether the outcome is another than that of the run before. The first run of a job changes something when it is not
/// good; what is no outcome always does.
fn is_change(told: Told<'_>) -> bool {
    let Some((_, now)) = super::outcome_of(told.event) else {
        return true;
    };
    let before = told.before.map_or(TaskState::Ok, |before| before.state);
    before != now
}
