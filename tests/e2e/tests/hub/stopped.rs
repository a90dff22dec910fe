//! Hubs that are stopped (SIGSTOP) for five lease times and continued, while jobs are due every second. What another
//! has taken up meanwhile stays with it, and what who was stopped says about it is refused; where there is no other,
//! the one goes on. Every tick is dealt with once, and each task ends once.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::postgres::Cluster;
use rustix::process::Signal;
use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::fixture::{noise, office};
use crate::invariants::{Database, EVERY_SECOND, Ledger, NEVER, jobs, logs};

/// Five leases, in microseconds.
const STOPPED: u64 = 5 * 30_000_000;
/// Jobs that are due every second.
const JOBS: usize = 5;

fn task(hub: &TestHub, upid: &str) -> Result<Value> {
    hub.json(&["task", "show", "--upid", upid])
}

/// Five lease times go by: with `IRONCORE_SOAK_ROUNDS` they really do.
fn really() -> bool {
    std::env::var_os("IRONCORE_SOAK_ROUNDS").is_some()
}

/// Moves all that the sessions of `node` hold as far into the past.
fn moved(node: &str) -> [String; 3] {
    [("sessions", "id"), ("tasks", "session"), ("messages", "session")].map(|(table, column)| {
        format!(
            "UPDATE {table} SET lease_until = lease_until - {STOPPED}
             WHERE lease_until IS NOT NULL AND {column} IN (SELECT id FROM sessions WHERE node = '{node}')"
        )
    })
}

