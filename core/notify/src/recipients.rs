//! Who of a mail's recipients took it and who refused it: kept with the message from one attempt to the next, so that no
//! one gets it twice and nobody who refused it is asked again. A replay goes to those who did not take it. Plain functions.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_ledger::model::Message;
use ironcore_plugin_host::effects::MailReply;
use ironcore_types::MessageId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::outcome::cut;

/// The attribute of a message that holds them.
const ATTRIBUTE: &str = "recipients";
/// The longest reason of a recipient that is kept, bytes.
const REASON: usize = 200;

/// What is known of recipients, by their address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Recipients {
    /// Which message was refused: when it is replayed, those who did are asked again.
    message: Option<MessageId>,
    taken: BTreeSet<String>,
    /// With what the server said.
    refused: BTreeMap<String, String>,
}

impl Recipients {
    /// What earlier attempts told, and those of the message that this one replays.
    pub(crate) fn of(message: &Message) -> Self {
        let kept = message.attrs.get(ATTRIBUTE);
        let mut known: Self = kept
            .and_then(|kept| serde_json::from_value(kept.clone()).ok())
            .unwrap_or_default();
        if known.message != Some(message.id) {
            known.refused.clear();
        }
        known.message = Some(message.id);
        known
    }

    /// Whether this one needs not be asked: it took the mail, or refused it.
    pub(crate) fn answered(&self, address: &str) -> bool {
        self.taken.contains(address) || self.refused.contains_key(address)
    }

    /// This one has it.
    pub(crate) fn took(&mut self, address: &str) {
        self.taken.insert(address.to_owned());
    }

    /// This one will never take it.
    pub(crate) fn refused(&mut self, address: &str, why: &str) {
        self.refused
            .insert(address.to_owned(), cut(why.to_owned(), REASON));
    }

    /// Whether anybody took it.
    pub(crate) fn any_took(&self) -> bool {
        !self.taken.is_empty()
    }

    /// Who refused it, in words.
    pub(crate) fn refusals(&self) -> Option<String> {
        let all: Vec<String> = self
            .refused
            .iter()
            .map(|(address, why)| format!("{address} ({why})"))
            .collect();
        (!all.is_empty()).then(|| format!("refused by {}", all.join(", ")))
    }

    /// The answer to a mail that some took and none is to be asked for again.
    pub(crate) fn reply(&self, said: &str) -> MailReply {
        let text = match self.refusals() {
            Some(refusals) => format!("{said}; {refusals}"),
            None => said.to_owned(),
        };
        MailReply { code: 250, text }
    }

    /// The attributes of the message from now on; none when they stay as they are. Once all took it there is nothing to
    /// know: a replay goes to all of them.
    pub(crate) fn kept(&self, message: &Message, delivered: bool) -> Option<Map<String, Value>> {
        let mut attrs = message.attrs.clone();
        if delivered && self.refused.is_empty() {
            attrs.remove(ATTRIBUTE);
        } else {
            attrs.insert(ATTRIBUTE.to_owned(), serde_json::to_value(self).ok()?);
        }
        (attrs != message.attrs).then_some(attrs)
    }
}
