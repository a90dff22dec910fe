//! How snapshots are named: `DATASTORE:[ns/NAMESPACE/]TYPE/ID/TIME`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{BackupId, DatastoreName};
use crate::timestamp::Timestamp;

/// What kind of workload a backup group is of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum BackupType {
    /// A virtual machine.
    Vm,
    /// A container.
    Ct,
    /// A host or a tree of files.
    Host,
}

impl BackupType {
    /// The name in references: `vm`, `ct` or `host`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vm => "vm",
            Self::Ct => "ct",
            Self::Host => "host",
        }
    }
}

impl fmt::Display for BackupType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {what}: {rule}")]
pub struct InvalidReference {
    what: &'static str,
    text: String,
    rule: &'static str,
}

const SNAPSHOT_RULE: &str =
    "write DATASTORE:[ns/NAMESPACE/]TYPE/ID/TIME, such as ibs-primary:vm/12345/2026-05-21T00:00:00Z";
const GROUP_RULE: &str = "write [ns/NAMESPACE/]TYPE/ID with TYPE vm, ct or host, such as vm/12345";
const NAMESPACE_RULE: &str =
    "write up to eight names of a-z, 0-9, '-', '_' and '.', joined by '/'; empty is the root";

impl FromStr for BackupType {
    type Err = InvalidReference;
    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        match text {
            "vm" => Ok(Self::Vm),
            "ct" => Ok(Self::Ct),
            "host" => Ok(Self::Host),
            _ => Err(InvalidReference {
                what: "backup type",
                text: text.to_owned(),
                rule: "use vm, ct or host",
            }),
        }
    }
}

/// A namespace of a datastore: names joined by `/`; the root is empty.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
#[schema(value_type = String)]
pub struct Namespace(String);

