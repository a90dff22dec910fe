//! Claiming messages and recording attempts.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_types::event::ErrorData;
use ironcore_types::objects::{Group, Handler};
use ironcore_types::{EventType, SessionId, Timestamp};

use super::Sql;
use super::events::event;
use super::messages::{load, message};
use super::sessions::check_live;
use super::tx::Tx;
use crate::LEASE;
use crate::db::{Row, micros, sql, to_json, words};
use crate::error::{LedgerError, Result};
use crate::model::{
    AttemptOutcome, AttemptResult, ClaimedMessage, FinishAttempt, HandlerRef, Message, MessageState,
};
use crate::rules::tell;

impl Tx {
    /// The handler as it is declared now.
    pub(super) async fn declared(&mut self, handler: &HandlerRef) -> Result<Option<Handler>> {
        let Some(project) = &handler.project else {
            return Ok(None);
        };
        let row = sql("SELECT body FROM notification_groups WHERE project = $1 AND name = $2")
            .bind(project.as_str())
            .bind(handler.group.as_str())
            .fetch_optional(&mut self.conn)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let group: Group = row.json("body")?;
        Ok(group
            .handler
            .into_iter()
            .find(|known| known.name == handler.handler))
    }

    async fn claim_messages(
        &mut self,
        session: SessionId,
        n: u32,
        per_lane: u32,
    ) -> Result<Vec<ClaimedMessage>> {
        check_live(&mut self.conn, session).await?;
        let mut sending: BTreeMap<String, u32> = BTreeMap::new();
        for row in sql("SELECT lane, COUNT(*) AS sent FROM messages WHERE state = 'sending' GROUP BY lane")
            .fetch_all(&mut self.conn)
            .await?
        {
            sending.insert(row.text("lane")?, row.small("sent")?);
        }
        let mut full: BTreeSet<String> = sending
            .iter()
            .filter(|(_, sent)| **sent >= per_lane)
            .map(|(lane, _)| lane.clone())
            .collect();
        let n = n as usize;
        let mut claimed: Vec<ClaimedMessage> = Vec::new();
        loop {
            let wanted = n - claimed.len();
            let rows = sql(
                "SELECT m.*, c.lane IS NOT NULL AS half_open FROM messages m LEFT JOIN circuits c ON c.lane = m.lane
                 WHERE m.state = 'pending' AND m.head = 1 AND m.due <= $1
                   AND m.lane NOT IN LIST($3)
                   AND (c.lane IS NULL OR (c.until <= $1 AND NOT EXISTS (
                        SELECT 1 FROM messages r WHERE r.state = 'sending' AND r.lane = m.lane)))
                 ORDER BY m.due, m.number LIMIT $2",
            )
            .bind(self.now.as_micros())
            .bind(i64::try_from(wanted).unwrap_or(i64::MAX))
            .bind(words(full.iter().map(String::as_str)))
            .fetch_all(&mut self.conn)
            .await?;
            let full_before = full.len();
            for row in &rows {
                let lane = row.text("lane")?;
                // The first message after a pause tries whether the destination works again.
                let most = if row.flag("half_open")? { 1 } else { per_lane };
                let sent = sending.entry(lane.clone()).or_default();
                if *sent >= most {
                    full.insert(lane);
                } else {
                    *sent += 1;
                    claimed.push(self.claim_message(row, session).await?);
                }
            }
            // Behind the messages of lanes that are full there may be others.
            if claimed.len() == n || full.len() == full_before {
                return Ok(claimed);
            }
        }
    }

