//! HTTP against servers that misbehave: where requests may go (`addresses`), what becomes of answers (`answers`),
//! and that secrets stay secret (`secrets`). The client under test is made in `client`, servers in `server`.

mod addresses;
mod answers;
mod client;
mod secrets;
mod server;
