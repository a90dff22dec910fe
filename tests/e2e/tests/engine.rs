//! Scheduler and worker over a real ledger and real datastores, with a clock that the tests set.

#[path = "engine/commands.rs"]
mod commands;
#[path = "engine/housekeeping.rs"]
mod housekeeping;
#[path = "engine/statistics.rs"]
mod statistics;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_e2e::night::Night;
use ironcore_ledger::model::{LogLevel, NewSession, NewTask, Scope, Service, Task};
use ironcore_store::SnapshotFilter;
use ironcore_types::{ErrorCode, EventType, SessionId, TaskState, TaskType};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const CHAIN: &str = r#"
    [[job]]
    project = "office"
    name = "prune"
    owner = "alice@local"
    after = "files"
    task = { type = "prune", datastore = "ibs-primary", keep = { last = 1 } }
    [[job]]
    project = "office"
    name = "gc"
    owner = "alice@local"
    after = "prune"
    task = { type = "gc", datastore = "ibs-primary" }
    [[job]]
    project = "office"
    name = "sync"
    owner = "alice@local"
    after = "gc"
    task = { type = "sync", from = { datastore = "ibs-primary" }, to = "ibs-archival" }
    [[job]]
    project = "office"
    name = "verify"
    owner = "alice@local"
    after = "sync"
    task = { type = "verify", datastore = "ibs-archival" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_night_runs_at_its_time_and_in_its_order() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "", CHAIN).await?;
    let stop = CancellationToken::new();
    let mut running = JoinSet::new();
    let (scheduler, worker) = (night.scheduler(), night.worker());
    let (one, two) = (stop.clone(), stop.clone());
    running.spawn(async move {
        scheduler.run(one).await;
        Ok(())
    });
    running.spawn(async move { worker.run(two).await });

    night.clock.set("2026-05-21T01:59:59Z".parse()?);
    ensure!(night.tasks().await?.is_empty(), "nothing runs before its time");
    night.clock.set("2026-05-21T02:00:00Z".parse()?);
    let all_over = |tasks: &[Task]| tasks.len() == 5 && tasks.iter().all(|task| task.state.is_final());
    let tasks = night.until("five tasks are over", all_over).await?;
    for task in &tasks {
        ensure!(task.state == TaskState::Ok, "{task:#?}");
        ensure!(
            task.user.as_str() == "alice@local",
            "a scheduled task's user is the job's owner"
        );
        let log = night.ledger.log_after(task.id, 0, 100).await?;
        ensure!(log.len() >= 2, "every task has a log");
        ensure!(
            !task.progress.stages.is_empty(),
            "every task has stages: {task:#?}"
        );
    }
    let types: Vec<TaskType> = tasks.iter().map(Task::task_type).collect();
    use TaskType::{Backup, Gc, Prune, Sync, Verify};
    ensure!(types == [Backup, Prune, Gc, Sync, Verify], "{types:?}");
    ensure!(tasks[0].scheduled_for == Some("2026-05-21T02:00:00Z".parse()?));

    let events = night.event_types().await?;
    for (event_type, count) in [
        (EventType::TaskQueued, 5),
        (EventType::TaskStarted, 5),
        (EventType::TaskCompleted, 5),
        (EventType::SnapshotVerified, 1),
        (EventType::WorkerOnline, 1),
    ] {
        let found = events.iter().filter(|found| **found == event_type).count();
        ensure!(found == count, "{event_type}: {found} of {count} in {events:?}");
    }
    stop.cancel();
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    ensure!(night.event_types().await?.contains(&EventType::WorkerOffline));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_schedulers_fire_a_tick_once_and_missed_ones_collapse() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "", "").await?;
    // Four nights pass while nobody looks.
    night.clock.set("2026-05-24T09:00:00Z".parse()?);
    let now = "2026-05-24T09:00:00Z".parse()?;
    let next = night.scheduler().fire_due(now).await?;
    night.scheduler().fire_due(now).await?;
    ensure!(next == Some("2026-05-25T02:00:00Z".parse()?), "{next:?}");
    let tasks = night.tasks().await?;
    ensure!(tasks.len() == 1, "run-once runs once: {tasks:#?}");
    ensure!(tasks[0].scheduled_for == Some("2026-05-24T02:00:00Z".parse()?));
    let missed: Vec<_> = night.ledger.events_after(0, 100, &Scope::All).await?;
    let missed: Vec<_> = missed
        .iter()
        .filter(|row| row.event.event_type == EventType::JobMissed)
        .collect();
    ensure!(missed.len() == 1);
    let job = missed[0]
        .event
        .data
        .job
        .as_ref()
        .context("the event names the job")?;
    ensure!(job.missed == 4, "{job:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_workers_task_ends_and_is_tried_again() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "retries = 1\nretry-delay = \"0s\"", "").await?;
    night.clock.set("2026-05-21T02:00:00Z".parse()?);
    night
        .scheduler()
        .fire_due("2026-05-21T02:00:00Z".parse()?)
        .await?;
    // A worker that takes the task and is never heard of again.
    let gone = SessionId(night.clock.seams().uuid());
    let session = NewSession {
        id: gone,
        node: "gone".parse()?,
        pid: 2,
        services: vec![Service::Worker],
        types: vec![TaskType::Backup],
        slots: 1,
        keys: Vec::new(),
    };
    night.ledger.register_session(session).await?;
    ensure!(night.ledger.claim(gone, &[TaskType::Backup], 1).await?.len() == 1);

    let stop = CancellationToken::new();
    let mut running = JoinSet::new();
    let (worker, token) = (night.worker(), stop.clone());
    running.spawn(async move { worker.run(token).await });
    night.clock.advance(Duration::from_secs(45));
    let over = |tasks: &[Task]| tasks.len() == 2 && tasks.iter().all(|task| task.state.is_final());
    let tasks = night.until("the retry is over", over).await?;
    ensure!(tasks[0].state == TaskState::Failed);
    ensure!(
        tasks[0]
            .error
            .as_ref()
            .is_some_and(|error| error.code == ErrorCode::WorkerLost)
    );
    ensure!(tasks[1].state == TaskState::Ok, "{:#?}", tasks[1]);
    ensure!(tasks[1].retry_of.as_ref() == Some(&tasks[0].upid));
    stop.cancel();
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_within_one_second_make_two_snapshots() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "", "").await?;
    let job = night
        .ledger
        .job(&"office".parse()?, &"files".parse()?)
        .await?
        .context("the job")?;
    let stop = CancellationToken::new();
    let mut running = JoinSet::new();
    let (worker, token) = (night.worker(), stop.clone());
    running.spawn(async move { worker.run(token).await });
    for runs in 1..=2 {
        let new = NewTask::new(Some(job.project.clone()), job.owner.clone(), job.task.clone());
        night.ledger.enqueue(new).await?;
        let over = |t: &[Task]| t.len() == runs && t.iter().all(|task| task.state.is_final());
        let tasks = night.until("the run is over", over).await?;
        ensure!(tasks.iter().all(|task| task.state == TaskState::Ok), "{tasks:#?}");
    }
    let datastore = night.stores.open(&"ibs-primary".parse()?).await?;
    ensure!(datastore.snapshots(&SnapshotFilter::default())?.len() == 2);
    stop.cancel();
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_chunk_fails_the_verification_and_is_told_per_snapshot() -> Result<()> {
    let night = Night::new().await?;
    let verify = r#"
        [[job]]
        project = "office"
        name = "verify"
        owner = "alice@local"
        after = "files"
        task = { type = "verify", datastore = "ibs-primary", again = true }
    "#;
    night.apply("", "", verify).await?;
    let stop = CancellationToken::new();
    let mut running = JoinSet::new();
    let (scheduler, worker, one, two) = (night.scheduler(), night.worker(), stop.clone(), stop.clone());
    running.spawn(async move {
        scheduler.run(one).await;
        Ok(())
    });
    running.spawn(async move { worker.run(two).await });
    night.clock.set("2026-05-21T02:00:00Z".parse()?);
    night
        .until("the first night is over", |t| {
            t.len() == 2 && t.iter().all(|t| t.state.is_final())
        })
        .await?;
    damage(&night.path("primary"))?;
    night.clock.set("2026-05-22T02:00:00Z".parse()?);
    let tasks = night
        .until("the second night is over", |t| {
            t.len() == 4 && t.iter().all(|t| t.state.is_final())
        })
        .await?;
    let verification = &tasks[3];
    ensure!(verification.state == TaskState::Failed, "{verification:#?}");
    let code = verification.error.as_ref().map(|error| error.code);
    ensure!(code == Some(ErrorCode::ChunkCorrupt), "{code:?}");
    let rows = night.ledger.verifications(&"ibs-primary".parse()?, None).await?;
    ensure!(
        rows.iter()
            .any(|row| row.report.result.is_bad() && row.report.failure.is_some()),
        "{rows:#?}"
    );
    // Whoever looks for errors in the log finds the snapshots that are bad.
    let log = night.ledger.log_after(verification.id, 0, 1_000).await?;
    let bad: Vec<_> = log
        .iter()
        .filter(|line| line.text.contains(": CORRUPT: "))
        .collect();
    ensure!(
        !bad.is_empty() && bad.iter().all(|line| line.level == LogLevel::Error),
        "{log:#?}"
    );
    stop.cancel();
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}

