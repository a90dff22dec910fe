//! Silences that somebody makes, and maintenance windows. Who is kept from hearing of something is left to `silenced`.

use ironcore_types::notification::{Maintenance, Silencer};
use ironcore_types::{ProjectName, SilenceId, Timestamp, UserId};

use super::Sql;
use super::tx::Tx;
use crate::db::{Conn, Row, sql, to_json};
use crate::error::{LedgerError, Result};
use crate::model::{NewSilence, Silence, SilenceFilter};
use crate::{IDEMPOTENCY, SILENCES_KEPT};

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

async fn find(conn: &mut Conn, id: SilenceId) -> Result<Option<Silence>> {
    let row = sql("SELECT * FROM silences WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(silence).transpose()
}

impl Tx {
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
