//! The verbs of [`Ledger`](crate::Ledger), grouped by what they speak of. Each says what it promises and hands over
//! to the backend at hand; the promises hold for every backend and are checked by one conformance suite.

mod events;
mod messages;
mod objects;
mod plugins;
mod schedule;
mod tasks;
mod tokens;
