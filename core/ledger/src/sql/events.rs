//! The outbox. One writer at a time means that `seq` is the order of commits: no reader ever sees a gap fill up.

use ironcore_types::event::{DATASCHEMA, Tip};
use ironcore_types::{Event, EventId, HubId, JobName, ProjectName, TaskId};
use serde::Serialize;

use super::Sql;
use super::inbox::datastores_column;
use super::tally::Noted;
use super::tx::Tx;
use crate::db::{Conn, Row, sql, storable, to_json};
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
pub(super) fn event(hub: HubId, row: &Row) -> Result<SeqEvent> {
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
    /// Tells an event in the transaction at hand; it is written when that ends. Verbs of this transaction do not see
    /// it among the rows, and need not: whoever acts on an event has it from a COMMIT.
    pub(super) fn tell(&mut self, new: NewEvent, task: Option<TaskId>) -> SeqEvent {
        let id = EventId(self.ctx.seams.uuid());
        self.woken.events = true;
        self.numbers.event += 1;
        let told = SeqEvent {
            seq: self.numbers.event,
            event: envelope(self.ctx.hub, id, new, self.now),
        };
        self.noted.push(Noted::event(&told.event));
        self.told.push((told.clone(), task));
        told
    }

    /// Writes what was told, all at once: each statement is a round trip.
    pub(super) async fn write_events(&mut self) -> Result<()> {
        let told = std::mem::take(&mut self.told);
        if told.is_empty() {
            return Ok(());
        }
        let rows = told.iter().map(|(SeqEvent { seq, event }, task)| {
            Ok(Told {
                seq: *seq,
                id: event.id.to_string(),
                kind: event.event_type.as_str(),
                subject: event.subject.clone().map(storable),
                time: event.time.as_micros(),
                project: event.data.project.as_ref().map(ProjectName::as_str),
                severity: event.data.severity.as_str(),
                task: task.map(|task| task.0),
                job: event.data.job_name().map(JobName::as_str),
                datastores: datastores_column(&event.data.datastores()),
                body: to_json("an event", &event.data)?,
            })
        });
        let rows = to_json("events", &rows.collect::<Result<Vec<_>>>()?)?;
        sql(
            "INSERT INTO events (seq, id, type, subject, time, project, severity, task, job, datastores, body)
             SELECT seq, id, kind, subject, time, project, severity, task, job, datastores, body
             FROM RECORDS($1 AS told: seq BIGINT, id TEXT, kind TEXT, subject TEXT, time BIGINT, project TEXT,
                severity TEXT, task BIGINT, job TEXT, datastores TEXT, body TEXT)",
        )
        .bind(rows)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }
}

/// A row of `events`, on its way there.
#[derive(Serialize)]
struct Told<'a> {
    seq: i64,
    id: String,
    kind: &'static str,
    subject: Option<String>,
    time: i64,
    project: Option<&'a str>,
    severity: &'static str,
    task: Option<i64>,
    job: Option<&'a str>,
    datastores: Option<String>,
    body: String,
}

/// The place of an event.
pub(super) async fn seq_of(conn: &mut Conn, id: EventId) -> Result<Option<i64>> {
    let row = sql("SELECT seq FROM events WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.map(|row| row.num("seq")).transpose()
}

impl Sql {
    pub(crate) async fn emit(&self, new: NewEvent) -> Result<SeqEvent> {
        let task = new.data.task.as_ref().map(|task| task.upid.task);
        // It is written with the rest, when the transaction ends.
        self.write_unguarded(move |tx| Box::pin(async move { Ok(tx.tell(new, task)) }))
            .await
    }

    pub(crate) async fn events_after(&self, seq: i64, limit: u32, scope: Scope) -> Result<Vec<SeqEvent>> {
        let mut conn = self.reader().await?;
        let mut query = sql("SELECT * FROM events WHERE seq > ");
        query.push_bind(seq);
        if let Some(project) = scope.project() {
            query.push(" AND project = ").push_bind(project.as_str());
        }
        query.push(" ORDER BY seq LIMIT ").push_bind(limit.min(MOST));
        query
            .fetch_all(&mut conn)
            .await?
            .iter()
            .map(|row| event(self.ctx.hub, row))
            .collect()
    }

    pub(crate) async fn last_seq(&self) -> Result<i64> {
        let mut conn = self.reader().await?;
        sql("SELECT COALESCE(MAX(seq), 0) AS last FROM events")
            .fetch_one(&mut conn)
            .await?
            .num("last")
    }

    pub(crate) async fn event(&self, id: EventId) -> Result<Option<SeqEvent>> {
        let mut conn = self.reader().await?;
        let row = sql("SELECT * FROM events WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut conn)
            .await?;
        row.map(|row| event(self.ctx.hub, &row)).transpose()
    }

    pub(crate) async fn events_of_task(&self, task: TaskId) -> Result<Vec<SeqEvent>> {
        let mut conn = self.reader().await?;
        let rows = sql("SELECT * FROM events WHERE task = $1 ORDER BY seq")
            .bind(task.0)
            .fetch_all(&mut conn)
            .await?;
        rows.iter().map(|row| event(self.ctx.hub, row)).collect()
    }

    pub(crate) async fn tips_of(&self, id: EventId) -> Result<Vec<Tip>> {
        let mut conn = self.reader().await?;
        let rows =
            sql("SELECT t.body FROM tips t JOIN events e ON e.seq = t.seq WHERE e.id = $1 ORDER BY t.place")
                .bind(id.to_string())
                .fetch_all(&mut conn)
                .await?;
        rows.iter().map(|row| row.json("body")).collect()
    }

    pub(crate) async fn tips_of_task(&self, task: TaskId) -> Result<Vec<Tip>> {
        let mut conn = self.reader().await?;
        let rows = sql(
            "SELECT t.body FROM events e JOIN tips t ON t.seq = e.seq WHERE e.task = $1 ORDER BY t.seq, t.place",
        )
        .bind(task.0)
        .fetch_all(&mut conn)
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
