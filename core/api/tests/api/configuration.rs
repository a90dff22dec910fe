//! Declarations: faults name object and key, nothing is half applied, and a dry run changes nothing.

use axum::http::StatusCode;
use ironcore_ledger::model::Role;
use serde_json::{Value, json};

use crate::setup::Hub;

pub(crate) fn job(name: &str, changes: Value) -> Value {
    let mut job = json!({
        "project": "demo", "name": name, "owner": "root@local",
        "task": { "type": "verify", "datastore": "shared" },
    });
    let (Value::Object(into), Value::Object(from)) = (&mut job, changes) else {
        unreachable!("both are objects")
    };
    into.extend(from);
    job
}

#[tokio::test]
async fn who_may_not_change_a_group_sees_no_credential_of_it() {
    let hub = Hub::start().await;
    let handler = json!({
        "name": "chat", "plugin": "hook", "config": { "url": "https://chat.example/hook?key=hunter2hunter2" },
    });
    hub.apply(json!({ "group": [{ "project": "demo", "name": "looked-at", "handler": [handler] }] }))
        .await;
    for (role, shows) in [(Role::Admin, true), (Role::Auditor, false)] {
        let token = hub.token(role, None).await;
        for path in ["/api/v1/groups", "/api/v1/groups/demo/looked-at"] {
            let answer = hub.get(path, &token).await.expect(StatusCode::OK).to_string();
            assert!(answer.contains("https://chat.example/hook?key="), "{answer}");
            assert_eq!(answer.contains("hunter2"), shows, "{role:?} {path}");
        }
    }
}

#[tokio::test]
async fn every_fault_names_its_object_and_key() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let before = hub.get("/api/v1/export", &admin).await.expect(StatusCode::OK);
    let declaration = json!({
        "project": [{ "name": "fresh" }],
        "datastore": [{ "name": "odd", "path": "relative/path" }],
        "group": [{
            "project": "demo", "name": "ops",
            "handler": [{ "name": "chat", "plugin": "hook", "config": { "uri": "https://example" } }],
        }],
        "job": [
            job("late", json!({ "schedule": "25:00" })),
            job("lost", json!({ "schedule": "02:00", "timezone": "Mars/Olympus" })),
            job("tree", json!({ "task": {
                "type": "backup", "source": { "tree": "../srv" }, "datastore": "shared", "backup-id": "x",
            } })),
            job("self", json!({ "task": { "type": "sync", "from": { "datastore": "shared" }, "to": "shared" } })),
            job("twice", json!({})),
            job("twice", json!({})),
        ],
    });
    let problem = hub.post("/api/v1/apply", &admin, declaration).await;
    let problem = problem.problem(StatusCode::UNPROCESSABLE_ENTITY, "config.invalid");
    let faults: Vec<String> = problem["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|fault| {
            let text = |key: &str| fault[key].as_str().expect("text");
            format!("{} {} {}", text("object"), text("key"), text("code"))
        })
        .collect();
    assert_eq!(
        faults,
        [
            "job/demo/twice name config.invalid",
            "datastore/odd path config.invalid",
            "group/demo/ops handler.chat.config.url plugin.config",
            "job/demo/late schedule schedule.invalid",
            "job/demo/lost timezone schedule.invalid",
            "job/demo/tree task.source.tree config.invalid",
            "job/demo/self task.to config.invalid",
        ]
    );
    assert_eq!(
        hub.get("/api/v1/export", &admin).await.expect(StatusCode::OK),
        before
    );
}

#[tokio::test]
async fn unknown_keys_are_refused_with_their_path() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let declaration = json!({ "job": [job("a", json!({})), job("b", json!({ "scheduel": "02:00" }))] });
    let problem = hub.post("/api/v1/apply", &admin, declaration).await;
    let problem = problem.problem(StatusCode::BAD_REQUEST, "request.invalid");
    assert_eq!(problem["errors"][0]["key"], "job[1].scheduel");
}

#[tokio::test]
async fn a_prune_that_would_remove_everything_is_refused() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let prune = |keep: Value| json!({ "type": "prune", "datastore": "shared", "keep": keep });
    let zero = json!({ "last": 0, "daily": 0 });
    let declared = json!({ "job": [job("thin", json!({ "task": prune(zero.clone()) }))] });
    let started = json!({ "project": "demo", "spec": prune(zero) });
    for (path, body, key) in [
        ("/api/v1/apply", declared, "task.keep"),
        ("/api/v1/tasks", started, "spec.keep"),
    ] {
        let problem = hub.post(path, &admin, body).await;
        let problem = problem.problem(StatusCode::UNPROCESSABLE_ENTITY, "config.invalid");
        assert_eq!(problem["errors"][0]["key"], key, "{problem}");
    }
    // A rule of zero beside one that keeps something is fine, and so is no rule at all.
    for keep in [json!({ "last": 0, "daily": 7 }), json!({})] {
        let declared = json!({ "job": [job("thin", json!({ "task": prune(keep) }))] });
        hub.post("/api/v1/apply", &admin, declared)
            .await
            .expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn what_refers_to_nothing_is_refused_as_a_whole() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let before = hub.get("/api/v1/export", &admin).await.expect(StatusCode::OK);
    let made = hub.folder.join("made");
    let declaration = json!({
        "project": [{ "name": "fresh" }],
        "datastore": [{ "name": "made", "path": made }],
        "job": [job("dangling", json!({ "task": { "type": "gc", "datastore": "nowhere" } }))],
    });
    for path in ["/api/v1/apply?dry-run=true", "/api/v1/apply"] {
        let problem = hub.post(path, &admin, declaration.clone()).await;
        let problem = problem.problem(StatusCode::UNPROCESSABLE_ENTITY, "config.invalid");
        assert!(
            problem["detail"].as_str().expect("detail").contains("nowhere"),
            "{problem}"
        );
    }
    assert!(!made.exists(), "a folder was made for nothing");
    assert_eq!(
        hub.get("/api/v1/export", &admin).await.expect(StatusCode::OK),
        before
    );
}

