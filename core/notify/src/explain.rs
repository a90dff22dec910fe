//! `notify explain`: for an event that happened or is made up, which handlers are told as things are declared now, and
//! for each of the others what keeps it out.

mod when;

use std::collections::BTreeSet;

use ironcore_ledger::model::{HandlerRef, Incident, IncidentFilter, LastOutcome, Notice, Page, Raised};
use ironcore_ledger::{Ledger, LedgerError};
use ironcore_types::notification::{Group, Handler};
use ironcore_types::{Event, PluginName, ProjectName, Timestamp};

use crate::cause;
use crate::configuration::OfHub;
use crate::matching::{Decision, Declared, Quiet, Reason, Told, decide, groups_reached};
use crate::silences;

pub use when::{Escalated, How, When};

/// What becomes of an event for one handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Which handler.
    pub handler: HandlerRef,
    /// Its plugin.
    pub plugin: PluginName,
    /// What is decided.
    pub decision: Decision,
    /// The same in words.
    pub why: String,
    /// The incident by which it is told, when it is told by one.
    pub incident: Option<Joined>,
    /// When it is told, when it is.
    pub when: Option<When>,
}

/// What is explained.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// An event that happened, or one that is made up.
    pub event: &'a Event,
    /// How the run before ended, when the event tells how one did.
    pub before: Option<&'a LastOutcome>,
    /// Project and destination of a handler as one text, by which limits go. Given for an event that is made up: the limit
    /// is looked at as it is now; of one that happened, what became of it is known.
    pub lane: Option<&'a Lane<'a>>,
}

/// Project and destination of a handler as one text.
pub type Lane<'a> = dyn Fn(Option<&ProjectName>, &Handler) -> String + Sync + 'a;

/// By which incident an event is told to a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// What makes its events one.
    pub cause: String,
    /// The incident that the event joined, or would join; none when it would be the first of one.
    pub incident: Option<Incident>,
    /// When the handler was told of the event.
    pub told: Option<Timestamp>,
    /// When the handler is told next, of what lasts.
    pub next: Option<Timestamp>,
    /// What the handler was told of the incident.
    pub notice: Option<Notice>,
    /// Whether whoever was to hear when nobody acknowledged it did hear.
    pub raised: bool,
}

/// Looks at every handler of the event's project and of the hub. What silenced an event that happened is what did so
/// then; one that did not happen is silenced by what there is `now`, at its time.
pub async fn explain(
    ledger: &Ledger,
    asked: Asked<'_>,
    now: Timestamp,
) -> Result<Vec<Explained>, LedgerError> {
    let Asked { event, before, .. } = asked;
    let silenced = ledger.silenced_of(event.id).await?;
    let silences = silences::read(ledger, now).await?;
    let hub = OfHub::read(ledger).await?;
    let (jobs, groups) = match &event.data.project {
        Some(project) => (
            ledger.jobs(Some(project)).await?,
            ledger.groups(Some(project)).await?,
        ),
        None => (Vec::new(), hub.attached.clone()),
    };
    let failing = ledger.handler_health().await?;
    let off: BTreeSet<HandlerRef> = failing
        .into_iter()
        .filter(|health| health.disabled.is_some())
        .map(|health| health.handler)
        .collect();
    let declared = Declared {
        jobs: &jobs,
        groups: &groups,
        hub_groups: &hub.groups,
        datastores: &hub.datastores,
    };
    let reached: BTreeSet<_> = groups_reached(event, declared)
        .into_iter()
        .map(Group::reference)
        .collect();
    let mut explained = Vec::new();
    for group in groups.iter().chain(&hub.groups) {
        let decisions = match reached.contains(&group.reference()) {
            true => decide(Told { event, before }, group),
            false => vec![
                Decision {
                    told: false,
                    reason: Reason::NotReached,
                };
                group.handler.len()
            ],
        };
        for (handler, mut decision) in group.handler.iter().zip(decisions) {
            let reference = HandlerRef {
                project: group.project.clone(),
                group: group.name.clone(),
                handler: handler.name.clone(),
            };
            if decision.told && off.contains(&reference) {
                decision = Decision {
                    told: false,
                    reason: Reason::SwitchedOff,
                };
            }
            if decision.told {
                let then = silenced.iter().find(|one| one.handler == reference);
                let then = then.map(|one| Quiet {
                    by: one.by.clone(),
                    until: one.until,
                });
                let project = reference.project.as_ref();
                if let Some(quiet) = then.or_else(|| silences.quiet(event, project, event.time)) {
                    decision = Decision {
                        told: false,
                        reason: Reason::Silenced(quiet),
                    };
                }
            }
            let incident = match decision.told {
                true => joined(ledger, event, &reference, handler).await?,
                false => None,
            };
            let when = match decision.told {
                true => Some(when::of(ledger, asked, &reference, handler, incident.as_ref()).await?),
                false => None,
            };
            let mut why = words(&decision, event, group, handler);
            if let Some(joined) = &incident {
                why.push_str(&joined_words(joined, handler));
            }
            if let Some(when) = &when {
                why.push_str(&when.words());
            }
            explained.push(Explained {
                handler: reference,
                plugin: handler.plugin.clone(),
                why,
                decision,
                incident,
                when,
            });
        }
    }
    Ok(explained)
}

