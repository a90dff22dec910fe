//! Who was kept from hearing of what: each event waits in `silenced` until its silence is over, and whichever hub looks
//! first says what becomes of it. Silences themselves are left to `silences`.

use std::collections::BTreeSet;

use ironcore_types::notification::Silencer;
use ironcore_types::{EventId, Timestamp};
use serde::Serialize;

use super::Sql;
use super::events::event;
use super::tx::Tx;
use crate::db::{Conn, Row, Value, sql, to_json};
use crate::error::{LedgerError, Result};
use crate::model::{HandlerRef, HeldBack, NewSilenced, Overdue, Release, Silenced};
use crate::rules::incident_book::scope;

/// Events of one handler that are looked at together.
const TOGETHER: u32 = 5_000;
/// That the handler is told of an event by the next notice of its incident.
const TOLD_BY_NOTICE: i64 = 1;
/// That it was told.
const TOLD: i64 = 2;

fn silenced(row: &Row) -> Result<Silenced> {
    Ok(Silenced {
        seq: row.num("seq")?,
        handler: row.word("handler")?,
        by: row.word("silencer")?,
        until: row.time("due")?,
        looked: row.opt_time("looked")?,
        told: row.flag("told")?,
    })
}

/// Those who heard nothing of these events, by event.
pub(super) async fn silenced_among(conn: &mut Conn, seqs: Vec<i64>) -> Result<Vec<Silenced>> {
    let rows = sql("SELECT * FROM silenced WHERE seq IN LIST($1) ORDER BY seq, handler")
        .bind(Value::Numbers(seqs))
        .fetch_all(conn)
        .await?;
    rows.iter().map(silenced).collect()
}

#[derive(Serialize)]
struct SilencedRow {
    seq: i64,
    handler: String,
    silencer: String,
    due: i64,
}

#[derive(Serialize)]
struct HeldRow {
    seq: i64,
    by_what: String,
    till: i64,
}

#[derive(Serialize)]
struct LookedRow {
    seq: i64,
    told: i64,
}

