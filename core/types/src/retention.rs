//! Retention rules and the one function that applies them.
//!
//! Preview, simulator and prune all call [`plan`]. Removing snapshots, and telling people about it, is left to
//! the crates above.

use std::collections::HashSet;
use std::fmt;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::timestamp::Timestamp;

/// How many snapshots each rule keeps. A rule that is missing keeps nothing by itself; no rule at all keeps everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Keep {
    /// The newest N.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<u32>,
    /// The newest of each of the last N hours that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hourly: Option<u32>,
    /// … days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily: Option<u32>,
    /// … ISO weeks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weekly: Option<u32>,
    /// … months.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly: Option<u32>,
    /// … years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yearly: Option<u32>,
}

impl Keep {
    /// Whether no rule is given, so that everything stays. A rule of zero is a rule: it keeps nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether rules are given and every one of them is zero, so that nothing but what is protected stays.
    pub fn keeps_nothing(&self) -> bool {
        !self.is_empty() && self.rules().all(|(_, _, count)| count == 0)
    }

    /// The rules that are given, in the order in which they apply.
    fn rules(&self) -> impl Iterator<Item = (Period, RetentionReason, u32)> {
        use RetentionReason as R;
        [
            (Period::Each, R::Last, self.last),
            (Period::Hour, R::Hourly, self.hourly),
            (Period::Day, R::Daily, self.daily),
            (Period::IsoWeek, R::Weekly, self.weekly),
            (Period::Month, R::Monthly, self.monthly),
            (Period::Year, R::Yearly, self.yearly),
        ]
        .into_iter()
        .filter_map(|(period, reason, count)| count.map(|count| (period, reason, count)))
    }
}

/// A snapshot as retention sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionInput {
    /// When it was taken.
    pub time: Timestamp,
    /// Somebody said that it must stay.
    pub protected: bool,
    /// It has no manifest yet, or never got one.
    pub unfinished: bool,
}

/// Why a snapshot stays or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RetentionReason {
    /// Kept: `keep-last`.
    Last,
    /// Kept: `keep-hourly`.
    Hourly,
    /// Kept: `keep-daily`.
    Daily,
    /// Kept: `keep-weekly`.
    Weekly,
    /// Kept: `keep-monthly`.
    Monthly,
    /// Kept: `keep-yearly`.
    Yearly,
    /// Kept: somebody protected it.
    Protected,
    /// Kept: unfinished, but the newest; it may be still being written.
    NewestUnfinished,
    /// Kept: there are no rules.
    NoRules,
    /// Removed: no rule keeps it.
    NoRuleKeeps,
    /// Removed: unfinished, and there is a newer snapshot.
    Unfinished,
}

impl RetentionReason {
    /// Whether a snapshot with this reason stays.
    pub fn keeps(self) -> bool {
        !matches!(self, Self::NoRuleKeeps | Self::Unfinished)
    }

    /// In words, for tables and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
            Self::Protected => "protected",
            Self::NewestUnfinished => "newest unfinished",
            Self::NoRules => "no rules",
            Self::NoRuleKeeps => "no rule keeps it",
            Self::Unfinished => "unfinished",
        }
    }
}

impl fmt::Display for RetentionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What becomes of one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct RetentionDecision {
    /// When it was taken.
    pub time: Timestamp,
    /// Whether it stays.
    pub kept: bool,
    /// By which rule, or why not.
    pub why: RetentionReason,
}

/// What becomes of the snapshots of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct RetentionPlan {
    /// One for each snapshot given, in the order given.
    pub decisions: Vec<RetentionDecision>,
}

impl RetentionPlan {
    /// The places, in the order given, of the snapshots that go.
    pub fn removed(&self) -> impl Iterator<Item = usize> {
        self.decisions
            .iter()
            .enumerate()
            .filter(|(_, decision)| !decision.kept)
            .map(|(place, _)| place)
    }
}

/// What a rule counts one snapshot of.
#[derive(Clone, Copy)]
enum Period {
    Each,
    Hour,
    Day,
    IsoWeek,
    Month,
    Year,
}

