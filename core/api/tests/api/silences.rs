//! Silences over the API: who may make and end them, what is refused, and where they show.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use ironcore_ledger::model::Role;
use serde_json::{Value, json};

use crate::setup::{Answer, Hub};

const PATH: &str = "/api/v1/silences";

/// A silence of project demo for two hours.
fn quiet() -> Value {
    json!({ "project": "demo", "for": "2h", "comment": "the disks are moved",
        "when": { "jobs": ["nightly"], "max-severity": "warning" } })
}

/// With these members instead; null takes one away.
fn with(more: &Value) -> Value {
    let mut request = quiet();
    for (key, value) in more.as_object().expect("an object") {
        match value {
            Value::Null => drop(request.as_object_mut().expect("an object").remove(key)),
            value => request[key] = value.clone(),
        }
    }
    request
}

async fn keyed(hub: &Hub, secret: &str, key: &str, body: &Value) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(PATH)
        .header(header::AUTHORIZATION, format!("Bearer {secret}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("Idempotency-Key", key)
        .body(Body::from(body.to_string()))
        .expect("request");
    hub.answer(request).await
}

#[tokio::test]
async fn admins_silence_the_hub_and_operators_their_project() {
    let hub = Hub::start().await;
    let hubs = json!({ "for": "1h", "comment": "all is moved", "all": true });
    for (role, project, of_demo, of_hub) in [
        (Role::Admin, None, true, true),
        (Role::Operator, None, true, false),
        (Role::Auditor, None, false, false),
        (Role::Admin, Some("demo"), true, false),
        (Role::Operator, Some("demo"), true, false),
        (Role::Member, Some("demo"), false, false),
    ] {
        let secret = hub.token(role, project).await;
        let answer = hub.post(PATH, &secret, quiet()).await;
        let id = if of_demo {
            let made = answer.expect(StatusCode::CREATED);
            assert_eq!(
                (&made["state"], &made["project"]),
                (&json!("active"), &json!("demo"))
            );
            let id = made["id"].as_str().expect("an id").to_owned();
            assert_eq!(
                hub.get(&format!("{PATH}/{id}"), &secret)
                    .await
                    .expect(StatusCode::OK),
                made
            );
            id
        } else {
            answer.problem(StatusCode::FORBIDDEN, "auth.denied");
            continue;
        };
        let answer = hub.post(PATH, &secret, hubs.clone()).await;
        match (of_hub, project) {
            (true, _) => assert_eq!(answer.expect(StatusCode::CREATED)["project"], Value::Null),
            (false, None) => drop(answer.problem(StatusCode::FORBIDDEN, "auth.denied")),
            // It is of the token's own project.
            (false, Some(_)) => assert_eq!(answer.expect(StatusCode::CREATED)["project"], "demo"),
        }
        let ended = hub.post(&format!("{PATH}/{id}/end"), &secret, json!({})).await;
        let ended = ended.expect(StatusCode::OK);
        assert_eq!(ended["state"], "ended");
        assert_eq!(
            ended["ended_by"],
            format!("{role}@local!{}", project.unwrap_or("hub"))
        );
    }
}

#[tokio::test]
async fn silences_of_the_hub_are_the_administrators() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let hubs = json!({ "for": "1h", "comment": "secret plans", "when": { "events": ["task.failed"] } });
    let made = hub.post(PATH, &admin, hubs).await.expect(StatusCode::CREATED);
    let id = made["id"].as_str().expect("an id");
    let operator = hub.token(Role::Operator, None).await;
    hub.post(&format!("{PATH}/{id}/end"), &operator, json!({}))
        .await
        .problem(StatusCode::FORBIDDEN, "auth.denied");
    // To a project it is unknown, but for its name where it counts.
    let demo = hub.token(Role::Admin, Some("demo")).await;
    for answer in [
        hub.get(&format!("{PATH}/{id}"), &demo).await,
        hub.post(&format!("{PATH}/{id}/end"), &demo, json!({})).await,
    ] {
        answer.problem(StatusCode::NOT_FOUND, "not-found");
    }
    let list = hub.get(PATH, &demo).await.expect(StatusCode::OK);
    assert_eq!(list["silences"], json!([]));
    let status = hub.get("/api/v1/status", &demo).await;
    assert!(!status.text.contains("secret plans"));
    let active = status.expect(StatusCode::OK)["silences"].clone();
    assert_eq!(active[0]["by"], format!("silence/{id}"));
    let explain = json!({ "made-up": { "type": "task.failed", "job": "nightly" } });
    hub.apply(json!({ "group": [{ "project": "demo", "name": "ops", "handler": [
        { "name": "mail", "plugin": "hook", "config": { "url": "x" } },
    ]}]}))
    .await;
    let path = "/api/v1/notifications/explain";
    let explained = hub.post(path, &demo, explain).await.expect(StatusCode::OK);
    let mail = &explained["handlers"][0];
    assert_eq!(
        (&mail["told"], &mail["reason"]),
        (&json!(false), &json!("silenced"))
    );
    let why = mail["why"].as_str().expect("words");
    assert!(
        why.contains(id) && why.contains(made["until"].as_str().expect("a time")),
        "{why}"
    );
    let status = hub.get("/api/v1/status", &admin).await.expect(StatusCode::OK);
    assert_eq!(status["silences"].as_array().expect("a list").len(), 1);
    hub.clock.forward(3_600);
    let status = hub.get("/api/v1/status", &admin).await.expect(StatusCode::OK);
    assert_eq!(status["silences"], json!([]));
}

