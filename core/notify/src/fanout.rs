//! From events to messages: takes events in the order of their commits, asks for advice about each, decides who is
//! told, and records it all in one transaction a batch. Running it twice, or in two processes, makes nothing twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use futures::stream::{self, StreamExt};
use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{
    FanOut, IncidentStep, Joins, NewMatch, NewMessage, NewSilenced, OutcomeStep, Rate, SeqEvent,
};
use ironcore_plugin_host::{NoServices, Plugin, PluginError};
use ironcore_types::event::Tip;
use ironcore_types::objects::Handler;
use ironcore_types::{Event, EventId, PluginName, ProjectName, Timestamp};
use serde_json::Map;
use tokio_util::sync::CancellationToken;

use crate::automatic;
use crate::cause::{self, Cause};
use crate::configuration::Configuration;
use crate::error::NotifyError;
use crate::incidents;
use crate::matching::{self, Match, Told};
use crate::notify::Shared;
use crate::outcomes;
use crate::pacing::{self, Paced};
use crate::plugins::Plugins;

/// Events in one transaction.
const BATCH: u32 = 64;
/// Tips that are kept of one event.
const TIPS: usize = 20;

/// What messages of this kind hold: one event.
pub(crate) const KIND_EVENT: &str = "event";
/// Events that were gathered until their message was due.
pub(crate) const KIND_DIGEST: &str = "digest";
/// Events of one project that were fanned out together, for the inbox.
pub(crate) const KIND_INBOX: &str = "inbox";

/// A plugin that failed to give advice.
struct AdviceFailure {
    plugin: PluginName,
    error: PluginError,
}

/// The tips about one event, and who failed to give any.
type Advice = (Vec<Tip>, Vec<AdviceFailure>);

/// Runs until cancelled. Events and notices of incidents take turns: both may change how far a destination is within its
/// limit.
pub(crate) async fn run(shared: &Shared, cancel: &CancellationToken) {
    let mut wakes = shared.ledger.wakes().events;
    while !cancel.is_cancelled() {
        // Seen before looking: what is committed from here on wakes again.
        wakes.borrow_and_update();
        let looked = shared.seams.now();
        let events = made("events could not be fanned out", once(shared).await);
        let notices = made("incidents could not be told", incidents::once(shared).await);
        if events == BATCH as usize || notices > 0 {
            continue;
        }
        // What was due when we looked and is so still was due by another clock than ours.
        let due = shared.ledger.next_notice_due().await.ok().flatten();
        let due = due.filter(|due| *due > looked);
        tokio::select! {
            () = cancel.cancelled() => {}
            _ = wakes.changed() => {}
            () = shared.seams.sleep_until(due.unwrap_or(looked)), if due.is_some() => {}
            () = shared.seams.sleep(shared.options.poll) => {}
        }
    }
}

/// How many were made; none when it failed, which is said.
fn made(failure: &str, made: Result<usize, NotifyError>) -> usize {
    match made {
        Ok(count) => count,
        // Another process was faster; what is left is seen at the next look.
        Err(NotifyError::Ledger(LedgerError::Fenced(what))) => {
            tracing::debug!(what, "another process was faster");
            0
        }
        Err(error) => {
            tracing::warn!(code = %error.code(), "{failure}: {error}");
            0
        }
    }
}

/// Fans out one batch and says how many events it had.
pub(crate) async fn once(shared: &Shared) -> Result<usize, NotifyError> {
    let events = shared.ledger.take_unmatched(BATCH).await?;
    if events.is_empty() {
        return Ok(0);
    }
    let configuration = shared.configuration.of(shared, &events).await?;
    let asked: Vec<BoxFuture<'_, Advice>> = events
        .iter()
        .map(|event| advise(shared, &event.event).boxed())
        .collect();
    let advice: Vec<Advice> = stream::iter(asked)
        .buffered(shared.options.events_at_once.max(1))
        .collect()
        .await;
    for (event, (tips, _)) in events.iter().zip(&advice) {
        automatic::take(shared, &event.event, tips, configuration.of(&event.event)).await;
    }
    let now = shared.seams.now();
    let inbox = shared.plugins.inbox();
    let steps = outcomes::steps(shared, &events).await?;
    let planned: Vec<Planned<'_>> = events
        .iter()
        .zip(steps)
        .map(|(event, step)| Planned::of(event, step, &configuration, &shared.plugins, inbox.as_ref(), now))
        .collect();
    let mut rates = rates(shared, &planned).await?;
    let mut fanouts = Vec::with_capacity(events.len());
    let mut failures = Vec::new();
    // The events of a project go into the inbox by one message, under the first of them.
    let mut first = BTreeMap::new();
    for ((event, (tips, failed)), planned) in events.iter().zip(advice).zip(planned) {
        let project = event.event.data.project.as_ref();
        let first = *first.entry(project).or_insert(event.event.id);
        fanouts.push(FanOut {
            tips,
            ..planned.into_messages(first, now, &mut rates)
        });
        if !matching::is_about_delivery(event.event.event_type) {
            failures.extend(failed);
        }
    }
    shared.ledger.record_fanout(fanouts).await?;
    for failure in failures {
        shared
            .tell_failure(
                &failure.plugin,
                None,
                None,
                failure.error.code(),
                &failure.error.to_string(),
            )
            .await;
    }
    Ok(events.len())
}

