//! What has one cause and is told by one message: when it is told, again, and to whom else. What has one cause is
//! decided by whoever tells.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::HandlerName;
use crate::timestamp::Span;

/// Trouble of one cause is one incident, which a handler is told of once, and again when there is more to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Incidents {
    /// What happens within so long of the first event is told with it.
    pub wait: Span,
    /// What joins later comes together, at most so often.
    pub interval: Span,
    /// While it lasts and nobody has acknowledged it, it is told again this long after it was last told; 0 for never.
    pub repeat: Span,
    /// Whether its end is told.
    pub recovery: bool,
    /// Who else is told when nobody acknowledges it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalate: Option<Escalation>,
}

/// Who is told of an incident that nobody acknowledges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Escalation {
    /// So long after the first notice.
    pub after: Span,
    /// Another handler of the group.
    pub to: HandlerName,
}

impl Default for Incidents {
    fn default() -> Self {
        Self {
            wait: Span::from_secs(0),
            interval: Span::from_secs(5 * 60),
            repeat: Span::from_secs(4 * 3_600),
            recovery: true,
            escalate: None,
        }
    }
}

impl Incidents {
    /// The longest of its times that is taken: what is told later than that is told to nobody who still cares.
    pub const LONGEST: Duration = Duration::from_secs(30 * 86_400);

    /// As a handler hears of what was escalated to it that has no section of its own: that it began and that it is over.
    pub fn raised() -> Self {
        Self {
            repeat: Span::from_secs(0),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_section_has_sensible_times() {
        let read: Incidents = serde_json::from_str("{}").expect("incidents");
        assert_eq!(read, Incidents::default());
        assert_eq!(
            (
                read.wait.to_string(),
                read.interval.to_string(),
                read.repeat.to_string()
            ),
            ("0s".to_owned(), "5m".to_owned(), "4h".to_owned())
        );
        let read: Incidents =
            serde_json::from_str(r#"{"wait": "30s", "escalate": {"after": "15m", "to": "pager"}}"#)
                .expect("incidents");
        assert_eq!(
            read.escalate.map(|up| up.to.to_string()),
            Some("pager".to_owned())
        );
        assert!(serde_json::from_str::<Incidents>(r#"{"repeats": "1h"}"#).is_err());
    }
}
