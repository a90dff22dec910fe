//! What people make of their inbox: what they have read, taken on and muted. And what goes with time.

use ironcore_types::{ProjectName, Severity, Timestamp, UserId};

use super::Sql;
use super::tx::Tx;
use crate::INBOX_MUTES;
use crate::db::{Row, Value, micros, sql};
use crate::error::{LedgerError, Result};
use crate::model::{Acknowledged, Mute, NewMute, Scope};

/// Events that one call of `forget_inbox` goes on by: the writer must not stand still for long.
const FORGET: i64 = 5_000;

/// Whose incident it is sees of its events only their own.
const TAKEN_ON: &str = "INSERT INTO inbox_acknowledged (seq, \"user\", at)
    SELECT e.seq, $2, $3 FROM incidents i JOIN incident_events l ON l.incident = i.number JOIN events e ON e.seq = l.seq
    WHERE i.number = $1 AND (i.scope = '-' OR e.project = i.scope) AND e.seq > (SELECT inbox_after FROM hub)
    ON CONFLICT DO NOTHING RETURNING seq";

fn mute(row: &Row) -> Result<Mute> {
    Ok(Mute {
        number: row.num("number")?,
        rule: NewMute {
            event_type: row.opt_word("type")?,
            job: row.opt_word("job")?,
            datastore: row.opt_word("datastore")?,
            below: row
                .opt_text("below")?
                .and_then(|word| Severity::ALL.iter().copied().find(|one| one.as_str() == word)),
            until: row.opt_time("until")?,
        },
        created: row.time("created")?,
    })
}

