//! What is asked of who signs in: the password's hash, the sealed second factor, the codes that stand in for it, and the
//! step between both.

use std::time::Duration;

use ironcore_types::UserId;

use super::Sql;
use super::tx::Tx;
use crate::db::sql;
use crate::error::{LedgerError, Result};
use crate::model::{Actor, Change, Credentials, NewLogin, SecondFactor};
use crate::rules::tell_access as tell;

impl Sql {
    pub(crate) async fn credentials(&self, user: UserId) -> Result<Option<Credentials>> {
        let row = sql("SELECT password, factor, factor_since, factor_step, disabled,
                (SELECT COUNT(*) FROM recovery_codes c WHERE c.\"user\" = users.\"user\") AS codes
             FROM users WHERE \"user\" = $1")
        .bind(user.as_str())
        .fetch_optional(&mut self.reader().await?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let confirmed = row.opt_time("factor_since")?.is_some();
        let last_step = row.num("factor_step")?;
        let factor = row.opt_bytes("factor")?.map(|sealed| SecondFactor {
            sealed,
            confirmed,
            last_step,
        });
        Ok(Some(Credentials {
            password: row.opt_text("password")?,
            second_factor: factor,
            recovery_codes: u32::try_from(row.num("codes")?).unwrap_or(u32::MAX),
            enabled: row.opt_time("disabled")?.is_none(),
        }))
    }

    /// A second factor that is not asked for before the user has shown a code of it.
    pub(crate) async fn propose_factor(&self, by: Actor, user: UserId, sealed: Vec<u8>) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                if tx.user(&user).await?.second_factor.is_some() {
                    return Err(LedgerError::conflict(format!(
                        "user {user} has a second factor already"
                    )));
                }
                sql("UPDATE users SET factor = $2, factor_step = 0 WHERE \"user\" = $1")
                    .bind(user.as_str())
                    .bind(sealed)
                    .execute(&mut tx.conn)
                    .await?;
                tx.note_factor(&by, &user, "user.factor-proposed").await
            })
        })
        .await
    }

    /// A code of this step was shown: from now on one is asked for, or one of these that stand in for it.
    pub(crate) async fn confirm_factor(
        &self,
        by: Actor,
        user: UserId,
        step: i64,
        recovery: Vec<[u8; 32]>,
    ) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let done = sql("UPDATE users SET factor_since = $2, factor_step = $3
                     WHERE \"user\" = $1 AND factor IS NOT NULL AND factor_since IS NULL")
                .bind(user.as_str())
                .bind(tx.now.as_micros())
                .bind(step)
                .execute(&mut tx.conn)
                .await?;
                if done == 0 {
                    return Err(LedgerError::conflict(format!(
                        "user {user} has no second factor to confirm"
                    )));
                }
                tx.put_recovery_codes(&user, recovery).await?;
                tx.tell(tell::factor_set(&user, &by.user), None);
                tx.note_factor(&by, &user, "user.factor-set").await
            })
        })
        .await
    }

    pub(crate) async fn remove_factor(&self, by: Actor, user: UserId) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let had = tx.user(&user).await?.second_factor.is_some();
                sql("UPDATE users SET factor = NULL, factor_since = NULL, factor_step = 0 WHERE \"user\" = $1")
                    .bind(user.as_str())
                    .execute(&mut tx.conn)
                    .await?;
                tx.put_recovery_codes(&user, Vec::new()).await?;
                if !had {
                    return Ok(());
                }
                tx.end_logins(&user).await?;
                tx.tell(tell::factor_removed(&user, &by.user), None);
                tx.note_factor(&by, &user, "user.factor-removed").await
            })
        })
        .await
    }

    pub(crate) async fn has_recovery_code(&self, user: UserId, sha256: [u8; 32]) -> Result<bool> {
        let row = sql("SELECT 1 FROM recovery_codes WHERE \"user\" = $1 AND sha256 = $2")
            .bind(user.as_str())
            .bind(sha256.as_slice())
            .fetch_optional(&mut self.reader().await?)
            .await?;
        Ok(row.is_some())
    }

    /// Somebody has shown the password, and goes on with this to the second factor.
    pub(crate) async fn begin_step(&self, user: UserId, sha256: [u8; 32], lasts: Duration) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                sql("INSERT INTO login_steps (sha256, \"user\", ends) VALUES ($1, $2, $3)")
                    .bind(sha256.as_slice())
                    .bind(user.as_str())
                    .bind(tx.now.after(lasts).as_micros())
                    .execute(&mut tx.conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Who goes on with this, as long as it is good.
    pub(crate) async fn step_user(&self, sha256: [u8; 32]) -> Result<Option<UserId>> {
        let row = sql(
            "SELECT s.\"user\" FROM login_steps s JOIN users u ON u.\"user\" = s.\"user\"
             WHERE s.sha256 = $1 AND s.ends > $2 AND u.disabled IS NULL",
        )
        .bind(sha256.as_slice())
        .bind(self.ctx.seams.now().as_micros())
        .fetch_optional(&mut self.reader().await?)
        .await?;
        row.map(|row| row.word("user")).transpose()
    }
}

impl Tx {
    /// Uses up what somebody has proved with; `fenced` when that was done before.
    pub(super) async fn use_up(&mut self, new: &NewLogin) -> Result<()> {
        let user = &new.user;
        if let Some(step) = new.step {
            let done = sql("UPDATE users SET factor_step = $2 WHERE \"user\" = $1 AND factor_step < $2")
                .bind(user.as_str())
                .bind(step)
                .execute(&mut self.conn)
                .await?;
            used(done, || format!("a code of user {user}"))?;
        }
        if let Some(after) = new.after {
            let done = sql("DELETE FROM login_steps WHERE sha256 = $1 AND \"user\" = $2 AND ends > $3")
                .bind(after.as_slice())
                .bind(user.as_str())
                .bind(self.now.as_micros())
                .execute(&mut self.conn)
                .await?;
            used(done, || format!("the second step of user {user}"))?;
        }
        if let Some(code) = new.recovery {
            let done = sql("DELETE FROM recovery_codes WHERE \"user\" = $1 AND sha256 = $2")
                .bind(user.as_str())
                .bind(code.as_slice())
                .execute(&mut self.conn)
                .await?;
            used(done, || format!("a recovery code of user {user}"))?;
            let row = sql("SELECT COUNT(*) AS codes FROM recovery_codes WHERE \"user\" = $1")
                .bind(user.as_str())
                .fetch_one(&mut self.conn)
                .await?;
            self.tell(tell::recovery_code_used(user, row.num("codes")?), None);
        }
        Ok(())
    }

    async fn put_recovery_codes(&mut self, user: &UserId, codes: Vec<[u8; 32]>) -> Result<()> {
        sql("DELETE FROM recovery_codes WHERE \"user\" = $1")
            .bind(user.as_str())
            .execute(&mut self.conn)
            .await?;
        for code in codes {
            sql("INSERT INTO recovery_codes (\"user\", sha256) VALUES ($1, $2)")
                .bind(user.as_str())
                .bind(code.as_slice())
                .execute(&mut self.conn)
                .await?;
        }
        Ok(())
    }

    async fn note_factor(&mut self, by: &Actor, user: &UserId, action: &'static str) -> Result<()> {
        let entry = Change {
            action,
            object: format!("user/{user}"),
            project: None,
            before: None,
            after: None,
        };
        self.audit(Some(by), entry).await
    }
}

/// Refuses what was used before, or never there.
fn used(done: u64, what: impl FnOnce() -> String) -> Result<()> {
    match done {
        0 => Err(LedgerError::Fenced(what())),
        _ => Ok(()),
    }
}
