//! Matching, messages, lanes, retries, templates, inbox, advice and actions.
//!
//! Events come out of the ledger and end as messages that handlers deliver. Reconcilers do it, each woken by the
//! ledger and each safe to run again after a crash: `fanout` turns every event into tips, matches and messages in one
//! transaction; `delivery` claims due messages, lets their plugin deliver them and records the attempt. A third,
//! `release`, tells what still lasts when a silence is over. What to do is decided by plain functions ([`matching`],
//! [`retry`], [`circuit`]) that know no clock and no runtime.
//!
//! Left to others: who runs jobs (the engine), how plugins are run (the plugin host), what leaves the machine
//! (egress), and all SQL (the ledger).

pub mod actions;
mod addresses;
mod automatic;
pub mod buttons;
mod cause;
pub mod circuit;
mod configuration;
mod delivery;
mod error;
mod event_view;
pub mod explain;
mod fanout;
mod fit;
mod held;
mod incidents;
mod lanes;
mod lasting;
pub mod links;
mod log_file;
pub mod matching;
mod notify;
mod options;
mod outcome;
mod outcomes;
mod pacing;
mod plugin_failures;
mod plugins;
mod policies;
mod recipients;
mod record;
mod release;
mod requests;
pub mod retry;
mod sent;
mod services;
mod silences;
mod slots;
mod template_choice;
mod template_fit;
mod template_helpers;
mod template_nesting;
mod template_place;
pub mod templates;
pub mod trial;

pub use addresses::readable;
pub use error::NotifyError;
pub use notify::Notify;
pub use notify::NotifyParts;
pub use options::{CircuitPolicy, NotifyOptions, RetryPolicy, SCHEDULE};
pub use plugins::{Deliver, HandlerFault, Plugins, PluginsOptions, Refused};
pub use policies::Policies;
pub use templates::{TemplateError, Templates};
