//! What becomes of the actions that tips about an event offer, as the groups say that it reaches.

use std::collections::BTreeSet;

use ironcore_types::Event;
use ironcore_types::notification::{ActionKind, ActionPolicy, Group};

use super::{Declared, groups_reached};

/// What becomes of actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// Nobody takes them with a button.
    Suggest,
    /// A person takes them.
    Ask,
    /// The hub takes those of these kinds, a person the others.
    Auto(BTreeSet<ActionKind>),
}

/// The strictest that a group says which the event reaches; what no group says is asked.
pub fn policy(event: &Event, declared: Declared<'_>) -> Policy {
    strictest(groups_reached(event, declared))
}

fn strictest<'a>(groups: impl IntoIterator<Item = &'a Group>) -> Policy {
    let said: Vec<_> = groups
        .into_iter()
        .filter_map(|group| group.actions.as_ref())
        .collect();
    let says = |policy| said.iter().any(|actions| actions.policy == policy);
    if says(ActionPolicy::Suggest) {
        return Policy::Suggest;
    }
    if says(ActionPolicy::Ask) || said.is_empty() {
        return Policy::Ask;
    }
    Policy::Auto(
        said.iter()
            .flat_map(|actions| actions.kinds.iter().copied())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_strictest_counts() {
        let group = |actions: serde_json::Value| -> Group {
            serde_json::from_value(json!({ "name": "ops", "actions": actions })).expect("a group")
        };
        let none: Group = serde_json::from_value(json!({ "name": "ops" })).expect("a group");
        let verify = group(json!({ "policy": "auto", "kinds": ["verify"] }));
        let retry = group(json!({ "policy": "auto", "kinds": ["retry"] }));
        let ask = group(json!({ "policy": "ask" }));
        let suggest = group(json!({ "policy": "suggest" }));
        assert_eq!(strictest([]), Policy::Ask);
        assert_eq!(strictest([&none]), Policy::Ask);
        let both = BTreeSet::from([ActionKind::Verify, ActionKind::Retry]);
        assert_eq!(strictest([&verify, &none, &retry]), Policy::Auto(both));
        assert_eq!(strictest([&verify, &ask]), Policy::Ask);
        assert_eq!(strictest([&verify, &ask, &suggest]), Policy::Suggest);
    }
}
