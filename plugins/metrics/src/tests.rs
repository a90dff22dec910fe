//! Tests of the whole plugin, natively, with a host that records.

use ironcore_plugin::{
    Call, Delivery, Event, Failure, FailureScope, FakeHost, Plugin, Receipt, Slot, WrappedSecret, http,
};
use serde_json::{Value, json};

use crate::Metrics;

/// A run of `job` that ended `seconds` after two o'clock in `state`.
fn ended(job: Option<&str>, state: &str, seconds: i64) -> Event {
    let event_type = match state {
        "ok" => "ironcore.task.completed",
        "warning" => "ironcore.task.warning",
        "cancelled" => "ironcore.task.cancelled",
        _ => "ironcore.task.failed",
    };
    let ended = format!("2026-05-21T02:{:02}:{:02}.5Z", seconds / 60, seconds % 60);
    let mut event = Event::sample(
        event_type,
        &json!({
            "project": "office", "severity": "info", "title": "it ended",
            "task": {
                "upid": "UPID:node-1:00001267:0000032F:0000002A:6A0EF3C0:backup:x:ops@hub:",
                "type": "backup", "job": job, "user": "ops@hub", "state": state,
                "queued": "2026-05-21T01:59:58Z", "started": "2026-05-21T02:00:00Z", "ended": ended,
                "bytes": 1000, "warning_count": 3,
                "stats": { "bytes_read": 600, "bytes_logical": 1000, "bytes_stored": 100, "chunks": 10, "chunks_known": 6 },
            },
            "error": (state == "failed").then(|| json!({ "code": "source.unreachable", "message": "gone" })),
        }),
    );
    event.time_us = 1_779_328_800_500_000 + seconds * 1_000_000;
    event
}

fn influx() -> Value {
    json!({
        "target": "influxdb", "url": "http://influx.example:8086/", "org": "My Org", "bucket": "db/rp",
        "token": { "secret": "influx" }, "labels": { "site": "Main Hall, 1" },
    })
}

fn gateway() -> Value {
    json!({ "target": "push-gateway", "url": "https://push.example", "labels": { "site": "a\"b" } })
}

fn deliver(host: &FakeHost, config: Value, events: Vec<Event>) -> Result<Receipt, Failure> {
    let first = events.first().expect("an event").clone();
    let delivery = Delivery {
        events,
        ..Delivery::sample(first, &config)
    };
    Metrics::deliver(host, &delivery)
}

fn requests(host: &FakeHost) -> Vec<http::Request> {
    let calls = host.calls().into_iter();
    calls
        .filter_map(|call| match call {
            Call::Http(request) => Some(request),
            _ => None,
        })
        .collect()
}

fn text(request: &http::Request) -> &str {
    std::str::from_utf8(request.body.as_deref().expect("a body")).expect("text")
}

