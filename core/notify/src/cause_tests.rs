//! Tests of causes, over events as the hub tells them.

use serde_json::{Value, json};

use super::*;

fn event(kind: &str, severity: &str, more: &Value) -> Event {
    let mut data = json!({ "project": "web", "severity": severity, "title": "It failed" });
    for (key, value) in more.as_object().expect("an object") {
        data[key] = value.clone();
    }
    serde_json::from_value(json!({
        "specversion": "1.0", "id": "01a00000-0000-7000-8000-000000000001", "source": "urn:ironcore-backup:hub:x",
        "type": format!("ironcore.{kind}"), "subject": null, "time": "2026-05-21T00:00:00Z",
        "datacontenttype": "application/json", "dataschema": "urn:ironcore-backup:event:v1", "data": data,
    }))
    .expect("a valid event")
}

/// A task of this type, of a job or of none, on the datastore `store`.
fn task(kind: &str, job: Option<&str>, code: Option<&str>) -> Value {
    let (id, source, target) = match kind {
        "sync" => (
            "far\\x3astore",
            json!("https://far.example:8007/:far"),
            json!("store"),
        ),
        "verify" => ("store", Value::Null, json!("store")),
        _ => ("store\\x3avm-1", json!("/srv"), json!("store:vm/1")),
    };
    let mut data = json!({ "task": {
        "upid": format!("UPID:hub:00000D1C:0001A2B3:00000001:6A0E5F80:{kind}:{id}:root@local:"),
        "type": kind, "job": job, "user": "root@local", "source": source, "target": target, "state": "failed",
        "retry_of": null, "queued": "2026-05-21T00:00:00Z", "started": null, "ended": null, "bytes": 0, "stats": {},
        "stages": [], "warnings": [], "warning_count": 0, "log_tail": [],
    }});
    if let Some(code) = code {
        data["error"] = json!({ "code": code, "message": "m" });
    }
    data
}

fn failed(kind: &str, job: Option<&str>, code: &str) -> Cause {
    of(&event("task.failed", "error", &task(kind, job, Some(code)))).expect("trouble")
}

fn completed(kind: &str, job: Option<&str>) -> Vec<Clear> {
    clears(&event("task.completed", "info", &task(kind, job, None)))
}

fn member(text: &str) -> Clear {
    Clear::Member(text.to_owned())
}

#[test]
fn a_full_datastore_is_one_cause_for_every_job() {
    let (one, other) = (
        failed("backup", Some("db-orders"), "datastore.full"),
        failed("backup", Some("db-users"), "datastore.full"),
    );
    assert_eq!(one.key, "datastore/store/datastore.full");
    assert_eq!(one.key, other.key);
    assert_eq!(
        (one.member.as_str(), other.member.as_str()),
        ("job/web/db-orders", "job/web/db-users")
    );
    assert_eq!(one.title, "Datastore store is full");
    assert!(!one.loose, "the job runs again");
    let by_hand = failed("backup", None, "datastore.full");
    assert!(by_hand.loose && by_hand.member == "work/web/backup//srv/store:vm/1");
    assert_eq!(
        failed("sync", Some("copy"), "datastore.offline").key,
        "datastore/store/datastore.offline"
    );
}

#[test]
fn a_failure_of_its_own_is_the_jobs() {
    let cause = failed("backup", Some("db-orders"), "source.unreachable");
    assert_eq!(
        (cause.key.as_str(), cause.member.as_str()),
        ("job/web/db-orders", "job/web/db-orders")
    );
    assert_eq!(
        (cause.title.as_str(), cause.over.as_str()),
        ("It failed", "Backup of db-orders works again")
    );
    let cause = failed("backup", None, "source.unreachable");
    assert_eq!(cause.key, "work/web/backup//srv/store:vm/1");
    assert_eq!(cause.over, "Backup of store:vm/1 works again");
    assert!(!cause.loose, "the same work ends it");
    let handed_over = task("backup", Some("a"), Some("worker.stopped"));
    assert_eq!(of(&event("task.failed", "notice", &handed_over)), None);
    assert_eq!(
        of(&event(
            "task.warning",
            "warning",
            &task("backup", Some("a"), None)
        )),
        None
    );
}

