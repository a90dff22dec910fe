//! Streams: resumed without gap or double, nothing of other projects, and an end when there should be one.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, Request, StatusCode, header};
use futures::StreamExt as _;
use ironcore_api::{Limits, secret_hash};
use ironcore_ledger::model::{LogLevel, NewLogLine, NewToken, Role};
use ironcore_types::progress::{Progress, Stage};
use ironcore_types::{TaskState, Timestamp};
use serde_json::{Value, json};

use crate::setup::{Hub, encode, user, verify};
use crate::users::{PASSWORD, alice, browse, kept, sign_in};

#[derive(Debug)]
struct Sent {
    event: String,
    id: Option<String>,
    data: Value,
}

impl Sent {
    fn seq(&self) -> i64 {
        self.id.as_deref().expect("an id").parse().expect("a number")
    }
}

struct Reader {
    body: BodyDataStream,
    text: String,
}

impl Reader {
    async fn open(hub: &Hub, path: &str, secret: &str, last: Option<i64>) -> Self {
        let mut request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {secret}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        Self::of(hub, request).await
    }

    /// As a browser does.
    async fn browse(hub: &Hub, path: &str, cookie: &str) -> Self {
        Self::of(hub, Request::get(path).header(header::COOKIE, cookie)).await
    }

    async fn of(hub: &Hub, request: axum::http::request::Builder) -> Self {
        let response = hub.send(request.body(Body::empty()).expect("request")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next event; none at the end. The time limit only turns a hang into a failure.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (mut event, mut id, mut data) = (String::new(), None, Value::Null);
                for line in block.lines() {
                    match line.split_once(": ") {
                        Some(("event", value)) => event = value.to_owned(),
                        Some(("id", value)) => id = Some(value.to_owned()),
                        Some(("data", value)) => data = serde_json::from_str(value).expect("json"),
                        _ => panic!("an odd line: {line}"),
                    }
                }
                self.text = rest.to_owned();
                return Some(Sent { event, id, data });
            }
            let part = tokio::time::timeout(Duration::from_secs(30), self.body.next()).await;
            let part = part.expect("the stream hangs")?.expect("bytes");
            self.text.push_str(std::str::from_utf8(&part).expect("text"));
        }
    }

    /// The next event that is neither ping nor progress.
    async fn told(&mut self) -> Sent {
        loop {
            let sent = self.next().await.expect("the stream goes on");
            if sent.event != "ping" && sent.event != "progress" {
                return sent;
            }
        }
    }

    /// Passes over everything up to the next ping.
    async fn ping(&mut self) -> Sent {
        loop {
            let sent = self.next().await.expect("the stream goes on");
            if sent.event == "ping" {
                return sent;
            }
        }
    }
}

const EVENTS: &str = "/api/v1/events/stream";

#[tokio::test]
async fn events_are_resumed_without_gap_or_double() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let begin = hub.ledger.last_seq().await.expect("seq");
    let mut seen = Vec::new();
    let mut last = begin;
    for round in 0..5 {
        hub.enqueue("demo", verify("shared")).await;
        let mut reader = Reader::open(&hub, EVENTS, &admin, Some(last)).await;
        hub.enqueue("demo", verify("shared")).await;
        // Cut after one or two of them, so that some wait for the next round.
        for _ in 0..(1 + round % 2) {
            let sent = reader.told().await;
            assert_eq!(sent.event, "ironcore.task.queued");
            assert_eq!(sent.data["specversion"], "1.0");
            last = sent.seq();
            seen.push(last);
        }
    }
    let mut reader = Reader::open(&hub, &format!("{EVENTS}?after={last}"), &admin, None).await;
    while seen.len() < 10 {
        seen.push(reader.told().await.seq());
    }
    // One at a time, so that each is read by a look of its own.
    for _ in 0..3 {
        hub.enqueue("demo", verify("shared")).await;
        seen.push(reader.told().await.seq());
    }
    let all = hub
        .ledger
        .events_after(begin, 100, &ironcore_ledger::model::Scope::All)
        .await
        .expect("events");
    assert_eq!(seen, all.iter().map(|event| event.seq).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_without_a_place_begins_now_and_says_where_that_is() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    hub.enqueue("demo", verify("shared")).await;
    let last = hub.ledger.last_seq().await.expect("seq");
    let mut reader = Reader::open(&hub, EVENTS, &admin, None).await;
    let ping = reader.next().await.expect("a ping");
    assert_eq!((ping.event.as_str(), ping.seq()), ("ping", last));
    hub.enqueue("demo", verify("shared")).await;
    assert!(reader.told().await.seq() > last);
    hub.clock.forward(16);
    assert_eq!(reader.next().await.expect("a ping").event, "ping");
}

#[tokio::test]
async fn members_hear_of_their_project_alone() {
    let hub = Hub::start().await;
    let member = hub.token(Role::Member, Some("demo")).await;
    let mut reader = Reader::open(&hub, &format!("{EVENTS}?after=0"), &member, None).await;
    let foreign = hub.enqueue("zebra", verify("zebra-store")).await;
    let running = hub.claim().await;
    assert_eq!(running.upid, foreign.upid);
    let progress = Progress {
        stages: vec![Stage {
            name: "zebra".to_owned(),
            ..Stage::default()
        }],
    };
    hub.ledger
        .set_progress(running.id, hub.session, &progress)
        .await
        .expect("progress");
    hub.clock.forward(2);
    let own = hub.enqueue("demo", verify("shared")).await;
    loop {
        let sent = reader.next().await.expect("the stream goes on");
        assert!(!sent.data.to_string().contains("zebra"), "{sent:?}");
        if sent.data["subject"] == own.upid.to_string() {
            break;
        }
    }
}