impl Tx {
    async fn acknowledge_event(
        &mut self,
        scope: &Scope,
        user: &UserId,
        seq: i64,
    ) -> Result<Option<(Acknowledged, bool)>> {
        let done = sql("INSERT INTO inbox_acknowledged (seq, \"user\", at)
             SELECT e.seq, $1, $2 FROM events e
             WHERE e.seq = $3 AND ($4 IS NULL OR e.project = $4) AND e.seq > (SELECT inbox_after FROM hub)
             ON CONFLICT DO NOTHING")
        .bind(user.as_str())
        .bind(self.now.as_micros())
        .bind(seq)
        .bind(scope.project().map(ProjectName::as_str))
        .execute(&mut self.conn)
        .await?;
        let row = sql(
            "SELECT a.\"user\", a.at FROM inbox_acknowledged a JOIN events e ON e.seq = a.seq
             WHERE a.seq = $1 AND ($2 IS NULL OR e.project = $2)",
        )
        .bind(seq)
        .bind(scope.project().map(ProjectName::as_str))
        .fetch_optional(&mut self.conn)
        .await?;
        let Some(row) = row else { return Ok(None) };
        if done > 0 {
            self.see_to_incidents_of(scope, user, seq).await?;
        }
        // Who takes it on has read it.
        sql("INSERT INTO inbox_read (\"user\", seq) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(user.as_str())
            .bind(seq)
            .execute(&mut self.conn)
            .await?;
        self.woken.events = true;
        let acknowledged = Acknowledged {
            user: row.word("user")?,
            at: row.time("at")?,
        };
        Ok(Some((acknowledged, done > 0)))
    }

    /// Who takes an event on sees to the incidents that it joined, as far as the scope reaches and nobody does.
    async fn see_to_incidents_of(&mut self, scope: &Scope, user: &UserId, seq: i64) -> Result<()> {
        let rows = sql(
            "SELECT i.id FROM incident_events l JOIN incidents i ON i.number = l.incident
             WHERE l.seq = $1 AND i.ended IS NULL AND i.acknowledged IS NULL AND ($2 IS NULL OR i.scope = $2)
             ORDER BY i.number",
        )
        .bind(seq)
        .bind(scope.project().map(ProjectName::as_str))
        .fetch_all(&mut self.conn)
        .await?;
        for row in rows {
            self.acknowledge(row.word("id")?, user, None).await?;
        }
        Ok(())
    }

    /// Who sees to an incident takes on what joined it, as far as nobody did, and has read it.
    pub(super) async fn take_on_events_of(&mut self, incident: i64, user: &UserId) -> Result<()> {
        let rows = sql(TAKEN_ON)
            .bind(incident)
            .bind(user.as_str())
            .bind(self.now.as_micros())
            .fetch_all(&mut self.conn)
            .await?;
        let taken = rows.iter().map(|row| row.num("seq")).collect::<Result<_>>()?;
        sql(
            "INSERT INTO inbox_read (\"user\", seq) SELECT $1, e.seq FROM events e WHERE e.seq IN LIST($2)
             ON CONFLICT DO NOTHING",
        )
        .bind(user.as_str())
        .bind(Value::Numbers(taken))
        .execute(&mut self.conn)
        .await?;
        self.woken.events = true;
        Ok(())
    }

    async fn mute(&mut self, user: &UserId, rule: NewMute) -> Result<Mute> {
        sql("DELETE FROM inbox_mutes WHERE \"user\" = $1 AND until <= $2")
            .bind(user.as_str())
            .bind(self.now.as_micros())
            .execute(&mut self.conn)
            .await?;
        let rows = sql("SELECT * FROM inbox_mutes WHERE \"user\" = $1 ORDER BY number")
            .bind(user.as_str())
            .fetch_all(&mut self.conn)
            .await?;
        let known = rows.iter().map(mute).collect::<Result<Vec<Mute>>>()?;
        if let Some(same) = known.iter().find(|known| known.rule == rule) {
            return Ok(same.clone());
        }
        if known.len() >= INBOX_MUTES {
            return Err(LedgerError::conflict(format!(
                "{user} mutes {INBOX_MUTES} things already: take one of them back"
            )));
        }
        let new = Mute {
            number: known.last().map_or(0, |last| last.number) + 1,
            rule,
            created: self.now,
        };
        sql(
            "INSERT INTO inbox_mutes (\"user\", number, type, job, datastore, below, until, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(user.as_str())
        .bind(new.number)
        .bind(new.rule.event_type.map(|event_type| event_type.as_str()))
        .bind(new.rule.job.as_ref().map(|job| job.as_str()))
        .bind(new.rule.datastore.as_ref().map(|datastore| datastore.as_str()))
        .bind(new.rule.below.map(Severity::as_str))
        .bind(micros(new.rule.until))
        .bind(new.created.as_micros())
        .execute(&mut self.conn)
        .await?;
        self.woken.events = true;
        Ok(new)
    }

    async fn forget_inbox(&mut self, before: Timestamp) -> Result<u64> {
        let rows = sql(
            "SELECT seq, time FROM events WHERE seq > (SELECT inbox_after FROM hub) ORDER BY seq LIMIT $1",
        )
        .bind(FORGET)
        .fetch_all(&mut self.conn)
        .await?;
        let mut gone = Vec::new();
        for row in &rows {
            // In their order: an entry does not go before those that came earlier, whatever a clock said.
            if row.time("time")? >= before {
                break;
            }
            gone.push(row.num("seq")?);
        }
        let Some(last) = gone.last().copied() else {
            return Ok(0);
        };
        sql("UPDATE hub SET inbox_after = $1")
            .bind(last)
            .execute(&mut self.conn)
            .await?;
        for table in [
            sql("DELETE FROM inbox_entries WHERE seq <= $1"),
            sql("DELETE FROM inbox_read WHERE seq <= $1"),
            sql("DELETE FROM inbox_acknowledged WHERE seq <= $1"),
        ] {
            table.bind(last).execute(&mut self.conn).await?;
        }
        self.woken.events = true;
        Ok(gone.len() as u64)
    }
}

impl Sql {
    pub(crate) async fn mark_read(
        &self,
        scope: Scope,
        user: UserId,
        seqs: Vec<i64>,
        read: bool,
    ) -> Result<u64> {
        self.write(move |tx| {
            Box::pin(async move {
                let query = if read {
                    sql("INSERT INTO inbox_read (\"user\", seq)
                         SELECT $1, e.seq FROM events e
                         WHERE e.seq IN LIST($2) AND ($3 IS NULL OR e.project = $3)
                            AND e.seq > (SELECT inbox_after FROM hub)
                         ON CONFLICT DO NOTHING")
                } else {
                    sql("DELETE FROM inbox_read WHERE \"user\" = $1 AND seq IN (
                            SELECT e.seq FROM events e
                            WHERE e.seq IN LIST($2) AND ($3 IS NULL OR e.project = $3))")
                };
                let done = query
                    .bind(user.as_str())
                    .bind(Value::Numbers(seqs))
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
                     SELECT $1, e.seq FROM events e
                     WHERE e.seq <= $2 AND ($3 IS NULL OR e.project = $3) AND e.seq > (SELECT inbox_after FROM hub)
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

    pub(crate) async fn acknowledge_event(
        &self,
        scope: Scope,
        user: UserId,
        seq: i64,
    ) -> Result<Option<(Acknowledged, bool)>> {
        self.write(move |tx| Box::pin(async move { tx.acknowledge_event(&scope, &user, seq).await }))
            .await
    }

    pub(crate) async fn mutes(&self, user: UserId) -> Result<Vec<Mute>> {
        let mut conn = self.reader().await?;
        let now = self.now(&mut conn).await?.as_micros();
        let rows = sql(
            "SELECT * FROM inbox_mutes WHERE \"user\" = $1 AND (until IS NULL OR until > $2) ORDER BY number",
        )
        .bind(user.as_str())
        .bind(now)
        .fetch_all(&mut conn)
        .await?;
        rows.iter().map(mute).collect()
    }

    pub(crate) async fn mute(&self, user: UserId, rule: NewMute) -> Result<Mute> {
        self.write(move |tx| Box::pin(async move { tx.mute(&user, rule).await }))
            .await
    }

    pub(crate) async fn unmute(&self, user: UserId, number: i64) -> Result<bool> {
        self.write(move |tx| {
            Box::pin(async move {
                let done = sql("DELETE FROM inbox_mutes WHERE \"user\" = $1 AND number = $2")
                    .bind(user.as_str())
                    .bind(number)
                    .execute(&mut tx.conn)
                    .await?;
                tx.woken.events |= done > 0;
                Ok(done > 0)
            })
        })
        .await
    }

    pub(crate) async fn forget_inbox(&self, before: Timestamp) -> Result<u64> {
        let mut conn = self.reader().await?;
        let oldest =
            sql("SELECT time FROM events WHERE seq > (SELECT inbox_after FROM hub) ORDER BY seq LIMIT 1")
                .fetch_optional(&mut conn)
                .await?;
        drop(conn);
        match oldest {
            Some(row) if row.time("time")? < before => {
                self.write(move |tx| Box::pin(async move { tx.forget_inbox(before).await }))
                    .await
            }
            _ => Ok(0),
        }
    }
}