#[tokio::test]
async fn a_dry_run_tells_and_changes_nothing() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let declaration = json!({
        "project": [{ "name": "demo" }, { "name": "fresh" }],
        "group": [{ "project": "demo", "name": "ops", "comment": "on call" }],
    });
    let told = hub
        .post("/api/v1/apply?dry-run", &admin, declaration.clone())
        .await
        .expect(StatusCode::OK);
    assert_eq!(told["dry_run"], true);
    assert_eq!(told["created"], json!(["project/fresh"]));
    assert_eq!(told["changed"], json!(["group/demo/ops"]));
    assert_eq!(told["unchanged"], json!(["project/demo"]));

    let done = hub
        .post("/api/v1/apply", &admin, declaration.clone())
        .await
        .expect(StatusCode::OK);
    for part in ["created", "changed", "unchanged"] {
        assert_eq!(done[part], told[part], "{part}");
    }
    let again = hub
        .post("/api/v1/apply", &admin, declaration)
        .await
        .expect(StatusCode::OK);
    assert_eq!((&again["created"], &again["changed"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn datastores_are_made_attached_and_shown() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let path = hub.folder.join("new");
    let request = |mode: &str, name: &str| json!({ "mode": mode, "object": { "name": name, "path": path } });

    let missing = hub
        .post("/api/v1/datastores", &admin, request("attach", "new"))
        .await;
    missing.problem(StatusCode::SERVICE_UNAVAILABLE, "datastore.offline");
    std::fs::create_dir(&path).expect("folder");
    let empty = hub
        .post("/api/v1/datastores", &admin, request("attach", "new"))
        .await;
    empty.problem(StatusCode::NOT_FOUND, "datastore.not-found");
    let made = hub
        .post("/api/v1/datastores", &admin, request("create", "new"))
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(
        (&made["online"], &made["usage"]["snapshots"]),
        (&json!(true), &json!(0))
    );
    let again = hub
        .post("/api/v1/datastores", &admin, request("create", "newer"))
        .await;
    again.problem(StatusCode::CONFLICT, "datastore.shared-path");

    let full = hub.folder.join("full");
    std::fs::create_dir(&full).expect("folder");
    std::fs::File::create(full.join("file")).expect("file");
    let request = json!({ "mode": "create", "object": { "name": "full", "path": full } });
    hub.post("/api/v1/datastores", &admin, request)
        .await
        .problem(StatusCode::CONFLICT, "datastore.not-empty");

    let member = hub.token(Role::Member, Some("demo")).await;
    // Nobody sees what was not granted.
    hub.get("/api/v1/datastores/new", &member)
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
    let grant = json!({ "name": "new", "path": path, "projects": ["demo"] });
    hub.apply(json!({ "datastore": [grant] })).await;
    let shown = hub
        .get("/api/v1/datastores/new", &member)
        .await
        .expect(StatusCode::OK);
    assert_eq!(shown["path"], Value::Null);
    let snapshots = hub
        .get("/api/v1/datastores/new/snapshots", &admin)
        .await
        .expect(StatusCode::OK);
    assert_eq!(snapshots["snapshots"], json!([]));
    let none = hub
        .get(
            "/api/v1/snapshots/new%3Avm%2F12345%2F2026-05-21T00%3A00%3A00Z",
            &admin,
        )
        .await;
    none.problem(StatusCode::NOT_FOUND, "snapshot.not-found");
}

#[tokio::test]
async fn another_hub_may_read_a_datastore_with_the_right_token_only() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let object = json!({ "name": "pulled", "path": hub.folder.join("pulled"), "projects": ["zebra"] });
    hub.post(
        "/api/v1/datastores",
        &admin,
        json!({ "mode": "create", "object": object }),
    )
    .await
    .expect(StatusCode::CREATED);
    let sync = hub.token(Role::Operator, Some("zebra")).await;
    let info = hub
        .get("/api/v1/peer/pulled/info", &sync)
        .await
        .expect(StatusCode::OK);
    assert_eq!(info["format"], 1);
    let listed = hub
        .post("/api/v1/peer/pulled/list", &sync, json!({}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(listed["snapshots"], json!([]));
    let none = json!({ "snapshot": "vm/12345/2026-05-21T00:00:00Z" });
    let none = hub.post("/api/v1/peer/pulled/manifest", &sync, none).await;
    assert_eq!(none.json()["code"], "snapshot.not-found");
    let ids = json!({ "ids": ["0".repeat(64)] });
    let size = hub.post("/api/v1/peer/pulled/size", &sync, ids).await;
    assert_eq!(size.expect(StatusCode::OK), json!({ "bytes": 0 }));
    // The other hub learns which snapshot it was.
    assert_eq!(none.json()["snapshot"], "vm/12345/2026-05-21T00:00:00Z");

    let auditor = hub.token(Role::Auditor, None).await;
    hub.get("/api/v1/peer/pulled/info", &auditor)
        .await
        .problem(StatusCode::FORBIDDEN, "auth.denied");
    let elsewhere = hub.token(Role::Operator, Some("demo")).await;
    hub.get("/api/v1/peer/pulled/info", &elsewhere)
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
    hub.get("/api/v1/peer/shared/info", &sync)
        .await
        .problem(StatusCode::FORBIDDEN, "auth.denied");
}
