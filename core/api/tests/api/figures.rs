//! `/metrics`: who may read it, and that what is written about it is so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use axum::http::{Method, StatusCode, header};
use ironcore_ledger::model::Role;
use ironcore_types::TaskState;

use crate::setup::{Hub, verify};

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a scrape with a token that may only look holds.
async fn scrape(hub: &Hub) -> String {
    let secret = hub.token(Role::Auditor, None).await;
    scrape_with(hub, &secret).await
}

async fn scrape_with(hub: &Hub, secret: &str) -> String {
    let answer = hub.get("/metrics", secret).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let kind = &answer.head[header::CONTENT_TYPE];
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    answer.text
}

/// The families of a scrape, with their types.
fn families(scrape: &str) -> BTreeMap<&str, &str> {
    let types = scrape.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|line| line.split_once(' ')).collect()
}

/// Names of figures in a text that is written by hand.
fn named(text: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    text.split(|c| !is_name(c))
        .filter(|word| word.starts_with("ironcore_") || word.starts_with("process_"))
        .collect()
}

#[tokio::test]
async fn figures_are_for_those_who_see_the_whole_hub() {
    let hub = Hub::start().await;
    for (role, project, status) in [
        (Role::Admin, None, 200),
        (Role::Operator, None, 200),
        (Role::Auditor, None, 200),
        (Role::Admin, Some("demo"), 403),
        (Role::Auditor, Some("demo"), 403),
        (Role::Member, Some("demo"), 403),
    ] {
        let secret = hub.token(role, project).await;
        let answer = hub.get("/metrics", &secret).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{role} {project:?}: {}",
            answer.text
        );
    }
    hub.ask(Method::GET, "/metrics", None, None)
        .await
        .problem(StatusCode::UNAUTHORIZED, "auth.required");
}

#[tokio::test]
async fn what_happened_shows() {
    let hub = Hub::start().await;
    let secret = hub.token(Role::Operator, None).await;
    let before = scrape_with(&hub, &secret).await;
    let has = |scrape: &str, line: &str| scrape.lines().any(|found| found == line);
    assert!(has(
        &before,
        "ironcore_tasks_ended_total{type=\"verify\",state=\"ok\"} 0"
    ));
    assert!(!before.contains("ironcore_job_last_success_timestamp_seconds{"));

    let task = hub.enqueue("demo", verify("shared")).await;
    hub.enqueue("demo", verify("shared")).await;
    hub.claim().await;
    hub.clock.forward(20);
    hub.finish(&task, TaskState::Ok).await;
    let after = scrape_with(&hub, &secret).await;
    for line in [
        "ironcore_tasks{type=\"verify\",state=\"queued\"} 1",
        "ironcore_tasks{type=\"verify\",state=\"running\"} 0",
        "ironcore_task_queue_age_seconds 20",
        "ironcore_tasks_enqueued_total{type=\"verify\"} 2",
        "ironcore_tasks_ended_total{type=\"verify\",state=\"ok\"} 1",
        "ironcore_task_duration_seconds_bucket{type=\"verify\",le=\"15\"} 0",
        "ironcore_task_duration_seconds_bucket{type=\"verify\",le=\"60\"} 1",
        "ironcore_task_duration_seconds_sum{type=\"verify\"} 20",
        "ironcore_events_total{type=\"ironcore.task.completed\"} 1",
        "ironcore_job_enabled{project=\"demo\",job_name=\"nightly\"} 1",
        "ironcore_job_overdue{project=\"demo\",job_name=\"nightly\"} 0",
        "ironcore_job_missed_runs_total{project=\"demo\",job_name=\"nightly\"} 0",
        "ironcore_messages{state=\"dead\"} 0",
        "ironcore_workers{state=\"online\"} 1",
        "ironcore_worker_slots 1",
        "ironcore_worker_slots_used 0",
        "ironcore_scheduler_paused 0",
        "ironcore_ledger_writer_queue_limit 1024",
    ] {
        assert!(has(&after, line), "{line} is not in\n{after}");
    }
    // Leases go by the time that passes, whatever the clock shows.
    let now = hub.seams.now();
    hub.clock.jump(now.after(std::time::Duration::from_secs(3_600)));
    let jumped = scrape_with(&hub, &secret).await;
    assert!(has(&jumped, "ironcore_workers{state=\"online\"} 1"), "{jumped}");
    hub.clock.forward(60);
    let silent = scrape_with(&hub, &secret).await;
    assert!(has(&silent, "ironcore_workers{state=\"silent\"} 1"), "{silent}");
    assert!(after.contains("ironcore_build_info{version=\"0.0.0\",node=\"hub\",hub=\""));
}

#[tokio::test]
async fn the_document_lists_every_figure() {
    let hub = Hub::start().await;
    let scrape = scrape(&hub).await;
    let document = text("docs/metrics.md");
    let rows = document.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        Some((cells.next()?.trim_end_matches('`'), cells.next()?))
    });
    let listed: BTreeMap<&str, &str> = rows
        .filter(|(name, _)| name.starts_with("ironcore_") || name.starts_with("process_"))
        .collect();
    assert_eq!(listed, families(&scrape), "docs/metrics.md and a scrape differ");
}

#[tokio::test]
async fn the_example_dashboard_asks_for_what_there_is() {
    let hub = Hub::start().await;
    let scrape = scrape(&hub).await;
    let families = families(&scrape);
    let dashboard = text("examples/grafana/ironcore-backup.json");
    let read: serde_json::Value = serde_json::from_str(&dashboard).expect("json");
    let panels = read["panels"].as_array().expect("panels");
    let is_asked = |panel: &&serde_json::Value| panel["targets"][0]["expr"].is_string();
    assert!(panels.iter().filter(is_asked).count() >= 6);
    let names = named(&dashboard);
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let whole = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .filter(|whole| families.get(whole) == Some(&"histogram"))
            .unwrap_or(name);
        assert!(families.contains_key(whole), "{name} is in no scrape");
    }
}

#[test]
fn the_example_configuration_names_route_and_token() {
    let config = text("examples/grafana/prometheus.yml");
    for part in ["metrics_path: /metrics", "authorization:", "credentials_file:"] {
        assert!(config.contains(part), "{part}");
    }
}
