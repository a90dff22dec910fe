//! The inbox: the outbox read backwards, with what plugins wrote beside it and what users have read.

use std::collections::{BTreeMap, HashMap};

use ironcore_types::event::Tip;
use ironcore_types::{EventId, ProjectName, UserId};
use serde::Serialize;

use super::Sql;
use super::events::event;
use super::list::{cursor, next_cursor};
use super::silences::silenced_among;
use super::tx::Tx;
use crate::db::{Statement, Value, sql, to_json, words};
use crate::error::Result;
use crate::model::{Count, InboxEntry, InboxItem, InboxPage, Message, Page, Scope, Silenced};

/// An entry on its way to its row.
#[derive(Serialize)]
struct EntryRow {
    message: i64,
    event: String,
    body: String,
}

impl Tx {
    /// Keeps how events show, of those that are their message's. Of several entries for one event the last counts.
    pub(super) async fn put_inbox_entries(&mut self, entries: &[(&Message, &InboxEntry)]) -> Result<()> {
        let mut rows = BTreeMap::new();
        for (message, entry) in entries {
            let row = EntryRow {
                message: message.number,
                event: entry.event.to_string(),
                body: to_json("an inbox entry", entry)?,
            };
            rows.insert(row.event.clone(), row);
        }
        if rows.is_empty() {
            return Ok(());
        }
        let rows: Vec<EntryRow> = rows.into_values().collect();
        let done = sql("INSERT INTO inbox_entries (seq, message, body)
             SELECT l.seq, r.message, r.body FROM RECORDS($1 AS r: message BIGINT, event TEXT, body TEXT)
                JOIN events e ON e.id = r.event JOIN message_events l ON l.message = r.message AND l.seq = e.seq
             WHERE 1 = 1
             ON CONFLICT (seq) DO UPDATE SET message = excluded.message, body = excluded.body")
        .bind(to_json("inbox entries", &rows)?)
        .execute(&mut self.conn)
        .await?;
        let left_out = (rows.len() as u64).saturating_sub(done);
        if left_out > 0 {
            tracing::warn!(
                left_out,
                "inbox entries for events of other messages were left out"
            );
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
                silenced: Vec::new(),
            });
        }
        let next = next_cursor(&mut items, limit, |item| item.event.seq);
        let places: Vec<i64> = items.iter().map(|item| item.event.seq).collect();
        // Who of the hub hears nothing is not for a project to see.
        let shows = |one: &Silenced| {
            scope
                .project()
                .is_none_or(|mine| one.handler.project.as_ref() == Some(mine))
        };
        let silenced = silenced_among(&mut conn, places.clone()).await?;
        let rows = sql("SELECT seq, body FROM tips WHERE seq IN LIST($1) ORDER BY seq, place")
            .bind(Value::Numbers(places))
            .fetch_all(&mut conn)
            .await?;
        let mut tips: HashMap<i64, Vec<Tip>> = HashMap::new();
        for row in rows {
            tips.entry(row.num("seq")?).or_default().push(row.json("body")?);
        }
        for item in &mut items {
            item.tips = tips.remove(&item.event.seq).unwrap_or_default();
            let of_it = silenced.iter().filter(|one| one.seq == item.event.seq);
            item.silenced = of_it.filter(|one| shows(one)).cloned().collect();
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
