//! Fan-out: from events to matches, tips and messages, in the order of the outbox.

use ironcore_types::MessageId;

use super::Sql;
use super::events::{MOST, event};
use super::messages::state;
use super::tx::Tx;
use crate::db::{sql, to_json};
use crate::error::{LedgerError, Result};
use crate::model::{FanOut, FanOutReport, MessageState, NewMessage, SeqEvent};

impl Tx {
    async fn fan_out(&mut self, fanout: FanOut, report: &mut FanOutReport) -> Result<()> {
        let next =
            sql("SELECT seq FROM events WHERE seq > (SELECT matched_seq FROM hub) ORDER BY seq LIMIT 1")
                .fetch_optional(&mut self.conn)
                .await?;
        if next.map(|row| row.num("seq")).transpose()? != Some(fanout.seq) {
            return Err(LedgerError::Fenced(format!(
                "the fan-out of event {}",
                fanout.seq
            )));
        }
        for (place, tip) in (0_i64..).zip(&fanout.tips) {
            sql("INSERT INTO tips (seq, place, body) VALUES ($1, $2, $3)")
                .bind(fanout.seq)
                .bind(place)
                .bind(to_json("a tip", tip)?)
                .execute(&mut self.conn)
                .await?;
        }
        for found in &fanout.matches {
            sql("INSERT INTO matches (seq, handler) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(fanout.seq)
                .bind(found.handler.to_string())
                .execute(&mut self.conn)
                .await?;
        }
        for new in fanout.messages {
            self.put_message(fanout.seq, new, report).await?;
        }
        sql("UPDATE hub SET matched_seq = $1")
            .bind(fanout.seq)
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Makes a message, or joins the event to the one that is there.
    async fn put_message(&mut self, seq: i64, new: NewMessage, report: &mut FanOutReport) -> Result<()> {
        let handler = new.handler.to_string();
        let known = sql(
            "SELECT number, id, state, attempts FROM messages
             WHERE handler = $1 AND recipient = $2 AND thread = $3 AND kind = $4 AND \"window\" = $5 AND replay = 0",
        )
        .bind(handler.as_str())
        .bind(new.recipient.as_str())
        .bind(new.thread.as_str())
        .bind(new.kind.as_str())
        .bind(new.window.as_str())
        .fetch_optional(&mut self.conn)
        .await?;
        if let Some(row) = known {
            let id = row.word("id")?;
            if state(&row)? != MessageState::Pending || row.num("attempts")? > 0 {
                report.closed.push(id);
                return Ok(());
            }
            report.joined.push(id);
            return self.join_event(row.num("number")?, seq).await;
        }
        let head = self.thread_is_free(&handler, &new.recipient, &new.thread).await?;
        let declared = self.declared(&new.handler).await?.is_some();
        let id = MessageId(self.ctx.seams.uuid());
        let done = sql(
            "INSERT INTO messages (id, handler, project, group_name, handler_name, plugin, snapshot, declared,
                recipient, thread, kind, \"window\", replay, lane, state, head, due, created, attrs)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, 'pending', $14, $15, $16, $17)
             RETURNING number",
        )
        .bind(id.to_string())
        .bind(handler.as_str())
        .bind(new.handler.project.as_ref().map(|p| p.as_str()))
        .bind(new.handler.group.as_str())
        .bind(new.handler.handler.as_str())
        .bind(new.snapshot.plugin.as_str())
        .bind(to_json("a handler", &new.snapshot)?)
        .bind(declared)
        .bind(new.recipient.as_str())
        .bind(new.thread.as_str())
        .bind(new.kind.as_str())
        .bind(new.window.as_str())
        .bind(new.lane.as_str())
        .bind(head)
        .bind(new.due.as_micros())
        .bind(self.now.as_micros())
        .bind(to_json("a message's attributes", &new.attrs)?)
        .fetch_one(&mut self.conn)
        .await?;
        self.woken.messages = true;
        report.created.push(id);
        self.join_event(done.num("number")?, seq).await
    }

    async fn join_event(&mut self, message: i64, seq: i64) -> Result<()> {
        sql("INSERT INTO message_events (message, seq) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(message)
            .bind(seq)
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }
}

impl Sql {
    pub(crate) async fn take_unmatched(&self, limit: u32) -> Result<Vec<SeqEvent>> {
        let mut conn = self.reader().await?;
        let rows = sql(
            "SELECT e.* FROM events e WHERE e.seq > (SELECT matched_seq FROM hub) ORDER BY e.seq LIMIT $1",
        )
        .bind(limit.min(MOST))
        .fetch_all(&mut conn)
        .await?;
        rows.iter().map(|row| event(self.ctx.hub, row)).collect()
    }

    pub(crate) async fn record_fanout(&self, fanouts: Vec<FanOut>) -> Result<FanOutReport> {
        self.write(move |tx| {
            Box::pin(async move {
                let mut report = FanOutReport::default();
                for fanout in fanouts {
                    tx.fan_out(fanout, &mut report).await?;
                }
                Ok(report)
            })
        })
        .await
    }
}
