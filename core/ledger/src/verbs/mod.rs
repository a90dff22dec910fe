//! The verbs of [`Ledger`](crate::Ledger), grouped by what they speak of. Each says what it promises; how it
//! is kept is in `sql`. The promises hold on every database and are checked by one conformance suite.

mod backup;
mod events;
mod figures;
mod inbox;
mod incidents;
mod logins;
mod messages;
mod objects;
mod plugins;
mod schedule;
mod silences;
mod statistics;
mod tasks;
mod tokens;
mod users;
mod watch;
