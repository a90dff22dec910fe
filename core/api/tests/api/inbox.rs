//! The inbox: buttons with the rights of who uses them, once; what is read, muted and counted, each user's own.

use axum::http::{Method, StatusCode};
use ironcore_ledger::model::{Outcome, Role, Task};
use ironcore_types::event::ErrorData;
use ironcore_types::{ErrorCode, TaskState};
use serde_json::{Value, json};

use crate::setup::{Hub, verify};

/// A verification of `demo` that failed, and the place of the event that tells so.
async fn failure(hub: &Hub) -> (Task, i64) {
    let task = hub.enqueue("demo", verify("shared")).await;
    let claimed = hub.claim().await;
    assert_eq!(claimed.id, task.id);
    let outcome = Outcome {
        error: Some(ErrorData {
            code: ErrorCode::DatastoreIo,
            message: "the disk failed".to_owned(),
        }),
        ..Outcome::new(TaskState::Failed)
    };
    hub.ledger
        .finish(task.id, hub.session, outcome)
        .await
        .expect("finished");
    let seq = hub.ledger.last_seq().await.expect("a place");
    (task, seq)
}

fn button<'a>(entry: &'a Value, kind: &str) -> &'a Value {
    let buttons = entry["buttons"].as_array().expect("buttons");
    buttons
        .iter()
        .find(|button| button["kind"] == kind)
        .unwrap_or_else(|| panic!("no button {kind}: {entry}"))
}

#[tokio::test]
async fn an_entry_is_taken_on_once_by_who_may_for_all_who_see_it() {
    let hub = Hub::start().await;
    let member = hub.token(Role::Member, Some("demo")).await;
    let auditor = hub.token(Role::Auditor, Some("demo")).await;
    let operator = hub.token(Role::Operator, None).await;
    let stranger = hub.token(Role::Admin, Some("zebra")).await;
    let (_, seq) = failure(&hub).await;
    let (path, act) = (format!("/api/v1/inbox/{seq}"), format!("/api/v1/inbox/{seq}/act"));
    let acknowledge = json!({ "kind": "acknowledge" });
    hub.get(&path, &stranger)
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
    hub.post(&act, &stranger, acknowledge.clone())
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
    hub.post(&act, &auditor, acknowledge.clone())
        .await
        .problem(StatusCode::FORBIDDEN, "auth.denied");
    let entry = hub.get(&path, &auditor).await.expect(StatusCode::OK);
    assert_eq!(button(&entry, "acknowledge")["done"], Value::Null);
    assert_eq!(
        entry["title"], entry["event"]["data"]["title"],
        "no plugin has shown it yet"
    );

    let open = "/api/v1/inbox?acknowledged=false&min_severity=error";
    let count = |answer: Value| answer["entries"].as_array().expect("entries").len();
    assert_eq!(count(hub.get(open, &auditor).await.expect(StatusCode::OK)), 1);
    let first = hub
        .post(&act, &member, acknowledge.clone())
        .await
        .expect(StatusCode::OK);
    assert_eq!(first, json!({ "upid": null, "new": true }));
    let second = hub
        .post(&act, &operator, acknowledge)
        .await
        .expect(StatusCode::OK);
    assert_eq!(second["new"], false);
    let entry = hub.get(&path, &auditor).await.expect(StatusCode::OK);
    assert_eq!(entry["acknowledged"]["user"], "member@local!demo");
    assert_eq!(button(&entry, "acknowledge")["done"]["user"], "member@local!demo");
    assert_eq!(entry["read"], false, "only who took it on has read it");
    assert_eq!(count(hub.get(open, &auditor).await.expect(StatusCode::OK)), 0);
    let own = hub.get(&path, &member).await.expect(StatusCode::OK);
    assert_eq!(own["read"], true);
}

#[tokio::test]
async fn a_button_does_what_it_says_once_and_with_the_rights_of_who_uses_it() {
    let hub = Hub::start().await;
    let member = hub.token(Role::Member, Some("demo")).await;
    let auditor = hub.token(Role::Auditor, None).await;
    let operator = hub.token(Role::Operator, None).await;
    let admin = hub.token(Role::Admin, None).await;
    let stranger = hub.token(Role::Operator, Some("zebra")).await;
    let (task, seq) = failure(&hub).await;
    let act = format!("/api/v1/inbox/{seq}/act");
    let retry = json!({ "kind": "retry" });
    for (secret, status, code) in [
        // Others use the datastore too: a member must not verify the whole of it.
        (&member, StatusCode::FORBIDDEN, "auth.denied"),
        (&auditor, StatusCode::FORBIDDEN, "auth.denied"),
        (&stranger, StatusCode::NOT_FOUND, "not-found"),
    ] {
        hub.post(&act, secret, retry.clone()).await.problem(status, code);
    }
    hub.post(&act, &operator, json!({ "kind": "gc" }))
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
    hub.post(
        &act,
        &operator,
        json!({ "kind": "retry", "target": "UPID:other" }),
    )
    .await
    .problem(StatusCode::NOT_FOUND, "not-found");

    let first = hub
        .post(&act, &operator, retry.clone())
        .await
        .expect(StatusCode::OK);
    assert_eq!(first["new"], true);
    let upid = first["upid"].as_str().expect("a task").to_owned();
    let started = hub.claim().await;
    assert_eq!(started.upid.to_string(), upid);
    assert_eq!(started.user.as_str(), "operator@local!hub");
    assert_eq!(started.retry_of, Some(task.upid));
    let again = hub.post(&act, &admin, retry).await.expect(StatusCode::OK);
    assert_eq!(
        (&again["new"], again["upid"].as_str()),
        (&json!(false), Some(&*upid))
    );
    let entry = hub
        .get(&format!("/api/v1/inbox/{seq}"), &member)
        .await
        .expect(StatusCode::OK);
    let done = &button(&entry, "retry")["done"];
    assert_eq!(
        (&done["user"], done["upid"].as_str()),
        (&json!("operator@local!hub"), Some(&*upid))
    );
}

