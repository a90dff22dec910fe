//! Silences, and those who were kept from hearing of something: each waits in `silenced` until its silence is over, and
//! whichever hub looks first says what becomes of it.

use ironcore_types::notification::{Maintenance, Silencer};
use ironcore_types::{EventId, ProjectName, SilenceId, Timestamp, UserId};
use serde::Serialize;

use super::Sql;
use super::events::event;
use super::tx::Tx;
use crate::db::{Conn, Row, Value, sql, to_json};
use crate::error::{LedgerError, Result};
use crate::model::{
    HandlerRef, HeldBack, NewSilence, NewSilenced, Overdue, Release, Silence, SilenceFilter, Silenced,
};
use crate::rules::incident_book::scope;
use crate::{IDEMPOTENCY, SILENCES_KEPT};

/// Events of one handler that are looked at together.
const TOGETHER: u32 = 5_000;
/// Silences that there may be at once, and that one list holds.
const MOST: u32 = 1_000;
/// Silences that one call of `forget_silences` deletes.
const FORGET: u32 = 1_000;

fn silence(row: &Row) -> Result<Silence> {
    Ok(Silence {
        id: row.word("id")?,
        project: row.opt_word("project")?,
        when: row.json("matchers")?,
        from: row.time("begins")?,
        until: row.time("until")?,
        comment: row.text("comment")?,
        created: row.time("created")?,
        by: row.word("created_by")?,
        ended: row.opt_time("ended")?,
        ended_by: row.opt_word("ended_by")?,
    })
}

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

