//! The verb that copies the ledger itself.

use std::path::Path;

use crate::Ledger;
use crate::error::Result;

impl Ledger {
    /// Writes a consistent copy of the whole database, as of the last COMMIT, to `file`, which must be missing or
    /// empty. Other verbs go on meanwhile. What fails can leave a part of the file behind.
    ///
    /// `request.invalid` on PostgreSQL, which has tools of its own for this, and when the name is no UTF-8.
    pub async fn backup_to(&self, file: &Path) -> Result<()> {
        self.sql.backup_to(file.to_owned()).await
    }
}
