//! What a verb looks at before it has the lock of the one writer, it looks at again once it has: for two hubs that
//! wait for the lock one behind the other, where what the first does changes what the second went by.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ironcore_conformance::clock::ManualClock;
use ironcore_conformance::ledger::idempotency::request;
use ironcore_conformance::ledger::{World, demo, fenced, job_json, messages, user};
use ironcore_ledger::model::{Enqueued, KeyUse, Outcome, RenewalState, Tick};
use ironcore_ledger::{Clock, Ledger};
use ironcore_testkit::postgres::Cluster;
use ironcore_types::{TaskState, TaskType};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::{declare, hub, raw, task, worker};

/// Two hubs on one database, and a clock in hand.
struct Hubs {
    url: String,
    clock: ManualClock,
    first: Ledger,
    second: Ledger,
}

impl Hubs {
    async fn start() -> Result<Self> {
        let (url, clock) = (Cluster::shared()?.database()?, ManualClock::new());
        let first = hub(&url, "node-1", &clock, Clock::Seams).await?;
        let second = hub(&url, "node-2", &clock, Clock::Seams).await?;
        declare(&first).await?;
        Ok(Self {
            url,
            clock,
            first,
            second,
        })
    }

    /// What the suite needs to make messages.
    fn world(&self) -> World {
        World {
            ledger: self.first.clone(),
            clock: self.clock.clone(),
            seams: self.clock.seams(),
        }
    }

    /// Does both, of which each waits for the lock before the first goes.
    async fn in_turn<A, B>(
        &self,
        first: impl Future<Output = A>,
        second: impl Future<Output = B>,
    ) -> Result<(A, B)> {
        let (high, low) = self.first.hub_id().0.as_u64_pair();
        let mut holder = raw(&self.url).await?;
        let mut held = holder.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind((high ^ low).cast_signed())
            .execute(&mut *held)
            .await?;
        let mut looker = raw(&self.url).await?;
        let (first, second) = tokio::join!(first, async {
            wait_for_waiters(&mut looker, 1).await?;
            let (second, let_go) = tokio::join!(second, async {
                wait_for_waiters(&mut looker, 2).await?;
                anyhow::Ok(held.rollback().await?)
            });
            let_go?;
            anyhow::Ok(second)
        });
        Ok((first, second?))
    }
}

/// Waits until so many wait for the lock.
async fn wait_for_waiters(conn: &mut PgConnection, wanted: i64) -> Result<()> {
    let wait = async {
        loop {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            )
            .fetch_one(&mut *conn)
            .await?;
            if waiting >= wanted {
                return anyhow::Ok(());
            }
            // The server tells nobody who waits.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(8), wait).await;
    waited.with_context(|| format!("{wanted} did not come to wait for the lock"))?
}

/// Once the scheduler is paused no tick fires, not even one of a scheduler that looked before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_is_seen_by_who_is_about_to_fire() -> Result<()> {
    let hubs = Hubs::start().await?;
    let job = job_json("nightly", serde_json::json!({ "schedule": "*:*" }));
    hubs.world().apply(serde_json::json!({ "job": [job] })).await?;
    let declared = hubs.clock.time();
    hubs.clock.advance(60);
    let tick = Tick {
        project: demo()?,
        job: "nightly".parse()?,
        cursor: declared,
        scheduled_for: hubs.clock.time(),
        missed: 0,
        late: false,
        run: true,
    };
    let ticks = std::slice::from_ref(&tick);
    let by = user()?;
    let (paused, fired) = hubs
        .in_turn(hubs.first.pause_scheduler(&by), hubs.second.fire_ticks(ticks))
        .await?;
    ensure!(paused? && fired?.is_empty(), "it fired behind the pause");
    ensure!(hubs.first.resume_scheduler(&by).await?);
    ensure!(hubs.second.fire_ticks(ticks).await?.len() == 1, "it was not lost");
    Ok(())
}