/// The incident by which the handler is told, if it is.
async fn joined(
    ledger: &Ledger,
    event: &Event,
    reference: &HandlerRef,
    handler: &Handler,
) -> Result<Option<Joined>, LedgerError> {
    let Some((policy, cause)) = handler.incidents.as_ref().zip(cause::of(event)) else {
        return Ok(None);
    };
    let project = reference.project.as_ref();
    let of_event = IncidentFilter {
        event: Some(event.id),
        ..IncidentFilter::default()
    };
    let page = ledger.incidents(&of_event, &Page::first(100)).await?;
    let mut known = page.incidents.into_iter();
    let known = known.find(|incident| incident.project.as_ref() == project && incident.cause == cause.key);
    let told = match known {
        Some(_) => when::told(ledger, event, reference).await?,
        None => None,
    };
    let incident = match known {
        Some(incident) => Some(incident),
        None => ledger.incident_of(project, &cause.key).await?,
    };
    let notices = match &incident {
        Some(incident) => ledger.notices(incident.id).await?,
        None => Vec::new(),
    };
    let of = |wanted: &HandlerRef| notices.iter().find(|notice| notice.handler == *wanted).cloned();
    let notice = of(reference);
    let target = policy.escalate.as_ref().map(|up| HandlerRef {
        handler: up.to.clone(),
        ..reference.clone()
    });
    let raised = target.and_then(|target| of(&target));
    Ok(Some(Joined {
        cause: cause.key,
        incident,
        told,
        next: notice.as_ref().and_then(|notice| notice.due),
        notice,
        raised: raised.is_some_and(|notice| notice.raised != Raised::No),
    }))
}

fn joined_words(joined: &Joined, handler: &Handler) -> String {
    let second = |at: Timestamp| Timestamp::from_seconds(at.as_seconds());
    let Some(incident) = &joined.incident else {
        let wait = handler.incidents.as_ref().map(|incidents| incidents.wait);
        return match wait.filter(|wait| !wait.duration().is_zero()) {
            Some(wait) => {
                format!("; it is the first of an incident, of which the first notice is {wait} later")
            }
            None => "; it is the first of an incident".to_owned(),
        };
    };
    let name = format!("incident {} ({})", incident.number, incident.title);
    let mut words = match joined.told {
        Some(told) => format!("; it was told at {} with {name}", second(told)),
        None => format!("; it joins {name}"),
    };
    match (incident.ended, joined.next) {
        (Some((over, _)), _) => words.push_str(&format!(", which is over since {}", second(over))),
        (None, Some(next)) => words.push_str(&format!(", of which the next notice is at {}", second(next))),
        (None, None) => {}
    }
    words
}

/// A rule as people find it in the group's declaration.
fn rule(group: &Group, number: usize) -> String {
    let name = group
        .rule
        .get(number.saturating_sub(1))
        .and_then(|rule| rule.name.as_deref());
    match name {
        Some(name) => format!("rule {number} ({name})"),
        None => format!("rule {number}"),
    }
}

fn words(decision: &Decision, event: &Event, group: &Group, handler: &Handler) -> String {
    let kind = event.event_type.as_str().trim_start_matches("ironcore.");
    let told = decision.told;
    match &decision.reason {
        Reason::Rule(number) => format!("{} tells it", rule(group, *number)),
        Reason::StoppedBy(number) => {
            format!(
                "{} is about the event, does not tell this handler, and stops",
                rule(group, *number)
            )
        }
        Reason::Matrix if told => format!("the group's matrix names it for {kind}"),
        Reason::Matrix => format!("the group's matrix does not name it for {kind}"),
        Reason::Events if told => format!("its filter's events let {kind} pass"),
        Reason::Events => format!("its filter's events do not name {kind}"),
        Reason::Default if told => {
            "the default rule: completed, warning and failed tasks, bad verifications, and what another handler could not tell"
                .to_owned()
        }
        Reason::Default => format!(
            "the default rule tells of completed, warning and failed tasks only; name {kind} in a rule, in the matrix or \
             in the handler's filter"
        ),
        Reason::NotReached => {
            "the event does not reach the group: it is attached neither to the event's job nor to its \
             datastore, and does not listen to its source"
                .to_owned()
        }
        Reason::Disabled => "it is declared with `enabled = false`".to_owned(),
        Reason::SwitchedOff => format!(
            "it was switched off because it failed; `group enable {}/{}` switches it on",
            group.name, handler.name
        ),
        Reason::OwnFailure => "the event tells that this very handler, or its plugin, failed".to_owned(),
        Reason::HandedOver => {
            "the attempt was handed over by a worker that was stopped; the next one tells how the work went"
                .to_owned()
        }
        Reason::Severity => format!(
            "its filter asks for {} or more, and the event is {}",
            handler
                .filter
                .min_severity
                .map_or("", ironcore_types::Severity::as_str),
            event.data.severity
        ),
        Reason::Job => "its filter names other jobs".to_owned(),
        Reason::Datastore => "its filter names other datastores".to_owned(),
        Reason::Hours => "it is outside of its filter's hours".to_owned(),
        Reason::Silenced(Quiet { by, until }) => {
            format!("{by} silences it until {until}; what still lasts then is told then")
        }
        Reason::NoChange => "the run before ended the same way, and its filter wants changes only".to_owned(),
    }
}

impl Reason {
    /// The word for programs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Rule(_) => "rule",
            Self::StoppedBy(_) => "stopped-by-rule",
            Self::Matrix => "matrix",
            Self::Events => "events",
            Self::Default => "default-rule",
            Self::NotReached => "not-reached",
            Self::Disabled => "disabled",
            Self::SwitchedOff => "switched-off",
            Self::OwnFailure => "own-failure",
            Self::HandedOver => "handed-over",
            Self::Severity => "severity",
            Self::Job => "job",
            Self::Datastore => "datastore",
            Self::Hours => "hours",
            Self::NoChange => "no-change",
            Self::Silenced(_) => "silenced",
        }
    }
}
