//! The inbox: every event of a scope, with what a plugin made of it, what each user has read, and what was done about
//! it. What users mute, and what goes with time, is in `inbox_state`.

use std::collections::{BTreeMap, HashMap};

use ironcore_types::event::Tip;
use ironcore_types::{DatastoreName, EventId, EventType, JobName, Severity, UserId};
use serde::Serialize;

use super::Sql;
use super::events::event;
use super::list::{cursor, next_cursor};
use super::silenced::silenced_among;
use super::tx::Tx;
use crate::db::{Conn, Row, Statement, Value, sql, to_json, words};
use crate::error::Result;
use crate::model::{
    Acknowledged, Count, InboxEntry, InboxFilter, InboxItem, InboxPage, Message, Page, Scope, SeqEvent,
    Silenced, Taken, UnreadCounts,
};

/// Whether the user $1 mutes the event `e` at the time $2.
macro_rules! muted {
    () => {
        "EXISTS (SELECT 1 FROM inbox_mutes m WHERE m.\"user\" = $1 AND (m.until IS NULL OR m.until > $2)
            AND (m.type IS NULL OR m.type = e.type) AND (m.job IS NULL OR m.job = e.job)
            AND (m.datastore IS NULL OR REPLACE(e.datastores, '|' || m.datastore || '|', '') <> e.datastores)
            AND (m.below IS NULL
                OR CASE e.severity WHEN 'error' THEN 3 WHEN 'warning' THEN 2 WHEN 'notice' THEN 1 ELSE 0 END
                    < CASE m.below WHEN 'error' THEN 3 WHEN 'warning' THEN 2 WHEN 'notice' THEN 1 ELSE 0 END))"
    };
}

/// What is in the inbox, of which the user $1 has neither read nor muted it at the time $2.
macro_rules! unread {
    () => {
        concat!(
            " FROM events e WHERE e.seq > (SELECT inbox_after FROM hub)
                AND NOT EXISTS (SELECT 1 FROM inbox_read r WHERE r.seq = e.seq AND r.\"user\" = $1)
                AND NOT ",
            muted!()
        )
    };
}

/// The entries of the inbox as the user $1 sees them at the time $2.
const ENTRIES: &str = concat!(
    "SELECT e.*, i.body AS entry, r.seq IS NOT NULL AS is_read, a.\"user\" AS taken_on_by, a.at AS taken_on_at, ",
    muted!(),
    " AS is_muted
     FROM events e LEFT JOIN inbox_entries i ON i.seq = e.seq
     LEFT JOIN inbox_read r ON r.seq = e.seq AND r.\"user\" = $1
     LEFT JOIN inbox_acknowledged a ON a.seq = e.seq
     WHERE e.seq > (SELECT inbox_after FROM hub)"
);

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

/// The datastores of an event as its row has them.
pub(super) fn datastores_column<'a>(names: impl IntoIterator<Item = &'a DatastoreName>) -> Option<String> {
    let mut column = String::new();
    for name in names {
        column.push('|');
        column.push_str(name.as_str());
    }
    (!column.is_empty()).then(|| column + "|")
}

fn scoped(query: &mut Statement, scope: &Scope) {
    if let Some(project) = scope.project() {
        query
            .push(" AND e.project = ")
            .push_bind(project.as_str().to_owned());
    }
}

/// Everything of a filter but whether the user has read or mutes it.
fn filtered(query: &mut Statement, filter: &InboxFilter) {
    if !filter.types.is_empty() {
        let types = words(filter.types.iter().copied().map(EventType::as_str));
        query.push(" AND e.type IN LIST(").push_bind(types).push(")");
    }
    if let Some(least) = filter.min_severity {
        let enough = Severity::ALL.iter().filter(|severity| **severity >= least);
        let severities = words(enough.copied().map(Severity::as_str));
        query
            .push(" AND e.severity IN LIST(")
            .push_bind(severities)
            .push(")");
    }
    if let Some(job) = filter.job.as_ref().map(JobName::as_str) {
        query.push(" AND e.job = ").push_bind(job);
    }
    if let Some(datastore) = &filter.datastore {
        query
            .push(" AND REPLACE(e.datastores, ")
            .push_bind(format!("|{datastore}|"))
            .push(", '') <> e.datastores");
    }
    if let Some(since) = filter.since {
        query.push(" AND e.time >= ").push_bind(since.as_micros());
    }
    if let Some(until) = filter.until {
        query.push(" AND e.time < ").push_bind(until.as_micros());
    }
    match filter.acknowledged {
        Some(true) => query.push(" AND a.seq IS NOT NULL"),
        Some(false) => query.push(" AND a.seq IS NULL"),
        None => query,
    };
}

