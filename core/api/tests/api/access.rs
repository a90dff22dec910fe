//! Nothing without a token, and nothing of another project: each route of the document is tried.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use ironcore_api::{openapi, walk};
use ironcore_ledger::model::{
    AttemptOutcome, FanOut, FinishAttempt, HandlerRef, IncidentStep, Joins, NewMessage, NewSilence, Role,
    Task,
};
use ironcore_types::notification::Matchers;
use ironcore_types::objects::Handler;
use ironcore_types::{ErrorCode, IncidentId, MessageId, Severity, SilenceId, TaskState};
use serde_json::{Value, json};

use crate::setup::{Hub, encode, verify};

/// Every operation, its path still with parameters.
fn operations() -> Vec<(Method, String, String)> {
    let found = walk(&openapi()).into_iter().map(|(method, path, id)| {
        let method = serde_json::to_value(&method).expect("method");
        let method = method.as_str().expect("text").to_ascii_uppercase();
        (method.parse().expect("method"), path, id)
    });
    found.collect()
}

/// What belongs to the project `zebra`.
pub(crate) struct Foreign {
    task: Task,
    pub(crate) message: MessageId,
    pub(crate) incident: IncidentId,
    event: String,
    seq: i64,
    silence: SilenceId,
}

pub(crate) async fn foreign(hub: &Hub) -> Foreign {
    let task = hub.enqueue("zebra", verify("zebra-store")).await;
    hub.claim().await;
    hub.finish(&task, TaskState::Ok).await;
    let handler = HandlerRef {
        project: task.project.clone(),
        group: "zebra-group".parse().expect("group"),
        handler: "hook".parse().expect("handler"),
    };
    let snapshot: Handler =
        serde_json::from_value(json!({ "name": "hook", "plugin": "hook", "config": {} })).expect("handler");
    let mut fanouts = Vec::new();
    let events = hub.ledger.take_unmatched(100).await.expect("events");
    let last = events
        .iter()
        .rfind(|event| event.event.data.project == task.project)
        .expect("an event")
        .clone();
    for event in events {
        let message = NewMessage {
            handler: handler.clone(),
            snapshot: snapshot.clone(),
            recipient: "zebra@example".to_owned(),
            thread: "t".to_owned(),
            kind: "notice".to_owned(),
            window: "w".to_owned(),
            lane: "lane".to_owned(),
            due: event.event.time,
            attrs: serde_json::Map::new(),
        };
        let messages = if event.seq == last.seq {
            vec![message]
        } else {
            Vec::new()
        };
        let joins = Joins {
            cause: "zebra".to_owned(),
            member: "job/zebra/zebra-job".to_owned(),
            loose: false,
            condition: None,
            title: "zebra fails".to_owned(),
            over: "zebra works".to_owned(),
            severity: Severity::Error,
            scopes: BTreeSet::from([None, task.project.clone()]),
            told: BTreeSet::from([handler.clone()]),
        };
        let step = IncidentStep {
            joins: Some(joins),
            ..IncidentStep::default()
        };
        fanouts.push(FanOut {
            rates: Vec::new(),
            silenced: Vec::new(),
            incident: (event.seq == last.seq).then_some(step),
            outcome: None,
            seq: event.seq,
            tips: Vec::new(),
            matches: Vec::new(),
            messages,
        });
    }
    let report = hub.ledger.record_fanout(fanouts).await.expect("fan-out");
    hub.apply(json!({ "maintenance": [
        { "project": "zebra", "name": "zebra-window", "from": "*-*-* *:00", "lasts": "59m" },
    ]}))
    .await;
    let now = hub.seams.now();
    let silence = NewSilence {
        project: task.project.clone(),
        when: Matchers::default(),
        from: now,
        until: now.after(std::time::Duration::from_secs(3_600)),
        comment: "zebra".to_owned(),
        by: "zebra@local".parse().expect("user"),
        key: None,
    };
    let incident = hub.ledger.incident_of(task.project.as_ref(), "zebra").await;
    Foreign {
        silence: hub.ledger.add_silence(silence).await.expect("a silence").id,
        incident: incident.expect("ledger").expect("an incident").id,
        task,
        message: report.created[0],
        event: last.event.id.to_string(),
        seq: last.seq,
    }
}

