//! Removing what was declared: what is in the way is named, files stay, and other projects are not told of.

use axum::http::{Method, StatusCode};
use ironcore_ledger::model::Role;
use serde_json::{Value, json};

use crate::setup::{Answer, Hub};

async fn remove(hub: &Hub, path: &str, secret: &str) -> Answer {
    let path = format!("/api/v1/{path}");
    hub.ask(Method::DELETE, &path, Some(secret), None).await
}

#[tokio::test]
async fn what_is_in_the_way_is_named_and_nothing_goes() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let before = hub.get("/api/v1/export", &admin).await.expect(StatusCode::OK);
    for (path, users) in [
        ("groups/demo/ops", &["job/demo/nightly"][..]),
        ("datastores/shared", &["job/demo/nightly"]),
        (
            "projects/demo",
            &["job/demo/nightly", "group/demo/ops", "datastore/shared"],
        ),
    ] {
        let problem = remove(&hub, path, &admin).await;
        let problem = problem.problem(StatusCode::CONFLICT, "conflict");
        let detail = problem["detail"].as_str().expect("detail");
        for user in users {
            assert!(detail.contains(*user), "{path}: {detail}");
        }
    }
    let run = hub.post("/api/v1/jobs/demo/nightly/run", &admin, json!({})).await;
    let run = run.expect(StatusCode::ACCEPTED);
    let problem = remove(&hub, "jobs/demo/nightly", &admin).await;
    let problem = problem.problem(StatusCode::CONFLICT, "conflict");
    let upid = run["upid"].as_str().expect("upid");
    assert!(
        problem["detail"].as_str().expect("detail").contains(upid),
        "{problem}"
    );
    assert_eq!(
        hub.get("/api/v1/export", &admin).await.expect(StatusCode::OK),
        before
    );
}

#[tokio::test]
async fn a_project_goes_from_its_jobs_up() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    for path in [
        "jobs/zebra/zebra-job",
        "groups/zebra/zebra-group",
        "datastores/zebra-store",
    ] {
        let gone = remove(&hub, path, &admin).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT, "{path}: {}", gone.text);
        hub.get(&format!("/api/v1/{path}"), &admin)
            .await
            .problem(StatusCode::NOT_FOUND, "not-found");
        remove(&hub, path, &admin)
            .await
            .problem(StatusCode::NOT_FOUND, "not-found");
    }
    // The grant of a datastore that others use too is taken back by a declaration.
    let shared = json!({ "name": "shared", "path": hub.folder.join("shared"), "projects": ["demo"] });
    hub.apply(json!({ "datastore": [shared] })).await;
    let gone = remove(&hub, "projects/zebra", &admin).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    let left = hub.get("/api/v1/projects", &admin).await.expect(StatusCode::OK);
    assert_eq!(left, json!({ "projects": [{ "name": "demo", "title": null }] }));
    remove(&hub, "projects/zebra", &admin)
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
}

#[tokio::test]
async fn a_datastore_off_the_list_keeps_its_files_and_is_opened_anew() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let folder = hub.folder.join("new");
    let add = |mode: &str| json!({ "mode": mode, "object": { "name": "new", "path": folder } });
    let made = hub.post("/api/v1/datastores", &admin, add("create")).await;
    let made = made.expect(StatusCode::CREATED);

    let gone = remove(&hub, "datastores/new", &admin).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    assert!(folder.read_dir().expect("the folder").next().is_some());
    let back = hub.post("/api/v1/datastores", &admin, add("attach")).await;
    let back = back.expect(StatusCode::CREATED);
    assert_eq!(
        (&back["online"], &back["path"]),
        (&Value::Bool(true), &made["path"])
    );

    // What was open is let go of: without its files it cannot be attached.
    let gone = remove(&hub, "datastores/new", &admin).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    std::fs::remove_dir_all(&folder).expect("removed");
    hub.post("/api/v1/datastores", &admin, add("attach"))
        .await
        .problem(StatusCode::SERVICE_UNAVAILABLE, "datastore.offline");
}

#[tokio::test]
async fn a_project_removes_nothing_and_is_told_of_its_own_only() {
    let hub = Hub::start().await;
    for role in [Role::Admin, Role::Operator, Role::Member] {
        let secret = hub.token(role, Some("demo")).await;
        for path in [
            "jobs/zebra/zebra-job",
            "groups/zebra/zebra-group",
            "datastores/zebra-store",
            "projects/zebra",
            "jobs/demo/nowhere",
        ] {
            let problem = remove(&hub, path, &secret).await;
            problem.problem(StatusCode::NOT_FOUND, "not-found");
        }
        for path in [
            "jobs/demo/nightly",
            "groups/demo/ops",
            "datastores/shared",
            "projects/demo",
        ] {
            let problem = remove(&hub, path, &secret).await;
            problem.problem(StatusCode::FORBIDDEN, "auth.denied");
        }
        let listed = hub.get("/api/v1/projects", &secret).await.expect(StatusCode::OK);
        assert_eq!(listed, json!({ "projects": [{ "name": "demo", "title": null }] }));
    }
}