    async fn claim_message(&mut self, row: &Row, session: SessionId) -> Result<ClaimedMessage> {
        let mut message = message(row)?;
        sql(
            "UPDATE messages SET state = 'sending', session = $1, claimed = $2, lease_until = $3
             WHERE number = $4 AND state = 'pending'",
        )
        .bind(session.to_string())
        .bind(self.now.as_micros())
        .bind(self.now.after(LEASE).as_micros())
        .bind(message.number)
        .execute(&mut self.conn)
        .await?;
        message.state = MessageState::Sending;
        let events = sql(
            "SELECT e.* FROM message_events l JOIN events e ON e.seq = l.seq WHERE l.message = $1 ORDER BY e.seq",
        )
        .bind(message.number)
        .fetch_all(&mut self.conn)
        .await?;
        let tips = sql("SELECT t.body FROM message_events l JOIN tips t ON t.seq = l.seq
             WHERE l.message = $1 ORDER BY t.seq, t.place")
        .bind(message.number)
        .fetch_all(&mut self.conn)
        .await?;
        let current = self.declared(&message.handler).await?;
        let handler_active = match &current {
            Some(handler) => handler.enabled,
            None => !row.flag("declared")?,
        };
        let handler = match current {
            Some(handler) => handler,
            None => row.json("snapshot")?,
        };
        Ok(ClaimedMessage {
            attempt: message.attempts + 1,
            message,
            handler,
            handler_active,
            events: events
                .iter()
                .map(|row| event(self.ctx.hub, row))
                .collect::<Result<_>>()?,
            tips: tips.iter().map(|row| row.json("body")).collect::<Result<_>>()?,
        })
    }

    async fn put_attempt(
        &mut self,
        message: &Message,
        times: (Timestamp, Timestamp),
        outcome: &AttemptOutcome,
        status: Option<u16>,
        detail: Option<&str>,
    ) -> Result<()> {
        sql(
            "INSERT INTO attempts (message, number, started, ended, outcome, status, detail)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(message.number)
        .bind(message.attempts)
        .bind(times.0.as_micros())
        .bind(times.1.as_micros())
        .bind(to_json("an outcome", outcome)?)
        .bind(status)
        .bind(detail)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    async fn finish_attempt(&mut self, report: FinishAttempt) -> Result<AttemptResult> {
        let row = sql("SELECT * FROM messages WHERE id = $1 AND state = 'sending' AND session = $2")
            .bind(report.message.to_string())
            .bind(report.session.to_string())
            .fetch_optional(&mut self.conn)
            .await?
            .ok_or_else(|| LedgerError::Fenced(format!("message {}", report.message)))?;
        let mut message = message(&row)?;
        message.attempts += 1;
        let times = (report.started, report.ended);
        self.put_attempt(
            &message,
            times,
            &report.outcome,
            report.status,
            report.detail.as_deref(),
        )
        .await?;
        let kv_refused = !self.write_kv(&message, &report.kv).await?;
        for entry in &report.inbox {
            self.put_inbox_entry(&message, entry).await?;
        }
        message.error = match &report.outcome {
            AttemptOutcome::Retry { reason, code, .. }
            | AttemptOutcome::Exhausted { reason, code }
            | AttemptOutcome::Rejected { reason, code } => Some(ErrorData {
                code: *code,
                message: reason.clone(),
            }),
            AttemptOutcome::Delivered { .. } | AttemptOutcome::Lost => None,
        };
        match &report.outcome {
            AttemptOutcome::Delivered { receipt } => {
                message.state = MessageState::Delivered;
                message.receipt = Some(receipt.clone());
            }
            AttemptOutcome::Retry { at, .. } => {
                message.state = MessageState::Pending;
                message.due = *at;
            }
            AttemptOutcome::Lost => {
                return Err(LedgerError::request(
                    "an attempt is recorded as lost by the ledger alone",
                ));
            }
            AttemptOutcome::Exhausted { .. } | AttemptOutcome::Rejected { .. } => {
                message.state = MessageState::Dead;
                if let Some(error) = &message.error
                    && !self.is_about_delivery(message.number).await?
                {
                    let rejected = matches!(report.outcome, AttemptOutcome::Rejected { .. });
                    self.tell(tell::exhausted(&message, error, rejected), None);
                }
            }
        }
        message.ended = (message.state != MessageState::Pending).then_some(self.now);
        self.put_outcome(&message).await?;
        if message.ended.is_some() {
            self.advance_thread(&message).await?;
        }
        Ok(AttemptResult { message, kv_refused })
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

    async fn put_outcome(&mut self, message: &Message) -> Result<()> {
        sql(
            "UPDATE messages SET state = $1, attempts = $2, due = $3, ended = $4, receipt = $5, error = $6,
                session = NULL, lease_until = NULL, claimed = NULL
             WHERE number = $7 AND state = 'sending'",
        )
        .bind(message.state.as_str())
        .bind(message.attempts)
        .bind(message.due.as_micros())
        .bind(micros(message.ended))
        .bind(message.receipt.as_deref())
        .bind(
            message
                .error
                .as_ref()
                .map(|e| to_json("an error", e))
                .transpose()?,
        )
        .bind(message.number)
        .execute(&mut self.conn)
        .await?;
        self.woken.messages = true;
        Ok(())
    }

    /// The next message of the thread may go.
    async fn advance_thread(&mut self, message: &Message) -> Result<()> {
        sql("UPDATE messages SET head = 1 WHERE number = (
                SELECT MIN(number) FROM messages
                WHERE handler = $1 AND recipient = $2 AND thread = $3 AND state IN ('pending', 'sending'))")
        .bind(message.handler.to_string())
        .bind(message.recipient.as_str())
        .bind(message.thread.as_str())
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Its sender is gone: whether the destination took it nobody knows, so it is sent again under the same id.
    pub(super) async fn give_back(&mut self, number: i64) -> Result<()> {
        let claimed = sql("SELECT claimed FROM messages WHERE number = $1")
            .bind(number)
            .fetch_one(&mut self.conn)
            .await?
            .opt_time("claimed")?
            .unwrap_or(self.now);
        let mut message = load(&mut self.conn, number).await?;
        message.attempts += 1;
        message.state = MessageState::Pending;
        message.due = self.now;
        self.put_attempt(&message, (claimed, self.now), &AttemptOutcome::Lost, None, None)
            .await?;
        self.put_outcome(&message).await
    }
}

impl Sql {
    pub(crate) async fn claim_messages(
        &self,
        session: SessionId,
        n: u32,
        per_lane: u32,
    ) -> Result<Vec<ClaimedMessage>> {
        let mut conn = self.reader().await?;
        check_live(&mut conn, session).await?;
        let now = self.now(&mut conn).await?;
        // Senders ask again and again: writing is left alone while nothing could go.
        let found = sql(
            "SELECT 1 FROM messages m LEFT JOIN circuits c ON c.lane = m.lane
             WHERE m.state = 'pending' AND m.head = 1 AND m.due <= $1 AND (c.lane IS NULL OR c.until <= $1)
               AND m.lane NOT IN (
                    SELECT r.lane FROM messages r LEFT JOIN circuits o ON o.lane = r.lane WHERE r.state = 'sending'
                    GROUP BY r.lane HAVING COUNT(*) >= $2 OR COUNT(o.lane) > 0)
             LIMIT 1",
        )
        .bind(now.as_micros())
        .bind(per_lane)
        .fetch_optional(&mut conn)
        .await?;
        drop(conn);
        if found.is_none() {
            return Ok(Vec::new());
        }
        self.write(move |tx| Box::pin(async move { tx.claim_messages(session, n, per_lane).await }))
            .await
    }

    pub(crate) async fn finish_attempt(&self, report: FinishAttempt) -> Result<AttemptResult> {
        self.write(move |tx| Box::pin(async move { tx.finish_attempt(report).await }))
            .await
    }
}
