//! When a datastore will be full, by how it grew of late. Pure arithmetic over samples that the ledger keeps.
//!
//! The rule: a straight line is laid through the samples of the last [`RECENT`] days by least squares, and its slope is
//! the growth. The datastore is full when the newest sample's free space is used up at that growth. Nothing is said
//! with fewer than [`MIN_POINTS`] samples, or when they lie less than [`MIN_SPAN`] apart: three nights are the least.
//! Growth of zero or less never fills it, and what is farther away than [`FARTHEST`] is as good as never.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::timestamp::{Span, Timestamp};

/// How far back samples count.
pub const RECENT: Span = Span::from_days(30);
/// The fewest samples that a line is laid through.
pub const MIN_POINTS: u32 = 3;
/// The oldest and the newest of them lie at least so far apart.
pub const MIN_SPAN: Span = Span::from_days(2);
/// What is farther away is called never.
pub const FARTHEST: Span = Span::from_days(3_652);

const DAY_US: f64 = 86_400_000_000.0;

/// How full a file system was at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct UsagePoint {
    /// When.
    pub at: Timestamp,
    /// Bytes used, by whatever lies there.
    pub used_bytes: u64,
    /// Bytes free.
    pub free_bytes: u64,
}

/// Why something is never full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NeverBecause {
    /// It does not grow.
    NotGrowing,
    /// At this growth it takes more than ten years.
    TooFar,
}

/// When something is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FillDate {
    /// Then.
    At {
        /// When; not in the future when it is full already.
        at: Timestamp,
    },
    /// Not within ten years.
    Never {
        /// Why.
        because: NeverBecause,
    },
    /// It was not watched for long enough to tell.
    NotEnoughHistory {
        /// Samples there are.
        samples: u32,
        /// Samples that are needed.
        samples_needed: u32,
        /// How far they lie apart.
        span: Span,
        /// How far they must lie apart.
        span_needed: Span,
    },
}

impl fmt::Display for FillDate {
    /// `full on 2026-09-01`, `never (it does not grow)`, `not enough history: 1 of 2 days`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = |span: &Span| span.duration().as_secs() / 86_400;
        match self {
            Self::At { at } => {
                let time = at.to_string();
                write!(f, "full on {}", time.split('T').next().unwrap_or(&time))
            }
            Self::Never {
                because: NeverBecause::NotGrowing,
            } => f.write_str("never (it does not grow)"),
            Self::Never {
                because: NeverBecause::TooFar,
            } => f.write_str("never (not within ten years)"),
            Self::NotEnoughHistory {
                samples,
                samples_needed,
                span,
                span_needed,
            } => {
                if span >= span_needed {
                    write!(f, "not enough history: {samples} of {samples_needed} samples")
                } else {
                    write!(
                        f,
                        "not enough history: {} of {} days",
                        days(span),
                        days(span_needed)
                    )
                }
            }
        }
    }
}

/// How something grows, and when it is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct Projection {
    /// When it is full.
    pub fill: FillDate,
    /// How much it grew a day; less than zero when it shrank, null without enough history.
    pub bytes_per_day: Option<i64>,
}

/// What the samples say at `now`, in whatever order they are; see the rule above.
pub fn projection(points: &[UsagePoint], now: Timestamp) -> Projection {
    let oldest = now.before(RECENT.duration());
    let recent = || {
        points
            .iter()
            .filter(move |point| point.at >= oldest && point.at <= now)
    };
    let newest = recent().max_by_key(|point| point.at);
    let first = recent().min_by_key(|point| point.at);
    let samples = u32::try_from(recent().count()).unwrap_or(u32::MAX);
    let (Some(newest), Some(first)) = (newest, first) else {
        return too_few(samples, Span::from_secs(0));
    };
    let span = Span::new(newest.at.since(first.at));
    if samples < MIN_POINTS || span < MIN_SPAN {
        return too_few(samples, span);
    }
    let slope = slope(recent(), newest.at);
    let fill = if newest.free_bytes == 0 {
        FillDate::At { at: newest.at }
    } else if slope <= 0.0 {
        FillDate::Never {
            because: NeverBecause::NotGrowing,
        }
    } else {
        let left = newest.free_bytes as f64 / slope * DAY_US;
        let farthest = now.after(FARTHEST.duration());
        // Casts keep within the bounds of the target.
        let at = newest.at.after(Duration::from_micros(left as u64));
        if at > farthest {
            FillDate::Never {
                because: NeverBecause::TooFar,
            }
        } else {
            FillDate::At { at }
        }
    };
    Projection {
        fill,
        bytes_per_day: Some(slope.round() as i64),
    }
}

fn too_few(samples: u32, span: Span) -> Projection {
    Projection {
        fill: FillDate::NotEnoughHistory {
            samples,
            samples_needed: MIN_POINTS,
            span,
            span_needed: MIN_SPAN,
        },
        bytes_per_day: None,
    }
}

