//! What a verb that writes has in its hands: the one writing connection inside a savepoint, and what it woke.

use std::sync::Arc;

use ironcore_types::{HubId, NodeName, Seams, Timestamp};
use sqlx::SqliteConnection;
use uuid::Uuid;

/// What every verb knows of its ledger.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) seams: Seams,
    pub(crate) node: NodeName,
    pub(crate) pid: u32,
    pub(crate) pstart: u64,
    pub(crate) hub: HubId,
    /// This opening of the database.
    pub(crate) instance: Uuid,
}

/// Which waiters are to look again after COMMIT.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Woken {
    pub(crate) tasks: bool,
    pub(crate) events: bool,
    pub(crate) messages: bool,
    pub(crate) logs: bool,
    pub(crate) objects: bool,
}

/// One verb's view of the open transaction.
pub(crate) struct Tx {
    pub(crate) conn: SqliteConnection,
    pub(crate) ctx: Arc<Context>,
    /// The time at which the verb began; all it writes carries this.
    pub(crate) now: Timestamp,
    pub(crate) woken: Woken,
}
