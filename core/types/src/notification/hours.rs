//! Days and hours of the week: when a filter lets events pass.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::ToSpan as _;
use jiff::civil;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::calendar;
use crate::timestamp::Timestamp;

/// A day of the week.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Weekday {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Mon,
        Self::Tue,
        Self::Wed,
        Self::Thu,
        Self::Fri,
        Self::Sat,
        Self::Sun,
    ];

    pub(super) fn of(day: civil::Weekday) -> Self {
        match day {
            civil::Weekday::Monday => Self::Mon,
            civil::Weekday::Tuesday => Self::Tue,
            civil::Weekday::Wednesday => Self::Wed,
            civil::Weekday::Thursday => Self::Thu,
            civil::Weekday::Friday => Self::Fri,
            civil::Weekday::Saturday => Self::Sat,
            civil::Weekday::Sunday => Self::Sun,
        }
    }
}

/// A time of day in whole minutes, written `HH:MM`; `24:00` is the end of the day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
#[schema(value_type = String, example = "08:30")]
pub struct TimeOfDay(u16);

/// Why hours are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHours {
    /// A text is no time of day.
    #[error("{0:?} is no time of day: write HH:MM, from 00:00 to 24:00")]
    Time(String),
    /// The zone is not known.
    #[error("there is no time zone {0:?}: use a name such as Europe/Berlin")]
    Zone(String),
    /// They never end.
    #[error("they never end: leave out a day, or some of the day")]
    Endless,
    /// Nothing is between the times.
    #[error("`from` and `to` are the same time; leave both out for the whole day")]
    Empty,
}

impl TimeOfDay {
    /// The beginning of the day.
    pub const MIDNIGHT: Self = Self(0);
    /// The end of the day.
    pub const END: Self = Self(24 * 60);

    /// This full hour.
    pub(super) const fn hour(hour: u16) -> Self {
        Self(hour * 60)
    }
}

impl FromStr for TimeOfDay {
    type Err = InvalidHours;

