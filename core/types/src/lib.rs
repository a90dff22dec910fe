//! The vocabulary of the hub: ids, tasks, events, error codes, retention and calendar expressions.
//!
//! Everything here is plain data and pure functions. No I/O, no tokio, no clock: time and randomness
//! come in through [`seams`]. What the rows mean in a database or on disk is left to the crates above.

mod blackout;
pub mod calendar;
pub mod clock_text;
mod counted;
pub mod error_code;
pub mod event;
mod event_type;
pub mod ids;
pub mod job;
pub mod notification;
pub mod objects;
pub mod progress;
pub mod projection;
pub mod retention;
pub mod right;
pub mod runs;
mod schema;
pub mod seams;
pub mod snapshot;
pub mod spec;
pub mod statistics;
pub mod task;
pub mod timestamp;
pub mod upid;
pub mod verification;
mod words;

pub use counted::counted;
pub use error_code::ErrorCode;
pub use event::{Event, EventData, EventType, Severity};
pub use ids::{
    BackupId, DatastoreName, EventId, GroupName, HandlerName, HubId, IncidentId, JobName, KeyId,
    MaintenanceName, MessageId, NodeName, PluginName, ProjectName, RoleName, SessionId, SilenceId, TaskId,
    UserId,
};
pub use right::{Right, Rights};
pub use seams::{Mark, Moment, Seams};
pub use snapshot::{BackupType, SnapshotRef};
pub use spec::TaskSpec;
pub use task::{TaskState, TaskType};
pub use timestamp::{Span, Timestamp};
pub use upid::Upid;
pub use verification::VerifyResult;
