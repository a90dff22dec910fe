//! What follows from the end of a task: retries by policy, hand-over, and the jobs that come after.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{Cancelled, Outcome, RenewalState, Task, Tick};
use ironcore_types::event::ErrorData;
use ironcore_types::{ErrorCode, EventType, TaskId, TaskState};
use serde_json::json;

use super::{Place, World, demo, user};

fn failed() -> Outcome {
    Outcome::failed(ErrorData {
        code: ErrorCode::SourceUnreachable,
        message: "no route".to_owned(),
    })
}

async fn one(world: &World, ids: &[TaskId]) -> Result<Task> {
    ensure!(ids.len() == 1, "one follow-up, not {}", ids.len());
    world.ledger.task_by_id(ids[0]).await?.context("the follow-up")
}

/// A failed run is tried again, later each time, as often as the job says; each attempt is a task of its own.
pub async fn failures_are_retried_with_backoff(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let job = world
        .job("nightly", json!({ "retries": 2, "retry-delay": "1m" }))
        .await?;
    let mut task = world.enqueue_job(&job).await?;
    for (attempt, delay) in [(1_u32, 60_u64), (2, 120)] {
        let running = world.claim_one(session).await?;
        ensure!(running.id == task.id && running.attempt == attempt);
        let done = world.ledger.finish(running.id, session, failed()).await?;
        let retry = one(&world, &done.follow_ups).await?;
        ensure!(retry.retry_of.as_ref() == Some(&task.upid) && retry.attempt == attempt + 1);
        ensure!(world.ledger.retry_of(&task.upid).await? == Some(retry.upid.clone()));
        ensure!(world.ledger.retry_of(&retry.upid).await?.is_none());
        ensure!(retry.user == task.user && retry.spec == task.spec && retry.job == task.job);
        ensure!(world.claim(session, 1).await?.is_empty(), "it waits");
        world.clock.advance(delay - 1);
        ensure!(world.claim(session, 1).await?.is_empty(), "it still waits");
        world.clock.advance(1);
        world.ledger.renew(session, &[]).await?;
        task = retry;
    }
    let last = world.claim_one(session).await?;
    ensure!(
        world
            .ledger
            .finish(last.id, session, failed())
            .await?
            .follow_ups
            .is_empty(),
        "no third retry"
    );
    Ok(())
}

/// A pause holds the retries of what the hub started, and loses none; what a person started is tried again all the same.
pub async fn a_paused_job_is_tried_again_later(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let job = json!({ "retries": 1, "retry-delay": "1s", "schedule": "*:0/5", "timezone": "UTC" });
    let job = world.job("nightly", job).await?;
    let (project, name) = (demo()?, job.name.clone());
    world.clock.advance(600);
    let ticks = [Tick {
        project: project.clone(),
        job: name.clone(),
        cursor: world.ledger.cursors().await?.first().context("a cursor")?.until,
        scheduled_for: world.clock.time(),
        missed: 0,
        late: false,
        run: true,
    }];
    world.ledger.renew(session, &[]).await?;
    ensure!(world.ledger.fire_ticks(&ticks).await?.len() == 1);
    let running = world.claim_one(session).await?;
    world.ledger.set_job_enabled(&project, &name, false).await?;
    let done = world.ledger.finish(running.id, session, failed()).await?;
    let retry = one(&world, &done.follow_ups).await?;
    world.clock.advance(5);
    ensure!(world.claim(session, 1).await?.is_empty(), "the job is paused");
    world.ledger.set_job_enabled(&project, &name, true).await?;
    let again = world.claim_one(session).await?;
    ensure!(again.id == retry.id);
    world
        .ledger
        .finish(again.id, session, Outcome::new(TaskState::Ok))
        .await?;

    let job = world.ledger.set_job_enabled(&project, &name, false).await?;
    let by_hand = world.enqueue_job(&job).await?;
    ensure!(world.claim_one(session).await?.id == by_hand.id);
    let done = world.ledger.finish(by_hand.id, session, failed()).await?;
    let retry = one(&world, &done.follow_ups).await?;
    world.clock.advance(5);
    ensure!(world.claim_one(session).await?.id == retry.id);
    Ok(())
}

