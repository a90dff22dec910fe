//! The API over a real ledger in a folder of its own, without sockets.

mod access;
mod configuration;
mod explain;
mod factors;
mod figures;
mod inbox;
mod incidents;
mod operating;
mod pages;
mod pattern;
mod plans;
mod problems;
mod removal;
mod secrets;
mod setup;
mod silences;
mod snapshots;
mod statistics;
mod streams;
mod trials;
mod users;
