//! What comes after a run of several attempts: the jobs that follow it run once, and only when an attempt ended well.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{Cancelled, Outcome, Page, Task, TaskFilter};
use ironcore_types::event::ErrorData;
use ironcore_types::objects::Job;
use ironcore_types::{ErrorCode, SessionId, TaskState};
use serde_json::json;

use super::{Place, World, user};

/// A job `first` with these keys, and `second` after it.
async fn chain(world: &World, keys: serde_json::Value) -> Result<Job> {
    let first = world.job("first", keys).await?;
    world.job("second", json!({ "after": "first" })).await?;
    Ok(first)
}

/// How often `second` was started.
async fn followed(world: &World) -> Result<usize> {
    let filter = TaskFilter {
        job: Some("second".parse()?),
        ..TaskFilter::default()
    };
    Ok(world.ledger.tasks(&filter, &Page::first(100)).await?.tasks.len())
}

fn failed() -> Outcome {
    Outcome::failed(ErrorData {
        code: ErrorCode::SourceUnreachable,
        message: "no route".to_owned(),
    })
}

/// The attempt of `first` that must be there to be claimed.
async fn attempt(world: &World, session: SessionId, number: u32) -> Result<Task> {
    let task = world.claim_one(session).await?;
    ensure!(task.job == Some("first".parse()?), "{task:?}");
    ensure!(task.attempt == number, "attempt {} of {number}", task.attempt);
    Ok(task)
}

/// The worker dies without a word: its session runs out, and with it what it did.
async fn die(world: &World, task: &Task) -> Result<()> {
    world.clock.advance(31);
    ensure!(world.ledger.reap().await? == [task.id]);
    let lost = world.ledger.task(&task.upid).await?.context("the task")?;
    ensure!(lost.error.map(|error| error.code) == Some(ErrorCode::WorkerLost));
    Ok(())
}

/// Ends the attempt well: now, and only now, `second` is started, once.
async fn end_well(world: &World, session: SessionId, task: &Task, state: TaskState) -> Result<()> {
    ensure!(
        followed(world).await? == 0,
        "it was followed before it ended well"
    );
    let done = world.ledger.finish(task.id, session, Outcome::new(state)).await?;
    ensure!(done.follow_ups.len() == 1, "{done:?}");
    let second = world.ledger.task_by_id(done.follow_ups[0]).await?;
    let second = second.context("the follower")?;
    ensure!(second.job == Some("second".parse()?) && second.retry_of.is_none());
    ensure!(second.attempt == 1 && second.automatic);
    ensure!(followed(world).await? == 1);
    ensure!(world.claim_one(session).await?.id == second.id);
    // Its own end is followed by nothing: least of all by what it followed.
    let done = world.ledger.hand_over(second.id, session).await?;
    let again = world.claim_one(session).await?;
    ensure!(done.follow_ups == [again.id]);
    let ok = Outcome::new(TaskState::Ok);
    let done = world.ledger.finish(again.id, session, ok).await?;
    ensure!(done.follow_ups.is_empty() && world.claim(session, 10).await?.is_empty());
    Ok(())
}

/// A worker that stops gives its run back, as often as that happens: the job after it waits for the end.
pub async fn a_run_that_is_handed_over_is_followed_once(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let job = chain(&world, json!({})).await?;
    world.enqueue_job(&job).await?;
    for _ in 0..2 {
        let session = world.worker().await?;
        let task = attempt(&world, session, 1).await?;
        let done = world.ledger.hand_over(task.id, session).await?;
        ensure!(done.follow_ups.len() == 1, "{done:?}");
        ensure!(done.task.error.map(|error| error.code) == Some(ErrorCode::WorkerStopped));
        world.ledger.end_session(session).await?;
    }
    let session = world.worker().await?;
    let task = attempt(&world, session, 1).await?;
    end_well(&world, session, &task, TaskState::Ok).await
}

/// A run whose worker was lost goes on although the job has no retries, and is followed when that ends well.
pub async fn a_run_that_was_lost_is_followed_once(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let job = chain(&world, json!({})).await?;
    world.enqueue_job(&job).await?;
    let session = world.worker().await?;
    let task = attempt(&world, session, 1).await?;
    die(&world, &task).await?;
    let session = world.worker().await?;
    let task = attempt(&world, session, 2).await?;
    end_well(&world, session, &task, TaskState::Warning).await
}

/// Failed, lost, handed over, and then done: one run.
pub async fn a_run_of_many_attempts_is_followed_once(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let job = chain(&world, json!({ "retries": 2, "retry-delay": "0s" })).await?;
    world.enqueue_job(&job).await?;
    let session = world.worker().await?;
    let task = attempt(&world, session, 1).await?;
    world.ledger.finish(task.id, session, failed()).await?;
    let task = attempt(&world, session, 2).await?;
    die(&world, &task).await?;
    let session = world.worker().await?;
    let task = attempt(&world, session, 3).await?;
    world.ledger.hand_over(task.id, session).await?;
    let task = attempt(&world, session, 3).await?;
    end_well(&world, session, &task, TaskState::Ok).await
}

/// When the last attempt did not end well either, nothing follows.
pub async fn a_run_that_never_ends_well_is_not_followed(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    for (retries, last_is_lost) in [(0, true), (1, false)] {
        let job = chain(&world, json!({ "retries": retries, "retry-delay": "0s" })).await?;
        world.enqueue_job(&job).await?;
        let session = world.worker().await?;
        let task = attempt(&world, session, 1).await?;
        die(&world, &task).await?;
        let session = world.worker().await?;
        let task = attempt(&world, session, 2).await?;
        if last_is_lost {
            die(&world, &task).await?;
        } else {
            let done = world.ledger.finish(task.id, session, failed()).await?;
            ensure!(done.follow_ups.is_empty(), "{done:?}");
        }
        let session = world.worker().await?;
        ensure!(world.claim(session, 10).await?.is_empty(), "no third attempt");
        ensure!(followed(&world).await? == 0);
    }
    Ok(())
}

/// Nor does anything follow a run that somebody cancelled after it was handed over: while it waited, or while it ran.
pub async fn a_cancelled_run_is_not_followed(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let job = chain(&world, json!({ "retries": 3, "retry-delay": "0s" })).await?;
    for runs in [false, true] {
        world.enqueue_job(&job).await?;
        let session = world.worker().await?;
        let task = attempt(&world, session, 1).await?;
        let done = world.ledger.hand_over(task.id, session).await?;
        let retry = world.ledger.task_by_id(done.follow_ups[0]).await?;
        let retry = retry.context("the attempt after it")?;
        if runs {
            ensure!(attempt(&world, session, 1).await?.id == retry.id);
        }
        let cancelled = world.ledger.cancel(&retry.upid, &user()?).await?;
        ensure!((cancelled == Cancelled::Requested) == runs);
        if runs {
            // Its worker stops as well before it hears of it.
            let done = world.ledger.hand_over(retry.id, session).await?;
            ensure!(done.task.state == TaskState::Cancelled && done.follow_ups.is_empty());
        }
        ensure!(world.claim(session, 10).await?.is_empty(), "it never runs again");
        ensure!(followed(&world).await? == 0);
        world.ledger.end_session(session).await?;
    }
    Ok(())
}
