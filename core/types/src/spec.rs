//! What a task is to do, frozen when it is enqueued; a job holds the same form.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{BackupId, DatastoreName};
use crate::retention::Keep;
use crate::snapshot::{BackupGroup, BackupType, Namespace, SnapshotPath, SnapshotRef};
use crate::task::TaskType;
use crate::verification::VerifyDepth;

/// What a task does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum TaskSpec {
    /// Reads a tree into a datastore.
    Backup(BackupSpec),
    /// Writes a snapshot back to files.
    Restore(RestoreSpec),
    /// Copies snapshots between datastores.
    Sync(SyncSpec),
    /// Checks snapshots.
    Verify(VerifySpec),
    /// Frees unused space.
    Gc(GcSpec),
    /// Applies retention.
    Prune(PruneSpec),
}

/// A backup of one tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BackupSpec {
    /// What to read.
    pub source: Source,
    /// Where to.
    pub datastore: DatastoreName,
    /// In which namespace.
    #[serde(default)]
    pub namespace: Namespace,
    /// Kind of workload.
    #[serde(default = "host")]
    pub backup_type: BackupType,
    /// Name of the workload.
    pub backup_id: BackupId,
    /// Read every file again, whatever the metadata says.
    #[serde(default)]
    pub full: bool,
}

fn host() -> BackupType {
    BackupType::Host
}

impl BackupSpec {
    /// The group the snapshot will be of.
    pub fn group(&self) -> BackupGroup {
        BackupGroup {
            namespace: self.namespace.clone(),
            backup_type: self.backup_type,
            id: self.backup_id.clone(),
        }
    }
}

/// What a backup reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Source {
    /// An absolute path to a tree of files.
    #[schema(value_type = String)]
    pub tree: PathBuf,
    /// Globs, relative to the tree, of what to leave out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// When the tree is not there, warn instead of failing.
    #[serde(default)]
    pub optional: bool,
}

/// A restore of one snapshot to a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RestoreSpec {
    /// Which snapshot.
    pub snapshot: SnapshotRef,
    /// The folder to write to; made when missing, and empty unless `overwrite`.
    #[schema(value_type = String)]
    pub to: PathBuf,
    /// Write over files that exist.
    #[serde(default)]
    pub overwrite: bool,
    /// Restore even when the last verification was CORRUPT or MISSING.
    #[serde(default)]
    pub force: bool,
}

/// A copy of snapshots from one datastore to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SyncSpec {
    /// Where from.
    pub from: SyncSide,
    /// Where to.
    pub to: DatastoreName,
    /// Only this namespace.
    #[serde(default)]
    pub namespace: Namespace,
    /// Only these groups; all when empty.
    #[serde(default)]
    pub groups: Vec<BackupGroup>,
}

/// One side of a sync: a datastore of this hub, or of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SyncSide {
    /// The datastore's name on its hub.
    pub datastore: DatastoreName,
    /// The other hub; none for this one.
    #[serde(default)]
    pub remote: Option<Remote>,
}

/// Another hub, and how to reach and recognise it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Remote {
    /// Base address, such as `https://backup.example:8007`.
    pub url: String,
    /// Name of the secret that holds the token `USER@REALM!NAME=SECRET` or its secret part.
    pub token_secret: String,
    /// SHA-256 of the certificate in hex, pinned; none to check it against the known authorities.
    #[serde(default)]
    pub fingerprint: Option<String>,
}

/// A verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct VerifySpec {
    /// Which datastore.
    pub datastore: DatastoreName,
    /// Only this namespace; all when missing.
    #[serde(default)]
    pub namespace: Option<Namespace>,
    /// Only this snapshot.
    #[serde(default)]
    pub snapshot: Option<SnapshotPath>,
    /// How deep.
    #[serde(default)]
    pub depth: VerifyDepth,
    /// Check even what was verified within the datastore's `keep-verified`. A single snapshot is always checked.
    #[serde(default)]
    pub again: bool,
}

/// A garbage collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GcSpec {
    /// Which datastore.
    pub datastore: DatastoreName,
    /// Only say what would be freed.
    #[serde(default)]
    pub dry_run: bool,
}

/// A run of the retention rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PruneSpec {
    /// Which datastore.
    pub datastore: DatastoreName,
    /// In which namespace.
    #[serde(default)]
    pub namespace: Namespace,
    /// Only these groups; all when empty.
    #[serde(default)]
    pub groups: Vec<BackupGroup>,
    /// What to keep; an empty rule keeps everything.
    #[serde(default)]
    pub keep: Keep,
    /// The time zone in which days, weeks, months and years are counted (IANA name).
    #[serde(default = "utc")]
    pub timezone: String,
    /// Only say what would be removed.
    #[serde(default)]
    pub dry_run: bool,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl TaskSpec {
    /// The task type.
    pub fn task_type(&self) -> TaskType {
        match self {
            Self::Backup(_) => TaskType::Backup,
            Self::Restore(_) => TaskType::Restore,
            Self::Sync(_) => TaskType::Sync,
            Self::Verify(_) => TaskType::Verify,
            Self::Gc(_) => TaskType::Gc,
            Self::Prune(_) => TaskType::Prune,
        }
    }

    /// What the UPID names as worker id: the workload or the datastore.
    pub fn worker_id(&self) -> String {
        match self {
            Self::Backup(spec) => format!("{}:{}", spec.datastore, spec.group()),
            Self::Restore(spec) => spec.snapshot.to_string(),
            Self::Sync(spec) => format!("{}:{}", spec.from.datastore, spec.to),
            Self::Verify(spec) => match &spec.snapshot {
                Some(path) => format!("{}:{path}", spec.datastore),
                None => spec.datastore.to_string(),
            },
            Self::Gc(spec) => spec.datastore.to_string(),
            Self::Prune(spec) => spec.datastore.to_string(),
        }
    }

    /// What is read: a path, a snapshot, a datastore or a remote site.
    pub fn source(&self) -> Option<String> {
        match self {
            Self::Backup(spec) => Some(spec.source.tree.display().to_string()),
            Self::Restore(spec) => Some(spec.snapshot.to_string()),
            Self::Sync(spec) => Some(match &spec.from.remote {
                Some(remote) => format!("{}:{}", remote.url, spec.from.datastore),
                None => spec.from.datastore.to_string(),
            }),
            Self::Verify(_) | Self::Gc(_) | Self::Prune(_) => None,
        }
    }

    /// What is written or worked on: a workload in a datastore, a path or a datastore.
    pub fn target(&self) -> Option<String> {
        match self {
            Self::Backup(spec) => Some(format!("{}:{}", spec.datastore, spec.group())),
            Self::Restore(spec) => Some(spec.to.display().to_string()),
            Self::Sync(spec) => Some(spec.to.to_string()),
            Self::Verify(_) | Self::Gc(_) | Self::Prune(_) => Some(self.worker_id()),
        }
    }

    /// The datastores that the task works on.
    pub fn datastores(&self) -> Vec<&DatastoreName> {
        match self {
            Self::Backup(spec) => vec![&spec.datastore],
            Self::Restore(spec) => vec![&spec.snapshot.datastore],
            Self::Sync(spec) if spec.from.remote.is_some() => vec![&spec.to],
            Self::Sync(spec) => vec![&spec.from.datastore, &spec.to],
            Self::Verify(spec) => vec![&spec.datastore],
            Self::Gc(spec) => vec![&spec.datastore],
            Self::Prune(spec) => vec![&spec.datastore],
        }
    }
}
