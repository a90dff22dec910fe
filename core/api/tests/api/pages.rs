//! Lists in pages, filters, logs in parts, and tasks as they are shown.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use ironcore_ledger::model::{LogLevel, NewLogLine, Role, Tick};
use ironcore_types::{TaskState, TaskType};
use serde_json::{Value, json};

use crate::setup::{Hub, encode, verify};

fn upids(page: &Value) -> Vec<String> {
    let tasks = page["tasks"].as_array().expect("tasks");
    tasks
        .iter()
        .map(|task| task["upid"].as_str().expect("upid").to_owned())
        .collect()
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_double() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.push(hub.enqueue("demo", verify("shared")).await.upid.to_string());
    }
    expected.reverse();
    let (mut seen, mut more) = (Vec::new(), String::new());
    for round in 0..3 {
        let page = hub
            .get(&format!("/api/v1/tasks?project=demo&limit=3{more}"), &admin)
            .await;
        let page = page.expect(StatusCode::OK);
        assert_eq!(page["count"], 7 + round);
        assert_eq!(page["count_capped"], false);
        seen.extend(upids(&page));
        // New tasks come before the first page, so they disturb no later one.
        hub.enqueue("demo", verify("shared")).await;
        more = page["next"]
            .as_str()
            .map(|next| format!("&cursor={}", encode(next)))
            .unwrap_or_default();
    }
    assert_eq!(more, "", "three pages hold seven tasks");
    assert_eq!(seen, expected);
    let bad = hub.get("/api/v1/tasks?cursor=nonsense", &admin).await;
    bad.problem(StatusCode::BAD_REQUEST, "request.invalid");
}

#[tokio::test]
async fn filters_take_lists_any_case_and_relative_times() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let old = hub.enqueue("demo", verify("shared")).await;
    hub.claim().await;
    hub.finish(&old, TaskState::Ok).await;
    hub.clock.forward(2 * 3600);
    let new = hub
        .enqueue("demo", json!({ "type": "gc", "datastore": "shared" }))
        .await;

    let found = async |query: &str| {
        let page = hub
            .get(&format!("/api/v1/tasks?{query}"), &admin)
            .await
            .expect(StatusCode::OK);
        upids(&page)
    };
    let (old, new) = (old.upid.to_string(), new.upid.to_string());
    assert_eq!(found("since=1h%20ago").await, [new.as_str()]);
    assert_eq!(found("since=24h%20ago").await, [new.as_str(), old.as_str()]);
    assert_eq!(found("until=1h+ago").await, [old.as_str()]);
    assert_eq!(found("status=OK").await, [old.as_str()]);
    assert_eq!(found("status=ok,QUEUED").await, [new.as_str(), old.as_str()]);
    assert_eq!(found("type=gc,prune").await, [new.as_str()]);
    assert_eq!(found("type=&status=&user=").await, [new, old]);
}

