//! Conditions are told once while they last; a watch finds the runs it asks for.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{GoodRun, NewEvent, NewTask, Outcome, QueuedRun, SnapshotWindow, Task};
use ironcore_types::event::{ErrorData, EventData};
use ironcore_types::progress::TaskStats;
use ironcore_types::verification::{VerifyDepth, VerifyReport};
use ironcore_types::{
    DatastoreName, ErrorCode, EventType, JobName, ProjectName, SessionId, TaskId, TaskState, Timestamp,
    VerifyResult,
};
use serde_json::json;

use super::{Place, World, demo, user};

fn space_low() -> NewEvent {
    let event_type = EventType::DatastoreSpaceLow;
    NewEvent {
        event_type,
        subject: Some("datastore/ibs-primary".to_owned()),
        data: EventData::new(None, event_type.default_severity(), "little is left"),
    }
}

/// Whoever opens a condition first tells of it; it is told again only after it was over.
pub async fn conditions_are_told_once_while_they_last(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (ledger, key) = (&world.ledger, "space-low/ibs-primary");
    ledger.check_writes().await?;
    let opened =
        futures::future::try_join_all((0..5).map(|_| ledger.open_condition(key, space_low()))).await?;
    ensure!(opened.iter().filter(|first| **first).count() == 1, "{opened:?}");
    let seq = ledger.last_seq().await?;
    let event = world.last_event().await?.event;
    ensure!(event.event_type == EventType::DatastoreSpaceLow && event.data.title == "little is left");
    let since = world.clock.time();
    world.clock.advance(60);
    ensure!(!ledger.open_condition(key, space_low()).await?);
    ensure!(ledger.last_seq().await? == seq, "told once");
    let many = ["space-low/ibs-archival", key].map(|key| (key.to_owned(), space_low()));
    ensure!(ledger.open_conditions(many.to_vec()).await? == [true, false]);
    ensure!(ledger.open_condition("paused", space_low()).await?);
    ensure!(ledger.last_seq().await? == seq + 2);

    let open = ledger.conditions("space-low/").await?;
    let keys: Vec<&str> = open.iter().map(|condition| condition.key.as_str()).collect();
    ensure!(keys == ["space-low/ibs-archival", key], "{keys:?}");
    ensure!(open[1].since == since, "since it was opened first");
    ensure!(ledger.conditions("").await?.len() == 3 && ledger.conditions("space-low/x").await?.is_empty());

    ensure!(ledger.close_condition(key).await? && !ledger.close_condition(key).await?);
    ensure!(ledger.last_seq().await? == seq + 2, "that it is over is not told");
    ensure!(ledger.open_condition(key, space_low()).await?, "it is so again");
    let all = ["paused", key, "no-such"].map(str::to_owned);
    ensure!(ledger.close_conditions(&all).await? == 2);
    ensure!(ledger.conditions("").await?.len() == 1);
    Ok(())
}

/// Runs of ticks that wait are seen from the moment they were to begin until they do.
pub async fn runs_that_wait_are_seen(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let retries = json!({ "schedule": "02:00", "retries": 1, "retry-delay": "0s" });
    let job = world.job("nightly", retries).await?;
    world.enqueue_job(&job).await?;
    world.enqueue().await?;
    let session = world.worker().await?;
    ensure!(
        world.claim(session, 10).await?.len() == 2,
        "what people start waits for no tick"
    );
    let running = world.ledger.running_runs().await?;
    ensure!(running.len() == 1 && running[0].job == job.name && running[0].started == world.clock.time());
    end(&world, session, running[0].task, TaskState::Ok, 1).await?;
    ensure!(world.ledger.running_runs().await?.is_empty());

    world.clock.advance(60);
    let due = world.clock.time();
    let fired = world
        .ledger
        .fire_ticks(&[world.tick("nightly", due).await?])
        .await?;
    let task = fired.first().context("a task")?;
    let before = due.before(Duration::from_secs(1));
    ensure!(world.ledger.late_starts(before).await?.is_empty());
    let expected = QueuedRun {
        task: task.id,
        upid: task.upid.clone(),
        project: demo()?,
        job: job.name,
        scheduled_for: due,
        due,
    };
    ensure!(world.ledger.late_starts(due).await? == [expected]);
    let task = world.claim_one(session).await?;
    ensure!(world.ledger.late_starts(due).await?.is_empty(), "it began");
    let outcome = Outcome::failed(ErrorData {
        code: ErrorCode::SourceUnreachable,
        message: "no such folder".to_owned(),
    });
    let ended = world.ledger.finish(task.id, session, outcome).await?;
    ensure!(ended.follow_ups.len() == 1);
    world.clock.advance(1);
    let now = world.clock.time();
    ensure!(
        world.ledger.late_starts(now).await?.is_empty(),
        "a further attempt is no late start"
    );
    Ok(())
}

