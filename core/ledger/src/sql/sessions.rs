//! Sessions, and what happens to what they hold when they end.

use std::time::Duration;

use ironcore_types::{SessionId, TaskId, Timestamp};

use super::Sql;
use super::tx::Tx;
use crate::LEASE;
use crate::db::{Conn, Row, sql, to_json};
use crate::error::{LedgerError, Result};
use crate::model::{NewSession, Service, Session};
use crate::rules::tell::{self, Gone};

/// Whoever shares a database renews its leases within so long after it was out of reach: nobody is judged before.
const ALL_RENEW: Duration = Duration::from_secs(15);

/// A session as it is at `now`, by the clock of leases.
fn session(row: &Row, now: Timestamp) -> Result<Session> {
    let lease_until = row.time("lease_until")?;
    Ok(Session {
        id: row.word("id")?,
        node: row.word("node")?,
        pid: row.small("pid")?,
        services: row.json("services")?,
        types: row.json("types")?,
        slots: row.small("slots")?,
        keys: row.json("keys")?,
        started: row.time("started")?,
        lease_until,
        silent: lease_until <= now,
        ended: row.opt_time("ended")?,
        running: row.count("running")?,
    })
}

/// Refuses when the session is over.
pub(super) async fn check_live(conn: &mut Conn, id: SessionId) -> Result<()> {
    sql("SELECT 1 FROM sessions WHERE id = $1 AND ended IS NULL")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?
        .map(|_| ())
        .ok_or_else(|| LedgerError::Fenced(format!("session {id}")))
}

/// The sessions that are not over, oldest first, as they are at `now` by the clock of leases.
pub(super) async fn live_sessions(conn: &mut Conn, now: Timestamp) -> Result<Vec<Session>> {
    let rows = sql(
        "SELECT s.*, (SELECT COUNT(*) FROM tasks t WHERE t.state = 'running' AND t.session = s.id) AS running
         FROM sessions s WHERE s.ended IS NULL ORDER BY s.started, s.id",
    )
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| session(row, now)).collect()
}

