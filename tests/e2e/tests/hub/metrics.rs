//! Figures of the real hub: what Prometheus reads at `/metrics`, and what the metrics plugin pushes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::exposition::Exposition;
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::line_protocol::{self, Field, Point};
use ironcore_testkit::prometheus::{self, PushGateway};
use ironcore_testkit::webhook::{Answer, Received, WebhookReceiver};
use serde_json::Value;

use crate::fixture::{office, small_tree};

const PATIENCE: Duration = Duration::from_secs(60);

/// The status, and what was answered.
fn scrape(hub: &TestHub, token: &str) -> Result<(u16, String)> {
    let url = hub.url()?;
    let address = url.strip_prefix("http://").context("a plain address")?;
    let mut stream = TcpStream::connect(address)?;
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer")?;
    let status = head.split(' ').nth(1).context("a status")?.parse()?;
    Ok((status, body.to_owned()))
}

#[test]
fn a_night_shows_in_the_figures() -> Result<()> {
    let mut hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    hub.apply(&office(&hub, &tree, "", ""))?;
    let made: Value = hub.json(&["token", "create", "prometheus@local!scrape", "--role", "auditor"])?;
    let token = made["secret"].as_str().context("a secret")?.to_owned();
    let member = [
        "token",
        "create",
        "alice@local!laptop",
        "--role",
        "member",
        "--project",
        "office",
    ];
    let member: Value = hub.json(&member)?;
    let member = member["secret"].as_str().context("a secret")?;
    ensure!(scrape(&hub, member)?.0 == 403);
    ensure!(scrape(&hub, "none")?.0 == 401);

    for _ in 0..2 {
        hub.ok(&["job", "run", "files", "--wait"])?;
    }
    hub.ok(&["verify", "start", "ibs-primary", "--wait"])?;
    let (status, text) = scrape(&hub, &token)?;
    ensure!(status == 200, "{text}");
    let read = Exposition::parse(&text)?;
    prometheus::check_metrics(&text)?;
    for (name, labels, expected) in [
        (
            "ironcore_tasks_ended_total",
            &[("type", "backup"), ("state", "ok")][..],
            2.0,
        ),
        (
            "ironcore_tasks_ended_total",
            &[("type", "verify"), ("state", "ok")],
            1.0,
        ),
        ("ironcore_tasks", &[("type", "backup"), ("state", "running")], 0.0),
        ("ironcore_task_duration_seconds_count", &[("type", "backup")], 2.0),
        (
            "ironcore_events_total",
            &[("type", "ironcore.task.completed")],
            3.0,
        ),
        (
            "ironcore_job_last_run_success",
            &[("project", "office"), ("job_name", "files")],
            1.0,
        ),
        ("ironcore_scheduler_paused", &[], 0.0),
        ("ironcore_workers", &[("state", "online")], 1.0),
        ("ironcore_worker_slots", &[], 4.0),
        ("ironcore_circuits_open", &[], 0.0),
        (
            "ironcore_delivery_attempts_total",
            &[("plugin", "webhook"), ("outcome", "delivered")],
            0.0,
        ),
    ] {
        let found = read.value(name, labels);
        ensure!(found == Some(expected), "{name} {labels:?} is {found:?}\n{text}");
    }
    let of_job = [("project", "office"), ("job_name", "files")];
    let of_store = [("datastore", "ibs-primary")];
    for (name, labels) in [
        ("ironcore_job_last_success_timestamp_seconds", &of_job[..]),
        (
            "ironcore_datastore_last_good_verification_timestamp_seconds",
            &of_store,
        ),
        ("ironcore_datastore_dedup_hit_ratio", &of_store),
        ("ironcore_datastore_reduction_ratio", &of_store),
        ("process_resident_memory_bytes", &[]),
        ("process_open_fds", &[]),
    ] {
        let found = read.value(name, labels).with_context(|| name.to_owned())?;
        ensure!(found > 0.0, "{name} is {found}");
    }
    // The inbox has every event, each delivered by its plugin.
    hub.wait_until("the inbox was delivered to", |hub| {
        let (_, text) = scrape(hub, &token)?;
        let read = Exposition::parse(&text)?;
        let labels = [("plugin", "inbox"), ("outcome", "delivered")];
        let delivered = read.value("ironcore_delivery_attempts_total", &labels);
        let unmatched = read.value("ironcore_events_unmatched", &[]);
        let latency = read.value("ironcore_delivery_latency_seconds_count", &[]);
        Ok((delivered > Some(3.0) && unmatched == Some(0.0) && latency >= delivered).then_some(()))
    })?;
    Ok(())
}

