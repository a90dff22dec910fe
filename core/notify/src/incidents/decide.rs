//! When a handler is told of an incident, and of what. A plain function of what is declared, what was told, and the time.

use ironcore_ledger::model::{DueNotice, IncidentState, Notice, Raised};
use ironcore_types::Timestamp;
use ironcore_types::notification::{Handler, Incidents};

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Say {
    /// It began.
    First,
    /// More joined it.
    More,
    /// It lasts, and nobody has acknowledged it.
    Still,
    /// Another handler was told, and nobody has acknowledged it.
    Raised,
    /// It is over.
    Over,
    /// It is over, and there was nothing to tell of it: the event that ended it is told for its own sake.
    End,
}

/// What comes of looking at a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// What is told now.
    pub(crate) say: Option<Say>,
    /// Another handler is told now, for nobody has acknowledged it.
    pub(crate) escalate: bool,
    /// When it is to be looked at next, when nothing happens before.
    pub(crate) due: Option<Timestamp>,
    /// When another handler is told, unless it is acknowledged before.
    escalation: Option<Timestamp>,
}

impl Decision {
    fn say(say: Say) -> Self {
        Self {
            say: Some(say),
            escalate: false,
            due: None,
            escalation: None,
        }
    }

    fn wait(due: Option<Timestamp>) -> Self {
        Self {
            say: None,
            escalate: false,
            due,
            escalation: None,
        }
    }

    /// Nothing is told before then; that nobody acknowledges it is minded all the same.
    pub(crate) fn put_off(&mut self, until: Timestamp) {
        self.say = None;
        self.due = self.escalation.into_iter().chain([until]).min();
    }
}

/// Decides. When something is told, [`after`] says how the notice is then and when to look again.
pub(crate) fn decide(look: &DueNotice, handler: &Handler, now: Timestamp) -> Decision {
    let raised;
    let policy = match &handler.incidents {
        Some(policy) => policy,
        // It hears only of what was escalated to it.
        None if look.notice.raised != Raised::No => {
            raised = Incidents::raised();
            &raised
        }
        None => return Decision::wait(None),
    };
    let mut decision = wanted(look, policy, now);
    let quiet = handler.quiet.as_ref();
    if decision.say.is_some()
        && let Some(over) = quiet.and_then(|quiet| quiet.due(now, look.incident.severity))
    {
        decision.put_off(over);
    }
    decision
}

/// What would be told if it were never quiet.
fn wanted(look: &DueNotice, policy: &Incidents, now: Timestamp) -> Decision {
    let (notice, state) = (&look.notice, look.incident.state());
    if state == IncidentState::Ended {
        // What was over before anybody heard of it is told all the same; but whoever closed it knows.
        let closed = look.incident.closed.is_some();
        let unheard = !look.untold.is_empty() && !closed;
        return match notice.sent > 0 {
            _ if unheard => Decision::say(Say::Over),
            true if policy.recovery => Decision::say(Say::Over),
            // Its own message was left out for that of the end.
            false if policy.recovery && look.hears_end => Decision::say(Say::End),
            _ => Decision::wait(None),
        };
    }
    if notice.raised == Raised::Untold {
        return match state {
            IncidentState::Open => Decision::say(Say::Raised),
            _ => Decision::wait(None),
        };
    }
    let Some((first, last)) = notice.first.zip(notice.last) else {
        if look.untold.is_empty() && notice.sent == 0 {
            // All that it was to hear of is silenced. What of it lasts is looked at when that is over.
            return Decision::wait(None);
        }
        let at = notice.since.after(policy.wait.duration());
        return match state {
            // Somebody sees to it already.
            IncidentState::Acknowledged => Decision::wait(None),
            _ if at > now => Decision::wait(Some(at)),
            _ => Decision::say(Say::First),
        };
    };
    let open = state == IncidentState::Open;
    let escalation = policy
        .escalate
        .as_ref()
        .filter(|_| open && notice.escalated.is_none());
    let escalation = escalation.map(|up| first.after(up.after.duration()));
    // To who sees to it, more of the same is no news.
    let more = if open { &look.untold } else { &look.news };
    let more = !more.is_empty();
    let more = more.then(|| last.after(policy.interval.duration()));
    let repeats = open && !policy.repeat.duration().is_zero();
    let again = repeats.then(|| last.after(policy.repeat.duration()));
    let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
    let say = match (is_due(more), is_due(again)) {
        (true, _) => Some(Say::More),
        (false, true) => Some(Say::Still),
        (false, false) => None,
    };
    let escalate = is_due(escalation);
    let escalation = escalation.filter(|_| !escalate);
    Decision {
        say,
        escalate,
        due: [escalation, more, again].into_iter().flatten().min(),
        escalation,
    }
}

/// The notice as it is after what was decided, to be looked at again when the decision after it says.
pub(crate) fn after(look: &DueNotice, handler: &Handler, decision: &Decision, now: Timestamp) -> Notice {
    let mut notice = look.notice.clone();
    if decision.escalate {
        notice.escalated = Some(now);
    }
    let Some(say) = decision.say else {
        notice.due = decision.due;
        return notice;
    };
    notice.sent = notice.sent.saturating_add(1);
    notice.told_seq = look.incident.last_seq;
    notice.first = notice.first.or(Some(now));
    notice.last = Some(now);
    if say == Say::Raised {
        notice.raised = Raised::Told;
    }
    notice.due = match say {
        Say::Over | Say::End => None,
        _ => {
            let told = DueNotice {
                notice: notice.clone(),
                untold: Vec::new(),
                news: Vec::new(),
                ..look.clone()
            };
            let next = decide(&told, handler, now);
            match next.escalate || next.say.is_some() {
                true => Some(now),
                false => next.due,
            }
        }
    };
    notice
}

#[cfg(test)]
#[path = "decide_tests.rs"]
pub(super) mod tests;
