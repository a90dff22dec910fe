//! The first administrator of a hub, made once.

use ironcore_types::RoleName;

use super::Sql;
use super::grants::administrators;
use crate::error::{LedgerError, Result};
use crate::model::{Actor, NewUser, Role, User};

impl Sql {
    /// Whether there is a user who may say who may do what on the whole hub.
    pub(crate) async fn is_set_up(&self) -> Result<bool> {
        let mut conn = self.reader().await?;
        Ok(!administrators(&mut conn).await?.is_empty())
    }

    pub(crate) async fn set_up(&self, by: Actor, new: NewUser) -> Result<User> {
        super::users::check(&new.user)?;
        self.write(move |tx| {
            Box::pin(async move {
                if !administrators(&mut tx.conn).await?.is_empty() {
                    return Err(LedgerError::conflict(
                        "the hub is set up: there is an administrator, who makes other users",
                    ));
                }
                let admin: RoleName = Role::Admin.into();
                tx.make_user(Some(&by), new, vec![(admin, None)]).await
            })
        })
        .await
    }
}
