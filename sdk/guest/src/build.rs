//! Short ways to make the contract's records, and to read them.

use serde::de::DeserializeOwned;

use crate::{
    Action, ActionKind, Data, Delivery, ErrorInfo, Event, Evidence, Failure, FailureScope, Receipt,
    Rejection, Retry, Severity, Tip,
};

impl Receipt {
    /// A receipt with the destination's answer in a line.
    pub fn new(detail: impl Into<String>) -> Self {
        Self {
            id: None,
            status: None,
            detail: detail.into(),
            attrs: Vec::new(),
        }
    }

    /// With the destination's status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// With what the destination calls the message.
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

impl ErrorInfo {
    /// A code and a text.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}

impl Failure {
    /// Try again later: this message could not be delivered now.
    pub fn retry(code: &str, message: impl Into<String>) -> Self {
        Self::Retry(Retry {
            reason: ErrorInfo::new(code, message),
            scope: FailureScope::Message,
            after_ms: None,
            status: None,
            attrs: Vec::new(),
        })
    }

    /// Try again later: the destination does not work for any message now.
    pub fn unreachable(code: &str, message: impl Into<String>) -> Self {
        Self::Retry(Retry {
            reason: ErrorInfo::new(code, message),
            scope: FailureScope::Destination,
            after_ms: None,
            status: None,
            attrs: Vec::new(),
        })
    }

    /// Never try this message again.
    pub fn rejected(code: &str, message: impl Into<String>) -> Self {
        Self::Rejected(Rejection {
            reason: ErrorInfo::new(code, message),
            gone: false,
            status: None,
            attrs: Vec::new(),
        })
    }

    /// With the destination's status.
    pub fn with_status(mut self, code: u16) -> Self {
        match &mut self {
            Self::Retry(Retry { status, .. }) | Self::Rejected(Rejection { status, .. }) => {
                *status = Some(code)
            }
            Self::Custom(_) => {}
        }
        self
    }

    /// Not before this many milliseconds.
    pub fn not_before(mut self, ms: Option<u64>) -> Self {
        if let Self::Retry(retry) = &mut self {
            retry.after_ms = ms;
        }
        self
    }
}

impl Severity {
    /// `info`, `notice`, `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Event {
    /// The particulars. Parts that are missing or not understood are left out; what is unknown is ignored.
    pub fn data(&self) -> Data {
        #[derive(serde::Deserialize)]
        struct Envelope {
            data: Data,
        }
        serde_json::from_str::<Envelope>(&self.json)
            .map(|envelope| envelope.data)
            .unwrap_or_default()
    }

    /// The type without `ironcore.`, such as `task.failed`.
    pub fn kind(&self) -> &str {
        self.event_type
            .strip_prefix("ironcore.")
            .unwrap_or(&self.event_type)
    }
}

impl Delivery {
    /// The configuration as a type of the plugin's own.
    ///
    /// # Errors
    /// A rejection with the code `plugin.config`: the hub has checked the configuration against the schema, so this
    /// means that schema and type differ.
    pub fn config_as<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.config)
            .map_err(|error| Failure::rejected("plugin.config", error.to_string()))
    }

    /// The event that the message is about: the last.
    ///
    /// # Errors
    /// A rejection when there is none, which the hub never sends.
    pub fn event(&self) -> Result<&Event, Failure> {
        self.events
            .last()
            .ok_or_else(|| Failure::rejected("request.invalid", "a delivery without events"))
    }
}

impl Tip {
    /// A tip without evidence, steps and actions.
    pub fn new(title: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            why: why.into(),
            evidence: Vec::new(),
            steps: Vec::new(),
            link: None,
            actions: Vec::new(),
            attrs: Vec::new(),
        }
    }

    /// With one more step.
    pub fn step(mut self, step: impl Into<String>) -> Self {
        self.steps.push(step.into());
        self
    }

    /// With one more fact.
    pub fn evidence(mut self, kind: &str, text: impl Into<String>) -> Self {
        self.evidence.push(Evidence {
            kind: kind.to_owned(),
            text: text.into(),
        });
        self
    }

    /// With one more action.
    pub fn action(mut self, kind: ActionKind, target: impl Into<String>, label: impl Into<String>) -> Self {
        self.actions.push(Action {
            kind,
            target: target.into(),
            label: label.into(),
            attrs: Vec::new(),
        });
        self
    }
}
