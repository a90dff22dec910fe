//! Verbs of silences and maintenance windows, and of those who were kept from hearing of something. Which events a silence
//! is about, and what still lasts when it is over, is notify's to decide.

use ironcore_types::notification::{Maintenance, Silencer};
use ironcore_types::{EventId, SilenceId, Timestamp, UserId};

use crate::Ledger;
use crate::error::Result;
use crate::model::{NewSilence, Overdue, Release, Silence, SilenceFilter, Silenced};

impl Ledger {
    /// Makes a silence. Asked again by the same user under the same key, it gives back the one that was made;
    /// `request.invalid` when that was another request.
    pub async fn add_silence(&self, new: NewSilence) -> Result<Silence> {
        self.sql.add_silence(new).await
    }

    /// Ends a silence now; what it silenced is looked at. One that is over stays as it is.
    pub async fn end_silence(&self, id: SilenceId, by: &UserId) -> Result<Silence> {
        self.sql.end_silence(id, by.clone()).await
    }

    /// One silence.
    pub async fn silence(&self, id: SilenceId) -> Result<Option<Silence>> {
        self.sql.silence(id).await
    }

    /// The newest 1,000 silences that pass the filter, newest first.
    pub async fn silences(&self, filter: &SilenceFilter) -> Result<Vec<Silence>> {
        self.sql.silences(filter.clone()).await
    }

    /// Deletes a part of the silences that have been over for [`SILENCES_KEPT`](crate::SILENCES_KEPT), and says how many.
    pub async fn forget_silences(&self) -> Result<u64> {
        self.sql.forget_silences().await
    }

    /// All maintenance windows: the hub's, then those of projects, by name.
    pub async fn maintenance(&self) -> Result<Vec<Maintenance>> {
        self.sql.maintenance().await
    }

    /// Removes a maintenance window; what it silenced is looked at.
    pub async fn delete_maintenance(&self, window: &Silencer) -> Result<()> {
        self.sql.delete_maintenance(window.clone()).await
    }

    /// Who was kept from hearing of an event, and what became of it.
    pub async fn silenced_of(&self, event: EventId) -> Result<Vec<Silenced>> {
        self.sql.silenced_of(event).await
    }

    /// When the next silence is over that kept somebody from hearing of something; it may be past.
    pub async fn next_release(&self) -> Result<Option<Timestamp>> {
        self.sql.next_release().await
    }

    /// What was held back from one handler, by silences that are over.
    pub async fn overdue(&self) -> Result<Option<Overdue>> {
        self.sql.overdue().await
    }

    /// Says what becomes of it, in one transaction. [`Fenced`](crate::LedgerError::Fenced) when somebody else was faster,
    /// and then nothing is told.
    pub async fn release(&self, release: Release) -> Result<()> {
        self.sql.release(release).await
    }
}
