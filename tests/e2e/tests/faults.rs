//! Hubs under faults: several schedulers, clocks that jump, nights in which clocks are set. Each promise is
//! checked on both databases, with a clock that the tests set.

#[path = "faults/clocks.rs"]
mod clocks;
#[path = "faults/jumps.rs"]
mod jumps;
#[path = "faults/schedulers.rs"]
mod schedulers;
#[path = "faults/world.rs"]
mod world;
