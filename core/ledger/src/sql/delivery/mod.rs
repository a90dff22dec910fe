//! Delivery: which messages go next (`claim`) and stay with their sender (`hold`), how attempts ended (`attempts`), what is
//! told of it (`told`), what it says of handlers (`health`), and what becomes of messages whose handler nobody can tell any
//! more (`unsent`).

mod attempts;
mod claim;
mod health;
mod hold;
mod told;
mod unsent;

pub(super) use attempts::Attempts;
pub(super) use claim::declared;
