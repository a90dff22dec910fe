//! Messages that nobody would send: their handler is no longer declared, not enabled, or switched off. What waits for it
//! then is given up at once, and one event tells how many those are; whatever else of it ends later is told no more.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_types::ErrorCode;
use ironcore_types::event::ErrorData;
use ironcore_types::notification::{GroupRef, Handler};

use super::claim::{GroupKey, declared, handlers_of, switched_off};
use crate::db::{sql, to_json};
use crate::error::Result;
use crate::model::{HandlerRef, Message};
use crate::rules::tell_delivery::{self as tell, Lost, handler_subject};
use crate::sql::tx::Tx;

/// Why nobody would send a message of a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sql) enum Unsent {
    /// It is no longer declared.
    Removed,
    /// Its declaration says so.
    Disabled,
    /// It failed too long, or its destination is gone.
    Off,
}

impl Unsent {
    /// Why a message is not sent, and what would help.
    pub(in crate::sql) fn words(self, handler: &HandlerRef) -> String {
        let name = format!("{}/{}", handler.group, handler.handler);
        match self {
            Self::Removed => format!("the handler {name} was removed: nobody would send the message"),
            Self::Disabled => {
                format!("the handler {name} is not enabled: set \"enabled\" in its declaration first")
            }
            Self::Off => format!(
                "the handler {name} is switched off because it failed: switch it on with `group enable {name}` first"
            ),
        }
    }

    /// What became of the handler.
    fn deed(self) -> &'static str {
        match self {
            Self::Removed => "was removed",
            Self::Disabled => "was disabled",
            Self::Off => "was switched off",
        }
    }

    fn error(self, handler: &HandlerRef) -> ErrorData {
        ErrorData {
            code: ErrorCode::DeliveryNotSent,
            message: self.words(handler),
        }
    }

    /// Says in a message that failed why it is not tried again. What switched a handler off failed as the message did.
    pub(super) fn explain(self, message: &mut Message) {
        if self != Self::Off {
            message.error = Some(self.error(&message.handler));
        }
    }
}

impl Tx {
    /// Why messages of these handlers would not be sent, of those of which that is so. Ones that nobody declares are not
    /// among `declared`, whose handlers were when their message was made.
    pub(in crate::sql) async fn unsent(
        &mut self,
        was_declared: BTreeSet<HandlerRef>,
    ) -> Result<BTreeMap<HandlerRef, Unsent>> {
        let now = declared(&mut self.conn, &was_declared).await?;
        let off = switched_off(&mut self.conn).await?;
        let why = was_declared.into_iter().filter_map(|handler| {
            let name = handler.to_string();
            let why = match now.get(&name) {
                None => Unsent::Removed,
                Some(now) if !now.enabled => Unsent::Disabled,
                Some(_) if off.contains(&name) => Unsent::Off,
                Some(_) => return None,
            };
            Some((handler, why))
        });
        Ok(why.collect())
    }

    /// The same for handlers of messages that failed, each with whether it was declared when its message was made.
    pub(super) async fn unsent_of(
        &mut self,
        failed: Vec<(HandlerRef, bool)>,
    ) -> Result<BTreeMap<HandlerRef, Unsent>> {
        if failed.is_empty() {
            return Ok(BTreeMap::new());
        }
        let was_declared: BTreeSet<HandlerRef> = failed
            .iter()
            .filter(|(_, was_declared)| *was_declared)
            .map(|(handler, _)| handler.clone())
            .collect();
        let mut found = self
            .unsent(failed.into_iter().map(|(handler, _)| handler).collect())
            .await?;
        // What was never declared is the hub's own.
        found.retain(|handler, why| *why != Unsent::Removed || was_declared.contains(handler));
        Ok(found)
    }

