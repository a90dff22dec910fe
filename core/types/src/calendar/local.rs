//! From local times to instants, by our rule for the hours that clocks skip or repeat.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::fields::LAST_YEAR;

/// Local times to fire at, whole seconds.
pub(super) trait LocalTimes {
    /// The first one at or after `from`.
    fn at_or_after(&self, from: DateTime) -> Option<DateTime>;
    /// Whether every hour of a day counts, so that a repeated hour is one of its own.
    fn every_hour(&self) -> bool;
}

/// A stretch of time with one offset to UTC.
struct Stretch {
    /// The first instant that is looked at.
    from: Timestamp,
    offset: Offset,
    /// The change it begins with, and the offset before.
    change: Option<(Timestamp, Offset)>,
    /// The change it ends with.
    end: Option<Timestamp>,
}

impl Stretch {
    fn around(from: Timestamp, zone: &TimeZone) -> Option<Self> {
        let second = SignedDuration::from_secs(1);
        let change = zone
            .preceding(from.checked_add(second).ok()?)
            .next()
            .map(|change| change.timestamp());
        let before = |change: Timestamp| {
            change
                .checked_sub(second)
                .map(|before| (change, zone.to_offset(before)))
                .ok()
        };
        Some(Self {
            from,
            offset: zone.to_offset(from),
            change: change.and_then(before),
            end: zone.following(from).next().map(|change| change.timestamp()),
        })
    }

    /// What fires within, and whether anything could fire later.
    fn first(&self, times: &impl LocalTimes) -> (Option<Timestamp>, bool) {
        let mut lower = self.offset.to_datetime(self.from);
        if let Some((change, before)) = self.change {
            let reached = before.to_datetime(change);
            let skipped_to = self.offset.to_datetime(change);
            if change >= self.from && times.at_or_after(reached).is_some_and(|time| time < skipped_to) {
                return (Some(change), true);
            }
            if !times.every_hour() {
                lower = lower.max(reached);
            }
        }
        let Some(time) = times.at_or_after(lower) else {
            return (None, false);
        };
        let within = self.end.is_none_or(|end| time < self.offset.to_datetime(end));
        (
            if within {
                self.offset.to_timestamp(time).ok()
            } else {
                None
            },
            true,
        )
    }
}

/// The first instant after `after` at which `times` fire in `zone`.
pub(super) fn next_after(times: &impl LocalTimes, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let next_second = after.as_microsecond().div_euclid(1_000_000) + 1;
    let mut stretch = Stretch::around(Timestamp::from_second(next_second).ok()?, zone)?;
    let mut ran_dry = false;
    loop {
        let (found, more) = stretch.first(times);
        if found.is_some() {
            return found;
        }
        // The stretch after the last local time may repeat it, so only two dry ones in a row are the end.
        if (ran_dry && !more) || stretch.offset.to_datetime(stretch.from).year() > LAST_YEAR {
            return None;
        }
        ran_dry = !more;
        stretch = Stretch::around(stretch.end?, zone)?;
    }
}