/// A worker that vanishes: its task ends failed and goes on as a retry, all told in the same breath.
pub async fn a_lost_worker_is_noticed(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let job = world.job("nightly", json!({ "retries": 1 })).await?;
    let task = world.enqueue_job(&job).await?;
    world.claim_one(session).await?;
    world.clock.advance(29);
    ensure!(world.ledger.reap().await?.is_empty(), "the lease holds for 30 s");
    world.clock.advance(1);
    let before = world.ledger.last_seq().await?;
    ensure!(world.ledger.reap().await? == [task.id]);
    ensure!(world.ledger.reap().await?.is_empty(), "once");
    let told: Vec<_> = world
        .events()
        .await?
        .into_iter()
        .filter(|e| e.seq > before)
        .collect();
    let types: Vec<_> = told.iter().map(|e| e.event.event_type).collect();
    ensure!(
        types
            == [
                EventType::TaskFailed,
                EventType::TaskQueued,
                EventType::WorkerOffline
            ],
        "{types:?}"
    );
    ensure!(told[0].event.data.error.as_ref().map(|e| e.code) == Some(ErrorCode::WorkerLost));
    let retry = told[1].event.data.task.clone().context("task data")?;
    ensure!(retry.retry_of == Some(task.upid));
    // At once, whatever the delay: there is nothing to wait for.
    let second = world.worker().await?;
    let again = world.claim_one(second).await?;
    ensure!(again.upid == retry.upid && again.attempt == 2);
    Ok(())
}

/// What was asked to cancel never runs again, whatever becomes of its worker.
pub async fn cancelled_work_is_not_retried(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let job = world
        .job("nightly", json!({ "retries": 3, "retry-delay": "0s" }))
        .await?;
    for lost in [true, false] {
        let session = if lost { world.worker().await? } else { session };
        let task = world.enqueue_job(&job).await?;
        world.claim_one(session).await?;
        ensure!(world.ledger.cancel(&task.upid, &user()?).await? == Cancelled::Requested);
        if lost {
            ensure!(world.ledger.end_session(session).await? == [task.id]);
            let stored = world.ledger.task(&task.upid).await?.context("the task")?;
            ensure!(stored.state == TaskState::Cancelled);
        } else {
            ensure!(
                world
                    .ledger
                    .finish(task.id, session, failed())
                    .await?
                    .follow_ups
                    .is_empty()
            );
        }
        ensure!(world.claim(session, 1).await.is_err() || world.claim(session, 1).await?.is_empty());
    }
    Ok(())
}

/// A process that stops gives its work back; that is no retry.
pub async fn handed_over_work_goes_on(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let task = world.enqueue().await?;
    world.claim_one(session).await?;
    let done = world.ledger.hand_over(task.id, session).await?;
    ensure!(done.task.state == TaskState::Failed);
    ensure!(done.task.error.map(|e| e.code) == Some(ErrorCode::WorkerStopped));
    let next = one(&world, &done.follow_ups).await?;
    ensure!(next.retry_of == Some(task.upid) && next.attempt == 1);
    ensure!(world.claim_one(session).await?.id == next.id, "at once");
    Ok(())
}

/// `after`: good ends start the next job, bad ones do not, and each end counts once.
pub async fn jobs_follow_one_another(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let first = world.job("first", json!({})).await?;
    world.job("second", json!({ "after": "first" })).await?;
    world.job("third", json!({ "after": "second" })).await?;
    world
        .job("off", json!({ "after": "first", "enabled": false }))
        .await?;
    for (state, follows) in [
        (TaskState::Ok, true),
        (TaskState::Warning, true),
        (TaskState::Failed, false),
    ] {
        world.enqueue_job(&first).await?;
        let task = world.claim_one(session).await?;
        let outcome = if state == TaskState::Failed {
            failed()
        } else {
            Outcome::new(state)
        };
        let done = world.ledger.finish(task.id, session, outcome.clone()).await?;
        ensure!(
            world.ledger.finish(task.id, session, outcome).await.is_err(),
            "fenced"
        );
        ensure!(done.follow_ups.is_empty() != follows, "{state}");
        if !follows {
            continue;
        }
        let second = one(&world, &done.follow_ups).await?;
        ensure!(second.job == Some("second".parse()?) && second.user.as_str() == "owner@hub");
        ensure!(second.project == Some(demo()?) && second.retry_of.is_none());
        ensure!(world.claim_one(session).await?.id == second.id);
        let done = world
            .ledger
            .finish(second.id, session, Outcome::new(TaskState::Ok))
            .await?;
        let third = one(&world, &done.follow_ups).await?;
        ensure!(third.job == Some("third".parse()?));
        world.ledger.cancel(&third.upid, &user()?).await?;
    }
    ensure!(world.claim(session, 10).await?.is_empty());
    Ok(())
}

