//! Who changed what.

use std::net::IpAddr;

use ironcore_types::{ProjectName, Timestamp, UserId};
use serde_json::Value;

/// A change that is written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What was done: the kind of the object, a dot, and a word, such as `token.revoked`.
    pub action: &'static str,
    /// To what, such as `token/alice@local!laptop`.
    pub object: String,
    /// Whose object it is; none for the hub's.
    pub project: Option<ProjectName>,
    /// As it was; without secrets.
    pub before: Option<Value>,
    /// As it is now; without secrets.
    pub after: Option<Value>,
}

/// A change that was written down.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Counts up.
    pub number: i64,
    /// When.
    pub time: Timestamp,
    /// Who: a user or a token.
    pub user: UserId,
    /// From where.
    pub address: Option<IpAddr>,
    /// Which request, as logs name it.
    pub request: Option<String>,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// Whose object it is.
    pub project: Option<ProjectName>,
    /// As it was.
    pub before: Option<Value>,
    /// As it is now.
    pub after: Option<Value>,
}

/// Which changes are wanted.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// By this user or token.
    pub user: Option<UserId>,
    /// To this object, or to all whose name begins so when it ends in `/`.
    pub object: Option<String>,
    /// From then on.
    pub since: Option<Timestamp>,
    /// Before then.
    pub until: Option<Timestamp>,
    /// Those before this number: the next page.
    pub before: Option<i64>,
}

/// A page of changes, the newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditPage {
    /// The changes.
    pub entries: Vec<AuditEntry>,
    /// What to ask for the next page with; none at the end.
    pub next: Option<i64>,
}
