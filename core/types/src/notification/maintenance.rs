//! Maintenance windows: times that come again, in which nobody is told. Whom they keep from hearing of what is decided by
//! whoever tells.

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::matchers::Matchers;
use super::silencer::Silencer;
use crate::blackout::{FOLLOWED, FOLLOWED_AT_ONCE, Recurring, dark};
use crate::calendar::{self, Calendar};
use crate::ids::{MaintenanceName, ProjectName};
use crate::timestamp::{Span, Timestamp};

/// A maintenance window of a project, or of the hub: while it lasts, the events that it is about are not told outside.
/// Jobs run all the same; to hold them back there are blackout windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Maintenance {
    /// Whose groups are quiet; everybody's when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Its name within the project.
    pub name: MaintenanceName,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Calendar expression of its beginnings, such as `sun 02:00`.
    pub from: String,
    /// How long it lasts each time.
    pub lasts: Span,
    /// The time zone of `from` (IANA name).
    #[serde(default = "utc")]
    pub timezone: String,
    /// Which events it is about; all when missing.
    #[serde(default, skip_serializing_if = "Matchers::is_empty")]
    pub when: Matchers,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Why a maintenance window is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMaintenance {
    /// The calendar expression cannot be read.
    #[error("{0}")]
    From(#[from] calendar::InvalidCalendar),
    /// The zone is not known.
    #[error("{0}")]
    Zone(#[from] calendar::InvalidZone),
    /// It does not last.
    #[error("a window must last longer than nothing")]
    Empty,
    /// One follows the other.
    #[error("it never ends, for each window begins before the one before it is over")]
    Endless,
    /// No event passes.
    #[error("no event is of a severity that is at least min-severity and at most max-severity")]
    Nothing,
}

impl Maintenance {
    /// What it is called where something was silenced by it.
    pub fn silencer(&self) -> Silencer {
        Silencer::Maintenance {
            project: self.project.clone(),
            name: self.name.clone(),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`InvalidMaintenance`] says what makes no sense, as far as that shows without looking at a clock.
    pub fn window(&self) -> Result<MaintenanceWindow, InvalidMaintenance> {
        if self.lasts.duration().is_zero() {
            return Err(InvalidMaintenance::Empty);
        }
        if self.when.is_impossible() {
            return Err(InvalidMaintenance::Nothing);
        }
        Ok(MaintenanceWindow {
            recurring: Recurring {
                begins: Calendar::parse(&self.from)?,
                lasts: self.lasts.duration(),
            },
            zone: calendar::zone(&self.timezone)?,
        })
    }

    /// Whether it can be used: read, and over at some time.
    ///
    /// # Errors
    /// As [`window`](Self::window), and when it never ends.
    pub fn check(&self) -> Result<(), InvalidMaintenance> {
        let window = self.window()?;
        let first = window.next_after(Timestamp::from_seconds(1_767_225_600));
        let ends = |at| window.recurring_dark(at, FOLLOWED).is_none_or(|dark| dark.ends);
        match first {
            Some(first) if !ends(first) => Err(InvalidMaintenance::Endless),
            _ => Ok(()),
        }
    }
}

/// A maintenance window, read.
#[derive(Debug, Clone)]
pub struct MaintenanceWindow {
    recurring: Recurring,
    zone: TimeZone,
}

impl MaintenanceWindow {
    /// When the window is over in which `at` lies; those that touch are one.
    pub fn until(&self, at: Timestamp) -> Option<Timestamp> {
        Some(self.recurring_dark(at, FOLLOWED_AT_ONCE)?.until)
    }

    /// When it begins next after `at`.
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        self.recurring.begins.next_after(at, &self.zone)
    }

    fn recurring_dark(&self, at: Timestamp, links: usize) -> Option<crate::blackout::Dark> {
        dark(std::iter::once(&self.recurring), &self.zone, at, links)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maintenance(from: &str, lasts: &str) -> Maintenance {
        let text = format!(
            r#"{{"name": "patches", "from": "{from}", "lasts": "{lasts}", "timezone": "Europe/Berlin"}}"#
        );
        serde_json::from_str(&text).expect("a window")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn it_is_of_its_time_zone_and_comes_again() {
        let window = maintenance("sun 02:00", "4h").window().expect("read");
        // 2026-05-24 is a Sunday; Berlin is two hours ahead.
        for (time, until) in [
            ("2026-05-23T23:59:59Z", None),
            ("2026-05-24T00:00:00Z", Some("2026-05-24T04:00:00Z")),
            ("2026-05-24T03:59:59Z", Some("2026-05-24T04:00:00Z")),
            ("2026-05-24T04:00:00Z", None),
            ("2026-05-31T01:00:00Z", Some("2026-05-31T04:00:00Z")),
        ] {
            assert_eq!(window.until(at(time)), until.map(at), "{time}");
        }
        assert_eq!(
            window.next_after(at("2026-05-24T00:00:00Z")),
            Some(at("2026-05-31T00:00:00Z"))
        );
    }

    #[test]
    fn windows_that_touch_are_one() {
        let window = maintenance("sat,sun 00:00", "1d").window().expect("read");
        let monday = at("2026-05-24T22:00:00Z");
        assert_eq!(window.until(at("2026-05-22T22:00:00Z")), Some(monday));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(maintenance("sun 02:00", "4h").check(), Ok(()));
        assert_eq!(
            maintenance("sun 02:00", "0s").check(),
            Err(InvalidMaintenance::Empty)
        );
        assert_eq!(
            maintenance("hourly", "1h").check(),
            Err(InvalidMaintenance::Endless)
        );
        assert!(maintenance("sometimes", "1h").check().is_err());
        let mut elsewhere = maintenance("sun 02:00", "4h");
        elsewhere.timezone = "Mars/Base".to_owned();
        assert!(
            elsewhere
                .check()
                .expect_err("no zone")
                .to_string()
                .contains("Mars/Base")
        );
    }
}