impl Tx {
    /// Writes down who is not told. Fenced when a silence was ended meanwhile: whoever decided knew it as it was.
    pub(super) async fn put_silenced(&mut self, new: Vec<(i64, NewSilenced)>) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        let rows: Vec<SilencedRow> = new
            .iter()
            .map(|(seq, silenced)| SilencedRow {
                seq: *seq,
                handler: silenced.handler.to_string(),
                silencer: silenced.by.to_string(),
                due: silenced.until.as_micros(),
            })
            .collect();
        let rows = to_json("what is silenced", &rows)?;
        self.check_silencers(&rows).await?;
        sql("INSERT INTO silenced (seq, handler, silencer, due)
             SELECT seq, handler, silencer, due
             FROM RECORDS($1 AS r: seq BIGINT, handler TEXT, silencer TEXT, due BIGINT) WHERE 1 = 1
             ON CONFLICT DO NOTHING")
        .bind(rows)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Refuses when one of the silences was ended meanwhile.
    async fn check_silencers(&mut self, rows: &str) -> Result<()> {
        let ended = sql("SELECT s.id FROM RECORDS($1 AS r: silencer TEXT) JOIN silences s
                ON r.silencer = 'silence/' || s.id WHERE s.ended IS NOT NULL LIMIT 1")
        .bind(rows)
        .fetch_optional(&mut self.conn)
        .await?;
        match ended {
            None => Ok(()),
            Some(row) => Err(LedgerError::Fenced(format!(
                "what silence {} silences, for it was ended",
                row.text("id")?
            ))),
        }
    }

    /// The handler was to be told of these events by a notice, and they are silenced by now: they wait for the end of the
    /// silence, as if they had been silenced when they happened. Fenced like [`put_silenced`](Self::put_silenced).
    pub(super) async fn hold_back(
        &mut self,
        handler: &HandlerRef,
        held: Vec<(i64, Silencer, Timestamp)>,
    ) -> Result<()> {
        if held.is_empty() {
            return Ok(());
        }
        let rows: Vec<SilencedRow> = held
            .into_iter()
            .map(|(seq, by, until)| SilencedRow {
                seq,
                handler: handler.to_string(),
                silencer: by.to_string(),
                due: until.as_micros(),
            })
            .collect();
        let rows = to_json("what is silenced", &rows)?;
        self.check_silencers(&rows).await?;
        // One that another silence held back before, and that was to be told after it, waits again.
        sql("INSERT INTO silenced (seq, handler, silencer, due)
             SELECT seq, handler, silencer, due
             FROM RECORDS($1 AS r: seq BIGINT, handler TEXT, silencer TEXT, due BIGINT) WHERE 1 = 1
             ON CONFLICT (seq, handler) DO UPDATE SET silencer = excluded.silencer, due = excluded.due, looked = NULL,
                told = 0")
        .bind(rows)
        .execute(&mut self.conn)
        .await?;
        self.woken.objects = true;
        Ok(())
    }

    /// A notice tells the handler of these events, those among them that were held back too.
    pub(super) async fn told_by_notice(&mut self, handler: &HandlerRef, seqs: &[i64]) -> Result<()> {
        sql("UPDATE silenced SET told = $3 WHERE seq IN LIST($1) AND handler = $2 AND told = $4")
            .bind(Value::Numbers(seqs.to_vec()))
            .bind(handler.to_string())
            .bind(TOLD)
            .bind(TOLD_BY_NOTICE)
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    async fn let_go(&mut self, release: Release) -> Result<()> {
        let handler = release.handler.to_string();
        let untouched = || LedgerError::Fenced(format!("what was held back from {handler}"));
        let row = |told: i64| move |seq: &i64| LookedRow { seq: *seq, told };
        let told = release.told.iter().map(row(TOLD));
        let by_notices = release.by_notices.iter().map(row(TOLD_BY_NOTICE));
        let dropped = release.dropped.iter().map(row(0));
        let looked: Vec<LookedRow> = told.chain(by_notices).chain(dropped).collect();
        if !looked.is_empty() {
            let done = sql(
                "UPDATE silenced SET looked = $2, told = r.told FROM RECORDS($3 AS r: seq BIGINT, told BIGINT)
                 WHERE silenced.seq = r.seq AND handler = $1 AND looked IS NULL AND silenced.due <= $2",
            )
            .bind(handler.as_str())
            .bind(self.now.as_micros())
            .bind(to_json("what was looked at", &looked)?)
            .execute(&mut self.conn)
            .await?;
            if done != looked.len() as u64 {
                return Err(untouched());
            }
        }
        if !release.held.is_empty() {
            let rows: Vec<HeldRow> = release
                .held
                .iter()
                .map(|(seq, by, until)| HeldRow {
                    seq: *seq,
                    by_what: by.to_string(),
                    till: until.as_micros(),
                })
                .collect();
            let done = sql("UPDATE silenced SET silencer = r.by_what, due = r.till
                 FROM RECORDS($3 AS r: seq BIGINT, by_what TEXT, till BIGINT)
                 WHERE silenced.seq = r.seq AND handler = $1 AND looked IS NULL AND silenced.due <= $2")
            .bind(handler.as_str())
            .bind(self.now.as_micros())
            .bind(to_json("what is held back", &rows)?)
            .execute(&mut self.conn)
            .await?;
            if done != rows.len() as u64 {
                return Err(untouched());
            }
        }
        if let Some(message) = release.message {
            self.put_message(message, release.told).await?;
        }
        if !release.by_notices.is_empty() {
            let rows = sql(
                "SELECT l.seq, i.number, CASE WHEN i.ended IS NULL THEN 1 ELSE 0 END AS lasts
                 FROM incident_events l JOIN incidents i ON i.number = l.incident
                 WHERE l.seq IN LIST($1) AND i.scope = $2 AND (i.ended IS NULL OR i.ending = 'closed')",
            )
            .bind(Value::Numbers(release.by_notices.clone()))
            .bind(scope(release.handler.project.as_ref()))
            .fetch_all(&mut self.conn)
            .await?;
            let (mut known, mut numbers) = (BTreeSet::new(), BTreeSet::new());
            for row in &rows {
                known.insert(row.num("seq")?);
                if row.flag("lasts")? {
                    numbers.insert(row.num("number")?);
                }
            }
            // One whose incident has ended meanwhile would be told by nobody.
            if release.by_notices.iter().any(|seq| !known.contains(seq)) {
                return Err(untouched());
            }
            self.look_at(numbers.into_iter().map(|number| (number, &release.handler)))
                .await?;
        }
        Ok(())
    }
}

impl Sql {
    pub(crate) async fn silenced_of(&self, id: EventId) -> Result<Vec<Silenced>> {
        let mut conn = self.reader().await?;
        match super::events::seq_of(&mut conn, id).await? {
            Some(seq) => silenced_among(&mut conn, vec![seq]).await,
            None => Ok(Vec::new()),
        }
    }

    pub(crate) async fn next_release(&self) -> Result<Option<Timestamp>> {
        sql("SELECT MIN(due) AS due FROM silenced WHERE looked IS NULL")
            .fetch_one(&mut self.reader().await?)
            .await?
            .opt_time("due")
    }

    pub(crate) async fn overdue(&self) -> Result<Option<Overdue>> {
        let mut conn = self.reader().await?;
        let now = self.now(&mut conn).await?.as_micros();
        let first = sql("SELECT handler FROM silenced WHERE looked IS NULL AND due <= $1
             ORDER BY due, handler LIMIT 1")
        .bind(now)
        .fetch_optional(&mut conn)
        .await?;
        let Some(first) = first else { return Ok(None) };
        let handler: HandlerRef = first.word("handler")?;
        let rows = sql("SELECT e.*, s.silencer, s.due, CASE WHEN EXISTS (
                SELECT 1 FROM conditions c WHERE c.event = e.id) THEN 1 ELSE 0 END AS stands,
                CASE WHEN EXISTS (SELECT 1 FROM incident_events l JOIN incidents i ON i.number = l.incident
                    WHERE l.seq = s.seq AND i.scope = $4 AND (i.ended IS NULL OR i.ending = 'closed'))
                THEN 1 ELSE 0 END AS of_incident
             FROM silenced s JOIN events e ON e.seq = s.seq
             WHERE s.handler = $1 AND s.looked IS NULL AND s.due <= $2 ORDER BY s.seq LIMIT $3")
        .bind(handler.to_string())
        .bind(now)
        .bind(TOGETHER)
        .bind(scope(handler.project.as_ref()))
        .fetch_all(&mut conn)
        .await?;
        let held = |row: &Row| {
            Ok(HeldBack {
                event: event(self.ctx.hub, row)?,
                by: row.word("silencer")?,
                until: row.time("due")?,
                condition: row.flag("stands")?,
                by_incident: row.flag("of_incident")?,
            })
        };
        Ok(Some(Overdue {
            handler,
            events: rows.iter().map(held).collect::<Result<_>>()?,
        }))
    }

    pub(crate) async fn release(&self, release: Release) -> Result<()> {
        self.write(move |tx| Box::pin(tx.let_go(release))).await
    }
}
