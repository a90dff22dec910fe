//! When an event is told to a handler that is told of it: at once, with a digest, after quiet hours, when the limit allows,
//! or by the notice of an incident, and to whom that is escalated.

use ironcore_ledger::model::{HandlerRef, IncidentState, Message, MessageFilter, Page};
use ironcore_ledger::{Ledger, LedgerError};
use ironcore_types::notification::{Handler, Incidents};
use ironcore_types::{Event, HandlerName, Timestamp};

use super::{Asked, Joined};
use crate::fanout::unlimited;
use crate::pacing::{self, Paced};

/// By what an event is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By a message of its own, at once.
    AtOnce,
    /// By the handler's digest.
    Digest,
    /// By what is told when its quiet hours are over.
    Quiet,
    /// By what is told when its limit allows more.
    Limit,
    /// By the notice of an incident.
    Incident,
}

impl How {
    /// The word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "at-once",
            Self::Digest => "digest",
            Self::Quiet => "quiet-hours",
            Self::Limit => "limit",
            Self::Incident => "incident",
        }
    }
}

/// Whom nobody's acknowledging an incident tells, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalated {
    /// Another handler of the group.
    pub to: HandlerName,
    /// When it was told, or will be.
    pub at: Timestamp,
    /// Whether that is past.
    pub done: bool,
    /// Whether it heard, when that is past: a handler that is off does not.
    pub heard: bool,
}

/// When an event is told to a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// By what.
    pub how: How,
    /// The time; none when it is told at once, or when an incident has no further notice.
    pub at: Option<Timestamp>,
    /// Whether quiet hours delay the notice of an incident until then.
    pub quiet: bool,
    /// To whom an incident is escalated.
    pub escalated: Option<Escalated>,
}

impl When {
    fn paced(how: How, at: Option<Timestamp>) -> Self {
        Self {
            how,
            at,
            quiet: false,
            escalated: None,
        }
    }

    /// What is said after why it is told.
    pub(super) fn words(&self) -> String {
        let at = self
            .at
            .map(|at| Timestamp::from_seconds(at.as_seconds()).to_string())
            .unwrap_or_default();
        let mut words = match self.how {
            How::AtOnce => "; it goes at once".to_owned(),
            How::Digest => format!("; it is gathered until {at}, and goes with the digest"),
            How::Quiet => format!("; it goes after the quiet hours, at {at}"),
            How::Limit => format!("; it is beyond the limit, and goes with the rest at {at}"),
            How::Incident if self.quiet => format!("; quiet hours delay that until {at}"),
            How::Incident => String::new(),
        };
        if let Some(Escalated { to, at, done, heard }) = &self.escalated {
            let at = Timestamp::from_seconds(at.as_seconds());
            words.push_str(&match done {
                true if *heard => format!("; it was escalated to {to} at {at}"),
                true => format!("; it was to be escalated to {to} at {at}, which was off"),
                false => format!("; it is escalated to {to} at {at} unless somebody acknowledges it"),
            });
        }
        words
    }
}

/// When the event is told to a handler that is told of it.
pub(super) async fn of(
    ledger: &Ledger,
    asked: Asked<'_>,
    reference: &HandlerRef,
    handler: &Handler,
    joined: Option<&Joined>,
) -> Result<When, LedgerError> {
    let event = asked.event;
    if let Some((joined, policy)) = joined.zip(handler.incidents.as_ref()) {
        return Ok(by_incident(event, handler, policy, joined));
    }
    let mut rate = None;
    if handler.limit.is_some() {
        match asked.lane {
            Some(lane) => {
                let lane = lane(reference.project.as_ref(), handler);
                let known = ledger.rates(vec![lane.clone()]).await?.pop();
                rate = Some(known.unwrap_or_else(|| unlimited(&lane)));
            }
            None => {
                if let Some(due) = beyond_limit(ledger, event, reference).await? {
                    return Ok(When::paced(How::Limit, Some(due)));
                }
            }
        }
    }
    let paced = pacing::pace(reference, handler, event.data.severity, event.time, rate.as_mut());
    let how = match paced.by() {
        Some("digest") => How::Digest,
        Some("quiet") => How::Quiet,
        Some(_) => How::Limit,
        None => How::AtOnce,
    };
    Ok(match paced {
        Paced::AtOnce => When::paced(how, None),
        Paced::Gathered { due, .. } => When::paced(how, Some(due)),
    })
}

/// When the handler was first told of the event.
pub(super) async fn told(
    ledger: &Ledger,
    event: &Event,
    reference: &HandlerRef,
) -> Result<Option<Timestamp>, LedgerError> {
    let own = messages_with(ledger, event, reference).await?;
    Ok(own.iter().map(|message| message.created).min())
}

