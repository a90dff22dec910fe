//! A calendar expression in words.

use super::fields::{Days, Fields, Set, Span};

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// More times of day than these are told by their rule instead of one by one.
const MOST_TIMES: u32 = 6;

pub(super) fn describe(fields: &Fields) -> String {
    let time = time(fields);
    match date(fields) {
        Some(date) => format!("{time} {date}"),
        // `every 15 minutes` needs no `every day`.
        None if time.starts_with("every") => time,
        None => format!("{time} every day"),
    }
}

fn time(fields: &Fields) -> String {
    let (hours, minutes, seconds) = (fields.hours, fields.minutes, fields.seconds);
    if hours.len() * minutes.len() * seconds.len() <= MOST_TIMES {
        return format!("at {}", join(times(fields)));
    }
    let whole_minutes = seconds.only() == Some(0);
    let every_minute = minutes.len() == 60;
    if fields.every_hour() {
        match (whole_minutes, every(minutes, 60), minutes.only()) {
            (true, Some(1), _) => return "every minute".to_owned(),
            (true, Some(step), _) => return format!("every {step} minutes"),
            (true, _, Some(0)) => return "every hour".to_owned(),
            (true, ..) => return format!("every hour at {}", counted("minute", minutes)),
            (false, Some(1), _) if seconds.len() == 60 => return "every second".to_owned(),
            (false, ..) => {}
        }
    }
    let mut parts = Vec::new();
    if !whole_minutes {
        parts.push(if seconds.len() == 60 {
            "every second".to_owned()
        } else {
            format!("every {}", counted("second", seconds))
        });
    }
    parts.push(match (every(minutes, 60), every_minute) {
        (_, true) => "every minute".to_owned(),
        (Some(step), _) => format!("every {step} minutes"),
        _ => format!("every {}", counted("minute", minutes)),
    });
    parts.push(match every(hours, 24) {
        Some(1) => "every hour".to_owned(),
        Some(step) => format!("every {step} hours"),
        None => counted("hour", hours),
    });
    parts.join(" of ")
}

fn times(fields: &Fields) -> Vec<String> {
    let mut all = Vec::new();
    for hour in fields.hours.iter() {
        for minute in fields.minutes.iter() {
            for second in fields.seconds.iter() {
                all.push(if fields.seconds.only() == Some(0) {
                    format!("{hour:02}:{minute:02}")
                } else {
                    format!("{hour:02}:{minute:02}:{second:02}")
                });
            }
        }
    }
    all
}

/// The step of numbers that go from 0 to the end without a shorter step at the turn: 0, 15, 30, 45.
fn every(set: Set, end: u32) -> Option<u32> {
    let step = end
        .checked_div(set.len())
        .filter(|step| end.is_multiple_of(*step))?;
    let regular = set
        .iter()
        .enumerate()
        .all(|(place, number)| u32::try_from(place).is_ok_and(|n| n * step == number));
    (regular && set.len() > 1).then_some(step)
}

fn date(fields: &Fields) -> Option<String> {
    let weekday = (!fields.every_weekday()).then(|| ranges(fields.weekdays, |day| name(&WEEKDAYS, day)));
    let day = (!fields.every_date()).then(|| days(&fields.days));
    let mut text = match (day, weekday) {
        (Some(day), Some(weekday)) if fields.either_day => format!("{day} of the month or on {weekday}"),
        (Some(day), Some(weekday)) => format!(
            "on {weekday} that is {} of the month",
            day.trim_start_matches("on ")
        ),
        (Some(day), None) => format!("{day} of the month"),
        (None, Some(weekday)) => format!("on {weekday}"),
        (None, None) if fields.months.len() < 12 || fields.years.is_some() => "every day".to_owned(),
        (None, None) => return None,
    };
    if fields.months.len() < 12 {
        text = format!(
            "{text}, in {}",
            ranges(fields.months, |month| name(&MONTHS, month.saturating_sub(1)))
        );
    }
    if let Some(years) = &fields.years {
        text = format!(
            "{text}, {}",
            join(years.iter().map(|span| spelled(*span)).collect())
        );
    }
    Some(text)
}

fn days(days: &Days) -> String {
    match days {
        Days::Listed(days) => format!("on {}", counted("day", *days)),
        Days::FromEnd(spans)
            if *spans
                == [Span {
                    first: 1,
                    last: None,
                    step: None,
                }] =>
        {
            "on the last day".to_owned()
        }
        Days::FromEnd(spans) => {
            format!(
                "on day {}, counted from the end,",
                join(spans.iter().map(|span| spelled(*span)).collect())
            )
        }
    }
}

fn spelled(span: Span) -> String {
    let numbers = match (span.last, span.step) {
        (Some(last), _) => format!("{} to {last}", span.first),
        (None, Some(_)) => format!("{} onwards", span.first),
        (None, None) => span.first.to_string(),
    };
    match span.step {
        Some(step) if step > 1 => format!("{numbers} in steps of {step}"),
        _ => numbers,
    }
}

fn counted(unit: &str, set: Set) -> String {
    let plural = if set.len() == 1 { "" } else { "s" };
    format!("{unit}{plural} {}", ranges(set, |number| number.to_string()))
}

fn name(names: &[&str], place: u32) -> String {
    usize::try_from(place)
        .ok()
        .and_then(|place| names.get(place))
        .map_or(String::new(), ToString::to_string)
}

/// `1, 3 and 5 to 9`: three or more in a row become a range.
fn ranges(set: Set, say: impl Fn(u32) -> String) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in set.iter() {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let spoken = runs.into_iter().flat_map(|(first, last)| match last - first {
        0 => vec![say(first)],
        1 => vec![say(first), say(last)],
        _ => vec![format!("{} to {}", say(first), say(last))],
    });
    join(spoken.collect())
}

fn join(mut parts: Vec<String>) -> String {
    match parts.pop() {
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
        None => String::new(),
    }
}
