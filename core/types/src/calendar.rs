//! Calendar expressions: systemd style and crontab, evaluated in a time zone.
//!
//! `02:00`, `Sun 06:00`, `mon..fri 8..18/2:30` and `0 2 * * 7` are all read by [`Calendar::parse`]. Which jobs have
//! which expression, missed ticks and jitter are left to the scheduler.
//!
//! When clocks change: a local time that the change skips fires at the first instant after the gap, once however
//! many times fell into it; one that repeats fires at its first occurrence only, but an expression for every hour
//! fires in both.

mod crontab;
mod error;
mod fields;
mod local;
mod systemd;
mod words;

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use error::{InvalidCalendar, InvalidZone};

use crate::timestamp::Timestamp;
use fields::Fields;

/// A calendar expression that has been read, kept with the text it was read from. In JSON: that text.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Calendar {
    text: String,
    fields: Fields,
    /// What the `cron` crate made of it, when it is a crontab expression: their union counts.
    cron: Vec<cron::Schedule>,
    /// The zone that the expression itself names.
    zone: Option<TimeZone>,
}

impl Calendar {
    /// Reads `text`: five fields are a crontab expression, `@daily` and its like too; all else is systemd style.
    ///
    /// # Errors
    /// [`InvalidCalendar`] says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, InvalidCalendar> {
        let text = text.trim();
        if crontab::looks_like(text) {
            let (fields, cron) = crontab::parse(text)?;
            return Ok(Self {
                text: text.to_owned(),
                fields,
                cron,
                zone: None,
            });
        }
        let (rest, zone) = split_zone(text);
        let fields = systemd::parse(text, rest)?;
        Ok(Self {
            text: text.to_owned(),
            fields,
            cron: Vec::new(),
            zone,
        })
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time after `after`, in `zone` unless the expression names one itself. None when it never comes
    /// again (before the year 2200; 2101 for crontab).
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let zone = self.zone.as_ref().unwrap_or(zone);
        local::next_after(self, after.to_jiff(), zone).map(Timestamp::from_jiff)
    }

    /// All times after `after`, in order.
    pub fn upcoming<'a>(
        &'a self,
        after: Timestamp,
        zone: &'a TimeZone,
    ) -> impl Iterator<Item = Timestamp> + 'a {
        std::iter::successors(self.next_after(after, zone), |last| self.next_after(*last, zone))
    }

    /// The last time after `after`, up to and with `until`: found by halves, for there may be very many in between.
    pub fn last_between(&self, after: Timestamp, until: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let within = |from| self.next_after(from, zone).filter(|time| *time <= until);
        let mut last = within(after)?;
        // After this there is none.
        let mut over = until;
        while let Some(next) = within(last).filter(|next| *next <= over) {
            last = next;
            let middle = last.after(over.since(last) / 2);
            match within(middle) {
                Some(later) => last = later,
                None => over = middle,
            }
        }
        Some(last)
    }

    /// In words: `at 02:00 on Sunday`.
    pub fn describe(&self) -> String {
        let words = words::describe(&self.fields);
        match self.zone.as_ref().and_then(TimeZone::iana_name) {
            Some(zone) => format!("{words} ({zone})"),
            None => words,
        }
    }
}

impl local::LocalTimes for Calendar {
    fn at_or_after(&self, from: jiff::civil::DateTime) -> Option<jiff::civil::DateTime> {
        if self.cron.is_empty() {
            return self.fields.at_or_after(from);
        }
        self.cron
            .iter()
            .filter_map(|schedule| crontab::at_or_after(schedule, from))
            .min()
    }

    fn every_hour(&self) -> bool {
        self.fields.every_hour()
    }
}

/// Takes a trailing time zone off, as `Sun 06:00 Europe/Berlin` has one.
fn split_zone(text: &str) -> (&str, Option<TimeZone>) {
    // `mon` or `daily` alone is no zone, and some zones are named like `EST`, so digits decide nothing here.
    let Some((rest, last)) = text.rsplit_once(char::is_whitespace) else {
        return (text, None);
    };
    let starts_like_a_name = last.starts_with(|c: char| c.is_ascii_alphabetic());
    match zone(last) {
        Ok(zone) if starts_like_a_name => (rest.trim_end(), Some(zone)),
        _ => (text, None),
    }
}

/// The time zone of an IANA name such as `Europe/Berlin`, or `UTC`.
///
/// # Errors
/// [`InvalidZone`] when the database knows no zone of that name.
pub fn zone(name: &str) -> Result<TimeZone, InvalidZone> {
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| InvalidZone::new(name))
}

impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Calendar {}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Calendar({:?})", self.text)
    }
}

impl FromStr for Calendar {
    type Err = InvalidCalendar;
    fn from_str(text: &str) -> Result<Self, InvalidCalendar> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Calendar {
    type Error = InvalidCalendar;
    fn try_from(text: String) -> Result<Self, InvalidCalendar> {
        Self::parse(&text)
    }
}

impl From<Calendar> for String {
    fn from(calendar: Calendar) -> String {
        calendar.text
    }
}
