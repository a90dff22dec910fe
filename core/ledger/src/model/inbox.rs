//! The inbox: every event, with the presentation that a plugin gave it and what each user has read.

use ironcore_types::event::Tip;
use ironcore_types::{EventId, Severity};
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
}

/// A page of the inbox, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InboxPage {
    /// The lines.
    pub items: Vec<InboxItem>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
    /// How many lines this user has not read.
    pub unread: Count,
}
