//! What notify keeps of its messages: matches, messages, attempts, circuits. Handlers, actions and the plugins'
//! rows have modules of their own.

use std::collections::BTreeMap;
use std::time::Duration;

use ironcore_types::event::{ErrorData, Tip};
use ironcore_types::objects::Handler;
use ironcore_types::{
    ErrorCode, EventId, GroupName, HandlerName, MessageId, PluginName, ProjectName, SessionId, TaskState,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::event::SeqEvent;
use super::handler::HandlerRef;
use super::inbox::InboxEntry;
use super::incident::IncidentStep;
use super::kv::KvWrite;
use super::page::Count;
use super::silence::NewSilenced;

/// That an event passed the filter of a handler. Unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMatch {
    /// Which handler.
    pub handler: HandlerRef,
}

/// A message to be made for the event at hand.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// For which handler.
    pub handler: HandlerRef,
    /// That handler as it stands; used later only when it is no longer declared.
    pub snapshot: Handler,
    /// To whom: an address, or empty when the destination is one.
    pub recipient: String,
    /// Order holds within a thread of one handler and recipient: a task's number, an incident.
    pub thread: String,
    /// `notice`, `digest`, `incident` or a later kind.
    pub kind: String,
    /// Sets messages of one thread and kind apart: the event's id for notices, the hour for a digest.
    pub window: String,
    /// Project and destination as one text; circuits are per lane.
    pub lane: String,
    /// Not to be sent before.
    pub due: Timestamp,
    /// What notify wants back when it sends.
    pub attrs: serde_json::Map<String, serde_json::Value>,
}

/// All that comes of one event. Recording it moves the cursor past the event.
#[derive(Debug, Clone, PartialEq)]
pub struct FanOut {
    /// The event's place; must be the next one unmatched.
    pub seq: i64,
    /// What to do about it.
    pub tips: Vec<Tip>,
    /// The handlers whose filter it passed.
    pub matches: Vec<NewMatch>,
    /// The messages that policy makes of the matches.
    pub messages: Vec<NewMessage>,
    /// How a run ended, when that is what the event tells.
    pub outcome: Option<OutcomeStep>,
    /// What became of the limits of destinations; of several of one lane the last counts.
    pub rates: Vec<Rate>,
    /// Handlers whose filter it passed, and that are not told of it, because of a silence or a maintenance window.
    pub silenced: Vec<NewSilenced>,
    /// What the event does to incidents, if anything.
    pub incident: Option<IncidentStep>,
}

/// How far a destination is within the limits of its handlers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rate {
    /// Its lane.
    pub lane: String,
    /// When its newest messages were due, oldest first: as many as the largest limit allows, and those that are to come.
    pub sent: Vec<Timestamp>,
    /// The most messages that a limit of its handlers allows, as far as was seen.
    pub most: u32,
    /// The messages that hold what was beyond the limits, by handler; and the places of notices of incidents that wait for
    /// theirs, which hold no events.
    pub gathering: BTreeMap<String, Gathering>,
    /// As it was read: what was written meanwhile must not be overlooked.
    pub version: i64,
}

impl Rate {
    /// One event less that `handler` was to be told of by a message due then: a message that holds no others is not sent.
    pub(crate) fn give_back(&mut self, handler: &HandlerRef, due: Timestamp) {
        let name = handler.to_string();
        if let Some(gathering) = self.gathering.get_mut(&name).filter(|one| one.due == due) {
            gathering.events = gathering.events.saturating_sub(1);
            if gathering.events > 0 {
                return;
            }
            self.gathering.remove(&name);
        }
        if let Some(place) = self.sent.iter().position(|sent| *sent == due) {
            self.sent.remove(place);
        }
    }
}

/// A message that gathers what was beyond a handler's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathering {
    /// When it is due.
    pub due: Timestamp,
    /// How many events it holds.
    pub events: u32,
}

/// How the newest run of a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastOutcome {
    /// Its state.
    pub state: TaskState,
    /// How many runs have failed since the last good one.
    pub failures: u64,
    /// The place of the event of the first run in this state.
    pub since: i64,
}

