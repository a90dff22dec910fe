//! Two hubs on one database.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ironcore_conformance::clock::ManualClock;
use ironcore_conformance::ledger::{fenced, user};
use ironcore_ledger::model::{Outcome, Scope};
use ironcore_ledger::{Clock, Ledger, Postgres};
use ironcore_testkit::postgres::Cluster;
use ironcore_types::{ErrorCode, TaskState, TaskType};
use sqlx::Connection as _;

use super::{declare, hub, no_gaps, raw, task, worker};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hubs_that_start_at_once_share_one_ledger() -> Result<()> {
    let (url, clock) = (Cluster::shared()?.database()?, ManualClock::new());
    let opened = futures::future::try_join_all(
        ["node-1", "node-2", "node-3", "node-4"].map(|node| hub(&url, node, &clock, Clock::Database)),
    );
    let hubs = opened.await?;
    ensure!(hubs.iter().all(|hub| hub.hub_id() == hubs[0].hub_id()));
    declare(&hubs[0]).await?;
    ensure!(hubs[3].export().await? == hubs[0].export().await?);
    hubs[0].close().await;
    let refused = hubs[0].enqueue(task()?).await.err().context("it is closed")?;
    ensure!(refused.code() == ErrorCode::LedgerUnavailable);
    hubs[1].enqueue(task()?).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hubs_never_get_the_same_task() -> Result<()> {
    const EACH: usize = 120;
    let (url, clock) = (Cluster::shared()?.database()?, ManualClock::new());
    let hubs = [
        hub(&url, "node-1", &clock, Clock::Database).await?,
        hub(&url, "node-2", &clock, Clock::Database).await?,
    ];
    declare(&hubs[0]).await?;
    let enqueue = hubs.iter().map(|hub| async move {
        let tasks =
            futures::future::join_all((0..EACH).map(async |_| anyhow::Ok(hub.enqueue(task()?).await?)));
        tasks.await.into_iter().collect::<Result<Vec<_>>>()
    });
    let work = [&hubs[0], &hubs[1], &hubs[0], &hubs[1]].map(|hub| {
        let clock = &clock;
        async move {
            let session = worker(hub, clock).await?;
            let (mut done, mut idle) = (Vec::new(), 0);
            while idle < 20 {
                let claimed = hub.claim(session, TaskType::ALL, 3).await?;
                idle = if claimed.is_empty() { idle + 1 } else { 0 };
                for task in claimed {
                    hub.finish(task.id, session, Outcome::new(TaskState::Ok)).await?;
                    done.push(task.upid);
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            anyhow::Ok(done)
        }
    });
    let (enqueued, done) = tokio::try_join!(
        futures::future::try_join_all(enqueue),
        futures::future::try_join_all(work)
    )?;
    let enqueued: HashSet<_> = enqueued.into_iter().flatten().map(|task| task.upid).collect();
    let done: Vec<_> = done.into_iter().flatten().collect();
    ensure!(enqueued.len() == 2 * EACH, "a UPID was given twice");
    ensure!(done.len() == 2 * EACH, "{} of {} done", done.len(), 2 * EACH);
    ensure!(done.into_iter().collect::<HashSet<_>>() == enqueued);
    no_gaps(&url).await
}

/// Readers that follow `seq` while both hubs write see every event once, in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_comes_late() -> Result<()> {
    const EACH: i64 = 150;
    let (url, clock) = (Cluster::shared()?.database()?, ManualClock::new());
    let hubs = [
        hub(&url, "node-1", &clock, Clock::Database).await?,
        hub(&url, "node-2", &clock, Clock::Database).await?,
    ];
    declare(&hubs[0]).await?;
    let write = hubs.iter().map(|hub| async move {
        for _ in 0..EACH {
            hub.enqueue(task()?).await?;
        }
        anyhow::Ok(())
    });
    let follow = async {
        let mut seen = 0;
        while seen < 2 * EACH {
            for event in hubs[0].events_after(seen, 100, &Scope::All).await? {
                ensure!(event.seq == seen + 1, "{} follows {seen}", event.seq);
                seen = event.seq;
            }
        }
        Ok(())
    };
    let all = async { tokio::try_join!(futures::future::try_join_all(write), follow) };
    tokio::time::timeout(Duration::from_secs(60), all).await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_hub_takes_back_what_a_lost_worker_held() -> Result<()> {
    let (url, clock) = (Cluster::shared()?.database()?, ManualClock::new());
    let (first, second) = (
        hub(&url, "node-1", &clock, Clock::Seams).await?,
        hub(&url, "node-2", &clock, Clock::Seams).await?,
    );
    declare(&first).await?;
    let session = worker(&first, &clock).await?;
    let task = first.enqueue(task()?).await?;
    ensure!(first.claim(session, TaskType::ALL, 1).await?.len() == 1);
    ensure!(second.recover().await?.is_empty(), "opening proves nothing");
    ensure!(second.reap().await?.is_empty(), "its lease holds");
    clock.advance(31);
    ensure!(second.reap().await? == [task.id]);
    ensure!(fenced(
        first.finish(task.id, session, Outcome::new(TaskState::Ok)).await
    ));
    ensure!(!first.renew(session, &[task.id]).await?.session_alive);
    let lost = second.task(&task.upid).await?.context("the task")?;
    ensure!(lost.state == TaskState::Failed && lost.error.map(|e| e.code) == Some(ErrorCode::WorkerLost));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hubs_wake_one_another() -> Result<()> {
    let (url, clock) = (Cluster::shared()?.database()?, ManualClock::new());
    let (first, second) = (
        hub(&url, "node-1", &clock, Clock::Database).await?,
        hub(&url, "node-2", &clock, Clock::Database).await?,
    );
    let mut wakes = second.wakes();
    declare(&first).await?;
    woken(&mut wakes.objects).await.context("objects")?;
    wakes.tasks.mark_unchanged();
    first.enqueue(task()?).await?;
    woken(&mut wakes.tasks).await.context("tasks")?;
    woken(&mut wakes.events).await.context("events")?;
    ensure!(!wakes.messages.has_changed()? && !wakes.logs.has_changed()?);
    Ok(())
}

pub(super) async fn woken(bell: &mut tokio::sync::watch::Receiver<u64>) -> Result<()> {
    tokio::time::timeout(Duration::from_secs(5), bell.changed()).await??;
    Ok(())
}

/// Somebody else writes all the time (or is stuck): a hub without work does not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_for_work_takes_no_lock() -> Result<()> {
    let (url, clock) = (Cluster::shared()?.database()?, ManualClock::new());
    let ledger = hub(&url, "node-1", &clock, Clock::Database).await?;
    declare(&ledger).await?;
    let session = worker(&ledger, &clock).await?;
    let mut other = raw(&url).await?;
    let mut other = other.begin().await?;
    let (high, low) = ledger.hub_id().0.as_u64_pair();
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind((high ^ low).cast_signed())
        .execute(&mut *other)
        .await?;
    // So long that it would look for who is lost.
    clock.advance(15);
    let look = async {
        ensure!(ledger.claim(session, TaskType::ALL, 5).await?.is_empty());
        ensure!(ledger.claim_messages(session, 5, 2).await?.is_empty());
        ensure!(ledger.reap().await?.is_empty() && ledger.recover().await?.is_empty());
        ensure!(ledger.fire_ticks(&[]).await?.is_empty());
        ledger.take_unmatched(10).await?;
        Ok(())
    };
    tokio::time::timeout(Duration::from_secs(2), look).await??;
    let waiting = ledger.clone();
    let waiting = tokio::task::spawn_blocking(move || {
        tokio::runtime::Handle::current().block_on(async move { anyhow::Ok(waiting.enqueue(task()?).await?) })
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    ensure!(!waiting.is_finished(), "what writes waits for its turn");
    other.rollback().await?;
    waiting.await??;
    Ok(())
}

/// The server's clock decides, whatever this machine's shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_go_by_the_servers_clock() -> Result<()> {
    let (url, clock) = (Cluster::shared()?.database()?, ManualClock::new());
    let ledger = hub(&url, "node-1", &clock, Clock::Database).await?;
    declare(&ledger).await?;
    let session = worker(&ledger, &clock).await?;
    ledger.enqueue(task()?).await?;
    ensure!(ledger.claim(session, TaskType::ALL, 1).await?.len() == 1);
    clock.advance(365 * 86_400);
    ensure!(ledger.reap().await?.is_empty());
    let started: i64 = sqlx::query_scalar("SELECT started FROM tasks")
        .fetch_one(&mut raw(&url).await?)
        .await?;
    let age: i64 =
        sqlx::query_scalar("SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT - $1")
            .bind(started)
            .fetch_one(&mut raw(&url).await?)
            .await?;
    ensure!((0..10_000_000).contains(&age), "{age} µs");
    Ok(())
}

/// Whether somebody is silent is told by the database's clock, whatever that of the machine shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lives_is_told_by_the_servers_clock() -> Result<()> {
    let (url, clock) = (Cluster::shared()?.database()?, ManualClock::new());
    let ledger = hub(&url, "node-1", &clock, Clock::Database).await?;
    worker(&ledger, &clock).await?;
    clock.ahead(100 * 365 * 86_400);
    ensure!(!ledger.sessions().await?[0].silent);
    clock.back(200 * 365 * 86_400);
    sqlx::query("UPDATE sessions SET lease_until = started - 1")
        .execute(&mut raw(&url).await?)
        .await?;
    ensure!(ledger.sessions().await?[0].silent);
    // Nobody is judged as soon as the database is within reach.
    ledger.reap().await?;
    ensure!(ledger.lost_workers(Duration::from_secs(3_600)).await?.is_empty());
    clock.advance(15);
    ledger.reap().await?;
    ensure!(ledger.lost_workers(Duration::from_secs(3_600)).await?.len() == 1);
    Ok(())
}

/// Text that PostgreSQL cannot hold does not stop anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zero_characters_are_replaced() -> Result<()> {
    let (url, clock) = (Cluster::shared()?.database()?, ManualClock::new());
    let ledger = hub(&url, "node-1", &clock, Clock::Database).await?;
    ledger.open_circuit("la\0ne", clock.time(), "no\0 answer").await?;
    ensure!(ledger.circuits().await?[0].reason == "no\u{fffd} answer");
    ensure!(ledger.close_circuit("la\0ne", clock.time()).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_are_not_shown() -> Result<()> {
    let clock = ManualClock::new();
    let port = Cluster::shared()?.port();
    let url = format!("postgres://nobody:hunter2@127.0.0.1:{port}/nothing");
    let shown = format!("{:?}", Postgres::new(&url)?);
    ensure!(
        shown.contains("127.0.0.1") && !shown.contains("hunter2"),
        "{shown}"
    );
    let error: ironcore_ledger::LedgerError = hub(&url, "node-1", &clock, Clock::Database)
        .await
        .err()
        .context("nobody knows it")?;
    ensure!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    ensure!(error.code() == ErrorCode::LedgerUnavailable);
    for bad in [
        "postgres://u:hunter2@host:port/x",
        "mysql://u:hunter2@host/x",
        "postgres://u:hunter2@h/x?sslmode=some",
    ] {
        let error = Postgres::new(bad).err().context("a URL that cannot be used")?;
        ensure!(error.code() == ErrorCode::ConfigInvalid, "{error}");
        ensure!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    Ok(())
}

/// A ledger is not one of those that share its database in another schema.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_are_ledgers_of_their_own() -> Result<()> {
    let (url, clock) = (Cluster::shared()?.database()?, ManualClock::new());
    let first = hub(&url, "node-1", &clock, Clock::Database).await?;
    sqlx::query("CREATE SCHEMA other")
        .execute(&mut raw(&url).await?)
        .await?;
    let second: Ledger = hub(
        &format!("{url}?options=-csearch_path%3Dother"),
        "node-1",
        &clock,
        Clock::Database,
    )
    .await?;
    ensure!(first.hub_id() != second.hub_id());
    declare(&first).await?;
    ensure!(second.export().await?.project.is_empty());
    second.pause_scheduler(&user()?).await?;
    ensure!(first.scheduler_paused().await?.is_none());
    Ok(())
}
