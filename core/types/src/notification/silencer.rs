//! What silenced an event: a silence that somebody made, or a maintenance window that was declared.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{MaintenanceName, ProjectName, SilenceId};

/// A silence or a maintenance window by name: `silence/ID`, `maintenance/PROJECT/NAME`, or `maintenance/NAME` for one of
/// the hub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Silencer {
    /// A silence.
    Silence(SilenceId),
    /// A maintenance window.
    Maintenance {
        /// Whose; the hub's when none.
        project: Option<ProjectName>,
        /// Its name.
        name: MaintenanceName,
    },
}

crate::words::text!(
    Silencer,
    "What silenced an event: `silence/ID`, `maintenance/PROJECT/NAME`, or `maintenance/NAME` for a window of the hub.",
    "maintenance/office/patches"
);

/// A text that names neither a silence nor a maintenance window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names neither a silence nor a maintenance window")]
pub struct InvalidSilencer(String);

impl fmt::Display for Silencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence(id) => write!(f, "silence/{id}"),
            Self::Maintenance { project, name } => match project {
                Some(project) => write!(f, "maintenance/{project}/{name}"),
                None => write!(f, "maintenance/{name}"),
            },
        }
    }
}

impl FromStr for Silencer {
    type Err = InvalidSilencer;

    fn from_str(text: &str) -> Result<Self, InvalidSilencer> {
        let invalid = || InvalidSilencer(text.to_owned());
        let parts: Vec<&str> = text.split('/').collect();
        let window = |project, name: &str| {
            let name = MaintenanceName::new(name).map_err(|_| invalid())?;
            Ok(Self::Maintenance { project, name })
        };
        match parts.as_slice() {
            ["silence", id] => id.parse().map(Self::Silence).map_err(|_| invalid()),
            ["maintenance", name] => window(None, name),
            ["maintenance", project, name] => {
                window(Some(ProjectName::new(*project).map_err(|_| invalid())?), name)
            }
            _ => Err(invalid()),
        }
    }
}

impl TryFrom<String> for Silencer {
    type Error = InvalidSilencer;

    fn try_from(text: String) -> Result<Self, InvalidSilencer> {
        text.parse()
    }
}

impl From<Silencer> for String {
    fn from(silencer: Silencer) -> Self {
        silencer.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silencers_read_back() {
        for text in [
            "silence/0197a1c2-5f3a-7c11-9d5e-2b7c1a9e4d10",
            "maintenance/patches",
            "maintenance/office/patches",
        ] {
            assert_eq!(text.parse::<Silencer>().expect(text).to_string(), text);
        }
        for text in ["", "silence/", "silence/x", "maintenance/a/b/c", "rule/a"] {
            assert!(text.parse::<Silencer>().is_err(), "{text}");
        }
    }
}
