//! Tests of matching, over configuration read as people write it.

use ironcore_types::objects::Document;
use serde_json::json;

use super::*;

fn document() -> Document {
    serde_json::from_value(json!({
        "group": [
            { "project": "web", "name": "ops", "handler": [
                { "name": "hook", "plugin": "webhook" },
                { "name": "mail", "plugin": "email", "filter": { "events": [], "min-severity": "warning" } },
                { "name": "off", "plugin": "webhook", "enabled": false, "filter": { "events": [] } },
            ]},
            { "project": "web", "name": "db", "handler": [
                { "name": "hook", "plugin": "webhook", "filter": { "events": [], "datastores": ["store-b"] } },
                { "name": "nightly", "plugin": "webhook", "filter": { "events": [], "jobs": ["nightly"] } },
            ]},
            { "project": "other", "name": "ops", "handler": [
                { "name": "hook", "plugin": "webhook", "filter": { "events": [] } },
            ]},
        ],
        "job": [
            { "project": "web", "name": "nightly", "owner": "root@local", "groups": ["ops"],
              "task": { "type": "gc", "datastore": "store-a" } },
            { "project": "web", "name": "weekly", "owner": "root@local", "groups": ["db", "ops"],
              "task": { "type": "gc", "datastore": "store-b" } },
            { "project": "other", "name": "nightly", "owner": "root@local", "groups": ["ops"],
              "task": { "type": "gc", "datastore": "store-a" } },
        ],
    }))
    .expect("a valid document")
}

fn event(kind: &str, severity: &str, more: &serde_json::Value) -> Event {
    let mut data = json!({ "project": "web", "severity": severity, "title": "t" });
    for (key, value) in more.as_object().expect("an object") {
        data[key] = value.clone();
    }
    serde_json::from_value(json!({
        "specversion": "1.0", "id": "01a00000-0000-7000-8000-000000000001", "source": "urn:ironcore-backup:hub:x",
        "type": kind, "subject": null, "time": "2026-05-21T00:00:00Z", "datacontenttype": "application/json",
        "dataschema": "urn:ironcore-backup:event:v1", "data": data,
    }))
    .expect("a valid event")
}

fn task(job: Option<&str>, id: &str) -> serde_json::Value {
    json!({ "task": {
        "upid": format!("UPID:hub:00000D1C:0001A2B3:00000001:6A0E5F80:gc:{}:root@local:", id.replace('-', "\\x2d")),
        "type": "gc", "job": job, "user": "root@local", "source": null, "target": null, "state": "failed",
        "retry_of": null, "queued": "2026-05-21T00:00:00Z", "started": null, "ended": null, "bytes": 0, "stats": {},
        "stages": [], "warnings": [], "warning_count": 0, "log_tail": [],
    }})
}

fn told(event: &Event) -> Vec<String> {
    let document = document();
    let inbox = PluginName::new(INBOX).expect("name");
    matches(event, &document.job, &document.group, Some(&inbox))
        .into_iter()
        .map(|found| match found.handler.group.as_str() {
            BUILTIN_GROUP => found.handler.handler.to_string(),
            group => format!("{group}/{}", found.handler.handler),
        })
        .collect()
}

#[test]
fn a_task_that_is_handed_over_is_no_failure() {
    let mut data = task(Some("nightly"), "store-a");
    data["error"] = json!({ "code": "worker.stopped", "message": "m" });
    assert_eq!(told(&event("ironcore.task.failed", "notice", &data)), ["inbox"]);
    data["error"]["code"] = json!("worker.lost");
    assert_eq!(
        told(&event("ironcore.task.failed", "error", &data)),
        ["inbox", "ops/hook", "ops/mail"]
    );
}

#[test]
fn a_bad_snapshot_is_told_to_those_who_want_to_know_of_failures() {
    let verified = |result: &str, severity| {
        let mut data = task(Some("nightly"), "store-a");
        data["verification"] = json!({
            "snapshot": "vm/1/2026-05-21T00:00:00Z", "started": "2026-05-22T00:00:00Z", "duration_us": 5,
            "depth": "full", "chunks": 3, "result": result, "failure": null,
        });
        told(&event("ironcore.snapshot.verified", severity, &data))
    };
    assert_eq!(verified("OK", "info"), ["inbox"]);
    assert_eq!(verified("CORRUPT", "error"), ["inbox", "ops/hook", "ops/mail"]);
    assert_eq!(verified("MISSING", "error"), ["inbox", "ops/hook", "ops/mail"]);
}