/// When the message goes, or went, that holds an event which was beyond the limit.
async fn beyond_limit(
    ledger: &Ledger,
    event: &Event,
    reference: &HandlerRef,
) -> Result<Option<Timestamp>, LedgerError> {
    let mut own = messages_with(ledger, event, reference).await?.into_iter();
    let gathered = own.find(|message| message.window.starts_with("limit/"));
    Ok(gathered.and_then(|message| message.window.strip_prefix("limit/")?.parse().ok()))
}

/// The handler's messages that tell of the event, the newest hundred.
async fn messages_with(
    ledger: &Ledger,
    event: &Event,
    reference: &HandlerRef,
) -> Result<Vec<Message>, LedgerError> {
    let filter = MessageFilter {
        group: Some(reference.group.clone()),
        handler: Some(reference.handler.clone()),
        event: Some(event.id),
        ..MessageFilter::default()
    };
    let page = ledger.messages(&filter, &Page::first(100)).await?;
    let all = page.messages.into_iter().map(|listed| listed.message);
    Ok(all.filter(|message| message.handler == *reference).collect())
}

/// When the notice of an incident comes that tells of the event, and to whom it is escalated.
fn by_incident(event: &Event, handler: &Handler, policy: &Incidents, joined: &Joined) -> When {
    let first = event.time.after(policy.wait.duration());
    let due = match &joined.incident {
        None => Some(first),
        Some(_) => joined.next,
    };
    let over = |at| {
        let quiet = handler.quiet.as_ref();
        quiet.and_then(|quiet| quiet.due(at, event.data.severity))
    };
    let delayed = due.and_then(over);
    let at = delayed.or(due);
    let told = joined.notice.as_ref();
    let is_open = joined
        .incident
        .as_ref()
        .is_none_or(|incident| incident.state() == IncidentState::Open);
    let begun = told.and_then(|notice| notice.first).or(at);
    let escalated = policy.escalate.as_ref().and_then(|up| {
        let done = told.and_then(|notice| notice.escalated);
        let at = match done {
            Some(at) => at,
            None => begun.filter(|_| is_open)?.after(up.after.duration()),
        };
        Some(Escalated {
            to: up.to.clone(),
            at,
            done: done.is_some(),
            heard: joined.raised,
        })
    });
    When {
        how: How::Incident,
        at,
        quiet: delayed.is_some(),
        escalated,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::matching::tests::{event, task};

    fn handler(more: serde_json::Value) -> Handler {
        let mut handler = json!({ "name": "h", "plugin": "webhook" });
        for (key, value) in more.as_object().expect("an object") {
            handler[key] = value.clone();
        }
        serde_json::from_value(handler).expect("a handler")
    }

    #[test]
    fn the_first_notice_of_an_incident_waits_and_is_escalated() {
        let mut failed = event("ironcore.task.failed", "error", &task(Some("nightly"), "store"));
        failed.time = "2026-05-21T03:00:00Z".parse().expect("a time");
        let joined = Joined {
            cause: "job/web/nightly".to_owned(),
            incident: None,
            told: None,
            next: None,
            notice: None,
            raised: false,
        };
        let mut declared = handler(json!({ "incidents": {
            "wait": "30s", "escalate": { "after": "15m", "to": "pager" },
        } }));
        let policy = declared.incidents.clone().expect("a policy");
        let when = by_incident(&failed, &declared, &policy, &joined);
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        assert_eq!(when.at, Some(at("2026-05-21T03:00:30Z")));
        assert_eq!(
            when.words(),
            "; it is escalated to pager at 2026-05-21T03:15:30Z unless somebody acknowledges it"
        );
        // Quiet hours delay the notice, and what counts from it.
        let quiet = handler(json!({ "quiet": { "hours": { "from": "22:00", "to": "08:00" } } }));
        declared.quiet = quiet.quiet;
        let when = by_incident(&failed, &declared, &policy, &joined);
        assert_eq!((when.at, when.quiet), (Some(at("2026-05-21T08:00:00Z")), true));
        assert_eq!(
            when.escalated.map(|up| (up.at, up.done)),
            Some((at("2026-05-21T08:15:00Z"), false))
        );
    }

    #[test]
    fn the_words_say_when() {
        let at = Some("2026-05-21T08:00:00Z".parse().expect("a time"));
        for (how, at, words) in [
            (How::AtOnce, None, "; it goes at once"),
            (
                How::Digest,
                at,
                "; it is gathered until 2026-05-21T08:00:00Z, and goes with the digest",
            ),
            (
                How::Quiet,
                at,
                "; it goes after the quiet hours, at 2026-05-21T08:00:00Z",
            ),
            (
                How::Limit,
                at,
                "; it is beyond the limit, and goes with the rest at 2026-05-21T08:00:00Z",
            ),
            (How::Incident, at, ""),
        ] {
            assert_eq!(When::paced(how, at).words(), words);
        }
    }
}