/// A job never runs beside itself.
pub async fn a_job_never_runs_twice_at_once(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let job = world.job("nightly", json!({})).await?;
    let first = world.enqueue_job(&job).await?;
    let second = world.enqueue_job(&job).await?;
    let other = world.enqueue().await?;
    let claimed = world.claim(session, 10).await?;
    ensure!(claimed.iter().map(|t| t.id).collect::<Vec<_>>() == [first.id, other.id]);
    ensure!(world.claim(session, 10).await?.is_empty());
    world
        .ledger
        .finish(first.id, session, Outcome::new(TaskState::Ok))
        .await?;
    ensure!(world.claim_one(session).await?.id == second.id);
    world
        .ledger
        .finish(second.id, session, Outcome::new(TaskState::Ok))
        .await?;

    // What a person started goes before what the hub started, also when that is older, and not beside it.
    let job = world.job("nightly", json!({ "schedule": "hourly" })).await?;
    world.clock.advance(1);
    let due = world.tick(job.name.as_str(), world.clock.time()).await?;
    let automatic = world.ledger.fire_ticks(&[due]).await?.pop().context("a run")?;
    let by_hand = world.enqueue_job(&job).await?;
    let claimed = world.claim(session, 10).await?;
    ensure!(
        claimed.iter().map(|t| t.id).collect::<Vec<_>>() == [by_hand.id],
        "of the two one: {claimed:?}"
    );
    let ok = Outcome::new(TaskState::Ok);
    world.ledger.finish(by_hand.id, session, ok).await?;
    ensure!(world.claim_one(session).await?.id == automatic.id);
    Ok(())
}

/// A job that follows another keeps its own rules: of its runs one waits at most, and what is left out is told.
pub async fn followers_keep_their_rules(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let first = world.job("first", json!({})).await?;
    let follower = |overlap: &str| world.job("second", json!({ "after": "first", "overlap": overlap }));
    let run = async || -> Result<Vec<TaskId>> {
        let task = world.enqueue_job(&first).await?;
        // The follower waits in the queue before it.
        while let Some(claimed) = world.claim(session, 1).await?.pop() {
            if claimed.id == task.id {
                let ok = Outcome::new(TaskState::Ok);
                return Ok(world.ledger.finish(task.id, session, ok).await?.follow_ups);
            }
        }
        anyhow::bail!("it was not claimed")
    };
    let missed = async || -> Result<usize> {
        let events = world.events().await?;
        let missed = events
            .iter()
            .filter(|row| row.event.event_type == EventType::JobMissed);
        Ok(missed.count())
    };
    // Nobody claims it: the run of the first job is another one's.
    follower("skip").await?;
    let second = run().await?;
    ensure!(second.len() == 1);
    let waits = one(&world, &second).await?;
    ensure!(run().await?.is_empty(), "the one before goes on");
    ensure!(missed().await? == 1, "what is left out is told");
    follower("queue").await?;
    let queued = run().await?;
    ensure!(queued.len() == 1, "one may wait while one goes on");
    follower("cancel-old").await?;
    let newest = run().await?;
    ensure!(newest.len() == 1);
    let state = async |id| -> Result<Option<TaskState>> {
        Ok(world.ledger.task_by_id(id).await?.map(|task| task.state))
    };
    ensure!(state(queued[0]).await? == Some(TaskState::Cancelled));
    ensure!(
        state(waits.id).await? == Some(TaskState::Running),
        "it is asked to stop"
    );
    let cancel = world.ledger.renew(session, &[waits.id]).await?.tasks[0].state;
    ensure!(cancel == RenewalState::CancelRequested);
    // One that nobody does is late like any other.
    world.clock.advance(3_600);
    let late = world.ledger.late_starts(world.clock.time()).await?;
    ensure!(late.iter().any(|run| run.task == newest[0]), "{late:?}");
    Ok(())
}
