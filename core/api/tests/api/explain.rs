//! `notify explain` over the API: when an event is told, and to whom an incident is escalated.

use axum::http::StatusCode;
use ironcore_ledger::model::{FanOut, Rate, Role};
use serde_json::{Value, json};

use crate::setup::{Hub, verify};

const PATH: &str = "/api/v1/notifications/explain";

/// Fans the next events out, with how far the destination `limited` is within its limit.
async fn limited(hub: &Hub, sent: &str) {
    hub.enqueue("demo", verify("shared")).await;
    let mut fanouts = Vec::new();
    for event in hub.ledger.take_unmatched(100).await.expect("events") {
        fanouts.push(FanOut {
            seq: event.seq,
            tips: Vec::new(),
            matches: Vec::new(),
            messages: Vec::new(),
            outcome: None,
            rates: Vec::new(),
            silenced: Vec::new(),
            incident: None,
        });
    }
    let last = fanouts.last_mut().expect("an event");
    last.rates.push(Rate {
        lane: "limited".to_owned(),
        sent: vec![sent.parse().expect("a time")],
        ..Rate::default()
    });
    hub.ledger.record_fanout(fanouts).await.expect("fanned out");
}

#[tokio::test]
async fn it_says_when_an_event_is_told_and_to_whom_it_is_escalated() {
    let hub = Hub::start().await;
    let token = hub.token(Role::Admin, Some("demo")).await;
    let handler = |name: &str, more: Value| {
        let mut handler = json!({ "name": name, "plugin": "hook", "config": { "url": "x" } });
        for (key, value) in more.as_object().into_iter().flatten() {
            handler[key] = value.clone();
        }
        handler
    };
    let night = json!({ "hours": { "from": "22:00", "to": "08:00" } });
    let waits = json!({ "wait": "30s", "escalate": { "after": "15m", "to": "plain" } });
    let handlers = [
        handler("plain", json!({})),
        handler("daily", json!({ "digest": { "every": "day", "at": "09:00" } })),
        handler("quiet", json!({ "quiet": night })),
        handler("limited", json!({ "limit": { "messages": 1, "per": "1h" } })),
        handler("waits", json!({ "incidents": waits })),
        handler("picky", json!({ "filter": { "events": ["job.missed"] } })),
    ];
    let group = json!({ "project": "demo", "name": "ops", "handler": handlers });
    hub.apply(json!({ "group": [group] })).await;
    limited(&hub, "2026-05-21T02:50:00Z").await;
    let made_up =
        json!({ "made-up": { "type": "task.failed", "job": "nightly", "at": "2026-05-21T03:00:00Z" } });
    let explained = hub.post(PATH, &token, made_up).await.expect(StatusCode::OK);
    let of = |name: &str| {
        let all = explained["handlers"].as_array().expect("handlers");
        let found = all.iter().find(|one| one["handler"] == name);
        found.unwrap_or_else(|| panic!("{name}: {explained}")).clone()
    };
    for (name, how, at, words) in [
        ("plain", "at-once", Value::Null, "it goes at once"),
        (
            "daily",
            "digest",
            json!("2026-05-21T09:00:00Z"),
            "it is gathered until 2026-05-21T09:00:00Z, and goes with the digest",
        ),
        (
            "quiet",
            "quiet-hours",
            json!("2026-05-21T08:00:00Z"),
            "it goes after the quiet hours, at 2026-05-21T08:00:00Z",
        ),
        (
            "limited",
            "limit",
            json!("2026-05-21T03:50:00Z"),
            "it is beyond the limit, and goes with the rest at 2026-05-21T03:50:00Z",
        ),
        (
            "waits",
            "incident",
            json!("2026-05-21T03:00:30Z"),
            "the first notice is 30s later; it is escalated to plain at 2026-05-21T03:15:30Z unless",
        ),
    ] {
        let one = of(name);
        assert_eq!(
            (&one["when"]["how"], &one["when"]["at"]),
            (&json!(how), &at),
            "{one}"
        );
        assert!(
            one["why"].as_str().is_some_and(|why| why.contains(words)),
            "{one}"
        );
    }
    let up = json!({ "to": "plain", "at": "2026-05-21T03:15:30Z", "done": false, "heard": false });
    assert_eq!(of("waits")["when"]["escalation"], up);
    assert_eq!(of("picky")["when"], Value::Null, "it is not told");
}

#[tokio::test]
async fn an_event_is_not_made_up_of_what_is_not_there() {
    let hub = Hub::start().await;
    let token = hub.token(Role::Admin, None).await;
    for (more, missing) in [
        (json!({ "project": "nowhere" }), "There is no project nowhere."),
        (
            json!({ "project": "demo", "job": "nothing" }),
            "There is no job demo/nothing.",
        ),
        (
            json!({ "project": "demo", "datastore": "nothing" }),
            "There is no datastore nothing.",
        ),
    ] {
        let mut made_up = json!({ "type": "task.failed" });
        for (key, value) in more.as_object().into_iter().flatten() {
            made_up[key] = value.clone();
        }
        let refused = hub.post(PATH, &token, json!({ "made-up": made_up })).await;
        let problem = refused.problem(StatusCode::NOT_FOUND, "not-found");
        assert_eq!(problem["detail"], missing);
    }
}
