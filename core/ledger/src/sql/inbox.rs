//! The inbox: the outbox read backwards, with what plugins wrote beside it and what users have read.

use std::collections::HashMap;

use ironcore_types::event::Tip;
use ironcore_types::{EventId, ProjectName, UserId};

use super::Sql;
use super::events::{event, seq_of};
use super::list::{cursor, next_cursor};
use super::tx::Tx;
use crate::db::{Statement, Value, sql, to_json, words};
use crate::error::Result;
use crate::model::{Count, InboxEntry, InboxItem, InboxPage, Message, Page, Scope};

impl Tx {
    /// Keeps how an event shows, when it is one of the message's.
    pub(super) async fn put_inbox_entry(&mut self, message: &Message, entry: &InboxEntry) -> Result<()> {
        let Some(seq) = seq_of(&mut self.conn, entry.event).await? else {
            return Ok(());
        };
        let done = sql("INSERT INTO inbox_entries (seq, message, body)
             SELECT $1, $2, $3 WHERE EXISTS (SELECT 1 FROM message_events WHERE message = $2 AND seq = $1)
             ON CONFLICT (seq) DO UPDATE SET message = $2, body = $3")
        .bind(seq)
        .bind(message.number)
        .bind(to_json("an inbox entry", entry)?)
        .execute(&mut self.conn)
        .await?;
        if done == 0 {
            tracing::warn!(plugin = %message.plugin, event = %entry.event, "an inbox entry for an event of another message was left out");
        }
        self.woken.events = true;
        Ok(())
    }
}

fn scoped(query: &mut Statement, scope: &Scope) {
    if let Some(project) = scope.project() {
        query
            .push(" AND e.project = ")
            .push_bind(project.as_str().to_owned());
    }
}

impl Sql {
    pub(crate) async fn inbox(
        &self,
        scope: Scope,
        user: UserId,
        unread_only: bool,
        page: Page,
    ) -> Result<InboxPage> {
        let limit = page.bounded();
        let mut conn = self.reader().await?;
        let mut query = sql("SELECT e.*, i.body AS entry, r.seq IS NOT NULL AS is_read
             FROM events e LEFT JOIN inbox_entries i ON i.seq = e.seq
             LEFT JOIN inbox_read r ON r.seq = e.seq AND r.\"user\" = ");
        query.push_bind(user.as_str().to_owned()).push(" WHERE 1 = 1");
        scoped(&mut query, &scope);
        if unread_only {
            query.push(" AND r.seq IS NULL");
        }
        if let Some(before) = cursor(&page)? {
            query.push(" AND e.seq < ").push_bind(before);
        }
        query.push(" ORDER BY e.seq DESC LIMIT ").push_bind(limit + 1);
        let rows = query.fetch_all(&mut conn).await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            items.push(InboxItem {
                event: event(self.ctx.hub, row)?,
                entry: row.opt_json("entry")?,
                tips: Vec::new(),
                read: row.flag("is_read")?,
            });
        }
        let next = next_cursor(&mut items, limit, |item| item.event.seq);
        let places = Value::Numbers(items.iter().map(|item| item.event.seq).collect());
        let rows = sql("SELECT seq, body FROM tips WHERE seq IN LIST($1) ORDER BY seq, place")
            .bind(places)
            .fetch_all(&mut conn)
            .await?;
        let mut tips: HashMap<i64, Vec<Tip>> = HashMap::new();
        for row in rows {
            tips.entry(row.num("seq")?).or_default().push(row.json("body")?);
        }
        for item in &mut items {
            item.tips = tips.remove(&item.event.seq).unwrap_or_default();
        }
        let mut query = sql(
            "SELECT COUNT(*) AS total FROM (SELECT 1 FROM events e WHERE NOT EXISTS (
                SELECT 1 FROM inbox_read r WHERE r.seq = e.seq AND r.\"user\" = ",
        );
        query.push_bind(user.as_str().to_owned()).push(")");
        scoped(&mut query, &scope);
        query
            .push(" ORDER BY e.seq DESC LIMIT ")
            .push_bind(Count::PROBE)
            .push(") AS counted");
        let unread = query.fetch_one(&mut conn).await?.num("total")?;
        Ok(InboxPage {
            items,
            next,
            unread: Count::capped(unread),
        })
    }

    pub(crate) async fn mark_read(
        &self,
        scope: Scope,
        user: UserId,
        events: Vec<EventId>,
        read: bool,
    ) -> Result<u64> {
        let ids: Vec<String> = events.iter().map(EventId::to_string).collect();
        let ids = words(ids.iter().map(String::as_str));
        self.write(move |tx| {
            Box::pin(async move {
                let query = if read {
                    sql("INSERT INTO inbox_read (\"user\", seq)
                         SELECT $1, e.seq FROM events e
                         WHERE e.id IN LIST($2) AND ($3 IS NULL OR e.project = $3)
                         ON CONFLICT DO NOTHING")
                } else {
                    sql("DELETE FROM inbox_read WHERE \"user\" = $1 AND seq IN (
                            SELECT e.seq FROM events e
                            WHERE e.id IN LIST($2) AND ($3 IS NULL OR e.project = $3))")
                };
                let done = query
                    .bind(user.as_str())
                    .bind(ids)
                    .bind(scope.project().map(ProjectName::as_str))
                    .execute(&mut tx.conn)
                    .await?;
                tx.woken.events |= done > 0;
                Ok(done)
            })
        })
        .await
    }

    pub(crate) async fn mark_all_read(&self, scope: Scope, user: UserId, seq: i64) -> Result<u64> {
        self.write(move |tx| {
            Box::pin(async move {
                let done = sql("INSERT INTO inbox_read (\"user\", seq)
                     SELECT $1, e.seq FROM events e WHERE e.seq <= $2 AND ($3 IS NULL OR e.project = $3)
                     ON CONFLICT DO NOTHING")
                .bind(user.as_str())
                .bind(seq)
                .bind(scope.project().map(ProjectName::as_str))
                .execute(&mut tx.conn)
                .await?;
                tx.woken.events |= done > 0;
                Ok(done)
            })
        })
        .await
    }
}
