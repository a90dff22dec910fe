//! What becomes of the actions that tips offer: suggested, asked for, or taken by themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that the hub can do about an event.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// Verify a snapshot or a datastore again.
    Verify,
    /// Run a backup that reads everything.
    FullBackup,
    /// Collect garbage.
    Gc,
    /// Run a sync again.
    Resync,
    /// Do a task again.
    Retry,
    /// Pause a job.
    PauseJob,
}

impl ActionKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Verify,
        Self::FullBackup,
        Self::Gc,
        Self::Resync,
        Self::Retry,
        Self::PauseJob,
    ];

    /// The word used everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::FullBackup => "full-backup",
            Self::Gc => "gc",
            Self::Resync => "resync",
            Self::Retry => "retry",
            Self::PauseJob => "pause-job",
        }
    }

    /// The kind of that word; none for one that this version does not know.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// How far the hub goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActionPolicy {
    /// Tips say what to do; nothing of it can be taken with a button.
    Suggest,
    /// A person takes it.
    #[default]
    Ask,
    /// The hub takes it by itself, as `PLUGIN@plugin`.
    Auto,
}

/// What a group says about the actions of tips about the events that reach it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Actions {
    /// How far the hub goes.
    pub policy: ActionPolicy,
    /// With `auto`: which kinds are taken; all others wait for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<ActionKind>,
}

impl Actions {
    /// Whether it says what it means.
    pub fn check(&self) -> Result<(), &'static str> {
        match (self.policy, self.kinds.is_empty()) {
            (ActionPolicy::Auto, true) => Err("auto needs `kinds`: which of them are taken"),
            (ActionPolicy::Suggest | ActionPolicy::Ask, false) => Err("`kinds` are for auto alone"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_by_itself_is_named() {
        let read = |text: &str| serde_json::from_str::<Actions>(text);
        let auto = read(r#"{"policy": "auto", "kinds": ["verify", "full-backup"]}"#).expect("actions");
        assert_eq!(auto.kinds, [ActionKind::Verify, ActionKind::FullBackup]);
        assert!(auto.check().is_ok());
        assert!(read(r#"{"policy": "auto"}"#).expect("actions").check().is_err());
        assert!(
            read(r#"{"policy": "ask", "kinds": ["gc"]}"#)
                .expect("actions")
                .check()
                .is_err()
        );
        assert!(read(r#"{"kinds": []}"#).is_err() && read(r#"{"policy": "auto", "kinds": ["rm"]}"#).is_err());
        for kind in ActionKind::ALL {
            assert_eq!(ActionKind::of(kind.as_str()), Some(*kind));
            assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.as_str());
        }
    }
}
