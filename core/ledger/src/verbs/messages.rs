//! Verbs of fan-out and delivery. Which events match, when to try again and when to give up is notify's to decide.

use std::collections::BTreeMap;
use std::time::Duration;

use ironcore_types::objects::Handler;
use ironcore_types::{EventId, MessageId, SessionId, Timestamp};

use crate::Ledger;
use crate::error::Result;
use crate::model::{
    Attempt, AttemptResult, Circuit, ClaimedMessage, FanOut, FanOutReport, FinishAttempt, HandlerHealth,
    HandlerRef, LastOutcome, Message, MessageFilter, MessagePage, Page, Rate, ReplayReport, SeqEvent,
};

impl Ledger {
    /// Up to `limit` events that nobody has fanned out, in order.
    pub async fn take_unmatched(&self, limit: u32) -> Result<Vec<SeqEvent>> {
        self.sql.take_unmatched(limit).await
    }

    /// Records what comes of these events, which must be the next unmatched ones in order, in one transaction, and
    /// moves the cursor past them. [`Fenced`](crate::LedgerError::Fenced) when somebody else was faster.
    ///
    /// Messages are unique on (handler, recipient, thread, kind, window, replay): an event for one that is waiting
    /// and was never tried joins it.
    pub async fn record_fanout(&self, fanouts: Vec<FanOut>) -> Result<FanOutReport> {
        self.sql.record_fanout(fanouts).await
    }

    /// How the newest runs of these jobs ended, as far as events were fanned out.
    pub async fn last_outcomes(&self, keys: Vec<String>) -> Result<BTreeMap<String, LastOutcome>> {
        self.sql.last_outcomes(keys).await
    }

    /// How the run before ended, when the event tells how one did and was fanned out.
    pub async fn outcome_before(&self, event: EventId) -> Result<Option<LastOutcome>> {
        self.sql.outcome_before(event).await
    }

    /// How far these lanes are within their limits; of those that were never near there is none.
    pub async fn rates(&self, lanes: Vec<String>) -> Result<Vec<Rate>> {
        self.sql.rates(lanes).await
    }

    /// The handlers that an event matched.
    pub async fn matches_of(&self, event: EventId) -> Result<Vec<HandlerRef>> {
        self.sql.matches_of(event).await
    }

    /// Takes up to `n` messages that are due, for a live session, under a lease of [`LEASE`](crate::LEASE). A later
    /// message of a thread waits for the earlier one; a lane whose circuit is open gives none, and one at a time
    /// between the end of its pause and `close_circuit`; at most `per_lane` messages of a lane are being sent at once,
    /// so that a slow destination does not take up every sender.
    pub async fn claim_messages(
        &self,
        session: SessionId,
        n: u32,
        per_lane: u32,
    ) -> Result<Vec<ClaimedMessage>> {
        self.sql.claim_messages(session, n, per_lane).await
    }

    /// Renews the leases of a session and of the messages that it sends, to be called every 10 s; whether the session
    /// lives. What it does not hold any more, or never heard that it has, is handed out again when its lease runs out.
    pub async fn renew_sender(&self, session: SessionId, held: &[MessageId]) -> Result<bool> {
        self.sql.renew_sender(session, held.to_vec()).await
    }

    /// Records the outcome of an attempt with all that the plugin wrote, in one transaction. Fenced.
    /// A retry that the destination `asked` for counts as no failure, neither of the message nor of its handler.
    /// `Exhausted` and `Rejected` make the message a dead letter and tell `delivery.exhausted`. A handler whose destination
    /// is gone, or whose attempts have all failed for five days, is switched off: its messages become dead letters, and
    /// `handler.disabled` is told once.
    pub async fn finish_attempt(&self, report: FinishAttempt) -> Result<AttemptResult> {
        self.sql.finish_attempt(report).await
    }

    /// When the next message could be claimed, circuits considered; none when nothing waits. It may be past.
    pub async fn next_message_due(&self) -> Result<Option<Timestamp>> {
        self.sql.next_message_due().await
    }