#[tokio::test]
async fn progress_is_told_when_it_changed() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let task = hub.enqueue("demo", verify("shared")).await;
    hub.claim().await;
    let mut reader = Reader::open(&hub, EVENTS, &admin, None).await;
    for done in [1, 2] {
        let stage = Stage {
            name: "check".to_owned(),
            done,
            bytes: done * 100,
            ..Stage::default()
        };
        let progress = Progress { stages: vec![stage] };
        hub.ledger
            .set_progress(task.id, hub.session, &progress)
            .await
            .expect("progress");
        hub.clock.forward(1);
        loop {
            let sent = reader.next().await.expect("the stream goes on");
            if sent.event == "progress" && sent.data["bytes"] == done * 100 {
                assert_eq!(sent.data["upid"], task.upid.to_string());
                assert_eq!(sent.id, None);
                break;
            }
        }
    }
}

fn line(text: &str) -> NewLogLine {
    NewLogLine {
        time: Timestamp::from_seconds(1_779_321_600),
        level: LogLevel::Info,
        text: text.to_owned(),
    }
}

#[tokio::test]
async fn logs_are_followed_to_their_end_and_resumed_by_line() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let task = hub.enqueue("demo", verify("shared")).await;
    hub.claim().await;
    let path = format!("/api/v1/tasks/{}/log/stream", encode(&task.upid));
    let log = async |text: &[&str]| {
        let lines: Vec<NewLogLine> = text.iter().map(|text| line(text)).collect();
        hub.ledger
            .append_log(task.id, hub.session, &lines)
            .await
            .expect("logged");
    };
    log(&["one", "two"]).await;
    let mut reader = Reader::open(&hub, &path, &admin, None).await;
    assert_eq!(reader.told().await.data["text"], "one");
    drop(reader);
    log(&["three"]).await;
    let mut reader = Reader::open(&hub, &path, &admin, Some(1)).await;
    assert_eq!(reader.told().await.data["text"], "two");
    assert_eq!(reader.told().await.data["text"], "three");
    log(&["four"]).await;
    hub.finish(&task, TaskState::Ok).await;
    assert_eq!(reader.told().await.seq(), 4);
    let end = reader.told().await;
    assert_eq!((end.seq(), &end.data["text"]), (5, &json!("ended OK: 0 bytes")));
    let done = reader.told().await;
    assert_eq!(
        (done.event.as_str(), &done.data["status"]),
        ("done", &json!("OK"))
    );
    assert!(reader.next().await.is_none(), "nothing follows");
}

#[tokio::test]
async fn streams_of_a_user_end_with_what_it_may_do() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    alice(&hub, &admin).await;
    let task = hub.enqueue("demo", verify("shared")).await;
    let log = format!("/api/v1/tasks/{}/log/stream", encode(&task.upid));
    let own = NewToken {
        user: user("alice@local!own"),
        role: Role::Member.into(),
        project: Some("demo".parse().expect("a project")),
        secret_sha256: secret_hash("alice's own"),
        comment: None,
        expires: None,
        actor: None,
    };
    hub.ledger.create_token(None, own).await.expect("a token");
    let change = async |enabled: bool| {
        let path = "/api/v1/users/alice@local";
        let body = Some(json!({ "enabled": enabled }));
        hub.ask(Method::PATCH, path, Some(&admin), body)
            .await
            .expect(StatusCode::OK);
    };
    let mut staying = Reader::open(&hub, EVENTS, &admin, None).await;
    staying.ping().await;
    for path in [EVENTS, &log] {
        // No time passes in any of these.
        let mut leaving = Reader::open(&hub, path, "alice's own", None).await;
        leaving.ping().await;
        change(false).await;
        while leaving.next().await.is_some() {}
        change(true).await;
        let (cookie, csrf) = kept(&sign_in(&hub, "alice", PASSWORD).await);
        let mut leaving = Reader::browse(&hub, path, &cookie).await;
        leaving.ping().await;
        browse(&hub, Method::POST, "/api/v1/logout", &cookie, Some(&csrf), None).await;
        while leaving.next().await.is_some() {}
    }
    hub.enqueue("demo", verify("shared")).await;
    assert_eq!(staying.told().await.event, "ironcore.task.queued");
}

#[tokio::test]
async fn streams_end_with_their_token_and_with_the_server() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let auditor = hub.token(Role::Auditor, None).await;
    let mut staying = Reader::open(&hub, EVENTS, &admin, None).await;
    let mut leaving = Reader::open(&hub, EVENTS, &auditor, None).await;
    staying.ping().await;
    leaving.ping().await;
    hub.ledger
        .revoke_token(None, &user("auditor@local!hub"))
        .await
        .expect("revoked");
    // At once: no time passes.
    while leaving.next().await.is_some() {}
    hub.clock.forward(16);
    staying.ping().await;
    hub.shutdown.cancel();
    while staying.next().await.is_some() {}
}

#[tokio::test]
async fn open_streams_are_counted() {
    let hub = Hub::with(Limits {
        streams: 1,
        ..Limits::default()
    })
    .await;
    let admin = hub.token(Role::Admin, None).await;
    let reader = Reader::open(&hub, EVENTS, &admin, None).await;
    hub.get(EVENTS, &admin)
        .await
        .problem(StatusCode::TOO_MANY_REQUESTS, "overloaded");
    drop(reader);
    Reader::open(&hub, EVENTS, &admin, None).await;
}
