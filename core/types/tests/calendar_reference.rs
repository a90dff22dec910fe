//! Calendar expressions against others' opinion: a slow walk over every minute, and systemd's own program.

use std::collections::BTreeSet;
use std::process::Command;

use ironcore_types::Timestamp;
use ironcore_types::calendar::{Calendar, zone};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, ToSpan};
use proptest::prelude::*;

/// A field of a crontab: how it is written, and the numbers it means.
#[derive(Debug, Clone)]
struct Field {
    text: String,
    numbers: BTreeSet<i8>,
}

fn field(first: i8, last: i8) -> impl Strategy<Value = Field> {
    let single = (first..=last).prop_map(|n| Field {
        text: n.to_string(),
        numbers: [n].into(),
    });
    let range = (first..=last, first..=last, 1..=7usize).prop_map(|(a, b, step)| {
        let (a, b) = (a.min(b), a.max(b));
        let text = if step == 1 {
            format!("{a}-{b}")
        } else {
            format!("{a}-{b}/{step}")
        };
        Field {
            text,
            numbers: (a..=b).step_by(step).collect(),
        }
    });
    let part = prop_oneof![single, range];
    let list = proptest::collection::vec(part, 1..=3).prop_map(|parts| Field {
        text: parts
            .iter()
            .map(|part| part.text.as_str())
            .collect::<Vec<_>>()
            .join(","),
        numbers: parts.into_iter().flat_map(|part| part.numbers).collect(),
    });
    let star = (1..=9usize).prop_map(move |step| {
        let text = if step == 1 {
            "*".to_owned()
        } else {
            format!("*/{step}")
        };
        Field {
            text,
            numbers: (first..=last).step_by(step).collect(),
        }
    });
    let any = Just(Field {
        text: "*".to_owned(),
        numbers: (first..=last).collect(),
    });
    prop_oneof![list, star, any]
}

#[derive(Debug, Clone)]
struct Crontab {
    minute: Field,
    hour: Field,
    date: Field,
    month: Field,
    weekday: Field,
}

impl Crontab {
    fn text(&self) -> String {
        let fields = [&self.minute, &self.hour, &self.date, &self.month, &self.weekday];
        fields.map(|field| field.text.as_str()).join(" ")
    }

    fn matches(&self, at: DateTime) -> bool {
        let date = self.date.numbers.contains(&at.day());
        let sunday_is_0 = at.weekday().to_sunday_zero_offset();
        let weekday = self.weekday.numbers.contains(&sunday_is_0)
            || sunday_is_0 == 0 && self.weekday.numbers.contains(&7);
        let star = self.date.text.starts_with('*') || self.weekday.text.starts_with('*');
        let day = if star { date && weekday } else { date || weekday };
        day && self.minute.numbers.contains(&at.minute())
            && self.hour.numbers.contains(&at.hour())
            && self.month.numbers.contains(&at.month())
    }

    /// Every time in the days after `after`, by trying each minute of the local calendar.
    fn walk(&self, after: Timestamp, days: i64, zone: &TimeZone) -> Vec<Timestamp> {
        let after = after.to_jiff();
        let start = zone
            .to_datetime(after)
            .date()
            .yesterday()
            .expect("date")
            .at(0, 0, 0, 0);
        let end = after + SignedDuration::from_hours(days * 24);
        let mut fired = BTreeSet::new();
        let mut at = start;
        while at.date() <= zone.to_datetime(end).date() {
            if self.matches(at) {
                let when = zone.to_ambiguous_timestamp(at);
                match when.offset() {
                    AmbiguousOffset::Unambiguous { offset } => {
                        fired.insert(offset.to_timestamp(at).expect("time"));
                    }
                    AmbiguousOffset::Gap { before, .. } => {
                        // The gap ends where the change is; look for it from a day before.
                        let before = before.to_timestamp(at).expect("time") - 24.hours();
                        fired.insert(zone.following(before).next().expect("change").timestamp());
                    }
                    AmbiguousOffset::Fold { before, after } => {
                        fired.insert(before.to_timestamp(at).expect("time"));
                        if self.hour.numbers.len() == 24 {
                            fired.insert(after.to_timestamp(at).expect("time"));
                        }
                    }
                }
            }
            at = at.checked_add(1.minute()).expect("time");
        }
        let within = fired.into_iter().filter(|time| *time > after && *time <= end);
        within.map(Timestamp::from_jiff).collect()
    }
}

fn crontab() -> impl Strategy<Value = Crontab> {
    (
        field(0, 59),
        field(0, 23),
        field(1, 31),
        field(1, 12),
        field(0, 7),
    )
        .prop_map(|(minute, hour, date, month, weekday)| Crontab {
            minute,
            hour,
            date,
            month,
            weekday,
        })
}

