//! The real binary, driven as its users drive it: by command line, configuration and signals.

#[path = "hub/commands.rs"]
mod commands;
#[path = "hub/crash.rs"]
mod crash;
#[path = "hub/delivered.rs"]
mod delivered;
#[path = "hub/exits.rs"]
mod exits;
#[path = "hub/fixture.rs"]
mod fixture;
#[path = "hub/guards.rs"]
mod guards;
#[path = "hub/heartbeat.rs"]
mod heartbeat;
#[path = "hub/inbox.rs"]
mod inbox;
#[path = "hub/incidents.rs"]
mod incidents;
#[path = "hub/index.rs"]
mod index;
#[path = "hub/invariants.rs"]
mod invariants;
#[path = "hub/keyed.rs"]
mod keyed;
#[path = "hub/metrics.rs"]
mod metrics;
#[path = "hub/night.rs"]
mod night;
#[path = "hub/oidc.rs"]
mod oidc;
#[path = "hub/operate.rs"]
mod operate;
#[path = "hub/refusals.rs"]
mod refusals;
#[path = "hub/restarted.rs"]
mod restarted;
#[path = "hub/several.rs"]
mod several;
#[path = "hub/shared.rs"]
mod shared;
#[path = "hub/silenced.rs"]
mod silenced;
#[path = "hub/soak.rs"]
mod soak;
#[path = "hub/stopped.rs"]
mod stopped;
#[path = "hub/tips.rs"]
mod tips;
#[path = "hub/tls.rs"]
mod tls;
#[path = "hub/told.rs"]
mod told;
#[path = "hub/tried.rs"]
mod tried;
#[path = "hub/users.rs"]
mod users;