#[tokio::test]
async fn what_would_silence_too_much_or_nothing_is_refused() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let month = json!({ "for": "30d" });
    hub.post(PATH, &admin, with(&month))
        .await
        .expect(StatusCode::CREATED);
    for (more, part) in [
        (json!({ "comment": " " }), "comment"),
        (json!({ "for": null }), "Give one of"),
        (json!({ "until": "2030-01-01T00:00:00Z" }), "Give one of"),
        (json!({ "for": "0s" }), "over before it begins"),
        (
            json!({ "for": null, "until": "2020-01-01T00:00:00Z" }),
            "over before it begins",
        ),
        (json!({ "for": "721h" }), "more than 30 days"),
        (json!({ "project": null, "when": {} }), "everything of everybody"),
        (json!({ "when": { "jobs": ["night"] } }), "there is no job night"),
        // It is another project's.
        (
            json!({ "when": { "datastores": ["zebra-store"] } }),
            "there is no datastore zebra-store",
        ),
        (
            json!({ "when": { "min-severity": "error", "max-severity": "info" } }),
            "no event is of",
        ),
    ] {
        let answer = hub.post(PATH, &admin, with(&more)).await;
        let problem = answer.problem(StatusCode::BAD_REQUEST, "request.invalid");
        assert!(
            problem["detail"].as_str().expect("words").contains(part),
            "{more}: {problem}"
        );
    }
    let unknown = hub
        .post(PATH, &admin, with(&json!({ "when": { "job": ["nightly"] } })))
        .await;
    assert!(unknown.status.is_client_error(), "{}", unknown.text);
    hub.post(PATH, &admin, with(&json!({ "project": "nowhere" })))
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
    for more in [
        json!({ "for": "721h", "long": true }),
        json!({ "project": null, "when": {}, "all": true }),
        json!({ "when": { "datastores": ["/zebra/"] } }),
    ] {
        hub.post(PATH, &admin, with(&more))
            .await
            .expect(StatusCode::CREATED);
    }
}

#[tokio::test]
async fn a_request_that_is_sent_twice_makes_one_silence() {
    let hub = Hub::start().await;
    let secret = hub.token(Role::Operator, Some("demo")).await;
    let made = keyed(&hub, &secret, "k", &quiet())
        .await
        .expect(StatusCode::CREATED);
    hub.clock.forward(60);
    let again = keyed(&hub, &secret, "k", &quiet())
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(again, made);
    let other = keyed(&hub, &secret, "k", &with(&json!({ "for": "3h" }))).await;
    other.problem(StatusCode::BAD_REQUEST, "request.invalid");
    let list = hub.get(PATH, &secret).await.expect(StatusCode::OK);
    assert_eq!(list["silences"], json!([made]));
}

#[tokio::test]
async fn lists_show_what_is_and_on_demand_what_was() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let later = with(&json!({ "from": "2026-05-21T04:00:00Z" }));
    let later = hub.post(PATH, &admin, later).await.expect(StatusCode::CREATED);
    assert_eq!(later["state"], "pending");
    let now = hub.post(PATH, &admin, quiet()).await.expect(StatusCode::CREATED);
    // The clock of these tests begins at midnight.
    hub.apply(json!({ "maintenance": [
        { "name": "midnight", "from": "00:00", "lasts": "1h" },
        { "project": "zebra", "name": "noon", "from": "12:00", "lasts": "1h", "comment": "lunch" },
    ]}))
    .await;
    let list = hub.get(PATH, &admin).await.expect(StatusCode::OK);
    let ids = |list: &Value| -> Vec<Value> {
        let all = list["silences"].as_array().expect("a list");
        all.iter().map(|one| one["id"].clone()).collect()
    };
    assert_eq!(ids(&list).len(), 2);
    assert_eq!(list["windows"][0]["window"]["name"], "midnight");
    assert_eq!(list["windows"][0]["until"], "2026-05-21T01:00:00Z");
    let of_zebra = hub.get("/api/v1/maintenance?project=zebra", &admin).await;
    let of_zebra = of_zebra.expect(StatusCode::OK);
    assert_eq!(of_zebra["maintenance"][0]["next"], "2026-05-21T12:00:00Z");
    assert_eq!(of_zebra["maintenance"][0]["until"], Value::Null);
    hub.clock.forward(2 * 3_600);
    let list = hub.get(PATH, &admin).await.expect(StatusCode::OK);
    assert_eq!(ids(&list), [later["id"].clone()]);
    assert_eq!(list["windows"], json!([]));
    let list = hub
        .get(&format!("{PATH}?over=true"), &admin)
        .await
        .expect(StatusCode::OK);
    let expired = list["silences"].as_array().expect("a list").iter();
    let expired = expired.filter(|one| one["state"] == "expired");
    assert_eq!(
        expired.map(|one| one["id"].clone()).collect::<Vec<_>>(),
        [now["id"].clone()]
    );

    let path = "/api/v1/maintenance/zebra/noon";
    let operator = hub.token(Role::Operator, None).await;
    hub.ask(Method::DELETE, path, Some(&operator), None)
        .await
        .problem(StatusCode::FORBIDDEN, "auth.denied");
    let removed = hub.ask(Method::DELETE, path, Some(&admin), None).await;
    removed.expect(StatusCode::NO_CONTENT);
    hub.ask(Method::DELETE, path, Some(&admin), None)
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
    let exported = hub.get("/api/v1/export", &admin).await.expect(StatusCode::OK);
    assert_eq!(exported["maintenance"].as_array().expect("a list").len(), 1);
}
