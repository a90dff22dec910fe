//! The built-in email plugin.