/// The points of each request, which must be one to the bucket with the token.
fn points(requests: &[Received]) -> Result<Vec<Point>> {
    let mut points = Vec::new();
    for request in requests {
        ensure!(request.method == "POST");
        let target = "/influx/api/v2/write?bucket=backups%2Fyear&precision=ns&org=Main%20Hall";
        ensure!(request.target == target, "{}", request.target);
        ensure!(
            request.header("authorization") == Some("Token t0ken"),
            "{request:?}"
        );
        points.extend(line_protocol::parse(std::str::from_utf8(&request.body)?)?);
    }
    Ok(points)
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_of_tasks_are_pushed() -> Result<()> {
    let (influx, gateway) = (WebhookReceiver::start().await?, WebhookReceiver::start().await?);
    gateway.set_default(Answer::status(202));
    let hub = TestHub::start("")?;
    hub.secret("influx", "t0ken")?;
    hub.secret("gateway", "pass")?;
    let tree = small_tree(&hub)?;
    let group = format!(
        r#"
        [[group]]
        project = "office"
        name = "figures"

        [[group.handler]]
        name = "influx"
        plugin = "metrics"
        [group.handler.config]
        target = "influxdb"
        url = "http://{}/influx"
        org = "Main Hall"
        bucket = "backups/year"
        token = {{ secret = "influx" }}
        labels = {{ site = "one, two" }}

        [[group.handler]]
        name = "gateway"
        plugin = "metrics"
        [group.handler.config]
        target = "push-gateway"
        url = "http://{}"
        instance = "hall"
        username = "hub"
        password = {{ secret = "gateway" }}
        "#,
        influx.address(),
        gateway.address(),
    );
    hub.apply(&office(&hub, &tree, "groups = [\"figures\"]", &group))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    gateway.wait_for(1, PATIENCE).await?;
    std::fs::remove_dir_all(&tree)?;
    let failed = hub.cli(&["job", "run", "files", "--wait"])?;
    ensure!(!failed.status.success());

    let points = points(&influx.wait_for(2, PATIENCE).await?)?;
    let [good, bad] = &points[..] else {
        anyhow::bail!("one point for each: {points:?}")
    };
    for (point, state) in [(good, "ok"), (bad, "failed")] {
        let tags: Vec<(&str, &str)> = point.tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let expected = [
            ("hub", "testhub"),
            ("job", "files"),
            ("project", "office"),
            ("site", "one, two"),
            ("state", state),
            ("type", "backup"),
        ];
        ensure!(
            tags == expected && point.measurement == "ironcore_task",
            "{point:?}"
        );
        ensure!(matches!(point.fields["duration_seconds"], Field::Float(seconds) if seconds > 0.0));
        ensure!(point.fields["good"] == Field::Flag(state == "ok"));
    }
    ensure!(
        matches!(good.fields["bytes_read"], Field::Integer(bytes) if bytes >= 1_000_000),
        "{good:?}"
    );
    ensure!(
        matches!(&bad.fields["error"], Field::Text(code) if code.starts_with("source.")),
        "{bad:?}"
    );
    ensure!(bad.time_ns > good.time_ns);

    let pushed = gateway.wait_for(2, PATIENCE).await?;
    let mut read = Vec::new();
    for request in &pushed {
        let target = "/metrics/job/ironcore-backup/instance/hall/project/office/job_name/files";
        ensure!(
            (request.method.as_str(), request.target.as_str()) == ("PUT", target),
            "{request:?}"
        );
        ensure!(
            request.header("authorization") == Some("Basic aHViOnBhc3M="),
            "{request:?}"
        );
        read.push(Exposition::parse(std::str::from_utf8(&request.body)?)?);
    }
    let value = |number: usize, name: &str| {
        let name = format!("ironcore_last_task_{name}");
        let value = read[number].value(&name, &[("type", "backup")]);
        value.with_context(|| format!("{name} of {number}"))
    };
    ensure!((value(0, "success")?, value(1, "success")?) == (1.0, 0.0));
    ensure!(value(0, "end_timestamp_seconds")? < value(1, "end_timestamp_seconds")?);
    ensure!(
        value(1, "success_timestamp_seconds")? == value(0, "end_timestamp_seconds")?,
        "the last good run is still known"
    );
    ensure!(value(0, "read_bytes")? >= 1_000_000.0 && value(0, "duration_seconds")? > 0.0);
    Ok(())
}

/// What a real push gateway makes of it: the last run of a job, and after a failed one when the last good one was.
#[test]
fn a_real_push_gateway_shows_the_last_run() -> Result<()> {
    let gateway = PushGateway::start()?;
    let mut hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    let group = format!(
        r#"
        [[group]]
        project = "office"
        name = "figures"

        [[group.handler]]
        name = "gateway"
        plugin = "metrics"
        [group.handler.config]
        target = "push-gateway"
        url = "http://{}"
        instance = "hall"
        "#,
        gateway.address(),
    );
    hub.apply(&office(&hub, &tree, "groups = [\"figures\"]", &group))?;
    let labels = [
        ("instance", "hall"),
        ("job", "ironcore-backup"),
        ("job_name", "files"),
        ("project", "office"),
        ("type", "backup"),
    ];
    let shown = |hub: &mut TestHub, success: f64| {
        hub.wait_until("the gateway shows the run", |_| {
            let text = gateway.metrics()?;
            // Beside figures of its own.
            let pushed = text.lines().filter(|line| line.contains("ironcore_last_task_"));
            let read = Exposition::parse(&pushed.flat_map(|line| [line, "\n"]).collect::<String>())?;
            let found = read.value("ironcore_last_task_success", &labels);
            Ok((found == Some(success)).then_some((text, read)))
        })
    };
    hub.ok(&["job", "run", "files", "--wait"])?;
    let (_, good) = shown(&mut hub, 1.0)?;
    std::fs::remove_dir_all(&tree)?;
    ensure!(!hub.cli(&["job", "run", "files", "--wait"])?.status.success());
    let (text, bad) = shown(&mut hub, 0.0)?;
    let of = |read: &Exposition, name: &str| read.value(&format!("ironcore_last_task_{name}"), &labels);
    let ended = of(&good, "end_timestamp_seconds");
    ensure!(
        ended.is_some() && of(&bad, "success_timestamp_seconds") == ended,
        "{text}"
    );
    let complaints: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("push_failure_time_seconds{"))
        .collect();
    ensure!(
        complaints.iter().all(|line| line.ends_with(" 0")),
        "{complaints:?}"
    );
    Ok(())
}

#[test]
fn the_example_for_prometheus_is_one() -> Result<()> {
    let example = "../../examples/grafana/prometheus.yml";
    prometheus::check_config(&Path::new(env!("CARGO_MANIFEST_DIR")).join(example))
}
