//! The built-in inbox plugin.