/// The step from one run's outcome to the next one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeStep {
    /// Which job.
    pub key: String,
    /// How the run before ended; none for the first one known.
    pub before: Option<LastOutcome>,
    /// How this one ended.
    pub now: LastOutcome,
}

/// What a fan-out did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FanOutReport {
    /// Messages made.
    pub created: Vec<MessageId>,
    /// Messages that were there, waiting, and have one more event now.
    pub joined: Vec<MessageId>,
    /// Messages that were there and no longer wait; the event was not added.
    pub closed: Vec<MessageId>,
}

/// Where a message is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageState {
    /// Waits for its time, its thread, or its lane.
    Pending,
    /// Somebody is sending it.
    Sending,
    /// The destination took it.
    Delivered,
    /// It will not be tried again: rejected or exhausted.
    Dead,
}

impl MessageState {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Pending, Self::Sending, Self::Delivered, Self::Dead];

    /// The word used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The state of that word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.as_str() == text)
    }
}

/// A message to one recipient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its id, the same at every attempt.
    pub id: MessageId,
    /// The order in which messages were made.
    pub number: i64,
    /// For which handler.
    pub handler: HandlerRef,
    /// Which plugin sends it.
    pub plugin: PluginName,
    /// To whom.
    pub recipient: String,
    /// In which thread.
    pub thread: String,
    /// What kind.
    pub kind: String,
    /// Sets messages of one thread and kind apart.
    pub window: String,
    /// 0, or how often it was replayed.
    pub replay: u32,
    /// Project and destination.
    pub lane: String,
    /// Where it is in its life.
    pub state: MessageState,
    /// Attempts ended so far, those of lost senders included.
    pub attempts: u32,
    /// How many of them failed, but for those whose destination said when to come again; when it is tried again goes by this.
    pub failures: u32,
    /// Not to be sent before.
    pub due: Timestamp,
    /// When it was made.
    pub created: Timestamp,
    /// When it was delivered or given up.
    pub ended: Option<Timestamp>,
    /// What the destination answered when it took it.
    pub receipt: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<ErrorData>,
    /// What notify keeps with it.
    pub attrs: serde_json::Map<String, serde_json::Value>,
}

/// A message that its claimer is to send now.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedMessage {
    /// The message.
    pub message: Message,
    /// Its handler as declared now, or as it was when the message was made.
    pub handler: Handler,
    /// Whether the handler is still declared and enabled (always true for built-in ones, which nobody declares).
    pub handler_active: bool,
    /// Its events, oldest first.
    pub events: Vec<SeqEvent>,
    /// The tips of these events.
    pub tips: Vec<Tip>,
    /// Which event each tip is about, in the order of `tips`.
    pub tip_events: Vec<EventId>,
    /// The number of this attempt; the first is 1.
    pub attempt: u32,
    /// When the first attempt began; none when this is it.
    pub first_tried: Option<Timestamp>,
    /// The circuit of its lane, when there is one: this message tries whether the destination works again.
    pub circuit: Option<Circuit>,
}

/// How an attempt to send ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum AttemptOutcome {
    /// The destination took it.
    Delivered {
        /// What it answered.
        receipt: String,
    },
    /// Try again.
    Retry {
        /// Not before.
        at: Timestamp,
        /// Why.
        reason: String,
        /// The stable code.
        code: ErrorCode,
        /// The destination works, and said when it takes the message: that is no failure of it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        asked: bool,
    },
    /// It failed once more and that was the last time.
    Exhausted {
        /// Why.
        reason: String,
        /// The stable code.
        code: ErrorCode,
    },
    /// The destination will never take it.
    Rejected {
        /// Why.
        reason: String,
        /// The stable code.
        code: ErrorCode,
        /// The destination is gone for good, which switches the handler off.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        gone: bool,
    },
    /// The sender was lost; written by the ledger alone.
    Lost,
}

