//! When an event is told to a handler: at once, or with others by a digest. A plain function of what is declared, the time
//! and how far the destination is within the limits of its handlers.
//!
//! Handlers that share a destination count each other's messages, those too that are to come; each goes by its own limit.
//! So one that is used up holds back no handler whose own limit allows more.

use std::cmp::Ordering;
use std::time::Duration;

use ironcore_ledger::model::{Gathering, HandlerRef, Rate};
use ironcore_types::notification::{Handler, Limit};
use ironcore_types::{Severity, Timestamp};

/// Events that one message gathers beyond a limit.
const MOST_GATHERED: u32 = 500;

/// What the keys of places begin with that are kept for somebody who asks again.
const PLACE: &str = "place ";
/// How late somebody may come for a place. Nobody is woken exactly when it is due.
const LATE: Duration = Duration::from_millis(500);

/// By which message an event is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Paced {
    /// By one of its own, now.
    AtOnce,
    /// By a digest: what tells it from others, and when it is due.
    Gathered {
        /// The same for all events of one digest.
        window: String,
        /// When it is due.
        due: Timestamp,
    },
}

impl Paced {
    /// What gathers it: `digest`, `quiet` or `limit`; none when it is told at once.
    pub(crate) fn by(&self) -> Option<&str> {
        match self {
            Self::AtOnce => None,
            Self::Gathered { window, .. } => window.split('/').next(),
        }
    }

    fn gathered(by: &str, due: Timestamp) -> Self {
        Self::Gathered {
            window: format!("{by}/{due}"),
            due,
        }
    }
}

/// Decides for the handler of that name. `rate` is that of its destination, and changes with what is sent; none where there
/// is no limit.
pub(crate) fn pace(
    name: &HandlerRef,
    handler: &Handler,
    severity: Severity,
    now: Timestamp,
    rate: Option<&mut Rate>,
) -> Paced {
    let quiet = |at| handler.quiet.as_ref().and_then(|quiet| quiet.due(at, severity));
    if let Some(due) = handler
        .digest
        .as_ref()
        .and_then(|digest| digest.due(now, severity))
    {
        // A digest does not wake anybody either.
        return Paced::gathered("digest", quiet(due).unwrap_or(due));
    }
    if let Some(due) = quiet(now) {
        return Paced::gathered("quiet", due);
    }
    let limited = handler.limit.zip(rate);
    match limited.and_then(|(limit, rate)| beyond(name, limit, now, rate)) {
        Some(due) => Paced::gathered("limit", due),
        None => Paced::AtOnce,
    }
}

/// When the message is due that holds what is beyond the handler's limit; none within it. What holds the rest takes a
/// place like any other message. One that is full is followed by another, which takes a place of its own.
fn beyond(name: &HandlerRef, limit: Limit, now: Timestamp, rate: &mut Rate) -> Option<Timestamp> {
    forget(limit, now, rate);
    let name = name.to_string();
    if let Some(gathering) = rate.gathering.get_mut(&name)
        && gathering.events < MOST_GATHERED
    {
        gathering.events += 1;
        return Some(gathering.due);
    }
    let due = place(limit, now, &rate.sent);
    take(due, rate);
    if due <= now {
        return None;
    }
    rate.gathering.insert(name, Gathering { due, events: 1 });
    Some(due)
}

/// Whether one more message is within the limit now, which it then counts in; else when there is room for it. It has that
/// place then, whatever others send meanwhile, if it asks again under the same `key` when that is due. Who comes later has
/// none, and asks like anybody else.
pub(crate) fn room(key: &str, limit: Limit, now: Timestamp, rate: &mut Rate) -> Result<(), Timestamp> {
    let key = format!("{PLACE}{key}");
    match rate.gathering.get(&key).map(|place| place.due) {
        Some(due) if due > now => return Err(due),
        Some(due) if !is_past(due, now) => {
            rate.gathering.remove(&key);
            give_back(due, rate);
            // It counts at the time at which it goes. So where those before came late, this one does too. That others whose
            // limit allows more have sent meanwhile takes its place from nobody.
            let before = rate.sent.partition_point(|sent| *sent <= now);
            let free = place(limit, now, rate.sent.get(..before).unwrap_or_default());
            let late = free <= due.after(limit.per.duration() / 4);
            return go_or_wait(key, if late { free } else { now }, now, rate);
        }
        _ => {}
    }
    forget(limit, now, rate);
    let free = place(limit, now, &rate.sent);
    go_or_wait(key, free, now, rate)
}

/// Takes the place that is free, now or for when somebody asks again.
fn go_or_wait(key: String, free: Timestamp, now: Timestamp, rate: &mut Rate) -> Result<(), Timestamp> {
    take(free, rate);
    if free <= now {
        return Ok(());
    }
    rate.gathering.insert(key, Gathering { due: free, events: 0 });
    Err(free)
}

/// Whether somebody who comes now is too late for a place.
fn is_past(due: Timestamp, now: Timestamp) -> bool {
    due <= now.before(LATE)
}

/// Forgets what no limit asks for any more: messages that were sent, but for the newest, what gathers no longer, and places
/// for which nobody came.
fn forget(limit: Limit, now: Timestamp, rate: &mut Rate) {
    let mut unused = Vec::new();
    rate.gathering.retain(|key, gathering| {
        let is_place = key.starts_with(PLACE);
        if is_place && is_past(gathering.due, now) {
            unused.push(gathering.due);
            return false;
        }
        is_place || gathering.due > now
    });
    for due in unused {
        give_back(due, rate);
    }
    rate.most = rate.most.max(limit.messages);
    // Some of the last may be places for which somebody comes late.
    let past = rate.sent.partition_point(|sent| is_past(*sent, now));
    rate.sent.drain(..past.saturating_sub(rate.most as usize));
}

/// The first time from now on at which one more message is within the limit. `sent` is in order.
fn place(limit: Limit, now: Timestamp, sent: &[Timestamp]) -> Timestamp {
    let span = limit.per.duration();
    let again = sent
        .iter()
        .map(|sent| sent.after(span))
        .filter(|free| *free > now);
    let mut times = std::iter::once(now).chain(again);
    let free = times.find(|at| has_room(limit, *at, sent));
    // A span after the last message there is always room.
    free.unwrap_or(now)
}

/// Whether no span of the limit's length would hold more than the limit allows with one more message at that time.
fn has_room(limit: Limit, at: Timestamp, sent: &[Timestamp]) -> bool {
    let (span, most) = (limit.per.duration(), limit.messages.max(1) as usize);
    let own = sent.partition_point(|sent| *sent <= at);
    let time = |index: usize| match index.cmp(&own) {
        Ordering::Less => sent[index],
        Ordering::Equal => at,
        Ordering::Greater => sent[index - 1],
    };
    // One more than are allowed, of which it is one: those must be further apart. With it there are `sent.len() + 1`.
    let last = own.min(sent.len().saturating_sub(most));
    sent.len() < most
        || (own.saturating_sub(most)..=last).all(|first| time(first + most).since(time(first)) >= span)
}

/// One message less: nothing is sent at that time.
fn give_back(at: Timestamp, rate: &mut Rate) {
    if let Some(index) = rate.sent.iter().position(|sent| *sent == at) {
        rate.sent.remove(index);
    }
}

/// One more message, at that time.
fn take(at: Timestamp, rate: &mut Rate) {
    let own = rate.sent.partition_point(|sent| *sent <= at);
    rate.sent.insert(own, at);
}

#[cfg(test)]
#[path = "pacing_tests.rs"]
mod tests;