/// Bytes a day, by least squares. Both axes are taken about their means, or large numbers would swallow small ones.
fn slope<'a>(points: impl Iterator<Item = &'a UsagePoint> + Clone, zero: Timestamp) -> f64 {
    let day = |point: &UsagePoint| (point.at.as_micros() - zero.as_micros()) as f64 / DAY_US;
    let count = points.clone().count() as f64;
    let mean_day = points.clone().map(day).sum::<f64>() / count;
    let mean_used = points.clone().map(|point| point.used_bytes as f64).sum::<f64>() / count;
    let (mut product, mut square) = (0.0, 0.0);
    for point in points {
        let along = day(point) - mean_day;
        product += along * (point.used_bytes as f64 - mean_used);
        square += along * along;
    }
    if square > 0.0 { product / square } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn at(day: f64) -> Timestamp {
        Timestamp::from_micros((day * DAY_US) as i64 + 1_779_321_600_000_000)
    }

    /// A file system of 1,000 GB with `used(day)` bytes used, looked at every `step` days until day `last`.
    fn samples(last: f64, step: f64, used: impl Fn(f64) -> f64) -> Vec<UsagePoint> {
        let count = (last / step).round() as u32;
        (0..=count)
            .map(|n| {
                let day = f64::from(n) * step;
                let used = used(day) as u64;
                UsagePoint {
                    at: at(day),
                    used_bytes: used,
                    free_bytes: 1_000 * GB - used,
                }
            })
            .collect()
    }

    fn fill_day(projection: Projection) -> f64 {
        match projection.fill {
            FillDate::At { at: then } => (then.as_micros() - at(0.0).as_micros()) as f64 / DAY_US,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_straight_line_is_followed() {
        let points = samples(20.0, 1.0, |day| 1e11 + day * 1e10);
        let found = projection(&points, at(20.0));
        assert_eq!(found.bytes_per_day, Some(10_000_000_000));
        assert!((fill_day(found) - 90.0).abs() < 1e-3, "{found:?}");
        let mut shuffled = points.clone();
        shuffled.reverse();
        assert_eq!(projection(&shuffled, at(20.0)), found, "order does not matter");
        assert_eq!(found.fill.to_string(), "full on 2026-08-19");
    }

    #[test]
    fn noise_does_not_matter_much() {
        // A night adds 30 GB and a collection frees 20 GB the next noon; hourly samples.
        let saw = |day: f64| 1e11 + day.floor() * 1e10 + if day.fract() < 0.5 { 2e10 } else { 0.0 };
        let found = projection(&samples(25.0, 1.0 / 24.0, saw), at(25.0));
        let growth = found.bytes_per_day.expect("enough") as f64;
        assert!((growth - 1e10).abs() < 5e8, "{growth}");
        assert!((fill_day(found) - 88.0).abs() < 8.0, "{found:?}");
    }

    #[test]
    fn only_recent_samples_count() {
        // Fast until day 60, then level.
        let bent = |day: f64| if day < 60.0 { day * 1e10 } else { 6e11 };
        let found = projection(&samples(91.0, 1.0, bent), at(91.0));
        assert_eq!(
            found.fill,
            FillDate::Never {
                because: NeverBecause::NotGrowing
            }
        );
        let later = samples(10.0, 1.0, |day| day * 1e10);
        assert!(matches!(
            projection(&later, at(60.0)).fill,
            FillDate::NotEnoughHistory { samples: 0, .. }
        ));
    }

    #[test]
    fn what_does_not_grow_is_never_full() {
        for growth in [0.0, -1e9] {
            let found = projection(&samples(10.0, 1.0, |day| 5e11 + day * growth), at(10.0));
            assert_eq!(
                found.fill,
                FillDate::Never {
                    because: NeverBecause::NotGrowing
                }
            );
            assert_eq!(found.bytes_per_day, Some(growth as i64));
            assert_eq!(found.fill.to_string(), "never (it does not grow)");
        }
        let slow = projection(&samples(10.0, 1.0, |day| 5e11 + day * 1e8), at(10.0));
        assert_eq!(
            slow.fill,
            FillDate::Never {
                because: NeverBecause::TooFar
            }
        );
        let crawling = projection(&samples(10.0, 1.0, |day| 5e11 + day), at(10.0));
        assert_eq!(
            crawling.fill,
            FillDate::Never {
                because: NeverBecause::TooFar
            }
        );
    }

    #[test]
    fn what_is_full_is_full_now() {
        let mut points = samples(3.0, 1.0, |_| 5e11);
        points[3].free_bytes = 0;
        let found = projection(&points, at(3.0));
        assert_eq!(found.fill, FillDate::At { at: at(3.0) });
    }

    #[test]
    fn little_history_is_said_as_such() {
        let words = |points: &[UsagePoint], now| projection(points, now).fill.to_string();
        assert_eq!(words(&[], at(0.0)), "not enough history: 0 of 2 days");
        let hourly = samples(1.5, 1.0 / 24.0, |day| 5e11 + day * 1e10);
        assert_eq!(words(&hourly, at(1.5)), "not enough history: 1 of 2 days");
        let two = samples(5.0, 5.0, |day| 5e11 + day * 1e10);
        assert_eq!(words(&two, at(5.0)), "not enough history: 2 of 3 samples");
        let three_nights = samples(2.0, 1.0, |day| 5e11 + day * 1e10);
        assert_eq!(words(&three_nights, at(2.0)), "full on 2026-07-10");
        assert!(projection(&two, at(5.0)).bytes_per_day.is_none());
    }
}
