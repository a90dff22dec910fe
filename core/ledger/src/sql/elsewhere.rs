//! Users who sign in elsewhere: known by what their provider calls them, with the roles that go with their groups.

use std::collections::BTreeSet;

use ironcore_types::{ProjectName, RoleName};

use super::Sql;
use super::grants::{grant, keep_an_admin};
use super::tx::Tx;
use crate::db::sql;
use crate::error::{LedgerError, Result};
use crate::model::{Actor, Elsewhere, NewUser};

impl Sql {
    pub(crate) async fn sign_in_elsewhere(&self, by: Actor, who: Elsewhere) -> Result<()> {
        super::users::check(&who.user)?;
        self.write(move |tx| {
            Box::pin(async move {
                let row = sql("SELECT subject, password FROM users WHERE \"user\" = $1")
                    .bind(who.user.as_str())
                    .fetch_optional(&mut tx.conn)
                    .await?;
                let known = match row {
                    Some(row) => row.opt_text("subject")?,
                    None if who.create => {
                        let new = NewUser {
                            user: who.user.clone(),
                            name: who.name.clone(),
                            email: who.email.clone(),
                            password: None,
                        };
                        tx.make_user(Some(&by), new, Vec::new()).await?;
                        None
                    }
                    None => return Err(LedgerError::NotFound(format!("user {}", who.user))),
                };
                match known {
                    // Names are given away again; what the provider knows somebody by is not.
                    Some(known) if known != who.subject => {
                        return Err(LedgerError::conflict(format!(
                            "user {} is somebody else at its identity provider",
                            who.user
                        )));
                    }
                    Some(_) => {}
                    None => {
                        sql("UPDATE users SET subject = $2 WHERE \"user\" = $1")
                            .bind(who.user.as_str())
                            .bind(who.subject.as_str())
                            .execute(&mut tx.conn)
                            .await?;
                    }
                }
                match &who.grants {
                    Some(wanted) => tx.fit_grants(&by, &who, wanted).await,
                    None => Ok(()),
                }
            })
        })
        .await
    }
}

impl Tx {
    /// Gives a user the roles of its groups, and takes those that came with groups before. What people gave stays.
    async fn fit_grants(
        &mut self,
        by: &Actor,
        who: &Elsewhere,
        wanted: &[(RoleName, Option<ProjectName>)],
    ) -> Result<()> {
        let rows = sql("SELECT * FROM grants WHERE \"user\" = $1")
            .bind(who.user.as_str())
            .fetch_all(&mut self.conn)
            .await?;
        let mut has = BTreeSet::new();
        for row in &rows {
            let held = grant(row)?;
            let place = (held.role.clone(), held.project.clone());
            if held.by.as_ref() != Some(&by.user) || wanted.contains(&place) {
                has.insert(place);
                continue;
            }
            let is_last = keep_an_admin(&mut self.conn, |other| {
                other.user == held.user && other.role == held.role && other.project == held.project
            });
            if is_last.await.is_err() {
                tracing::warn!(user = %held.user, role = %held.role, "a role that came with a group stays: nobody else has it");
                continue;
            }
            self.take(by, &held).await?;
        }
        for (role, project) in wanted {
            if has.insert((role.clone(), project.clone())) {
                self.put_grant(Some(by), who.user.clone(), role.clone(), project.clone())
                    .await?;
            }
        }
        Ok(())
    }
}
