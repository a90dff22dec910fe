//! Users. How they prove who they are is in `factors` and `logins`.

use std::collections::BTreeMap;

use ironcore_types::{ProjectName, RoleName, Timestamp, UserId};
use serde_json::{Value as Json, json};

use super::Sql;
use super::grants::{self, grant};
use super::tx::Tx;
use crate::db::{Conn, Row, micros, sql, words};
use crate::error::{LedgerError, Result};
use crate::model::{Actor, Change, Grant, NewUser, User, UserChange};
use crate::rules::tell_access as tell;

fn user(row: &Row, now: Timestamp) -> Result<User> {
    Ok(User {
        user: row.word("user")?,
        name: row.opt_text("name")?,
        email: row.opt_text("email")?,
        created: row.time("created")?,
        created_by: row.opt_word("created_by")?,
        disabled: row.opt_time("disabled")?,
        password_set: row.opt_time("password_set")?,
        second_factor: row.opt_time("factor_since")?,
        last_login: row.opt_time("last_login")?,
        locked_until: row.opt_time("locked_until")?.filter(|until| *until > now),
        grants: Vec::new(),
    })
}

/// As the audit log shows it.
fn shown(user: &User) -> Json {
    json!({
        "name": user.name,
        "email": user.email,
        "enabled": user.disabled.is_none(),
        "password-set": user.password_set,
        "second-factor": user.second_factor.is_some(),
    })
}

