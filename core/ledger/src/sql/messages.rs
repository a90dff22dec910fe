//! Messages: reading, listing and replaying them.

use std::collections::BTreeSet;

use ironcore_types::objects::Handler;
use ironcore_types::{EventId, MessageId, Timestamp};

use super::Sql;
use super::events::event;
use super::list::{cursor, next_cursor};
use super::tx::Tx;
use crate::db::{Conn, Row, Statement, sql, words};
use crate::error::{LedgerError, Result};
use crate::model::{
    Attempt, Count, HandlerRef, ListedMessage, Message, MessageFilter, MessagePage, MessageState, Page,
    ReplayReport, SeqEvent,
};

pub(super) fn state(row: &Row) -> Result<MessageState> {
    let text = row.text("state")?;
    MessageState::parse(&text)
        .ok_or_else(|| LedgerError::row("state", format!("{text:?} is no state of a message")))
}

/// The message of a row of `messages`.
pub(super) fn message(row: &Row) -> Result<Message> {
    Ok(Message {
        id: row.word("id")?,
        number: row.num("number")?,
        handler: HandlerRef {
            project: row.opt_word("project")?,
            group: row.word("group_name")?,
            handler: row.word("handler_name")?,
        },
        plugin: row.word("plugin")?,
        recipient: row.text("recipient")?,
        thread: row.text("thread")?,
        kind: row.text("kind")?,
        window: row.text("window")?,
        replay: row.small("replay")?,
        lane: row.text("lane")?,
        state: state(row)?,
        attempts: row.small("attempts")?,
        failures: row.small("failures")?,
        due: row.time("due")?,
        created: row.time("created")?,
        ended: row.opt_time("ended")?,
        receipt: row.opt_text("receipt")?,
        error: row.opt_json("error")?,
        attrs: row.json("attrs")?,
    })
}

/// One message.
pub(super) async fn load(conn: &mut Conn, number: i64) -> Result<Message> {
    message(
        &sql("SELECT * FROM messages WHERE number = $1")
            .bind(number)
            .fetch_one(conn)
            .await?,
    )
}