#[test]
fn the_other_hub_is_a_cause_for_every_sync_from_it() {
    for code in ["remote.auth", "remote.unreachable"] {
        assert_eq!(
            failed("sync", Some("copy"), code).key,
            "remote/far.example:8007/sync"
        );
    }
    let cleared = completed("sync", Some("copy"));
    assert!(cleared.contains(&Clear::Loose("remote/far.example:8007/".to_owned())));
    // Each host is one of its own, however it is written.
    for (source, key) in [
        ("https://[fd00::1]:8007:far", "remote/[fd00::1]:8007/sync"),
        ("https://[fd00::2]:8007/:far", "remote/[fd00::2]:8007/sync"),
        ("https://[fd00::1]/hub:far", "remote/[fd00::1]/sync"),
        ("https://10.0.0.1:8007:far", "remote/10.0.0.1:8007/sync"),
        ("https://FAR.example:443:far", "remote/far.example/sync"),
    ] {
        let mut data = task("sync", None, Some("remote.unreachable"));
        data["task"]["source"] = json!(source);
        let cause = of(&event("task.failed", "error", &data)).expect("trouble");
        assert!(cause.key == key && cause.loose, "{source}: {cause:?}");
    }
    // What works ends nothing of a host whose name begins the same.
    let mut data = task("sync", None, None);
    data["task"]["source"] = json!("https://far:far");
    let well = clears(&event("task.completed", "info", &data));
    let ends = |key: &str| {
        well.iter()
            .any(|clear| matches!(clear, Clear::Loose(prefix) if key.starts_with(prefix)))
    };
    assert!(ends("remote/far/sync") && !ends("remote/far2/sync") && !ends("remote/far:8007/sync"));
    // One within the hub has none.
    let mut local = task("sync", Some("copy"), Some("remote.auth"));
    local["task"]["source"] = json!("other");
    assert_eq!(
        of(&event("task.failed", "error", &local))
            .map(|cause| cause.key)
            .as_deref(),
        Some("job/web/copy")
    );
}

#[test]
fn damage_is_over_when_it_was_verified() {
    let mut data = task("verify", Some("check"), Some("chunk.corrupt"));
    data["snapshot"] = json!("store:vm/1/2026-05-21T00:00:00Z");
    data["verification"] = json!({
        "snapshot": "vm/1/2026-05-21T00:00:00Z", "started": "2026-05-22T00:00:00Z", "duration_us": 5,
        "depth": "full", "chunks": 3, "result": "CORRUPT", "failure": null,
    });
    let bad = of(&event("snapshot.verified", "error", &data)).expect("trouble");
    assert_eq!(bad.key, "datastore/store/verification");
    assert_eq!(bad.member, "snapshot/store:vm/1/2026-05-21T00:00:00Z");
    data["verification"]["result"] = json!("OK");
    let good = event("snapshot.verified", "info", &data);
    assert_eq!(of(&good), None);
    assert_eq!(clears(&good), [member(&bad.member)]);
    // A task that met it fails for the same cause; a backup that works says nothing of it.
    for kind in ["verify", "restore"] {
        let cause = failed(kind, None, "chunk.missing");
        assert!(cause.key == bad.key && !cause.loose, "{kind}");
    }
    // A project's own verification sees nothing of what is another's.
    let web: ProjectName = "web".parse().expect("a name");
    let all = |clears: &[Clear]| clears.iter().any(|clear| matches!(clear, Clear::Causes(_)));
    let checked = completed("verify", Some("check"));
    assert!(checked.contains(&Clear::CausesOf(web, bad.key.clone())) && !all(&checked));
    let mut whole = event("task.completed", "info", &task("verify", None, None));
    whole.data.project = None;
    assert!(clears(&whole).contains(&Clear::Causes(bad.key)));
    let backed_up = completed("backup", Some("a"));
    let of_web = |clear: &Clear| matches!(clear, Clear::CausesOf(..));
    assert!(!all(&backed_up) && !backed_up.iter().any(of_web));
}