fn fill(path: &str, foreign: &Foreign) -> String {
    let fills = [
        ("{upid}", encode(&foreign.task.upid)),
        (
            "{project}/{name}",
            match path.split('/').nth(3) {
                Some("groups") => "zebra/zebra-group",
                Some("maintenance") => "zebra/zebra-window",
                _ => "zebra/zebra-job",
            }
            .to_owned(),
        ),
        (
            "{name}",
            if path.contains("projects") {
                "zebra"
            } else {
                "zebra-store"
            }
            .to_owned(),
        ),
        ("{handler}", "hook".to_owned()),
        ("{datastore}", "zebra-store".to_owned()),
        ("{ref}", encode("zebra-store:vm/12345/2026-05-21T00:00:00Z")),
        (
            "{id}",
            if path.contains("silences") {
                foreign.silence.to_string()
            } else if path.contains("incidents") {
                foreign.incident.to_string()
            } else {
                foreign.message.to_string()
            },
        ),
        ("{seq}", foreign.seq.to_string()),
        ("{number}", "1".to_owned()),
        ("{realm}", "corp".to_owned()),
        ("{user}", encode("admin@local!hub")),
    ];
    let filled = fills
        .iter()
        .fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
    assert!(
        !filled.contains('{'),
        "{path} has a parameter that this test does not know"
    );
    filled
}

/// A body that would reach into `zebra`, for operations that want one.
fn body(operation: &str, foreign: &Foreign) -> Option<Value> {
    match operation {
        "start_task" => Some(json!({ "project": "zebra", "spec": verify("zebra-store") })),
        "plan_runs" => Some(json!({ "job": {
            "project": "zebra", "name": "new", "owner": "me@local", "task": verify("zebra-store"),
        } })),
        "plan_prune" => Some(json!({ "prune": { "datastore": "zebra-store" } })),
        "apply" => Some(json!({ "project": [{ "name": "zebra", "title": "taken over" }] })),
        "add_datastore" => {
            Some(json!({ "mode": "create", "object": { "name": "new", "path": "/nonexistent/zebra" } }))
        }
        "create_user" => Some(json!({ "user": "me@local", "grants": [{ "role": "admin" }] })),
        "change_user" => Some(json!({ "enabled": false })),
        "grant_role" | "switch_role" => Some(json!({ "role": "admin" })),
        "put_role" => Some(json!({ "rights": ["configure"] })),
        "change_own_password" => Some(json!({ "old": "x", "new": "what nobody knows" })),
        "login" => Some(json!({ "user": "nobody", "password": "what nobody knows" })),
        "set_up" => Some(json!({ "token": "ibs_0000", "user": "me", "password": "what nobody knows" })),
        "login_second_factor" => Some(json!({ "step": "ibs_0000", "code": "123456" })),
        "login_new_second_factor" => Some(json!({ "step": "ibs_0000" })),
        "propose_second_factor" => Some(json!({ "password": "what nobody knows" })),
        "confirm_second_factor" => Some(json!({ "code": "123456" })),
        "remove_own_second_factor" => Some(json!({ "password": "what nobody knows", "code": "123456" })),
        "create_token" => Some(json!({ "user": "me@local!more", "role": "admin" })),
        "set_secret" => Some(json!({ "value": "taken over" })),
        "create_silence" => Some(json!({ "project": "zebra", "for": "1h", "comment": "quiet" })),
        "test_handlers" => Some(json!({ "project": "zebra", "group": "zebra-group" })),
        "preview_event" => Some(json!({ "event": foreign.event, "template": { "text": "x" } })),
        "explain_event" => Some(json!({ "event": foreign.event })),
        "use_button" => Some(json!({ "kind": "acknowledge" })),
        "mark_entries" => Some(json!({ "seqs": [foreign.seq], "read": true })),
        "take_action" => Some(json!({ "event": foreign.event, "kind": "verify", "target": "zebra-store" })),
        _ => None,
    }
}

