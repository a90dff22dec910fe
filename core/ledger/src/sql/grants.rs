//! Roles, and who has which where.

use ironcore_types::right::Role;
use ironcore_types::{ProjectName, Right, Rights, RoleName, UserId};
use serde_json::{Value as Json, json};

use super::Sql;
use super::tx::Tx;
use crate::db::{Conn, Row, sql, to_json};
use crate::error::{LedgerError, Result};
use crate::model::{Actor, Change, Grant, RoleRow};
use crate::rules::tell_access as tell;

/// In the place of a project: the whole hub.
pub(super) const HUB: &str = "-";

pub(super) fn grant(row: &Row) -> Result<Grant> {
    Ok(Grant {
        user: row.word("user")?,
        role: row.word("role")?,
        project: place(&row.text("project")?)?,
        granted: row.time("granted")?,
        by: row.opt_word("granted_by")?,
    })
}

/// The project of a grant.
pub(super) fn place(text: &str) -> Result<Option<ProjectName>> {
    match text {
        HUB => Ok(None),
        name => name
            .parse()
            .map(Some)
            .map_err(|error| LedgerError::row("project", error)),
    }
}

pub(super) fn place_of(project: Option<&ProjectName>) -> &str {
    project.map_or(HUB, ProjectName::as_str)
}

fn role(row: &Row) -> Result<RoleRow> {
    Ok(RoleRow {
        name: row.word("name")?,
        rights: row.json("rights")?,
        comment: row.opt_text("comment")?,
        created: row.opt_time("created")?,
        by: row.opt_word("created_by")?,
    })
}

/// Those that every hub has.
fn built_in_roles() -> impl Iterator<Item = RoleRow> {
    Role::ALL.iter().map(|role| RoleRow {
        name: (*role).into(),
        rights: role.rights().iter().collect(),
        comment: Some(role.comment().to_owned()),
        created: None,
        by: None,
    })
}

/// What a role allows; none when there is no such role (any more).
pub(super) async fn rights_of(conn: &mut Conn, role: &RoleName) -> Result<Option<Rights>> {
    if let Some(role) = Role::of_name(role) {
        return Ok(Some(role.rights()));
    }
    let row = sql("SELECT rights FROM roles WHERE name = $1")
        .bind(role.as_str())
        .fetch_optional(conn)
        .await?;
    let rights = row.map(|row| row.json::<Vec<Right>>("rights")).transpose()?;
    Ok(rights.map(Rights::from_iter))
}

