//! One event of every type, as a hub tells them, and the same with texts that nobody should write.

use ironcore_types::{Event, EventType};
use serde_json::{Value, json};

/// The hub that tells them.
pub const HUB: &str = "0196f0c0-11aa-7b3e-8f6d-0c9a5b1e7f42";

const BACKUP: &str = "UPID:hub1:00000D1C:0001A2B3:00000007:6A0E67C0:backup:nightly:root@local:";
const VERIFY: &str = "UPID:hub1:00000D1C:0001A2B3:00000008:6A0E75D0:verify:ibs\\x2dprimary:root@local:";
const SYNC: &str = "UPID:hub1:00000D1C:0001A2B3:00000009:6A0E8400:sync:offsite:root@local:";
const SNAPSHOT: &str = "ibs-primary:vm/12345/2026-05-21T00:00:00Z";
const OLDER: &str = "ibs-primary:host/files/2026-04-20T02:00:00Z";

/// One event of each type of this version.
///
/// # Panics
/// When a sample is no event of its type: then it is not current.
pub fn samples() -> Vec<Event> {
    EventType::ALL
        .iter()
        .copied()
        .enumerate()
        .map(|(at, kind)| sample(at, kind))
        .collect()
}

/// The event of a type.
///
/// # Panics
/// When there is none.
pub fn of_type(kind: EventType) -> Event {
    let at = EventType::ALL
        .iter()
        .position(|one| *one == kind)
        .expect("a type of this version");
    sample(at, kind)
}

fn sample(at: usize, kind: EventType) -> Event {
    let (subject, mut data) = particulars(kind).unwrap_or_else(|| panic!("no sample of {kind}"));
    if data.get("severity").is_none() {
        data["severity"] = json!(kind.default_severity());
    }
    let event = json!({
        "specversion": "1.0",
        "id": format!("0196f0c2-5f3a-7c11-9d5e-2b7c1a9e4d{at:02x}"),
        "source": format!("urn:ironcore-backup:hub:{HUB}"),
        "type": kind.as_str(),
        "subject": subject,
        "time": "2026-05-21T02:03:05.120394Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:ironcore-backup:event:v1",
        "data": data,
    });
    let read: Event = serde_json::from_value(event.clone()).unwrap_or_else(|error| panic!("{kind}: {error}"));
    let written = serde_json::to_value(&read).expect("JSON");
    assert_eq!(written, event, "the sample of {kind} is written as it is read");
    read
}

fn task(state: &str) -> Value {
    let (started, ended) = match state {
        "queued" => (Value::Null, Value::Null),
        "running" => (json!("2026-05-21T02:00:00.410022Z"), Value::Null),
        _ => (
            json!("2026-05-21T02:00:00.410022Z"),
            json!("2026-05-21T02:03:05.118207Z"),
        ),
    };
    let mut stats = json!({});
    for counter in [
        "bytes",
        "bytes_read",
        "bytes_stored",
        "bytes_new",
        "bytes_logical",
        "files",
        "files_unchanged",
        "chunks",
        "chunks_known",
        "snapshots",
        "snapshots_affected",
        "snapshots_skipped",
    ] {
        stats[counter] = json!(0);
    }
    if !ended.is_null() {
        stats["bytes"] = json!(1_288_490_189_u64);
        stats["files"] = json!(48_211);
    }
    json!({
        "upid": BACKUP, "type": "backup", "job": "nightly", "user": "root@local", "source": "/srv",
        "target": "ibs-primary", "state": state, "retry_of": null, "queued": "2026-05-21T02:00:00.001312Z",
        "started": started, "ended": ended, "bytes": stats["bytes"], "stats": stats, "stages": [], "warnings": [],
        "warning_count": 0, "log_tail": [],
    })
}

fn of_task(upid: &str, kind: &str, job: Value, source: &str, target: &str) -> Value {
    let mut task = task("running");
    for (member, value) in [
        ("upid", json!(upid)),
        ("type", json!(kind)),
        ("job", job),
        ("source", json!(source)),
        ("target", json!(target)),
    ] {
        task[member] = value;
    }
    task
}

fn job(name: &str) -> Value {
    json!({ "name": name, "scheduled_for": "2026-05-21T02:00:00Z", "missed": 0 })
}

