//! Tests of matching, over configuration read as people write it.

use ironcore_types::objects::Document;
use serde_json::json;

use super::rules::decide;
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

pub(crate) fn event(kind: &str, severity: &str, more: &serde_json::Value) -> Event {
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

pub(crate) fn task(job: Option<&str>, id: &str) -> serde_json::Value {
    json!({ "task": {
        "upid": format!("UPID:hub:00000D1C:0001A2B3:00000001:6A0E5F80:gc:{}:root@local:", id.replace('-', "\\x2d")),
        "type": "gc", "job": job, "user": "root@local", "source": null, "target": null, "state": "failed",
        "retry_of": null, "queued": "2026-05-21T00:00:00Z", "started": null, "ended": null, "bytes": 0, "stats": {},
        "stages": [], "warnings": [], "warning_count": 0, "log_tail": [],
    }})
}

fn told(event: &Event) -> Vec<String> {
    told_by(event, &document(), None)
}

fn told_by(event: &Event, document: &Document, before: Option<&LastOutcome>) -> Vec<String> {
    let inbox = PluginName::new(INBOX).expect("name");
    let (hub_groups, groups): (Vec<_>, Vec<_>) = document
        .group
        .iter()
        .cloned()
        .partition(|group| group.project.is_none());
    let declared = Declared {
        jobs: &document.job,
        groups: &groups,
        hub_groups: &hub_groups,
        datastores: &document.datastore,
    };
    matches(Told { event, before }, declared, Some(&inbox))
        .into_iter()
        .map(
            |found| match (&found.handler.project, found.handler.group.as_str()) {
                (_, BUILTIN_GROUP) => found.handler.handler.to_string(),
                (Some(_), group) => format!("{group}/{}", found.handler.handler),
                (None, group) => format!("hub:{group}/{}", found.handler.handler),
            },
        )
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
    assert_eq!(
        told(&exhausted),
        ["inbox", "ops/hook"],
        "the others of its group, by the default rule"
    );
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
    let told = Told {
        event: &queued,
        before: None,
    };
    let decisions = decide(told, ops);
    assert!(decisions.iter().all(|decision| !decision.told));
    let reasons: Vec<_> = decisions.into_iter().map(|decision| decision.reason).collect();
    assert_eq!(reasons, [Reason::Default, Reason::Severity, Reason::Disabled]);
}

/// One group of project `web` with handlers `a` and `b`, and with these members more; job `nightly` names it.
fn with(group: serde_json::Value) -> Document {
    let mut of = json!({ "project": "web", "name": "ops", "handler": [
        { "name": "a", "plugin": "webhook" }, { "name": "b", "plugin": "webhook" },
    ]});
    for (key, value) in group.as_object().expect("an object") {
        of[key] = value.clone();
    }
    serde_json::from_value(json!({
        "group": [of],
        "datastore": [{ "name": "store-a", "path": "/a", "groups": ["storage", "web/ops"] }],
        "job": [{ "project": "web", "name": "nightly", "owner": "root@local", "groups": ["ops"],
              "task": { "type": "gc", "datastore": "store-a" } }],
    }))
    .expect("a valid document")
}

fn of_nightly(kind: &str, severity: &str) -> Event {
    event(kind, severity, &task(Some("nightly"), "store-a"))
}

#[test]
fn rules_are_looked_at_in_order_until_one_stops() {
    let document = with(json!({ "rule": [
        { "when": { "min-severity": "error" }, "tell": ["a"], "then": "continue" },
        { "when": { "events": ["task.failed"], "jobs": ["/^night/"] }, "tell": ["b"] },
        { "when": { "events": ["task.queued"] }, "tell": [] },
        { "when": { "events": ["task.started"] } },
    ]}));
    let told = |kind, severity| told_by(&of_nightly(kind, severity), &document, None);
    assert_eq!(told("ironcore.task.failed", "error"), ["inbox", "ops/a", "ops/b"]);
    // No rule is about it: the default rule tells both.
    assert_eq!(
        told("ironcore.task.completed", "info"),
        ["inbox", "ops/a", "ops/b"]
    );
    assert_eq!(
        told("ironcore.task.warning", "error"),
        ["inbox", "ops/a", "ops/b"]
    );
    assert_eq!(told("ironcore.task.queued", "info"), ["inbox"]);
    assert_eq!(told("ironcore.task.started", "info"), ["inbox", "ops/a", "ops/b"]);
    assert_eq!(told("ironcore.task.cancelled", "notice"), ["inbox"]);

    let failed = of_nightly("ironcore.task.failed", "error");
    let decisions = decide(
        Told {
            event: &failed,
            before: None,
        },
        &document.group[0],
    );
    let reasons: Vec<_> = decisions.into_iter().map(|decision| decision.reason).collect();
    assert_eq!(reasons, [Reason::Rule(1), Reason::Rule(2)]);
}

#[test]
fn a_rule_that_stops_keeps_the_others_out() {
    let document = with(json!({ "rule": [{ "when": { "events": ["task.failed"] }, "tell": ["b"] }] }));
    let failed = of_nightly("ironcore.task.failed", "error");
    assert_eq!(told_by(&failed, &document, None), ["inbox", "ops/b"]);
    let decisions = decide(
        Told {
            event: &failed,
            before: None,
        },
        &document.group[0],
    );
    assert_eq!(decisions[0].reason, Reason::StoppedBy(1));
}

#[test]
fn the_matrix_says_it_for_each_event_type() {
    let document = with(json!({ "matrix": {
        "task.completed": [], "task.failed": ["b"], "ironcore.task.started": ["a", "b"],
    }}));
    let told = |kind, severity| told_by(&of_nightly(kind, severity), &document, None);
    assert_eq!(told("ironcore.task.completed", "info"), ["inbox"]);
    assert_eq!(told("ironcore.task.failed", "error"), ["inbox", "ops/b"]);
    assert_eq!(told("ironcore.task.started", "info"), ["inbox", "ops/a", "ops/b"]);
    assert_eq!(
        told("ironcore.task.warning", "warning"),
        ["inbox", "ops/a", "ops/b"]
    );
}

#[test]
fn groups_listen_to_sources_and_are_attached_to_datastores() {
    let mut document = with(json!({ "sources": ["restore"], "handler": [
        { "name": "a", "plugin": "webhook", "filter": { "events": [] } },
    ]}));
    let hub: Document = serde_json::from_value(json!({ "group": [
        { "name": "storage", "handler": [{ "name": "h", "plugin": "webhook", "filter": { "events": [] } }] },
        { "name": "guards", "sources": ["auth"],
          "handler": [{ "name": "h", "plugin": "webhook", "filter": { "events": [] } }] },
    ]}))
    .expect("groups");
    document.group.extend(hub.group);
    let told = |event: &Event| told_by(event, &document, None);
    let own = json!({ "project": null });
    let login = event("ironcore.auth.login-failed", "warning", &own);
    assert_eq!(told(&login), ["inbox", "hub:guards/h"]);
    let store = json!({ "name": "store-a", "free_bytes": 1, "total_bytes": 2, "online": true });
    let low = event(
        "ironcore.datastore.space-low",
        "warning",
        &json!({ "project": null, "datastore": store }),
    );
    assert_eq!(told(&low), ["inbox", "ops/a", "hub:storage/h"]);
    // Of another project's tasks on that datastore the hub's group hears, and the project's does not.
    let mut other = event("ironcore.task.completed", "info", &task(None, "store-a"));
    other.data.project = Some("other".parse().expect("name"));
    assert_eq!(told(&other), ["inbox", "hub:storage/h"]);
    let mut restore = task(None, "store-b");
    restore["task"]["type"] = json!("restore");
    let restored = event("ironcore.task.completed", "info", &restore);
    assert_eq!(told(&restored), ["inbox", "ops/a"]);
}

#[test]
fn filters_know_hours_and_changes() {
    let hours = with(json!({ "handler": [
        { "name": "a", "plugin": "webhook", "filter": { "hours": { "days": ["thu"], "from": "00:00", "to": "06:00" } } },
        { "name": "b", "plugin": "webhook", "filter": { "hours": { "days": ["fri"] } } },
    ]}));
    // 2026-05-21 is a Thursday.
    let failed = of_nightly("ironcore.task.failed", "error");
    assert_eq!(told_by(&failed, &hours, None), ["inbox", "ops/a"]);

    let changes = with(json!({ "handler": [
        { "name": "a", "plugin": "webhook", "filter": { "changes-only": true } },
    ]}));
    let before = |state: TaskState| LastOutcome {
        state,
        failures: 1,
        since: 1,
    };
    let completed = of_nightly("ironcore.task.completed", "info");
    let told = |event, before: Option<LastOutcome>| told_by(event, &changes, before.as_ref()).len() == 2;
    assert!(!told(&completed, None) && told(&failed, None));
    assert!(!told(&completed, Some(before(TaskState::Ok))));
    assert!(told(&completed, Some(before(TaskState::Failed))));
    assert!(!told(&failed, Some(before(TaskState::Failed))));
    assert!(told(&failed, Some(before(TaskState::Warning))));
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