async fn find(conn: &mut Conn, id: SilenceId) -> Result<Option<Silence>> {
    let row = sql("SELECT * FROM silences WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(silence).transpose()
}

/// Those who heard nothing of these events, by event.
pub(super) async fn silenced_among(conn: &mut Conn, seqs: Vec<i64>) -> Result<Vec<Silenced>> {
    let rows = sql("SELECT * FROM silenced WHERE seq IN LIST($1) ORDER BY seq, handler")
        .bind(crate::db::Value::Numbers(seqs))
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
        let ended = sql("SELECT s.id FROM RECORDS($1 AS r: silencer TEXT) JOIN silences s
                ON r.silencer = 'silence/' || s.id WHERE s.ended IS NOT NULL LIMIT 1")
        .bind(rows.clone())
        .fetch_optional(&mut self.conn)
        .await?;
        if let Some(row) = ended {
            return Err(LedgerError::Fenced(format!(
                "what silence {} silences, for it was ended",
                row.text("id")?
            )));
        }
        sql("INSERT INTO silenced (seq, handler, silencer, due)
             SELECT seq, handler, silencer, due
             FROM RECORDS($1 AS r: seq BIGINT, handler TEXT, silencer TEXT, due BIGINT) WHERE 1 = 1
             ON CONFLICT DO NOTHING")
        .bind(rows)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    async fn add_silence(&mut self, new: NewSilence) -> Result<Silence> {
        if let Some((key, sha256)) = &new.key {
            sql("UPDATE silences SET key = NULL WHERE created_by = $1 AND key = $2 AND created <= $3")
                .bind(new.by.as_str())
                .bind(key.as_str())
                .bind(self.now.before(IDEMPOTENCY).as_micros())
                .execute(&mut self.conn)
                .await?;
            let before = sql("SELECT * FROM silences WHERE created_by = $1 AND key = $2")
                .bind(new.by.as_str())
                .bind(key.as_str())
                .fetch_optional(&mut self.conn)
                .await?;
            if let Some(row) = before {
                if row.bytes("request")? == sha256 {
                    return silence(&row);
                }
                return Err(LedgerError::request(
                    "This Idempotency-Key was used for another request.",
                ));
            }
        }
        let open = sql("SELECT COUNT(*) AS open FROM silences WHERE until > $1 AND ended IS NULL")
            .bind(self.now.as_micros())
            .fetch_one(&mut self.conn)
            .await?;
        if open.num("open")? >= i64::from(MOST) {
            return Err(LedgerError::conflict(format!(
                "There are {MOST} silences that are not over; end some of them first."
            )));
        }
        let row = sql(
            "INSERT INTO silences (id, project, matchers, begins, until, comment, created, created_by, key, request)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING *",
        )
        .bind(SilenceId(self.ctx.seams.uuid()).to_string())
        .bind(new.project.as_ref().map(ProjectName::as_str))
        .bind(to_json("matchers", &new.when)?)
        .bind(new.from.as_micros())
        .bind(new.until.as_micros())
        .bind(new.comment)
        .bind(self.now.as_micros())
        .bind(new.by.as_str())
        .bind(new.key.as_ref().map(|(key, _)| key.as_str()))
        // Without a key nobody looks at it.
        .bind(new.key.map(|(_, sha256)| sha256.to_vec()).unwrap_or_default())
        .fetch_one(&mut self.conn)
        .await?;
        self.woken.objects = true;
        silence(&row)
    }

    async fn end_silence(&mut self, id: SilenceId, by: &UserId) -> Result<Silence> {
        let known = find(&mut self.conn, id).await?;
        let known = known.ok_or_else(|| LedgerError::NotFound(format!("silence/{id}")))?;
        if known.over() <= self.now {
            return Ok(known);
        }
        let row = sql("UPDATE silences SET ended = $2, ended_by = $3 WHERE id = $1 RETURNING *")
            .bind(id.to_string())
            .bind(self.now.as_micros())
            .bind(by.as_str())
            .fetch_one(&mut self.conn)
            .await?;
        self.hasten(&known.silencer()).await?;
        silence(&row)
    }

    /// What this silenced is looked at now: it is no more what it was.
    async fn hasten(&mut self, by: &Silencer) -> Result<()> {
        sql("UPDATE silenced SET due = $2 WHERE silencer = $1 AND looked IS NULL AND due > $2")
            .bind(by.to_string())
            .bind(self.now.as_micros())
            .execute(&mut self.conn)
            .await?;
        self.woken.objects = true;
        Ok(())
    }

    pub(super) async fn put_maintenance(&mut self, window: &Maintenance) -> Result<()> {
        sql(
            "INSERT INTO maintenance_windows (owner, name, body) VALUES ($1, $2, $3)
             ON CONFLICT (owner, name) DO UPDATE SET body = $3",
        )
        .bind(owner(window.project.as_ref()))
        .bind(window.name.as_str())
        .bind(to_json("a maintenance window", window)?)
        .execute(&mut self.conn)
        .await?;
        self.hasten(&window.silencer()).await
    }

    async fn let_go(&mut self, release: Release) -> Result<()> {
        let handler = release.handler.to_string();
        let untouched = || LedgerError::Fenced(format!("what was held back from {handler}"));
        let told = release.told.iter().chain(&release.by_notices);
        let told = told.map(|seq| LookedRow { seq: *seq, told: 1 });
        let dropped = release.dropped.iter().map(|seq| LookedRow { seq: *seq, told: 0 });
        let looked: Vec<LookedRow> = told.chain(dropped).collect();
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
                "SELECT DISTINCT i.number FROM incident_events l JOIN incidents i ON i.number = l.incident
                 WHERE l.seq IN LIST($1) AND i.scope = $2 AND i.ended IS NULL",
            )
            .bind(Value::Numbers(release.by_notices))
            .bind(scope(release.handler.project.as_ref()))
            .fetch_all(&mut self.conn)
            .await?;
            let numbers = rows.iter().map(|row| row.num("number"));
            let numbers = numbers.collect::<Result<Vec<_>>>()?;
            self.look_at(numbers.into_iter().map(|number| (number, &release.handler)))
                .await?;
        }
        Ok(())
    }
}

/// Where a place for the owner is never empty.
fn owner(project: Option<&ProjectName>) -> &str {
    project.map_or("-", ProjectName::as_str)
}

pub(super) async fn maintenance(conn: &mut Conn) -> Result<Vec<Maintenance>> {
    let rows = sql("SELECT body FROM maintenance_windows ORDER BY owner, name")
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| row.json("body")).collect()
}

