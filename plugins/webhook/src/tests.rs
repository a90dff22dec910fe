//! Tests of the whole plugin, natively, with a host that records.

use ironcore_plugin::{
    Call, Delivery, Event, Failure, FailureScope, FakeHost, Incident, Plugin, Receipt, Slot, Tip,
    WrappedSecret, http, templates,
};
use serde_json::{Value, json};

use crate::Webhook;

fn corrupt() -> Event {
    Event::sample(
        "ironcore.snapshot.verified",
        &json!({
            "project": "demo", "severity": "error", "title": "vm/12345 is CORRUPT",
            "verification": { "result": "CORRUPT" },
        }),
    )
}

fn delivery(config: Value) -> Delivery {
    Delivery {
        tips: vec![Tip::new("Restore", "It is broken.").step("now")],
        ..Delivery::sample(corrupt(), &config)
    }
}

fn deliver(host: &FakeHost, delivery: &Delivery) -> Result<Receipt, Failure> {
    Webhook::deliver(host, delivery)
}

fn request(delivery: &Delivery) -> http::Request {
    let host = FakeHost::new();
    deliver(&host, delivery).expect("delivered");
    match host.calls().pop() {
        Some(Call::Http(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn header<'a>(request: &'a http::Request, name: &str) -> Option<&'a Slot> {
    request
        .headers
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}

fn body(request: &http::Request) -> Value {
    serde_json::from_slice(request.body.as_deref().expect("body")).expect("json")
}

#[test]
fn what_has_one_cause_says_so_in_every_event() {
    let incident = Incident {
        key: "01920000-0000-7000-8000-0000000000cc".to_owned(),
        title: "Datastore store is full (2 failures)".to_owned(),
        opened_us: 1,
        count: 2,
        resolved: false,
        attrs: [
            ("number", "7"),
            ("state", "open"),
            ("acknowledged-by", "123"),
            ("failing", "2"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
    };
    let told = Delivery {
        incident: Some(incident),
        ..delivery(json!({ "url": "https://a.example/hook" }))
    };
    assert_eq!(
        body(&request(&told))["data"]["incident"],
        json!({
            "id": "01920000-0000-7000-8000-0000000000cc", "title": "Datastore store is full (2 failures)", "count": 2,
            "resolved": false, "number": 7, "state": "open", "acknowledged_by": "123", "failing": 2,
        })
    );
    let without = body(&request(&delivery(json!({ "url": "https://a.example/hook" }))));
    assert!(without["data"].get("incident").is_none());
}

#[test]
fn the_body_is_a_cloudevent_with_tips_and_links() {
    let request = request(&delivery(json!({ "url": "https://a.example/hook" })));
    assert_eq!(
        (request.method.as_str(), &request.url),
        ("POST", &Slot::Text("https://a.example/hook".to_owned()))
    );
    assert_eq!(
        header(&request, "content-type"),
        Some(&Slot::Text(
            "application/cloudevents+json; charset=utf-8".to_owned()
        ))
    );
    let body = body(&request);
    assert_eq!(body["specversion"], "1.0");
    assert_eq!(body["type"], "ironcore.snapshot.verified");
    assert_eq!(body["data"]["verification"]["result"], "CORRUPT");
    assert_eq!(body["data"]["tips"][0]["steps"], json!(["now"]));
    assert_eq!(body["data"]["links"]["task"], "https://hub.example:8007/tasks/1");
    assert_eq!(
        header(&request, "webhook-id"),
        Some(&Slot::Text("01920000-0000-7000-8000-0000000000bb".to_owned()))
    );
    assert!(request.signature.is_none());
}

#[test]
fn each_event_of_a_batch_has_its_own_tips() {
    let event = |id: &str| Event {
        id: id.to_owned(),
        ..corrupt()
    };
    let about = |id: &str| Tip {
        attrs: vec![("event".to_owned(), id.to_owned())],
        ..Tip::new(format!("about {id}"), "")
    };
    let request = request(&Delivery {
        events: vec![event("one"), event("two"), event("three")],
        tips: vec![
            about("two"),
            about("one"),
            about("two"),
            Tip::new("about the last", ""),
        ],
        ..delivery(json!({ "url": "https://a.example/hook" }))
    });
    let titles = |at: usize| -> Vec<String> {
        let body = body(&request);
        let tips = body[at]["data"]["tips"].as_array().expect("tips").clone();
        tips.iter()
            .map(|tip| tip["title"].as_str().expect("a title").to_owned())
            .collect()
    };
    assert_eq!(titles(0), ["about one"]);
    assert_eq!(titles(1), ["about two", "about two"]);
    assert_eq!(titles(2), ["about the last"]);
}

#[test]
fn several_events_are_a_batch() {
    let mut many = delivery(json!({ "url": "https://a.example" }));
    many.events.push(corrupt());
    let request = request(&many);
    assert_eq!(body(&request).as_array().map(Vec::len), Some(2));
    assert!(
        matches!(header(&request, "content-type"), Some(Slot::Text(t)) if t.starts_with("application/cloudevents-batch+json"))
    );
}

#[test]
fn in_binary_mode_attributes_are_headers_and_the_data_is_the_body() {
    let mut one = delivery(json!({ "url": "https://a.example", "mode": "binary" }));
    let mut event: Value = serde_json::from_str(&one.events[0].json).expect("json");
    event["subject"] = json!("100 % größer");
    event["sequence"] = json!(7);
    event["nothing"] = Value::Null;
    one.events[0].json = event.to_string();
    let request = request(&one);
    let text = |name: &str| match header(&request, name) {
        Some(Slot::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    assert_eq!(text("content-type"), Some("application/json"));
    assert_eq!(text("ce-specversion"), Some("1.0"));
    assert_eq!(text("ce-type"), Some("ironcore.snapshot.verified"));
    assert_eq!(text("ce-id"), Some("01920000-0000-7000-8000-000000000001"));
    assert_eq!(text("ce-subject"), Some("100%20%25%20gr%C3%B6%C3%9Fer"));
    assert_eq!(text("ce-dataschema"), Some("urn:ironcore-backup:event:v1"));
    assert_eq!(text("ce-sequence"), Some("7"));
    for absent in ["ce-data", "ce-datacontenttype", "ce-nothing"] {
        assert_eq!(text(absent), None, "{absent}");
    }
    let body = body(&request);
    assert_eq!(body["verification"]["result"], "CORRUPT");
    assert_eq!(body["tips"][0]["title"], "Restore");
    assert!(body.get("specversion").is_none());

    one.events.push(corrupt());
    let batch = self::request(&one);
    assert!(
        matches!(header(&batch, "content-type"), Some(Slot::Text(t)) if t.starts_with("application/cloudevents-batch+json"))
    );
    assert_eq!(header(&batch, "ce-id"), None);
}

#[test]
fn templates_see_the_values_and_secrets_have_their_place_in_the_body() {
    let config = json!({
        "url": "https://a.example", "values": { "project-key": "OPS", "level": 3 },
        "body-secrets": { "/routing_key": { "secret": "pd" } },
    });
    let named = Delivery {
        template: Some("pagerduty".to_owned()),
        ..delivery(config)
    };
    let host = FakeHost::new().template("webhook/pagerduty.json", Ok("{\"routing_key\":null}".to_owned()));
    deliver(&host, &named).expect("delivered");
    let calls = host.calls();
    let [Call::Render(name, extra), Call::Http(request)] = &calls[..] else {
        panic!("{calls:?}")
    };
    assert_eq!(name, "webhook/pagerduty.json");
    let extra: Value = serde_json::from_str(extra).expect("json");
    assert_eq!(extra, json!({ "values": { "project-key": "OPS", "level": 3 } }));
    let [slot] = &request.body_slots[..] else {
        panic!("{:?}", request.body_slots)
    };
    assert_eq!(
        (slot.pointer.as_str(), &slot.value),
        ("/routing_key", &Slot::Secret("pd".to_owned()))
    );
    assert_eq!(body(request), json!({ "routing_key": null }));
}

#[test]
fn where_statuses_are_named_only_those_are_success() {
    let answer = |status| {
        let config = json!({ "url": "https://a.example", "success": [202, 409] });
        deliver(&FakeHost::new().answer_status(status), &delivery(config))
    };
    for status in [202, 409] {
        assert_eq!(answer(status).expect("delivered").status, Some(status));
    }
    match answer(200).expect_err("a portal answers") {
        Failure::Retry(retry) => {
            assert_eq!(
                (retry.scope, retry.status),
                (FailureScope::Destination, Some(200))
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(answer(400), Err(Failure::Rejected(_))));
}

#[test]
fn secrets_are_named_and_never_written() {
    let request = request(&delivery(json!({
        "url": { "secret": "hook-url" }, "method": "PUT", "timeout-ms": 500,
        "headers": { "X-Key": { "secret": "k", "before": "Key " }, "Content-Type": "application/json" },
        "username": "u", "password": { "secret": "p" },
        "signing-secret": [{ "secret": "new" }, { "secret": "old" }],
    })));
    assert_eq!(request.url, Slot::Secret("hook-url".to_owned()));
    assert_eq!((request.method.as_str(), request.timeout_ms), ("PUT", Some(500)));
    let wrapped = WrappedSecret {
        before: "Key ".to_owned(),
        secret: "k".to_owned(),
        after: String::new(),
    };
    assert_eq!(header(&request, "x-key"), Some(&Slot::Wrapped(wrapped)));
    assert_eq!(
        header(&request, "content-type"),
        Some(&Slot::Text("application/json".to_owned()))
    );
    assert!(matches!(request.credential, Some(http::Credential::Basic(_))));
    let Some(http::Signature::StandardWebhook(sign)) = &request.signature else {
        panic!("{request:?}")
    };
    assert_eq!(sign.keys, ["new", "old"]);
    assert_eq!(sign.message_id, "01920000-0000-7000-8000-0000000000bb");
    assert_eq!(
        header(&request, "webhook-id"),
        None,
        "the hub adds it when it signs"
    );
}

#[test]
fn a_template_makes_the_body_and_must_make_json() {
    let named = Delivery {
        template: Some("generic".to_owned()),
        ..delivery(json!({ "url": "https://a.example" }))
    };
    let host = FakeHost::new().template("webhook/generic.json", Ok("{\"a\":1}".to_owned()));
    deliver(&host, &named).expect("delivered");
    let Some(Call::Http(request)) = host.calls().pop() else {
        panic!("no request")
    };
    assert_eq!(body(&request), json!({ "a": 1 }));

    for answer in [
        Ok("{".to_owned()),
        Err(templates::Error::NotFound("webhook/generic.json".to_owned())),
    ] {
        let host = FakeHost::new().template("webhook/generic.json", answer);
        let failure = deliver(&host, &named).expect_err("template");
        assert!(
            matches!(&failure, Failure::Retry(retry) if retry.reason.code == "template.invalid"),
            "{failure:?}"
        );
        assert!(host.calls().iter().all(|call| !matches!(call, Call::Http(_))));
    }
    let outside = Delivery {
        template: Some("../email/body".to_owned()),
        ..named
    };
    assert!(deliver(&FakeHost::new(), &outside).is_err());
}

#[test]
fn statuses_are_classified() {
    let answer = |status| {
        deliver(
            &FakeHost::new().answer_status(status),
            &delivery(json!({ "url": "https://a.example" })),
        )
    };
    for status in [200, 202, 204] {
        assert_eq!(answer(status).expect("delivered").status, Some(status));
    }
    for (status, wanted) in [
        (408, Some(FailureScope::Message)),
        (425, Some(FailureScope::Message)),
        (429, Some(FailureScope::Destination)),
        (500, Some(FailureScope::Destination)),
        (503, Some(FailureScope::Destination)),
        (301, None),
        (400, None),
        (404, None),
        (410, None),
    ] {
        match answer(status).expect_err("failure") {
            Failure::Retry(retry) => assert_eq!((Some(retry.scope), retry.status), (wanted, Some(status))),
            Failure::Rejected(rejection) => {
                assert_eq!(
                    (None, rejection.status, rejection.gone),
                    (wanted, Some(status), status == 410)
                );
            }
            other @ Failure::Custom(_) => panic!("{other:?}"),
        }
    }
}

#[test]
fn retry_after_is_obeyed_and_the_answer_kept_short() {
    let host = FakeHost::new().answer_http(Ok(http::Response {
        status: 429,
        headers: Vec::new(),
        body: "slow\ndown ".repeat(100).into_bytes(),
        truncated: false,
        retry_after_ms: Some(7_000),
        attrs: Vec::new(),
    }));
    let Err(Failure::Retry(retry)) = deliver(&host, &delivery(json!({ "url": "https://a.example" }))) else {
        panic!("no retry")
    };
    assert_eq!(retry.after_ms, Some(7_000));
    assert!(retry.reason.message.starts_with("HTTP 429: slow down") && retry.reason.message.len() < 220);
}

#[test]
fn failures_before_an_answer_are_classified() {
    let answer = |error| {
        deliver(
            &FakeHost::new().answer_http(Err(error)),
            &delivery(json!({ "url": "https://a.example" })),
        )
    };
    for (error, code, retried) in [
        (http::Error::Timeout, "delivery.unreachable", true),
        (
            http::Error::Unreachable("x".to_owned()),
            "delivery.unreachable",
            true,
        ),
        (http::Error::SecretMissing("x".to_owned()), "secret.missing", true),
        (
            http::Error::AddressDenied("x".to_owned()),
            "delivery.address",
            false,
        ),
    ] {
        match answer(error).expect_err("failure") {
            Failure::Retry(retry) => assert!(retried && retry.reason.code == code, "{retry:?}"),
            Failure::Rejected(rejection) => {
                assert!(!retried && rejection.reason.code == code, "{rejection:?}")
            }
            other @ Failure::Custom(_) => panic!("{other:?}"),
        }
    }
}