impl Period {
    /// A key that is equal for snapshots of the same period of `zone`'s local time.
    fn key(self, place: usize, time: Timestamp, zone: &TimeZone) -> (i64, i64) {
        let time = time.to_jiff();
        let local = zone.to_datetime(time);
        let day = || i64::from(local.year()) * 400 + i64::from(local.day_of_year());
        match self {
            Self::Each => (i64::try_from(place).unwrap_or(i64::MAX), 0),
            // The offset tells the two hours apart that carry the same number when clocks are set back.
            Self::Hour => (
                day() * 24 + i64::from(local.hour()),
                i64::from(zone.to_offset(time).seconds()),
            ),
            Self::Day => (day(), 0),
            Self::IsoWeek => {
                let week = local.date().iso_week_date();
                (i64::from(week.year()), i64::from(week.week()))
            }
            Self::Month => (i64::from(local.year()), i64::from(local.month())),
            Self::Year => (i64::from(local.year()), 0),
        }
    }
}

/// Decides for each snapshot of one group whether it stays. `snapshots` may come in any order.
///
/// Rules apply in the order last, hourly, daily, weekly, monthly, yearly; each keeps the newest snapshot of each
/// of its N newest periods, counted in `zone`. Periods that an earlier rule keeps already are not counted again.
/// Protected snapshots stay and take no place in a count. Of the unfinished only the newest of all snapshots
/// stays. Without any rule everything stays.
///
/// These are the semantics of Proxmox Backup Server, whose test cases are in `tests/vectors/prune.json`.
pub fn plan(snapshots: &[RetentionInput], keep: &Keep, zone: &TimeZone) -> RetentionPlan {
    let mut newest_first: Vec<usize> = (0..snapshots.len()).collect();
    newest_first.sort_by_key(|place| std::cmp::Reverse((snapshots[*place].time, *place)));

    let mut reasons: Vec<Option<RetentionReason>> = vec![None; snapshots.len()];
    for (rank, place) in newest_first.iter().enumerate() {
        let snapshot = &snapshots[*place];
        reasons[*place] = if snapshot.protected {
            Some(RetentionReason::Protected)
        } else if keep.is_empty() {
            Some(RetentionReason::NoRules)
        } else if snapshot.unfinished && rank == 0 {
            Some(RetentionReason::NewestUnfinished)
        } else if snapshot.unfinished {
            Some(RetentionReason::Unfinished)
        } else {
            None
        };
    }
    for (period, reason, count) in keep.rules() {
        apply(
            snapshots,
            &newest_first,
            &mut reasons,
            zone,
            (period, reason, count),
        );
    }

    let decisions = snapshots.iter().zip(reasons).map(|(snapshot, reason)| {
        let why = reason.unwrap_or(RetentionReason::NoRuleKeeps);
        RetentionDecision {
            time: snapshot.time,
            kept: why.keeps(),
            why,
        }
    });
    RetentionPlan {
        decisions: decisions.collect(),
    }
}

/// Gives a reason to each snapshot without one that the rule decides upon.
fn apply(
    snapshots: &[RetentionInput],
    newest_first: &[usize],
    reasons: &mut [Option<RetentionReason>],
    zone: &TimeZone,
    (period, reason, count): (Period, RetentionReason, u32),
) {
    use RetentionReason as R;
    let key = |place: usize| period.key(place, snapshots[place].time, zone);
    let by_rule = |reason| {
        matches!(
            reason,
            R::Last | R::Hourly | R::Daily | R::Weekly | R::Monthly | R::Yearly
        )
    };
    let kept_before: HashSet<_> = newest_first
        .iter()
        .filter(|place| reasons[**place].is_some_and(by_rule))
        .map(|place| key(*place))
        .collect();

    let mut kept_now = HashSet::new();
    for place in newest_first
        .iter()
        .copied()
        .filter(|place| !kept_before.contains(&key(*place)))
    {
        if reasons[place].is_some() {
            continue;
        }
        if kept_now.contains(&key(place)) {
            // Older within a period that this rule keeps: gone, and no later rule brings it back.
            reasons[place] = Some(R::NoRuleKeeps);
        } else if kept_now.len() < usize::try_from(count).unwrap_or(usize::MAX) {
            kept_now.insert(key(place));
            reasons[place] = Some(reason);
        } else {
            return;
        }
    }
}
