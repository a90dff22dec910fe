//! What people want to know of an event at a glance, beyond its title: a short table, what it is about, and whether it
//! tells of a problem or of the end of one. Over the JSON that templates see; plain functions.

use std::collections::BTreeSet;

use ironcore_types::{EventType, Severity, Timestamp};
use serde_json::{Value, json};

use crate::template_helpers::{bytes, duration};

/// Rows of a table, in the order in which people look: `name` and `value`.
pub(crate) fn facts(event: &Value) -> Value {
    let data = &event["data"];
    let (task, verification) = (&data["task"], &data["verification"]);
    let mut rows: Vec<(&str, String)> = Vec::new();
    let mut row = |name, value: Option<String>| rows.extend(value.map(|value| (name, value)));
    row("Project", text(&data["project"]));
    row("Job", text(&task["job"]).or_else(|| text(&data["job"]["name"])));
    let state = text(&task["state"]).map(|state| state.to_uppercase());
    row("Task", text(&task["type"]).map(|kind| joined(kind, ", ", state)));
    row("Source", text(&task["source"]));
    row("Target", text(&task["target"]));
    let snapshot = text(&data["snapshot"]).or_else(|| text(&verification["snapshot"]));
    row("Snapshot", snapshot);
    row("Result", text(&verification["result"]));
    row("Datastore", datastore(&data["datastore"]));
    let node = &data["node"];
    row(
        "Machine",
        text(&node["name"]).map(|name| joined(name, ", ", text(&node["service"]))),
    );
    let delivery = &data["delivery"];
    let handler = text(&delivery["group"]).map(|group| joined(group, "/", text(&delivery["handler"])));
    row("Handler", handler);
    row("Plugin", text(&delivery["plugin"]));
    row("By", text(&data["actor"]));
    let missed = data["job"]["missed"].as_u64().filter(|missed| *missed > 0);
    row("Missed runs", missed.map(|missed| missed.to_string()));
    let took = elapsed(&task["started"], &task["ended"]);
    row(
        "Duration",
        took.or_else(|| {
            duration(&verification["duration_us"])
                .ok()
                .filter(|_| !verification.is_null())
        }),
    );
    let size = task["bytes"].as_u64().filter(|size| *size > 0);
    row("Size", size.and_then(|size| bytes(&json!(size)).ok()));
    rows.into_iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect()
}

/// How long from one time to another, when both are known.
pub(crate) fn elapsed(from: &Value, to: &Value) -> Option<String> {
    let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    let micros = time(to)?.as_micros().checked_sub(time(from)?.as_micros())?;
    duration(&json!(u64::try_from(micros).ok()?)).ok()
}

/// Whether an event tells of a problem (`problem`), of the good end of one (`recovered`), or of neither (`news`).
pub(crate) fn outcome(event: &Value) -> &'static str {
    if matches!(event["data"]["severity"].as_str(), Some("warning" | "error")) {
        return "problem";
    }
    match event_type(event) {
        Some(
            EventType::TaskCompleted
            | EventType::SnapshotVerified
            | EventType::WorkerOnline
            | EventType::SchedulerResumed
            | EventType::DatastoreStatusChanged,
        ) => "recovered",
        _ => "news",
    }
}

/// The same of all events of a message, oldest first: it tells of a problem as long as it does not tell of its end too.
pub(crate) fn outcome_of(events: &[Value]) -> &'static str {
    if worst_open(events).is_some() {
        return "problem";
    }
    if events.iter().any(|event| outcome(event) != "news") {
        return "recovered";
    }
    "news"
}

/// What all events of a message are about: the worst problem whose end it does not tell, else the last end, else the last.
pub(crate) fn topic_of(events: &[Value]) -> String {
    let ended = || events.iter().rev().find(|event| outcome(event) == "recovered");
    let about = worst_open(events).or_else(ended).or(events.last());
    about.map(topic).unwrap_or_default()
}

/// The worst problem, and of those the newest, that no later event ends.
fn worst_open(events: &[Value]) -> Option<&Value> {
    let mut ended = BTreeSet::new();
    let mut worst: Option<&Value> = None;
    for event in events.iter().rev() {
        match outcome(event) {
            "recovered" => {
                ended.insert(topic(event));
            }
            "problem"
                if worst.is_none_or(|worst| severity(event) > severity(worst))
                    && !ended.contains(&topic(event)) =>
            {
                worst = Some(event);
            }
            _ => {}
        }
    }
    worst
}