#[tokio::test]
async fn tasks_say_how_they_are_and_why_they_wait() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let task = hub.enqueue("demo", verify("shared")).await;
    let path = format!("/api/v1/tasks/{}", encode(&task.upid));
    let shown = hub.get(&path, &admin).await.expect(StatusCode::OK);
    assert_eq!(shown["type"], "verify");
    assert_eq!(shown["status"], "queued");
    assert_eq!(shown["waiting"], "a worker takes it in a moment");
    assert_eq!(shown["queue_position"], 1);
    let behind = hub.enqueue("demo", verify("shared")).await;
    let behind = format!("/api/v1/tasks/{}", encode(&behind.upid));
    let first = hub.ledger.claim(hub.session, &[TaskType::Verify], 1).await;
    assert_eq!(first.expect("claimed").len(), 1);
    let shown = hub.get(&behind, &admin).await.expect(StatusCode::OK);
    assert_eq!(shown["waiting"], "all worker slots are taken (1 slot in all)");
    assert_eq!(shown["queue_position"], 1);
    let (path, gone) = (behind, path);
    let shown = hub.get(&gone, &admin).await.expect(StatusCode::OK);
    assert_eq!(shown["queue_position"], Value::Null);
    hub.ledger.end_session(hub.session).await.expect("ended");
    let shown = hub.get(&path, &admin).await.expect(StatusCode::OK);
    assert_eq!(shown["waiting"], "no worker that runs verify tasks is online");

    let answer = hub
        .post(&format!("{path}/cancel"), &admin, json!({}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer["outcome"], "cancelled");
    let shown = hub.get(&path, &admin).await.expect(StatusCode::OK);
    assert_eq!(
        (&shown["status"], &shown["waiting"]),
        (&json!("CANCELLED"), &Value::Null)
    );
    assert_eq!(shown["cancelled_by"], "admin@local!hub");
    let listed = hub
        .get("/api/v1/tasks?status=cancelled", &admin)
        .await
        .expect(StatusCode::OK);
    assert_eq!(listed["tasks"][0]["cancelled_by"], shown["cancelled_by"]);
    let answer = hub
        .post(&format!("{path}/cancel"), &admin, json!({}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer["outcome"], "already-over");
}

#[tokio::test]
async fn an_idempotency_key_runs_a_job_once() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    hub.apply(json!({ "job": [
        { "project": "demo", "name": "one", "owner": "root@local", "task": { "type": "gc", "datastore": "shared" } },
        { "project": "demo", "name": "two", "owner": "root@local", "task": { "type": "gc", "datastore": "shared" } },
    ]}))
    .await;
    let send = async |key: &str, job: &str| {
        let request = Request::post(format!("/api/v1/jobs/demo/{job}/run"))
            .header(header::AUTHORIZATION, format!("Bearer {admin}"))
            .header("idempotency-key", key);
        hub.answer(request.body(Body::empty()).expect("request")).await
    };
    let first = send("k", "one").await.expect(StatusCode::ACCEPTED);
    let again = send("k", "one").await.expect(StatusCode::ACCEPTED);
    assert_eq!(again["upid"], first["upid"]);
    send("k", "two")
        .await
        .problem(StatusCode::BAD_REQUEST, "request.invalid");
    let other = send("l", "one").await.expect(StatusCode::ACCEPTED);
    assert_ne!(other["upid"], first["upid"]);
}

#[tokio::test]
async fn an_idempotency_key_starts_one_task() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let send = async |key: &str, datastore: &str| {
        let body = json!({ "spec": verify(datastore) }).to_string();
        let request = Request::post("/api/v1/tasks")
            .header(header::AUTHORIZATION, format!("Bearer {admin}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", key);
        hub.answer(request.body(Body::from(body)).expect("request")).await
    };
    let first = send("one", "shared").await.expect(StatusCode::ACCEPTED);
    // The same task, also when it could not be started any more.
    hub.claim().await;
    let again = send("one", "shared").await.expect(StatusCode::ACCEPTED);
    assert_eq!(again["upid"], first["upid"]);
    let other = send("one", "zebra-store").await;
    let problem = other.problem(StatusCode::BAD_REQUEST, "request.invalid");
    assert_eq!(
        problem["detail"],
        "This Idempotency-Key was used for another request."
    );
    let second = send("two", "shared").await.expect(StatusCode::ACCEPTED);
    assert_ne!(second["upid"], first["upid"]);
    for bad in [String::new(), "k".repeat(129)] {
        send(&bad, "shared")
            .await
            .problem(StatusCode::BAD_REQUEST, "request.invalid");
    }
    hub.clock.forward(24 * 3600);
    let later = send("one", "zebra-store").await.expect(StatusCode::ACCEPTED);
    assert_ne!(later["upid"], first["upid"]);
    let page = hub.get("/api/v1/tasks", &admin).await.expect(StatusCode::OK);
    assert_eq!(page["count"], 3);
}

