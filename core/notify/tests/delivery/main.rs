//! Events through the whole of notification: a real ledger in a folder of its own, the built-in plugins, and a
//! receiver on this machine. Time is a clock that the tests set, so schedules of days pass at once.

mod actions;
mod circuit;
mod combinations;
mod digests;
mod gone;
mod held_back;
mod inbox;
mod incidents;
mod misbehaviour;
mod notices;
mod ordering;
mod plain;
mod receiver;
mod restart;
mod retries;
mod signed;
mod silences;
mod templates;
mod time;
mod world;
