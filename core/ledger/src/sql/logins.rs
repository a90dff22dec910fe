//! Signing in: who is signed in with what, and what failed attempts lead to.

use std::net::IpAddr;
use std::time::Duration;

use ironcore_types::{ProjectName, RoleName, Timestamp, UserId};
use sha2::{Digest as _, Sha256};

use super::Sql;
use super::grants::{place, place_of, rights_of};
use super::tx::Tx;
use crate::db::{Conn, Row, micros, sql};
use crate::error::{LedgerError, Result};
use crate::model::{LockPolicy, Login, NewLogin};
use crate::rules::tell_access as tell;

/// How exactly the last use is known.
const MINUTE: i64 = 60_000_000;
/// Longer names of programs are cut, characters.
const AGENT: usize = 200;
/// How long failures are kept that lock nobody out any more.
const FAILURES_KEPT: Duration = Duration::from_secs(86_400);
/// What one call of `forget_logins` deletes of each kind.
const FORGET: u32 = 1_000;

async fn login(conn: &mut Conn, row: &Row) -> Result<Option<Login>> {
    let role: RoleName = row.word("role")?;
    // A role that is gone allows nothing, not even to look.
    let Some(rights) = rights_of(conn, &role).await? else {
        return Ok(None);
    };
    let seen = row.time("seen")?;
    let idle = row.time("seen")?.as_micros().saturating_add(row.num("idle")?);
    Ok(Some(Login {
        user: row.word("user")?,
        role,
        project: place(&row.text("project")?)?,
        rights,
        created: row.time("created")?,
        seen,
        expires: Timestamp::from_micros(idle.min(row.num("ends")?)),
        address: row.opt_word("address")?,
        agent: row.opt_text("agent")?,
        secret_sha256: row
            .bytes("sha256")?
            .try_into()
            .map_err(|_| LedgerError::row("sha256", "no hash"))?,
    }))
}

/// Under which name failures are counted, and whether it is a user's. What is none is not kept as it was typed: it may be a
/// password. Four bytes of a hash are enough to count by, and too few to find a password by.
async fn key_of(conn: &mut Conn, hub: &str, user: &UserId) -> Result<(String, bool)> {
    let known = sql("SELECT 1 FROM users WHERE \"user\" = $1")
        .bind(user.as_str())
        .fetch_optional(conn)
        .await?;
    if known.is_some() {
        return Ok((user.to_string(), true));
    }
    let hash = Sha256::digest(format!("{hub} {user}").as_bytes());
    Ok((format!("?{}", hex::encode(&hash[..4])), false))
}

impl Tx {
    /// The grant that somebody begins with: on the hub before one on a project, the strongest before others.
    async fn first_grant(&mut self, user: &UserId) -> Result<Option<(String, String)>> {
        let row = sql("SELECT project, role FROM grants WHERE \"user\" = $1
             ORDER BY CASE project WHEN '-' THEN 0 ELSE 1 END,
                CASE role WHEN 'admin' THEN 0 WHEN 'operator' THEN 1 WHEN 'auditor' THEN 3 ELSE 2 END, project, role LIMIT 1")
        .bind(user.as_str())
        .fetch_optional(&mut self.conn)
        .await?;
        row.map(|row| Ok((row.text("project")?, row.text("role")?)))
            .transpose()
    }
}

impl Sql {
    /// Until when nobody may sign in by this name.
    pub(crate) async fn locked_until(&self, user: UserId) -> Result<Option<Timestamp>> {
        let mut conn = self.reader().await?;
        let (key, _) = key_of(&mut conn, &self.ctx.hub.to_string(), &user).await?;
        let row = sql("SELECT locked_until FROM login_failures WHERE \"user\" = $1 AND locked_until > $2")
            .bind(key)
            .bind(self.ctx.seams.now().as_micros())
            .fetch_optional(&mut conn)
            .await?;
        row.map(|row| row.time("locked_until")).transpose()
    }