/// Seconds of 2026, mostly in the weeks of the changes in Berlin and New York.
fn moment() -> impl Strategy<Value = Timestamp> {
    let near = |text: &str| {
        let change: Timestamp = text.parse().expect("time");
        change.as_seconds() - 5 * 86_400..change.as_seconds() + 86_400
    };
    prop_oneof![
        near("2026-03-08T07:00:00Z"),
        near("2026-03-29T01:00:00Z"),
        near("2026-10-25T01:00:00Z"),
        near("2026-11-01T06:00:00Z"),
        near("2026-06-29T01:00:00Z"),
    ]
    .prop_map(Timestamp::from_seconds)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn crontab_fires_as_a_walk_over_every_minute_says(
        crontab in crontab(),
        after in moment(),
        place in prop_oneof![Just("Europe/Berlin"), Just("America/New_York"), Just("Australia/Lord_Howe"), Just("UTC")],
    ) {
        let zone = zone(place).expect("zone");
        // An expression for a day that never comes is refused; the walk finds nothing either.
        let Ok(calendar) = Calendar::parse(&crontab.text()) else {
            prop_assert!(crontab.walk(after, 400, &zone).is_empty(), "{}", crontab.text());
            return Ok(());
        };
        let expected = crontab.walk(after, 20, &zone);
        let count = expected.len().min(400);
        let end = after.after(std::time::Duration::from_secs(20 * 86_400));
        let got: Vec<Timestamp> =
            calendar.upcoming(after, &zone).take_while(|time| *time <= end).take(400).collect();
        prop_assert_eq!(&got[..], &expected[..count], "{} in {}", crontab.text(), place);
    }
}

/// What `systemd-analyze calendar` says in UTC; none when the program is not installed.
fn systemd_says(expression: &str, after: Timestamp, count: usize) -> Option<Result<Vec<Timestamp>, ()>> {
    let base = after.to_jiff().strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let output = Command::new("systemd-analyze")
        .args([
            "calendar",
            "--iterations",
            &count.to_string(),
            "--base-time",
            &base,
            expression,
        ])
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .output()
        .ok()?;
    if !output.status.success() {
        return Some(Err(()));
    }
    let text = String::from_utf8(output.stdout).expect("text");
    let times = text.lines().filter_map(|line| {
        let (label, value) = line.trim().split_once(": ")?;
        if !(label == "Next elapse" || label.starts_with("Iter")) || value.trim() == "never" {
            return None;
        }
        let [_, date, time, "UTC"] = value.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        Some(format!("{date}T{time}Z").parse().expect("time"))
    });
    Some(Ok(times.collect()))
}

/// The expression with the end that each step of its time has anyway: `*:0/7` as `*:0..59/7`.
fn ends_written(expression: &str) -> String {
    let (before, time) = expression.rsplit_once(' ').unwrap_or(("", expression));
    let fields: Vec<&str> = time.split(':').collect();
    let time = fields.iter().enumerate().map(|(place, field)| {
        let last = if place == 0 { 23 } else { 59 };
        let parts = field.split(',').map(|part| match part.split_once('/') {
            Some((start, _)) if start.parse() == Ok(last) => start.to_owned(),
            Some((start, step)) if start.parse::<u32>().is_ok() => format!("{start}..{last}/{step}"),
            _ => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join(",")
    });
    let time = time.collect::<Vec<_>>().join(":");
    format!("{before} {time}").trim_start().to_owned()
}

fn compare(expression: &str, after: Timestamp) -> Result<(), String> {
    let Some(theirs) = systemd_says(expression, after, 6) else {
        return Ok(());
    };
    let ours = Calendar::parse(expression).map(|calendar| {
        calendar
            .upcoming(after, &TimeZone::UTC)
            .take(6)
            .collect::<Vec<_>>()
    });
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) if ours == theirs => Ok(()),
        // systemd 252 counts a step without an end on past midnight (`*:0/7` goes from 23:56 to 00:07
        // and skips 00:00, which it names elsewhere); with the end written out it does not.
        (Ok(ours), Ok(_)) if systemd_says(&ends_written(expression), after, 6) == Some(Ok(ours.clone())) => {
            Ok(())
        }
        // We refuse what never comes at all, they say `never`.
        (Err(why), Ok(theirs)) if theirs.is_empty() && why.to_string().contains("no such day") => Ok(()),
        (Err(_), Err(())) => Ok(()),
        (ours, theirs) => Err(format!(
            "{expression} after {after}: {ours:?}, systemd {theirs:?}"
        )),
    }
}

