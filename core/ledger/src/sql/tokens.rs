//! Tokens.

use std::time::Duration;

use ironcore_types::{Rights, UserId};
use serde_json::json;

use super::Sql;
use super::grants::{HUB, place_of, rights_of};
use crate::db::{Conn, Row, micros, sql};
use crate::error::{LedgerError, Result};
use crate::model::{Actor, Change, NewToken, Token, Withheld};
use crate::rules::tell;

/// How exactly the last use is known.
const MINUTE: Duration = Duration::from_secs(60);

fn token(row: &Row) -> Result<Token> {
    Ok(Token {
        user: row.word("user")?,
        role: row.word("role")?,
        project: row.opt_word("project")?,
        comment: row.opt_text("comment")?,
        created: row.time("created")?,
        expires: row.opt_time("expires")?,
        revoked: row.opt_time("revoked")?,
        by: row.opt_word("created_by")?,
        last_used: row.opt_time("last_used")?,
    })
}

fn change(action: &'static str, token: &Token, made: bool) -> Change {
    let shown = json!({
        "role": token.role,
        "project": token.project,
        "comment": token.comment,
        "expires": token.expires,
    });
    let (before, after) = match made {
        true => (None, Some(shown)),
        false => (Some(shown), None),
    };
    Change {
        action,
        object: format!("token/{}", token.user),
        project: token.project.clone(),
        before,
        after,
    }
}

/// What a token may do at most: what its owner may do there, while it may sign in; none when that is nothing, not even to
/// look. What is no user's has its own role alone.
async fn allowed(conn: &mut Conn, token: &Token) -> Result<Option<Rights>> {
    let owner = token.user.as_str().split('!').next().unwrap_or_default();
    let user = sql("SELECT disabled FROM users WHERE \"user\" = $1")
        .bind(owner)
        .fetch_optional(conn)
        .await?;
    let Some(user) = user else {
        return Ok(Some(Rights::all()));
    };
    if user.opt_time("disabled")?.is_some() {
        return Ok(None);
    }
    let rows = sql("SELECT role FROM grants WHERE \"user\" = $1 AND project IN ($2, $3)")
        .bind(owner)
        .bind(HUB)
        .bind(place_of(token.project.as_ref()))
        .fetch_all(conn)
        .await?;
    let mut allowed = None;
    for row in &rows {
        if let Some(rights) = rights_of(conn, &row.word("role")?).await? {
            allowed = Some(allowed.unwrap_or(Rights::NONE).or(rights));
        }
    }
    Ok(allowed)
}

