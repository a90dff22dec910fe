//! Notification groups: handlers, and the rules that say which of them is told of what.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::action::Actions;
use super::filter::Filter;
use super::incidents::Incidents;
use super::pace::{Digest, Limit, Quiet};
use super::source::EventSource;
use crate::event_type::EventType;
use crate::ids::{GroupName, HandlerName, InvalidName, PluginName, ProjectName};

/// A notification group of a project, or of the hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Group {
    /// Whose; the hub's when missing, which show to those alone who see the whole hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Its name within the project.
    pub name: GroupName,
    /// For people.
    #[serde(default)]
    pub comment: Option<String>,
    /// Who is told, and how.
    #[serde(default)]
    pub handler: Vec<Handler>,
    /// Sources of events that it listens to, beside the jobs and datastores that it is attached to: a project's group to
    /// what happens in the project, the hub's to everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<EventSource>,
    /// Looked at in their order, before the matrix and the default rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rule: Vec<Rule>,
    /// For each event type that stands here, exactly these handlers are told, unless a rule stopped before. For all
    /// others a handler's own `filter.events` counts, and without it the default rule: completed, warning and failed
    /// tasks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Vec<HandlerName>>")]
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    pub matrix: BTreeMap<EventType, Vec<HandlerName>>,
    /// What becomes of the actions that tips offer; a person takes them when missing. Of several groups that an event
    /// reaches, the strictest counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<Actions>,
}

impl Group {
    /// What the default rule tells of.
    pub const DEFAULT_EVENTS: [EventType; 3] = [
        EventType::TaskCompleted,
        EventType::TaskWarning,
        EventType::TaskFailed,
    ];

    /// How datastores and people name it.
    pub fn reference(&self) -> GroupRef {
        GroupRef {
            project: self.project.clone(),
            name: self.name.clone(),
        }
    }
}

/// A handler: a plugin with its configuration, told of the events that its filter lets pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Handler {
    /// Its name within the group.
    pub name: HandlerName,
    /// Which plugin.
    pub plugin: PluginName,
    /// Switched off when false.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Checked by the plugin's JSON Schema. Secrets stand here as names: `{ secret = "smtp-password" }`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub config: serde_json::Map<String, serde_json::Value>,
    /// Which events, whatever rules say; but its `events` count only where no rule and no matrix does.
    #[serde(default)]
    pub filter: Filter,
    /// Which template; the plugin's own when missing.
    #[serde(default)]
    pub template: Option<String>,
    /// What it is told of comes by digests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// What happens in these hours is told when they are over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
    /// How many messages its destination gets at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// Trouble of one cause is told by one message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incidents: Option<Incidents>,
}

fn yes() -> bool {
    true
}

/// A rule: tells handlers of the events that it is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// For people, and for `notify explain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which events it is about; all when missing.
    #[serde(default)]
    pub when: Filter,
    /// These handlers of the group; all of them when missing, nobody when empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tell: Option<Vec<HandlerName>>,
    /// Whether the rules after it, the matrix and the default rule are looked at too.
    #[serde(default)]
    pub then: Then,
}

/// What follows a rule that is about an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// Nothing: what it tells is all.
    #[default]
    Stop,
    /// The rules after it may tell more.
    Continue,
}

/// A group as it is named from outside its project: `NAME` for the hub's, `PROJECT/NAME` for a project's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct GroupRef {
    /// Whose; the hub's when none.
    pub project: Option<ProjectName>,
    /// Its name.
    pub name: GroupName,
}

/// Whose a group is, where a place for it is never empty: a project's name, or `-` for the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
#[schema(value_type = String, example = "office")]
pub struct GroupScope(pub Option<ProjectName>);

impl GroupScope {
    /// The group of this name there.
    pub fn group(self, name: GroupName) -> GroupRef {
        GroupRef {
            project: self.0,
            name,
        }
    }
}

impl fmt::Display for GroupScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref().map_or("-", ProjectName::as_str))
    }
}

impl TryFrom<String> for GroupScope {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        match text.as_str() {
            "-" => Ok(Self(None)),
            _ => Ok(Self(Some(ProjectName::new(text)?))),
        }
    }
}

impl From<GroupScope> for String {
    fn from(scope: GroupScope) -> Self {
        scope.to_string()
    }
}

crate::words::text!(
    GroupRef,
    "A group: its name for one of the hub, with its project before it for one of a project.",
    "office/oncall"
);

/// A text that names no group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no group: write GROUP for one of the hub, PROJECT/GROUP for one of a project")]
pub struct InvalidGroupRef(String);

impl fmt::Display for GroupRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.project {
            Some(project) => write!(f, "{project}/{}", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

impl FromStr for GroupRef {
    type Err = InvalidGroupRef;

    fn from_str(text: &str) -> Result<Self, InvalidGroupRef> {
        let invalid = |_| InvalidGroupRef(text.to_owned());
        let (project, name) = match text.split_once('/') {
            Some((project, name)) => (Some(project.parse().map_err(invalid)?), name),
            None => (None, text),
        };
        Ok(Self {
            project,
            name: name.parse().map_err(invalid)?,
        })
    }
}

impl TryFrom<String> for GroupRef {
    type Error = InvalidGroupRef;

    fn try_from(text: String) -> Result<Self, InvalidGroupRef> {
        text.parse()
    }
}

impl From<GroupRef> for String {
    fn from(group: GroupRef) -> Self {
        group.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_with_or_without_their_project() {
        for text in ["oncall", "office/oncall"] {
            assert_eq!(text.parse::<GroupRef>().expect("a group").to_string(), text);
        }
        for text in ["", "/", "a/b/c", "-/x", "A"] {
            assert!(text.parse::<GroupRef>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_group_without_anything_is_of_the_hub_and_has_the_default_rule_alone() {
        let group: Group = serde_json::from_str(r#"{"name": "ops"}"#).expect("a group");
        assert!(group.project.is_none() && group.rule.is_empty() && group.matrix.is_empty());
        let group: Group = serde_json::from_str(
            r#"{"name": "ops", "sources": ["auth"], "rule": [{"when": {"events": ["task.failed"]}}],
                "matrix": {"job.missed": ["mail"]}}"#,
        )
        .expect("a group");
        assert_eq!(group.rule[0].then, Then::Stop);
        assert_eq!(group.rule[0].tell, None);
        assert!(group.matrix.contains_key(&EventType::JobMissed));
        let unknown = serde_json::from_str::<Group>(r#"{"name": "ops", "matrix": {"job.mist": []}}"#);
        assert!(unknown.expect_err("refused").to_string().contains("job.mist"));
    }
}
