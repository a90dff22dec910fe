//! What is wrong with a calendar expression, and where.

use crate::error_code::ErrorCode;

/// Why a text is not a calendar expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the schedule {expression:?} cannot be read{}: {why}", place(at))]
pub struct InvalidCalendar {
    expression: String,
    at: String,
    why: String,
}

fn place(at: &str) -> String {
    if at.is_empty() {
        String::new()
    } else {
        format!(" at {at:?}")
    }
}

impl InvalidCalendar {
    pub(super) fn new(expression: &str, at: &str, why: impl Into<String>) -> Self {
        Self {
            expression: expression.to_owned(),
            at: at.to_owned(),
            why: why.into(),
        }
    }

    /// The stable code: `schedule.invalid`.
    pub fn code(&self) -> ErrorCode {
        ErrorCode::ScheduleInvalid
    }

    /// The part of the expression that is wrong; empty when it is the whole.
    pub fn at(&self) -> &str {
        &self.at
    }
}

/// A name that no time zone has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time zone: write an IANA name, such as Europe/Berlin or UTC")]
pub struct InvalidZone(String);

impl InvalidZone {
    pub(super) fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The stable code: `schedule.invalid`.
    pub fn code(&self) -> ErrorCode {
        ErrorCode::ScheduleInvalid
    }
}
