//! What operators do beside tasks: pausing jobs, looking at workers, copying the hub's own state.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use ironcore_api::wire::{HubArchive, HubBackup, HubBackupState, MakeHubBackup, StoredHubArchive};
use ironcore_api::{ApiError, HubBackups};
use ironcore_ledger::model::{NewSession, Role, Service};
use ironcore_types::event::ErrorData;
use ironcore_types::{ErrorCode, SessionId, TaskType, Timestamp, UserId};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::setup::{Hub, verify};

/// Copies nothing, at once; with `keep = 13` it fails.
pub(crate) struct FakeBackups {
    asked: AtomicUsize,
    runs: watch::Sender<Vec<HubBackup>>,
}

impl FakeBackups {
    pub(crate) fn new() -> Self {
        Self {
            asked: AtomicUsize::new(0),
            runs: watch::channel(Vec::new()).0,
        }
    }
}

impl HubBackups for FakeBackups {
    fn ask(&self, wanted: MakeHubBackup, user: &UserId) -> Result<String, ApiError> {
        let id = self.asked.fetch_add(1, Ordering::Relaxed).to_string();
        let failed = wanted.keep == Some(13);
        let archive = HubArchive {
            path: format!("/backups/{id}"),
            bytes: 1,
            sha256: "00".to_owned(),
            keys: !wanted.without_keys,
            files: vec!["ledger.sqlite".to_owned()],
            removed: Vec::new(),
        };
        let run = HubBackup {
            id: id.clone(),
            state: if failed {
                HubBackupState::Failed
            } else {
                HubBackupState::Done
            },
            user: Some(user.clone()),
            asked: Timestamp::EPOCH,
            ended: Some(Timestamp::EPOCH),
            archive: (!failed).then_some(archive),
            error: failed.then(|| ErrorData {
                code: ErrorCode::RequestInvalid,
                message: "no room".to_owned(),
            }),
        };
        self.runs.send_modify(|runs| runs.push(run));
        Ok(id)
    }

    fn runs(&self) -> watch::Receiver<Vec<HubBackup>> {
        self.runs.subscribe()
    }

    fn archives(&self) -> Result<Vec<StoredHubArchive>, ErrorData> {
        let archive = |path: &str| StoredHubArchive {
            path: path.to_owned(),
            bytes: 1,
            made: Timestamp::EPOCH,
        };
        Ok(vec![archive("/backups/old"), archive("/backups/0")])
    }
}

