//! Which events a handler or a rule is about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hours::Hours;
use super::pattern::NamePattern;
use crate::event_type::{EventType, Severity};

/// Which events pass. Parts that are missing or empty let everything pass, but for the event types of a handler: where
/// those are missing, the rules of its group decide.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Filter {
    /// Event types, with or without `ironcore.`; an empty list is all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    #[schema(value_type = Option<Vec<String>>)]
    pub events: Option<Vec<EventType>>,
    /// At least this severity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_severity: Option<Severity>,
    /// Only when the outcome is another than that of the run before: the first failure, and the first success after it.
    /// Events that are no outcome of a task pass.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub changes_only: bool,
    /// Only events of these jobs: names, or regular expressions between slashes, such as `/^db-/`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<NamePattern>,
    /// Only events about these datastores: names, or regular expressions between slashes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub datastores: Vec<NamePattern>,
    /// Only events of these hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
}

impl Filter {
    /// Lets these types pass, and nothing else counts.
    pub fn of_events(events: impl IntoIterator<Item = EventType>) -> Self {
        Self {
            events: Some(events.into_iter().collect()),
            ..Self::default()
        }
    }
}
