//! Crontab notation: five fields, as crontab(5) of Debian reads them, translated for the `cron` crate.
//!
//! That crate wants seconds, counts Sunday as 1 and demands that both day fields match. Here 0 and 7 are Sunday, and
//! two restricted day fields mean either: they become a union of two schedules. A field that begins with `*` does
//! not restrict, even with a step.

use chrono::{DateTime as ChronoTime, Datelike, NaiveDate, Timelike, Utc};
use jiff::civil::DateTime;

use super::error::InvalidCalendar;
use super::fields::{Days, Fields, Set};

struct Field {
    name: &'static str,
    first: u32,
    last: u32,
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        first: 0,
        last: 59,
        names: &[],
    },
    Field {
        name: "hour",
        first: 0,
        last: 23,
        names: &[],
    },
    Field {
        name: "day of the month",
        first: 1,
        last: 31,
        names: &[],
    },
    Field {
        name: "month",
        first: 1,
        last: 12,
        names: &MONTHS,
    },
    Field {
        name: "day of the week",
        first: 0,
        last: 7,
        names: &WEEKDAYS,
    },
];

const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// Whether `text` is meant as a crontab expression; the longest of the other notation has four words.
pub(super) fn looks_like(text: &str) -> bool {
    text.starts_with('@') || text.split_whitespace().count() >= FIELDS.len()
}

/// Reads five fields, or a nickname. The schedules together are the expression.
pub(super) fn parse(text: &str) -> Result<(Fields, Vec<cron::Schedule>), InvalidCalendar> {
    let lower = text.to_ascii_lowercase();
    let nickname = NICKNAMES
        .iter()
        .find(|(name, _)| *name == lower)
        .map(|(_, fields)| *fields);
    if nickname.is_none() && text.starts_with('@') {
        let names = NICKNAMES.map(|(name, _)| name).join(", ");
        return Err(InvalidCalendar::new(text, "", format!("the names are {names}")));
    }
    let words: Vec<&str> = nickname.unwrap_or(text).split_whitespace().collect();
    let [minute, hour, date, month, weekday] = words[..] else {
        let why = format!("a crontab expression has five fields, this has {}", words.len());
        return Err(InvalidCalendar::new(text, "", why));
    };
    let read = |place: usize, word| {
        FIELDS[place].read(word).map_err(|(at, why)| {
            InvalidCalendar::new(
                text,
                at,
                format!("{why}, in the field for the {}", FIELDS[place].name),
            )
        })
    };
    let restricts = |word: &str| !word.starts_with('*');
    let sunday_first = read(4, weekday)?;
    let fields = Fields {
        minutes: read(0, minute)?,
        hours: read(1, hour)?,
        days: Days::Listed(read(2, date)?),
        months: read(3, month)?,
        weekdays: sunday_first
            .iter()
            .fold(Set::EMPTY, |days, day| days.with((day + 6) % 7)),
        either_day: restricts(date) && restricts(weekday),
        ..Fields::daily()
    };
    if !fields.has_a_day() {
        return Err(InvalidCalendar::new(text, date, "no such day ever comes"));
    }
    let schedules = translate(text, &fields)?;
    Ok((fields, schedules))
}

impl Field {
    fn read<'a>(&self, word: &'a str) -> Result<Set, (&'a str, String)> {
        word.split(',').try_fold(Set::EMPTY, |set, part| {
            let numbers = self.part(part).map_err(|why| (part, why))?;
            Ok(numbers.fold(set, Set::with))
        })
    }

    /// One part of the list: `*`, a number, a range; the first and the last with a step.
    fn part(&self, part: &str) -> Result<impl Iterator<Item = u32> + use<>, String> {
        let (numbers, step) = match part.split_once('/') {
            Some((numbers, step)) => (numbers, Some(step)),
            None => (part, None),
        };
        let (first, last) = match numbers.split_once('-') {
            _ if numbers == "*" => (self.first, self.last),
            Some((first, last)) => (self.number(first)?, self.number(last)?),
            None if step.is_some() => {
                return Err(format!(
                    "a step goes with * or a range, such as {numbers}-{}",
                    self.last
                ));
            }
            None => (self.number(numbers)?, self.number(numbers)?),
        };
        // `fri-sun`: Sunday is 0, but also 7.
        let last = if last == 0 && first > 0 && self.last == 7 {
            7
        } else {
            last
        };
        if first > last {
            return Err("the range ends before it begins".to_owned());
        }
        let step = match step.map(str::parse::<u32>) {
            None => 1,
            Some(Ok(step)) if step > 0 => step,
            Some(_) => return Err("a step is a number above 0".to_owned()),
        };
        Ok((first..=last).step_by(usize::try_from(step).unwrap_or(usize::MAX)))
    }

    fn number(&self, text: &str) -> Result<u32, String> {
        let lower = text.to_ascii_lowercase();
        if let Some(place) = self.names.iter().position(|name| *name == lower) {
            return Ok(self.first + u32::try_from(place).unwrap_or(0));
        }
        let number = text
            .parse()
            .ok()
            .filter(|n| text.len() <= 2 && (self.first..=self.last).contains(n));
        number.ok_or_else(|| format!("expected a number from {} to {}", self.first, self.last))
    }
}

fn translate(text: &str, fields: &Fields) -> Result<Vec<cron::Schedule>, InvalidCalendar> {
    let list = |set: Set, all: Set, shift: fn(u32) -> u32| {
        if set == all {
            return "*".to_owned();
        }
        set.iter()
            .map(|number| shift(number).to_string())
            .collect::<Vec<_>>()
            .join(",")
    };
    let same = |number| number;
    let Days::Listed(days) = fields.days else {
        return Ok(Vec::new());
    };
    let minutes = list(fields.minutes, Set::range(0, 59), same);
    let hours = list(fields.hours, Set::range(0, 23), same);
    let days = list(days, Set::range(1, 31), same);
    let months = list(fields.months, Set::range(1, 12), same);
    // Monday is 0 here and 2 there.
    let weekdays = list(fields.weekdays, Set::range(0, 6), |day| (day + 1) % 7 + 1);
    let pairs = if fields.either_day {
        vec![(days.as_str(), "*"), ("*", weekdays.as_str())]
    } else {
        vec![(days.as_str(), weekdays.as_str())]
    };
    pairs
        .into_iter()
        .map(|(days, weekdays)| {
            let translated = format!("0 {minutes} {hours} {days} {months} {weekdays}");
            translated
                .parse()
                .map_err(|why: cron::error::Error| InvalidCalendar::new(text, "", why.to_string()))
        })
        .collect()
}

/// The first time of `schedule` at or after `from`. UTC stands in for local time here: it has no changes.
pub(super) fn at_or_after(schedule: &cron::Schedule, from: DateTime) -> Option<DateTime> {
    let part = |number: i8| u32::from(number.unsigned_abs());
    let before: ChronoTime<Utc> =
        NaiveDate::from_ymd_opt(from.year().into(), part(from.month()), part(from.day()))?
            .and_hms_opt(part(from.hour()), part(from.minute()), part(from.second()))?
            .and_utc()
            .checked_sub_signed(chrono::TimeDelta::seconds(1))?;
    let found = schedule.after(&before).next()?;
    let small = |number: u32| i8::try_from(number).ok();
    DateTime::new(
        i16::try_from(found.year()).ok()?,
        small(found.month())?,
        small(found.day())?,
        small(found.hour())?,
        small(found.minute())?,
        small(found.second())?,
        0,
    )
    .ok()
}
