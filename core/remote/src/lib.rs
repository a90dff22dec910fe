//! Hub-to-hub sync: the store's peer seam over HTTP.
//!
//! [`RemotePeer`] is the asking side, which `store` pulls through; [`serve`] is the answering side, without any web
//! framework: the API routes requests to it. Both speak [`protocol`]. Access control is the API's; what comes from a
//! peer is checked by `store`. Knows nothing of SQL or plugins.

mod client;
mod error;
pub mod protocol;
mod serve;

pub use client::RemotePeer;
pub use error::RemoteError;
pub use serve::{Answer, serve};
