//! Incidents on their way to handlers: takes the notices that are to be looked at, decides what is told, and records it
//! with the messages, in one transaction. All state is the ledger's, so a restart forgets nothing, and of several
//! processes one tells.

mod decide;
mod quiet;
mod told;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{
    DueNotice, HandlerHealth, HandlerRef, Incident, IncidentState, NewMessage, NoticeStep, Rate, Scope,
    SeqEvent,
};
use ironcore_types::Timestamp;
use ironcore_types::notification::{Escalation, GroupRef, Handler};
use serde_json::Map;

use self::decide::{Say, decide};
use self::quiet::Quiet;
pub(crate) use self::told::Told;
use crate::error::NotifyError;
use crate::fanout::{KIND_EVENT, lane, unlimited};
use crate::matching;
use crate::notify::Shared;
use crate::pacing;
use crate::silences;

/// Notices that are looked at in one transaction.
const BATCH: u32 = 32;

/// How soon a notice that is silenced is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// What messages of this kind hold: that an incident began, that more joined it, or that it lasts.
pub(crate) const KIND_INCIDENT: &str = "incident";
/// That an incident is over.
pub(crate) const KIND_RECOVERY: &str = "recovery";
/// That nobody has acknowledged an incident that another handler was told of.
pub(crate) const KIND_ESCALATION: &str = "escalation";

/// Looks at one batch of notices and says how many they were.
pub(crate) async fn once(shared: &Shared) -> Result<usize, NotifyError> {
    let (now, looks) = shared.ledger.due_notices(BATCH).await?;
    if looks.is_empty() {
        return Ok(0);
    }
    let count = looks.len();
    let silences = silences::read(&shared.ledger, now).await?;
    let failing = shared.ledger.handler_health().await?;
    let mut declared = BTreeMap::new();
    let mut rates = BTreeMap::new();
    let mut steps = Vec::with_capacity(count);
    for look in looks {
        let reference = look.notice.handler.clone();
        if !declared.contains_key(&reference) {
            let found = handler(shared, &reference, &failing).await?;
            declared.insert(reference.clone(), found);
        }
        let (handler, is_off) = match declared.get(&reference) {
            Some(Known::Declared(handler)) => (handler, false),
            Some(Known::Off(handler)) => (handler, true),
            // Nobody hears of it there any more; should the handler come back, the next event makes it be looked at.
            Some(Known::Gone) | None => {
                steps.push(silent(look));
                continue;
            }
        };
        let end = end_of(shared, &look).await?;
        let quiet = Quiet::of(shared, &silences, &look, end.as_ref(), now).await?;
        let (look, held) = quiet.sift(look);
        if let Some(over) = quiet.over(&look) {
            let step = later(look, over.min(now.after(LOOK_AGAIN)));
            steps.push(NoticeStep { held, ..step });
            continue;
        }
        if is_off {
            let step = instead(look, handler, now);
            steps.push(NoticeStep { held, ..step });
            continue;
        }
        let lane = lane(&shared.plugins, reference.project.as_ref(), handler);
        if handler.limit.is_some() && !rates.contains_key(&lane) {
            let known = shared.ledger.rates(vec![lane.clone()]).await?;
            let rate = known.into_iter().next().unwrap_or_else(|| unlimited(&lane));
            rates.insert(lane.clone(), rate);
        }
        let up = handler
            .incidents
            .as_ref()
            .and_then(|policy| policy.escalate.as_ref());
        let up = match up.map(|up| raised_to(&look, up)) {
            // That it loses messages is nothing to tell to it.
            Some(target) if look.incident.cause == format!("delivery/{target}") => Up::Deaf,
            Some(target) if hears(shared, &target, &failing).await? => Up::Heard(target),
            Some(_) => Up::Deaf,
            None => Up::Nobody,
        };
        let rate = rates.get_mut(&lane);
        let step = step(&look, end.as_ref(), handler, (lane, rate), up, now);
        steps.push(NoticeStep { held, ..step });
    }
    shared.ledger.record_notices(steps).await?;
    Ok(count)
}

/// The event that ended the incident, if one did that shows to whom the incident does.
async fn end_of(shared: &Shared, look: &DueNotice) -> Result<Option<SeqEvent>, LedgerError> {
    let Some(seq) = look.incident.end_seq else {
        return Ok(None);
    };
    let next = shared.ledger.events_after(seq - 1, 1, &Scope::All).await?;
    Ok(next.into_iter().find(|event| event.seq == seq))
}

/// Who hears of an incident that nobody acknowledges.
enum Up {
    /// Nobody is to.
    Nobody,
    /// This handler.
    Heard(HandlerRef),
    /// One that is off or gone, and nobody in its place: the first handler is told again instead.
    Deaf,
}

/// Whether what is escalated to a handler reaches somebody: it, or whoever hears in its place while it is off.
async fn hears(
    shared: &Shared,
    reference: &HandlerRef,
    failing: &[HandlerHealth],
) -> Result<bool, LedgerError> {
    let mut reference = reference.clone();
    // Who escalates to whom never goes in a circle.
    loop {
        let up = match handler(shared, &reference, failing).await? {
            Known::Declared(_) => return Ok(true),
            Known::Gone => return Ok(false),
            Known::Off(handler) => handler.incidents.and_then(|policy| policy.escalate),
        };
        match up {
            Some(up) => reference.handler = up.to,
            None => return Ok(false),
        }
    }
}

/// Whether a handler can be told.
enum Known {
    Declared(Handler),
    /// It failed for so long that it was switched off.
    Off(Handler),
    /// It is no longer there, or whoever declared it wants it to be told of nothing.
    Gone,
}

