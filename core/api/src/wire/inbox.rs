//! The inbox: entries with their buttons, what a user has read, and what a user mutes.

use ironcore_types::event::Tip;
use ironcore_types::{DatastoreName, Event, EventType, JobName, Severity, Timestamp, Upid, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::silences::SilencedBy;

/// An entry of the inbox: an event, what can be done about it, and whether the user read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InboxEntry {
    /// The event's place in the order of all events.
    pub seq: i64,
    /// What happened.
    pub event: Event,
    /// As the inbox plugin puts it; the event's own title when it did not.
    pub title: String,
    /// As the inbox plugin puts it; plain text.
    pub text: Option<String>,
    /// As the inbox plugin judges; the event's own when it did not.
    pub severity: Severity,
    /// Where to look.
    pub link: Option<String>,
    /// Where to look, all of it.
    pub links: Vec<EntryLink>,
    /// What to do about it.
    pub tips: Vec<Tip>,
    /// What can be done about it with one click, and what was done.
    pub buttons: Vec<EntryButton>,
    /// Whether the user has read it.
    pub read: bool,
    /// Whether the user mutes it: then it is not unread.
    pub muted: bool,
    /// Who has taken it on, for everybody who sees it.
    pub acknowledged: Option<EntryAcknowledgement>,
    /// What kept handlers from being told of it outside.
    #[serde(default)]
    pub silenced: Vec<SilencedBy>,
}

/// An address of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntryLink {
    /// What is there.
    pub label: String,
    /// Its address.
    pub url: String,
}

/// Something to do about an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntryButton {
    /// `acknowledge`, `verify`, `full-backup`, `gc`, `resync`, `retry` or `pause-job`.
    pub kind: String,
    /// What it is done to; of `acknowledge` the event.
    pub target: String,
    /// As a button says it.
    pub label: String,
    /// Who did it; null while nobody has.
    pub done: Option<ButtonDone>,
}

/// Who used a button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ButtonDone {
    /// Who: a user, or `NAME@plugin`.
    pub user: UserId,
    /// When.
    pub time: Timestamp,
    /// The task that it started.
    pub upid: Option<Upid>,
}

/// Who took an event on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntryAcknowledgement {
    /// Who.
    pub user: UserId,
    /// When.
    pub time: Timestamp,
}

/// The inbox of a user, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Inbox {
    /// The entries.
    pub entries: Vec<InboxEntry>,
    /// How many are unread in all, whatever the filter, counted up to a cap.
    pub unread: u64,
    /// Whether there are more than `unread`.
    pub unread_capped: bool,
    /// Where the next page begins: give it back as `cursor`; null at the end.
    pub next: Option<String>,
}

/// How much of the inbox a user has not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InboxCounts {
    /// In all, counted up to a cap, newest first.
    pub unread: u64,
    /// Whether there are more than `unread`.
    pub unread_capped: bool,
    /// Of these, errors.
    pub error: u64,
    /// Of these, warnings.
    pub warning: u64,
    /// Of these, notices.
    pub notice: u64,
    /// Of these, what is as it should be.
    pub info: u64,
}

/// Which entries are marked, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkEntries {
    /// Their places, at most 1000.
    #[schema(max_items = 1000)]
    pub seqs: Vec<i64>,
    /// Whether they are read.
    pub read: bool,
}

/// How many entries of the inbox changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Marked {
    /// Entries that changed.
    pub changed: u64,
}

/// A button of an entry, to be used now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UseButton {
    /// Which, such as `acknowledge` or `retry`.
    pub kind: String,
    /// What it is done to; may be left out when the entry has only one such button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// What a user does not want to be counted: all that is given must hold, and something must be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MuteRule {
    /// Events of this type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// Events about this job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobName>,
    /// Events about this datastore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datastore: Option<DatastoreName>,
    /// Events that matter less than this; what matters so much or more is not muted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_severity: Option<Severity>,
    /// Until then; for ever when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A rule of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mute {
    /// Its number among the user's.
    pub number: i64,
    /// What it mutes.
    pub rule: MuteRule,
    /// When it was made.
    pub created: Timestamp,
}

/// What a user mutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MuteList {
    /// The rules, oldest first.
    pub mutes: Vec<Mute>,
}
