//! What a call of `deliver` is given and what comes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ironcore_types::event::{Tip, TipAction};
use ironcore_types::{
    Event, EventId, GroupName, HandlerName, HubId, MessageId, ProjectName, Severity, Timestamp,
};
use serde_json::{Map, Value, json};

use crate::effects::LogLine;

/// What several events have in common: trouble of one cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its id: the same for every message about it, and for no other incident.
    pub key: String,
    /// What people call it.
    pub number: i64,
    /// What makes its events one, such as `datastore/primary/datastore.full`.
    pub cause: String,
    /// One line for people: what this message says of it.
    pub title: String,
    /// `open`, `acknowledged` or `ended`.
    pub state: String,
    /// The most that any of its events mattered.
    pub severity: Severity,
    /// When it began.
    pub opened: Timestamp,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// `recovered`, `moved`, `removed` or `closed`, when it is over.
    pub ending: Option<String>,
    /// How many events of trouble it has.
    pub count: u64,
    /// How many are or were affected: jobs, snapshots, and the like.
    pub affected: u64,
    /// How many still are.
    pub failing: u64,
    /// Whether it is over.
    pub resolved: bool,
    /// Who sees to it.
    pub acknowledged_by: Option<String>,
    /// Where somebody says that they see to it, while nobody did.
    pub acknowledge: Option<String>,
}

impl Incident {
    /// What the contract has no fields for, as open pairs.
    pub(crate) fn attrs(&self) -> Vec<(String, String)> {
        let always = [
            ("number", self.number.to_string()),
            ("cause", self.cause.clone()),
            ("state", self.state.clone()),
            ("severity", self.severity.as_str().to_owned()),
            ("opened", self.opened.to_string()),
            ("affected", self.affected.to_string()),
            ("failing", self.failing.to_string()),
        ];
        let some = [
            ("ended", self.ended.map(|at| at.to_string())),
            ("ending", self.ending.clone()),
            ("acknowledged-by", self.acknowledged_by.clone()),
            ("acknowledge", self.acknowledge.clone()),
        ];
        let some = some.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let all = always.into_iter().chain(some);
        all.map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Where to read more: absolute addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// The dashboard.
    pub dashboard: Option<String>,
    /// The task that the message is about.
    pub task: Option<String>,
    /// Its log.
    pub log: Option<String>,
}

/// The hub that sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// Its id.
    pub id: HubId,
    /// Its name for people.
    pub name: String,
}

/// One attempt to deliver one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// `event`, `digest`, `incident`, `recovery`, `escalation`, `test`.
    pub kind: String,
    /// The message; the same for every attempt.
    pub message: MessageId,
    /// What the message belongs to.
    pub thread: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Who is told, when the handler tells several.
    pub recipient: Option<String>,
    /// Whose handler; none for a group of the hub.
    pub project: Option<ProjectName>,
    /// The group.
    pub group: GroupName,
    /// The handler.
    pub handler: HandlerName,
    /// The handler's configuration. It is checked again before each call.
    pub config: Map<String, Value>,
    /// The template that the handler asks for in place of the plugin's own.
    pub template: Option<String>,
    /// The events, oldest first; at least one.
    pub events: Vec<Event>,
    /// What they have in common.
    pub incident: Option<Incident>,
    /// Advice about them.
    pub tips: Vec<Tip>,
    /// Which event each tip is about, in the order of `tips`; may be shorter.
    pub tip_events: Vec<EventId>,
    /// Where to read more.
    pub links: Links,
    /// Who sends.
    pub hub: Hub,
    /// Open pairs of name and value.
    pub attrs: Vec<(String, String)>,
}

impl Delivery {
    /// How the message is to look: as bad as its incident, or as the worst of its events; what is over looks well.
    fn severity(&self) -> Option<Severity> {
        match &self.incident {
            Some(incident) if incident.resolved => Some(Severity::Info),
            Some(incident) => Some(incident.severity),
            None => self.lead().map(|event| event.data.severity),
        }
    }

    /// The event that the message is about: the worst of them, and of those the newest. Of an incident that is over it is
    /// the newest of all.
    pub fn lead(&self) -> Option<&Event> {
        let over = self.incident.as_ref().is_some_and(|incident| incident.resolved);
        let worst = |event: &&Event| if over { Severity::Info } else { event.data.severity };
        self.events.iter().max_by_key(worst)
    }

    /// The tips; those that are equal but for evidence and the names of their events once, as the first says it, with how
    /// many events each is about. Those about the leading event come first.
    fn tips(&self) -> Vec<Value> {
        let by_id: BTreeMap<EventId, &Event> = self.events.iter().map(|event| (event.id, event)).collect();
        let (last, lead) = (
            self.events.last().map(|event| event.id),
            self.lead().map(|event| event.id),
        );
        let mut told: Vec<ToldTip<'_>> = Vec::new();
        let mut places = BTreeMap::new();
        for (at, tip) in self.tips.iter().enumerate() {
            let about = self.tip_events.get(at).copied().or(last);
            let event = about.and_then(|about| by_id.get(&about).copied());
            let place = *places.entry(nameless(tip, event)).or_insert(told.len());
            if place == told.len() {
                told.push(ToldTip::new(tip));
            }
            told[place].add(tip, about);
        }
        let leads = |tip: &ToldTip<'_>| lead.is_some_and(|lead| tip.events.contains(&lead));
        told.sort_by_key(|tip| !leads(tip));
        told.iter().map(ToldTip::json).collect()
    }