    /// An attempt failed. Says until when the name is locked, if it is.
    pub(crate) async fn login_failed(
        &self,
        user: UserId,
        address: Option<IpAddr>,
        policy: LockPolicy,
    ) -> Result<Option<Timestamp>> {
        self.write(move |tx| {
            Box::pin(async move {
                let now = tx.now;
                let hub = tx.ctx.hub.to_string();
                let (key, is_known) = key_of(&mut tx.conn, &hub, &user).await?;
                // Who has typed the password into the wrong field is not to read it in an event.
                let known = is_known.then_some(&user);
                let row = sql("SELECT * FROM login_failures WHERE \"user\" = $1")
                    .bind(key.as_str())
                    .fetch_optional(&mut tx.conn)
                    .await?;
                let (mut failures, mut first) = (0, now);
                if let Some(row) = row {
                    let known = row.time("first")?;
                    // A lock that is over begins the count anew.
                    let over = row.opt_time("locked_until")?.is_some_and(|until| until <= now);
                    if now.since(known) < policy.within && !over {
                        (failures, first) = (row.num("failures")?, known);
                    }
                }
                failures += 1;
                let locked = (failures >= i64::from(policy.failures)).then(|| now.after(policy.lock));
                sql("INSERT INTO login_failures (\"user\", failures, first, last, locked_until) VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT (\"user\") DO UPDATE SET failures = $2, first = $3, last = $4, locked_until = $5")
                .bind(key.as_str())
                .bind(failures)
                .bind(first.as_micros())
                .bind(now.as_micros())
                .bind(micros(locked))
                .execute(&mut tx.conn)
                .await?;
                tx.tell(tell::login_failed(known, address), None);
                if let Some(until) = locked {
                    tx.tell(tell::locked_out(known, address, failures, until), None);
                }
                Ok(locked)
            })
        })
        .await
    }

