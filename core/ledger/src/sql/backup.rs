//! A copy of the whole database while it is in use.

use std::path::PathBuf;

use super::Sql;
use crate::db::{Readers, sql};
use crate::error::{LedgerError, Result};
use crate::transfer;

impl Sql {
    pub(crate) async fn backup_to(&self, file: PathBuf) -> Result<()> {
        if let Readers::Postgres(readers) = &self.readers {
            // Beside the readers, who have other things to do.
            return transfer::to_sqlite(&readers.connect_options(), &file).await;
        }
        // A reader sees the last COMMIT for as long as the copy takes, while the writer goes on beside it.
        let mut conn = self.reader().await?;
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