/// At most so many of the events: the worst of them, the newest first among equals, in the order in which they came.
pub(crate) fn worst(events: &[Value], most: usize) -> Vec<Value> {
    let mut places: Vec<usize> = (0..events.len()).collect();
    if events.len() > most {
        places.sort_by_key(|at| std::cmp::Reverse((severity(&events[*at]), *at)));
        places.truncate(most);
        places.sort_unstable();
    }
    places.into_iter().map(|at| events[at].clone()).collect()
}

fn severity(event: &Value) -> Option<Severity> {
    serde_json::from_value(event["data"]["severity"].clone()).ok()
}

/// What the event is about: the same text for a problem and for its good end. News have a topic of their own, so that
/// a run that only begins ends no alert.
pub(crate) fn topic(event: &Value) -> String {
    let data = &event["data"];
    let (task, job) = (&data["task"], &data["job"]);
    let project = text(&data["project"]).unwrap_or_default();
    let subject = || text(&event["subject"]).unwrap_or_default();
    let kind = event_type(event);
    let about = match kind {
        Some(EventType::SnapshotVerified | EventType::SnapshotStale) => format!("snapshot/{}", subject()),
        Some(EventType::DatastoreSpaceLow) => format!("{}/space", subject()),
        _ => match text(&task["job"]).or_else(|| text(&job["name"])) {
            Some(job) => format!("job/{project}/{job}"),
            // Each run has a subject of its own; the next run of the same work ends what this one began.
            None if task.is_object() => {
                let work = [&task["type"], &task["source"], &task["target"]];
                let work: Vec<String> = work.into_iter().filter_map(text).collect();
                format!("task/{project}/{}", work.join("/"))
            }
            None => subject(),
        },
    };
    let name = text(&event["type"]).unwrap_or_default();
    match outcome(event) {
        "news" => joined(name, "/", Some(about)),
        _ if about.is_empty() => name,
        _ => about,
    }
}