    /// What waits for the handler, and was made since it is declared, becomes dead letters. How many those are.
    pub(super) async fn give_up(&mut self, handler: &str, error: &ErrorData) -> Result<u64> {
        // Said twice, so that the index of open messages is good for it.
        let done = sql("UPDATE messages SET state = 'dead', ended = $2, error = $3
             WHERE handler = $1 AND state IN ('pending', 'sending') AND state = 'pending' AND declared = 1")
        .bind(handler)
        .bind(self.now.as_micros())
        .bind(to_json("an error", error)?)
        .execute(&mut self.conn)
        .await?;
        self.woken.messages |= done > 0;
        Ok(done)
    }

    /// How many messages of the handler are being sent.
    pub(super) async fn under_way(&mut self, handler: &str) -> Result<u64> {
        sql("SELECT COUNT(*) AS sent FROM messages
             WHERE handler = $1 AND state IN ('pending', 'sending') AND state = 'sending' AND declared = 1")
        .bind(handler)
        .fetch_one(&mut self.conn)
        .await?
        .count("sent")
    }

    /// Gives up what waits for handlers of a group that are no longer declared, or not enabled any more. To be called
    /// before the group becomes what it is `now`.
    pub(super) async fn give_up_gone(&mut self, group: &GroupRef, now: &[Handler]) -> Result<()> {
        let key = GroupKey {
            project: group.project.as_ref().map(|project| project.as_str()),
            name: group.name.as_str(),
        };
        let before = handlers_of(&mut self.conn, BTreeSet::from([key])).await?;
        for (name, before) in before {
            let why = match now.iter().find(|handler| handler.name == before.name) {
                None => Unsent::Removed,
                Some(now) if !now.enabled => Unsent::Disabled,
                Some(_) => continue,
            };
            let handler = HandlerRef {
                project: group.project.clone(),
                group: group.name.clone(),
                handler: before.name,
            };
            let error = why.error(&handler);
            let given_up = self.give_up(&name, &error).await?;
            // Of a handler that was not on the event before tells what was under way.
            let was_on = before.enabled && !switched_off(&mut self.conn).await?.contains(&name);
            let lost = Lost {
                given_up,
                under_way: if was_on { self.under_way(&name).await? } else { 0 },
            };
            if !lost.is_nothing() {
                let told = tell::unsent(&handler, &before.plugin, why.deed(), &error, lost);
                self.tell(told, None);
            }
        }
        Ok(())
    }

    /// Whether an event tells already that messages of the handler of this one are lost, since it was made.
    pub(super) async fn was_told_of(&mut self, message: &Message) -> Result<bool> {
        let subject = handler_subject(&message.handler);
        // Those of this transaction are written at its end.
        let is_about = |event: &ironcore_types::Event| event.subject.as_deref() == Some(subject.as_str());
        if self.told.iter().any(|(told, _)| is_about(&told.event)) {
            return Ok(true);
        }
        let told = sql("SELECT 1 FROM events WHERE subject = $1
                AND type IN ('ironcore.delivery.exhausted', 'ironcore.handler.disabled') AND time >= $2 LIMIT 1")
        .bind(subject)
        .bind(message.created.as_micros())
        .fetch_optional(&mut self.conn)
        .await?;
        Ok(told.is_some())
    }

    /// These messages of one handler are lost, for nobody sends them any more. When no event tells so yet, one does, also
    /// of what else waits for it.
    pub(super) async fn tell_lost(&mut self, why: Unsent, messages: &[&Message]) -> Result<()> {
        let (mut untold, mut of) = (0, None);
        for message in messages {
            if !self.was_told_of(message).await? {
                (untold, of) = (untold + 1, Some(*message));
            }
        }
        let Some(message) = of else { return Ok(()) };
        let handler = message.handler.to_string();
        let error = why.error(&message.handler);
        let lost = Lost {
            given_up: self.give_up(&handler, &error).await?.saturating_add(untold),
            under_way: self.under_way(&handler).await?,
        };
        let told = tell::unsent(&message.handler, &message.plugin, why.deed(), &error, lost);
        self.tell(told, None);
        Ok(())
    }
}