impl Tx {
    async fn register_session(&mut self, new: NewSession) -> Result<Session> {
        let session = Session {
            id: new.id,
            node: new.node,
            pid: new.pid,
            services: new.services,
            types: new.types,
            slots: new.slots,
            keys: new.keys,
            started: self.now,
            lease_until: self.lease_end(),
            silent: false,
            ended: None,
            running: 0,
        };
        let comes_back = self.comes_back(&session).await?;
        let done = sql(
            "INSERT INTO sessions (id, instance, node, pid, services, types, slots, keys, started, lease_until)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        )
        .bind(session.id.to_string())
        .bind(self.ctx.instance.to_string())
        .bind(session.node.as_str())
        .bind(session.pid)
        .bind(to_json("services", &session.services)?)
        .bind(to_json("task types", &session.types)?)
        .bind(session.slots)
        .bind(to_json("keys", &session.keys)?)
        .bind(session.started.as_micros())
        .bind(session.lease_until.as_micros())
        .execute(&mut self.conn)
        .await?;
        if done == 0 {
            return Err(LedgerError::conflict(format!(
                "session {} was registered before",
                session.id
            )));
        }
        if !session.types.is_empty() {
            self.tell(tell::worker(&session, None), None);
        } else if comes_back {
            self.tell(tell::services_back(&session), None);
        }
        Ok(session)
    }

    /// Whether it was told that the process of a session without tasks is gone, which is not true then.
    async fn comes_back(&mut self, session: &Session) -> Result<bool> {
        if !session.types.is_empty() {
            return Ok(false);
        }
        let last = sql("SELECT * FROM sessions WHERE instance = $1 AND services = $2 ORDER BY started DESC, id DESC LIMIT 1")
            .bind(self.ctx.instance.to_string())
            .bind(to_json("services", &session.services)?)
            .fetch_optional(&mut self.conn)
            .await?;
        match last {
            Some(row) if row.flag("lost")? => Ok(!self.is_told_otherwise(&row, session).await?),
            _ => Ok(false),
        }
    }

    /// Ends a session and everything it holds.
    pub(super) async fn end_session(&mut self, id: SessionId, gone: Gone) -> Result<Vec<TaskId>> {
        let row =
            sql("UPDATE sessions SET ended = $1, lost = $2 WHERE id = $3 AND ended IS NULL RETURNING *, 0 AS running")
                .bind(self.now.as_micros())
                .bind(i64::from(gone == Gone::Lost))
                .bind(id.to_string())
                .fetch_optional(&mut self.conn)
                .await?;
        let Some(row) = row else { return Ok(Vec::new()) };
        let session = session(&row, self.lease_time())?;
        let tasks = sql("SELECT id FROM tasks WHERE state = 'running' AND session = $1 ORDER BY id")
            .bind(id.to_string())
            .fetch_all(&mut self.conn)
            .await?;
        let mut ended = Vec::with_capacity(tasks.len());
        for task in tasks {
            let message = format!("the worker on {} (process {}) is gone", session.node, session.pid);
            ended.extend(self.lose(TaskId(task.num("id")?), &message).await?);
        }
        let messages = sql("SELECT number FROM messages WHERE state = 'sending' AND session = $1")
            .bind(id.to_string())
            .fetch_all(&mut self.conn)
            .await?;
        for message in messages {
            self.give_back(message.num("number")?).await?;
        }
        if !session.types.is_empty() {
            self.tell(tell::worker(&session, Some(gone)), None);
        } else if gone == Gone::Lost && !self.is_told_otherwise(&row, &session).await? {
            let now = self.lease_time();
            let live = live_sessions(&mut self.conn, now).await?;
            let done = |service: &Service| live.iter().any(|other| other.services.contains(service));
            let undone: Vec<Service> = session
                .services
                .iter()
                .copied()
                .filter(|own| !done(own))
                .collect();
            self.tell(tell::services_lost(&session, &undone), None);
        }
        Ok(ended)
    }

    /// Whether the end of a session without tasks tells nothing that is not told anyway: its process goes on with another,
    /// or it only delivered, and the process had a session for its other services.
    async fn is_told_otherwise(&mut self, row: &Row, session: &Session) -> Result<bool> {
        let others = sql("SELECT services, ended FROM sessions WHERE instance = $1 AND id <> $2")
            .bind(row.text("instance")?)
            .bind(session.id.to_string())
            .fetch_all(&mut self.conn)
            .await?;
        for other in others {
            let services: Vec<Service> = other.json("services")?;
            let goes_on = services == session.services && other.opt_time("ended")?.is_none();
            let only_delivers = session.services == [Service::Notify] && services != session.services;
            if goes_on || only_delivers {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Sql {
    pub(crate) async fn register_session(&self, new: NewSession) -> Result<Session> {
        self.write(move |tx| Box::pin(async move { tx.register_session(new).await }))
            .await
    }

    pub(crate) async fn end_session(&self, session: SessionId) -> Result<Vec<TaskId>> {
        self.write(move |tx| Box::pin(async move { tx.end_session(session, Gone::Stopped).await }))
            .await
    }

    pub(crate) async fn sessions(&self) -> Result<Vec<Session>> {
        let mut conn = self.reader().await?;
        let now = self.lease_time(&mut conn).await?;
        live_sessions(&mut conn, now).await
    }

    /// A process that began to work again, say because its machine had slept, is not lost.
    pub(crate) async fn lost_workers(&self, within: Duration) -> Result<Vec<Session>> {
        let mut conn = self.reader().await?;
        let (now, leases) = (self.now(&mut conn).await?, self.lease_time(&mut conn).await?);
        let rows = sql("SELECT s.*, 0 AS running FROM sessions s
             WHERE s.lost = 1 AND s.ended > $1 AND s.types <> '[]' AND NOT EXISTS (
                SELECT 1 FROM sessions n WHERE n.node = s.node AND n.pid = s.pid AND n.types <> '[]'
                    AND n.id <> s.id AND (n.ended IS NULL OR n.started >= s.ended))
             ORDER BY s.ended DESC, s.id")
        .bind(now.before(within).as_micros())
        .fetch_all(&mut conn)
        .await?;
        rows.iter().map(|row| session(row, leases)).collect()
    }

    /// Ends what held on to a lease that ran out: sessions with all they hold, then tasks and messages that their
    /// session forgot to renew. One savepoint each, so that one that fails keeps none of the others.
    pub(crate) async fn reap(&self) -> Result<Vec<TaskId>> {
        if !self.alone && self.ctx.within_reach() < ALL_RENEW {
            return Ok(Vec::new());
        }
        let mut conn = self.reader().await?;
        let now = self.lease_time(&mut conn).await?.as_micros();
        let sessions = sql("SELECT id FROM sessions WHERE ended IS NULL AND lease_until <= $1")
            .bind(now)
            .fetch_all(&mut conn)
            .await?;
        let tasks = sql("SELECT id FROM tasks WHERE state = 'running' AND lease_until <= $1 ORDER BY id")
            .bind(now)
            .fetch_all(&mut conn)
            .await?;
        let messages = sql("SELECT number FROM messages WHERE state = 'sending' AND lease_until <= $1")
            .bind(now)
            .fetch_all(&mut conn)
            .await?;
        self.shorten(&mut conn, now).await?;
        drop(conn);
        let mut ended = Vec::new();
        for row in sessions {
            let id: SessionId = row.word("id")?;
            ended.extend(
                self.write(move |tx| Box::pin(async move { tx.reap_session(id).await }))
                    .await?,
            );
        }
        for row in tasks {
            let id = TaskId(row.num("id")?);
            ended.extend(
                self.write(move |tx| Box::pin(async move { tx.reap_task(id).await }))
                    .await?,
            );
        }
        for row in messages {
            let number = row.num("number")?;
            self.write(move |tx| Box::pin(async move { tx.reap_message(number).await }))
                .await?;
        }
        Ok(ended)
    }

    /// Leases that last longer than any given now are of a clock that was set back since: they end when one of now
    /// would. Else what a worker held that died just before would count as held for as long as the clock was set back.
    async fn shorten(&self, conn: &mut Conn, now: i64) -> Result<()> {
        let longest = Timestamp::from_micros(now).after(LEASE).as_micros();
        // Between the look and the deed leases are given that last a little longer.
        let strange = Timestamp::from_micros(longest).after(LEASE).as_micros();
        let found = sql("SELECT 1 FROM sessions WHERE ended IS NULL AND lease_until > $1
             UNION ALL SELECT 1 FROM tasks WHERE state = 'running' AND lease_until > $1
             UNION ALL SELECT 1 FROM messages WHERE state = 'sending' AND lease_until > $1 LIMIT 1")
        .bind(strange)
        .fetch_optional(conn)
        .await?;
        if found.is_none() {
            return Ok(());
        }
        self.write(move |tx| {
            Box::pin(async move {
                for text in [
                    "UPDATE sessions SET lease_until = $1 WHERE ended IS NULL AND lease_until > $2",
                    "UPDATE tasks SET lease_until = $1 WHERE state = 'running' AND lease_until > $2",
                    "UPDATE messages SET lease_until = $1 WHERE state = 'sending' AND lease_until > $2",
                ] {
                    sql(text)
                        .bind(longest)
                        .bind(strange)
                        .execute(&mut tx.conn)
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Where a lock proves that no other process has the database open, sessions of earlier openings are over. Where
    /// hubs share a database nothing can be concluded: leases decide.
    pub(crate) async fn recover(&self) -> Result<Vec<TaskId>> {
        if !self.alone {
            return Ok(Vec::new());
        }
        let instance = self.ctx.instance.to_string();
        let mut conn = self.reader().await?;
        let rows = sql("SELECT id FROM sessions WHERE ended IS NULL AND instance <> $1 ORDER BY started")
            .bind(instance)
            .fetch_all(&mut conn)
            .await?;
        drop(conn);
        let mut ended = Vec::new();
        for row in rows {
            let id: SessionId = row.word("id")?;
            ended.extend(
                self.write(move |tx| Box::pin(async move { tx.end_session(id, Gone::Lost).await }))
                    .await?,
            );
        }
        Ok(ended)
    }
}

impl Tx {
    /// Renews the lease of the session itself; whether it lives.
    pub(super) async fn renew_session(&mut self, session: SessionId) -> Result<bool> {
        let own = sql("UPDATE sessions SET lease_until = $1 WHERE id = $2 AND ended IS NULL")
            .bind(self.lease_end().as_micros())
            .bind(session.to_string())
            .execute(&mut self.conn)
            .await?;
        Ok(own > 0)
    }
}

/// A lease may have been renewed between the look and the deed: each is looked at again inside its savepoint.
impl Tx {
    async fn reap_session(&mut self, id: SessionId) -> Result<Vec<TaskId>> {
        let over = sql("SELECT 1 FROM sessions WHERE id = $1 AND ended IS NULL AND lease_until <= $2")
            .bind(id.to_string())
            .bind(self.lease_time().as_micros())
            .fetch_optional(&mut self.conn)
            .await?;
        if over.is_none() {
            return Ok(Vec::new());
        }
        self.end_session(id, Gone::Lost).await
    }

    async fn reap_task(&mut self, id: TaskId) -> Result<Option<TaskId>> {
        let over = sql("SELECT node FROM tasks WHERE id = $1 AND state = 'running' AND lease_until <= $2")
            .bind(id.0)
            .bind(self.lease_time().as_micros())
            .fetch_optional(&mut self.conn)
            .await?;
        let Some(row) = over else { return Ok(None) };
        let node = row.opt_text("node")?.unwrap_or_default();
        self.lose(id, &format!("the worker on {node} did not renew its lease"))
            .await
    }

    async fn reap_message(&mut self, number: i64) -> Result<()> {
        let over =
            sql("SELECT 1 FROM messages WHERE number = $1 AND state = 'sending' AND lease_until <= $2")
                .bind(number)
                .bind(self.lease_time().as_micros())
                .fetch_optional(&mut self.conn)
                .await?;
        if over.is_some() {
            self.give_back(number).await?;
        }
        Ok(())
    }
}