/// Subject and data of an event; its severity when it is not the usual one.
fn particulars(kind: EventType) -> Option<(Value, Value)> {
    use EventType as E;
    let office = |title: &str, mut more: Value| {
        more["project"] = json!("office");
        more["title"] = json!(title);
        more
    };
    let hub = |title: &str, mut more: Value| {
        more["project"] = Value::Null;
        more["title"] = json!(title);
        more
    };
    let run = |title: &str, state: &str| office(title, json!({ "task": task(state), "job": job("nightly") }));
    Some(match kind {
        E::TaskQueued => (
            json!(BACKUP),
            run("Backup of /srv to ibs-primary is queued", "queued"),
        ),
        E::TaskStarted => (
            json!(BACKUP),
            run("Backup of /srv to ibs-primary started", "running"),
        ),
        E::TaskCompleted => (
            json!(BACKUP),
            run("Backup of /srv to ibs-primary completed", "ok"),
        ),
        E::TaskWarning => {
            let mut data = run(
                "Backup of /srv to ibs-primary completed with 2 warnings",
                "warning",
            );
            data["task"]["warnings"] = json!([
                { "code": "source.permission", "path": "/srv/mail/private", "message": "permission denied" },
                { "code": "path.changed", "path": "/srv/db/journal", "message": "the file changed while it was read" },
            ]);
            data["task"]["warning_count"] = json!(2);
            (json!(BACKUP), data)
        }
        E::TaskFailed => {
            let mut data = run(
                "Backup of /srv to ibs-primary failed: no space is left on the datastore",
                "failed",
            );
            data["task"]["log_tail"] = json!(["read /srv", "pack 0193 written", "error: no space is left"]);
            data["error"] =
                json!({ "code": "datastore.full", "message": "no space is left on the datastore" });
            (json!(BACKUP), data)
        }
        E::TaskCancelled => {
            let mut data = run(
                "Backup of /srv to ibs-primary was cancelled by alice@local",
                "cancelled",
            );
            data["actor"] = json!("alice@local");
            (json!(BACKUP), data)
        }
        E::SnapshotVerified => {
            let why = "chunk 5d41…c592 does not match its fingerprint";
            let data = json!({
                "severity": "error",
                "task": of_task(VERIFY, "verify", Value::Null, "ibs-primary", "ibs-primary"),
                "snapshot": SNAPSHOT,
                "verification": {
                    "snapshot": "vm/12345/2026-05-21T00:00:00Z", "started": "2026-05-21T02:03:01Z",
                    "duration_us": 4_120_394, "depth": "full", "chunks": 18_211, "result": "CORRUPT",
                    "failure": { "code": "chunk.corrupt", "chunk": "5d41402abc4b2a76b9719d911017c592", "reason": why },
                },
                "error": { "code": "chunk.corrupt", "message": why },
            });
            (
                json!(SNAPSHOT),
                office(&format!("Snapshot {SNAPSHOT} is CORRUPT: {why}"), data),
            )
        }
        E::SnapshotStale => {
            let title = "3 of 9 snapshots of ibs-primary:host/files have not been verified OK within 30d";
            (json!(OLDER), office(title, json!({ "snapshot": OLDER })))
        }
        E::SyncIntegrityError => {
            let why = "chunk 9e10…7cf2 does not match its fingerprint";
            let data = json!({
                "task": of_task(SYNC, "sync", json!("offsite"), "ibs-primary", "ibs-archival"),
                "error": { "code": "chunk.corrupt", "message": why },
            });
            (
                json!(SYNC),
                office(
                    "Sync to ibs-archival met data that does not match its fingerprint",
                    data,
                ),
            )
        }
        E::JobMissed => {
            let mut job = job("nightly");
            job["missed"] = json!(3);
            let title = "Job nightly missed 3 runs, the last one due at 2026-05-21T02:00:00Z; it runs now";
            (json!("job/office/nightly"), office(title, json!({ "job": job })))
        }
        E::JobOverdue => {
            let mut job = job("nightly");
            job["scheduled_for"] = Value::Null;
            let title = "Job nightly has had no good backup since 2026-05-19T02:03:05Z; its objective is 1d";
            (json!("job/office/nightly"), office(title, json!({ "job": job })))
        }
        E::JobOverrun => {
            let title = "A run of job nightly takes longer than 1h; it usually takes 3m 5s";
            (json!("job/office/nightly"), run(title, "running"))
        }
        E::DatastoreSpaceLow => {
            let title = "Datastore ibs-primary has 4.1 % of its space left; less than 10 % is low";
            let store = json!({ "name": "ibs-primary", "online": true, "used": 959_000_000_000_u64, "free": 41_000_000_000_u64 });
            (
                json!("datastore/ibs-primary"),
                hub(title, json!({ "datastore": store })),
            )
        }
        E::DatastoreStatusChanged => {
            let store = json!({ "name": "ibs-primary", "online": false, "used": null, "free": null });
            let data = json!({ "severity": "error", "datastore": store });
            (
                json!("datastore/ibs-primary"),
                hub("Datastore ibs-primary is offline: it is not mounted", data),
            )
        }
        E::WorkerOnline | E::WorkerOffline => {
            let online = kind == E::WorkerOnline;
            let what = if online {
                "is online"
            } else {
                "is gone: it no longer renews its lease"
            };
            let data = json!({ "node": { "name": "hub1", "service": "worker" } });
            (
                json!("worker/hub1"),
                hub(&format!("Worker on hub1 (process 3356) {what}"), data),
            )
        }
        E::SchedulerPaused | E::SchedulerResumed => {
            let what = if kind == E::SchedulerPaused {
                "paused"
            } else {
                "resumed"
            };
            let title = format!("The scheduler was {what} by alice@local");
            (json!("scheduler"), hub(&title, json!({ "actor": "alice@local" })))
        }
        E::SystemStarted | E::SystemStopped => {
            let what = if kind == E::SystemStarted {
                "started"
            } else {
                "stopped"
            };
            (Value::Null, hub(&format!("The hub on hub1 {what}"), json!({})))
        }
        _ => return of_people_and_plugins(kind),
    })
}

