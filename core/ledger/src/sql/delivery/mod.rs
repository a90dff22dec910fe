//! Delivery: which messages go next (`claim`), and how attempts ended (`attempts`).

mod attempts;
mod claim;

pub(super) use attempts::Attempts;
pub(super) use claim::declared;
