//! What a night must have done, one line each.

use serde_json::Value;

use crate::steps::say;

/// The checks of a run, printed as they are made.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    failed: Vec<String>,
}

impl Checks {
    /// Notes whether `what` is so.
    pub(crate) fn check(&mut self, what: &str, is_so: bool) {
        say(&format!("  {} {what}", if is_so { "ok    " } else { "FAILED" }));
        if !is_so {
            self.failed.push(what.to_owned());
        }
    }

    /// What was not as it should be.
    pub(crate) fn failed(&self) -> &[String] {
        &self.failed
    }
}

/// A text of a JSON value, or a dash.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
