//! Secrets: values go in and never come out, and what is used stays.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use axum::http::{Method, StatusCode};
use ironcore_api::wire::SigningKind;
use ironcore_api::{Kept, SecretKeeper, SecretValue};
use ironcore_ledger::model::Role;
use ironcore_types::event::ErrorData;
use ironcore_types::{ErrorCode, Timestamp, UserId};
use serde_json::{Value, json};

use crate::setup::{Answer, Hub};

/// Keeps secrets in memory; the value beside what may be known of it.
#[derive(Default)]
pub(crate) struct FakeKeeper(Mutex<BTreeMap<String, (String, Kept)>>);

impl FakeKeeper {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, (String, Kept)>> {
        self.0.lock().expect("lock")
    }
}

impl SecretKeeper for FakeKeeper {
    fn list(&self) -> Result<Vec<Kept>, ErrorData> {
        Ok(self.all().values().map(|(_, kept)| kept.clone()).collect())
    }

    fn set(&self, name: &str, value: SecretValue, at: Timestamp, by: &UserId) -> Result<bool, ErrorData> {
        if name.contains(' ') {
            return Err(ErrorData {
                code: ErrorCode::RequestInvalid,
                message: "no name".to_owned(),
            });
        }
        let kept = Kept {
            name: name.to_owned(),
            set: Some(at),
            by: Some(by.to_string()),
            public_key: value.0.starts_with("whsk_").then(|| "whpk_x".to_owned()),
            opens: true,
        };
        Ok(self.all().insert(name.to_owned(), (value.0, kept)).is_some())
    }

    fn generate(&self, kind: SigningKind) -> Result<SecretValue, ErrorData> {
        Ok(SecretValue(match kind {
            SigningKind::Hmac => "whsec_made-for-both".to_owned(),
            SigningKind::Ed25519 => "whsk_made-for-the-hub".to_owned(),
        }))
    }

    fn remove(&self, name: &str) -> Result<bool, ErrorData> {
        Ok(self.all().remove(name).is_some())
    }

    fn seal_for(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, ErrorData> {
        Ok([purpose.as_bytes(), b" ", plain].concat())
    }

    fn open_for(&self, purpose: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, ErrorData> {
        let plain = sealed.strip_prefix(purpose.as_bytes());
        Ok(plain.and_then(|rest| rest.strip_prefix(b" ")).map(<[u8]>::to_vec))
    }
}

async fn put(hub: &Hub, token: &str, name: &str, body: Value) -> Answer {
    let path = format!("/api/v1/secrets/{name}");
    hub.ask(Method::PUT, &path, Some(token), Some(body)).await
}

async fn delete(hub: &Hub, token: &str, name: &str) -> Answer {
    let path = format!("/api/v1/secrets/{name}");
    hub.ask(Method::DELETE, &path, Some(token), None).await
}

#[tokio::test]
async fn values_go_in_and_never_come_out() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let answer = put(&hub, &admin, "hook", json!({ "value": "geheim-wort" })).await;
    assert!(!answer.text.contains("geheim"), "{}", answer.text);
    let set = answer.expect(StatusCode::OK);
    assert_eq!(set["secret"]["name"], "hook");
    assert_eq!(set["secret"]["by"], "admin@local!hub");
    assert_eq!(set["secret"]["set"], "2026-05-21T00:00:00Z");
    assert_eq!(set["generated"], Value::Null);

    // Of a key for HMAC its receiver needs to know; of a private key nobody does.
    let made = put(&hub, &admin, "shared", json!({ "generate": "hmac" })).await;
    assert_eq!(made.expect(StatusCode::OK)["generated"], "whsec_made-for-both");
    let made = put(&hub, &admin, "signing", json!({ "generate": "ed25519" })).await;
    let made = made.expect(StatusCode::OK);
    assert_eq!(made["secret"]["public_key"], "whpk_x");
    assert_eq!(made["generated"], Value::Null);

    let list = hub.get("/api/v1/secrets", &admin).await;
    for value in ["geheim", "whsec_", "whsk_"] {
        assert!(!list.text.contains(value), "{value}: {}", list.text);
    }
    let list = list.expect(StatusCode::OK);
    let names: Vec<&str> = list["secrets"]
        .as_array()
        .expect("secrets")
        .iter()
        .filter_map(|secret| secret["name"].as_str())
        .collect();
    assert_eq!(names, ["hook", "shared", "signing"]);

    for body in [json!({}), json!({ "value": "x", "generate": "hmac" })] {
        put(&hub, &admin, "hook", body)
            .await
            .problem(StatusCode::BAD_REQUEST, "request.invalid");
    }
    put(&hub, &admin, "a%20b", json!({ "value": "x" }))
        .await
        .problem(StatusCode::BAD_REQUEST, "request.invalid");
    let unknown = hub
        .ask(Method::GET, "/api/v1/secrets/hook", Some(&admin), None)
        .await;
    unknown.problem(StatusCode::METHOD_NOT_ALLOWED, "request.invalid");
}

/// What the hub told of secrets, as texts.
async fn told(hub: &Hub, token: &str) -> Vec<Value> {
    let path = "/api/v1/events?limit=1000&type=config.key-rotated";
    let mut answer = hub.get(path, token).await.expect(StatusCode::OK);
    let events = answer["events"].as_array_mut().expect("events");
    events.iter_mut().map(|one| one["event"].take()).collect()
}

#[tokio::test]
async fn a_value_that_takes_the_place_of_another_is_told() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let set = async |body: Value| {
        put(&hub, &admin, "hook", body).await.expect(StatusCode::OK);
    };
    set(json!({ "value": "geheim-wort" })).await;
    delete(&hub, &admin, "hook").await.expect(StatusCode::NO_CONTENT);
    set(json!({ "value": "geheim-wort-2" })).await;
    assert!(told(&hub, &admin).await.is_empty(), "nothing was replaced");

