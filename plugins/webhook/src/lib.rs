//! The built-in webhook plugin.
