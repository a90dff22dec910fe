//! Retention against the field's own test cases, and what those leave out.

use ironcore_types::Timestamp;
use ironcore_types::retention::{Keep, RetentionInput, RetentionReason, plan};
use jiff::tz::TimeZone;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    #[expect(dead_code, reason = "the file says where its cases come from")]
    about: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    snapshots: Vec<Timestamp>,
    keep: Keep,
    timezone: String,
    protected: Vec<Timestamp>,
    unfinished: Vec<Timestamp>,
    kept: Vec<Timestamp>,
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("time")
}

fn finished(times: &[&str]) -> Vec<RetentionInput> {
    times
        .iter()
        .map(|text| RetentionInput {
            time: time(text),
            protected: false,
            unfinished: false,
        })
        .collect()
}

fn reasons(snapshots: &[RetentionInput], keep: &Keep, zone: &TimeZone) -> Vec<RetentionReason> {
    plan(snapshots, keep, zone)
        .decisions
        .iter()
        .map(|decision| decision.why)
        .collect()
}

#[test]
fn the_vectors_come_out_in_any_order() {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/prune.json")).expect("vectors");
    assert_eq!(vectors.cases.len(), 22);
    for (number, case) in vectors.cases.iter().enumerate() {
        let zone = TimeZone::get(&case.timezone).expect("zone");
        let mut snapshots: Vec<RetentionInput> = case
            .snapshots
            .iter()
            .map(|time| RetentionInput {
                time: *time,
                protected: case.protected.contains(time),
                unfinished: case.unfinished.contains(time),
            })
            .collect();
        let mut expected = case.kept.clone();
        expected.sort();
        for _ in 0..snapshots.len() {
            snapshots.rotate_left(1);
            let plan = plan(&snapshots, &case.keep, &zone);
            let mut kept: Vec<Timestamp> = plan
                .decisions
                .iter()
                .filter(|decision| decision.kept)
                .map(|decision| decision.time)
                .collect();
            kept.sort();
            assert_eq!(kept, expected, "case {number}: {:?}", case.keep);
        }
    }
}

#[test]
fn no_rule_keeps_everything_and_a_rule_of_zero_nothing() {
    let mut snapshots = finished(&[
        "2026-05-20T02:00:00Z",
        "2026-05-21T02:00:00Z",
        "2026-05-22T02:00:00Z",
    ]);
    snapshots[1].unfinished = true;
    assert_eq!(
        reasons(&snapshots, &Keep::default(), &TimeZone::UTC),
        [RetentionReason::NoRules; 3]
    );
    let zero = Keep {
        weekly: Some(0),
        ..Keep::default()
    };
    assert!(
        plan(&snapshots, &zero, &TimeZone::UTC)
            .decisions
            .iter()
            .all(|decision| !decision.kept)
    );
}

#[test]
fn of_the_unfinished_only_the_newest_of_all_stays() {
    let mut snapshots = finished(&[
        "2026-05-20T02:00:00Z",
        "2026-05-21T02:00:00Z",
        "2026-05-22T02:00:00Z",
    ]);
    snapshots[0].unfinished = true;
    snapshots[2].unfinished = true;
    let keep = Keep {
        last: Some(1),
        ..Keep::default()
    };
    assert_eq!(
        reasons(&snapshots, &keep, &TimeZone::UTC),
        [
            RetentionReason::Unfinished,
            RetentionReason::Last,
            RetentionReason::NewestUnfinished
        ]
    );
    snapshots[0].protected = true;
    assert_eq!(
        reasons(&snapshots, &keep, &TimeZone::UTC)[0],
        RetentionReason::Protected
    );
    // With a finished one after it, even the newest unfinished goes.
    snapshots.extend(finished(&["2026-05-23T02:00:00Z"]));
    let plan = plan(&snapshots, &keep, &TimeZone::UTC);
    assert_eq!(plan.removed().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn days_are_counted_in_the_zone() {
    let snapshots = finished(&["2026-05-20T22:30:00Z", "2026-05-21T21:30:00Z"]);
    let keep = Keep {
        daily: Some(2),
        ..Keep::default()
    };
    let berlin = TimeZone::get("Europe/Berlin").expect("zone");
    // In UTC two days; in Berlin both belong to the 21st.
    assert_eq!(
        reasons(&snapshots, &keep, &TimeZone::UTC),
        [RetentionReason::Daily; 2]
    );
    assert_eq!(
        reasons(&snapshots, &keep, &berlin),
        [RetentionReason::NoRuleKeeps, RetentionReason::Daily]
    );
}

#[test]
fn an_hour_that_repeats_counts_twice() {
    let snapshots = finished(&["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]);
    let keep = Keep {
        hourly: Some(2),
        ..Keep::default()
    };
    let berlin = TimeZone::get("Europe/Berlin").expect("zone");
    assert_eq!(reasons(&snapshots, &keep, &berlin), [RetentionReason::Hourly; 2]);
}

#[test]
fn weeks_are_iso_weeks() {
    // 2024-12-30 (Monday) and 2025-01-01 share ISO week 2025-W01, though not the year.
    let snapshots = finished(&[
        "2024-12-29T12:00:00Z",
        "2024-12-30T12:00:00Z",
        "2025-01-01T12:00:00Z",
    ]);
    let keep = Keep {
        weekly: Some(2),
        ..Keep::default()
    };
    assert_eq!(
        reasons(&snapshots, &keep, &TimeZone::UTC),
        [
            RetentionReason::Weekly,
            RetentionReason::NoRuleKeeps,
            RetentionReason::Weekly
        ]
    );
}

#[test]
fn a_reason_is_one_word_in_json() {
    let snapshots = finished(&["2026-05-20T02:00:00Z"]);
    let keep = Keep {
        last: Some(1),
        ..Keep::default()
    };
    assert_eq!(
        serde_json::to_value(plan(&snapshots, &keep, &TimeZone::UTC)).expect("json"),
        serde_json::json!({ "decisions": [{ "time": "2026-05-20T02:00:00Z", "kept": true, "why": "last" }] })
    );
}

#[test]
fn only_rules_that_are_all_zero_keep_nothing() {
    let keep = |text: &str| serde_json::from_str::<Keep>(text).expect("rules");
    assert!(keep(r#"{ "last": 0 }"#).keeps_nothing());
    assert!(keep(r#"{ "daily": 0, "yearly": 0 }"#).keeps_nothing());
    assert!(!keep("{}").keeps_nothing());
    assert!(!keep(r#"{ "last": 0, "weekly": 1 }"#).keeps_nothing());
}
