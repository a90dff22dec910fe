//! Events as the ledger tells them of messages that are lost, and of handlers that are switched off.

use ironcore_types::event::{DeliveryData, ErrorData, EventData};
use ironcore_types::{EventType, PluginName, Severity, Timestamp, counted};

use crate::model::{HandlerRef, Message, NewEvent};

/// Messages that are lost together, as nobody can be told by their handler any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) given_up: u64,
    /// Those that are being sent: of each it is open whether it arrives.
    pub(crate) under_way: u64,
}

impl Lost {
    pub(crate) fn is_nothing(self) -> bool {
        self == Self::default()
    }

    fn words(self) -> String {
        let given_up = counted(self.given_up, "message");
        match (self.given_up, self.under_way) {
            (_, 0) => format!("{given_up} given up"),
            (0, under_way) => format!("up to {} under way given up", counted(under_way, "message")),
            (_, under_way) => format!("{given_up} given up, and up to {under_way} more under way"),
        }
    }
}

/// That a handler was switched off: its destination is gone, or it has failed since a time; so many messages are lost with
/// it.
pub(crate) fn disabled(
    message: &Message,
    error: &ErrorData,
    since: Option<Timestamp>,
    lost: Lost,
) -> NewEvent {
    let event_type = EventType::HandlerDisabled;
    let handler = &message.handler;
    let why = since.map_or_else(
        || "its destination is gone".to_owned(),
        |since| {
            format!(
                "every attempt since {} has failed",
                Timestamp::from_seconds(since.as_seconds())
            )
        },
    );
    let title = format!(
        "Handler {}/{} ({}) was switched off: {why}; {}",
        handler.group,
        handler.handler,
        message.plugin,
        lost.words(),
    );
    let data = EventData::new(handler.project.clone(), event_type.default_severity(), title);
    of_handler(event_type, data, handler, &message.plugin, error)
}

/// `delivery.exhausted` of all that nobody sends, as their handler is no longer there or not enabled, which `what` says.
pub(crate) fn unsent(
    handler: &HandlerRef,
    plugin: &PluginName,
    what: &str,
    error: &ErrorData,
    lost: Lost,
) -> NewEvent {
    let title = format!(
        "Handler {}/{} ({plugin}) {what}: {}",
        handler.group,
        handler.handler,
        lost.words()
    );
    // It says nothing of how the handler delivers.
    let data = EventData::new(handler.project.clone(), Severity::Warning, title);
    of_handler(EventType::DeliveryExhausted, data, handler, plugin, error)
}

/// What the events about a handler are told of by.
pub(crate) fn handler_subject(handler: &HandlerRef) -> String {
    format!("handler/{handler}")
}

/// An event about a handler as a whole.
fn of_handler(
    event_type: EventType,
    mut data: EventData,
    handler: &HandlerRef,
    plugin: &PluginName,
    error: &ErrorData,
) -> NewEvent {
    data.delivery = Some(DeliveryData {
        message: None,
        group: Some(handler.group.clone()),
        handler: Some(handler.handler.clone()),
        plugin: Some(plugin.clone()),
        attempts: 0,
    });
    data.error = Some(error.clone());
    NewEvent {
        event_type,
        subject: Some(handler_subject(handler)),
        data,
    }
}

/// How a message ended that did not reach all whom it was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Tried often enough.
    GivenUp,
    /// Refused.
    Rejected,
    /// Delivered to some, refused by others.
    Partly,
    /// Not even tried: nobody would send it any more.
    NotSent,
}

/// `delivery.exhausted`: the message is a dead letter for this reason, or did not reach some.
pub(crate) fn exhausted(message: &Message, error: &ErrorData, end: End) -> NewEvent {
    let event_type = EventType::DeliveryExhausted;
    let handler = &message.handler;
    let what = match end {
        End::GivenUp => "could not be delivered",
        End::Rejected => "was rejected",
        End::Partly => "did not reach all whom it was for",
        End::NotSent => "is not sent",
    };
    let tried = match end {
        End::NotSent => String::new(),
        _ => format!(" after {}", counted(u64::from(message.attempts), "attempt")),
    };
    let title = format!(
        "A message of handler {}/{} ({}) {what}{tried}: {}",
        handler.group, handler.handler, message.plugin, error.message
    );
    let severity = match end {
        // Neither says that the handler does not deliver.
        End::Partly | End::NotSent => Severity::Warning,
        End::GivenUp | End::Rejected => event_type.default_severity(),
    };
    let mut data = EventData::new(handler.project.clone(), severity, title);
    data.delivery = Some(DeliveryData {
        message: Some(message.id),
        group: Some(handler.group.clone()),
        handler: Some(handler.handler.clone()),
        plugin: Some(message.plugin.clone()),
        attempts: message.attempts,
    });
    data.error = Some(error.clone());
    NewEvent {
        event_type,
        subject: Some(format!("message/{}", message.id)),
        data,
    }
}
