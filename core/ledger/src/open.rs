//! Opening and closing a ledger, and the choice of its backend. What is in it is left to the verbs.

use std::path::PathBuf;
use std::sync::Arc;

use ironcore_types::{HubId, NodeName, Seams};
use tokio::sync::watch;

use crate::error::Result;
use crate::sqlite::Sqlite;

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

/// The ledger: every verb of the hub's state over one of its backends. Cheap to clone; dropped without
/// [`close`](Ledger::close) it loses nothing that was acknowledged.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(crate) backend: Backend,
}

/// Where the rows are. Each backend has the same verbs as inherent methods; `dispatch!` picks one.
#[derive(Debug, Clone)]
pub(crate) enum Backend {
    Sqlite(Arc<Sqlite>),
}

impl Ledger {
    /// Opens the ledger, making or migrating it.
    ///
    /// [`Locked`](crate::LedgerError::Locked) when another process (or another `Ledger` of this one) has it open,
    /// [`Version`](crate::LedgerError::Version) when the SQLite library is one that can lose data.
    pub async fn open(options: LedgerOptions, seams: Seams) -> Result<Self> {
        Ok(Self {
            backend: Backend::Sqlite(Arc::new(Sqlite::open(options, seams).await?)),
        })
    }

    /// Ends what is under way and closes the database. Other clones get [`LedgerError::Closed`](crate::LedgerError::Closed) from then on.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.close().await,
        }
    }

    /// The hub's id, made when its ledger was.
    pub fn hub_id(&self) -> HubId {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.hub_id(),
        }
    }

    /// Receivers that tell when to look again.
    pub fn wakes(&self) -> Wakes {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.wakes(),
        }
    }
}