    /// Somebody proved who it is. `fenced` when what it proved that with was used before, and `not-found` when the user may
    /// do nothing.
    pub(crate) async fn create_login(&self, new: NewLogin) -> Result<Login> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.use_up(&new).await?;
                let known = sql("UPDATE users SET last_login = $2 WHERE \"user\" = $1 AND disabled IS NULL")
                    .bind(new.user.as_str())
                    .bind(tx.now.as_micros())
                    .execute(&mut tx.conn)
                    .await?;
                let grant = tx.first_grant(&new.user).await?.filter(|_| known > 0);
                let Some((project, role)) = grant else {
                    return Err(LedgerError::NotFound(format!("a role of user {}", new.user)));
                };
                sql("DELETE FROM login_failures WHERE \"user\" = $1")
                    .bind(new.user.as_str())
                    .execute(&mut tx.conn)
                    .await?;
                let agent = new.agent.map(|agent| agent.chars().take(AGENT).collect::<String>());
                let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
                let row = sql("INSERT INTO logins (sha256, \"user\", project, role, created, seen, idle, ends, address, agent)
                     VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9) RETURNING *")
                .bind(new.secret_sha256.as_slice())
                .bind(new.user.as_str())
                .bind(project)
                .bind(role)
                .bind(tx.now.as_micros())
                .bind(micros(new.idle))
                .bind(tx.now.after(new.longest).as_micros())
                .bind(new.address.map(|address| address.to_string()))
                .bind(agent)
                .fetch_one(&mut tx.conn)
                .await?;
                let made = login(&mut tx.conn, &row).await?;
                made.ok_or_else(|| LedgerError::NotFound(format!("the role of user {}", new.user)))
            })
        })
        .await
    }

    /// Who uses this secret, as long as it is good.
    pub(crate) async fn login_by_hash(&self, secret_sha256: [u8; 32]) -> Result<Option<Login>> {
        let now = self.ctx.seams.now();
        let mut conn = self.reader().await?;
        let row = sql("SELECT l.* FROM logins l JOIN users u ON u.\"user\" = l.\"user\"
             WHERE l.sha256 = $1 AND u.disabled IS NULL AND l.ends > $2 AND l.seen + l.idle > $2")
        .bind(secret_sha256.as_slice())
        .bind(now.as_micros())
        .fetch_optional(&mut conn)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let found = login(&mut conn, &row).await?;
        drop(conn);
        if let Some(found) = &found
            && now.as_micros() - found.seen.as_micros() >= MINUTE
        {
            self.write(move |tx| {
                Box::pin(async move {
                    sql("UPDATE logins SET seen = $2 WHERE sha256 = $1 AND seen < $2")
                        .bind(secret_sha256.as_slice())
                        .bind(now.as_micros())
                        .execute(&mut tx.conn)
                        .await
                })
            })
            .await?;
        }
        Ok(found)
    }

    /// Goes on with another of the user's grants. False when it has no such grant.
    pub(crate) async fn switch_login(
        &self,
        secret_sha256: [u8; 32],
        role: RoleName,
        project: Option<ProjectName>,
    ) -> Result<bool> {
        self.write(move |tx| {
            Box::pin(async move {
                let done = sql("UPDATE logins SET project = $2, role = $3 WHERE sha256 = $1 AND EXISTS (
                        SELECT 1 FROM grants g WHERE g.\"user\" = logins.\"user\" AND g.project = $2 AND g.role = $3)")
                .bind(secret_sha256.as_slice())
                .bind(place_of(project.as_ref()))
                .bind(role.as_str())
                .execute(&mut tx.conn)
                .await?;
                tx.woken.access = true;
                Ok(done > 0)
            })
        })
        .await
    }

    pub(crate) async fn end_login(&self, secret_sha256: [u8; 32]) -> Result<bool> {
        self.write(move |tx| {
            Box::pin(async move {
                let done = sql("DELETE FROM logins WHERE sha256 = $1")
                    .bind(secret_sha256.as_slice())
                    .execute(&mut tx.conn)
                    .await?;
                tx.woken.access = true;
                Ok(done > 0)
            })
        })
        .await
    }

    pub(crate) async fn logins(&self, user: UserId) -> Result<Vec<Login>> {
        let now = self.ctx.seams.now();
        let mut conn = self.reader().await?;
        let rows = sql("SELECT * FROM logins WHERE \"user\" = $1 AND ends > $2 AND seen + idle > $2 ORDER BY created DESC")
            .bind(user.as_str())
            .bind(now.as_micros())
            .fetch_all(&mut conn)
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            found.extend(login(&mut conn, row).await?);
        }
        Ok(found)
    }

    /// Forgets logins that are over, steps to them that nobody took, and failures that no longer count.
    pub(crate) async fn forget_logins(&self) -> Result<u64> {
        self.write(move |tx| {
            Box::pin(async move {
                let now = tx.now.as_micros();
                let over = sql("DELETE FROM logins WHERE sha256 IN
                        (SELECT sha256 FROM logins WHERE ends <= $1 OR seen + idle <= $1 LIMIT $2)")
                .bind(now)
                .bind(i64::from(FORGET))
                .execute(&mut tx.conn)
                .await?;
                let failures = sql("DELETE FROM login_failures WHERE \"user\" IN
                        (SELECT \"user\" FROM login_failures WHERE last <= $1 AND COALESCE(locked_until, 0) <= $2 LIMIT $3)")
                .bind(tx.now.before(FAILURES_KEPT).as_micros())
                .bind(now)
                .bind(i64::from(FORGET))
                .execute(&mut tx.conn)
                .await?;
                let steps = sql("DELETE FROM login_steps WHERE sha256 IN
                        (SELECT sha256 FROM login_steps WHERE ends <= $1 LIMIT $2)")
                .bind(now)
                .bind(i64::from(FORGET))
                .execute(&mut tx.conn)
                .await?;
                Ok(over + failures + steps)
            })
        })
        .await
    }
}
