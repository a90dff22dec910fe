//! A newtype for each id, so that none can be passed where another is wanted.
//!
//! Names that people give are slugs (immutable, 1 to 63 characters); keys of rows are integers or UUIDs.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Why a text is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {value:?} is not valid: {rule}")]
pub struct InvalidName {
    kind: &'static str,
    value: String,
    rule: &'static str,
}

const SLUG_RULE: &str = "use 1 to 63 of a-z, 0-9, '-', '_' and '.', beginning with a letter or a digit";

fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
        && text.as_bytes()[0].is_ascii_alphanumeric()
}

fn is_backup_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && text.as_bytes()[0].is_ascii_alphanumeric()
}

fn is_user(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.@!".contains(&b))
        && text.as_bytes()[0].is_ascii_alphanumeric()
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $check:ident, $rule:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        #[schema(value_type = String)]
        pub struct $type(String);

        impl $type {
            /// Checks `text` and makes a name of it.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
                let value = text.into();
                if $check(&value) {
                    Ok(Self(value))
                } else {
                    Err(InvalidName { kind: $kind, value, rule: $rule })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// A project: jobs, groups, inbox and tokens belong to one.
    ProjectName, "project name", is_slug, SLUG_RULE
);
name!(
    /// A datastore of the hub, such as `ibs-primary`.
    DatastoreName, "datastore name", is_slug, SLUG_RULE
);
name!(
    /// A job within its project.
    JobName, "job name", is_slug, SLUG_RULE
);
name!(
    /// A notification group within its project.
    GroupName, "group name", is_slug, SLUG_RULE
);
name!(
    /// A handler within its group.
    HandlerName, "handler name", is_slug, SLUG_RULE
);
name!(
    /// A maintenance window within its project, or of the hub.
    MaintenanceName, "name of a maintenance window", is_slug, SLUG_RULE
);
name!(
    /// What somebody may do, by name: `admin`, `operator`, `auditor`, `member`, or one of the hub's own.
    RoleName, "role name", is_slug, SLUG_RULE
);
name!(
    /// A plugin, as its manifest says.
    PluginName, "plugin name", is_slug, SLUG_RULE
);
name!(
    /// A key that opens encrypted data, or signs a datastore. The key itself is a file that only the workers have which
    /// may use it.
    KeyId, "key id", is_slug, SLUG_RULE
);

impl KeyId {
    /// The id of a key that signs manifests (Ed25519), by the first eight bytes of its public half. The ledger's tables
    /// say the same in SQL.
    pub fn signing(public_key: &[u8; 32]) -> Self {
        let (start, _) = public_key.split_at(8);
        let digits: String = start.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("signing-{digits}"))
    }
}

name!(
    /// A machine that runs a part of the hub.
    NodeName, "node name", is_slug, SLUG_RULE
);
name!(
    /// What a backup group calls its workload within a type: `12345` in `vm/12345`.
    BackupId, "backup id", is_backup_id,
    "use 1 to 128 of letters, digits, '-', '_' and '.', beginning with a letter or a digit"
);
name!(
    /// A user `NAME@REALM` or a token `NAME@REALM!TOKEN`.
    UserId, "user id", is_user,
    "use NAME@REALM or NAME@REALM!TOKEN of letters, digits, '-', '_', '.', '@' and '!'"
);

impl From<crate::right::Role> for RoleName {
    fn from(role: crate::right::Role) -> Self {
        Self(role.as_str().to_owned())
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, ToSchema)]
        #[serde(transparent)]
        #[schemars(with = "String")]
        #[schema(value_type = String, format = "uuid")]
        pub struct $type(pub Uuid);

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $type {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// An event; UUIDv7.
    EventId
);
uuid_id!(
    /// A message to one recipient; the idempotency key that its receiver sees; UUIDv7.
    MessageId
);
uuid_id!(
    /// A silence; UUIDv7.
    SilenceId
);
uuid_id!(
    /// An incident: trouble of one cause, from its first event to its end; UUIDv7.
    IncidentId
);
uuid_id!(
    /// One life of a worker process; what a lease is fenced by; UUIDv7.
    SessionId
);
uuid_id!(
    /// The hub itself; made once, when its ledger is created; UUIDv7.
    HubId
);

/// The ledger's number of a task.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(transparent)]
pub struct TaskId(pub i64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_checked() {
        assert!(DatastoreName::new("ibs-primary").is_ok());
        for bad in ["", "-a", "A", "a/b", "a b", "..", &"a".repeat(64)] {
            assert!(DatastoreName::new(bad).is_err(), "{bad:?}");
        }
        assert!(UserId::new("sync@polystack!replication").is_ok());
        assert!(serde_json::from_str::<JobName>("\"no spaces\"").is_err());
    }

    #[test]
    fn keys_that_sign_have_valid_ids() {
        let key = KeyId::signing(&std::array::from_fn(|at| if at == 0 { 0xa0 } else { 7 }));
        assert_eq!(key.as_str(), "signing-a007070707070707");
        assert_eq!(KeyId::new(key.as_str()), Ok(key));
    }
}
