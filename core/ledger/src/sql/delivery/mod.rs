//! Delivery: which messages go next (`claim`) and stay with their sender (`hold`), how attempts ended (`attempts`), and
//! what that says of handlers (`health`).

mod attempts;
mod claim;
mod health;
mod hold;

pub(super) use attempts::Attempts;
pub(super) use claim::{declared, switched_off};
