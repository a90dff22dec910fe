//! People and what they may do: users, roles, grants, and how they sign in.

use std::net::IpAddr;
use std::time::Duration;

use ironcore_types::{ProjectName, Right, Rights, RoleName, Timestamp, UserId};

/// Who changes something, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub user: UserId,
    /// From where, as far as that is known.
    pub address: Option<IpAddr>,
    /// Which request, as logs and answers name it.
    pub request: Option<String>,
}

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// `NAME@REALM`.
    pub user: UserId,
    /// For people.
    pub name: Option<String>,
    /// Where the user is reached.
    pub email: Option<String>,
    /// The argon2id hash of the password, as a PHC string; none for who signs in elsewhere.
    pub password: Option<String>,
}

/// A user, without anything that would let one sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// `NAME@REALM`.
    pub user: UserId,
    /// For people.
    pub name: Option<String>,
    /// Where the user is reached.
    pub email: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it; none for the first.
    pub created_by: Option<UserId>,
    /// Since when it may not sign in, nor use tokens.
    pub disabled: Option<Timestamp>,
    /// When the password was set; none when there is none.
    pub password_set: Option<Timestamp>,
    /// Since when a second factor is asked for.
    pub second_factor: Option<Timestamp>,
    /// When the user signed in last.
    pub last_login: Option<Timestamp>,
    /// Until when nobody may sign in by this name, after failures.
    pub locked_until: Option<Timestamp>,
    /// What it may do.
    pub grants: Vec<Grant>,
}

/// Somebody whom an identity provider has sent.
#[derive(Debug, Clone)]
pub struct Elsewhere {
    /// `NAME@REALM`.
    pub user: UserId,
    /// What the provider knows it by, whatever its name: issuer and subject.
    pub subject: String,
    /// For people.
    pub name: Option<String>,
    /// Where the user is reached.
    pub email: Option<String>,
    /// Whether the user is made when there is none.
    pub create: bool,
    /// The roles that go with its groups; none when people alone give roles.
    pub grants: Option<Vec<(RoleName, Option<ProjectName>)>>,
}

/// What changes of a user. What is none stays.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// For people; an empty text takes it away.
    pub name: Option<String>,
    /// Where the user is reached; an empty text takes it away.
    pub email: Option<String>,
    /// Whether the user may sign in.
    pub enabled: Option<bool>,
    /// The argon2id hash of another password, as a PHC string. It ends what was signed in with the one before.
    pub password: Option<String>,
}

/// What is asked of who signs in. Not to be shown to anybody.
#[derive(Clone)]
pub struct Credentials {
    /// The argon2id hash of the password; none when there is none.
    pub password: Option<String>,
    /// The second factor.
    pub second_factor: Option<SecondFactor>,
    /// How many codes are left that stand in for it.
    pub recovery_codes: u32,
    /// Whether the user may sign in at all.
    pub enabled: bool,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// A second factor, sealed with the hub's key.
#[derive(Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// The sealed secret.
    pub sealed: Vec<u8>,
    /// Whether the user has shown a code of it; until then it is not asked for.
    pub confirmed: bool,
    /// The time step of the last code that was taken: none is taken twice.
    pub last_step: i64,
}

impl std::fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("SecondFactor");
        shown.field("confirmed", &self.confirmed).finish_non_exhaustive()
    }
}

/// What a user may do, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose.
    pub user: UserId,
    /// Which role.
    pub role: RoleName,
    /// In which project; none for the whole hub.
    pub project: Option<ProjectName>,
    /// Since when.
    pub granted: Timestamp,
    /// Who granted it; none for the first.
    pub by: Option<UserId>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRow {
    /// Its name.
    pub name: RoleName,
    /// What it allows.
    pub rights: Vec<Right>,
    /// What it is for.
    pub comment: Option<String>,
    /// When it was made; none for those that every hub has.
    pub created: Option<Timestamp>,
    /// Who made it.
    pub by: Option<UserId>,
}

/// Somebody signed in, with a secret for the browser.
#[derive(Debug, Clone)]
pub struct NewLogin {
    /// Who.
    pub user: UserId,
    /// SHA-256 of the secret.
    pub secret_sha256: [u8; 32],
    /// From where.
    pub address: Option<IpAddr>,
    /// With which program, as it says itself.
    pub agent: Option<String>,
    /// The time step of the code of the second factor, when one was asked for.
    pub step: Option<i64>,
    /// SHA-256 of the recovery code that was given in its place.
    pub recovery: Option<[u8; 32]>,
    /// SHA-256 of what the browser went on with from the password to the second factor.
    pub after: Option<[u8; 32]>,
    /// It ends when it is not used for so long.
    pub idle: Duration,
    /// It ends after this time in any case.
    pub longest: Duration,
}

/// What somebody is signed in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Who.
    pub user: UserId,
    /// With which of the user's grants: one at a time.
    pub role: RoleName,
    /// In which project; none for the whole hub.
    pub project: Option<ProjectName>,
    /// What the role allows.
    pub rights: Rights,
    /// Since when.
    pub created: Timestamp,
    /// When it was used last, to the minute.
    pub seen: Timestamp,
    /// When it ends unless it is used.
    pub expires: Timestamp,
    /// From where it began.
    pub address: Option<IpAddr>,
    /// With which program.
    pub agent: Option<String>,
    /// SHA-256 of the secret.
    pub secret_sha256: [u8; 32],
}

/// How many failures lock a name, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockPolicy {
    /// Failures within `within` that lock it.
    pub failures: u32,
    /// How long a failure counts.
    pub within: Duration,
    /// For how long it is locked.
    pub lock: Duration,
}