/// Ends a running task after which so many snapshots are there.
async fn end(
    world: &World,
    session: SessionId,
    task: TaskId,
    state: TaskState,
    snapshots: u64,
) -> Result<()> {
    let stats = TaskStats {
        snapshots,
        ..TaskStats::default()
    };
    let outcome = Outcome {
        stats,
        ..Outcome::new(state)
    };
    world.ledger.finish(task, session, outcome).await?;
    Ok(())
}

/// Good runs come newest first, and the newest of each job is found at once.
pub async fn good_runs_are_found(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let declared = world.clock.time();
    let job = world.job("nightly", json!({})).await?;
    let never = world.job("never", json!({})).await?;
    let session = world.worker().await?;
    let mut tasks: Vec<Task> = Vec::new();
    use TaskState::{Cancelled, Ok as Fine, Warning};
    for state in [Fine, Warning, Fine, Cancelled] {
        world.clock.advance(60);
        world.enqueue_job(&job).await?;
        let task = world.claim_one(session).await?;
        world.clock.advance(10);
        world.ledger.renew(session, &[task.id]).await?;
        end(&world, session, task.id, state, 1).await?;
        tasks.push(task);
    }
    let run = |at: usize| -> Result<GoodRun> {
        let started = tasks[at].started.context("it began")?;
        Ok(GoodRun {
            task: tasks[at].id,
            started,
            ended: started.after(Duration::from_secs(10)),
            snapshots: 1,
        })
    };
    let all = world.ledger.good_runs(&demo()?, &job.name, 10).await?;
    ensure!(all == [run(2)?, run(1)?, run(0)?], "{all:?}");
    ensure!(world.ledger.good_runs(&demo()?, &job.name, 2).await? == [run(2)?, run(1)?]);
    ensure!(world.ledger.good_runs(&demo()?, &never.name, 2).await?.is_empty());

    // A change of the job is no new declaration.
    world.job("nightly", json!({ "comment": "quiet hours" })).await?;
    let names = ["never", "nightly", "no-such"];
    let named = |name: &str| -> Result<(ProjectName, JobName)> { Ok((demo()?, name.parse()?)) };
    let names = names.into_iter().map(named).collect::<Result<Vec<_>>>()?;
    let fresh = world.ledger.freshness(&names).await?;
    ensure!(
        fresh.len() == 2 && fresh.iter().all(|fresh| fresh.declared == declared),
        "{fresh:?}"
    );
    ensure!(fresh[0].job == never.name && fresh[0].newest.is_none());
    ensure!(fresh[1].job == job.name && fresh[1].newest == Some(run(2)?));
    Ok(())
}

/// A run whose snapshot was found to be bad is known, whichever task found it, until it verifies well again.
pub async fn bad_snapshots_are_found(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let store: DatastoreName = "ibs-primary".parse()?;
    let spec = serde_json::from_value(json!({ "type": "verify", "datastore": "ibs-primary" }))?;
    world.ledger.enqueue(NewTask::new(None, user()?, spec)).await?;
    let verifier = world.claim_one(session).await?;
    let at = |text: &str| -> Result<Timestamp> { Ok(text.parse()?) };
    let window = |task: i64, group: &str, from: &str, until: &str| -> Result<SnapshotWindow> {
        Ok(SnapshotWindow {
            task: TaskId(task),
            datastore: store.clone(),
            group: group.parse()?,
            from: at(from)?,
            until: at(until)?,
        })
    };
    let windows = [
        window(1, "host/demo", "2026-05-20T02:00:00.5Z", "2026-05-20T02:10:00Z")?,
        window(2, "host/demo", "2026-05-21T02:00:00Z", "2026-05-21T02:10:00Z")?,
        window(3, "host/demo-2", "2026-05-20T02:00:00Z", "2026-05-20T02:10:00Z")?,
    ];
    let verify = async |snapshot: &str, result| -> Result<Vec<i64>> {
        let report = VerifyReport {
            snapshot: snapshot.parse()?,
            started: world.clock.time(),
            duration_us: 1,
            depth: VerifyDepth::Full,
            chunks: 1,
            result,
            failure: None,
        };
        world
            .ledger
            .record_verification(verifier.id, session, &store, &report)
            .await?;
        let bad = world.ledger.bad_snapshots(&windows).await?;
        Ok(bad.into_iter().map(|task| task.0).collect())
    };
    let (first, second) = ("host/demo/2026-05-20T02:00:00Z", "host/demo/2026-05-21T02:00:01Z");
    ensure!(verify(first, VerifyResult::Ok).await?.is_empty());
    ensure!(verify(second, VerifyResult::Missing).await? == [2]);
    ensure!(verify(first, VerifyResult::Corrupt).await? == [1, 2]);
    ensure!(verify("host/demo/2026-05-21T02:10:01Z", VerifyResult::Corrupt).await? == [1, 2]);
    ensure!(verify(second, VerifyResult::Ok).await? == [1], "it was put right");
    ensure!(world.ledger.bad_snapshots(&[]).await?.is_empty());
    Ok(())
}