fn of_people_and_plugins(kind: EventType) -> Option<(Value, Value)> {
    use EventType as E;
    let told = |project: Value, title: &str, mut more: Value| {
        more["project"] = project;
        more["title"] = json!(title);
        more
    };
    let hub = |title: &str| told(Value::Null, title, json!({ "actor": "alice@local" }));
    let gone = json!({ "code": "delivery.rejected", "message": "HTTP 410: gone" });
    let handler = |message: Value, attempts: u32| json!({ "message": message, "group": "ops", "handler": "hook", "plugin": "webhook", "attempts": attempts });
    Some(match kind {
        E::AuthLoginFailed => (json!("user/alice@local"), hub("A log-in of alice@local failed")),
        E::AuthLockedOut => (
            json!("user/alice@local"),
            hub("alice@local was locked after 5 failed log-ins"),
        ),
        E::AuthTokenCreated => {
            let title = "API token alice@local!laptop with role operator was created by alice@local";
            let data = told(json!("office"), title, json!({ "actor": "alice@local" }));
            (json!("token/alice@local!laptop"), data)
        }
        E::ConfigPermissionGranted => (
            json!("user/bob@local"),
            hub("bob@local may operate project office"),
        ),
        E::ConfigRoleCreated => (json!("role/auditor"), hub("Role auditor was made by alice@local")),
        E::ConfigKeyRotated => (
            json!("secret/hook"),
            hub("Secret hook was replaced by alice@local"),
        ),
        E::SystemCertificateRenewed => (Value::Null, hub("The certificate of hub1 was renewed")),
        E::DeliveryExhausted => {
            let id = "0196f0c1-22bb-7a10-8b1c-4d5e6f708192";
            let title =
                "A message of handler ops/hook (webhook) was rejected after 1 attempt: HTTP 410: gone";
            let data = json!({ "delivery": handler(json!(id), 1), "error": gone });
            (json!(format!("message/{id}")), told(json!("office"), title, data))
        }
        E::HandlerDisabled => {
            let title =
                "Handler ops/hook (webhook) was switched off: its destination is gone; 5 messages given up";
            let data = json!({ "delivery": handler(Value::Null, 0), "error": gone });
            (
                json!("handler/office/ops/hook"),
                told(json!("office"), title, data),
            )
        }
        E::PluginFailed => {
            let why = "/plugins/broken.wasm: it is no component";
            let data = json!({ "error": { "code": "plugin.load", "message": why } });
            (
                json!("plugin/broken"),
                told(Value::Null, "Plugin broken was not loaded", data),
            )
        }
        _ => return None,
    })
}

/// Texts that nobody should write, each with what is bad about it.
pub fn monstrous_texts() -> [(&'static str, String); 7] {
    [
        ("emoji", "🚀👨‍👩‍👧‍👦".repeat(5_000)),
        (
            "controls",
            "a\0b\u{1}c\u{1b}[31m\u{7f}\u{85}\r\n\td\u{feff}".repeat(500),
        ),
        (
            "right to left",
            "\u{202e}שלום عالم\u{2066} abc \u{2069}".repeat(500),
        ),
        (
            "quotes",
            "\"'`\\\\\"{{event}} ${x} %s </script><b>&amp;".repeat(500),
        ),
        (
            "markup",
            "*_~`>#- [a](https://evil.example) <!channel> @everyone @all <@U1> ||x||\n# h\n```".repeat(300),
        ),
        ("one word", "x".repeat(100_000)),
        ("marks", format!("e{}", "\u{301}".repeat(20_000))),
    ]
}

/// The event with such a text in every place that people or machines fill with words, and 500 warnings with its
/// beginning.
pub fn monstrous(event: &Event, text: &str) -> Event {
    let mut event = event.clone();
    let begin: String = text.chars().take(1_000).collect();
    text.clone_into(&mut event.data.title);
    if let Some(error) = &mut event.data.error {
        text.clone_into(&mut error.message);
    }
    if let Some(failure) = event
        .data
        .verification
        .as_mut()
        .and_then(|report| report.failure.as_mut())
    {
        text.clone_into(&mut failure.reason);
    }
    if let Some(task) = &mut event.data.task {
        task.source = Some(text.to_owned());
        task.target = Some(text.to_owned());
        task.log_tail = vec![begin.clone(); 20];
        task.warnings = vec![
            ironcore_types::progress::Warning {
                code: ironcore_types::ErrorCode::PathSkipped,
                path: Some(begin.clone()),
                message: begin,
            };
            500
        ];
        task.warning_count = 500;
    }
    event
}
