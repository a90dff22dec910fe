//! What both notations come down to: which years, months, days, weekdays, hours, minutes and seconds match.

use jiff::civil::{Date, DateTime, Time};

/// Numbers from 0 to 63.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Set(u64);

impl Set {
    pub(super) const EMPTY: Self = Self(0);

    pub(super) fn range(first: u32, last: u32) -> Self {
        (first..=last).fold(Self::EMPTY, Self::with)
    }

    pub(super) fn with(self, number: u32) -> Self {
        Self(self.0 | 1u64.checked_shl(number).unwrap_or(0))
    }

    pub(super) fn contains(self, number: impl Into<i64>) -> bool {
        u32::try_from(number.into())
            .ok()
            .and_then(|n| self.0.checked_shr(n))
            .is_some_and(|rest| rest & 1 == 1)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = u32> + Clone {
        (0..64).filter(move |number| self.0 >> number & 1 == 1)
    }

    pub(super) fn len(self) -> u32 {
        self.0.count_ones()
    }

    pub(super) fn first(self) -> Option<u32> {
        self.iter().next()
    }

    /// The only number, when there is only one.
    pub(super) fn only(self) -> Option<u32> {
        if self.len() == 1 { self.first() } else { None }
    }

    fn at_or_after(self, number: u32) -> Option<u32> {
        self.iter().find(|candidate| *candidate >= number)
    }
}

/// One part of a list: a number, a range, or either with a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: u32,
    /// The last number; none when the part is a single number, or a step that goes on to the end.
    pub(super) last: Option<u32>,
    pub(super) step: Option<u32>,
}

impl Span {
    /// Whether `number` is of this part, `end` being the largest number there is.
    pub(super) fn contains(self, number: u32, end: u32) -> bool {
        let last = self
            .last
            .unwrap_or(if self.step.is_some() { end } else { self.first });
        (self.first..=last).contains(&number) && (number - self.first).is_multiple_of(self.step.unwrap_or(1))
    }
}

/// Days of the month.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Days {
    /// Counted from its first.
    Listed(Set),
    /// Counted back from its last, which is 1.
    FromEnd(Vec<Span>),
}

impl Days {
    fn contains(&self, date: Date) -> bool {
        let day = u32::from(date.day().unsigned_abs());
        match self {
            Self::Listed(days) => days.contains(day),
            Self::FromEnd(spans) => {
                let length = u32::from(date.days_in_month().unsigned_abs());
                spans
                    .iter()
                    .filter_map(|span| from_end(*span, length))
                    .any(|span| span.contains(day, length))
            }
        }
    }
}

/// The same part counted from the month's first day, as systemd turns it: a step goes on towards the month's end.
fn from_end(span: Span, length: u32) -> Option<Span> {
    let first = (length + 1).checked_sub(span.first).filter(|day| *day >= 1);
    match span.last {
        // The one farther from the month's end comes first; the month may be too short to have it.
        Some(last) => {
            let low = (length + 1).saturating_sub(last).max(1);
            Some(Span {
                first: low,
                last: Some(first?),
                step: span.step,
            })
        }
        None => Some(Span {
            first: first?,
            ..span
        }),
    }
}

/// Which local times match.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Fields {
    /// Every year when none is listed.
    pub(super) years: Option<Vec<Span>>,
    /// 1 to 12.
    pub(super) months: Set,
    /// 1 to 31.
    pub(super) days: Days,
    /// 0 (Monday) to 6 (Sunday).
    pub(super) weekdays: Set,
    /// A day matches when its date or its weekday does; both must otherwise.
    pub(super) either_day: bool,
    /// 0 to 23.
    pub(super) hours: Set,
    /// 0 to 59.
    pub(super) minutes: Set,
    /// 0 to 59.
    pub(super) seconds: Set,
}

/// The last year that is looked at, as in systemd.
pub(super) const LAST_YEAR: i16 = 2199;

impl Fields {
    /// Midnight of every day.
    pub(super) fn daily() -> Self {
        Self {
            years: None,
            months: Set::range(1, 12),
            days: Days::Listed(Set::range(1, 31)),
            weekdays: Set::range(0, 6),
            either_day: false,
            hours: Set::range(0, 0),
            minutes: Set::range(0, 0),
            seconds: Set::range(0, 0),
        }
    }

    pub(super) fn every_hour(&self) -> bool {
        self.hours.len() == 24
    }

    pub(super) fn every_date(&self) -> bool {
        self.days == Days::Listed(Set::range(1, 31))
    }

    pub(super) fn every_weekday(&self) -> bool {
        self.weekdays.len() == 7
    }

    /// Whether there is a day in any year that matches: 31 February never comes.
    pub(super) fn has_a_day(&self) -> bool {
        let leap = i16::from(self.years.as_ref().is_none_or(|years| {
            (1970..=2199u32).any(|year| {
                year.is_multiple_of(4)
                    && (!year.is_multiple_of(100) || year.is_multiple_of(400))
                    && years.iter().any(|span| span.contains(year, 2199))
            })
        }));
        let year = 2001 + 3 * leap;
        self.either_day
            || Date::new(year, 1, 1).is_ok_and(|new_year| {
                new_year
                    .series(jiff::ToSpan::day(1))
                    .take_while(|date| date.year() == year)
                    .any(|date| self.months.contains(date.month()) && self.days.contains(date))
            })
    }

    fn year_matches(&self, year: i16) -> bool {
        let Ok(year) = u32::try_from(year) else {
            return false;
        };
        self.years
            .as_ref()
            .is_none_or(|spans| spans.iter().any(|span| span.contains(year, 2199)))
    }

    fn day_matches(&self, date: Date) -> bool {
        let by_date = self.days.contains(date);
        let by_weekday = self.weekdays.contains(date.weekday().to_monday_zero_offset());
        if self.either_day {
            by_date || by_weekday
        } else {
            by_date && by_weekday
        }
    }

    /// The first matching local time at or after `from`, which has no part below a second.
    pub(super) fn at_or_after(&self, from: DateTime) -> Option<DateTime> {
        let mut date = from.date();
        let mut earliest = from.time();
        while date.year() <= LAST_YEAR {
            let next = if !self.year_matches(date.year()) {
                Date::new(date.year() + 1, 1, 1).ok()?
            } else if !self.months.contains(date.month()) {
                date.last_of_month().tomorrow().ok()?
            } else {
                let time = if self.day_matches(date) {
                    self.time_at_or_after(earliest)
                } else {
                    None
                };
                if let Some(time) = time {
                    return Some(date.to_datetime(time));
                }
                date.tomorrow().ok()?
            };
            date = next;
            earliest = Time::midnight();
        }
        None
    }

    fn time_at_or_after(&self, from: Time) -> Option<Time> {
        let part = |number: i8| u32::from(number.unsigned_abs());
        let (hour, minute, second) = (part(from.hour()), part(from.minute()), part(from.second()));
        let first = |set: Set| set.first();
        for candidate in self.hours.iter().filter(|candidate| *candidate >= hour) {
            let minute = if candidate == hour { minute } else { 0 };
            let second = if candidate == hour { second } else { 0 };
            for found in self.minutes.iter().filter(|found| *found >= minute) {
                let at = if found == minute {
                    self.seconds.at_or_after(second)
                } else {
                    first(self.seconds)
                };
                if let Some(at) = at {
                    let [candidate, found, at] = [candidate, found, at].map(|n| i8::try_from(n).ok());
                    return Time::new(candidate?, found?, at?, 0).ok();
                }
            }
        }
        None
    }
}
