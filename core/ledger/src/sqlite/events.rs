//! The outbox on SQLite. One writer means that `seq` is the order of commits: no reader ever sees a gap fill up.

use ironcore_types::event::{DATASCHEMA, Tip};
use ironcore_types::{Event, EventId, HubId, TaskId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use super::columns::{Columns, to_json};
use super::tx::Tx;
use crate::error::Result;
use crate::model::{NewEvent, Scope, SeqEvent};

/// Rows that one answer holds at most.
pub(super) const MOST: u32 = 1_000;

fn envelope(hub: HubId, id: EventId, new: NewEvent, time: ironcore_types::Timestamp) -> Event {
    Event {
        specversion: "1.0".to_owned(),
        id,
        source: format!("urn:ironcore-backup:hub:{hub}"),
        event_type: new.event_type,
        subject: new.subject,
        time,
        datacontenttype: "application/json".to_owned(),
        dataschema: DATASCHEMA.to_owned(),
        data: new.data,
    }
}

/// The event of a row of `events`.
pub(super) fn event(hub: HubId, row: &SqliteRow) -> Result<SeqEvent> {
    let new = NewEvent {
        event_type: row.word("type")?,
        subject: row.opt_text("subject")?,
        data: row.json("body")?,
    };
    Ok(SeqEvent {
        seq: row.num("seq")?,
        event: envelope(hub, row.word("id")?, new, row.time("time")?),
    })
}

impl Tx {
    /// Writes an event into the transaction at hand.
    pub(super) async fn tell(&mut self, new: NewEvent, task: Option<TaskId>) -> Result<SeqEvent> {
        let id = EventId(self.ctx.seams.uuid());
        let done = sqlx::query(
            "INSERT INTO events (id, type, subject, time, project, severity, task, body)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(id.to_string())
        .bind(new.event_type.as_str())
        .bind(new.subject.as_deref())
        .bind(self.now.as_micros())
        .bind(new.data.project.as_ref().map(|p| p.as_str()))
        .bind(new.data.severity.as_str())
        .bind(task.map(|task| task.0))
        .bind(to_json("an event", &new.data)?)
        .execute(&mut self.conn)
        .await?;
        self.woken.events = true;
        let event = envelope(self.ctx.hub, id, new, self.now);
        Ok(SeqEvent {
            seq: done.last_insert_rowid(),
            event,
        })
    }
}

/// The place of an event.
pub(super) async fn seq_of(conn: &mut SqliteConnection, id: EventId) -> Result<Option<i64>> {
    let row = sqlx::query("SELECT seq FROM events WHERE id = ?")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.map(|row| row.num("seq")).transpose()
}

impl Sqlite {
    pub(crate) async fn emit(&self, new: NewEvent) -> Result<SeqEvent> {
        let task = new.data.task.as_ref().map(|task| task.upid.task);
        self.write(move |tx| Box::pin(async move { tx.tell(new, task).await }))
            .await
    }

    pub(crate) async fn events_after(&self, seq: i64, limit: u32, scope: Scope) -> Result<Vec<SeqEvent>> {
        let mut conn = self.reader().await?;
        let query = match scope.project() {
            None => sqlx::query("SELECT * FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2"),
            Some(_) => {
                sqlx::query("SELECT * FROM events WHERE seq > ?1 AND project = ?3 ORDER BY seq LIMIT ?2")
            }
        };
        let query = query.bind(seq).bind(limit.min(MOST));
        let query = match scope.project() {
            None => query,
            Some(project) => query.bind(project.as_str()),
        };
        query
            .fetch_all(&mut *conn)
            .await?
            .iter()
            .map(|row| event(self.ctx.hub, row))
            .collect()
    }

    pub(crate) async fn last_seq(&self) -> Result<i64> {
        let mut conn = self.reader().await?;
        Ok(sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM events")
            .fetch_one(&mut *conn)
            .await?)
    }

    pub(crate) async fn event(&self, id: EventId) -> Result<Option<SeqEvent>> {
        let mut conn = self.reader().await?;
        let row = sqlx::query("SELECT * FROM events WHERE id = ?")
            .bind(id.to_string())
            .fetch_optional(&mut *conn)
            .await?;
        row.map(|row| event(self.ctx.hub, &row)).transpose()
    }

    pub(crate) async fn events_of_task(&self, task: TaskId) -> Result<Vec<SeqEvent>> {
        let mut conn = self.reader().await?;
        let rows = sqlx::query("SELECT * FROM events WHERE task = ? ORDER BY seq")
            .bind(task.0)
            .fetch_all(&mut *conn)
            .await?;
        rows.iter().map(|row| event(self.ctx.hub, row)).collect()
    }

    pub(crate) async fn tips_of(&self, id: EventId) -> Result<Vec<Tip>> {
        let mut conn = self.reader().await?;
        let rows = sqlx::query(
            "SELECT t.body FROM tips t JOIN events e ON e.seq = t.seq WHERE e.id = ? ORDER BY t.place",
        )
        .bind(id.to_string())
        .fetch_all(&mut *conn)
        .await?;
        rows.iter().map(|row| row.json("body")).collect()
    }

    pub(crate) async fn tips_of_task(&self, task: TaskId) -> Result<Vec<Tip>> {
        let mut conn = self.reader().await?;
        let rows = sqlx::query(
            "SELECT t.body FROM events e JOIN tips t ON t.seq = e.seq WHERE e.task = ? ORDER BY t.seq, t.place",
        )
        .bind(task.0)
        .fetch_all(&mut *conn)
        .await?;
        let mut tips: Vec<Tip> = Vec::new();
        for row in rows {
            let tip = row.json("body")?;
            if !tips.contains(&tip) {
                tips.push(tip);
            }
        }
        Ok(tips)
    }
}
