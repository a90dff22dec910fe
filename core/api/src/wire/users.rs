//! Users, roles, grants, signing in, and who changed what.

use ironcore_types::{ProjectName, Right, RoleName, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Session;

/// Who signs in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// `NAME@REALM`; the realm is `local` when it is left out.
    pub user: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for LoginRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginRequest")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Somebody is signed in; the secret is in a cookie that no script reads.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoggedIn {
    /// Who, and what that allows.
    pub session: Session,
    /// To be sent as `X-CSRF-Token` with every request that changes something.
    pub csrf_token: String,
    /// What stands in for a second factor that was set up on the way, shown this once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovery_codes: Vec<String>,
}

/// An identity provider at which one can sign in: at `/api/v1/login/oidc/REALM`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginWay {
    /// The realm of its users.
    pub realm: String,
    /// What people know it by.
    pub title: String,
}

/// Where one can sign in, beside a password here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginWays {
    /// The identity providers.
    pub ways: Vec<LoginWay>,
}

/// The first administrator of a hub.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUpHub {
    /// What `serve` printed and left in `setup.token`.
    pub token: String,
    /// `NAME@local`; the realm may be left out.
    pub user: String,
    /// For people.
    #[serde(default)]
    pub name: Option<String>,
    /// Where the user is reached.
    #[serde(default)]
    pub email: Option<String>,
    /// 12 characters or more.
    pub password: String,
}

/// What a user may do somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// Which role.
    pub role: RoleName,
    /// In which project; null for the whole hub.
    pub project: Option<ProjectName>,
    /// Since when.
    pub granted: Timestamp,
    /// Who granted it.
    pub by: Option<UserId>,
}

/// A role at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleAt {
    /// Which role.
    pub role: RoleName,
    /// In which project; the whole hub when missing.
    #[serde(default)]
    pub project: Option<ProjectName>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// `NAME@REALM`.
    pub user: UserId,
    /// For people.
    pub name: Option<String>,
    /// Where the user is reached.
    pub email: Option<String>,
    /// Whether it may sign in, and use its tokens.
    pub enabled: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When the password was set; null when there is none.
    pub password_set: Option<Timestamp>,
    /// Since when a second factor is asked for; null when it has none.
    pub second_factor: Option<Timestamp>,
    /// When it signed in last.
    pub last_login: Option<Timestamp>,
    /// Until when nobody may sign in by this name, after failures.
    pub locked_until: Option<Timestamp>,
    /// What it may do.
    pub grants: Vec<Grant>,
}

/// The users of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserList {
    /// By name.
    pub users: Vec<User>,
}

/// A user to be made.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// `NAME@REALM`.
    pub user: UserId,
    /// For people.
    #[serde(default)]
    pub name: Option<String>,
    /// Where the user is reached.
    #[serde(default)]
    pub email: Option<String>,
    /// 12 characters or more. Without one the user cannot sign in, but have tokens.
    #[serde(default)]
    pub password: Option<String>,
    /// What it may do from the beginning.
    #[serde(default)]
    pub grants: Vec<RoleAt>,
}

/// What changes of a user; what is missing stays.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeUser {
    /// For people; an empty text takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the user is reached; an empty text takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether it may sign in, and use its tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Another password; it signs the user out everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// One's own password, and the one to come.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password that is good now.
    pub old: String,
    /// 12 characters or more.
    pub new: String,
}

super::quiet!(SetUpHub, CreateUser, ChangeUser, ChangePassword, LoggedIn);

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Role {
    /// Its name.
    pub name: RoleName,
    /// What it allows, beside reading.
    pub rights: Vec<Right>,
    /// What it is for.
    pub comment: Option<String>,
    /// Whether every hub has it; such a role cannot be changed.
    pub built_in: bool,
}

/// The roles of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleList {
    /// Those that every hub has first.
    pub roles: Vec<Role>,
}

/// A role to be made or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutRole {
    /// What it allows, beside reading.
    pub rights: Vec<Right>,
    /// What it is for.
    #[serde(default)]
    pub comment: Option<String>,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Counts up.
    pub number: i64,
    /// When.
    pub time: Timestamp,
    /// Who: a user or a token.
    pub user: UserId,
    /// From which address.
    pub address: Option<String>,
    /// By which request, as the hub's log names it.
    pub request: Option<String>,
    /// What was done, such as `token.revoked`.
    pub action: String,
    /// To what, such as `token/alice@local!laptop`.
    pub object: String,
    /// Whose object it is; null for the hub's.
    pub project: Option<ProjectName>,
    /// As it was, without secrets.
    pub before: Option<serde_json::Value>,
    /// As it is now, without secrets.
    pub after: Option<serde_json::Value>,
}

/// A page of changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditList {
    /// The newest first.
    pub entries: Vec<AuditEntry>,
    /// What to ask for the next page with, as `cursor`; null at the end.
    pub next: Option<String>,
}
