//! Verbs of figures, for monitoring.

use crate::Ledger;
use crate::error::Result;
use crate::model::{Figures, Tally};

impl Ledger {
    /// How the whole hub is now. Meant to be asked a few times a minute: what it reads grows with the tasks and messages
    /// that are open, and with jobs and datastores, each up to a bound, and not with what there was before.
    pub async fn figures(&self) -> Result<Figures> {
        self.sql.figures().await
    }

    /// What this process has counted of what it committed, since it opened the ledger. Reads nothing.
    pub fn tally(&self) -> Tally {
        self.sql.tally()
    }
}