    /// The context that templates see; `templates/README.md` describes it. `event` is the leading one.
    pub fn context(&self, extra: Value) -> Value {
        let events: Vec<Value> = self.events.iter().map(event_context).collect();
        json!({
            "event": self.lead().map(event_context),
            "events": events,
            "severity": self.severity(),
            "tips": self.tips(),
            "incident": self.incident.as_ref().map(|incident| json!({
                "key": incident.key,
                "number": incident.number,
                "cause": incident.cause,
                "title": incident.title,
                "state": incident.state,
                "severity": incident.severity,
                "opened": incident.opened.to_string(),
                "ended": incident.ended.map(|at| at.to_string()),
                "ending": incident.ending,
                "count": incident.count,
                "affected": incident.affected,
                "failing": incident.failing,
                "resolved": incident.resolved,
                "acknowledged_by": incident.acknowledged_by,
                "acknowledge": incident.acknowledge,
            })),
            "message": {
                "id": self.message.to_string(),
                "kind": self.kind,
                "thread": self.thread,
                "attempt": self.attempt,
            },
            "links": {
                "dashboard": self.links.dashboard,
                "task": self.links.task,
                "log": self.links.log,
            },
            "hub": { "id": self.hub.id.to_string(), "name": self.hub.name },
            "values": extra.get("values").unwrap_or(&json!({})),
            "extra": extra,
        })
    }
}

/// What makes a tip another one: its title, why without evidence, and the steps, without the names of its event.
fn nameless<'a>(tip: &'a Tip, event: Option<&Event>) -> (&'a str, Vec<String>) {
    let task = event.and_then(|event| event.data.task.as_ref());
    let mut names = Vec::new();
    if let Some(task) = task {
        names.push(task.upid.to_string());
        names.extend(task.job.as_ref().map(ToString::to_string));
    }
    let why = tip.why.lines().next().unwrap_or_default();
    let without = |text: &str| {
        let text = text.to_owned();
        names.iter().fold(text, |text, name| text.replace(name, ""))
    };
    let texts = std::iter::once(why).chain(tip.steps.iter().map(String::as_str));
    (&tip.title, texts.map(without).collect())
}

/// A tip, and all that it is about.
struct ToldTip<'a> {
    tip: &'a Tip,
    events: BTreeSet<EventId>,
    actions: Vec<&'a TipAction>,
}

impl<'a> ToldTip<'a> {
    fn new(tip: &'a Tip) -> Self {
        Self {
            tip,
            events: BTreeSet::new(),
            actions: Vec::new(),
        }
    }

    /// Adds an equal tip, and what is to be done about its event.
    fn add(&mut self, tip: &'a Tip, about: Option<EventId>) {
        self.events.extend(about);
        for action in &tip.actions {
            if !self.actions.contains(&action) {
                self.actions.push(action);
            }
        }
    }

    fn json(&self) -> Value {
        let mut json = to_json(self.tip);
        json["actions"] = to_json(&self.actions);
        json["events"] = self.events.len().into();
        json
    }
}

/// Parts of an event that it may be without. Templates are strict, so there they are null instead of missing.
const OPTIONAL: [&str; 9] = [
    "task",
    "snapshot",
    "verification",
    "job",
    "datastore",
    "node",
    "delivery",
    "actor",
    "error",
];

fn event_context(event: &Event) -> Value {
    let mut json = to_json(event);
    if let Some(data) = json.get_mut("data").and_then(Value::as_object_mut) {
        for part in OPTIONAL {
            data.entry(part).or_insert(Value::Null);
        }
    }
    json
}

/// Types that are written as JSON objects with string keys cannot fail to be written.
fn to_json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// An error code of a plugin or its destination, and what happened in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Such as `delivery.unreachable`; a plugin may use words of its own.
    pub code: String,
    /// In words.
    pub message: String,
}

/// Proof that the destination took the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// What the destination calls the message, when it says.
    pub id: Option<String>,
    /// The destination's status.
    pub status: Option<u16>,
    /// Its answer in a line.
    pub detail: String,
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureScope {
    /// This message's; others may get through.
    Message,
    /// The destination's; it concerns every message of its lane.
    Destination,
}

/// What a plugin answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliverOutcome {
    /// The destination took the message.
    Delivered(Receipt),
    /// Try again later.
    Retry {
        /// Not before this long from now, when the destination says so.
        after: Option<Duration>,
        /// Why.
        reason: Reason,
        /// Whose fault.
        scope: FailureScope,
        /// The destination's status.
        status: Option<u16>,
    },
    /// Never try this message again.
    Rejected {
        /// Why.
        reason: Reason,
        /// The destination is gone for good: the handler is of no use any more.
        gone: bool,
        /// The destination's status.
        status: Option<u16>,
    },
}

/// A change of the plugin's values, to be committed with the outcome. In order; a later one of a key wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvWrite {
    /// 1 to 256 bytes.
    pub key: String,
    /// The value; none removes it.
    pub value: Option<Vec<u8>>,
}

/// How an event is to be shown in the inbox, to be committed with the outcome. At most one an event.
#[derive(Debug, Clone, PartialEq)]
pub struct InboxWrite {
    /// An event of the delivery.
    pub event: EventId,
    /// One line.
    pub title: String,
    /// Markdown; HTML in it is to be shown as text.
    pub body: String,
    /// How much it matters.
    pub severity: Severity,
    /// Text and address.
    pub links: Vec<(String, String)>,
    /// Buttons.
    pub buttons: Vec<TipAction>,
}

/// What a call took and said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallReport {
    /// Lines that the guest logged or printed, in order, cut to a sensible number.
    pub log: Vec<LogLine>,
    /// The most memory the guest had, bytes.
    pub memory: u64,
}

/// All that came of a call of `deliver` that ended normally.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// What the plugin answered.
    pub outcome: DeliverOutcome,
    /// Changes of its values.
    pub kv: Vec<KvWrite>,
    /// Presentation of events in the inbox.
    pub inbox: Vec<InboxWrite>,
    /// What it took and said.
    pub report: CallReport,
}
