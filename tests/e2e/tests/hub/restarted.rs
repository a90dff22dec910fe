//! PostgreSQL crashes under two hubs whose schedules never rest. They wait for it and go on: nothing that was
//! acknowledged is lost, every tick is dealt with once, and each task ends once.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::postgres::{Cluster, Safety};
use serde_json::Value;

use crate::invariants::{Database, EVERY_SECOND, NEVER, logs, office};

const CRASHES: usize = 5;
/// Jobs that are due every second.
const JOBS: usize = 20;

/// What a client was told: tasks of each hub, while the server comes and goes. A hub may refuse; it says so then.
fn ask(hubs: &[TestHub], told: &mut BTreeSet<String>) -> Result<()> {
    for hub in hubs {
        let answer = hub.cli(&["gc", "start", "ibs-primary", "--output", "json"])?;
        if answer.status.success() {
            let started: Value = serde_json::from_slice(&answer.stdout)?;
            told.insert(started["upid"].as_str().context("a UPID")?.to_owned());
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hubs_go_on_when_postgresql_crashes_under_load() -> Result<()> {
    let cluster = Cluster::start(Safety::Fast)?;
    let url = cluster.database()?;
    let config = format!("database = \"{url}\"\n");
    let one = TestHub::start(&config)?;
    let two = one.beside("two", &config)?;
    one.apply(&office(&one, JOBS, EVERY_SECOND))?;
    let hubs = [one, two];
    let database = Database::Postgres(url);
    let mut told = BTreeSet::new();
    for crash in 0..CRASHES {
        let mut ledger = database.look().await?;
        // Each time at another moment of the second.
        ledger.wait_for_ticks(JOBS + crash * JOBS / CRASHES).await?;
        ledger.close().await?;
        ask(&hubs, &mut told)?;
        cluster.stop()?;
        cluster.launch()?;
        ask(&hubs, &mut told)?;
        let mut ledger = database.look().await?;
        let checked = ledger.check().await;
        checked.with_context(|| format!("crash {crash}{}", logs(&hubs)))?;
        ledger.close().await?;
    }
    let mut ledger = database.look().await?;
    ledger.wait_for_ticks(2 * JOBS).await?;
    // Both live and work: each enqueues, and each does what is due.
    for hub in &hubs {
        hub.ok(&["gc", "start", "ibs-primary", "--wait"])?;
    }
    for node in ["testhub", "two"] {
        let seen = format!(
            "SELECT t.upid FROM tasks t JOIN sessions s ON s.id = t.session
             WHERE t.node = '{node}' AND t.state = 'ok' AND s.ended IS NULL
                AND t.started > (SELECT MAX(fired) FROM ticks) - 2000000"
        );
        let works = ledger.wait_for(&format!("{node} works"), &seen).await;
        works.with_context(|| logs(&hubs))?;
    }
    hubs[0].apply(&office(&hubs[0], JOBS, NEVER))?;
    let settled = ledger.settle().await;
    settled.with_context(|| logs(&hubs))?;
    let upids = ledger.upids().await?;
    ensure!(!told.is_empty() && told.is_subset(&upids), "a task is gone");
    ledger.close().await
}
