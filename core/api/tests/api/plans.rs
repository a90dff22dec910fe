//! What would be, before it is declared or done.

use axum::http::StatusCode;
use ironcore_ledger::model::Role;
use serde_json::{Value, json};

use crate::configuration;
use crate::setup::Hub;
use crate::snapshots::store;

/// One that runs every night.
fn job(changes: Value) -> Value {
    let mut nightly = configuration::job("new", json!({ "schedule": "02:00" }));
    for (key, value) in changes.as_object().into_iter().flatten() {
        nightly[key] = value.clone();
    }
    nightly
}

#[tokio::test]
async fn runs_are_known_before_a_job_is_declared() {
    let hub = Hub::start().await;
    let secret = hub.token(Role::Member, Some("demo")).await;
    let asked =
        json!({ "job": job(json!({ "blackout": [{ "from": "01:00", "lasts": "2h" }] })), "limit": 2 });
    let plan = hub
        .post("/api/v1/plans/runs", &secret, asked)
        .await
        .expect(StatusCode::OK);
    let runs = plan["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 2);
    assert!(
        runs[0]["begins"]
            .as_str()
            .expect("a time")
            .ends_with("T03:00:00Z"),
        "{plan}"
    );
    // It is as the hub says once it is declared.
    let declared = job(json!({ "blackout": [{ "from": "01:00", "lasts": "2h" }] }));
    hub.apply(json!({ "job": [declared] })).await;
    let shown = hub
        .get("/api/v1/jobs/demo/new", &secret)
        .await
        .expect(StatusCode::OK);
    assert_eq!(shown["next"].as_array().expect("runs")[..2], runs[..]);
    let bad = json!({ "job": job(json!({ "schedule": "25:00" })) });
    let problem = hub.post("/api/v1/plans/runs", &secret, bad).await;
    let problem = problem.problem(StatusCode::UNPROCESSABLE_ENTITY, "schedule.invalid");
    assert_eq!(problem["errors"][0]["key"], "schedule");
}

#[tokio::test]
async fn retention_is_tried_before_anything_goes() {
    let hub = Hub::start().await;
    let datastore = store(&hub);
    let secret = hub.token(Role::Admin, None).await;
    let asked = |keep: Value| json!({ "prune": { "datastore": "shared", "keep": keep } });
    let plan = |keep: Value| hub.post("/api/v1/plans/prune", &secret, asked(keep));
    let kept = plan(json!({ "last": 1 })).await.expect(StatusCode::OK);
    assert_eq!(
        (&kept["kept"], &kept["removed"]),
        (&json!(1), &json!(0)),
        "{kept}"
    );
    assert_eq!(kept["snapshots"][0]["why"], "last");
    let nothing = plan(json!({ "last": 0 })).await;
    nothing.problem(StatusCode::BAD_REQUEST, "request.invalid");
    // A project sees its own groups only, and this one is nobody's.
    let mut of_demo = asked(json!({ "last": 1 }));
    of_demo["project"] = json!("demo");
    let none = hub
        .post("/api/v1/plans/prune", &secret, of_demo)
        .await
        .expect(StatusCode::OK);
    assert_eq!(none["snapshots"], json!([]));
    assert!(
        datastore.snapshot(&crate::snapshots::snapshot()).is_ok(),
        "it is still there"
    );
}
