//! How often a handler is told: digests, quiet hours, a limit. When a message is due is decided here; that it then goes
//! out is left to whoever tells.

use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hours::{Hours, InvalidHours, TimeOfDay, Weekday, instant};
use crate::calendar;
use crate::event_type::Severity;
use crate::timestamp::{Span, Timestamp};

/// How often a digest comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    /// At each full hour.
    Hour,
    /// Each day.
    Day,
    /// Each week.
    Week,
}

/// A digest: what happens until its time comes is told by one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Digest {
    /// How often.
    pub every: Every,
    /// At this time of day, unless it is hourly.
    #[serde(default = "eight")]
    pub at: TimeOfDay,
    /// On this day, when it is weekly.
    #[serde(default = "monday")]
    pub on: Weekday,
    /// The time zone (IANA name).
    #[serde(default = "utc")]
    pub timezone: String,
    /// Events of this severity or more are told at once all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<Severity>,
}

/// Quiet hours: what happens in them is told by one message when they are over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Quiet {
    /// When it is quiet.
    pub hours: Hours,
    /// Events of this severity or more are told at once all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<Severity>,
}

/// How many messages a handler sends at most; what is beyond is told by one message as soon as the limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limit {
    /// So many messages, a thousand at most.
    #[schemars(range(min = 1, max = 1000))]
    pub messages: u32,
    /// In any such span.
    pub per: Span,
}

fn eight() -> TimeOfDay {
    TimeOfDay::hour(8)
}

fn monday() -> Weekday {
    Weekday::Mon
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Whether this severity is told at once all the same.
fn breaks_through(unless: Option<Severity>, severity: Severity) -> bool {
    unless.is_some_and(|least| severity >= least)
}

fn zone(name: &str) -> Option<TimeZone> {
    calendar::zone(name).ok()
}

impl Digest {
    /// Whether it can be used.
    ///
    /// # Errors
    /// An unknown time zone.
    pub fn check(&self) -> Result<(), InvalidHours> {
        match zone(&self.timezone) {
            Some(_) => Ok(()),
            None => Err(InvalidHours::Zone(self.timezone.clone())),
        }
    }

    /// When the digest is due that an event of this time and severity goes into; none when it is told at once.
    pub fn due(&self, at: Timestamp, severity: Severity) -> Option<Timestamp> {
        if breaks_through(self.unless, severity) {
            return None;
        }
        if self.every == Every::Hour {
            const HOUR: i64 = 3_600;
            return Some(Timestamp::from_seconds(
                (at.as_seconds().div_euclid(HOUR) + 1) * HOUR,
            ));
        }
        let zone = zone(&self.timezone)?;
        let now = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?;
        let today = zone.to_datetime(now).date();
        // A week and a day are enough to find the next one.
        (0..=8).find_map(|days: i64| {
            let date = today.checked_add(days.days()).ok()?;
            let is_day = self.every == Every::Day || Weekday::of(date.weekday()) == self.on;
            let due = instant(date, self.at, &zone).filter(|_| is_day)?;
            (due > at).then_some(due)
        })
    }
}

impl Quiet {
    /// Whether they can be used.
    ///
    /// # Errors
    /// What is wrong with the hours, or that they never end.
    pub fn check(&self) -> Result<(), InvalidHours> {
        self.hours.check()?;
        match self.hours.contain_every_hour() {
            true => Err(InvalidHours::Endless),
            false => Ok(()),
        }
    }

    /// When they are over, if an event of this time and severity falls into them and is not told at once all the same.
    pub fn due(&self, at: Timestamp, severity: Severity) -> Option<Timestamp> {
        if breaks_through(self.unless, severity) || !self.hours.contain(at) {
            return None;
        }
        self.hours.end_after(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn digest(json: &str) -> Digest {
        serde_json::from_str(json).expect("a digest")
    }

    #[test]
    fn digests_come_at_their_time() {
        // 2026-05-21 is a Thursday.
        for (declared, now, due) in [
            (
                r#"{"every": "hour"}"#,
                "2026-05-21T10:00:00Z",
                "2026-05-21T11:00:00Z",
            ),
            (
                r#"{"every": "hour"}"#,
                "2026-05-21T10:59:59.999999Z",
                "2026-05-21T11:00:00Z",
            ),
            (
                r#"{"every": "day"}"#,
                "2026-05-21T07:59:00Z",
                "2026-05-21T08:00:00Z",
            ),
            (
                r#"{"every": "day"}"#,
                "2026-05-21T08:00:00Z",
                "2026-05-22T08:00:00Z",
            ),
            (
                r#"{"every": "week"}"#,
                "2026-05-21T08:00:00Z",
                "2026-05-25T08:00:00Z",
            ),
            (
                r#"{"every": "week", "on": "thu", "at": "18:30"}"#,
                "2026-05-21T18:30:00Z",
                "2026-05-28T18:30:00Z",
            ),
            // Berlin is an hour ahead in winter, two in summer; on 2026-03-29 two o'clock is skipped.
            (
                r#"{"every": "day", "timezone": "Europe/Berlin"}"#,
                "2026-03-28T12:00:00Z",
                "2026-03-29T06:00:00Z",
            ),
            (
                r#"{"every": "day", "at": "02:30", "timezone": "Europe/Berlin"}"#,
                "2026-03-28T12:00:00Z",
                "2026-03-29T01:30:00Z",
            ),
            (
                r#"{"every": "day", "at": "24:00"}"#,
                "2026-05-21T07:00:00Z",
                "2026-05-22T00:00:00Z",
            ),
        ] {
            assert_eq!(
                digest(declared).due(at(now), Severity::Info),
                Some(at(due)),
                "{declared} at {now}"
            );
        }
        let urgent = digest(r#"{"every": "day", "unless": "error"}"#);
        assert_eq!(urgent.due(at("2026-05-21T07:59:00Z"), Severity::Error), None);
        assert!(
            urgent
                .due(at("2026-05-21T07:59:00Z"), Severity::Warning)
                .is_some()
        );
    }

    #[test]
    fn quiet_hours_end() {
        let quiet = |json: &str| -> Quiet { serde_json::from_str(json).expect("quiet hours") };
        let night = quiet(r#"{"hours": {"from": "22:00", "to": "07:00"}, "unless": "error"}"#);
        assert_eq!(night.due(at("2026-05-21T21:59:00Z"), Severity::Info), None);
        assert_eq!(
            night.due(at("2026-05-21T22:00:00Z"), Severity::Info),
            Some(at("2026-05-22T07:00:00Z"))
        );
        assert_eq!(
            night.due(at("2026-05-22T06:00:00Z"), Severity::Info),
            Some(at("2026-05-22T07:00:00Z"))
        );
        assert_eq!(night.due(at("2026-05-22T06:00:00Z"), Severity::Error), None);
        // A whole weekend ends on Monday.
        let weekend = quiet(r#"{"hours": {"days": ["sat", "sun"]}}"#);
        assert_eq!(
            weekend.due(at("2026-05-23T10:00:00Z"), Severity::Info),
            Some(at("2026-05-25T00:00:00Z"))
        );
        assert_eq!(weekend.check(), Ok(()));
        assert_eq!(quiet(r#"{"hours": {}}"#).check(), Err(InvalidHours::Endless));
    }
}