const USERS: &str =
    "SELECT u.*, f.locked_until FROM users u LEFT JOIN login_failures f ON f.\"user\" = u.\"user\"
     WHERE ($1 IS NULL OR u.\"user\" = $1) ORDER BY u.\"user\"";

async fn read(conn: &mut Conn, which: Option<&UserId>, now: Timestamp) -> Result<Vec<User>> {
    let rows = sql(USERS).bind(which.map(UserId::as_str)).fetch_all(conn).await?;
    let mut users = rows
        .iter()
        .map(|row| user(row, now))
        .collect::<Result<Vec<_>>>()?;
    let rows = sql("SELECT * FROM grants WHERE \"user\" IN LIST($1) ORDER BY \"user\", project, role")
        .bind(words(users.iter().map(|user| user.user.as_str())))
        .fetch_all(conn)
        .await?;
    let mut grants = BTreeMap::<UserId, Vec<Grant>>::new();
    for row in &rows {
        let grant = grant(row)?;
        grants.entry(grant.user.clone()).or_default().push(grant);
    }
    for user in &mut users {
        user.grants = grants.remove(&user.user).unwrap_or_default();
    }
    Ok(users)
}

/// A user is no token, and has a realm.
pub(super) fn check(name: &UserId) -> Result<()> {
    let text = name.as_str();
    let parts = text.split_once('@');
    match parts {
        // What the hub and plugins do they do under these names, and the hub's own token is root's.
        _ if text == "root@local" || parts.is_some_and(|(_, realm)| matches!(realm, "system" | "plugin")) => {
            Err(LedgerError::request(format!(
                "{text} is a name of the hub's own; use another"
            )))
        }
        Some((name, realm)) if !name.is_empty() && !realm.is_empty() && !realm.contains(['@', '!']) => Ok(()),
        _ => Err(LedgerError::request(format!("{text} is no user: use NAME@REALM"))),
    }
}

impl Tx {
    pub(super) async fn user(&mut self, name: &UserId) -> Result<User> {
        let mut found = read(&mut self.conn, Some(name), self.now).await?;
        found
            .pop()
            .ok_or_else(|| LedgerError::NotFound(format!("user {name}")))
    }

    /// Whoever was signed in, or half so, is so no more.
    pub(super) async fn end_logins(&mut self, user: &UserId) -> Result<u64> {
        self.woken.access = true;
        sql("DELETE FROM login_steps WHERE \"user\" = $1")
            .bind(user.as_str())
            .execute(&mut self.conn)
            .await?;
        sql("DELETE FROM logins WHERE \"user\" = $1")
            .bind(user.as_str())
            .execute(&mut self.conn)
            .await
    }

    /// Makes a user with these roles.
    pub(super) async fn make_user(
        &mut self,
        by: Option<&Actor>,
        new: NewUser,
        grants: Vec<(RoleName, Option<ProjectName>)>,
    ) -> Result<User> {
        let done = sql(
            "INSERT INTO users (\"user\", name, email, created, created_by, password, password_set)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        )
        .bind(new.user.as_str())
        .bind(new.name.filter(|name| !name.is_empty()))
        .bind(new.email.filter(|email| !email.is_empty()))
        .bind(self.now.as_micros())
        .bind(by.map(|by| by.user.as_str()))
        .bind(new.password.clone())
        .bind(micros(new.password.as_ref().map(|_| self.now)))
        .execute(&mut self.conn)
        .await?;
        if done == 0 {
            return Err(LedgerError::conflict(format!("user {} exists already", new.user)));
        }
        let made = self.user(&new.user).await?;
        let change = Change {
            action: "user.created",
            object: format!("user/{}", made.user),
            project: None,
            before: None,
            after: Some(shown(&made)),
        };
        self.audit(by, change).await?;
        for (role, project) in grants {
            self.put_grant(by, new.user.clone(), role, project).await?;
        }
        self.user(&new.user).await
    }

    async fn put_change(&mut self, name: &UserId, change: &UserChange) -> Result<()> {
        let text = |value: &Option<String>| value.as_deref().map(str::to_owned);
        sql("UPDATE users SET name = CASE WHEN $2 IS NULL THEN name ELSE NULLIF($2, '') END,
                email = CASE WHEN $3 IS NULL THEN email ELSE NULLIF($3, '') END,
                password = COALESCE($4, password), password_set = CASE WHEN $4 IS NULL THEN password_set ELSE $5 END,
                disabled = CASE WHEN $6 = 1 THEN NULL WHEN $6 = 0 THEN COALESCE(disabled, $5) ELSE disabled END
             WHERE \"user\" = $1")
        .bind(name.as_str())
        .bind(text(&change.name))
        .bind(text(&change.email))
        .bind(text(&change.password))
        .bind(self.now.as_micros())
        .bind(change.enabled.map(i64::from))
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }
}

impl Sql {
    pub(crate) async fn create_user(
        &self,
        by: Option<Actor>,
        new: NewUser,
        grants: Vec<(RoleName, Option<ProjectName>)>,
    ) -> Result<User> {
        check(&new.user)?;
        self.write(move |tx| Box::pin(async move { tx.make_user(by.as_ref(), new, grants).await }))
            .await
    }

    pub(crate) async fn change_user(&self, by: Actor, name: UserId, change: UserChange) -> Result<User> {
        self.write(move |tx| {
            Box::pin(async move {
                let before = tx.user(&name).await?;
                if change.enabled == Some(false) {
                    grants::keep_an_admin(&mut tx.conn, |grant| grant.user == name).await?;
                }
                tx.put_change(&name, &change).await?;
                let after = tx.user(&name).await?;
                let is_new = change.password.is_some();
                if is_new || after.disabled.is_some() {
                    tx.end_logins(&name).await?;
                }
                if is_new {
                    tx.tell(tell::password_changed(&name, &by.user), None);
                }
                let entry = Change {
                    action: "user.changed",
                    object: format!("user/{name}"),
                    project: None,
                    before: Some(shown(&before)),
                    after: Some(shown(&after)),
                };
                tx.audit(Some(&by), entry).await?;
                Ok(after)
            })
        })
        .await
    }

    pub(crate) async fn remove_user(&self, by: Actor, name: UserId) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let before = tx.user(&name).await?;
                grants::keep_an_admin(&mut tx.conn, |grant| grant.user == name).await?;
                tx.woken.access = true;
                // Its tokens go with it: whoever gets the name next must not have them.
                sql("UPDATE tokens SET revoked = $1 WHERE revoked IS NULL AND \"user\" >= $2 AND \"user\" < $3")
                    .bind(tx.now.as_micros())
                    .bind(format!("{name}!"))
                    .bind(format!("{name}\""))
                    .execute(&mut tx.conn)
                    .await?;
                sql("DELETE FROM users WHERE \"user\" = $1")
                    .bind(name.as_str())
                    .execute(&mut tx.conn)
                    .await?;
                let entry = Change {
                    action: "user.removed",
                    object: format!("user/{name}"),
                    project: None,
                    before: Some(shown(&before)),
                    after: None,
                };
                tx.audit(Some(&by), entry).await
            })
        })
        .await
    }

    pub(crate) async fn users(&self, which: Option<UserId>) -> Result<Vec<User>> {
        let now = self.ctx.seams.now();
        read(&mut self.reader().await?, which.as_ref(), now).await
    }
}