/// An event, who is told of it, and on which lane.
struct Planned<'a> {
    event: &'a SeqEvent,
    outcome: Option<OutcomeStep>,
    told: Vec<(Match, String)>,
    silenced: Vec<NewSilenced>,
    cause: Option<Cause>,
}

impl<'a> Planned<'a> {
    fn of(
        event: &'a SeqEvent,
        outcome: Option<OutcomeStep>,
        configuration: &Configuration,
        plugins: &Plugins,
        inbox: Option<&PluginName>,
        now: Timestamp,
    ) -> Self {
        let told = Told {
            event: &event.event,
            before: outcome.as_ref().and_then(|step| step.before.as_ref()),
        };
        let cause = cause::of(&event.event);
        let mut matches = matching::matches(told, configuration.of(&event.event), inbox);
        // One that was switched off is told of nothing, but of incidents another is told instead.
        matches.retain(|found| {
            let mut policies = found.declared.incidents.iter();
            let escalates = policies.any(|policy| policy.escalate.is_some());
            !configuration.is_off(&found.handler) || (cause.is_some() && escalates)
        });
        let mut silenced = Vec::new();
        matches.retain(|found| {
            let inside = found.handler.group.as_str() == matching::BUILTIN_GROUP;
            let quiet = configuration
                .quiet(&event.event, found.handler.project.as_ref(), now)
                .filter(|_| !inside);
            silenced.extend(quiet.as_ref().map(|quiet| NewSilenced {
                handler: found.handler.clone(),
                by: quiet.by.clone(),
                until: quiet.until,
            }));
            quiet.is_none()
        });
        let told = matches.into_iter().map(|found| {
            let lane = lane(plugins, found.handler.project.as_ref(), &found.declared);
            (found, lane)
        });
        Self {
            event,
            told: told.collect(),
            silenced,
            cause,
            outcome,
        }
    }

    /// All that comes of the event, but for its tips. `first` is the event under which those of the project go into the
    /// inbox.
    fn into_messages(self, first: EventId, now: Timestamp, rates: &mut BTreeMap<String, Rate>) -> FanOut {
        let event = &self.event.event;
        let mut fanout = FanOut {
            seq: self.event.seq,
            tips: Vec::new(),
            matches: Vec::with_capacity(self.told.len()),
            messages: Vec::with_capacity(self.told.len()),
            incident: self.incident(),
            outcome: self.outcome,
            rates: Vec::new(),
            silenced: self.silenced,
        };
        fanout
            .matches
            .extend(fanout.silenced.iter().map(|silenced| NewMatch {
                handler: silenced.handler.clone(),
            }));
        let is_trouble = self.cause.is_some();
        for (found, lane) in self.told {
            if is_trouble && found.declared.incidents.is_some() {
                // It is told of the incident.
                fanout.matches.push(NewMatch {
                    handler: found.handler,
                });
                continue;
            }
            let own = || (matching::thread_of(event), KIND_EVENT, event.id.to_string(), now);
            let (thread, kind, window, due) = if found.handler.group.as_str() == matching::BUILTIN_GROUP {
                (format!("inbox/{first}"), KIND_INBOX, first.to_string(), now)
            } else {
                // Only lanes with a limit have one.
                let mut rate = rates.get_mut(&lane).filter(|_| found.declared.limit.is_some());
                let (handler, severity) = (&found.declared, event.data.severity);
                let paced = pacing::pace(&found.handler, handler, severity, now, rate.as_deref_mut());
                fanout.rates.extend(rate.map(|rate| rate.clone()));
                match paced {
                    Paced::AtOnce => own(),
                    Paced::Gathered { window, due } => (window.clone(), KIND_DIGEST, window, due),
                }
            };
            fanout.messages.push(NewMessage {
                handler: found.handler.clone(),
                snapshot: found.declared,
                recipient: String::new(),
                thread,
                kind: kind.to_owned(),
                window,
                lane,
                due,
                attrs: Map::new(),
            });
            fanout.matches.push(NewMatch {
                handler: found.handler,
            });
        }
        fanout
    }
}

