//! What is told of attempts that ended, when their messages did not arrive.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_types::EventType;

use super::unsent::Unsent;
use crate::db::sql;
use crate::error::Result;
use crate::model::{AttemptOutcome, FinishAttempt, HandlerRef, Message, MessageState};
use crate::rules::tell_delivery::{self as tell, End};
use crate::sql::tx::Tx;

impl Tx {
    /// Tells of messages that did not arrive, but for those of which their handler's end tells.
    pub(super) async fn tell_ends(
        &mut self,
        ended: &[(&FinishAttempt, &Message)],
        unsent: &BTreeMap<HandlerRef, Unsent>,
        off: &BTreeSet<String>,
    ) -> Result<()> {
        let mut lost = BTreeMap::<&HandlerRef, (Unsent, Vec<&Message>)>::new();
        for (report, message) in ended {
            let end = match &report.outcome {
                AttemptOutcome::Delivered { .. } => End::Partly,
                AttemptOutcome::Rejected { .. } if !report.tried => End::NotSent,
                AttemptOutcome::Rejected { .. } => End::Rejected,
                _ => End::GivenUp,
            };
            let error = match message.state {
                MessageState::Dead => message.error.as_ref(),
                MessageState::Delivered => report.refused.as_ref(),
                _ => None,
            };
            let Some(error) = error else { continue };
            if message.state == MessageState::Dead {
                // That its handler was switched off says of this one too that it is lost.
                if off.contains(&message.handler.to_string()) {
                    continue;
                }
                match unsent.get(&message.handler) {
                    Some(Unsent::Off) => continue,
                    Some(why) => {
                        let of = lost.entry(&message.handler).or_insert((*why, Vec::new()));
                        of.1.push(message);
                        continue;
                    }
                    None if end == End::NotSent && self.was_told_of(message).await? => continue,
                    None => {}
                }
            }
            if !self.is_about_delivery(message.number).await? {
                self.tell(tell::exhausted(message, error, end), None);
            }
        }
        for (why, messages) in lost.into_values() {
            self.tell_lost(why, &messages).await?;
        }
        Ok(())
    }

    /// Whether a message tells of a failure to tell. That such a message got lost is told no further: two handlers
    /// that refuse everything would keep each other busy for ever.
    async fn is_about_delivery(&mut self, number: i64) -> Result<bool> {
        let about = sql(
            "SELECT EXISTS (SELECT 1 FROM message_events l JOIN events e ON e.seq = l.seq
             WHERE l.message = $1 AND e.type IN ($2, $3)) AS about",
        )
        .bind(number)
        .bind(EventType::DeliveryExhausted.as_str())
        .bind(EventType::PluginFailed.as_str())
        .fetch_one(&mut self.conn)
        .await?;
        about.flag("about")
    }
}
