//! A copy of the whole database while it is in use.

use std::path::PathBuf;

use super::Sql;
use crate::db::sql;
use crate::error::{LedgerError, Result};

impl Sql {
    pub(crate) async fn backup_to(&self, file: PathBuf) -> Result<()> {
        // A reader sees the last COMMIT for as long as the copy takes, while the writer goes on beside it.
        let mut conn = self.reader().await?;
        if conn.is_postgres() {
            return Err(LedgerError::request(
                "the hub's state is in a PostgreSQL database, which the hub does not copy: use pg_dump",
            ));
        }
        let Some(path) = file.to_str() else {
            return Err(LedgerError::request(format!(
                "the database cannot be copied to {}: its name is no UTF-8",
                file.display()
            )));
        };
        sql("VACUUM INTO $1").bind(path).execute(&mut conn).await?;
        Ok(())
    }
}
