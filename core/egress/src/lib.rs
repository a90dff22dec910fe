//! Everything that leaves the machine: HTTP, SMTP, secrets, signing, address filter, redaction.
