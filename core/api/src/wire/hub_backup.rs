//! Copies of the hub's own state.

use ironcore_types::event::ErrorData;
use ironcore_types::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a copy of the hub's own state is to hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MakeHubBackup {
    /// How many archives of this kind stay, this one included, 1 to 1000; as the hub is configured when missing.
    pub keep: Option<u32>,
    /// Leaves out what opens something: the keys, and the token of the local administrator.
    pub without_keys: bool,
}

/// Where a copy is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HubBackupState {
    /// Others are made before it.
    Waiting,
    /// It is being made.
    Running,
    /// Its archive is whole and on disk.
    Done,
    /// There is no archive.
    Failed,
}

/// A copy of the hub's own state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HubBackup {
    /// Its id, as long as the process lives that makes it.
    pub id: String,
    /// Where it is in its life.
    pub state: HubBackupState,
    /// Who asked for it; null for the hub, which makes one regularly.
    pub user: Option<UserId>,
    /// When it was asked for.
    pub asked: Timestamp,
    /// When it was done, or had failed.
    pub ended: Option<Timestamp>,
    /// What was made.
    pub archive: Option<HubArchive>,
    /// Why it failed.
    pub error: Option<ErrorData>,
}

impl HubBackup {
    /// Whether nothing more becomes of it.
    pub fn is_over(&self) -> bool {
        matches!(self.state, HubBackupState::Done | HubBackupState::Failed)
    }
}

/// An archive of the hub's own state: a tar file, compressed with zstd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HubArchive {
    /// The file, on the hub's machine.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of it, in hexadecimal digits.
    pub sha256: String,
    /// Whether it holds the keys and the token of the local administrator.
    pub keys: bool,
    /// The files in it.
    pub files: Vec<String>,
    /// Older archives that were removed.
    pub removed: Vec<String>,
}

/// An archive that lies in the folder for them, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoredHubArchive {
    /// The file, on the hub's machine.
    pub path: String,
    /// Its size, in bytes.
    pub bytes: u64,
    /// When it was made, as its name has it.
    pub made: Timestamp,
}

/// Copies of the hub's own state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HubBackupList {
    /// Those that were asked for since the process began, at most twenty, newest first.
    pub backups: Vec<HubBackup>,
    /// The archives that there are, newest first: also those that were made before the process began.
    pub archives: Vec<StoredHubArchive>,
}
