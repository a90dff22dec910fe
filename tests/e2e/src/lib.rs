//! Whole nights against a real hub and real receivers.
