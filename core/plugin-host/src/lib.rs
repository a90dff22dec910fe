//! Loads, grants, calls, limits and kills WebAssembly plugins. Knows no SQL, no tasks, no API and no network: every
//! effect of a guest passes through [`HostServices`].
//!
//! A plugin is a component for one version of the contract in `sdk/wit`; each version has an adapter here, and the
//! rest of this crate speaks its own words. Every call gets a fresh instance, so nothing a guest does outlives it, but
//! what is returned: an outcome, writes to its values, and entries of the inbox, to be committed together.

mod cache;
mod call;
pub mod delivery;
pub mod effects;
mod error;
mod faults;
mod folder;
mod grants;
mod host;
mod manifest;
mod memory;
mod output;
mod plugin;
mod precompiled;
mod schema;
mod services;
mod ticker;
mod v0_1;
mod wasi;

pub use delivery::{
    CallReport, DeliverOutcome, Delivered, Delivery, FailureScope, Hub, InboxWrite, Incident, KvWrite, Links,
    Reason, Receipt,
};
pub use error::{PluginError, wasmtime_error};
pub use faults::ConfigFault;
pub use folder::FolderReport;
pub use grants::{Capability, Grants, UnknownCapability};
pub use host::{HostConfig, PluginHost};
pub use manifest::{Contract, Manifest, SECTION};
pub use plugin::Plugin;
pub use services::{HostServices, NoServices};
