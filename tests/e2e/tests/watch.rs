//! What does not happen is told: the watch over a real ledger and real datastores, with a clock that the tests set.

#[path = "watch/datastores.rs"]
mod datastores;
#[path = "watch/every_event.rs"]
mod every_event;
#[path = "watch/heartbeat.rs"]
mod heartbeat;
#[path = "watch/jobs.rs"]
mod jobs;