impl Planned<'_> {
    /// What the event does to incidents.
    fn incident(&self) -> Option<IncidentStep> {
        let event = &self.event.event;
        let handlers = |wanted: fn(&Match) -> bool| {
            let told = self.told.iter().map(|(found, _)| found);
            told.filter(move |found| wanted(found))
                .map(|found| found.handler.clone())
        };
        let joins = self.cause.as_ref().map(|cause| {
            let told: BTreeSet<_> = handlers(|found| found.declared.incidents.is_some()).collect();
            let mut scopes: BTreeSet<_> = told.iter().map(|handler| handler.project.clone()).collect();
            scopes.insert(event.data.project.clone());
            Joins {
                cause: cause.key.clone(),
                member: cause.member.clone(),
                loose: cause.loose,
                condition: cause.condition.clone(),
                title: cause.title.clone(),
                over: cause.over.clone(),
                severity: event.data.severity,
                scopes,
                told,
            }
        });
        let clears = cause::clears(event);
        let told_of_ends = |found: &Match| {
            found
                .declared
                .incidents
                .as_ref()
                .is_some_and(|policy| policy.recovery)
        };
        let recovers = match clears.is_empty() {
            true => BTreeSet::new(),
            false => handlers(told_of_ends).collect(),
        };
        (joins.is_some() || !clears.is_empty()).then_some(IncidentStep {
            joins,
            clears,
            recovers,
        })
    }
}

/// How far the destinations with a limit are within it.
async fn rates(shared: &Shared, planned: &[Planned<'_>]) -> Result<BTreeMap<String, Rate>, NotifyError> {
    let told = planned.iter().flat_map(|planned| &planned.told);
    let limited: BTreeSet<&String> = told
        .filter(|(found, _)| found.declared.limit.is_some())
        .map(|(_, lane)| lane)
        .collect();
    if limited.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut rates: BTreeMap<String, Rate> = limited
        .iter()
        .map(|lane| ((*lane).clone(), unlimited(lane)))
        .collect();
    for rate in shared
        .ledger
        .rates(limited.into_iter().cloned().collect())
        .await?
    {
        rates.insert(rate.lane.clone(), rate);
    }
    Ok(rates)
}

/// The rate of a destination that got nothing yet.
pub(crate) fn unlimited(lane: &str) -> Rate {
    Rate {
        lane: lane.to_owned(),
        ..Rate::default()
    }
}

/// Project and destination as one text. A plugin that is not loaded cannot tell the destination, so its handler's
/// messages share a lane of their own.
pub(crate) fn lane(plugins: &Plugins, project: Option<&ProjectName>, handler: &Handler) -> String {
    let destination = match plugins.get(&handler.plugin) {
        Some(plugin) => plugin.destination(&handler.config),
        None => format!("{} of {}", handler.plugin, handler.name),
    };
    format!("{}/{destination}", project.map_or("-", ProjectName::as_str))
}

/// What one plugin answered.
type Answer<'a> = (&'a PluginName, Result<Vec<Tip>, PluginError>);

async fn advise(shared: &Shared, event: &Event) -> Advice {
    let asked: Vec<BoxFuture<'_, Answer<'_>>> = shared
        .plugins
        .advisers()
        .map(|plugin| async move { (plugin.name(), ask(shared, plugin, event).await) }.boxed())
        .collect();
    let mut tips = Vec::new();
    let mut failures = Vec::new();
    for (plugin, answer) in join_all(asked).await {
        match answer {
            Ok(some) => tips.extend(some),
            Err(error) => failures.push(AdviceFailure {
                plugin: plugin.clone(),
                error,
            }),
        }
    }
    tips.truncate(TIPS);
    (tips, failures)
}

async fn ask(shared: &Shared, plugin: &Arc<Plugin>, event: &Event) -> Result<Vec<Tip>, PluginError> {
    let limit = shared.options.advice_timeout;
    tokio::time::timeout(limit, plugin.advise(event, Arc::new(NoServices)))
        .await
        .unwrap_or_else(|_| {
            let plugin = plugin.name().to_string();
            Err(PluginError::Timeout {
                plugin,
                what: "time for advice",
                limit,
            })
        })
}
