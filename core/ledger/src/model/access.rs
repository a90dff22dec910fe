//! Tokens: who may speak to the hub, with which role.

pub use ironcore_types::right::Role;
use ironcore_types::{ProjectName, Rights, RoleName, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// A token to be made. The secret itself never comes here.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// `USER@REALM!NAME`; unique.
    pub user: UserId,
    /// What it may do.
    pub role: RoleName,
    /// The project it is bound to; required for a member.
    pub project: Option<ProjectName>,
    /// SHA-256 of the secret.
    pub secret_sha256: [u8; 32],
    /// For people.
    pub comment: Option<String>,
    /// When it stops being valid.
    pub expires: Option<Timestamp>,
    /// Who makes it; told in the event.
    pub actor: Option<UserId>,
}

/// A token, without anything that would let one use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// `USER@REALM!NAME`.
    pub user: UserId,
    /// What it may do.
    pub role: RoleName,
    /// The project it is bound to.
    pub project: Option<ProjectName>,
    /// For people.
    pub comment: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it stops being valid.
    pub expires: Option<Timestamp>,
    /// When it was taken back.
    pub revoked: Option<Timestamp>,
    /// Who made it; none when the hub did.
    #[serde(default)]
    pub by: Option<UserId>,
    /// When it was used last, to the minute.
    #[serde(default)]
    pub last_used: Option<Timestamp>,
}

/// What the role of a token allows and its owner may not do there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// Everything: the owner has no role there, or may not sign in.
    All,
    /// These rights.
    These(Rights),
}
