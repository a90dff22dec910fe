//! Messages with their attempts.

use ironcore_types::event::ErrorData;
use ironcore_types::{GroupName, HandlerName, MessageId, PluginName, ProjectName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::stream::SequencedEvent;

/// Where a message is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageState {
    /// Waiting for its first attempt or the next.
    Pending,
    /// Being sent.
    Sending,
    /// Taken by its destination.
    Delivered,
    /// Refused, or given up.
    Dead,
}

/// A message: what one handler tells one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// Its id, which its receiver sees too.
    pub id: MessageId,
    /// Whose; null for the hub's own.
    pub project: Option<ProjectName>,
    /// The group of the handler.
    pub group: GroupName,
    /// The handler.
    pub handler: HandlerName,
    /// Its plugin.
    pub plugin: PluginName,
    /// Who is told.
    pub recipient: String,
    /// `notice`, `digest`, `incident`, or a plugin's own.
    pub kind: String,
    /// Messages of one thread keep their order.
    pub thread: String,
    /// Where it is in its life.
    pub state: MessageState,
    /// Of how many events it tells.
    pub events: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was made.
    pub created: Timestamp,
    /// When it is tried next.
    pub next_attempt: Option<Timestamp>,
    /// When it was delivered or given up.
    pub ended: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: Option<ErrorData>,
    /// What the destination answered when it took the message.
    pub receipt: Option<String>,
    /// 0, or how often it was sent again by hand before.
    pub replay: u32,
}

/// Messages, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageList {
    /// The messages.
    pub messages: Vec<Message>,
    /// Where the next page begins: give it back as `cursor`; null at the end.
    pub next: Option<String>,
    /// How many messages the filter lets pass, counted up to a cap.
    pub count: u64,
    /// Whether there are more than `count`.
    pub count_capped: bool,
}

/// One attempt to deliver a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// `delivered`, `retry`, `rejected`, `exhausted` or `lost`.
    pub outcome: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Status of the destination's answer, when there was one.
    pub status: Option<u16>,
    /// Why it failed.
    pub error: Option<ErrorData>,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
    /// What was asked of the destination and what it answered, in order; empty once that is too old to be kept.
    pub exchanges: Vec<Exchange>,
    /// What the plugin wrote and what did not work, line by line; secrets are taken out.
    pub detail: Option<String>,
}

/// One request of an attempt, and what came back. Secrets are taken out of all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exchange {
    /// What was sent where, without the query.
    pub request: String,
    /// What was sent; null where nothing was kept, and for further recipients of the same mail.
    pub sent: Option<SentRequest>,
    /// Status of the answer; null when there was none.
    pub status: Option<u16>,
    /// From the beginning to the end of the answer, microseconds.
    pub latency_us: u64,
    /// The headers of the answer, but for those of the connection and cookies.
    pub headers: Vec<AnswerHeader>,
    /// The body of the answer; those of an attempt have 20,000 bytes together.
    pub body: String,
    /// Whether the body was longer.
    pub truncated: bool,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// What was sent: a request, or a mail. Secrets stand as `{secret NAME}`, and credentials that a configuration holds in plain
/// words are taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SentRequest {
    /// Its headers, but for those that are made on the way.
    pub headers: Vec<AnswerHeader>,
    /// The body of the request, or the plain text of the mail. Those of an attempt have 20,000 bytes together, those of one
    /// that delivered its message 4,000.
    pub body: String,
    /// Whether the body was longer.
    pub truncated: bool,
}

/// A header of a request or an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnswerHeader {
    /// Its name; of an answer in lower case.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A message with its attempts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MessageDetail {
    /// The message.
    pub message: Message,
    /// Its attempts, in order.
    pub attempts: Vec<Attempt>,
    /// The events it tells of.
    pub events: Vec<SequencedEvent>,
}

/// A message that is sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replayed {
    /// The new message.
    pub id: MessageId,
}

/// Dead letters that are sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplayedAll {
    /// How many.
    pub replayed: u64,
    /// How many are not, because their handler is switched off or removed: nobody would send them.
    #[serde(default)]
    pub left_out: u64,
}
