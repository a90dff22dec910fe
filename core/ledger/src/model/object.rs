//! What people configured, as far as the ledger knows more than they wrote.

use ironcore_types::objects::DatastoreObject;
use ironcore_types::snapshot::BackupGroup;
use ironcore_types::{HubId, ProjectName, Timestamp};
use serde::{Deserialize, Serialize};

/// What `apply` did, each object as `project/NAME`, `datastore/NAME`, `group/PROJECT/NAME` or `job/PROJECT/NAME`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyReport {
    /// Objects that were not there before.
    pub created: Vec<String>,
    /// Objects that differ now.
    pub changed: Vec<String>,
    /// Objects that were so already.
    pub unchanged: Vec<String>,
}

/// A datastore as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatastoreRow {
    /// As configured.
    pub object: DatastoreObject,
    /// The Ed25519 public key its manifests must be signed with; none until it was created or attached.
    pub public_key: Option<[u8; 32]>,
    /// The hub that owns it.
    pub owner: Option<HubId>,
    /// What was last seen of it.
    pub status: Option<DatastoreStatus>,
    /// When it was declared.
    pub created: Timestamp,
}

/// What was seen of a datastore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatastoreStatus {
    /// Whether it can be used.
    pub online: bool,
    /// Bytes used.
    pub used: Option<u64>,
    /// Bytes free.
    pub free: Option<u64>,
    /// Why it is offline, in words.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A backup group and the project that owns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOwner {
    /// Which group.
    pub group: BackupGroup,
    /// Its first writer.
    pub project: ProjectName,
}
