//! Tests and previews over the API: who may ask, what is refused, and what comes back. What handlers really do is tried
//! with the real ones elsewhere.

use std::time::Duration;

use axum::http::StatusCode;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use ironcore_api::Trials;
use ironcore_ledger::model::Role;
use ironcore_notify::TemplateError;
use ironcore_notify::trial::{Made, Preview, Tested, Tried};
use ironcore_types::event::ErrorData;
use ironcore_types::notification::Handler;
use ironcore_types::{ErrorCode, MessageId, ProjectName, TaskState, Timestamp};
use serde_json::{Value, json};

use crate::access::foreign;
use crate::setup::{Hub, verify};

/// Takes what is sent to `well`, and refuses all else.
pub(crate) struct FakeTrials;

fn fault() -> TemplateError {
    TemplateError::Invalid {
        file: "webhook/slack.json".to_owned(),
        line: 3,
        column: 7,
        message: "there is no value gone".to_owned(),
    }
}

impl Trials for FakeTrials {
    fn test(&self, tried: Tried) -> BoxFuture<'_, Tested> {
        let well = tried.declared.config.get("url") == Some(&json!("well"));
        let refused = ErrorData {
            code: ErrorCode::DeliveryRejected,
            message: "404 not found".to_owned(),
        };
        let tested = Tested {
            message: MessageId(tried.events[0].event.id.0),
            started: Timestamp::from_seconds(1),
            took: Duration::from_millis(12),
            outcome: if well {
                Ok("thanks".to_owned())
            } else {
                Err(refused)
            },
            again: false,
            status: Some(if well { 200 } else { 404 }),
            detail: Some(tried.events[0].event.data.title.clone()),
            templates: Vec::new(),
        };
        std::future::ready(tested).boxed()
    }

    fn preview(
        &self,
        tried: Tried,
        template: Option<(String, String)>,
    ) -> BoxFuture<'_, Result<Preview, TemplateError>> {
        let (name, text) = template.unwrap_or_default();
        let preview = match text.as_str() {
            "broken" => Err(fault()),
            _ => Ok(Preview {
                made: vec![Made::Http {
                    method: "POST".to_owned(),
                    url: tried.declared.config["url"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                    headers: vec![
                        ("template".to_owned(), name),
                        (
                            "kind".to_owned(),
                            tried.message.map(|message| message.kind).unwrap_or_default(),
                        ),
                    ],
                    body: text,
                }],
                problem: None,
                templates: Vec::new(),
            }),
        };
        std::future::ready(preview).boxed()
    }

    fn lane(&self, _: Option<&ProjectName>, handler: &Handler) -> String {
        handler.name.to_string()
    }

    fn template_faults(&self) -> Vec<TemplateError> {
        vec![fault()]
    }
}

async fn hub() -> Hub {
    let hub = Hub::start().await;
    let handler =
        |name: &str, url: &str| json!({ "name": name, "plugin": "webhook", "config": { "url": url } });
    hub.apply(json!({ "group": [{ "project": "demo", "name": "ops", "handler": [
        handler("good", "well"), handler("bad", "elsewhere"),
        { "name": "off", "plugin": "webhook", "enabled": false, "config": { "url": "well" } },
        { "name": "mail", "plugin": "email", "enabled": false, "config": { "url": "mail" } },
    ]}]}))
    .await;
    hub
}

const TEST: &str = "/api/v1/notifications/test";
const PREVIEW: &str = "/api/v1/notifications/preview";

#[tokio::test]
async fn a_group_is_tested_handler_by_handler() {
    let hub = hub().await;
    let operator = hub.token(Role::Operator, Some("demo")).await;
    let before = hub.ledger.last_seq().await.expect("the ledger");
    let all = hub.post(TEST, &operator, json!({ "group": "ops" })).await;
    let all = all.expect(StatusCode::OK);
    assert_eq!(all["event"]["type"], "ironcore.task.completed");
    let of = |at: usize| all["handlers"][at].clone();
    assert_eq!(
        all["handlers"].as_array().expect("a list").len(),
        2,
        "those that are on"
    );
    assert_eq!(
        (&of(0)["handler"], &of(0)["delivered"]),
        (&json!("good"), &json!(true))
    );
    assert_eq!(
        (&of(0)["receipt"], &of(0)["took_ms"]),
        (&json!("thanks"), &json!(12))
    );
    assert_eq!(
        (&of(1)["delivered"], &of(1)["status"]),
        (&json!(false), &json!(404))
    );
    assert_eq!(of(1)["error"]["code"], "delivery.rejected");
    let title = of(1)["detail"].as_str().expect("a text").to_owned();
    assert!(
        title.contains("Test message of demo/ops, asked for by operator@local!demo"),
        "{title}"
    );
    // One that is off can be tested by its name.
    let one = json!({ "project": "demo", "group": "ops", "handler": "off", "type": "task.failed" });
    let one = hub.post(TEST, &operator, one).await.expect(StatusCode::OK);
    assert_eq!(one["event"]["type"], "ironcore.task.failed");
    assert_eq!(one["handlers"][0]["delivered"], true);
    assert_eq!(
        hub.ledger.last_seq().await.expect("the ledger"),
        before,
        "nothing happened"
    );
    for request in [
        json!({ "group": "nowhere" }),
        json!({ "group": "ops", "handler": "nobody" }),
    ] {
        hub.post(TEST, &operator, request)
            .await
            .problem(StatusCode::NOT_FOUND, "not-found");
    }
    for (role, project) in [(Role::Member, Some("demo")), (Role::Auditor, None)] {
        let secret = hub.token(role, project).await;
        hub.post(TEST, &secret, json!({ "project": "demo", "group": "ops" }))
            .await
            .problem(StatusCode::FORBIDDEN, "auth.denied");
    }
}