/// The grants of those who may say who may do what on the whole hub, and sign in.
pub(super) async fn administrators(conn: &mut Conn) -> Result<Vec<Grant>> {
    let rows = sql("SELECT g.* FROM grants g JOIN users u ON u.\"user\" = g.\"user\"
         WHERE g.project = $1 AND u.disabled IS NULL")
    .bind(HUB)
    .fetch_all(conn)
    .await?;
    let mut found = Vec::new();
    for row in &rows {
        let grant = grant(row)?;
        let rights = rights_of(conn, &grant.role).await?;
        if rights.is_some_and(|rights| rights.has(Right::ManageAccess)) {
            found.push(grant);
        }
    }
    Ok(found)
}

/// Refuses what would leave nobody who may say who may do what. `goes` are the grants that count no more.
pub(super) async fn keep_an_admin(conn: &mut Conn, goes: impl Fn(&Grant) -> bool) -> Result<()> {
    let there = administrators(conn).await?;
    match !there.is_empty() && there.iter().all(goes) {
        true => Err(LedgerError::conflict(
            "nobody would be left who may say who may do what: grant a user the role admin on the hub first",
        )),
        false => Ok(()),
    }
}

fn shown(role: &RoleRow) -> Json {
    json!({ "rights": role.rights, "comment": role.comment })
}

impl Tx {
    async fn role(&mut self, name: &RoleName) -> Result<Option<RoleRow>> {
        let row = sql("SELECT * FROM roles WHERE name = $1")
            .bind(name.as_str())
            .fetch_optional(&mut self.conn)
            .await?;
        row.as_ref().map(role).transpose()
    }

    /// Refuses a role on a project that gives nothing there, or of which there is none.
    pub(super) async fn check_role(&mut self, role: &RoleName, project: Option<&ProjectName>) -> Result<()> {
        rights_of(&mut self.conn, role)
            .await?
            .ok_or_else(|| LedgerError::NotFound(format!("role {role}")))?;
        let Some(project) = project else {
            return match Role::of_name(role) {
                Some(Role::Member) => Err(LedgerError::request("a member needs a project")),
                _ => Ok(()),
            };
        };
        let known = sql("SELECT 1 FROM projects WHERE name = $1")
            .bind(project.as_str())
            .fetch_optional(&mut self.conn)
            .await?;
        known
            .map(|_| ())
            .ok_or_else(|| LedgerError::NotFound(format!("project/{project}")))
    }
}

impl Tx {
    /// Gives a user, which there is, a role.
    pub(super) async fn put_grant(
        &mut self,
        by: Option<&Actor>,
        user: UserId,
        role: RoleName,
        project: Option<ProjectName>,
    ) -> Result<Grant> {
        self.check_role(&role, project.as_ref()).await?;
        let done = sql("INSERT INTO grants (\"user\", project, role, granted, granted_by)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING")
        .bind(user.as_str())
        .bind(place_of(project.as_ref()))
        .bind(role.as_str())
        .bind(self.now.as_micros())
        .bind(by.map(|by| by.user.as_str()))
        .execute(&mut self.conn)
        .await?;
        if done == 0 {
            return Err(LedgerError::conflict(format!(
                "user {user} has the role {role} there already"
            )));
        }
        let made = Grant {
            user,
            role,
            project,
            granted: self.now,
            by: by.map(|by| by.user.clone()),
        };
        self.tell(tell::granted(&made), None);
        self.audit(by, change("grant.made", &made, true)).await?;
        Ok(made)
    }
}

impl Tx {
    /// Takes a role away.
    pub(super) async fn take(&mut self, by: &Actor, taken: &Grant) -> Result<()> {
        self.woken.access = true;
        for statement in [
            "DELETE FROM grants WHERE \"user\" = $1 AND project = $2 AND role = $3",
            // Whoever is signed in with it is so no more.
            "DELETE FROM logins WHERE \"user\" = $1 AND project = $2 AND role = $3",
        ] {
            sql(statement)
                .bind(taken.user.as_str())
                .bind(place_of(taken.project.as_ref()))
                .bind(taken.role.as_str())
                .execute(&mut self.conn)
                .await?;
        }
        self.audit(Some(by), change("grant.taken", taken, false)).await
    }
}

impl Sql {
    pub(crate) async fn put_role(
        &self,
        by: Actor,
        name: RoleName,
        rights: Rights,
        comment: Option<String>,
    ) -> Result<RoleRow> {
        if Role::of_name(&name).is_some() {
            return Err(LedgerError::conflict(format!(
                "role {name} is the same on every hub and cannot be changed"
            )));
        }
        self.write(move |tx| {
            Box::pin(async move {
                let before = tx.role(&name).await?;
                sql("INSERT INTO roles (name, rights, comment, created, created_by) VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT (name) DO UPDATE SET rights = $2, comment = $3")
                .bind(name.as_str())
                .bind(to_json("rights", &rights.iter().collect::<Vec<_>>())?)
                .bind(comment.filter(|comment| !comment.is_empty()))
                .bind(tx.now.as_micros())
                .bind(by.user.as_str())
                .execute(&mut tx.conn)
                .await?;
                let made = tx.role(&name).await?;
                let made = made.ok_or_else(|| LedgerError::NotFound(format!("role {name}")))?;
                tx.woken.access = true;
                if before.is_none() {
                    tx.tell(tell::role_created(&made, &by.user), None);
                }
                let change = Change {
                    action: if before.is_none() { "role.created" } else { "role.changed" },
                    object: format!("role/{name}"),
                    project: None,
                    before: before.as_ref().map(shown),
                    after: Some(shown(&made)),
                };
                tx.audit(Some(&by), change).await?;
                Ok(made)
            })
        })
        .await
    }

    pub(crate) async fn remove_role(&self, by: Actor, name: RoleName) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let before = tx.role(&name).await?;
                let before = before.ok_or_else(|| LedgerError::NotFound(format!("role {name}")))?;
                let used = sql("SELECT 'user ' || \"user\" AS who FROM grants WHERE role = $1
                     UNION ALL SELECT 'token ' || \"user\" AS who FROM tokens WHERE role = $1 AND revoked IS NULL
                     ORDER BY who LIMIT 1")
                .bind(name.as_str())
                .fetch_optional(&mut tx.conn)
                .await?;
                if let Some(row) = used {
                    let who = row.text("who")?;
                    return Err(LedgerError::conflict(format!("role {name} is that of {who}: take it away first")));
                }
                sql("DELETE FROM roles WHERE name = $1")
                    .bind(name.as_str())
                    .execute(&mut tx.conn)
                    .await?;
                let change = Change {
                    action: "role.removed",
                    object: format!("role/{name}"),
                    project: None,
                    before: Some(shown(&before)),
                    after: None,
                };
                tx.audit(Some(&by), change).await
            })
        })
        .await
    }

    pub(crate) async fn roles(&self) -> Result<Vec<RoleRow>> {
        let rows = sql("SELECT * FROM roles ORDER BY name")
            .fetch_all(&mut self.reader().await?)
            .await?;
        let own = rows.iter().map(role).collect::<Result<Vec<_>>>()?;
        Ok(built_in_roles().chain(own).collect())
    }

    pub(crate) async fn make_grant(
        &self,
        by: Option<Actor>,
        user: UserId,
        role: RoleName,
        project: Option<ProjectName>,
    ) -> Result<Grant> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.user(&user).await?;
                tx.put_grant(by.as_ref(), user, role, project).await
            })
        })
        .await
    }

    pub(crate) async fn take_grant(
        &self,
        by: Actor,
        user: UserId,
        role: RoleName,
        project: Option<ProjectName>,
    ) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let place = place_of(project.as_ref()).to_owned();
                let row = sql("SELECT * FROM grants WHERE \"user\" = $1 AND project = $2 AND role = $3")
                    .bind(user.as_str())
                    .bind(place.as_str())
                    .bind(role.as_str())
                    .fetch_optional(&mut tx.conn)
                    .await?;
                let missing = || LedgerError::NotFound(format!("the role {role} of user {user} there"));
                let taken = grant(&row.ok_or_else(missing)?)?;
                keep_an_admin(&mut tx.conn, |grant| {
                    grant.user == user && grant.role == role && grant.project == project
                })
                .await?;
                tx.take(&by, &taken).await
            })
        })
        .await
    }
}

fn change(action: &'static str, grant: &Grant, made: bool) -> Change {
    let shown = json!({ "role": grant.role, "project": grant.project });
    let (before, after) = match made {
        true => (None, Some(shown)),
        false => (Some(shown), None),
    };
    Change {
        action,
        object: format!("user/{}", grant.user),
        project: grant.project.clone(),
        before,
        after,
    }
}
