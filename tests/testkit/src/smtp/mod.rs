//! Real mail servers: Postfix with Dovecot's login and a mailbox on disk (`servers`, set up by `configuration`),
//! and one that answers as a test tells it (`scripted`). Here is whom they serve.

mod configuration;
mod scripted;
mod servers;

pub use scripted::{ScriptedSmtp, SmtpPlan, TakenMail};
pub use servers::{MailServer, StoredMail};

/// The login that Postfix accepts.
pub const USER: &str = "hub";
/// Its password.
pub const PASSWORD: &str = "right-password-of-the-hub";
/// Every address of this domain ends in the mailbox; a login may send to others, which Postfix then rejects.
pub const DOMAIN: &str = "example.test";