fn url(request: &http::Request) -> &str {
    match &request.url {
        Slot::Text(url) => url,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_is_one_request_with_a_line_for_each_task() {
    let host = FakeHost::new();
    let other = Event::sample("ironcore.job.overdue", &json!({ "title": "late" }));
    let events = vec![ended(Some("files"), "ok", 30), other, ended(None, "failed", 90)];
    let receipt = deliver(&host, influx(), events).expect("delivered");
    assert_eq!(receipt.status, Some(204));
    let requests = requests(&host);
    let [request] = &requests[..] else {
        panic!("{requests:?}")
    };
    assert_eq!(request.method, "POST");
    assert_eq!(
        url(request),
        "http://influx.example:8086/api/v2/write?bucket=db%2Frp&precision=ns&org=My%20Org"
    );
    let token = WrappedSecret {
        before: "Token ".to_owned(),
        secret: "influx".to_owned(),
        after: String::new(),
    };
    assert!(
        request
            .headers
            .contains(&("authorization".to_owned(), Slot::Wrapped(token)))
    );
    let expected = "ironcore_task,hub=hub,job=files,project=office,site=Main\\ Hall\\,\\ 1,state=ok,type=backup \
         bytes=1000i,warnings=3i,good=true,duration_seconds=30.5,queued_seconds=2.0,bytes_read=600i,\
         bytes_logical=1000i,bytes_stored=100i,chunks=10i,chunks_known=6i 1779328830500000042\n\
         ironcore_task,hub=hub,project=office,site=Main\\ Hall\\,\\ 1,state=failed,type=backup \
         bytes=1000i,warnings=3i,good=false,duration_seconds=90.5,queued_seconds=2.0,bytes_read=600i,\
         bytes_logical=1000i,bytes_stored=100i,chunks=10i,chunks_known=6i,error=\"source.unreachable\" \
         1779328890500000042\n";
    assert_eq!(text(request), expected);
}

#[test]
fn events_without_figures_are_delivered_without_a_request() {
    let host = FakeHost::new();
    let event = Event::sample("ironcore.job.overdue", &json!({ "title": "late" }));
    let receipt = deliver(&host, influx(), vec![event]).expect("delivered");
    assert_eq!((receipt.status, host.calls().len()), (None, 0));
}

#[test]
fn a_group_of_the_gateway_is_a_job_and_holds_its_last_run() {
    let host = FakeHost::new();
    let events = vec![
        ended(Some("files"), "ok", 30),
        ended(None, "ok", 40),
        ended(Some("files"), "failed", 50),
    ];
    deliver(&host, gateway(), events).expect("delivered");
    let requests = requests(&host);
    let urls: Vec<&str> = requests.iter().map(url).collect();
    let base = "https://push.example/metrics/job/ironcore-backup/instance/hub/project/office";
    assert_eq!(
        urls,
        [
            format!("{base}/job_name/files"),
            format!("{base}/task_type/backup")
        ]
    );
    assert!(requests.iter().all(|request| request.method == "PUT"));
    let labels = "{type=\"backup\",site=\"a\\\"b\"}";
    for line in [
        "# TYPE ironcore_last_task_success gauge".to_owned(),
        format!("ironcore_last_task_end_timestamp_seconds{labels} 1779328850.5"),
        format!("ironcore_last_task_success{labels} 0"),
        // Of the run before, which this one takes the place of.
        format!("ironcore_last_task_success_timestamp_seconds{labels} 1779328830.5"),
        format!("ironcore_last_task_duration_seconds{labels} 50.5"),
        format!("ironcore_last_task_queue_seconds{labels} 2"),
        format!("ironcore_last_task_read_bytes{labels} 600"),
        format!("ironcore_last_task_chunks_known{labels} 6"),
    ] {
        let text = text(&requests[0]);
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in\n{text}"
        );
    }
}

#[test]
fn an_older_run_does_not_take_the_place_of_a_newer() {
    let host = FakeHost::new();
    let run = |state, seconds| vec![ended(Some("files"), state, seconds)];
    deliver(&host, gateway(), run("ok", 60)).expect("delivered");
    let late = deliver(&host, gateway(), run("failed", 30)).expect("delivered");
    assert_eq!((late.status, requests(&host).len()), (None, 1));
    // The same once more, as after an answer that got lost.
    deliver(&host, gateway(), run("ok", 60)).expect("delivered");
    deliver(&host, gateway(), run("failed", 90)).expect("delivered");
    let requests = requests(&host);
    assert_eq!(requests.len(), 3);
    assert!(
        text(&requests[2])
            .contains("success_timestamp_seconds{type=\"backup\",site=\"a\\\"b\"} 1779328860.5")
    );
}

#[test]
fn what_was_not_pushed_is_not_remembered() {
    let host = FakeHost::new().answer_status(503);
    let run = |seconds| vec![ended(Some("files"), "ok", seconds)];
    deliver(&host, gateway(), run(60)).expect_err("503");
    deliver(&host, gateway(), run(30)).expect("delivered");
    assert_eq!(requests(&host).len(), 2, "the older one is news now");
}

#[test]
fn a_password_is_named_and_never_written() {
    let host = FakeHost::new();
    let mut config = gateway();
    config["username"] = json!("u");
    config["password"] = json!({ "secret": "p" });
    config["timeout-ms"] = json!(500);
    deliver(&host, config, vec![ended(None, "ok", 1)]).expect("delivered");
    let requests = requests(&host);
    let Some(http::Credential::Basic(basic)) = &requests[0].credential else {
        panic!("{requests:?}")
    };
    assert_eq!(basic.password, Slot::Secret("p".to_owned()));
    assert_eq!(requests[0].timeout_ms, Some(500));
}

#[test]
fn answers_are_classified() {
    for config in [influx(), gateway()] {
        for (status, retried) in [
            (400, false),
            (401, true),
            (404, true),
            (413, false),
            (422, false),
            (429, true),
            (500, true),
            (503, true),
        ] {
            let host = FakeHost::new().answer_status(status);
            let failure = deliver(&host, config.clone(), vec![ended(None, "ok", 1)]).expect_err("failure");
            match failure {
                Failure::Retry(retry) => {
                    assert!(retried, "{status}");
                    assert_eq!(
                        (retry.scope, retry.status),
                        (FailureScope::Destination, Some(status))
                    );
                }
                Failure::Rejected(rejection) => {
                    assert!(!retried && rejection.status == Some(status), "{status}");
                }
                other @ Failure::Custom(_) => panic!("{other:?}"),
            }
        }
    }
    let host = FakeHost::new().answer_http(Err(http::Error::Timeout));
    let failure = deliver(&host, influx(), vec![ended(None, "ok", 1)]).expect_err("no answer");
    assert!(matches!(failure, Failure::Retry(_)), "{failure:?}");
}

#[test]
fn what_did_not_happen_is_not_among_what_did() {
    let host = FakeHost::new();
    for config in [influx(), gateway()] {
        let test = Delivery {
            kind: "test".to_owned(),
            ..Delivery::sample(ended(Some("nightly"), "ok", 1), &config)
        };
        Metrics::deliver(&host, &test).expect("delivered");
    }
    let requests = requests(&host);
    assert!(
        text(&requests[0]).starts_with("ironcore_task_test,"),
        "{}",
        text(&requests[0])
    );
    assert!(
        url(&requests[1]).contains("/metrics/job/ironcore-backup-test/"),
        "{}",
        url(&requests[1])
    );
    // Nor is it remembered: an older run is pushed after it.
    deliver(&host, gateway(), vec![ended(Some("nightly"), "ok", 0)]).expect("delivered");
    assert_eq!(self::requests(&host).len(), 3);
}
