//! The verbs that copy the ledger itself.

use std::path::Path;

use crate::error::Result;
use crate::open::Postgres;
use crate::{Ledger, transfer};

impl Ledger {
    /// Writes a consistent copy of the whole database, as of the last COMMIT, to the SQLite file `file`, which must be
    /// missing. Other verbs go on meanwhile. What fails can leave a part of the file behind.
    ///
    /// `request.invalid` when the name is no UTF-8.
    pub async fn backup_to(&self, file: &Path) -> Result<()> {
        self.sql.backup_to(file.to_owned()).await
    }
}

impl Postgres {
    /// Makes a ledger of a copy: everything in `file`, which a [`Ledger`] of this version had open before, goes into
    /// this database, which must be without a hub, in one transaction.
    ///
    /// `restore.target-exists` when there is a hub in it.
    pub async fn restore_from(&self, file: &Path) -> Result<()> {
        transfer::to_postgres(file, self).await
    }
}