#[tokio::test]
async fn what_is_read_and_muted_is_each_users_own() {
    let hub = Hub::start().await;
    let member = hub.token(Role::Member, Some("demo")).await;
    let auditor = hub.token(Role::Auditor, Some("demo")).await;
    let (_, failed) = failure(&hub).await;
    let counts = |answer: Value| (answer["unread"].clone(), answer["error"].clone());
    let path = "/api/v1/inbox/counts";
    let before = hub.get(path, &member).await.expect(StatusCode::OK);
    assert_eq!(counts(before.clone()).1, 1);

    // One, many, all up to a place; and back.
    let mark = |seqs: Value, read: bool| json!({ "seqs": seqs, "read": read });
    let marked = |answer: Value| answer["changed"].clone();
    let changed = hub
        .post(
            "/api/v1/inbox/mark",
            &member,
            mark(json!([failed, failed - 1, 1_000_000]), true),
        )
        .await
        .expect(StatusCode::OK);
    assert_eq!(marked(changed), 2);
    let unread = format!("/api/v1/inbox/{failed}/unread");
    let changed = hub.post(&unread, &member, json!({})).await.expect(StatusCode::OK);
    assert_eq!(marked(changed), 1);
    let many: Vec<i64> = (0..1_001).collect();
    hub.post("/api/v1/inbox/mark", &member, mark(json!(many), true))
        .await
        .problem(StatusCode::BAD_REQUEST, "request.invalid");
    let all = format!("/api/v1/inbox/read?until={}", failed - 1);
    hub.post(&all, &member, json!({})).await.expect(StatusCode::OK);
    let after = hub.get(path, &member).await.expect(StatusCode::OK);
    assert_eq!(counts(after), (json!(1), json!(1)));
    let other = hub.get(path, &auditor).await.expect(StatusCode::OK);
    assert_eq!(other["unread"], before["unread"]);

    // Rules.
    for wrong in [
        json!({}),
        json!({ "until": "2030-01-01T00:00:00Z" }),
        json!({ "what": 1 }),
    ] {
        let answer = hub.post("/api/v1/inbox/mutes", &member, wrong).await;
        assert!(answer.status.is_client_error(), "{}", answer.text);
    }
    hub.post(
        "/api/v1/inbox/mutes",
        &member,
        json!({ "type": "task.failed", "until": "2020-01-01T00:00:00Z" }),
    )
    .await
    .problem(StatusCode::BAD_REQUEST, "request.invalid");
    let rule = json!({ "type": "task.failed", "datastore": "shared" });
    let mute = hub
        .post("/api/v1/inbox/mutes", &member, rule.clone())
        .await
        .expect(StatusCode::OK);
    assert_eq!(mute["number"], 1);
    assert_eq!(
        mute["rule"],
        json!({ "type": "ironcore.task.failed", "datastore": "shared" })
    );
    let unread = "/api/v1/inbox?unread=true";
    let entries = hub.get(unread, &member).await.expect(StatusCode::OK);
    assert_eq!((&entries["entries"], &entries["unread"]), (&json!([]), &json!(0)));
    let muted = hub
        .get(
            "/api/v1/inbox?muted=true&type=task.failed&datastore=shared",
            &member,
        )
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&muted["entries"][0]["seq"], &muted["entries"][0]["muted"]),
        (&json!(failed), &json!(true))
    );
    let theirs = hub
        .get("/api/v1/inbox/mutes", &auditor)
        .await
        .expect(StatusCode::OK);
    assert_eq!(theirs["mutes"], json!([]));
    let number = "/api/v1/inbox/mutes/1";
    hub.ask(Method::DELETE, number, Some(&auditor), None)
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
    let gone = hub.ask(Method::DELETE, number, Some(&member), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let entries = hub.get(unread, &member).await.expect(StatusCode::OK);
    assert_eq!(entries["unread"], 1);
    for wrong in [
        "min_severity=bad",
        "type=no.such",
        "since=yesterdayish",
        "project=zebra",
    ] {
        let answer = hub.get(&format!("/api/v1/inbox?{wrong}"), &member).await;
        assert!(answer.status.is_client_error(), "{wrong}: {}", answer.text);
    }
}
