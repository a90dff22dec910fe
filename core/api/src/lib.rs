//! HTTP routes, access control, OpenAPI, server-sent events and the embedded dashboard.
//!
//! [`router`] is the whole API over an [`ApiState`]; [`serve`] answers with it. Shapes are in [`wire`], which the
//! command line uses too; who may do what is in [`access`]. Starting and stopping the hub, certificates and the terminal
//! are left to the binary.

pub mod access;
mod acknowledge;
mod auth;
mod backups;
mod catalog;
mod dashboard;
mod declare;
mod document;
mod error;
mod extract;
mod factors;
mod figures;
mod headers;
mod idempotency;
mod inbox_view;
mod live;
mod logins;
mod oidc;
mod passwords;
mod pattern;
mod problem;
mod routes;
mod secrets;
mod serve;
mod sign_in;
mod silencing;
mod state;
mod stream;
mod tls;
mod totp;
mod trials;
mod usage;
mod view;
pub mod wire;

pub use auth::{new_secret, secret_hash};
pub use backups::HubBackups;
pub use document::walk;
pub use error::ApiError;
pub use factors::Demand;
pub use oidc::{GroupGrant, Oidc, OidcProvider};
pub use problem::{PROBLEM_JSON, REQUEST_ID};
pub use routes::{openapi, router};
pub use secrets::{Kept, SecretKeeper, SecretValue};
pub use serve::{serve, serve_tls};
pub use state::{ApiParts, ApiState, Limits, PluginCatalog, SetUp};
pub use tls::ShownCertificate;
pub use trials::Trials;