/// Stops `hub`, which is `node`, for five lease times. Else than really, the leases are moved in the database whose
/// clock they go by.
async fn stop(hub: &TestHub, node: &str, database: &Database) -> Result<()> {
    if really() {
        hub.signal(Signal::STOP)?;
        tokio::time::sleep(Duration::from_micros(STOPPED)).await;
        return Ok(());
    }
    match database {
        Database::Postgres(url) => {
            hub.signal(Signal::STOP)?;
            let mut conn = PgConnection::connect(url).await?;
            for text in moved(node) {
                sqlx::query(AssertSqlSafe(text)).execute(&mut conn).await?;
            }
        }
        Database::Sqlite(path) => {
            let options = SqliteConnectOptions::new().filename(path);
            let mut conn = SqliteConnection::connect_with(&options).await?;
            // Only one writes at a time: a hub that is stopped while it does could not be waited for.
            let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
            hub.signal(Signal::STOP)?;
            for text in moved(node) {
                sqlx::query(AssertSqlSafe(text)).execute(&mut *tx).await?;
            }
            tx.commit().await?;
            // Ticks pass, and nobody is there to be waited for.
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    }
    Ok(())
}

/// A backup that takes a while, and jobs that are due every second.
fn objects(hub: &TestHub, schedule: &str) -> Result<String> {
    let tree = hub.folder().join("tree");
    if !tree.exists() {
        noise(&tree, 60, 4_000_000, 3)?;
    }
    let backup = office(hub, &tree, "retries = 1\nretry-delay = \"0s\"", "");
    Ok(backup + &jobs(JOBS, schedule))
}

/// Starts the backup; its UPID and its node, once it runs.
async fn begin(front: &TestHub, ledger: &mut Ledger) -> Result<(String, String)> {
    let started: Value = front.json(&["job", "run", "files"])?;
    let upid = started["upid"].as_str().context("a UPID")?.to_owned();
    let runs = format!("SELECT node FROM tasks WHERE state = 'running' AND upid = '{upid}'");
    let node = ledger.wait_for("the backup is under way", &runs).await?;
    Ok((upid, node.join("")))
}

/// Waits until `node` does again what is due, under a session that it has not had before.
async fn works_again(ledger: &mut Ledger, node: &str, before: &[String]) -> Result<()> {
    let sessions = before.join("', '");
    let text = format!(
        "SELECT t.upid FROM tasks t JOIN sessions s ON s.id = t.session
         WHERE s.node = '{node}' AND s.ended IS NULL AND s.id NOT IN ('{sessions}') AND t.ended IS NOT NULL"
    );
    ledger.wait_for(&format!("{node} works again"), &text).await?;
    Ok(())
}

async fn sessions(ledger: &mut Ledger, node: &str) -> Result<Vec<String>> {
    ledger
        .rows(&format!(
            "SELECT id FROM sessions WHERE node = '{node}' AND ended IS NULL"
        ))
        .await
}

/// `held` was taken from who was stopped: the ledger says so, and its retry is done.
fn was_taken(front: &mut TestHub, held: &str) -> Result<()> {
    let lost = task(front, held)?;
    ensure!(
        lost["state"] == "failed" && lost["error"]["code"] == "worker.lost",
        "{lost:#}"
    );
    let retry = front.wait_until("another has done it", |front| {
        let tasks = front.tasks()?;
        let retry = tasks.iter().find(|task| task["retry_of"] == held);
        Ok(retry.filter(|task| task["ended"].is_string()).cloned())
    })?;
    ensure!(retry["state"] == "ok", "{retry:#}");
    Ok(())
}

fn heard(hub: &mut TestHub) -> Result<()> {
    hub.wait_until("it has heard that the task is not its own", |hub| {
        let log = hub.log();
        let heard = log.contains("lost the task's lease") || log.contains("was ended by somebody else");
        Ok(heard.then_some(()))
    })
}

/// Nothing more becomes due: everything ends, and every tick was dealt with once.
async fn settle(front: &TestHub, ledger: &mut Ledger) -> Result<()> {
    front.apply(&objects(front, NEVER)?)?;
    ledger.settle().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_stopped_is_refused() -> Result<()> {
    let url = Cluster::shared()?.database()?;
    let config = format!("database = \"{url}\"\n");
    let database = Database::Postgres(url);
    let mut front = TestHub::start(&format!("{config}roles = [\"api\", \"scheduler\", \"notify\"]\n"))?;
    let roles = "roles = [\"worker\", \"verifier\"]\n";
    let mut first = front.beside("first", &format!("{config}{roles}"))?;
    front.apply(&objects(&front, EVERY_SECOND)?)?;
    let mut ledger = database.look().await?;
    let before = sessions(&mut ledger, "first").await?;
    let (upid, _) = begin(&front, &mut ledger).await?;
    stop(&first, "first", &database).await?;
    let second = front.beside("second", &format!("{config}{roles}"))?;
    was_taken_by_another(&mut front, &mut ledger, &upid, "first").await?;
    ledger.check().await?;

    first.signal(Signal::CONT)?;
    heard(&mut first)?;
    works_again(&mut ledger, "first", &before).await?;
    was_taken(&mut front, &upid)?;
    let settled = settle(&front, &mut ledger).await;
    settled.with_context(|| logs([&front, &first, &second]))
}

/// Waits until what `node` held was given to others.
async fn was_taken_by_another(
    front: &mut TestHub,
    ledger: &mut Ledger,
    held: &str,
    node: &str,
) -> Result<()> {
    let text = format!(
        "SELECT 'over' WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE node = '{node}' AND ended IS NULL)"
    );
    ledger
        .wait_for("the sessions of who was stopped are over", &text)
        .await?;
    was_taken(front, held)
}

/// Each of two hubs does everything: the one that is stopped had fired ticks, and goes on to.
#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_was_stopped_fires_nothing_twice() -> Result<()> {
    let url = Cluster::shared()?.database()?;
    let config = format!("database = \"{url}\"\n");
    let database = Database::Postgres(url);
    let mut front = TestHub::start(&config)?;
    let mut other = front.beside("other", &config)?;
    front.apply(&objects(&front, EVERY_SECOND)?)?;
    let mut ledger = database.look().await?;
    ledger.wait_for_ticks(2 * JOBS).await?;
    let (upid, node) = begin(&front, &mut ledger).await?;
    let before = sessions(&mut ledger, &node).await?;
    let (stopped, lives) = if node == "other" {
        (&mut other, &mut front)
    } else {
        (&mut front, &mut other)
    };
    stop(stopped, &node, &database).await?;
    was_taken_by_another(lives, &mut ledger, &upid, &node).await?;
    // Ticks fire without it.
    ledger.wait_for_ticks(3 * JOBS).await?;
    ledger.check().await?;

    stopped.signal(Signal::CONT)?;
    heard(stopped)?;
    works_again(&mut ledger, &node, &before).await?;
    was_taken(stopped, &upid)?;
    ledger.wait_for_ticks(3 * JOBS).await?;
    let settled = settle(&front, &mut ledger).await;
    settled.with_context(|| logs([&front, &other]))
}

/// Nobody takes over: the hub goes on by itself, with every tick that passed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_hub_alone_that_was_stopped_goes_on() -> Result<()> {
    let mut hub = TestHub::start("")?;
    let database = Database::of(&hub);
    hub.apply(&objects(&hub, EVERY_SECOND)?)?;
    let mut ledger = database.look().await?;
    ledger.wait_for_ticks(2 * JOBS).await?;
    let (upid, node) = begin(&hub, &mut ledger).await?;
    let last = ledger
        .rows("SELECT CAST(MAX(scheduled_for) AS TEXT) FROM ticks")
        .await?;
    let missed = format!(
        "SELECT job FROM ticks WHERE missed > 0 AND scheduled_for > {}",
        last.join("")
    );
    stop(&hub, &node, &database).await?;
    ledger.check().await?;

    hub.signal(Signal::CONT)?;
    ledger
        .wait_for("the ticks that passed are told of", &missed)
        .await?;
    ledger.wait_for_ticks(3 * JOBS).await?;
    // Whether it goes on with the task or does it again is its own matter.
    hub.wait_until("the backup is done", |hub| {
        let tasks = hub.tasks()?;
        let done =
            |task: &Value| task["state"] == "ok" && (task["upid"] == *upid || task["retry_of"] == *upid);
        Ok(tasks.iter().any(done).then_some(()))
    })?;
    let settled = settle(&hub, &mut ledger).await;
    settled.with_context(|| logs([&hub]))
}