#[tokio::test]
async fn nothing_but_health_answers_without_a_token() {
    let hub = Hub::start().await;
    let foreign = foreign(&hub).await;
    for (method, path, operation) in operations() {
        let url = fill(&path, &foreign);
        for secret in [None, Some("ibs_0000"), Some("")] {
            let answer = hub
                .ask(method.clone(), &url, secret, body(&operation, &foreign))
                .await;
            if matches!(operation.as_str(), "health" | "login_ways") {
                assert_eq!(answer.status, StatusCode::OK);
            } else if operation.starts_with("login_oidc") {
                answer.problem(StatusCode::NOT_FOUND, "not-found");
            } else {
                let problem = answer.problem(StatusCode::UNAUTHORIZED, "auth.required");
                assert!(!problem.to_string().contains("zebra"), "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_member_reaches_nothing_of_another_project_by_any_route() {
    let hub = Hub::start().await;
    let foreign = foreign(&hub).await;
    hub.token(Role::Admin, None).await;
    let secret = hub.token(Role::Member, Some("demo")).await;
    for (method, path, operation) in operations() {
        // Streams have no end; they have tests of their own, and so has signing in.
        if matches!(operation.as_str(), "follow_events" | "set_up") || operation.starts_with("login") {
            continue;
        }
        let url = match operation.as_str() {
            "read_entries" => format!("{path}?until=1000"),
            "take_role" => format!("{}?role=admin", fill(&path, &foreign)),
            _ => fill(&path, &foreign),
        };
        let answer = hub
            .ask(method.clone(), &url, Some(&secret), body(&operation, &foreign))
            .await;
        let refused = matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
        if path.contains('{') {
            assert!(refused, "{method} {url}: {} {}", answer.status, answer.text);
        } else if method == Method::GET {
            assert!(
                refused || answer.status == StatusCode::OK,
                "{method} {url}: {}",
                answer.text
            );
            assert!(!answer.text.contains("zebra"), "{method} {url}: {}", answer.text);
        } else if operation == "mark_entries" {
            assert_eq!(
                answer.expect(StatusCode::OK)["changed"],
                0,
                "what is not seen is left alone"
            );
        } else if !matches!(operation.as_str(), "read_entries" | "mute") {
            assert!(refused, "{method} {url}: {} {}", answer.status, answer.text);
        }
    }
    let task = hub
        .ledger
        .task(&foreign.task.upid)
        .await
        .expect("ledger")
        .expect("still there");
    assert_eq!(task.state, TaskState::Ok);
}

#[tokio::test]
async fn filters_do_not_reach_into_other_projects() {
    let hub = Hub::start().await;
    foreign(&hub).await;
    let secret = hub.token(Role::Member, Some("demo")).await;
    for path in [
        "tasks",
        "jobs",
        "groups",
        "messages",
        "silences",
        "maintenance",
        "incidents",
    ] {
        let path = format!("/api/v1/{path}?project=zebra");
        hub.get(&path, &secret)
            .await
            .problem(StatusCode::NOT_FOUND, "not-found");
    }
    let found = hub
        .get("/api/v1/tasks?text=zebra", &secret)
        .await
        .expect(StatusCode::OK);
    assert_eq!(found["tasks"], json!([]));
    assert_eq!(found["count"], 0);
}

#[tokio::test]
async fn dead_letters_are_sent_again_of_ones_own_project_alone_and_once() {
    let hub = Hub::start().await;
    let foreign = foreign(&hub).await;
    let session = hub.session;
    let claimed = hub.ledger.claim_messages(session, 10, 10).await.expect("claimed");
    assert_eq!(claimed.len(), 1);
    let now = hub.seams.now();
    let outcome = AttemptOutcome::Rejected {
        reason: "404 not found".to_owned(),
        code: ErrorCode::DeliveryRejected,
        gone: false,
    };
    hub.ledger
        .finish_attempt(FinishAttempt {
            message: foreign.message,
            session,
            started: now,
            ended: now,
            outcome,
            status: Some(404),
            exchanges: Vec::new(),
            detail: None,
            kv: Vec::new(),
            inbox: Vec::new(),
            attrs: None,
            refused: None,
            taken: false,
            tried: true,
        })
        .await
        .expect("finished");
    let admin = hub.token(Role::Admin, None).await;
    let groups = hub.get("/api/v1/groups", &admin).await.expect(StatusCode::OK);
    assert_eq!(groups["failing"][0]["handler"], "hook", "{groups}");
    let demo = hub.token(Role::Operator, Some("demo")).await;
    let groups = hub.get("/api/v1/groups", &demo).await.expect(StatusCode::OK);
    assert_eq!(groups["failing"], json!([]));
    for (secret, query, replayed) in [
        (&demo, "", 0),
        (&admin, "?project=demo", 0),
        (&admin, "?project=zebra&handler=hook&since=24h%20ago", 1),
        (&admin, "", 0),
    ] {
        let path = format!("/api/v1/messages/replay{query}");
        let answer = hub
            .post(&path, secret, json!({}))
            .await
            .expect(StatusCode::ACCEPTED);
        assert_eq!(answer["replayed"], replayed, "{query}");
    }
    // What nobody knows is no filter that leaves everything out; what has messages is known, whatever became of it.
    for (secret, query, missing) in [
        (&admin, "handler=other", "There is no handler other."),
        (
            &admin,
            "group=ops&handler=other",
            "There is no handler ops/other.",
        ),
        (&admin, "group=nobody", "There is no group nobody."),
        (&admin, "project=nowhere", "There is no project nowhere."),
        (&admin, "project=demo&handler=hook", "There is no handler hook."),
        (&demo, "handler=hook", "There is no handler hook."),
    ] {
        for answer in [
            hub.get(&format!("/api/v1/messages?{query}"), secret).await,
            hub.post(&format!("/api/v1/messages/replay?{query}"), secret, json!({}))
                .await,
        ] {
            let problem = answer.problem(StatusCode::NOT_FOUND, "not-found");
            assert_eq!(problem["detail"], missing, "{query}");
        }
    }
    let listed = hub.get("/api/v1/messages?handler=hook", &admin).await;
    assert_eq!(
        listed.expect(StatusCode::OK)["count"],
        2,
        "its group is not declared"
    );
    let fixed = hub.get("/api/v1/messages?handler=inbox", &demo).await;
    assert_eq!(fixed.expect(StatusCode::OK)["count"], 0);
    hub.post("/api/v1/messages/replay?since=yesterdayish", &admin, json!({}))
        .await
        .problem(StatusCode::BAD_REQUEST, "request.invalid");
}

#[tokio::test]
async fn roles_may_what_their_table_says() {
    let hub = Hub::start().await;
    let project = Some("demo");
    let admin = hub.token(Role::Admin, None).await;
    let operator = hub.token(Role::Operator, None).await;
    let auditor = hub.token(Role::Auditor, None).await;
    let project_admin = hub.token(Role::Admin, project).await;
    let member = hub.token(Role::Member, project).await;

    let restore = json!({ "spec": {
        "type": "restore", "snapshot": "shared:host/files/2026-05-21T00:00:00Z", "to": "/srv/restored",
    } });
    let backup = json!({ "spec": {
        "type": "backup", "source": { "tree": "/etc" }, "datastore": "shared", "backup-id": "etc",
    } });
    let gc = json!({ "spec": { "type": "gc", "datastore": "shared" } });
    let away = json!({ "spec": {
        "type": "sync", "to": "shared",
        "from": { "datastore": "theirs", "remote": { "url": "https://elsewhere:8007", "token-secret": "t" } },
    } });
    let table = [
        (&restore, [202, 202, 403, 403, 403]),
        (&backup, [202, 202, 403, 403, 403]),
        // Others use the datastore too, so a project's admin must not collect its garbage.
        (&gc, [202, 202, 403, 403, 403]),
        (&away, [202, 403, 403, 403, 403]),
    ];
    let secrets = [&admin, &operator, &auditor, &project_admin, &member];
    for (body, expected) in table {
        for (secret, status) in secrets.iter().zip(expected) {
            let answer = hub.post("/api/v1/tasks", secret, body.clone()).await;
            assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
        }
    }
    for (path, expected) in [
        ("/api/v1/scheduler/pause", [200, 200, 403, 403, 403]),
        ("/api/v1/scheduler/resume", [200, 200, 403, 403, 403]),
        ("/api/v1/jobs/demo/nightly/run", [202, 202, 403, 202, 202]),
        ("/api/v1/apply", [200, 403, 403, 403, 403]),
    ] {
        for (secret, status) in secrets.iter().zip(expected) {
            let answer = hub.post(path, secret, json!({})).await;
            assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        }
    }
    // Something is in the way of each, so all are there for the next token.
    for path in [
        "jobs/demo/nightly",
        "groups/demo/ops",
        "datastores/shared",
        "projects/demo",
    ] {
        let path = format!("/api/v1/{path}");
        for (secret, status) in secrets.iter().zip([409, 403, 403, 403, 403]) {
            let answer = hub.ask(Method::DELETE, &path, Some(secret), None).await;
            assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        }
    }
    for (path, expected) in [
        ("/api/v1/tokens", [200, 403, 200, 403, 403]),
        ("/api/v1/export", [200, 403, 200, 403, 403]),
        ("/api/v1/tasks", [200, 200, 200, 200, 200]),
    ] {
        for (secret, status) in secrets.iter().zip(expected) {
            let answer = hub.get(path, secret).await;
            assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_datastore_of_ones_own_may_be_worked_on_as_a_whole() {
    let hub = Hub::start().await;
    let operator = hub.token(Role::Operator, Some("zebra")).await;
    let member = hub.token(Role::Member, Some("zebra")).await;
    let gc = json!({ "spec": { "type": "gc", "datastore": "zebra-store" } });
    let started = hub
        .post("/api/v1/tasks", &operator, gc.clone())
        .await
        .expect(StatusCode::ACCEPTED);
    let shown = hub
        .get(
            &format!(
                "/api/v1/tasks/{}",
                encode(started["upid"].as_str().expect("upid"))
            ),
            &member,
        )
        .await;
    assert_eq!(shown.expect(StatusCode::OK)["project"], "zebra");
    hub.post("/api/v1/tasks", &member, gc)
        .await
        .problem(StatusCode::FORBIDDEN, "auth.denied");
    let check = json!({ "spec": verify("zebra-store") });
    hub.post("/api/v1/tasks", &member, check)
        .await
        .expect(StatusCode::ACCEPTED);
}

#[tokio::test]
async fn tokens_are_shown_once_and_end_when_taken_back() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let request =
        json!({ "user": "ci@local!runner", "role": "member", "project": "demo", "comment": "for tests" });
    let made = hub
        .post("/api/v1/tokens", &admin, request)
        .await
        .expect(StatusCode::CREATED);
    let secret = made["secret"].as_str().expect("secret").to_owned();
    let session = hub.get("/api/v1/session", &secret).await.expect(StatusCode::OK);
    assert_eq!(session["user"], "ci@local!runner");
    assert_eq!(session["project"], "demo");
    let listed = hub.get("/api/v1/tokens", &admin).await;
    assert!(listed.text.contains("ci@local!runner") && !listed.text.contains(&secret));

    let path = format!("/api/v1/tokens/{}", encode("ci@local!runner"));
    let gone = hub.ask(Method::DELETE, &path, Some(&admin), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    hub.get("/api/v1/session", &secret)
        .await
        .problem(StatusCode::UNAUTHORIZED, "auth.required");

    let unbound = json!({ "user": "who@local!x", "role": "member" });
    assert!(
        hub.post("/api/v1/tokens", &admin, unbound)
            .await
            .status
            .is_client_error()
    );
    let past = json!({ "user": "who@local!x", "role": "auditor", "expires": "2001-01-01T00:00:00Z" });
    hub.post("/api/v1/tokens", &admin, past)
        .await
        .problem(StatusCode::BAD_REQUEST, "request.invalid");
}