impl Sql {
    pub(crate) async fn add_silence(&self, new: NewSilence) -> Result<Silence> {
        self.write(move |tx| Box::pin(tx.add_silence(new))).await
    }

    pub(crate) async fn end_silence(&self, id: SilenceId, by: UserId) -> Result<Silence> {
        self.write(move |tx| Box::pin(async move { tx.end_silence(id, &by).await }))
            .await
    }

    pub(crate) async fn silence(&self, id: SilenceId) -> Result<Option<Silence>> {
        find(&mut self.reader().await?, id).await
    }

    pub(crate) async fn silences(&self, filter: SilenceFilter) -> Result<Vec<Silence>> {
        let mut query = sql("SELECT * FROM silences WHERE 1 = 1");
        if let Some(project) = &filter.project {
            query
                .push(" AND project = ")
                .push_bind(project.as_str().to_owned());
        }
        if let Some(at) = filter.open_at.map(Timestamp::as_micros) {
            query.push(" AND until > ").push_bind(at);
            query
                .push(" AND (ended IS NULL OR ended > ")
                .push_bind(at)
                .push(")");
        }
        query
            .push(" ORDER BY created DESC, id DESC LIMIT ")
            .push_bind(MOST);
        let rows = query.fetch_all(&mut self.reader().await?).await?;
        rows.iter().map(silence).collect()
    }

    pub(crate) async fn maintenance(&self) -> Result<Vec<Maintenance>> {
        maintenance(&mut self.reader().await?).await
    }

    pub(crate) async fn delete_maintenance(&self, window: Silencer) -> Result<()> {
        let Silencer::Maintenance { project, name } = &window else {
            return Err(LedgerError::NotFound(window.to_string()));
        };
        let (owner, name) = (owner(project.as_ref()).to_owned(), name.clone());
        self.write(move |tx| {
            Box::pin(async move {
                let done = sql("DELETE FROM maintenance_windows WHERE owner = $1 AND name = $2")
                    .bind(owner)
                    .bind(name.as_str())
                    .execute(&mut tx.conn)
                    .await?;
                super::objects::found(done, || window.to_string())?;
                tx.hasten(&window).await
            })
        })
        .await
    }

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
                SELECT 1 FROM conditions c WHERE c.event = e.id) THEN 1 ELSE 0 END AS stands
             FROM silenced s JOIN events e ON e.seq = s.seq
             WHERE s.handler = $1 AND s.looked IS NULL AND s.due <= $2 ORDER BY s.seq LIMIT $3")
        .bind(handler.to_string())
        .bind(now)
        .bind(TOGETHER)
        .fetch_all(&mut conn)
        .await?;
        let held = |row: &Row| {
            Ok(HeldBack {
                event: event(self.ctx.hub, row)?,
                by: row.word("silencer")?,
                until: row.time("due")?,
                condition: row.flag("stands")?,
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

    pub(crate) async fn forget_silences(&self) -> Result<u64> {
        let mut conn = self.reader().await?;
        let over = self.now(&mut conn).await?.before(SILENCES_KEPT).as_micros();
        let found = sql("SELECT 1 FROM silences WHERE until <= $1 LIMIT 1")
            .bind(over)
            .fetch_optional(&mut conn)
            .await?;
        drop(conn);
        if found.is_none() {
            return Ok(0);
        }
        self.write(move |tx| {
            Box::pin(async move {
                sql("DELETE FROM silences WHERE id IN (
                        SELECT id FROM silences WHERE until <= $1 ORDER BY until LIMIT $2)")
                .bind(over)
                .bind(FORGET)
                .execute(&mut tx.conn)
                .await
            })
        })
        .await
    }
}
