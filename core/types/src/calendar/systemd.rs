//! systemd notation (systemd.time(7)): `[WEEKDAYS] [[YEAR-]MONTH-DAY] [HOUR:MINUTE[:SECOND]]`, or a name such as `daily`.
//!
//! Beyond systemd, `*/2` is read as a step from the smallest number. Parts of a second and `@SECONDS` are refused.

use super::error::InvalidCalendar;
use super::fields::{Days, Fields, Set, Span};

const NAMES: [(&str, &str); 13] = [
    ("minutely", "*-*-* *:*:00"),
    ("hourly", "*-*-* *:00:00"),
    ("daily", "*-*-* 00:00:00"),
    ("weekly", "Mon *-*-* 00:00:00"),
    ("monthly", "*-*-01 00:00:00"),
    ("quarterly", "*-01,04,07,10-01 00:00:00"),
    ("yearly", "*-01-01 00:00:00"),
    ("annually", "*-01-01 00:00:00"),
    ("anually", "*-01-01 00:00:00"),
    ("semiannually", "*-01,07-01 00:00:00"),
    ("semi-annually", "*-01,07-01 00:00:00"),
    ("biannually", "*-01,07-01 00:00:00"),
    ("bi-annually", "*-01,07-01 00:00:00"),
];

const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// One kind of number in the notation, with its bounds.
#[derive(Clone, Copy)]
struct Unit {
    name: &'static str,
    first: u32,
    last: u32,
}

const YEAR: Unit = Unit {
    name: "year",
    first: 1970,
    last: 2199,
};
const MONTH: Unit = Unit {
    name: "month",
    first: 1,
    last: 12,
};
const DAY: Unit = Unit {
    name: "day",
    first: 1,
    last: 31,
};
/// Every month has as many.
const DAY_FROM_END: Unit = Unit {
    name: "day counted from the end of the month",
    first: 1,
    last: 28,
};
const HOUR: Unit = Unit {
    name: "hour",
    first: 0,
    last: 23,
};
const MINUTE: Unit = Unit {
    name: "minute",
    first: 0,
    last: 59,
};
const SECOND: Unit = Unit {
    name: "second",
    first: 0,
    last: 59,
};

/// What is wrong: the part, and why.
type Fault<'a> = (&'a str, String);

/// Reads `rest`, which is `text` without its time zone.
pub(super) fn parse(text: &str, rest: &str) -> Result<Fields, InvalidCalendar> {
    read(rest).map_err(|(at, why)| InvalidCalendar::new(text, at, why))
}

fn read(text: &str) -> Result<Fields, Fault<'_>> {
    let lower = text.to_ascii_lowercase();
    if let Some((_, meaning)) = NAMES.iter().find(|(name, _)| *name == lower) {
        return read(meaning);
    }
    let mut fields = Fields::daily();
    let mut words = text.split_whitespace().peekable();
    if words.peek().is_none() {
        return Err((
            "",
            "it is empty; write a time such as 02:00 or Sun 06:00".to_owned(),
        ));
    }
    if let Some(word) = words.next_if(|word| word.starts_with(|c: char| c.is_ascii_alphabetic())) {
        fields.weekdays = weekdays(word)?;
    }
    if let Some(word) = words.next_if(|word| !word.contains(':')) {
        date(word, &mut fields)?;
    }
    if let Some(word) = words.next() {
        time(word, &mut fields)?;
    }
    if let Some(word) = words.next() {
        return Err((word, "nothing may follow the time but a time zone".to_owned()));
    }
    if !fields.has_a_day() {
        return Err(("", "no such day ever comes".to_owned()));
    }
    Ok(fields)
}

fn weekdays(word: &str) -> Result<Set, Fault<'_>> {
    let number = |name: &str| {
        let lower = name.to_ascii_lowercase();
        let place = WEEKDAYS.iter().position(|day| *day == lower || day[..3] == lower);
        place.and_then(|place| u32::try_from(place).ok())
    };
    let mut days = Set::EMPTY;
    for part in word.split(',') {
        if part.is_empty() && days != Set::EMPTY {
            // systemd lets a comma stand at the end.
            continue;
        }
        let range = part.split_once("..").or_else(|| part.split_once('-'));
        let (first, last) = range.unwrap_or((part, part));
        let (Some(first), Some(last)) = (number(first), number(last)) else {
            return Err((
                part,
                "it is not a weekday, such as mon or mon..fri, nor a name, such as daily".to_owned(),
            ));
        };
        if first > last {
            return Err((
                part,
                "the range ends before it begins; the week begins on Monday".to_owned(),
            ));
        }
        days = (first..=last).fold(days, Set::with);
    }
    Ok(days)
}

