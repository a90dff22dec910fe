//! What tests share: TestHub, manual clock, faulty file system, real receivers.

pub mod clock;
pub mod damage;
pub mod events;
pub mod exposition;
pub mod http_proxy;
pub mod hub;
pub mod line_protocol;
pub mod oidc;
pub mod postgres;
pub mod program;
pub mod prometheus;
pub mod proxy;
pub mod python;
pub mod rude;
pub mod smtp;
pub mod targets;
pub mod tls;
pub mod webhook;
