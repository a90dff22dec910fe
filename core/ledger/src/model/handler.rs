//! Which handler is meant, as a value and as text. What handlers are is in `ironcore_types::objects`.

use ironcore_types::{GroupName, HandlerName, ProjectName};
use serde::{Deserialize, Serialize};

/// A handler by name: in a group of a project, or the hub's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HandlerRef {
    /// Whose; none for the hub's own.
    pub project: Option<ProjectName>,
    /// Its group. Handlers that are built in may use a group that nobody declared.
    pub group: GroupName,
    /// Its name.
    pub handler: HandlerName,
}

impl std::fmt::Display for HandlerRef {
    /// `PROJECT/GROUP/HANDLER`, with `-` for the hub's own.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.project {
            Some(project) => write!(f, "{project}/{}/{}", self.group, self.handler),
            None => write!(f, "-/{}/{}", self.group, self.handler),
        }
    }
}

/// A text that names no handler.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no handler: write PROJECT/GROUP/HANDLER, with - for a handler of the hub")]
pub struct InvalidHandlerRef(String);

impl std::str::FromStr for HandlerRef {
    type Err = InvalidHandlerRef;
    fn from_str(text: &str) -> Result<Self, InvalidHandlerRef> {
        let fail = || InvalidHandlerRef(text.to_owned());
        let mut parts = text.split('/');
        let (Some(project), Some(group), Some(handler), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(fail());
        };
        Ok(Self {
            project: match project {
                "-" => None,
                name => Some(ProjectName::new(name).map_err(|_| fail())?),
            },
            group: GroupName::new(group).map_err(|_| fail())?,
            handler: HandlerName::new(handler).map_err(|_| fail())?,
        })
    }
}
