//! The inbox: every event, with the presentation that a plugin gave it, what each user has read and does not want to be
//! counted, and what was done about it.

use ironcore_types::event::Tip;
use ironcore_types::{DatastoreName, EventId, EventType, JobName, Severity, Timestamp, Upid, UserId};
use serde::{Deserialize, Serialize};

use super::event::SeqEvent;
use super::page::Count;
use super::silence::Silenced;

/// How an event shows in the inbox, as a plugin wrote it. Written with the outcome of the attempt that made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InboxEntry {
    /// Which event.
    pub event: EventId,
    /// One line.
    pub title: String,
    /// A few lines; plain text.
    pub text: String,
    /// Instead of the event's own severity.
    pub severity: Option<Severity>,
    /// Where to look.
    pub link: Option<String>,
    /// What later versions or other plugins add.
    #[serde(default)]
    pub attrs: serde_json::Map<String, serde_json::Value>,
}

/// Which entries are wanted. What is missing or empty is no condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InboxFilter {
    /// Only what the user has not read, and does not mute.
    pub unread: bool,
    /// Only what the user mutes, or only what not.
    pub muted: Option<bool>,
    /// Only what somebody has acknowledged, or only what nobody has.
    pub acknowledged: Option<bool>,
    /// Events of these types.
    pub types: Vec<EventType>,
    /// Events that matter so much or more.
    pub min_severity: Option<Severity>,
    /// Events about this job.
    pub job: Option<JobName>,
    /// Events about this datastore.
    pub datastore: Option<DatastoreName>,
    /// Events at or after this.
    pub since: Option<Timestamp>,
    /// Events before this.
    pub until: Option<Timestamp>,
}

impl InboxFilter {
    /// What the user has not read.
    pub fn unread() -> Self {
        Self {
            unread: true,
            ..Self::default()
        }
    }
}

/// Who took an event on, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Who.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// An action that was taken about an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// `verify`, `retry`, …
    pub kind: String,
    /// What it was done to.
    pub target: String,
    /// Who took it: a user, or `NAME@plugin`.
    pub actor: UserId,
    /// When.
    pub at: Timestamp,
    /// The task that it enqueued.
    pub upid: Option<Upid>,
}

/// One line of the inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InboxItem {
    /// The event and its place.
    #[serde(flatten)]
    pub event: SeqEvent,
    /// Its presentation; the plain event shows when there is none.
    pub entry: Option<InboxEntry>,
    /// What to do about it.
    pub tips: Vec<Tip>,
    /// Whether this user has read it.
    pub read: bool,
    /// Who was kept from hearing of it.
    pub silenced: Vec<Silenced>,
    /// Whether this user mutes it.
    pub muted: bool,
    /// Who has taken it on.
    pub acknowledged: Option<Acknowledged>,
    /// What was done about it.
    pub taken: Vec<Taken>,
}

/// A page of the inbox, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InboxPage {
    /// The lines.
    pub items: Vec<InboxItem>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
    /// How many lines of the scope this user has not read and does not mute, whatever the filter.
    pub unread: Count,
}

/// How many entries a user has not read and does not mute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadCounts {
    /// In all.
    pub all: Count,
    /// Of each severity, in the order of [`Severity::ALL`], among those that were counted.
    pub severities: [u64; 4],
}

/// What a user does not want to be counted: all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMute {
    /// Events of this type.
    pub event_type: Option<EventType>,
    /// Events about this job.
    pub job: Option<JobName>,
    /// Events about this datastore.
    pub datastore: Option<DatastoreName>,
    /// Events that matter less than this.
    pub below: Option<Severity>,
    /// Until then; for ever when missing.
    pub until: Option<Timestamp>,
}

impl NewMute {
    /// Whether it says nothing, and so would mute everything.
    pub fn is_everything(&self) -> bool {
        self.event_type.is_none() && self.job.is_none() && self.datastore.is_none() && self.below.is_none()
    }
}

/// A rule of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {
    /// Its number among the user's.
    pub number: i64,
    /// What it mutes.
    pub rule: NewMute,
    /// When it was made.
    pub created: Timestamp,
}
