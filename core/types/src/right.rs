//! What can be done beside reading, and which of it the roles that every hub has allow. A role of one's own is a name and a
//! list of these.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::RoleName;

macro_rules! rights {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal / $reach:ident, $words:literal;)+) => {
        /// What can be done beside reading.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum Right { $($(#[doc = $doc])+ #[serde(rename = $text)] $variant,)+ }

        impl Right {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used everywhere.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// What it lets one do, to stand behind "may not".
            pub fn words(self) -> &'static str {
                match self { $(Self::$variant => $words),+ }
            }

            /// How far one must see to use it.
            pub fn reach(self) -> Reach {
                match self { $(Self::$variant => Reach::$reach),+ }
            }
        }
    };
}

/// How far one must see to use a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It is good within a project, and for all of them.
    Project,
    /// It is about the hub: granted on a project, it is of no use.
    Hub,
}

rights! {
    /// Run a job that is configured.
    RunJobs = "run-jobs" / Project, "run jobs";
    /// Cancel a task.
    CancelTasks = "cancel-tasks" / Project, "cancel tasks";
    /// Take the action of a tip.
    TakeActions = "take-actions" / Project, "take the actions of tips";
    /// Take an event or an incident on, for everybody who sees it.
    Acknowledge = "acknowledge" / Project, "acknowledge events and incidents";
    /// Verify snapshots and datastores.
    Verify = "verify" / Project, "start a verification";
    /// Pause a job, and let it go on.
    PauseJobs = "pause-jobs" / Project, "pause or resume jobs";
    /// Send a message again.
    ReplayMessages = "replay-messages" / Project, "send messages again";
    /// Send test messages, and see what handlers would make of events.
    TestHandlers = "test-handlers" / Project, "test handlers";
    /// Silence the groups of a project, and end such silences.
    Silence = "silence" / Project, "silence notifications";
    /// Collect garbage.
    CollectGarbage = "collect-garbage" / Project, "start a garbage collection";
    /// Prune snapshots.
    Prune = "prune" / Project, "start a prune";
    /// Sync between datastores of this hub.
    Sync = "sync" / Project, "start a sync";
    /// Read whole datastores, as another hub does that syncs from here.
    ReadDatastores = "read-datastores" / Project, "read whole datastores";
    /// Silence everybody's groups, and end such silences.
    SilenceHub = "silence-hub" / Hub, "silence the notifications of the whole hub";
    /// Pause and resume the scheduler.
    PauseScheduler = "pause-scheduler" / Hub, "pause or resume the scheduler";
    /// Back up a path that no job names.
    BackUpPaths = "back-up-paths" / Hub, "back up a path that no job names";
    /// Restore to a path of the hub.
    RestorePaths = "restore-paths" / Hub, "restore to a path of the hub";
    /// Sync with another hub.
    SyncRemote = "sync-remote" / Hub, "sync with another hub";
    /// Read the figures of the whole hub.
    ReadFigures = "read-figures" / Hub, "read the figures of the hub";
    /// See everything that is configured, and the names of secrets.
    Export = "export" / Hub, "export the configuration";
    /// See users, roles, grants and tokens, and who changed what.
    ReadAccess = "read-access" / Hub, "see who may do what, and who changed what";
    /// Copy the hub's own state.
    BackUpHub = "back-up-hub" / Hub, "copy the hub's own state";
    /// Apply declarations, add datastores, and remove what was declared or added; set and forget secrets.
    Configure = "configure" / Hub, "change the configuration";
    /// Make and change users, roles, grants and tokens.
    ManageAccess = "manage-access" / Hub, "change who may do what";
}

crate::words::described!(Right, "What can be done beside reading.");

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not a right: use {}", .known.join(", "))]
pub struct UnknownRight {
    word: String,
    known: Vec<&'static str>,
}

impl FromStr for Right {
    type Err = UnknownRight;
    fn from_str(text: &str) -> Result<Self, UnknownRight> {
        let found = Self::ALL.iter().find(|right| right.as_str() == text);
        found.copied().ok_or_else(|| UnknownRight {
            word: text.to_owned(),
            known: Self::ALL.iter().map(|right| right.as_str()).collect(),
        })
    }
}

