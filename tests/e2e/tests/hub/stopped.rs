//! A worker that is stopped (SIGSTOP) for five lease times and continued: another has done its task by then, and what
//! it says about it is refused.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::postgres::Cluster;
use rustix::process::Signal;
use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::fixture::{noise, office};

/// Five leases, in microseconds.
const STOPPED: u64 = 5 * 30_000_000;

fn task(hub: &TestHub, upid: &str) -> Result<Value> {
    hub.json(&["task", "show", "--upid", upid])
}

/// Five lease times go by. With `IRONCORE_SOAK_ROUNDS` they really do; else the leases of whoever is stopped are moved
/// as far into the past, in the database whose clock they go by.
async fn five_leases(url: &str, session: &str) -> Result<()> {
    if std::env::var_os("IRONCORE_SOAK_ROUNDS").is_some() {
        tokio::time::sleep(Duration::from_micros(STOPPED)).await;
        return Ok(());
    }
    let mut conn = PgConnection::connect(url).await?;
    for (table, column) in [("sessions", "id"), ("tasks", "session"), ("messages", "session")] {
        let moved = format!("UPDATE {table} SET lease_until = lease_until - {STOPPED} WHERE {column} = $1");
        sqlx::query(AssertSqlSafe(moved))
            .bind(session)
            .execute(&mut conn)
            .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_stopped_is_refused() -> Result<()> {
    let url = Cluster::shared()?.database()?;
    let database = format!("database = \"{url}\"\n");
    let mut front = TestHub::start(&format!(
        "{database}roles = [\"api\", \"scheduler\", \"notify\"]\n"
    ))?;
    let roles = "roles = [\"worker\", \"verifier\"]\n";
    let mut first = front.beside("first", &format!("{database}{roles}"))?;
    let tree = front.folder().join("tree");
    noise(&tree, 60, 4_000_000, 3)?;
    front.apply(&office(&front, &tree, "retries = 1\nretry-delay = \"0s\"", ""))?;
    let started: Value = front.json(&["job", "run", "files"])?;
    let upid = started["upid"].as_str().context("a UPID")?.to_owned();
    first.wait_until("the backup is under way", |_| {
        Ok((task(&front, &upid)?["state"] == "running").then_some(()))
    })?;
    first.signal(Signal::STOP)?;
    let caught = task(&front, &upid)?;
    ensure!(caught["state"] == "running", "it was over before it was stopped");

    let mut second = front.beside("second", &format!("{database}{roles}"))?;
    let mut conn = PgConnection::connect(&url).await?;
    let session: String = sqlx::query_scalar("SELECT session FROM tasks WHERE upid = $1")
        .bind(&upid)
        .fetch_one(&mut conn)
        .await?;
    five_leases(&url, &session).await?;
    let retry = second.wait_until("another has done it", |_| {
        let tasks = front.tasks()?;
        let retry = tasks.iter().find(|task| task["retry_of"] == upid.as_str());
        Ok(retry.filter(|task| task["ended"].is_string()).cloned())
    })?;
    ensure!(retry["state"] == "ok", "{retry:#}\n{}", second.log());

    first.signal(Signal::CONT)?;
    first.wait_until("it has heard that the task is not its own", |first| {
        let log = first.log();
        let heard = log.contains("lost the task's lease") || log.contains("was ended by somebody else");
        Ok(heard.then_some(()))
    })?;
    let lost = task(&front, &upid)?;
    ensure!(
        lost["state"] == "failed" && lost["error"]["code"] == "worker.lost",
        "{lost:#}"
    );
    let ends: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM tasks t JOIN events e ON e.task = t.id
         WHERE t.upid = $1 AND e.type IN ('ironcore.task.completed', 'ironcore.task.warning', 'ironcore.task.failed')",
    )
    .bind(&upid)
    .fetch_one(&mut conn)
    .await?;
    ensure!(ends == 1, "one end was accepted, not {ends}");
    // It is a worker again, under a new session.
    second.stop()?;
    front.ok(&["job", "run", "files", "--wait"])?;
    front.wait_until("nothing runs", |front| {
        let open = front.tasks()?.iter().any(|task| task["ended"].is_null());
        Ok((!open).then_some(()))
    })
}
