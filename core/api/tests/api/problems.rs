//! Refusals are problem documents with a code, a request id and the key at fault; answers carry safe headers.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use ironcore_api::Limits;
use ironcore_ledger::model::Role;
use serde_json::json;

use crate::setup::Hub;

#[tokio::test]
async fn wrong_requests_say_what_is_wrong() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;

    let unknown_key = json!({ "spec": { "type": "gc", "datastore": "shared" }, "when": "now" });
    let problem = hub.post("/api/v1/tasks", &admin, unknown_key).await;
    let problem = problem.problem(StatusCode::BAD_REQUEST, "request.invalid");
    assert!(
        problem["errors"][0]["detail"]
            .as_str()
            .expect("detail")
            .contains("when"),
        "{problem}"
    );
    assert_eq!(problem["type"], "urn:ironcore-backup:error:request.invalid");

    let problem = hub.get("/api/v1/tasks?status=done", &admin).await;
    let problem = problem.problem(StatusCode::BAD_REQUEST, "request.invalid");
    assert_eq!(problem["errors"][0]["key"], "status");

    for path in [
        "tasks?since=soon",
        "tasks?limit=0",
        "tasks?colour=red",
        "events?type=task.eaten",
        "tasks/nonsense",
    ] {
        let answer = hub.get(&format!("/api/v1/{path}"), &admin).await;
        answer.problem(StatusCode::BAD_REQUEST, "request.invalid");
    }
    hub.get("/api/v1/nothing", &admin)
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
    let wrong = hub.ask(Method::PUT, "/api/v1/tasks", Some(&admin), None).await;
    assert_eq!(wrong.head[header::ALLOW], "GET,HEAD,POST");
    wrong.problem(StatusCode::METHOD_NOT_ALLOWED, "request.invalid");
}

#[tokio::test]
async fn bodies_must_be_json_and_small() {
    let hub = Hub::with(Limits {
        body_bytes: 100,
        ..Limits::default()
    })
    .await;
    let admin = hub.token(Role::Admin, None).await;
    let send = async |kind: &str, body: String| {
        let request = Request::post("/api/v1/apply")
            .header(header::AUTHORIZATION, format!("Bearer {admin}"))
            .header(header::CONTENT_TYPE, kind);
        hub.send(request.body(Body::from(body)).expect("request"))
            .await
            .status()
    };
    assert_eq!(
        send("text/plain", "{}".to_owned()).await,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    assert_eq!(send("application/json", "{}".to_owned()).await, StatusCode::OK);
    assert_eq!(
        send("application/json", "{} {}".to_owned()).await,
        StatusCode::BAD_REQUEST
    );
    let large = format!("{{\"project\": [{}]}}", " ".repeat(200));
    assert_eq!(
        send("application/json", large).await,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test]
async fn request_ids_are_kept_when_plain_and_made_otherwise() {
    let hub = Hub::start().await;
    let ask = async |id: &str| {
        let request = Request::get("/api/v1/health").header("x-request-id", id);
        let answer = hub.send(request.body(Body::empty()).expect("request")).await;
        answer.headers()["x-request-id"]
            .to_str()
            .expect("text")
            .to_owned()
    };
    assert_eq!(ask("abc-1.2_3").await, "abc-1.2_3");
    let made = ask("no spaces, please").await;
    assert_ne!(made, "no spaces, please");
    assert_eq!(made.len(), 36);
}

#[tokio::test]
async fn answers_carry_safe_headers_and_the_dashboard_its_caches() {
    let hub = Hub::start().await;
    let page = hub.ask(Method::GET, "/tasks/anything", None, None).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("<!doctype html>"), "{}", page.text);
    let policy = page.head[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .expect("policy");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("script-src 'self'"));
    assert_eq!(page.head[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(page.head[header::CACHE_CONTROL], "no-cache");

    let tag = page.head[header::ETAG].clone();
    let again = Request::get("/")
        .header(header::IF_NONE_MATCH, tag)
        .body(Body::empty())
        .expect("request");
    assert_eq!(hub.send(again).await.status(), StatusCode::NOT_MODIFIED);

    let missing = hub.ask(Method::GET, "/assets/no-such-file.js", None, None).await;
    missing.problem(StatusCode::NOT_FOUND, "not-found");
    let health = hub.ask(Method::GET, "/api/v1/health", None, None).await;
    assert_eq!(health.head[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn large_answers_are_compressed_when_asked_for() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let request = Request::get("/api/v1/openapi.json")
        .header(header::AUTHORIZATION, format!("Bearer {admin}"))
        .header(header::ACCEPT_ENCODING, "zstd");
    let answer = hub.send(request.body(Body::empty()).expect("request")).await;
    assert_eq!(answer.headers()[header::CONTENT_ENCODING], "zstd");
    let plain = serde_json::to_vec(&ironcore_api::openapi()).expect("json").len();
    let sent = answer.into_body().collect().await.expect("body").to_bytes().len();
    assert!(sent * 3 < plain, "{sent} of {plain} bytes");
}
