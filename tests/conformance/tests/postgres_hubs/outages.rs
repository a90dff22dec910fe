//! Hubs that stop in the middle, and a server that crashes under load.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use ironcore_conformance::clock::ManualClock;
use ironcore_ledger::model::{Outcome, Scope};
use ironcore_ledger::{Clock, Failure, Ledger, LedgerError};
use ironcore_testkit::postgres::{Cluster, Safety};
use ironcore_types::{ErrorCode, EventType, SessionId, TaskId, TaskState, TaskType, Upid};

use super::sharing::woken;
use super::{declare, hub, no_gaps, raw, task, worker};

/// What the tasks of one test have in common.
#[derive(Default)]
struct Load {
    enqueued: AtomicUsize,
    finished: AtomicUsize,
    /// Verbs of which nobody could say whether they were kept.
    unknown: AtomicUsize,
    /// Verbs that failed, kept nothing, and were tried again.
    tried_again: AtomicUsize,
    over: AtomicBool,
}

impl Load {
    /// Tries until it is done.
    async fn insist<T>(&self, verb: impl AsyncFn() -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        loop {
            match verb().await {
                Err(LedgerError::Database(failure)) => {
                    self.tried_again.fetch_add(1, Ordering::Relaxed);
                    if matches!(failure, Failure::Unknown(_)) {
                        self.unknown.fetch_add(1, Ordering::Relaxed);
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                done => return done,
            }
        }
    }

    async fn enqueue(&self, ledger: &Ledger, most: usize) -> Result<Vec<Upid>> {
        let mut acknowledged = Vec::new();
        while !self.over.load(Ordering::Relaxed) && acknowledged.len() < most {
            let new = task()?;
            acknowledged.push(
                self.insist(async || ledger.enqueue(new.clone()).await)
                    .await?
                    .upid,
            );
            self.enqueued.fetch_add(1, Ordering::Relaxed);
        }
        Ok(acknowledged)
    }

    async fn work(&self, ledger: &Ledger, session: SessionId) -> Result<Vec<TaskId>> {
        let mut done = Vec::new();
        let finished = |load: &Self| {
            load.over.load(Ordering::Relaxed)
                && load.finished.load(Ordering::Relaxed) == load.enqueued.load(Ordering::Relaxed)
        };
        while !finished(self) {
            let claimed = self
                .insist(async || ledger.claim(session, TaskType::ALL, 4).await)
                .await?;
            if claimed.is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            for task in claimed {
                self.insist(async || ledger.finish(task.id, session, Outcome::new(TaskState::Ok)).await)
                    .await?;
                self.finished.fetch_add(1, Ordering::Relaxed);
                done.push(task.id);
            }
        }
        Ok(done)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_under_load_loses_nothing() -> Result<()> {
    const CRASHES: u32 = 4;
    let cluster = Arc::new(Cluster::start(Safety::Fast)?);
    let (url, clock) = (cluster.database()?, ManualClock::new());
    let hubs = [
        hub(&url, "node-1", &clock, Clock::Database).await?,
        hub(&url, "node-2", &clock, Clock::Database).await?,
    ];
    declare(&hubs[0]).await?;
    let load = Load::default();
    let crash = async {
        for _ in 0..CRASHES {
            tokio::time::sleep(Duration::from_millis(700)).await;
            let cluster = cluster.clone();
            tokio::task::spawn_blocking(move || cluster.restart()).await??;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        load.over.store(true, Ordering::Relaxed);
        Ok(())
    };
    let enqueue = (0..8).map(|at| load.enqueue(&hubs[at % 2], 2_000));
    let work = (0..4).map(|at| {
        let (ledger, load, clock) = (&hubs[at % 2], &load, &clock);
        async move { load.work(ledger, worker(ledger, clock).await?).await }
    });
    let all = async {
        tokio::try_join!(
            futures::future::try_join_all(enqueue),
            futures::future::try_join_all(work),
            crash
        )
    };
    let (enqueued, done, ()) = tokio::time::timeout(Duration::from_secs(90), all).await??;
    let enqueued: Vec<Upid> = enqueued.into_iter().flatten().collect();
    let done: Vec<TaskId> = done.into_iter().flatten().collect();
    let mut told: HashMap<TaskId, Vec<EventType>> = HashMap::new();
    let mut seq = 0;
    loop {
        let events = hubs[0].events_after(seq, 1_000, &Scope::All).await?;
        let Some(last) = events.last() else { break };
        seq = last.seq;
        for event in events {
            if let Some(task) = event.event.data.task {
                told.entry(task.upid.task)
                    .or_default()
                    .push(event.event.event_type);
            }
        }
    }
    ensure!(
        load.tried_again.load(Ordering::Relaxed) > 0,
        "the crashes were not noticed"
    );
    ensure!(
        load.unknown.load(Ordering::Relaxed) == 0,
        "what became of a transaction can be asked once the server is back"
    );
    for upid in &enqueued {
        let task = hubs[1]
            .task(upid)
            .await?
            .with_context(|| format!("{upid} is lost"))?;
        ensure!(task.state == TaskState::Ok && task.attempt == 1, "{task:?}");
        let wanted = [
            EventType::TaskQueued,
            EventType::TaskStarted,
            EventType::TaskCompleted,
        ];
        ensure!(
            told.get(&task.id).is_some_and(|told| *told == wanted),
            "{:?}",
            told.get(&task.id)
        );
    }
    ensure!(
        told.len() == enqueued.len(),
        "nothing was enqueued that was not acknowledged"
    );
    ensure!(done.len() == enqueued.len(), "each was finished once");
    no_gaps(&url).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bells_ring_again_after_a_crash() -> Result<()> {
    let cluster = Cluster::start(Safety::Fast)?;
    let (url, clock) = (cluster.database()?, ManualClock::new());
    let (first, second) = (
        hub(&url, "node-1", &clock, Clock::Database).await?,
        hub(&url, "node-2", &clock, Clock::Database).await?,
    );
    let mut wakes = second.wakes();
    declare(&first).await?;
    woken(&mut wakes.objects).await?;
    cluster.restart()?;
    // Nobody knows what was told meanwhile.
    woken(&mut wakes.messages).await?;
    woken(&mut wakes.logs).await?;
    wakes.tasks.mark_unchanged();
    first.enqueue(task()?).await?;
    woken(&mut wakes.tasks).await?;
    ensure!(!wakes.logs.has_changed()?);
    Ok(())
}

/// Verbs wait for a server that comes back soon, and are refused when it stays away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_away_is_waited_for_within_bounds() -> Result<()> {
    let cluster = Cluster::start(Safety::Fast)?;
    let (url, clock) = (cluster.database()?, ManualClock::new());
    let ledger = hub(&url, "node-1", &clock, Clock::Database).await?;
    declare(&ledger).await?;
    cluster.stop()?;
    let waiting = {
        let ledger = ledger.clone();
        futures::future::join_all((0..3).map(move |_| {
            let ledger = ledger.clone();
            async move { anyhow::Ok(ledger.enqueue(task()?).await?) }
        }))
    };
    let (waited, ()) = tokio::join!(waiting, async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        cluster.launch().expect("started again");
    });
    for task in waited {
        task.context("it was waited for")?;
    }
    cluster.stop()?;
    let began = Instant::now();
    let error = ledger.enqueue(task()?).await.err().context("nobody is there")?;
    ensure!(error.code() == ErrorCode::LedgerUnavailable, "{error}");
    ensure!(
        (15..30).contains(&began.elapsed().as_secs()),
        "{:?}",
        began.elapsed()
    );
    let began = Instant::now();
    ensure!(ledger.enqueue(task()?).await.is_err());
    ensure!(
        began.elapsed() < Duration::from_secs(5),
        "the wait is not begun anew"
    );
    cluster.launch()?;
    let began = Instant::now();
    while ledger.enqueue(task()?).await.is_err() {
        ensure!(began.elapsed() < Duration::from_secs(10), "it is back");
    }
    no_gaps(&url).await
}

const CHILD: &str = "CONFORMANCE_CHILD_URL";

/// Not a test by itself: the hub that the next test stops.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by a_writer_that_stops_is_thrown_out"]
async fn child_that_writes() -> Result<()> {
    let Some(url) = std::env::var(CHILD).ok() else {
        return Ok(());
    };
    let ledger = hub(&url, "stopped", &ManualClock::new(), Clock::Database).await?;
    loop {
        // Once it was thrown out, one group fails; it goes on by itself.
        futures::future::join_all((0..20).map(async |_| anyhow::Ok(ledger.enqueue(task()?).await?))).await;
    }
}

struct Hub(Child);

impl Drop for Hub {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Hub {
    fn signal(&self, name: &str) -> Result<()> {
        let done = Command::new("kill")
            .args([name, &self.0.id().to_string()])
            .status()?;
        ensure!(done.success());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_stops_is_thrown_out() -> Result<()> {
    let (url, clock) = (Cluster::shared()?.database()?, ManualClock::new());
    let ledger = hub(&url, "node-1", &clock, Clock::Database).await?;
    declare(&ledger).await?;
    let child = Hub(Command::new(std::env::current_exe()?)
        .args([
            "--exact",
            "outages::child_that_writes",
            "--ignored",
            "--nocapture",
        ])
        .env(CHILD, &url)
        .stdout(Stdio::null())
        .spawn()?);
    let mut other = raw(&url).await?;
    let began = Instant::now();
    // What it locks while it opens the ledger is not the writer's lock.
    while ledger.task_by_id(TaskId(1)).await?.is_none() {
        ensure!(began.elapsed() < Duration::from_secs(60), "it never wrote");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let began = Instant::now();
    // Stopped until it is caught in the middle of a transaction, with the lock in its hand.
    loop {
        ensure!(began.elapsed() < Duration::from_secs(30), "it was never caught");
        tokio::time::sleep(Duration::from_millis(50)).await;
        child.signal("-STOP")?;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let holds: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
             WHERE l.locktype = 'advisory' AND l.granted AND a.application_name LIKE '%stopped%'
                AND a.state = 'idle in transaction')",
        )
        .fetch_one(&mut other)
        .await?;
        if holds {
            break;
        }
        child.signal("-CONT")?;
    }
    let began = Instant::now();
    let kept = ledger.enqueue(task()?).await?;
    ensure!(
        (2..12).contains(&began.elapsed().as_secs()),
        "{:?}",
        began.elapsed()
    );
    no_gaps(&url).await?;
    // Continued, it finds that it was thrown out, and what it did undone; then it goes on.
    child.signal("-CONT")?;
    let began = Instant::now();
    while ledger.task_by_id(TaskId(kept.id.0 + 50)).await?.is_none() {
        ensure!(
            began.elapsed() < Duration::from_secs(15),
            "the hub that was stopped goes on"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(child);
    ledger.enqueue(task()?).await?;
    no_gaps(&url).await
}