fn date<'a>(word: &'a str, fields: &mut Fields) -> Result<(), Fault<'a>> {
    let wrong = || {
        (
            word,
            "expected a date such as 2026-05-21, *-*-1 or 5-21, or a time such as 02:00".to_owned(),
        )
    };
    // A month's days may be counted from its end, after a tilde.
    let (front, day, from_end) = match word.split_once('~') {
        Some((front, day)) => (front, day, true),
        None => {
            let (front, day) = word.rsplit_once('-').ok_or_else(wrong)?;
            (front, day, false)
        }
    };
    let (year, month) = match front.rsplit_once('-') {
        Some((year, month)) => (Some(year), month),
        None => (None, front),
    };
    if day.contains(['-', '~']) || year.is_some_and(|year| year.contains('-')) {
        return Err(wrong());
    }
    if let Some(year) = year {
        fields.years = list(year, YEAR)?;
    }
    fields.months = set(month, MONTH)?;
    if !from_end {
        fields.days = Days::Listed(set(day, DAY)?);
    } else if let Some(spans) = list(day, DAY_FROM_END)? {
        fields.days = Days::FromEnd(spans);
    }
    Ok(())
}

fn time<'a>(word: &'a str, fields: &mut Fields) -> Result<(), Fault<'a>> {
    let parts: Vec<&str> = word.split(':').collect();
    let (hour, minute, second) = match parts[..] {
        [hour, minute] => (hour, minute, "0"),
        [hour, minute, second] => (hour, minute, second),
        _ => return Err((word, "expected a time such as 02:00 or 02:00:30".to_owned())),
    };
    fields.hours = set(hour, HOUR)?;
    fields.minutes = set(minute, MINUTE)?;
    fields.seconds = set(second, SECOND)?;
    Ok(())
}

/// All numbers of a list.
fn set(text: &str, unit: Unit) -> Result<Set, Fault<'_>> {
    let everything = Set::range(unit.first, unit.last);
    let Some(spans) = list(text, unit)? else {
        return Ok(everything);
    };
    let matching = everything
        .iter()
        .filter(|number| spans.iter().any(|span| span.contains(*number, unit.last)));
    Ok(matching.fold(Set::EMPTY, Set::with))
}

/// The parts of a list; none for `*`, which is everything.
fn list(text: &str, unit: Unit) -> Result<Option<Vec<Span>>, Fault<'_>> {
    if text == "*" {
        return Ok(None);
    }
    text.split(',')
        .map(|part| span(part, unit).map_err(|why| (part, why)))
        .collect::<Result<_, _>>()
        .map(Some)
}

fn span(part: &str, unit: Unit) -> Result<Span, String> {
    let (numbers, step) = match part.split_once('/') {
        Some((numbers, step)) => (numbers, Some(step)),
        None => (part, None),
    };
    let (first, last) = match numbers.split_once("..") {
        Some((first, last)) => (number(first, unit)?, Some(number(last, unit)?)),
        None if numbers == "*" && step.is_some() => (unit.first, None),
        None => (number(numbers, unit)?, None),
    };
    if last.is_some_and(|last| last < first) {
        return Err("the range ends before it begins".to_owned());
    }
    let step = match step.map(str::parse::<u32>) {
        None => None,
        Some(Ok(step)) if step > 0 => Some(step),
        Some(_) => return Err("a step is a number above 0".to_owned()),
    };
    let Some(last) = last else {
        // From the end of the month a step counts down.
        let room = if unit.name == DAY_FROM_END.name {
            first - unit.first
        } else {
            unit.last - first
        };
        return match step {
            Some(step) if step > room => Err(format!(
                "a step of {step} from {numbers} leads to no other {}",
                unit.name
            )),
            _ => Ok(Span {
                first,
                last: None,
                step,
            }),
        };
    };
    // A range ends where its last step does, which decides where steps begin that count from the month's end.
    let last = last - (last - first) % step.unwrap_or(1);
    Ok(Span {
        first,
        last: Some(last),
        step,
    })
}

fn number(text: &str, unit: Unit) -> Result<u32, String> {
    let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    let number = text
        .parse::<u32>()
        .ok()
        .filter(|_| digits)
        .map(|number| match (unit.name, number) {
            // Years of two digits, as systemd completes them.
            ("year", 0..=69) => number + 2000,
            ("year", 70..=99) => number + 1900,
            _ => number,
        });
    number
        .filter(|number| (unit.first..=unit.last).contains(number))
        .ok_or_else(|| {
            format!(
                "expected a number from {} to {} for the {}",
                unit.first, unit.last, unit.name
            )
        })
}
