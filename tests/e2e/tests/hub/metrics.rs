//! `/metrics` of the real hub: what Prometheus reads with a token from a file.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::exposition::Exposition;
use ironcore_testkit::hub::TestHub;
use serde_json::Value;

use crate::fixture::{office, small_tree};

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
