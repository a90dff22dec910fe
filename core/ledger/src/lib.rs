//! All SQL of the hub.

pub mod error;
pub mod model;
mod open;
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

macro_rules! dispatch {
    ($ledger:expr, $verb:ident($($arg:expr),*)) => {{
        $(let _unused = $arg;)*
        Err($ledger.closed())
    }};
}
pub(crate) use dispatch;