impl AttemptOutcome {
    /// The words of all outcomes.
    pub const WORDS: &'static [&'static str] = &["delivered", "retry", "exhausted", "rejected", "lost"];

    /// Whether the destination only said when it takes the message.
    pub fn is_asked(&self) -> bool {
        matches!(self, Self::Retry { asked: true, .. })
    }

    /// The outcome in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Delivered { .. } => "delivered",
            Self::Retry { .. } => "retry",
            Self::Exhausted { .. } => "exhausted",
            Self::Rejected { .. } => "rejected",
            Self::Lost => "lost",
        }
    }
}

/// What an attempt sent: a request, or a mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Its headers, but for those that are made on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body of a request, or the plain text of a mail.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// Whether the body was longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// One thing that an attempt asked of a destination, and what came back. Cut by the caller, and redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What was sent where, without queries and secrets.
    pub request: String,
    /// What was sent; of a mail to many with the first of them. None where that is known of another, or was not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Sent>,
    /// The status of the answer; none when there was no answer.
    pub status: Option<u16>,
    /// From the beginning to the end of the answer, microseconds.
    pub latency_us: u64,
    /// The headers of the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body of the answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// Whether the body was longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Why there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The report of one attempt by the session that claimed the message.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishAttempt {
    /// Which message.
    pub message: MessageId,
    /// Who claimed it.
    pub session: SessionId,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The destination's status code.
    pub status: Option<u16>,
    /// What was asked of the destination, and what it answered.
    pub exchanges: Vec<Exchange>,
    /// What the plugin wrote and what did not work, line by line; cut and redacted by the caller.
    pub detail: Option<String>,
    /// What the plugin wrote; committed with the outcome.
    pub kv: Vec<KvWrite>,
    /// What the plugin put into the inbox; committed with the outcome.
    pub inbox: Vec<InboxEntry>,
    /// The message's open attributes from now on; none when they stay as they are. A replay has them too.
    pub attrs: Option<Map<String, Value>>,
    /// Why some of those it was for did not take it, although it is delivered; an event tells it.
    pub refused: Option<ErrorData>,
    /// Some of those it is for have it, now or from before: from then on it holds back no later message of its thread, and
    /// only itself goes on being tried for the others.
    pub taken: bool,
    /// Whether it was tried at all: not when its handler was removed or switched off meanwhile, which says nothing of it.
    pub tried: bool,
}

/// What recording an attempt did.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptResult {
    /// The message after it.
    pub message: Message,
    /// True when the plugin's writes went over its quota and were left out, all of them. The outcome stands.
    pub kv_refused: bool,
}

/// One attempt, as recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which message.
    pub message: MessageId,
    /// 1 for the first.
    pub number: u32,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The destination's status code.
    pub status: Option<u16>,
    /// What was asked of the destination, and what it answered; empty when that is too old to be kept.
    pub exchanges: Vec<Exchange>,
    /// What the plugin wrote and what did not work, line by line.
    pub detail: Option<String>,
}

/// Which messages are wanted. Parts that are empty let everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Of this project.
    pub project: Option<ProjectName>,
    /// Any of these states.
    pub states: Vec<MessageState>,
    /// Of this group.
    pub group: Option<GroupName>,
    /// Of this handler.
    pub handler: Option<HandlerName>,
    /// About this event.
    pub event: Option<EventId>,
    /// Made at or after this.
    pub since: Option<Timestamp>,
}

/// What replaying dead letters did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// How many are sent again.
    pub replayed: u64,
    /// How many are not, for their handler is switched off or removed.
    pub left_out: u64,
}

/// A message as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListedMessage {
    /// The message.
    pub message: Message,
    /// Of how many events it tells.
    pub events: u64,
}

/// A page of messages, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<ListedMessage>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
    /// How many match.
    pub total: Count,
}

/// A lane whose destination fails: nothing is claimed on it before `until`; then one message at a time,
/// until the circuit is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circuit {
    /// Project and destination.
    pub lane: String,
    /// Nothing is sent before.
    pub until: Timestamp,
    /// How often in a row it was opened; 0 when the last message got through, and the next is yet to wait its time.
    pub failures: u32,
    /// Why, in words.
    pub reason: String,
    /// When it was first opened.
    pub opened: Timestamp,
    /// The time between two messages, when the destination asked for less than came.
    pub gap: Option<Duration>,
}
