//! Runs the hub's jobs: a scheduler that turns calendar ticks into tasks, a worker that takes tasks
//! from the ledger and does them, and a watch that notices what does not happen.
//!
//! All are reconcilers over the ledger: a wake-up only says "look again", so a crash, a restart and a tick
//! take the same path. What happens to events afterwards is nobody's business here.

mod error;
mod housekeeping;
mod jobs;
mod places;
mod scheduler;
mod stores;
mod watch;
mod worker;

pub use error::EngineError;
pub use housekeeping::{Housekeeping, HousekeepingOptions};
pub use scheduler::{Scheduler, SchedulerOptions};
pub use stores::{DatastoreState, RemotePeers, SigningSeed, Stores};
pub use watch::{Heartbeat, Pulse, Watch, WatchOptions};
pub use worker::{Guard, Worker, WorkerOptions, stand_guard};
