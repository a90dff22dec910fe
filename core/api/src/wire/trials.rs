//! Test messages and previews.

use ironcore_types::event::ErrorData;
use ironcore_types::{
    Event, EventId, EventType, GroupName, HandlerName, MessageId, PluginName, ProjectName, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::delivery::MessageDetail;

/// What is tested: a handler, or every handler of a group that is not declared as switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestRequest {
    /// Whose group; the hub's when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// The group.
    pub group: GroupName,
    /// The handler; all of the group when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<HandlerName>,
    /// Of what kind of event the test tells; `task.completed` when missing.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
}

/// How a test went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestAnswer {
    /// The event that was made up for it.
    pub event: Event,
    /// The handlers, in the order of their group.
    pub handlers: Vec<TestedHandler>,
}

/// How a test of one handler went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestedHandler {
    /// Its name.
    pub handler: HandlerName,
    /// Its plugin.
    pub plugin: PluginName,
    /// Whether the destination took the message.
    pub delivered: bool,
    /// The id that the receiver saw.
    pub message: MessageId,
    /// When the attempt began.
    pub started: Timestamp,
    /// How long it took, milliseconds.
    pub took_ms: u64,
    /// Status of the destination's answer, when there was one.
    pub status: Option<u16>,
    /// What the destination answered when it took the message.
    pub receipt: Option<String>,
    /// Why it did not.
    pub error: Option<ErrorData>,
    /// Whether a message would be tried again.
    pub again: bool,
    /// What was sent and answered; secrets are taken out.
    pub detail: Option<String>,
    /// What is wrong with templates, with file, line and column; where the built-in one was used all the same, it says so.
    pub templates: Vec<String>,
}

/// Which event or message is previewed, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    /// An event that happened; this or `message`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    /// A message that was made: all its events, its tips, and its incident as it was told then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// Whose group; the hub's when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// The group of the handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupName>,
    /// The handler. When it and its group are missing: that of the message, as it was then if it was removed; for an event a webhook without more, for which there
    /// must be a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<HandlerName>,
    /// A text in the place of a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateText>,
}

/// A template that is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateText {
    /// Which template it stands for, such as `webhook/slack.json` or `email/body.html`; that of the handler when missing, if it
    /// is a webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The template.
    pub text: String,
}

/// What would be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Made {
    /// A request. Secrets stand as `{secret NAME}`.
    Http {
        /// Such as `POST`.
        method: String,
        /// Where to.
        url: String,
        /// Headers, each a name and a value, but those that are made when it is sent. Credentials that the configuration
        /// holds in plain words are taken out.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// A mail.
    Mail {
        /// Who sends it.
        from: String,
        /// Who gets it.
        to: Vec<String>,
        /// What it is about.
        subject: String,
        /// The plain part.
        text: String,
        /// The HTML part.
        html: Option<String>,
    },
}

/// What a handler would make of an event or a message, beside what was really sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PreviewAnswer {
    /// The event; the last one of a message.
    pub event: Event,
    /// The message that is previewed; null for an event.
    pub message: Option<MessageId>,
    /// What would be sent. Nothing was.
    pub made: Vec<Made>,
    /// Why nothing would be.
    pub problem: Option<ErrorData>,
    /// What is wrong with templates, with file, line and column; where the built-in one was used all the same, it says so.
    pub templates: Vec<String>,
    /// The messages by which the handler was told of the event, newest first; or the one that is previewed.
    pub sent: Vec<MessageDetail>,
}
