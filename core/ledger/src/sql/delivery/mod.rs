//! Delivery: which messages go next (`claim`), how attempts ended (`attempts`), and what that says of handlers (`health`).

mod attempts;
mod claim;
mod health;

pub(super) use attempts::Attempts;
pub(super) use claim::declared;