async fn handler(
    shared: &Shared,
    reference: &HandlerRef,
    failing: &[HandlerHealth],
) -> Result<Known, LedgerError> {
    let group = GroupRef {
        project: reference.project.clone(),
        name: reference.group.clone(),
    };
    let Some(group) = shared.ledger.group(&group).await? else {
        return Ok(Known::Gone);
    };
    let off = failing
        .iter()
        .any(|health| health.handler == *reference && health.disabled.is_some());
    let mut handlers = group.handler.into_iter();
    let found = handlers.find(|handler| handler.name == reference.handler && handler.enabled);
    Ok(match found {
        Some(handler) if off => Known::Off(handler),
        Some(handler) => Known::Declared(handler),
        None => Known::Gone,
    })
}

/// Nothing is told now. A silence may be ended before its time, so this is asked again soon.
fn later(look: DueNotice, over: Timestamp) -> NoticeStep {
    let mut step = silent(look);
    step.notice.due = Some(over);
    step
}

/// What this handler would be told it is not: whoever is told when nobody acknowledges it is told at once.
fn instead(look: DueNotice, handler: &Handler, now: Timestamp) -> NoticeStep {
    let lasts = look.incident.state() == IncidentState::Open && look.notice.escalated.is_none();
    let up = handler
        .incidents
        .as_ref()
        .and_then(|policy| policy.escalate.as_ref());
    let raise = up.filter(|_| lasts).map(|up| raised_to(&look, up));
    let mut step = silent(look);
    step.notice.escalated = step.notice.escalated.or(raise.as_ref().map(|_| now));
    NoticeStep { raise, ..step }
}

fn raised_to(look: &DueNotice, up: &Escalation) -> HandlerRef {
    HandlerRef {
        handler: up.to.clone(),
        ..look.notice.handler.clone()
    }
}

/// Nothing is told, now or later.
fn silent(look: DueNotice) -> NoticeStep {
    let mut notice = look.notice;
    notice.due = None;
    NoticeStep {
        incident: look.incident.id,
        notice,
        message: None,
        raise: None,
        rate: None,
        held: Vec::new(),
    }
}

fn step(
    look: &DueNotice,
    end: Option<&SeqEvent>,
    handler: &Handler,
    (lane, rate): (String, Option<&mut Rate>),
    up: Up,
    now: Timestamp,
) -> NoticeStep {
    let mut decision = decide(look, handler, now);
    if decision.escalate && matches!(up, Up::Deaf) {
        decision.say = decision.say.or(Some(Say::Still));
    }
    let limited = handler.limit.zip(rate).filter(|_| decision.say.is_some());
    let rate = limited.map(|(limit, rate)| {
        let key = format!("{} {}", look.incident.id, look.notice.handler);
        if let Err(free) = pacing::room(&key, limit, now, rate) {
            decision.put_off(free);
        }
        rate.clone()
    });
    let raise = match up {
        Up::Heard(target) if decision.escalate => Some(target),
        _ => None,
    };
    let message = decision
        .say
        .map(|say| message(look, end, handler, lane, say, now));
    NoticeStep {
        incident: look.incident.id,
        notice: decide::after(look, handler, &decision, now),
        message,
        raise,
        rate,
        held: Vec::new(),
    }
}

/// What is told, of which events.
fn message(
    look: &DueNotice,
    end: Option<&SeqEvent>,
    handler: &Handler,
    lane: String,
    say: Say,
    now: Timestamp,
) -> (NewMessage, Vec<i64>) {
    let incident = &look.incident;
    let recovery = handler.incidents.as_ref().is_none_or(|policy| policy.recovery);
    let kind = match say {
        Say::First | Say::More | Say::Still => KIND_INCIDENT,
        Say::Raised => KIND_ESCALATION,
        // It is told that something was wrong, to whom the end alone is no news.
        Say::Over if !recovery => KIND_INCIDENT,
        Say::Over | Say::End => KIND_RECOVERY,
    };
    let mut new = NewMessage {
        handler: look.notice.handler.clone(),
        snapshot: handler.clone(),
        recipient: String::new(),
        thread: thread_of(incident),
        kind: kind.to_owned(),
        // How often it was told sets its messages apart, whoever makes them.
        window: (look.notice.sent + 1).to_string(),
        lane,
        due: now,
        attrs: Told::new(say, look, now).into_attrs(),
    };
    if let (Say::End, Some(end)) = (say, end) {
        // As it would have been told without the incident.
        new.thread = matching::thread_of(&end.event);
        new.kind = KIND_EVENT.to_owned();
        new.window = end.event.id.to_string();
        new.attrs = Map::new();
    }
    (new, events(look, say, recovery))
}

/// All that is told of an incident reaches a handler in order.
fn thread_of(incident: &Incident) -> String {
    format!("incident/{}", incident.id)
}

/// What nobody told the handler yet. Where there is nothing of that kind, the newest of the incident; with its end. Whatever
/// is said, nothing that is not told yet is left out: it counts as told from then on. Who wants no `recovery` hears of the
/// event that ended it by a message of its own.
fn events(look: &DueNotice, say: Say, recovery: bool) -> Vec<i64> {
    let beside = match say {
        Say::First | Say::More => Vec::new(),
        Say::Still | Say::Raised => look.newest.clone(),
        Say::Over if !recovery && look.hears_end => Vec::new(),
        Say::Over | Say::End => look.incident.end_seq.into_iter().collect(),
    };
    let mut events = [look.untold.clone(), beside].concat();
    events.sort_unstable();
    events.dedup();
    if events.is_empty() {
        events.extend(look.newest.last().copied());
    }
    events
}