/// A set of rights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rights(u32);

impl Rights {
    /// None: whoever has these looks only.
    pub const NONE: Self = Self(0);

    /// Every right.
    pub fn all() -> Self {
        Right::ALL.iter().copied().collect()
    }

    /// Whether this right is among them.
    pub fn has(self, right: Right) -> bool {
        self.0 & bit(right) != 0
    }

    /// Those that both have.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that either has.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// In the order of their list.
    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.iter().copied().filter(move |right| self.has(*right))
    }
}

fn bit(right: Right) -> u32 {
    1 << right as u32
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        Self(rights.into_iter().fold(0, |bits, right| bits | bit(right)))
    }
}

/// What a member of a project may do there.
const MEMBER: &[Right] = &[
    Right::RunJobs,
    Right::CancelTasks,
    Right::TakeActions,
    Right::Acknowledge,
    Right::Verify,
];

/// What an operator may do beside that.
const OPERATOR: &[Right] = &[
    Right::PauseJobs,
    Right::ReplayMessages,
    Right::TestHandlers,
    Right::Silence,
    Right::CollectGarbage,
    Right::Prune,
    Right::Sync,
    Right::ReadDatastores,
    Right::PauseScheduler,
    Right::BackUpPaths,
    Right::RestorePaths,
    Right::ReadFigures,
];

/// What an auditor sees beside what everybody reads.
const AUDITOR: &[Right] = &[Right::ReadFigures, Right::Export, Right::ReadAccess];

/// A role that every hub has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    Admin,
    /// Runs, cancels and watches; changes no configuration.
    Operator,
    /// Looks only.
    Auditor,
    /// Works within one project.
    Member,
}

impl Role {
    /// All of them, the strongest first.
    pub const ALL: &'static [Self] = &[Self::Admin, Self::Operator, Self::Auditor, Self::Member];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Member => "member",
        }
    }

    /// What it is for.
    pub fn comment(self) -> &'static str {
        match self {
            Self::Admin => "Everything",
            Self::Operator => "Runs, cancels and watches; changes no configuration",
            Self::Auditor => "Looks only, at everything",
            Self::Member => "Works within one project",
        }
    }

    /// What it allows.
    pub fn rights(self) -> Rights {
        let of = |lists: &[&[Right]]| lists.concat().into_iter().collect();
        match self {
            Self::Admin => Rights::all(),
            Self::Operator => of(&[MEMBER, OPERATOR]),
            Self::Auditor => of(&[AUDITOR]),
            Self::Member => of(&[MEMBER]),
        }
    }

    /// The one of this name; none when it is a role of a hub's own.
    pub fn of_name(name: &RoleName) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|role| role.as_str() == name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_right_has_a_bit_of_its_own() {
        assert!(Right::ALL.len() <= 32);
        for right in Right::ALL {
            let one = Rights::from_iter([*right]);
            assert_eq!(one.iter().collect::<Vec<_>>(), [*right]);
            assert_eq!(right.as_str().parse(), Ok(*right));
        }
        assert!("fly".parse::<Right>().is_err());
    }

    #[test]
    fn roles_grow_from_member_to_admin_and_an_auditor_changes_nothing() {
        let [admin, operator, auditor, member] =
            [Role::Admin, Role::Operator, Role::Auditor, Role::Member].map(Role::rights);
        assert_eq!(member.and(operator), member);
        assert_eq!(operator.and(admin), operator);
        assert_eq!(admin, Rights::all());
        assert_eq!(auditor.and(member), Rights::NONE);
        for right in [
            Right::Configure,
            Right::ManageAccess,
            Right::BackUpHub,
            Right::SyncRemote,
        ] {
            assert!(!operator.has(right), "{right}");
        }
        for role in Role::ALL {
            assert_eq!(Role::of_name(&RoleName::from(*role)), Some(*role));
        }
        assert_eq!(Role::of_name(&RoleName::new("other").expect("a name")), None);
    }
}