    /// The message of that id.
    pub async fn message(&self, id: MessageId) -> Result<Option<Message>> {
        self.sql.message(id).await
    }

    /// A page of the messages that pass `filter`, newest first.
    pub async fn messages(&self, filter: &MessageFilter, page: &Page) -> Result<MessagePage> {
        self.sql.messages(filter.clone(), page.clone()).await
    }

    /// The events of a message, oldest first.
    pub async fn message_events(&self, id: MessageId) -> Result<Vec<SeqEvent>> {
        self.sql.message_events(id).await
    }

    /// The handler of a message as it was when the message was made, whether it is still declared or not.
    pub async fn message_snapshot(&self, id: MessageId) -> Result<Option<Handler>> {
        self.sql.message_snapshot(id).await
    }

    /// The attempts of a message, first to last.
    pub async fn attempts(&self, id: MessageId) -> Result<Vec<Attempt>> {
        self.sql.attempts(id).await
    }

    /// Forgets what destinations answered, and what plugins wrote, in attempts that ended before: some of them, and how many
    /// those were; 0 when nothing is left to forget. That there were these attempts, and how they ended, stays.
    pub async fn forget_exchanges(&self, before: Timestamp) -> Result<u64> {
        self.sql.forget_exchanges(before).await
    }

    /// Makes a new message of one that was delivered or given up: the same events, a new id, `replay` one higher.
    /// `conflict` while it is still being tried, and when its handler is switched off or removed: nobody would send it.
    pub async fn replay(&self, id: MessageId) -> Result<Message> {
        self.sql.replay(id).await
    }

    /// Replays every dead letter that passes `filter` and was not replayed before; how many those were, and how many were
    /// left out because their handler is switched off or removed. The states of the filter are not looked at. Goes on in
    /// several transactions: what is done when it fails stays done.
    pub async fn replay_all(&self, filter: &MessageFilter) -> Result<ReplayReport> {
        let filter = MessageFilter {
            states: Vec::new(),
            ..filter.clone()
        };
        self.sql.replay_all(filter).await
    }

    /// The handlers that fail, and those that were switched off for it.
    pub async fn handler_health(&self) -> Result<Vec<HandlerHealth>> {
        self.sql.handler_health().await
    }

    /// Switches a handler on again that was switched off because it failed. False when it was not.
    pub async fn enable_handler(&self, handler: &HandlerRef) -> Result<bool> {
        self.sql.enable_handler(handler.clone()).await
    }

    /// Opens the circuit of a lane until then, or prolongs it; counts how often in a row. One that is open still is
    /// prolonged, which does not count.
    pub async fn open_circuit(&self, lane: &str, until: Timestamp, reason: &str) -> Result<Circuit> {
        self.sql
            .open_circuit(lane.to_owned(), until, None, reason.to_owned())
            .await
    }

    /// The same for a destination that works, and asked for more time between messages.
    pub async fn slow_circuit(
        &self,
        lane: &str,
        until: Timestamp,
        gap: Duration,
        reason: &str,
    ) -> Result<Circuit> {
        self.sql
            .open_circuit(lane.to_owned(), until, Some(gap), reason.to_owned())
            .await
    }

    /// The destination took a message, whose circuit was open until then: the `next` goes not before, and the one after it
    /// a `gap` later. One that was prolonged meanwhile stays. False when that is over: there is no such circuit any more, or
    /// nothing waits on the lane, which closes it.
    pub async fn ease_circuit(
        &self,
        lane: &str,
        until: Timestamp,
        next: Timestamp,
        gap: Duration,
    ) -> Result<bool> {
        self.sql.ease_circuit(lane.to_owned(), until, next, gap).await
    }

    /// The destination works again, whose circuit was open until then; one that was prolonged meanwhile stays. True when
    /// it is closed by this.
    pub async fn close_circuit(&self, lane: &str, until: Timestamp) -> Result<bool> {
        self.sql.close_circuit(lane.to_owned(), until).await
    }

    /// The circuits that are not closed.
    pub async fn circuits(&self) -> Result<Vec<Circuit>> {
        self.sql.circuits().await
    }
}