/// A row of a job that another version wrote, say: its own runs fail instead of going without what the job asks for, and
/// everything else goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_read_stops_nothing_but_itself() -> Result<()> {
    let night = Night::new().await?;
    let other = r#"
        [[job]]
        project = "office"
        name = "gc"
        owner = "alice@local"
        schedule = "02:00"
        task = { type = "gc", datastore = "ibs-primary" }
    "#;
    night
        .apply("", "command-before = { run = [\"dump\"] }\nretries = 3", other)
        .await?;
    let job = night.ledger.job(&"office".parse()?, &"files".parse()?).await?;
    let job = job.context("the job")?;
    let run = NewTask {
        job: Some(job.name),
        ..NewTask::new(Some(job.project), job.owner, job.task)
    };
    night.ledger.enqueue(run).await?;
    night.spoil_job("files").await?;

    night.set("2026-05-21T02:00:00Z")?;
    night.fire().await?;
    let tasks = night.work().await?;
    let of = |name: &str| {
        let found = tasks
            .iter()
            .filter(|task| task.job.as_ref().is_some_and(|job| job.as_str() == name));
        found.map(|task| task.state).collect::<Vec<_>>()
    };
    ensure!(of("files") == [TaskState::Failed], "{tasks:#?}");
    ensure!(of("gc") == [TaskState::Ok], "{tasks:#?}");
    let error = tasks[0].error.as_ref().map(|error| error.message.as_str());
    ensure!(
        error.is_some_and(|error| error.contains("cannot be read")),
        "{error:?}"
    );
    let mut watch = night.watch();
    watch.look(night.now()).await?;
    let names: Vec<_> = night
        .ledger
        .jobs(None)
        .await?
        .into_iter()
        .map(|job| job.name.to_string())
        .collect();
    ensure!(names == ["gc"], "{names:?}");
    Ok(())
}

/// Turns one byte round in the middle of the largest file.
fn damage(folder: &Path) -> Result<()> {
    let path = ironcore_testkit::damage::largest_file(folder)?;
    ironcore_testkit::damage::flip_byte(&path, std::fs::metadata(&path)?.len() / 2)
}