#[tokio::test]
async fn a_paused_job_has_no_next_time_until_it_is_resumed() {
    let hub = Hub::start().await;
    let operator = hub.token(Role::Operator, Some("demo")).await;
    let job = hub
        .get("/api/v1/jobs/demo/nightly", &operator)
        .await
        .expect(StatusCode::OK);
    assert_eq!(job["next"].as_array().expect("times").len(), 10);
    for _ in 0..2 {
        let paused = hub
            .post("/api/v1/jobs/demo/nightly/pause", &operator, json!({}))
            .await
            .expect(StatusCode::OK);
        assert_eq!(
            (&paused["job"]["enabled"], &paused["next"]),
            (&json!(false), &json!([]))
        );
    }
    let resumed = hub
        .post("/api/v1/jobs/demo/nightly/resume", &operator, json!({}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(resumed, job);
    hub.post("/api/v1/jobs/demo/none/pause", &operator, json!({}))
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
}

#[tokio::test]
async fn pausing_and_copying_go_by_the_table_of_rights() {
    let hub = Hub::start().await;
    let secrets = [
        hub.token(Role::Admin, None).await,
        hub.token(Role::Operator, None).await,
        hub.token(Role::Auditor, None).await,
        hub.token(Role::Admin, Some("demo")).await,
        hub.token(Role::Operator, Some("demo")).await,
        hub.token(Role::Member, Some("demo")).await,
    ];
    for (path, expected) in [
        ("jobs/demo/nightly/pause", [200, 200, 403, 200, 200, 403]),
        ("jobs/demo/nightly/resume", [200, 200, 403, 200, 200, 403]),
        ("jobs/zebra/zebra-job/pause", [200, 200, 403, 404, 404, 404]),
        ("hub/backup", [200, 403, 403, 403, 403, 403]),
    ] {
        for (secret, status) in secrets.iter().zip(expected) {
            let answer = hub.post(&format!("/api/v1/{path}"), secret, json!({})).await;
            assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        }
    }
    for (path, expected) in [
        ("hub/backup", [200, 403, 403, 403, 403, 403]),
        ("workers", [200, 200, 200, 200, 200, 200]),
    ] {
        for (secret, status) in secrets.iter().zip(expected) {
            let answer = hub.get(&format!("/api/v1/{path}"), secret).await;
            assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn workers_say_what_they_run_and_whether_they_are_heard_of() {
    let hub = Hub::start().await;
    let secret = hub.token(Role::Auditor, None).await;
    hub.clock.forward(1);
    let silent = NewSession {
        id: SessionId(hub.seams.uuid()),
        node: "first".parse().expect("node"),
        pid: 8,
        services: vec![Service::Gc],
        types: vec![TaskType::Gc],
        slots: 3,
        keys: vec!["k-2026".parse().expect("key")],
    };
    // One that claims nothing is no worker.
    let front = NewSession {
        id: SessionId(hub.seams.uuid()),
        services: vec![Service::Api],
        types: Vec::new(),
        ..silent.clone()
    };
    hub.ledger.register_session(silent).await.expect("session");
    hub.ledger.register_session(front).await.expect("session");
    for _ in 0..2 {
        hub.enqueue("zebra", verify("zebra-store")).await;
    }
    hub.claim().await;
    hub.clock.forward(60);
    hub.ledger.renew(hub.session, &[]).await.expect("renewed");

    let list = hub.get("/api/v1/workers", &secret).await.expect(StatusCode::OK);
    assert_eq!(list["queued"], 1);
    let told: Vec<[&Value; 5]> = list["workers"]
        .as_array()
        .expect("workers")
        .iter()
        .map(|worker| ["node", "pid", "slots", "running", "state"].map(|key| &worker[key]))
        .collect();
    let expected = [
        ["hub", "7", "1", "1", "online"],
        ["first", "8", "3", "0", "silent"],
    ];
    for (told, expected) in told.iter().zip(expected) {
        let told = told.map(|value| value.to_string().replace('"', ""));
        assert_eq!(told, expected);
    }
    assert_eq!(told.len(), expected.len());
    assert_eq!(list["workers"][1]["services"], json!(["gc"]));
    assert_eq!(list["workers"][1]["types"], json!(["gc"]));
    assert_eq!(list["workers"][1]["keys"], json!(["k-2026"]));
    assert_eq!(list["workers"][1]["lost"], Value::Null);

    // The same of its services.
    let status = hub.get("/api/v1/status", &secret).await.expect(StatusCode::OK);
    let state = |service: &str| {
        let all = status["services"].as_array().expect("services");
        let named = |line: &&Value| line["service"] == service;
        all.iter().find(named).expect(service)["state"].clone()
    };
    assert_eq!(state("worker"), "online");
    assert_eq!((state("gc"), state("api")), (json!("silent"), json!("silent")));
    assert_eq!(state("scheduler"), "offline");

    // Once it is found lost it says so for a day, last of all.
    hub.ledger.reap().await.expect("reaped");
    let list = hub.get("/api/v1/workers", &secret).await.expect(StatusCode::OK);
    let lost = &list["workers"][1];
    assert_eq!(list["workers"].as_array().expect("workers").len(), 2);
    assert_eq!((&lost["node"], &lost["state"]), (&json!("first"), &json!("lost")));
    assert_eq!(lost["lost"], json!(hub.seams.now()));
    hub.clock.forward(86_401);
    let list = hub.get("/api/v1/workers", &secret).await.expect(StatusCode::OK);
    assert_eq!(list["workers"].as_array().expect("workers").len(), 1);
}

/// A clock that was set says nothing of who lives.
#[tokio::test]
async fn workers_are_online_whatever_the_clock_shows() {
    let hub = Hub::start().await;
    let secret = hub.token(Role::Auditor, None).await;
    hub.clock
        .jump(hub.seams.now().after(std::time::Duration::from_secs(3_600)));
    let list = hub.get("/api/v1/workers", &secret).await.expect(StatusCode::OK);
    assert_eq!(list["workers"][0]["state"], "online");
    hub.clock
        .jump(hub.seams.now().before(std::time::Duration::from_secs(7_200)));
    hub.clock.forward(40);
    let list = hub.get("/api/v1/workers", &secret).await.expect(StatusCode::OK);
    assert_eq!(list["workers"][0]["state"], "silent");
}

#[tokio::test]
async fn a_copy_of_the_hub_is_told_with_its_archive_or_why_there_is_none() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let made = hub
        .post("/api/v1/hub/backup", &admin, json!({ "without_keys": true }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&made["state"], &made["archive"]["keys"]),
        (&json!("done"), &json!(false))
    );
    assert_eq!(made["user"], "admin@local!hub");

    hub.post("/api/v1/hub/backup", &admin, json!({ "keep": 13 }))
        .await
        .problem(StatusCode::BAD_REQUEST, "request.invalid");
    for wrong in [
        json!({ "keep": 0 }),
        json!({ "keep": 1001 }),
        json!({ "kept": 7 }),
    ] {
        hub.post("/api/v1/hub/backup", &admin, wrong)
            .await
            .problem(StatusCode::BAD_REQUEST, "request.invalid");
    }
    let list = hub.get("/api/v1/hub/backup", &admin).await.expect(StatusCode::OK);
    let states: Vec<&Value> = list["backups"]
        .as_array()
        .expect("copies")
        .iter()
        .map(|run| &run["state"])
        .collect();
    assert_eq!(states, ["failed", "done"], "newest first");
    let paths: Vec<&Value> = list["archives"]
        .as_array()
        .expect("archives")
        .iter()
        .map(|archive| &archive["path"])
        .collect();
    assert_eq!(paths, ["/backups/0", "/backups/old"], "newest first");
}