#[tokio::test]
async fn an_event_is_previewed_by_a_handler_or_by_a_template() {
    let hub = hub().await;
    let task = hub.enqueue("demo", verify("shared")).await;
    hub.claim().await;
    hub.finish(&task, TaskState::Ok).await;
    let events = hub.ledger.events_of_task(task.id).await.expect("events");
    let event = events.last().expect("an event").event.id.to_string();
    let operator = hub.token(Role::Operator, Some("demo")).await;
    let ask = |more: Value| {
        let mut request = json!({ "event": event });
        for (key, value) in more.as_object().expect("an object") {
            request[key] = value.clone();
        }
        request
    };
    let handler = json!({ "group": "ops", "handler": "good" });
    let answer = hub
        .post(PREVIEW, &operator, ask(handler))
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer["event"]["id"], event);
    assert_eq!(answer["made"][0]["url"], "well");
    assert_eq!(answer["sent"], json!([]));
    let template = json!({ "template": { "name": "webhook/slack.json", "text": "mine" } });
    let answer = hub
        .post(PREVIEW, &operator, ask(template))
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer["made"][0]["url"], "https://preview.invalid/");
    assert_eq!(answer["made"][0]["headers"][0][1], "webhook/slack.json");
    assert_eq!(answer["made"][0]["body"], "mine");
    // A template that cannot be read says where.
    let broken = json!({ "template": { "text": "broken" } });
    let problem = hub.post(PREVIEW, &operator, ask(broken)).await;
    let problem = problem.problem(StatusCode::UNPROCESSABLE_ENTITY, "template.invalid");
    let detail = problem["detail"].as_str().expect("words");
    assert!(detail.contains("webhook/slack.json:3:7"), "{detail}");
    for (more, part) in [
        (json!({}), "Give a handler, or a template"),
        (json!({ "group": "ops" }), "Give both"),
        (
            json!({ "template": { "name": "email/body.html", "text": "x" } }),
            "webhook/slack.json",
        ),
        (
            json!({ "group": "ops", "handler": "mail", "template": { "text": "x" } }),
            "email/body.html",
        ),
    ] {
        let problem = hub.post(PREVIEW, &operator, ask(more.clone())).await;
        let problem = problem.problem(StatusCode::BAD_REQUEST, "request.invalid");
        assert!(
            problem["detail"].as_str().expect("words").contains(part),
            "{more}: {problem}"
        );
    }
    let member = hub.token(Role::Member, Some("demo")).await;
    hub.post(
        PREVIEW,
        &member,
        ask(json!({ "group": "ops", "handler": "good" })),
    )
    .await
    .problem(StatusCode::FORBIDDEN, "auth.denied");
    let zebra = hub.token(Role::Operator, Some("zebra")).await;
    hub.post(PREVIEW, &zebra, ask(json!({ "template": { "text": "x" } })))
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
}

#[tokio::test]
async fn a_message_is_previewed_as_it_was_made() {
    let hub = hub().await;
    let id = foreign(&hub).await.message;
    hub.apply(
        json!({ "group": [{ "project": "zebra", "name": "zebra-group", "handler": [
            { "name": "hook", "plugin": "webhook", "config": { "url": "own" } },
            { "name": "other", "plugin": "webhook", "config": { "url": "another" } },
        ]}]}),
    )
    .await;
    let zebra = hub.token(Role::Operator, Some("zebra")).await;
    let answer = hub.post(PREVIEW, &zebra, json!({ "message": id })).await;
    let answer = answer.expect(StatusCode::OK);
    assert_eq!(answer["message"], json!(id));
    assert_eq!(answer["made"][0]["url"], "own", "by its own handler");
    assert_eq!(answer["made"][0]["headers"][1], json!(["kind", "notice"]));
    assert_eq!(answer["sent"][0]["message"]["id"], json!(id));
    let other = json!({ "message": id, "group": "zebra-group", "handler": "other" });
    let answer = hub.post(PREVIEW, &zebra, other).await.expect(StatusCode::OK);
    assert_eq!(answer["made"][0]["url"], "another");
    let template = json!({ "message": id, "template": { "text": "mine" } });
    let answer = hub.post(PREVIEW, &zebra, template).await.expect(StatusCode::OK);
    assert_eq!(
        (&answer["made"][0]["url"], &answer["made"][0]["body"]),
        (&json!("own"), &json!("mine"))
    );
    for wrong in [
        json!({ "group": "zebra-group", "handler": "hook" }),
        json!({ "message": id, "event": answer["event"]["id"] }),
    ] {
        hub.post(PREVIEW, &zebra, wrong)
            .await
            .problem(StatusCode::BAD_REQUEST, "request.invalid");
    }
    let demo = hub.token(Role::Operator, Some("demo")).await;
    hub.post(PREVIEW, &demo, json!({ "message": id }))
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
}

#[tokio::test]
async fn what_is_wrong_with_templates_shows_to_those_who_see_the_hub() {
    let hub = hub().await;
    let admin = hub.token(Role::Admin, None).await;
    let status = hub.get("/api/v1/status", &admin).await.expect(StatusCode::OK);
    let fault = status["template_faults"][0].as_str().expect("words");
    assert!(fault.starts_with("webhook/slack.json:3:7"), "{fault}");
    let demo = hub.token(Role::Admin, Some("demo")).await;
    let status = hub.get("/api/v1/status", &demo).await.expect(StatusCode::OK);
    assert_eq!(status["template_faults"], json!([]));
}
