//! The hub itself: health, status, who is asking, tokens and plugins.

use ironcore_types::{
    ErrorCode, HubId, NodeName, PluginName, ProjectName, Right, RoleName, SessionId, TaskType, Timestamp,
    UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::silences::ActiveSilence;

/// Whether the hub answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
}

/// The hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hub {
    /// Its id; never changes.
    pub id: HubId,
    /// The machine that answers.
    pub name: NodeName,
    /// Version of the program.
    pub version: String,
}

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The user or token.
    pub user: UserId,
    /// By which role.
    pub role: RoleName,
    /// What that lets one do here, beside reading.
    #[serde(default)]
    pub rights: Vec<Right>,
    /// The only project that it sees; null for all.
    pub project: Option<ProjectName>,
    /// The hub that answers.
    pub hub: Hub,
}

/// Whether a service is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceState {
    /// A process does its work.
    Online,
    /// The process is not heard of: its lease has run out, and it is taken for lost in a moment.
    Silent,
    /// No process does its work now.
    Offline,
}

/// A service of the hub, such as `worker`: one line for each process that does it, or one that says that none does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Service {
    /// `api`, `scheduler`, `worker`, `verifier`, `gc`, `sync` or `notify`.
    pub service: String,
    /// Whether it is at work.
    pub state: ServiceState,
    /// The machine it runs on.
    pub node: Option<NodeName>,
    /// The process.
    pub pid: Option<u32>,
    /// The process's session.
    pub session: Option<SessionId>,
    /// When the session began.
    pub started: Option<Timestamp>,
    /// Task types that the process runs.
    pub types: Vec<TaskType>,
    /// Tasks that the process runs now, of all its services.
    pub running: u64,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// SHA-256 of it, in hexadecimal digits: what clients pin.
    pub fingerprint: String,
    /// When it ends.
    pub ends: Timestamp,
    /// Whether the hub made it itself, and renews it.
    pub generated: bool,
}

/// How the hub is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The hub.
    pub hub: Hub,
    /// The certificate that it shows; null without TLS of its own.
    #[serde(default)]
    pub certificate: Option<Certificate>,
    /// Its time.
    pub time: Timestamp,
    /// Its services.
    pub services: Vec<Service>,
    /// Since when the scheduler is paused, so that no job starts by itself; null while it is not.
    pub scheduler_paused: Option<Timestamp>,
    /// Tasks that wait for a worker.
    pub queue_depth: u64,
    /// Tasks that run.
    pub running: u64,
    /// What silences notifications now, of those that reach the token's project.
    #[serde(default)]
    pub silences: Vec<ActiveSilence>,
    /// What is wrong with the templates of the admin's folder, with file, line and column: the built-in ones are used instead.
    /// For those who see the whole hub.
    #[serde(default)]
    pub template_faults: Vec<String>,
}

/// The scheduler after a pause or resume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchedulerState {
    /// Whether it is paused.
    pub paused: bool,
}

/// A token; its secret is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Who uses it: `NAME@REALM!TOKEN`.
    pub user: UserId,
    /// What it may do.
    pub role: RoleName,
    /// The only project that it sees; null for all.
    pub project: Option<ProjectName>,
    /// What it is for.
    pub comment: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When it was taken back.
    pub revoked: Option<Timestamp>,
    /// Who made it.
    #[serde(default)]
    pub by: Option<UserId>,
    /// When it was used last, to the minute.
    #[serde(default)]
    pub last_used: Option<Timestamp>,
}

/// The tokens of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// The tokens.
    pub tokens: Vec<Token>,
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// Who will use it: `NAME@REALM!TOKEN`.
    pub user: UserId,
    /// What it may do.
    pub role: RoleName,
    /// The only project that it sees; members must have one.
    #[serde(default)]
    pub project: Option<ProjectName>,
    /// What it is for.
    #[serde(default)]
    pub comment: Option<String>,
    /// When it ends.
    #[serde(default)]
    pub expires: Option<Timestamp>,
}

/// A token that was made. This is the only time that its secret is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedToken {
    /// The token.
    pub token: Token,
    /// What goes behind `Authorization: Bearer`.
    pub secret: String,
    /// Whether it is of any use now: not when its user has no role there, or may not sign in.
    #[serde(default)]
    pub usable: bool,
    /// What its role allows and its user may not do there, so that the token may not either.
    #[serde(default)]
    pub withheld: Vec<Right>,
}

impl std::fmt::Debug for CreatedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedToken")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

/// A plugin of the hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plugin {
    /// Its name.
    pub name: PluginName,
    /// Its version.
    pub version: String,
    /// What it is for.
    pub description: String,
    /// Whether it came with the hub.
    pub builtin: bool,
    /// What it does: `deliver`, `advise` or both.
    pub exports: Vec<String>,
    /// What it may use.
    pub capabilities: Vec<String>,
    /// JSON Schema of a handler's configuration.
    #[schema(value_type = Object)]
    pub config_schema: serde_json::Value,
}

/// A plugin that was not loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedPlugin {
    /// Its file.
    pub file: String,
    /// Its name, when it could be read.
    pub name: Option<PluginName>,
    /// The stable code.
    pub code: ErrorCode,
    /// Why, in words.
    pub reason: String,
}

/// The plugins of the hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PluginList {
    /// The plugins, by name.
    pub plugins: Vec<Plugin>,
    /// What was not loaded; shown to those who see the whole hub only.
    pub refused: Vec<RefusedPlugin>,
}
