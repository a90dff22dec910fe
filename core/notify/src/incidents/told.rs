//! What a message tells of its incident, as it was when the message was made: kept with the message, so that every
//! attempt and every replay tell the same.

use ironcore_ledger::model::{DueNotice, Message};
use ironcore_plugin_host as host;
use ironcore_types::{IncidentId, Severity, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::decide::Say;
use super::words;

/// The attribute of a message that holds it.
const ATTRIBUTE: &str = "incident";

/// An incident as a message tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) id: IncidentId,
    number: i64,
    cause: String,
    /// What the message says of it.
    title: String,
    state: String,
    severity: Severity,
    opened: Timestamp,
    ended: Option<Timestamp>,
    /// How it ended.
    ending: Option<String>,
    failures: u64,
    affected: u64,
    failing: u64,
    acknowledged_by: Option<UserId>,
}

impl Told {
    pub(crate) fn new(say: Say, look: &DueNotice, now: Timestamp) -> Self {
        let incident = &look.incident;
        Self {
            id: incident.id,
            number: incident.number,
            cause: incident.cause.clone(),
            title: words::title(say, incident, look.untold.len(), now),
            state: incident.state().as_str().to_owned(),
            severity: incident.severity,
            opened: incident.opened,
            ended: incident.ended.map(|(at, _)| at),
            ending: incident.ended.map(|(_, ending)| ending.as_str().to_owned()),
            failures: incident.failures,
            affected: incident.members,
            failing: incident.failing,
            acknowledged_by: incident.acknowledged.as_ref().map(|by| by.by.clone()),
        }
    }

    /// To be kept with a message.
    pub(crate) fn into_attrs(self) -> Map<String, Value> {
        // An object of texts and numbers can always be written.
        let value = serde_json::to_value(self).unwrap_or_default();
        Map::from_iter([(ATTRIBUTE.to_owned(), value)])
    }

    /// What the message tells of an incident, if it is about one.
    pub(crate) fn of(message: &Message) -> Option<Self> {
        serde_json::from_value(message.attrs.get(ATTRIBUTE)?.clone()).ok()
    }

    /// As plugins see it, with where somebody acknowledges it.
    pub(crate) fn into_delivery(self, acknowledge: Option<String>) -> host::Incident {
        let is_over = self.ended.is_some();
        host::Incident {
            key: self.id.to_string(),
            number: self.number,
            cause: self.cause,
            title: self.title,
            state: self.state,
            severity: self.severity,
            opened: self.opened,
            ended: self.ended,
            ending: self.ending,
            count: self.failures,
            affected: self.affected,
            failing: self.failing,
            resolved: is_over,
            acknowledged_by: self.acknowledged_by.map(|user| user.to_string()),
            acknowledge,
        }
    }

    /// Whether anybody is still to acknowledge it.
    pub(crate) fn is_open(&self) -> bool {
        self.ended.is_none() && self.acknowledged_by.is_none()
    }
}