#[test]
fn an_event_reaches_the_groups_of_its_job_and_the_inbox() {
    let failed = event("ironcore.task.failed", "error", &task(Some("nightly"), "store-a"));
    assert_eq!(told(&failed), ["inbox", "ops/hook", "ops/mail"]);
    let completed = event(
        "ironcore.task.completed",
        "info",
        &task(Some("nightly"), "store-a"),
    );
    assert_eq!(told(&completed), ["inbox", "ops/hook"]);
    let queued = event("ironcore.task.queued", "info", &task(Some("nightly"), "store-a"));
    assert_eq!(told(&queued), ["inbox"]);
}

#[test]
fn filters_look_at_job_and_datastore() {
    let weekly = event(
        "ironcore.task.completed",
        "info",
        &task(Some("weekly"), "store-b"),
    );
    assert_eq!(told(&weekly), ["inbox", "ops/hook", "db/hook"]);
    let missed = event(
        "ironcore.job.missed",
        "warning",
        &json!({
            "job": { "name": "weekly", "scheduled_for": null, "missed": 2 }
        }),
    );
    assert_eq!(told(&missed), ["inbox", "ops/mail"]);
}

#[test]
fn trouble_of_no_job_reaches_the_groups_of_jobs_that_use_the_datastore() {
    let failed = event("ironcore.task.failed", "error", &task(None, "store-b"));
    assert_eq!(told(&failed), ["inbox", "ops/hook", "ops/mail", "db/hook"]);
    let completed = event("ironcore.task.completed", "info", &task(None, "store-b"));
    assert_eq!(told(&completed), ["inbox"]);
    let elsewhere = event("ironcore.task.failed", "error", &task(None, "store-c"));
    assert_eq!(told(&elsewhere), ["inbox"]);
}

#[test]
fn the_hubs_own_events_reach_the_inbox_only() {
    let offline = event("ironcore.worker.offline", "warning", &json!({ "project": null }));
    assert_eq!(told(&offline), ["inbox"]);
}

#[test]
fn failures_to_tell_never_go_to_what_failed() {
    let exhausted = event(
        "ironcore.delivery.exhausted",
        "error",
        &json!({
            "delivery": { "message": null, "group": "ops", "handler": "mail", "plugin": "email", "attempts": 10 }
        }),
    );
    assert_eq!(told(&exhausted), ["inbox"]);
    let of_hook = event(
        "ironcore.delivery.exhausted",
        "error",
        &json!({
            "delivery": { "message": null, "group": "ops", "handler": "hook", "plugin": "webhook", "attempts": 10 }
        }),
    );
    assert_eq!(told(&of_hook), ["inbox", "ops/mail"]);
    // A plugin that fails for one handler is not asked to tell of it for another.
    let mut failed = event(
        "ironcore.plugin.failed",
        "error",
        &json!({
            "delivery": { "message": null, "group": "db", "handler": "nightly", "plugin": "webhook", "attempts": 1 }
        }),
    );
    assert_eq!(told(&failed), ["inbox"]);
    failed.data.delivery.as_mut().expect("delivery").plugin = Some(PluginName::new(INBOX).expect("name"));
    assert!(!told(&failed).contains(&"inbox".to_owned()));
}

#[test]
fn each_filter_says_what_stopped_an_event() {
    let document = document();
    let ops = &document.group[0];
    let queued = event("ironcore.task.queued", "info", &task(Some("nightly"), "store-a"));
    let verdicts: Vec<_> = ops
        .handler
        .iter()
        .map(|handler| stopped(&queued, &ops.name, handler))
        .collect();
    assert_eq!(
        verdicts,
        [
            Some(Stopped::EventType),
            Some(Stopped::Severity),
            Some(Stopped::Disabled)
        ]
    );
}

#[test]
fn threads_are_tasks_then_jobs() {
    let failed = event("ironcore.task.failed", "error", &task(Some("nightly"), "store-a"));
    assert!(thread_of(&failed).starts_with("UPID:hub:"));
    let missed = event(
        "ironcore.job.missed",
        "warning",
        &json!({
            "job": { "name": "weekly", "scheduled_for": null, "missed": 2 }
        }),
    );
    assert_eq!(thread_of(&missed), "job/weekly");
    let mut bare = event("ironcore.worker.offline", "warning", &json!({}));
    assert_eq!(thread_of(&bare), bare.id.to_string());
    bare.subject = Some("node/hub".to_owned());
    assert_eq!(thread_of(&bare), "node/hub");
}
