//! What a plugin author depends on: bindings of the contract, the [`Plugin`] trait, the [`export!`] macro, typed views
//! of events and configuration, and a [`FakeHost`] for native tests.
//!
//! ```ignore
//! use ironcore_plugin::{Delivery, Failure, Host, Plugin, Receipt};
//!
//! struct Shout;
//!
//! impl Plugin for Shout {
//!     fn deliver(host: &impl Host, delivery: &Delivery) -> Result<Receipt, Failure> {
//!         host.log(ironcore_plugin::LogLevel::Info, &delivery.events[0].title.to_uppercase());
//!         Ok(Receipt::new("said"))
//!     }
//! }
//!
//! ironcore_plugin::export!(Shout);
//! ```
//!
//! The crate that exports is a `cdylib`, has a `plugin.toml` beside its `Cargo.toml`, and is built with
//! `cargo build --release --target wasm32-wasip2`. Its logic is plain Rust over `&impl Host`, so that `cargo test` runs
//! it natively with a [`FakeHost`]. Host functions that a plugin does not call are not imported: that is why the host is
//! a type parameter and not a trait object.

mod answer;
#[doc(hidden)]
pub mod bindings;
mod build;
mod config;
mod event;
mod fake;
mod host;
mod plugin;

pub use answer::{REJECTED, UNREACHABLE};
pub use bindings::exports::ironcore::plugin::deliver::{
    Delivery, Failure, FailureScope, Handler, Hub, Incident, Links, Receipt, Rejection, Retry,
};
pub use bindings::ironcore::plugin::log::Level as LogLevel;
pub use bindings::ironcore::plugin::types::{
    Action, ActionKind, BasicCredential, ErrorInfo, Event, Evidence, Severity, Slot, Tip, WrappedSecret,
};
pub use bindings::ironcore::plugin::{http, inbox, kv, mail, metrics, templates};
pub use config::{OneOrMany, Secret, TextOrSecret};
pub use event::{
    Data, Datastore, DeliveryOf, ErrorText, Job, Node, Snapshot, Stage, Task, Verification,
    VerificationFailure, Warning,
};
pub use fake::{Call, FakeHost};
pub use host::{Host, Imports};
pub use plugin::Plugin;

#[doc(hidden)]
pub mod rt {
    //! What [`crate::export!`] expands to.
    pub use crate::plugin::{advise, deliver};
    pub use serde_json;
}