impl Sql {
    pub(crate) async fn inbox(
        &self,
        scope: Scope,
        user: UserId,
        filter: InboxFilter,
        page: Page,
    ) -> Result<InboxPage> {
        let limit = page.bounded();
        let mut conn = self.reader().await?;
        let now = self.now(&mut conn).await?.as_micros();
        let mut query = sql(ENTRIES).bind(user.as_str()).bind(now);
        scoped(&mut query, &scope);
        filtered(&mut query, &filter);
        if filter.unread {
            query.push(" AND r.seq IS NULL");
        }
        match (filter.unread, filter.muted) {
            (true, _) | (false, Some(false)) => query.push(concat!(" AND NOT ", muted!())),
            (false, Some(true)) => query.push(concat!(" AND ", muted!())),
            (false, None) => &mut query,
        };
        if let Some(before) = cursor(&page)? {
            query.push(" AND e.seq < ").push_bind(before);
        }
        query.push(" ORDER BY e.seq DESC LIMIT ").push_bind(limit + 1);
        let rows = query.fetch_all(&mut conn).await?;
        let mut items = self.items(&rows)?;
        let next = next_cursor(&mut items, limit, |item| item.event.seq);
        completed(&mut conn, &mut items, &scope).await?;
        let mut query = sql(concat!(
            "SELECT COUNT(*) AS total FROM (SELECT 1 AS one",
            unread!()
        ))
        .bind(user.as_str())
        .bind(now);
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

    pub(crate) async fn inbox_item(&self, scope: Scope, user: UserId, seq: i64) -> Result<Option<InboxItem>> {
        let mut conn = self.reader().await?;
        let now = self.now(&mut conn).await?.as_micros();
        let mut query = sql(ENTRIES).bind(user.as_str()).bind(now);
        scoped(&mut query, &scope);
        query.push(" AND e.seq = ").push_bind(seq);
        let rows = query.fetch_all(&mut conn).await?;
        let mut items = self.items(&rows)?;
        completed(&mut conn, &mut items, &scope).await?;
        Ok(items.pop())
    }

    pub(crate) async fn inbox_unread(&self, scope: Scope, user: UserId) -> Result<UnreadCounts> {
        let mut conn = self.reader().await?;
        let now = self.now(&mut conn).await?.as_micros();
        let mut query = sql(concat!(
            "SELECT severity, COUNT(*) AS total FROM (SELECT e.severity",
            unread!()
        ))
        .bind(user.as_str())
        .bind(now);
        scoped(&mut query, &scope);
        query
            .push(" ORDER BY e.seq DESC LIMIT ")
            .push_bind(Count::PROBE)
            .push(") AS counted GROUP BY severity");
        let rows = query.fetch_all(&mut conn).await?;
        let (mut all, mut severities) = (0, [0; 4]);
        for row in &rows {
            let word = row.text("severity")?;
            all += row.num("total")?;
            for (severity, count) in Severity::ALL.iter().zip(&mut severities) {
                if severity.as_str() == word {
                    *count = row.count("total")?;
                }
            }
        }
        Ok(UnreadCounts {
            all: Count::capped(all),
            severities,
        })
    }

    pub(crate) async fn entry_of(&self, id: EventId) -> Result<Option<InboxEntry>> {
        let mut conn = self.reader().await?;
        let row = sql("SELECT i.body FROM events e JOIN inbox_entries i ON i.seq = e.seq WHERE e.id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut conn)
            .await?;
        row.map(|row| row.json("body")).transpose()
    }

    fn items(&self, rows: &[Row]) -> Result<Vec<InboxItem>> {
        let item = |row: &Row| {
            let taken_on = row.opt_word("taken_on_by")?.zip(row.opt_time("taken_on_at")?);
            Ok(InboxItem {
                event: event(self.ctx.hub, row)?,
                entry: row.opt_json("entry")?,
                tips: Vec::new(),
                read: row.flag("is_read")?,
                muted: row.flag("is_muted")?,
                acknowledged: taken_on.map(|(user, at)| Acknowledged { user, at }),
                taken: Vec::new(),
                silenced: Vec::new(),
            })
        };
        rows.iter().map(item).collect()
    }
}

/// Puts in what lies in other tables: tips, what was done, and who was kept from hearing of it.
async fn completed(conn: &mut Conn, items: &mut [InboxItem], scope: &Scope) -> Result<()> {
    let places: Vec<i64> = items.iter().map(|item| item.event.seq).collect();
    // Who of the hub hears nothing is not for a project to see.
    let shows = |one: &Silenced| {
        scope
            .project()
            .is_none_or(|mine| one.handler.project.as_ref() == Some(mine))
    };
    let silenced = silenced_among(conn, places.clone()).await?;
    let places = Value::Numbers(places);
    let rows = sql("SELECT seq, body FROM tips WHERE seq IN LIST($1) ORDER BY seq, place")
        .bind(places)
        .fetch_all(conn)
        .await?;
    let mut tips: HashMap<i64, Vec<Tip>> = HashMap::new();
    for row in rows {
        tips.entry(row.num("seq")?).or_default().push(row.json("body")?);
    }
    let id = |event: &SeqEvent| event.event.id.to_string();
    let ids: Vec<String> = items.iter().map(|item| id(&item.event)).collect();
    let rows = sql(
        "SELECT a.cause, a.kind, a.target, a.actor, a.at, t.upid FROM actions a LEFT JOIN tasks t ON t.id = a.task
         WHERE a.cause IN LIST($1) ORDER BY a.at, a.kind, a.target",
    )
    .bind(words(ids.iter().map(String::as_str)))
    .fetch_all(conn)
    .await?;
    let mut taken: HashMap<String, Vec<Taken>> = HashMap::new();
    for row in rows {
        taken.entry(row.text("cause")?).or_default().push(Taken {
            kind: row.text("kind")?,
            target: row.text("target")?,
            actor: row.word("actor")?,
            at: row.time("at")?,
            upid: row.opt_word("upid")?,
        });
    }
    for item in items {
        item.tips = tips.remove(&item.event.seq).unwrap_or_default();
        item.taken = taken.remove(&id(&item.event)).unwrap_or_default();
        let of_it = silenced.iter().filter(|one| one.seq == item.event.seq);
        item.silenced = of_it.filter(|one| shows(one)).cloned().collect();
    }
    Ok(())
}