fn event_type(event: &Value) -> Option<EventType> {
    event["type"].as_str()?.parse().ok()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn joined(one: String, between: &str, other: Option<String>) -> String {
    match other.filter(|other| !other.is_empty()) {
        Some(other) => one + between + &other,
        None => one,
    }
}

fn datastore(data: &Value) -> Option<String> {
    let name = text(&data["name"])?;
    let state = match (data["online"].as_bool(), data["free"].as_u64()) {
        (Some(false), _) => Some("offline".to_owned()),
        (_, Some(free)) => bytes(&json!(free)).ok().map(|free| format!("{free} free")),
        _ => None,
    };
    Some(joined(name, ", ", state))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, subject: &str, data: Value) -> Value {
        json!({ "type": format!("ironcore.{kind}"), "subject": subject, "data": data })
    }

    fn run(state: &str, severity: &str, job: Value) -> Value {
        let task = json!({
            "type": "backup", "job": job, "state": state, "source": "/srv", "target": "primary", "bytes": 2048,
            "started": "2026-05-21T02:00:00Z", "ended": "2026-05-21T02:03:05Z",
        });
        json!({ "project": "office", "severity": severity, "task": task })
    }

    #[test]
    fn the_table_says_what_there_is() {
        let rows = facts(&event(
            "task.failed",
            "UPID:1",
            run("failed", "error", json!("nightly")),
        ));
        let rows: Vec<String> = rows
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| {
                format!(
                    "{}={}",
                    row["name"].as_str().expect("name"),
                    row["value"].as_str().expect("value")
                )
            })
            .collect();
        let wanted = [
            "Project=office",
            "Job=nightly",
            "Task=backup, FAILED",
            "Source=/srv",
            "Target=primary",
            "Duration=3 min 05 s",
            "Size=2.0 KiB",
        ];
        assert_eq!(rows, wanted);
        assert_eq!(
            facts(&event("system.started", "", json!({ "severity": "info" }))),
            json!([])
        );
        let low = json!({ "datastore": { "name": "primary", "online": true, "free": 1024 } });
        assert_eq!(
            facts(&event("datastore.space-low", "", low))[0]["value"],
            "primary, 1.0 KiB free"
        );
    }

    #[test]
    fn a_failure_and_the_success_after_it_have_one_topic() {
        let pairs = [
            (
                run("failed", "error", json!("nightly")),
                run("ok", "info", json!("nightly")),
            ),
            (
                run("failed", "error", Value::Null),
                run("ok", "info", Value::Null),
            ),
        ];
        for (bad, good) in pairs {
            let (bad, good) = (
                event("task.failed", "UPID:1", bad),
                event("task.completed", "UPID:2", good),
            );
            assert_eq!((outcome(&bad), outcome(&good)), ("problem", "recovered"));
            assert_eq!(topic(&bad), topic(&good));
            assert!(!topic(&bad).contains("UPID"), "{}", topic(&bad));
        }
        let snapshot = |severity: &str| {
            event(
                "snapshot.verified",
                "primary:vm/1/2026",
                json!({ "severity": severity }),
            )
        };
        assert_eq!(topic(&snapshot("error")), topic(&snapshot("info")));
        assert_eq!(
            (outcome(&snapshot("error")), outcome(&snapshot("info"))),
            ("problem", "recovered")
        );
        let store = |severity: &str| {
            event(
                "datastore.status-changed",
                "datastore/a",
                json!({ "severity": severity }),
            )
        };
        assert_eq!(
            (outcome(&store("error")), outcome(&store("notice"))),
            ("problem", "recovered")
        );
    }

    #[test]
    fn several_events_are_as_bad_as_what_is_not_over() {
        let of = |kind: &str, state: &str, severity: &str, job: &str| {
            event(kind, "UPID:1", run(state, severity, json!(job)))
        };
        let failed = |job: &str| of("task.failed", "failed", "error", job);
        let warned = |job: &str| of("task.warning", "warning", "warning", job);
        let done = |job: &str| of("task.completed", "ok", "info", job);
        let begun = event("task.started", "UPID:2", run("running", "info", json!("a")));
        for (events, wanted, about) in [
            (vec![failed("a"), done("b")], "problem", "a"),
            (vec![done("a"), failed("a")], "problem", "a"),
            (vec![failed("a"), done("a")], "recovered", "a"),
            (vec![failed("a"), warned("b"), done("a")], "problem", "b"),
            (vec![failed("a"), warned("b"), done("c")], "problem", "a"),
            (vec![failed("a"), failed("b")], "problem", "b"),
            (vec![failed("a"), done("a"), begun.clone()], "recovered", "a"),
            (vec![done("a"), done("b")], "recovered", "b"),
        ] {
            assert_eq!(outcome_of(&events), wanted, "{events:?}");
            assert_eq!(topic_of(&events), format!("job/office/{about}"), "{events:?}");
        }
        assert_eq!(outcome_of(std::slice::from_ref(&begun)), "news");
        assert_eq!(topic_of(std::slice::from_ref(&begun)), topic(&begun));
        assert_eq!((outcome_of(&[]), topic_of(&[])), ("news", String::new()));
    }

    #[test]
    fn the_worst_are_kept_in_their_order() {
        let of = |severity: &str, title: &str| json!({ "data": { "severity": severity, "title": title } });
        let all = [
            of("error", "1"),
            of("info", "2"),
            of("warning", "3"),
            of("info", "4"),
            of("error", "5"),
        ];
        let titles = |most| -> String {
            let kept = worst(&all, most);
            kept.iter()
                .filter_map(|event| event["data"]["title"].as_str())
                .collect()
        };
        assert_eq!(
            [titles(9), titles(4), titles(3), titles(1)],
            ["12345", "1345", "135", "5"]
        );
    }

    #[test]
    fn a_run_that_only_begins_ends_no_alert() {
        let failed = event("task.failed", "UPID:1", run("failed", "error", json!("nightly")));
        for (kind, severity) in [
            ("task.started", "info"),
            ("task.queued", "info"),
            ("task.cancelled", "notice"),
        ] {
            let news = event(kind, "UPID:2", run("running", severity, json!("nightly")));
            assert_eq!(outcome(&news), "news");
            assert_ne!(topic(&news), topic(&failed));
        }
        assert_eq!(
            topic(&event("system.stopped", "", json!({ "severity": "notice" }))),
            "ironcore.system.stopped"
        );
    }
}
