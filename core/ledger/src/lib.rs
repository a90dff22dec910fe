//! All SQL of the hub.

pub mod error;
pub mod model;
mod open;
mod rules;
mod sqlite;
mod verbs;

pub use error::{LedgerError, Result};
pub use open::{Ledger, LedgerOptions, Wakes};

use std::time::Duration;

/// How long a session, a running task or a message being sent is held without renewal.
pub const LEASE: Duration = Duration::from_secs(30);
/// Bytes of keys and values that one key-value scope may hold.
pub const KV_QUOTA_BYTES: u64 = 1024 * 1024;
/// Keys that one key-value scope may hold.
pub const KV_QUOTA_KEYS: u64 = 1_000;

/// Calls the verb of the backend at hand.
macro_rules! dispatch {
    ($ledger:expr, $verb:ident($($arg:expr),*)) => {
        match &$ledger.backend {
            $crate::open::Backend::Sqlite(sqlite) => sqlite.$verb($($arg),*).await,
        }
    };
}
pub(crate) use dispatch;