impl Sql {
    pub(crate) async fn create_token(&self, by: Option<Actor>, new: NewToken) -> Result<Token> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.check_role(&new.role, new.project.as_ref()).await?;
                // One that was revoked or has run out gives way: its name can be used again.
                sql("DELETE FROM tokens WHERE \"user\" = $1 AND (revoked IS NOT NULL OR expires <= $2)")
                    .bind(new.user.as_str())
                    .bind(tx.now.as_micros())
                    .execute(&mut tx.conn)
                    .await?;
                let done = sql(
                    "INSERT INTO tokens (\"user\", sha256, role, project, comment, created, expires, created_by)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                )
                .bind(new.user.as_str())
                .bind(new.secret_sha256.as_slice())
                .bind(new.role.as_str())
                .bind(new.project.as_ref().map(|p| p.as_str()))
                .bind(new.comment.as_deref())
                .bind(tx.now.as_micros())
                .bind(micros(new.expires))
                .bind(new.actor.as_ref().map(|by| by.as_str()))
                .execute(&mut tx.conn)
                .await?;
                if done == 0 {
                    return Err(LedgerError::conflict(format!(
                        "token {} exists already",
                        new.user
                    )));
                }
                let made = Token {
                    user: new.user,
                    role: new.role,
                    project: new.project,
                    comment: new.comment,
                    created: tx.now,
                    expires: new.expires,
                    revoked: None,
                    by: new.actor.clone(),
                    last_used: None,
                };
                tx.tell(tell::token(&made, new.actor.as_ref()), None);
                tx.audit(by.as_ref(), change("token.created", &made, true)).await?;
                Ok(made)
            })
        })
        .await
    }

    pub(crate) async fn token_by_hash(&self, secret_sha256: [u8; 32]) -> Result<Option<(Token, Rights)>> {
        let mut conn = self.reader().await?;
        let row = sql(
            "SELECT * FROM tokens WHERE sha256 = $1 AND revoked IS NULL AND (expires IS NULL OR expires > $2)",
        )
        .bind(secret_sha256.as_slice())
        .bind(self.ctx.seams.now().as_micros())
        .fetch_optional(&mut conn)
        .await?;
        let Some(found) = row.as_ref().map(token).transpose()? else {
            return Ok(None);
        };
        let rights = rights_of(&mut conn, &found.role).await?;
        let allowed = allowed(&mut conn, &found).await?;
        drop(conn);
        let Some((rights, allowed)) = rights.zip(allowed) else {
            return Ok(None);
        };
        self.note_use(&found).await?;
        Ok(Some((found, rights.and(allowed))))
    }

    /// Whether there is a token with this secret that was taken back.
    pub(crate) async fn is_revoked(&self, secret_sha256: [u8; 32]) -> Result<bool> {
        let row = sql("SELECT 1 FROM tokens WHERE sha256 = $1 AND revoked IS NOT NULL")
            .bind(secret_sha256.as_slice())
            .fetch_optional(&mut self.reader().await?)
            .await?;
        Ok(row.is_some())
    }

    /// What the role of a token allows, and of that what its owner may not do there; all is none's who may not even look.
    pub(crate) async fn withheld(&self, token: Token) -> Result<Withheld> {
        let mut conn = self.reader().await?;
        let role = rights_of(&mut conn, &token.role).await?.unwrap_or(Rights::NONE);
        Ok(match allowed(&mut conn, &token).await? {
            None => Withheld::All,
            Some(allowed) => Withheld::These(Rights::from_iter(
                role.iter().filter(|right| !allowed.has(*right)),
            )),
        })
    }

    /// Keeps when a token was used last, to the minute.
    async fn note_use(&self, token: &Token) -> Result<()> {
        let now = self.ctx.seams.now();
        if token.last_used.is_some_and(|last| now.since(last) < MINUTE) {
            return Ok(());
        }
        let user = token.user.clone();
        self.write(move |tx| {
            Box::pin(async move {
                sql("UPDATE tokens SET last_used = $2 WHERE \"user\" = $1 AND COALESCE(last_used, 0) < $2")
                    .bind(user.as_str())
                    .bind(now.as_micros())
                    .execute(&mut tx.conn)
                    .await
            })
        })
        .await?;
        Ok(())
    }

    pub(crate) async fn tokens(&self) -> Result<Vec<Token>> {
        let mut conn = self.reader().await?;
        let rows = sql("SELECT * FROM tokens ORDER BY \"user\"")
            .fetch_all(&mut conn)
            .await?;
        rows.iter().map(token).collect()
    }

    pub(crate) async fn revoke_token(&self, by: Option<Actor>, user: UserId) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let row = sql("SELECT * FROM tokens WHERE \"user\" = $1")
                    .bind(user.as_str())
                    .fetch_optional(&mut tx.conn)
                    .await?;
                let known = row.as_ref().map(token).transpose()?;
                let known = known.ok_or_else(|| LedgerError::NotFound(format!("token {user}")))?;
                sql("UPDATE tokens SET revoked = COALESCE(revoked, $1) WHERE \"user\" = $2")
                    .bind(tx.now.as_micros())
                    .bind(user.as_str())
                    .execute(&mut tx.conn)
                    .await?;
                tx.woken.access = true;
                if known.revoked.is_none() {
                    tx.audit(by.as_ref(), change("token.revoked", &known, false))
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }
}
