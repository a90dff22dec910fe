//! Who is told of what: groups with their handlers and rules, filters, patterns, hours; and when they are not: what
//! silences and maintenance windows are about. What of it an event passes is
//! decided by whoever tells; here is only what people write.

mod action;
mod filter;
mod group;
mod hours;
mod incidents;
mod maintenance;
mod matchers;
mod pace;
mod pattern;
mod silencer;
mod source;

pub use action::{ActionKind, ActionPolicy, Actions};
pub use filter::Filter;
pub use group::{Group, GroupRef, GroupScope, Handler, InvalidGroupRef, Rule, Then};
pub use hours::{Hours, InvalidHours, TimeOfDay, Weekday};
pub use incidents::{Escalation, Incidents};
pub use maintenance::{InvalidMaintenance, Maintenance, MaintenanceWindow};
pub use matchers::Matchers;
pub use pace::{Digest, Every, Limit, Quiet};
pub use pattern::{InvalidPattern, NamePattern};
pub use silencer::{InvalidSilencer, Silencer};
pub use source::EventSource;
