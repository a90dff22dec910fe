//! The shapes of the API: what requests and answers hold, shared with its clients.
//!
//! Plain data only; how it is found is left to the routes, and how it is shown to the clients. Fields are
//! `snake_case`; objects that people configure keep the keys of their configuration file.

/// Shapes whose contents nobody is to see in a log.
macro_rules! quiet {
    ($($type:ident),+) => {
        $(impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        })+
    };
}

use quiet;

mod config;
mod delivery;
mod explain;
mod factors;
mod hub;
mod hub_backup;
mod inbox;
mod incidents;
mod plans;
mod problem;
mod secret;
mod silences;
mod statistics;
mod stream;
mod task;
mod trials;
mod users;
mod vault;
mod workers;

pub use config::*;
pub use delivery::*;
pub use explain::*;
pub use factors::*;
pub use hub::*;
pub use hub_backup::*;
pub use inbox::*;
pub use incidents::*;
pub use plans::*;
pub use problem::*;
pub use secret::*;
pub use silences::*;
pub use statistics::*;
pub use stream::*;
pub use task::*;
pub use trials::*;
pub use users::*;
pub use vault::*;
pub use workers::*;
