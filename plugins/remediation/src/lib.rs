//! The built-in remediation plugin.