async fn find(conn: &mut Conn, id: MessageId) -> Result<Option<Message>> {
    let row = sql("SELECT * FROM messages WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(message).transpose()
}

fn conditions(query: &mut Statement, filter: &MessageFilter) -> Result<()> {
    query.push(" WHERE 1 = 1");
    let exact = [
        ("project", filter.project.as_ref().map(|v| v.to_string())),
        ("group_name", filter.group.as_ref().map(|v| v.to_string())),
        ("handler_name", filter.handler.as_ref().map(|v| v.to_string())),
    ];
    for (column, value) in exact {
        if let Some(value) = value {
            query.push(" AND m.").push(column).push(" = ").push_bind(value);
        }
    }
    if !filter.states.is_empty() {
        let states = words(filter.states.iter().copied().map(MessageState::as_str));
        query.push(" AND m.state IN LIST(").push_bind(states).push(")");
    }
    if let Some(since) = filter.since {
        query.push(" AND m.created >= ").push_bind(since.as_micros());
    }
    if let Some(id) = filter.event {
        query
            .push(" AND m.number IN (SELECT l.message FROM message_events l JOIN events e ON e.seq = l.seq")
            .push(" WHERE e.id = ")
            .push_bind(id.to_string())
            .push(")");
    }
    Ok(())
}

impl Tx {
    /// Whether no open message of the thread holds back one that is made now.
    pub(super) async fn thread_is_free(
        &mut self,
        handler: &str,
        recipient: &str,
        thread: &str,
    ) -> Result<bool> {
        let earlier = sql(
            "SELECT 1 FROM messages
             WHERE handler = $1 AND recipient = $2 AND thread = $3 AND state IN ('pending', 'sending') AND loose = 0 LIMIT 1",
        )
        .bind(handler)
        .bind(recipient)
        .bind(thread)
        .fetch_optional(&mut self.conn)
        .await?;
        Ok(earlier.is_none())
    }

    /// Replays one whose handler can be told.
    async fn replay_checked(&mut self, id: MessageId) -> Result<Message> {
        let row = sql("SELECT * FROM messages WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut self.conn)
            .await?;
        if let Some(row) = row
            && row.flag("declared")?
        {
            let handler = message(&row)?.handler;
            let unsent = self.unsent(BTreeSet::from([handler.clone()])).await?;
            if let Some(why) = unsent.get(&handler) {
                return Err(LedgerError::conflict(why.words(&handler)));
            }
        }
        self.replay(id).await
    }

    async fn replay(&mut self, id: MessageId) -> Result<Message> {
        let old = find(&mut self.conn, id)
            .await?
            .ok_or_else(|| LedgerError::NotFound(format!("message {id}")))?;
        if matches!(old.state, MessageState::Pending | MessageState::Sending) {
            return Err(LedgerError::conflict(format!(
                "message {id} is still being tried"
            )));
        }
        let head = self
            .thread_is_free(&old.handler.to_string(), &old.recipient, &old.thread)
            .await?;
        let done = sql(
            "INSERT INTO messages (id, handler, project, group_name, handler_name, plugin, snapshot, declared,
                recipient, thread, kind, \"window\", replay, lane, state, head, due, created, attrs)
             SELECT $1, o.handler, o.project, o.group_name, o.handler_name, o.plugin, o.snapshot, o.declared,
                o.recipient, o.thread, o.kind, o.\"window\",
                (SELECT MAX(r.replay) + 1 FROM messages r
                 WHERE r.handler = o.handler AND r.recipient = o.recipient AND r.thread = o.thread
                   AND r.kind = o.kind AND r.\"window\" = o.\"window\"),
                o.lane, 'pending', $2, $3, $3, o.attrs
             FROM messages o WHERE o.number = $4 RETURNING number",
        )
        .bind(MessageId(self.ctx.seams.uuid()).to_string())
        .bind(head)
        .bind(self.now.as_micros())
        .bind(old.number)
        .fetch_one(&mut self.conn)
        .await?;
        let number = done.num("number")?;
        sql(
            "INSERT INTO message_events (message, seq) SELECT $1, seq FROM message_events WHERE message = $2",
        )
        .bind(number)
        .bind(old.number)
        .execute(&mut self.conn)
        .await?;
        self.woken.messages = true;
        load(&mut self.conn, number).await
    }
}

/// Attempts whose answers one call of `forget_exchanges` forgets: the writer must not stand still for long.
const FORGET: i64 = 500;

impl Tx {
    async fn forget_exchanges(&mut self, before: Timestamp) -> Result<u64> {
        sql(
            "UPDATE attempts SET exchanges = NULL, detail = NULL WHERE (message, number) IN (
                SELECT message, number FROM attempts
                WHERE ended < $1 AND (exchanges IS NOT NULL OR detail IS NOT NULL) ORDER BY ended LIMIT $2)",
        )
        .bind(before.as_micros())
        .bind(FORGET)
        .execute(&mut self.conn)
        .await
    }
}

/// Messages that are sent again in one transaction.
const REPLAYED: i64 = 100;

impl Tx {
    /// Sends the first dead letters again that pass the filter, unless that was done already or nobody would send them:
    /// those after a number, of which it gives the last. None when there are no more.
    async fn replay_some(
        &mut self,
        filter: &MessageFilter,
        after: i64,
    ) -> Result<(ReplayReport, Option<i64>)> {
        let mut query = sql("SELECT m.* FROM messages m");
        conditions(&mut query, filter)?;
        query
            .push(" AND m.state = 'dead' AND m.number > ")
            .push_bind(after)
            .push(
                " AND NOT EXISTS (SELECT 1 FROM messages r WHERE r.handler = m.handler AND r.recipient = m.recipient
                    AND r.thread = m.thread AND r.kind = m.kind AND r.\"window\" = m.\"window\" AND r.replay > m.replay)
                 ORDER BY m.number LIMIT ",
            )
            .push_bind(REPLAYED);
        let rows = query.fetch_all(&mut self.conn).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            found.push((message(row)?, row.flag("declared")?));
        }
        let declared = found.iter().filter(|(_, was_declared)| *was_declared);
        let declared = declared.map(|(message, _)| message.handler.clone());
        let unsent = self.unsent(declared.collect()).await?;
        let mut report = ReplayReport::default();
        for (message, was_declared) in &found {
            if *was_declared && unsent.contains_key(&message.handler) {
                report.left_out += 1;
            } else {
                self.replay(message.id).await?;
                report.replayed += 1;
            }
        }
        Ok((report, found.last().map(|(message, _)| message.number)))
    }
}

impl Sql {
    pub(crate) async fn replay_all(&self, filter: MessageFilter) -> Result<ReplayReport> {
        let (mut report, mut after) = (ReplayReport::default(), 0);
        loop {
            let filter = filter.clone();
            let verb = self.write(move |tx| Box::pin(async move { tx.replay_some(&filter, after).await }));
            let (some, last) = verb.await?;
            report.replayed += some.replayed;
            report.left_out += some.left_out;
            match last {
                Some(last) => after = last,
                None => return Ok(report),
            }
        }
    }

    pub(crate) async fn message(&self, id: MessageId) -> Result<Option<Message>> {
        find(&mut self.reader().await?, id).await
    }

    pub(crate) async fn messages(&self, filter: MessageFilter, page: Page) -> Result<MessagePage> {
        let limit = page.bounded();
        let mut conn = self.reader().await?;
        let mut query = sql(
            "SELECT m.*, (SELECT COUNT(*) FROM message_events l WHERE l.message = m.number) AS events FROM messages m",
        );
        conditions(&mut query, &filter)?;
        if let Some(before) = cursor(&page)? {
            query.push(" AND m.number < ").push_bind(before);
        }
        query.push(" ORDER BY m.number DESC LIMIT ").push_bind(limit + 1);
        let rows = query.fetch_all(&mut conn).await?;
        let listed = |row: &Row| {
            Ok(ListedMessage {
                message: message(row)?,
                events: row.count("events")?,
            })
        };
        let mut messages = rows.iter().map(listed).collect::<Result<Vec<_>>>()?;
        let next = next_cursor(&mut messages, limit, |listed| listed.message.number);
        let mut query = sql("SELECT COUNT(*) AS total FROM (SELECT 1 FROM messages m");
        conditions(&mut query, &filter)?;
        query.push(" LIMIT ").push_bind(Count::PROBE).push(") AS counted");
        let total = query.fetch_one(&mut conn).await?.num("total")?;
        Ok(MessagePage {
            messages,
            next,
            total: Count::capped(total),
        })
    }

    pub(crate) async fn message_snapshot(&self, id: MessageId) -> Result<Option<Handler>> {
        let row = sql("SELECT snapshot FROM messages WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut self.reader().await?)
            .await?;
        row.map(|row| row.json("snapshot")).transpose()
    }

    pub(crate) async fn message_events(&self, id: MessageId) -> Result<Vec<SeqEvent>> {
        let mut conn = self.reader().await?;
        let rows = sql(
            "SELECT e.* FROM messages m JOIN message_events l ON l.message = m.number JOIN events e ON e.seq = l.seq
             WHERE m.id = $1 ORDER BY e.seq",
        )
        .bind(id.to_string())
        .fetch_all(&mut conn)
        .await?;
        rows.iter().map(|row| event(self.ctx.hub, row)).collect()
    }

    pub(crate) async fn attempts(&self, id: MessageId) -> Result<Vec<Attempt>> {
        let mut conn = self.reader().await?;
        let rows = sql(
            "SELECT a.* FROM messages m JOIN attempts a ON a.message = m.number WHERE m.id = $1 ORDER BY a.number",
        )
        .bind(id.to_string())
        .fetch_all(&mut conn)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Attempt {
                    message: id,
                    number: row.small("number")?,
                    started: row.time("started")?,
                    ended: row.time("ended")?,
                    outcome: row.json("outcome")?,
                    status: row
                        .opt_num("status")?
                        .and_then(|status| u16::try_from(status).ok()),
                    exchanges: row.opt_json("exchanges")?.unwrap_or_default(),
                    detail: row.opt_text("detail")?,
                })
            })
            .collect()
    }

    pub(crate) async fn forget_exchanges(&self, before: Timestamp) -> Result<u64> {
        self.write(move |tx| Box::pin(async move { tx.forget_exchanges(before).await }))
            .await
    }

    pub(crate) async fn replay(&self, id: MessageId) -> Result<Message> {
        self.write(move |tx| Box::pin(async move { tx.replay_checked(id).await }))
            .await
    }

    pub(crate) async fn matches_of(&self, id: EventId) -> Result<Vec<HandlerRef>> {
        let mut conn = self.reader().await?;
        let rows = sql(
            "SELECT m.handler FROM events e JOIN matches m ON m.seq = e.seq WHERE e.id = $1 ORDER BY m.handler",
        )
        .bind(id.to_string())
        .fetch_all(&mut conn)
        .await?;
        rows.iter().map(|row| row.word("handler")).collect()
    }
}
