//! Which events a silence or a maintenance window is about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pattern::NamePattern;
use crate::event_type::{EventType, Severity};

/// Which events are silenced, in the words of filters. Parts that are missing or empty are about everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Matchers {
    /// Event types, with or without `ironcore.`. Where none stands here it is all of them but those that tell that
    /// notification itself fails: `delivery.exhausted`, `handler.disabled` and `plugin.failed`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    #[schema(value_type = Vec<String>)]
    pub events: Vec<EventType>,
    /// At least this severity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_severity: Option<Severity>,
    /// At most this severity: with `warning`, errors are told all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_severity: Option<Severity>,
    /// Only events of these jobs: names, or regular expressions between slashes, such as `/^db-/`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<NamePattern>,
    /// Only events about these datastores: names, or regular expressions between slashes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub datastores: Vec<NamePattern>,
}

impl Matchers {
    /// Whether they are about everything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether no event can pass, because of its severity.
    pub fn is_impossible(&self) -> bool {
        matches!((self.min_severity, self.max_severity), (Some(least), Some(most)) if least > most)
    }

    /// Whether events of this type and severity are meant, as far as these two decide.
    pub fn are_about(&self, event_type: EventType, severity: Severity) -> bool {
        let named = match self.events.as_slice() {
            [] => !tells_of_notification(event_type),
            events => events.contains(&event_type),
        };
        named
            && self.min_severity.is_none_or(|least| severity >= least)
            && self.max_severity.is_none_or(|most| severity <= most)
    }
}

/// Whoever silences everything does not mean that telling is broken.
fn tells_of_notification(event_type: EventType) -> bool {
    matches!(
        event_type,
        EventType::DeliveryExhausted | EventType::HandlerDisabled | EventType::PluginFailed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matchers(json: &str) -> Matchers {
        serde_json::from_str(json).expect("matchers")
    }

    #[test]
    fn severities_have_two_ends() {
        let quiet = matchers(r#"{"min-severity": "notice", "max-severity": "warning"}"#);
        for (severity, meant) in [
            (Severity::Info, false),
            (Severity::Notice, true),
            (Severity::Warning, true),
            (Severity::Error, false),
        ] {
            assert_eq!(
                quiet.are_about(EventType::TaskFailed, severity),
                meant,
                "{severity}"
            );
        }
        assert!(!quiet.is_impossible());
        assert!(matchers(r#"{"min-severity": "error", "max-severity": "info"}"#).is_impossible());
    }

    #[test]
    fn that_telling_fails_is_silenced_by_its_name_only() {
        let all = Matchers::default();
        assert!(all.is_empty() && all.are_about(EventType::TaskFailed, Severity::Error));
        for event_type in [
            EventType::DeliveryExhausted,
            EventType::HandlerDisabled,
            EventType::PluginFailed,
        ] {
            assert!(!all.are_about(event_type, Severity::Error), "{event_type}");
            let named = Matchers {
                events: vec![event_type],
                ..Matchers::default()
            };
            assert!(named.are_about(event_type, Severity::Error), "{event_type}");
        }
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        assert!(serde_json::from_str::<Matchers>(r#"{"job": ["a"]}"#).is_err());
    }
}
