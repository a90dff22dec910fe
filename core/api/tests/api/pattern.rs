//! The pattern that a new project is offered.

use axum::http::{Method, StatusCode};
use ironcore_ledger::model::Role;
use serde_json::{Value, json};

use crate::setup::Hub;

const PATH: &str = "/api/v1/projects/pattern?project=new&datastore=shared&tree=/srv/files";

fn named(document: &Value) -> Vec<&str> {
    let jobs = document["job"].as_array().expect("jobs");
    jobs.iter()
        .map(|job| job["name"].as_str().expect("a name"))
        .collect()
}

#[tokio::test]
async fn the_pattern_is_a_declaration_that_can_be_applied() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let short = hub.get(PATH, &admin).await.expect(StatusCode::OK);
    assert_eq!(
        named(&short),
        ["daily", "weekly", "prune-daily", "prune-weekly", "verify", "gc"]
    );
    assert_eq!(short["job"][0]["owner"], "admin@local!hub", "whoever asks");

    let path = format!("{PATH}&archive=zebra-store&owner=alice@local&timezone=Europe/Berlin");
    let document = hub.get(&path, &admin).await.expect(StatusCode::OK);
    let jobs = document["job"].as_array().expect("jobs");
    let told: Vec<(&str, &str)> = jobs
        .iter()
        .map(|job| {
            let text = |key: &str| job[key].as_str().expect("text");
            (text("name"), text("schedule"))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("daily", "02:00"),
            ("weekly", "Sun 03:00"),
            ("archive", "Sun 04:30"),
            ("prune-daily", "05:00"),
            ("prune-weekly", "05:00"),
            ("prune-archive", "05:00"),
            ("verify", "Sun 06:00"),
            ("gc", "Sun 07:00"),
            ("verify-archive", "Sun 06:00"),
            ("gc-archive", "Sun 07:00"),
        ]
    );
    assert_eq!(jobs[5]["task"]["keep"], json!({ "weekly": 52 }));
    assert_eq!(
        jobs[5]["task"]["groups"][0], "ns/weekly/host/new",
        "what others store there is left alone"
    );
    assert!(
        jobs.iter()
            .all(|job| job["timezone"] == "Europe/Berlin" && job["owner"] == "alice@local")
    );
    for datastore in document["datastore"].as_array().expect("datastores") {
        let granted = datastore["projects"].as_array().expect("projects");
        assert!(granted.contains(&json!("new")), "{datastore}");
    }

    let checked = hub
        .post("/api/v1/apply?dry-run", &admin, document)
        .await
        .expect(StatusCode::OK);
    assert_eq!(checked["created"].as_array().expect("created").len(), 11);
}

#[tokio::test]
async fn what_the_pattern_cannot_be_made_for_is_named() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    for (path, key) in [
        (PATH.replace("/srv/files", "files"), "tree"),
        (PATH.replace("/srv/files", "/srv/../etc"), "tree"),
        (PATH.replace("=new", "=No"), "project"),
        (PATH.replace("=new", "="), "project"),
        (format!("{PATH}&timezone=Mars/Base"), "timezone"),
        (format!("{PATH}&owner=x y"), "owner"),
        (format!("{PATH}&archive=shared"), "archive"),
    ] {
        let path = path.replace(' ', "%20");
        let answer = hub.get(&path, &admin).await;
        let problem = answer.problem(StatusCode::BAD_REQUEST, "request.invalid");
        assert_eq!(problem["errors"][0]["key"], key, "{path}");
    }
    hub.get(&PATH.replace("shared", "none"), &admin)
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
    for role in [Role::Operator, Role::Auditor] {
        let secret = hub.token(role, None).await;
        hub.get(PATH, &secret)
            .await
            .problem(StatusCode::FORBIDDEN, "auth.denied");
    }
}

#[tokio::test]
async fn a_project_called_pattern_can_be_removed() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let document = json!({ "project": [{ "name": "pattern" }] });
    hub.post("/api/v1/apply", &admin, document)
        .await
        .expect(StatusCode::OK);
    let gone = hub
        .ask(Method::DELETE, "/api/v1/projects/pattern", Some(&admin), None)
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
}