#[test]
fn a_run_that_ends_well_clears_its_job_and_what_nobody_repeats() {
    assert_eq!(
        completed("backup", Some("a")),
        [
            member("missed/web/a"),
            member("overrun/web/a"),
            member("job/web/a"),
            Clear::Loose("datastore/store/".to_owned()),
        ]
    );
    let failed = event(
        "task.failed",
        "error",
        &task("backup", Some("a"), Some("datastore.full")),
    );
    assert_eq!(
        clears(&failed),
        [member("missed/web/a"), member("overrun/web/a")],
        "it ran"
    );
    let cancelled = event("task.cancelled", "notice", &task("backup", Some("a"), None));
    assert_eq!(
        clears(&cancelled),
        [member("missed/web/a"), member("overrun/web/a")]
    );
    assert_eq!(
        clears(&event("task.started", "info", &task("backup", Some("a"), None))),
        []
    );
}

#[test]
fn what_the_watch_notices_lasts_as_its_condition_does() {
    let job = json!({ "job": { "name": "a", "scheduled_for": null, "missed": 1 } });
    let low =
        json!({ "project": null, "datastore": { "name": "store", "online": true, "used": 9, "free": 1 } });
    let stale = json!({ "snapshot": "store:vm/1/2026-05-21T00:00:00Z" });
    for (kind, severity, data, key, condition) in [
        (
            "job.overdue",
            "warning",
            &job,
            "overdue/web/a",
            Some("overdue/web/a"),
        ),
        ("job.missed", "warning", &job, "missed/web/a", None),
        ("job.overrun", "warning", &job, "overrun/web/a", None),
        (
            "datastore.space-low",
            "warning",
            &low,
            "space-low/store",
            Some("space-low/store"),
        ),
        (
            "snapshot.stale",
            "warning",
            &stale,
            "stale/store/vm/1",
            Some("stale/store/vm/1"),
        ),
        (
            "scheduler.paused",
            "warning",
            &json!({}),
            "scheduler",
            Some("paused"),
        ),
    ] {
        let cause = of(&event(kind, severity, data)).expect(kind);
        assert_eq!((cause.key.as_str(), cause.condition.as_deref()), (key, condition));
        assert_eq!(cause.member, key);
    }
    // What a rule leaves out, and what somebody did, is no trouble.
    assert_eq!(of(&event("job.missed", "notice", &job)), None);
    assert_eq!(of(&event("scheduler.paused", "notice", &json!({}))), None);
    assert_eq!(
        clears(&event("scheduler.resumed", "info", &json!({}))),
        [member("scheduler")]
    );
}

#[test]
fn datastores_and_workers_come_back() {
    let status = |online: bool| {
        let datastore = json!({ "name": "store", "online": online, "used": null, "free": null });
        event(
            "datastore.status-changed",
            "error",
            &json!({ "project": null, "datastore": datastore }),
        )
    };
    let away = of(&status(false)).expect("trouble");
    assert_eq!(
        away.key,
        failed("backup", Some("a"), "datastore.offline").key,
        "the same as of the tasks"
    );
    assert_eq!(away.member, "datastore/store");
    assert_eq!(of(&status(true)), None);
    assert_eq!(
        clears(&status(true)),
        [
            member("datastore/store"),
            Clear::Loose("datastore/store/datastore.offline".to_owned())
        ]
    );
    let node = json!({ "project": null, "node": { "name": "n1", "service": "worker" } });
    let lost = of(&event("worker.offline", "warning", &node)).expect("trouble");
    assert_eq!(
        clears(&event("worker.online", "info", &node)),
        [member(&lost.member)]
    );
    assert_eq!(
        of(&event("worker.offline", "notice", &node)),
        None,
        "it was stopped"
    );
}