/// Who looks for leases that ran out takes nothing from a worker that renews its own meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_renews_in_time_loses_nothing() -> Result<()> {
    let hubs = Hubs::start().await?;
    let world = hubs.world();
    let session = worker(&hubs.first, &hubs.clock).await?;
    world.enqueue().await?;
    let task = world.claim_one(session).await?;
    hubs.clock.advance(31);
    let tasks = [task.id];
    let (renewed, reaped) = hubs
        .in_turn(hubs.first.renew(session, &tasks), hubs.second.reap())
        .await?;
    let renewed = renewed?;
    ensure!(renewed.session_alive && renewed.tasks[0].state == RenewalState::Held);
    ensure!(reaped?.is_empty(), "it was taken for lost");
    ensure!(hubs.first.renew(session, &tasks).await?.session_alive);
    let ended = hubs
        .first
        .finish(task.id, session, Outcome::new(TaskState::Ok))
        .await?;
    ensure!(ended.task.state == TaskState::Ok);
    Ok(())
}

/// The same for who sends messages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_renews_in_time_keeps_its_messages() -> Result<()> {
    let hubs = Hubs::start().await?;
    let world = hubs.world();
    let made = messages::fan_out(&world, vec![messages::notice(&world, "x", "1")?]).await?;
    let session = worker(&hubs.first, &hubs.clock).await?;
    ensure!(messages::claim(&world, session).await?.len() == 1);
    hubs.clock.advance(31);
    let (renewed, reaped) = hubs
        .in_turn(
            hubs.first.renew_sender(session, &made.created),
            hubs.second.reap(),
        )
        .await?;
    ensure!(renewed?, "the session lives");
    reaped?;
    ensure!(
        messages::claim(&world, session).await?.is_empty(),
        "the message was taken"
    );
    messages::deliver(&world, made.created[0], session).await?;
    Ok(())
}

/// A request that goes to two hubs at the same time under one key enqueues one task, and both answer with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_two_hubs_see_at_once_enqueues_one_task() -> Result<()> {
    let hubs = Hubs::start().await?;
    let same = request("alice@local", "k", 1)?;
    let (first, second) = hubs
        .in_turn(
            hubs.first.enqueue_once(task()?, same.clone()),
            hubs.second.enqueue_once(task()?, same.clone()),
        )
        .await?;
    let Enqueued::Now(upid) = first? else {
        anyhow::bail!("nobody was before the first")
    };
    ensure!(second? == Enqueued::Before(KeyUse::Same(upid.clone())));
    let other = request("alice@local", "k", 2)?;
    let refused = hubs.second.enqueue_once(task()?, other).await?;
    ensure!(refused == Enqueued::Before(KeyUse::Other));
    ensure!(hubs.second.key_use(&same).await? == Some(KeyUse::Same(upid)));
    ensure!(hubs.first.open_tasks().await?.queued == 1);
    Ok(())
}

/// A session that ends while it asks for work gets none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_ends_meanwhile_gets_nothing() -> Result<()> {
    let hubs = Hubs::start().await?;
    let world = hubs.world();
    messages::fan_out(&world, vec![messages::notice(&world, "x", "1")?]).await?;
    let gone = worker(&hubs.second, &hubs.clock).await?;
    let (ended, claimed) = hubs
        .in_turn(
            hubs.first.end_session(gone),
            hubs.second.claim(gone, TaskType::ALL, 1),
        )
        .await?;
    ensure!(ended?.is_empty() && fenced(claimed), "a task");
    let gone = worker(&hubs.second, &hubs.clock).await?;
    let (ended, claimed) = hubs
        .in_turn(
            hubs.first.end_session(gone),
            hubs.second.claim_messages(gone, 1, 1),
        )
        .await?;
    ensure!(ended?.is_empty() && fenced(claimed), "a message");
    let lives = worker(&hubs.second, &hubs.clock).await?;
    ensure!(hubs.second.claim(lives, TaskType::ALL, 1).await?.len() == 1);
    ensure!(hubs.second.claim_messages(lives, 1, 1).await?.len() == 1);
    Ok(())
}
