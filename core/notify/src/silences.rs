//! Silences and maintenance windows as they are now, read from the ledger.

use ironcore_ledger::model::SilenceFilter;
use ironcore_ledger::{Ledger, LedgerError};
use ironcore_types::Timestamp;

use crate::matching::Silences;

/// Those that are not over at `now`, and all windows.
pub(crate) async fn read(ledger: &Ledger, now: Timestamp) -> Result<Silences, LedgerError> {
    let open = SilenceFilter {
        open_at: Some(now),
        ..SilenceFilter::default()
    };
    Ok(Silences::new(
        ledger.silences(&open).await?,
        ledger.maintenance().await?,
    ))
}
