//! Tokens: who may speak to the hub, with which role.

use std::fmt;
use std::str::FromStr;

use ironcore_types::{ProjectName, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// What a token may do. A `Member` sees and uses its own project; the others see everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Admin,
    /// Runs, cancels and watches; changes no configuration.
    Operator,
    /// Looks only.
    Auditor,
    /// Works within one project.
    Member,
}

impl Role {
    /// The word in the database, the API and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Member => "member",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a role: use admin, operator, auditor or member")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        match text {
            "admin" => Ok(Self::Admin),
            "operator" => Ok(Self::Operator),
            "auditor" => Ok(Self::Auditor),
            "member" => Ok(Self::Member),
            _ => Err(UnknownRole(text.to_owned())),
        }
    }
}

/// A token to be made. The secret itself never comes here.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// `USER@REALM!NAME`; unique.
    pub user: UserId,
    /// What it may do.
    pub role: Role,
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
    pub role: Role,
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