impl Namespace {
    /// The root namespace.
    pub fn root() -> Self {
        Self::default()
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The names joined by `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Namespace {
    type Err = InvalidReference;
    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        // A part must not look like the `ns` marker or a type, or references would be ambiguous.
        let part_ok = |part: &str| {
            DatastoreName::new(part).is_ok() && part != "ns" && BackupType::from_str(part).is_err()
        };
        if text.is_empty() || (text.split('/').count() <= 8 && text.split('/').all(part_ok)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidReference {
                what: "namespace",
                text: text.to_owned(),
                rule: NAMESPACE_RULE,
            })
        }
    }
}

impl TryFrom<String> for Namespace {
    type Error = InvalidReference;
    fn try_from(text: String) -> Result<Self, InvalidReference> {
        text.parse()
    }
}

impl From<Namespace> for String {
    fn from(namespace: Namespace) -> String {
        namespace.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All snapshots of one workload: `[ns/NAMESPACE/]TYPE/ID`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct BackupGroup {
    /// Where in the datastore.
    pub namespace: Namespace,
    /// Kind of workload.
    pub backup_type: BackupType,
    /// Name of the workload.
    pub id: BackupId,
}

impl fmt::Display for BackupGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.namespace.is_root() {
            write!(f, "ns/{}/", self.namespace)?;
        }
        write!(f, "{}/{}", self.backup_type, self.id)
    }
}

impl fmt::Debug for BackupGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BackupGroup {
    type Err = InvalidReference;
    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let fail = || InvalidReference {
            what: "backup group",
            text: text.to_owned(),
            rule: GROUP_RULE,
        };
        let (head, id) = text.rsplit_once('/').ok_or_else(fail)?;
        let (namespace, backup_type) = match head.rsplit_once('/') {
            None => (Namespace::root(), head),
            Some((namespace, backup_type)) => {
                let namespace = namespace
                    .strip_prefix("ns/")
                    .filter(|n| !n.is_empty())
                    .ok_or_else(fail)?;
                (namespace.parse().map_err(|_| fail())?, backup_type)
            }
        };
        Ok(Self {
            namespace,
            backup_type: backup_type.parse().map_err(|_| fail())?,
            id: BackupId::new(id).map_err(|_| fail())?,
        })
    }
}

impl TryFrom<String> for BackupGroup {
    type Error = InvalidReference;
    fn try_from(text: String) -> Result<Self, InvalidReference> {
        text.parse()
    }
}

impl From<BackupGroup> for String {
    fn from(group: BackupGroup) -> String {
        group.to_string()
    }
}

/// One snapshot within a datastore: `[ns/NAMESPACE/]TYPE/ID/TIME`. The time has whole seconds.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct SnapshotPath {
    /// Whose snapshot.
    pub group: BackupGroup,
    /// When the backup began; whole seconds.
    pub time: Timestamp,
}

impl SnapshotPath {
    /// A path; parts of a second are dropped.
    pub fn new(group: BackupGroup, time: Timestamp) -> Self {
        Self {
            group,
            time: Timestamp::from_seconds(time.as_seconds()),
        }
    }
}

impl fmt::Display for SnapshotPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group, self.time)
    }
}

impl fmt::Debug for SnapshotPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SnapshotPath {
    type Err = InvalidReference;
    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let fail = || InvalidReference {
            what: "snapshot",
            text: text.to_owned(),
            rule: SNAPSHOT_RULE,
        };
        let (group, time) = text.rsplit_once('/').ok_or_else(fail)?;
        let time: Timestamp = time.parse().map_err(|_| fail())?;
        Ok(Self::new(group.parse().map_err(|_| fail())?, time))
    }
}

impl TryFrom<String> for SnapshotPath {
    type Error = InvalidReference;
    fn try_from(text: String) -> Result<Self, InvalidReference> {
        text.parse()
    }
}

impl From<SnapshotPath> for String {
    fn from(path: SnapshotPath) -> String {
        path.to_string()
    }
}

/// One snapshot of the hub: `DATASTORE:[ns/NAMESPACE/]TYPE/ID/TIME`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct SnapshotRef {
    /// Which datastore.
    pub datastore: DatastoreName,
    /// Which snapshot in it.
    pub path: SnapshotPath,
}

impl fmt::Display for SnapshotRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.datastore, self.path)
    }
}

impl fmt::Debug for SnapshotRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SnapshotRef {
    type Err = InvalidReference;
    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let fail = || InvalidReference {
            what: "snapshot reference",
            text: text.to_owned(),
            rule: SNAPSHOT_RULE,
        };
        let (datastore, path) = text.split_once(':').ok_or_else(fail)?;
        Ok(Self {
            datastore: DatastoreName::new(datastore).map_err(|_| fail())?,
            path: path.parse().map_err(|_| fail())?,
        })
    }
}

impl TryFrom<String> for SnapshotRef {
    type Error = InvalidReference;
    fn try_from(text: String) -> Result<Self, InvalidReference> {
        text.parse()
    }
}

impl From<SnapshotRef> for String {
    fn from(reference: SnapshotRef) -> String {
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_read_and_print() {
        for text in [
            "ibs-primary:vm/12345/2026-05-21T00:00:00Z",
            "ibs-primary:ns/team-a/host/web.1/2026-05-21T00:00:00Z",
            "ibs-primary:ns/team-a/db/host/web.1/2026-05-21T00:00:00Z",
        ] {
            let reference: SnapshotRef = text.parse().expect(text);
            assert_eq!(reference.to_string(), text);
        }
        for bad in [
            "vm/12345/2026-05-21T00:00:00Z",
            "ibs-primary:vm/12345",
            "ibs-primary:qemu/12345/2026-05-21T00:00:00Z",
            "ibs-primary:team/vm/1/2026-05-21T00:00:00Z",
            "ibs-primary:ns/vm/1/2026-05-21T00:00:00Z",
            "ibs-primary:ns//vm/1/2026-05-21T00:00:00Z",
            "ibs-primary:ns/../vm/1/2026-05-21T00:00:00Z",
            "ibs-primary:vm/../2026-05-21T00:00:00Z",
        ] {
            assert!(bad.parse::<SnapshotRef>().is_err(), "{bad}");
        }
    }
}
