//! Whole nights against a real hub and real receivers.

pub mod night;