    fn from_str(text: &str) -> Result<Self, InvalidHours> {
        let invalid = || InvalidHours::Time(text.to_owned());
        let (hours, minutes) = text.split_once(':').ok_or_else(invalid)?;
        let number = |part: &str| {
            let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            digits
                .then(|| part.parse::<u16>().ok())
                .flatten()
                .ok_or_else(invalid)
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        let time = Self(hours * 60 + minutes);
        if minutes > 59 || time > Self::END {
            return Err(invalid());
        }
        Ok(time)
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = InvalidHours;

    fn try_from(text: String) -> Result<Self, InvalidHours> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Debug for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hours of the week in a time zone. Those that end before they begin last over midnight, and belong to the day on
/// which they begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Hours {
    /// On these days; on all when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Weekday>,
    /// From this time of day.
    pub from: TimeOfDay,
    /// Up to this time of day, without it.
    pub to: TimeOfDay,
    /// The time zone (IANA name).
    pub timezone: String,
}

impl Default for Hours {
    fn default() -> Self {
        Self {
            days: Vec::new(),
            from: TimeOfDay::MIDNIGHT,
            to: TimeOfDay::END,
            timezone: "UTC".to_owned(),
        }
    }
}

impl Hours {
    /// Whether they can be used.
    ///
    /// # Errors
    /// An unknown time zone, or no time between the two.
    pub fn check(&self) -> Result<(), InvalidHours> {
        if self.from == self.to {
            return Err(InvalidHours::Empty);
        }
        calendar::zone(&self.timezone)
            .map(drop)
            .map_err(|_| InvalidHours::Zone(self.timezone.clone()))
    }

    /// Whether `at` is within them. A zone that is not known is taken for UTC.
    pub fn contain(&self, at: Timestamp) -> bool {
        let zone = calendar::zone(&self.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
        let Ok(instant) = jiff::Timestamp::from_microsecond(at.as_micros()) else {
            return false;
        };
        let local = zone.to_datetime(instant);
        let time = minute_of(local);
        let today = local.weekday();
        if self.from < self.to {
            return self.on(today) && self.from <= time && time < self.to;
        }
        (self.on(today) && time >= self.from) || (self.on(today.previous()) && time < self.to)
    }

    /// Whether there is no time outside of them.
    pub(super) fn contain_every_hour(&self) -> bool {
        let every_day = Weekday::ALL
            .iter()
            .all(|day| self.days.is_empty() || self.days.contains(day));
        every_day && self.from == TimeOfDay::MIDNIGHT && self.to == TimeOfDay::END
    }

    /// When those that contain `at` are over. None when that is more than a week away.
    pub(super) fn end_after(&self, at: Timestamp) -> Option<Timestamp> {
        let zone = calendar::zone(&self.timezone).ok()?;
        let mut at = at;
        // Days that follow each other may make one.
        for _ in 0..9 {
            let now = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?;
            let local = zone.to_datetime(now);
            let ends_today = self.from < self.to || minute_of(local) < self.to;
            let date = if ends_today {
                local.date()
            } else {
                local.date().tomorrow().ok()?
            };
            // Where the clock is set back the hours may seem to have ended already.
            let end = instant(date, self.to, &zone)?.max(at.after(Duration::from_secs(60)));
            if !self.contain(end) {
                return Some(end);
            }
            at = end;
        }
        None
    }

    fn on(&self, day: civil::Weekday) -> bool {
        self.days.is_empty() || self.days.contains(&Weekday::of(day))
    }
}

fn minute_of(local: civil::DateTime) -> TimeOfDay {
    TimeOfDay(u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(0))
}

/// That time of day of a date; one that the clock skips is the first instant after it.
pub(super) fn instant(date: civil::Date, time: TimeOfDay, zone: &TimeZone) -> Option<Timestamp> {
    let local = date
        .to_datetime(civil::Time::midnight())
        .checked_add(i64::from(time.0).minutes())
        .ok()?;
    let instant = zone.to_timestamp(local).ok()?;
    Some(Timestamp::from_micros(instant.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(json: &str) -> Hours {
        serde_json::from_str(json).expect("hours")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn they_are_of_the_zone_and_over_midnight_of_the_day_they_begin() {
        let office =
            hours(r#"{"days": ["mon", "fri"], "from": "08:00", "to": "18:00", "timezone": "Europe/Berlin"}"#);
        // 2026-05-22 is a Friday; Berlin is two hours ahead.
        for (time, within) in [
            ("2026-05-22T05:59:59Z", false),
            ("2026-05-22T06:00:00Z", true),
            ("2026-05-22T15:59:59Z", true),
            ("2026-05-22T16:00:00Z", false),
            ("2026-05-23T10:00:00Z", false),
        ] {
            assert_eq!(office.contain(at(time)), within, "{time}");
        }
        let night = hours(r#"{"days": ["fri"], "from": "22:00", "to": "06:00"}"#);
        for (time, within) in [
            ("2026-05-22T05:00:00Z", false),
            ("2026-05-22T22:00:00Z", true),
            ("2026-05-23T05:59:00Z", true),
            ("2026-05-23T06:00:00Z", false),
            ("2026-05-23T22:00:00Z", false),
        ] {
            assert_eq!(night.contain(at(time)), within, "{time}");
        }
        assert!(Hours::default().contain(at("2026-05-22T23:59:59Z")));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in ["8:00", "08:60", "24:01", "0800", "08:00:00", "-1:00", "+8:00"] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
        assert_eq!(
            hours(r#"{"from": "08:00", "to": "08:00"}"#).check(),
            Err(InvalidHours::Empty)
        );
        let zone = hours(r#"{"timezone": "Mars/Base"}"#)
            .check()
            .expect_err("no zone");
        assert!(zone.to_string().contains("Mars/Base"));
        assert_eq!(Hours::default().check(), Ok(()));
    }
}
