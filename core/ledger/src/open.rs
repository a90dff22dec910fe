//! The ledger itself.

use std::path::PathBuf;

use ironcore_types::{HubId, NodeName, Seams};
use tokio::sync::watch;

use crate::error::{LedgerError, Result};

/// Where the ledger is, and who opens it.
#[derive(Debug, Clone)]
pub struct LedgerOptions {
    /// The SQLite file; made when missing, its folder must exist.
    pub path: PathBuf,
    /// This machine; stands in UPIDs.
    pub node: NodeName,
    /// This process; stands in UPIDs.
    pub pid: u32,
    /// When this process started; stands in UPIDs.
    pub pstart: u64,
}

/// What tells waiters to look again, after each COMMIT that touched the matter. The numbers mean nothing but change.
#[derive(Debug, Clone)]
pub struct Wakes {
    /// Tasks were enqueued, claimed, ended or asked to end.
    pub tasks: watch::Receiver<u64>,
    /// Events were told.
    pub events: watch::Receiver<u64>,
    /// Messages were made, ended or given back; circuits changed.
    pub messages: watch::Receiver<u64>,
    /// Log lines or progress were written.
    pub logs: watch::Receiver<u64>,
    /// Configuration changed, the scheduler was paused or resumed.
    pub objects: watch::Receiver<u64>,
}

/// The ledger, cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    hub: HubId,
}

impl Ledger {
    /// Opens the ledger, making or migrating it.
    pub async fn open(_options: LedgerOptions, _seams: Seams) -> Result<Self> {
        Err(LedgerError::Closed)
    }

    /// Ends what is under way and closes the database. Other clones get [`LedgerError::Closed`] from then on.
    pub async fn close(&self) {}

    /// The hub's id, made when its ledger was.
    pub fn hub_id(&self) -> HubId {
        self.hub
    }

    /// Receivers that tell when to look again.
    pub fn wakes(&self) -> Wakes {
        let (_, receiver) = watch::channel(0);
        Wakes {
            tasks: receiver.clone(),
            events: receiver.clone(),
            messages: receiver.clone(),
            logs: receiver.clone(),
            objects: receiver,
        }
    }

    pub(crate) fn closed(&self) -> LedgerError {
        LedgerError::Closed
    }
}