#[tokio::test]
async fn logs_are_read_in_parts_and_as_text() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let task = hub.enqueue("demo", verify("shared")).await;
    hub.claim().await;
    let lines: Vec<NewLogLine> = (1..=2500)
        .map(|number| NewLogLine {
            time: task.queued,
            level: if number == 7 {
                LogLevel::Warn
            } else {
                LogLevel::Info
            },
            text: format!("line {number}"),
        })
        .collect();
    hub.ledger
        .append_log(task.id, hub.session, &lines)
        .await
        .expect("logged");
    let path = format!("/api/v1/tasks/{}", encode(&task.upid));

    let part = hub
        .get(&format!("{path}/log?after=5&limit=2"), &admin)
        .await
        .expect(StatusCode::OK);
    assert_eq!(part["lines"][1]["text"], "line 7");
    assert_eq!((&part["next"], &part["done"]), (&json!(7), &json!(false)));
    hub.finish(&task, TaskState::Ok).await;
    let part = hub
        .get(&format!("{path}/log?after=2500"), &admin)
        .await
        .expect(StatusCode::OK);
    assert_eq!((&part["next"], &part["done"]), (&json!(2501), &json!(true)));

    let text = hub.get(&format!("{path}/log.txt"), &admin).await;
    assert_eq!(text.head[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    let printed = hub.ledger.log_after(task.id, 0, 10).await.expect("lines");
    let shown: Vec<&str> = text.text.lines().collect();
    assert_eq!(shown.len(), 2501);
    assert!(shown[2500].ends_with("ended OK: 0 bytes"), "{}", shown[2500]);
    for (line, shown) in printed.iter().zip(shown) {
        assert_eq!(line.to_string(), shown);
    }
}

#[tokio::test]
async fn a_run_that_waits_for_the_end_of_a_blackout_is_the_next() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    hub.apply(json!({ "job": [{
        "project": "demo", "name": "dark", "owner": "root@local", "schedule": "hourly",
        "blackout": [{ "from": "00:00", "lasts": "4h" }],
        "task": { "type": "gc", "datastore": "shared" },
    }] }))
    .await;
    let held = json!({ "from": "00:00", "lasts": "4h", "until": "2026-05-21T04:00:00Z" });
    let job = hub
        .get("/api/v1/jobs/demo/dark", &admin)
        .await
        .expect(StatusCode::OK);
    assert_eq!(job["waiting"], Value::Null);
    assert_eq!(
        job["next"][0],
        json!({
            "begins": "2026-05-21T04:00:00Z", "due": "2026-05-21T01:00:00Z", "ticks": 4, "left_out": 0,
            "held_by": held, "upid": null,
        })
    );

    hub.clock.forward(3_600);
    let tick = Tick {
        project: "demo".parse().expect("project"),
        job: "dark".parse().expect("job"),
        cursor: hub
            .ledger
            .cursors()
            .await
            .expect("cursors")
            .iter()
            .find(|cursor| cursor.job.name.as_str() == "dark")
            .expect("a cursor")
            .until,
        scheduled_for: hub.seams.now(),
        missed: 0,
        late: false,
        run: true,
    };
    let fired = hub.ledger.fire_ticks(&[tick]).await.expect("fired");
    let upid = fired.first().expect("a run").upid.to_string();
    let job = hub
        .get("/api/v1/jobs/demo/dark", &admin)
        .await
        .expect(StatusCode::OK);
    let waiting = json!({
        "begins": "2026-05-21T04:00:00Z", "due": "2026-05-21T01:00:00Z", "ticks": 1, "left_out": 0,
        "held_by": held, "upid": upid,
    });
    assert_eq!(job["waiting"], waiting);
    // The ticks of 02:00 and 03:00 come while it waits, that of 04:00 when it may begin.
    let (first, second) = (&job["next"][0], &job["next"][1]);
    assert_eq!((&first["upid"], &first["ticks"]), (&json!(upid), &json!(4)));
    assert_eq!(
        (&second["due"], &second["held_by"]),
        (&json!("2026-05-21T05:00:00Z"), &Value::Null)
    );
}