    set(json!({ "value": "geheim-wort-3" })).await;
    set(json!({ "generate": "hmac" })).await;
    let told = told(&hub, &admin).await;
    assert_eq!(told.len(), 2);
    for event in &told {
        assert_eq!(event["subject"], "secret/hook");
        assert_eq!(event["data"]["project"], Value::Null);
        assert_eq!(event["data"]["severity"], "notice");
        assert_eq!(event["data"]["actor"], "admin@local!hub");
        assert_eq!(
            event["data"]["title"],
            "Secret hook was replaced by admin@local!hub"
        );
        let text = event.to_string();
        assert!(!text.contains("geheim") && !text.contains("whsec_"), "{text}");
    }
}

#[tokio::test]
async fn what_is_used_stays_and_what_is_missing_shows() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let remote = json!({ "url": "https://other.example:8007", "token-secret": "sync-token" });
    hub.apply(json!({
        "group": [{ "project": "demo", "name": "ops", "handler": [{
            "name": "chat", "plugin": "hook", "config": { "url": { "secret": "hook" }, "keys": [{ "secret": "old" }] },
        }] }],
        "job": [{
            "project": "demo", "name": "copy", "owner": "root@local",
            "task": { "type": "sync", "from": { "datastore": "there", "remote": remote }, "to": "shared" },
        }],
    }))
    .await;
    put(&hub, &admin, "hook", json!({ "value": "x" }))
        .await
        .expect(StatusCode::OK);
    let list = hub.get("/api/v1/secrets", &admin).await.expect(StatusCode::OK);
    let told: Vec<(&str, bool, String)> = list["secrets"]
        .as_array()
        .expect("secrets")
        .iter()
        .map(|one| {
            let (name, kept) = (one["name"].as_str(), one["kept"].as_bool());
            (
                name.expect("name"),
                kept.expect("kept"),
                one["used_by"].to_string(),
            )
        })
        .collect();
    let expected = [
        ("hook", true, r#"["handler demo/ops/chat"]"#),
        ("old", false, r#"["handler demo/ops/chat"]"#),
        ("sync-token", false, r#"["job demo/copy"]"#),
    ];
    assert_eq!(
        told,
        expected.map(|(name, kept, users)| (name, kept, users.to_owned()))
    );

    let refused = delete(&hub, &admin, "hook").await;
    let refused = refused.problem(StatusCode::CONFLICT, "conflict");
    assert!(
        refused["detail"]
            .as_str()
            .expect("detail")
            .contains("handler demo/ops/chat")
    );
    hub.apply(json!({ "group": [{ "project": "demo", "name": "ops" }] }))
        .await;
    delete(&hub, &admin, "hook").await.expect(StatusCode::NO_CONTENT);
    delete(&hub, &admin, "hook")
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
}

#[tokio::test]
async fn secrets_are_for_administrators_of_the_hub() {
    let hub = Hub::start().await;
    for (role, project, reads) in [
        (Role::Auditor, None, true),
        (Role::Operator, None, false),
        (Role::Member, Some("demo"), false),
        (Role::Admin, Some("demo"), false),
    ] {
        let token = hub.token(role, project).await;
        let list = hub.get("/api/v1/secrets", &token).await;
        assert_eq!(list.status == StatusCode::OK, reads, "{role}: {}", list.text);
        put(&hub, &token, "hook", json!({ "value": "x" }))
            .await
            .problem(StatusCode::FORBIDDEN, "auth.denied");
        delete(&hub, &token, "hook")
            .await
            .problem(StatusCode::FORBIDDEN, "auth.denied");
    }
}