#[test]
fn systemd_agrees_on_the_forms_of_its_manual() {
    let morning: Timestamp = "2026-05-21T09:13:07Z".parse().expect("time");
    let midnight: Timestamp = "2026-10-31T23:59:49Z".parse().expect("time");
    for expression in [
        "Sat,Thu,Mon..Wed,Sat..Sun",
        "Mon,Sun 12-*-* 2,1:23",
        "Wed *-1",
        "Wed..Wed,Wed *-1",
        "Wed, 17:48",
        "Wed..Sat,Tue 12-10-15 1:2:3",
        "*-*-7 0:0:0",
        "10-15",
        "monday *-12-* 17:00",
        "Mon,Fri *-*-3,1,2 *:30:45",
        "12,14,13,12:20,10,30",
        "12..14:10,20,30",
        "mon,fri *-1/2-1,3 *:30:45",
        "03-05 08:05:40",
        "08:05:40",
        "05:40",
        "Sat,Sun 12-05 08:05:40",
        "Sat,Sun 08:05:40",
        "2003-03-05 05:40",
        "2003-02..04-05",
        "minutely",
        "hourly",
        "daily",
        "monthly",
        "weekly",
        "yearly",
        "annually",
        "quarterly",
        "semi-annually",
        "*:2/3",
        "2026-05-21 09:13:08 UTC",
        "Mon..Fri 8..18/2:30",
        "*-*~1",
        "*-*~3..5/2",
        "*-02~3",
        "*-*~7/1",
        "Mon *-05~07/1",
        "*-2-29",
        "*-02-31",
        "25:00",
        "fri..mon",
        "*:0/60",
        "0/24:00",
        "12",
        "Mon-Fri 5:00",
        "24:00",
        "*-*-~1",
        "1/5-1 00:00",
        "2026..2028/2-*-01",
        "26-01-01",
        "70-01-01",
        "5..3:00",
        ":30",
        "*-*-31",
        "*-*~31",
        "*-*~28..31/3",
        "*:0/7:00",
        "*:*:0/7",
        "1/7:59/3:58/1",
    ] {
        assert_eq!(compare(expression, morning), Ok(()));
        assert_eq!(compare(expression, midnight), Ok(()));
    }
}

/// A number, a range or a step of a systemd expression, valid or not.
fn part(first: u32, last: u32) -> impl Strategy<Value = String> {
    let number = first..=last;
    let between = |a: u32, b: u32| {
        if a == b {
            a.to_string()
        } else {
            format!("{a}..{b}")
        }
    };
    let single = number.clone().prop_map(|n| format!("{n:02}"));
    let range = (number.clone(), number.clone()).prop_map(move |(a, b)| between(a, b));
    let step = (number.clone(), 1..=last / 2).prop_map(|(a, step)| format!("{a}/{step}"));
    let stepped = (number.clone(), number, 1..=4u32)
        .prop_filter("a single number with a step", |(a, b, _)| a != b)
        .prop_map(move |(a, b, step)| format!("{}/{step}", between(a, b)));
    prop_oneof![4 => single, 1 => range, 2 => step, 1 => stepped]
}

/// A list of one or two parts, or everything.
fn parts(first: u32, last: u32) -> impl Strategy<Value = String> {
    let list = proptest::collection::vec(part(first, last), 1..=2).prop_map(|parts| parts.join(","));
    prop_oneof![1 => Just("*".to_owned()), 2 => list]
}

fn systemd() -> impl Strategy<Value = String> {
    let weekdays = prop_oneof![
        Just(String::new()),
        proptest::sample::select(vec!["Mon ", "sat,sun ", "Tue..Thu ", "mon,wed..fri ", "Sunday "])
            .prop_map(str::to_owned)
    ];
    let years = prop_oneof![4 => Just("*".to_owned()), 1 => parts(2024, 2030)];
    // systemd 252 refuses some lists that count from the month's end: only single parts there.
    let day = prop_oneof![
        3 => parts(1, 31).prop_map(|days| format!("-{days}")),
        1 => part(1, 28).prop_map(|days| format!("~{days}")),
    ];
    let date = prop_oneof![
        Just(String::new()),
        (years, parts(1, 12), day).prop_map(|(year, month, day)| format!("{year}-{month}{day} ")),
    ];
    let time = (parts(0, 23), parts(0, 59), parts(0, 59)).prop_map(|(h, m, s)| format!("{h}:{m}:{s}"));
    (weekdays, date, time).prop_map(|(weekdays, date, time)| format!("{weekdays}{date}{time}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn systemd_agrees_on_what_can_be_written(expression in systemd(), after in moment()) {
        prop_assert_eq!(compare(&expression, after), Ok(()));
    }
}