#[tokio::test]
async fn jobs_tell_their_next_times_and_their_newest_task() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let started = hub
        .post("/api/v1/jobs/demo/nightly/run", &admin, json!({ "full": true }))
        .await;
    let started = started.expect(StatusCode::ACCEPTED);
    let job = hub
        .get("/api/v1/jobs/demo/nightly", &admin)
        .await
        .expect(StatusCode::OK);
    assert_eq!(job["next"][0]["begins"], "2026-05-21T02:00:00Z");
    assert_eq!(job["next"].as_array().expect("runs").len(), 10);
    assert_eq!(job["last"]["upid"], started["upid"]);
    let task = hub.claim().await;
    assert!(
        serde_json::to_value(&task.spec).expect("spec")["full"]
            .as_bool()
            .expect("full")
    );
    let wrong = hub
        .post(
            "/api/v1/jobs/zebra/zebra-job/run",
            &admin,
            json!({ "full": true }),
        )
        .await;
    wrong.problem(StatusCode::BAD_REQUEST, "request.invalid");
    hub.get("/api/v1/jobs/demo/missing", &admin)
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
}

#[tokio::test]
async fn the_status_shows_services_that_nobody_offers() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    hub.enqueue("demo", verify("shared")).await;
    hub.post("/api/v1/scheduler/pause", &admin, json!({}))
        .await
        .expect(StatusCode::OK);
    let status = hub.get("/api/v1/status", &admin).await.expect(StatusCode::OK);
    assert_eq!(status["queue_depth"], 1);
    assert!(status["scheduler_paused"].is_string());
    let state = |name: &str| {
        let services = status["services"].as_array().expect("services");
        services
            .iter()
            .find(|service| service["service"] == name)
            .expect(name)["state"]
            .clone()
    };
    assert_eq!(state("worker"), "online");
    assert_eq!(state("scheduler"), "offline");
}

#[tokio::test]
async fn the_inbox_counts_what_its_user_has_not_read() {
    let hub = Hub::start().await;
    let member = hub.token(Role::Member, Some("demo")).await;
    hub.enqueue("demo", verify("shared")).await;
    hub.enqueue("zebra", verify("zebra-store")).await;
    let inbox = hub.get("/api/v1/inbox", &member).await.expect(StatusCode::OK);
    let types: Vec<_> = inbox["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|e| &e["event"]["type"])
        .collect();
    assert_eq!(types, ["ironcore.task.queued", "ironcore.auth.token-created"]);
    assert_eq!(inbox["unread"], 2);
    let seq = inbox["entries"][0]["seq"].as_i64().expect("seq");
    let marked = hub
        .post(&format!("/api/v1/inbox/{seq}/read"), &member, json!({}))
        .await;
    assert_eq!(marked.expect(StatusCode::OK)["changed"], 1);
    let inbox = hub
        .get("/api/v1/inbox?unread=true", &member)
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (
            inbox["entries"].as_array().expect("entries").len(),
            &inbox["unread"]
        ),
        (1, &json!(1))
    );
}

#[tokio::test]
async fn a_log_that_is_kept_no_longer_is_no_empty_log() {
    let hub = Hub::start().await;
    let admin = hub.token(Role::Admin, None).await;
    let task = hub.enqueue("demo", verify("shared")).await;
    let claimed = hub.claim().await;
    hub.finish(&claimed, TaskState::Ok).await;
    let path = format!("/api/v1/tasks/{}/log", encode(&task.upid));
    let whole = hub.get(&path, &admin).await.expect(StatusCode::OK);
    assert_eq!(whole["removed"], false);
    hub.clock.forward(3600);
    hub.ledger.remove_logs(hub.seams.now()).await.expect("removed");
    let gone = hub.get(&path, &admin).await.expect(StatusCode::OK);
    assert_eq!((&gone["removed"], &gone["lines"]), (&json!(true), &json!([])));
    for part in [".txt", "/stream"] {
        let answer = hub.get(&format!("{path}{part}"), &admin).await;
        let problem = answer.problem(StatusCode::NOT_FOUND, "not-found");
        assert!(
            problem["detail"].as_str().expect("why").contains("older"),
            "{problem}"
        );
    }
}
