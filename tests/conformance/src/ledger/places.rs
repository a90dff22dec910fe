//! The places of queued tasks: among those that can be claimed.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{NewTask, Task, WaitReason};
use ironcore_types::{DatastoreName, KeyId, Timestamp};
use serde_json::json;

use super::{Place, World, backup, demo, user};

/// What a task waits for, and its place.
async fn wait(world: &World, task: &Task) -> Result<(WaitReason, Option<u64>)> {
    let waiting = world.ledger.waiting(std::slice::from_ref(task)).await?.pop();
    let waiting = waiting.context("it does not wait")?;
    Ok((waiting.reason, waiting.position))
}

async fn enqueue(world: &World, project: &str, not_before: Option<Timestamp>) -> Result<Task> {
    let new = NewTask::new(Some(project.parse()?), user()?, backup()?);
    Ok(world.ledger.enqueue(NewTask { not_before, ..new }).await?)
}

/// What nobody may claim now is before nobody: not what is paused, lacks a key, waits for its time or for the run
/// before it.
pub async fn what_is_held_is_before_nobody(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    for _ in 0..10 {
        enqueue(&world, "other", None).await?;
    }
    ensure!(world.claim(session, 10).await?.len() == 10, "all slots are taken");
    let full = WaitReason::NoSlot { slots: 10 };

    let job = world.job("nightly", json!({ "schedule": "hourly" })).await?;
    world.clock.advance(1);
    let due = world.tick(job.name.as_str(), world.clock.time()).await?;
    let paused = world.ledger.fire_ticks(&[due]).await?.pop().context("a run")?;
    world.ledger.set_job_enabled(&demo()?, &job.name, false).await?;

    let (datastore, key): (DatastoreName, KeyId) = ("ibs-primary".parse()?, "k-2026".parse()?);
    world.ledger.set_datastore_key(&datastore, Some(&key)).await?;
    let sealed = enqueue(&world, "demo", None).await?;
    let sealed_too = enqueue(&world, "demo", None).await?;
    world.ledger.set_datastore_key(&datastore, None).await?;

    let later = world.clock.time().after(std::time::Duration::from_secs(600));
    let early = enqueue(&world, "demo", Some(later)).await?;
    let other = world.job("weekly", json!({})).await?;
    let first = world.enqueue_job(&other).await?;
    let second = world.enqueue_job(&other).await?;
    let free = enqueue(&world, "demo", None).await?;

    let expected = [
        (&first, full.clone(), 1),
        (&free, full.clone(), 2),
        // Were it not held: how many would be taken before it.
        (&paused, WaitReason::JobPaused, 1),
        (&sealed, WaitReason::NoKey { key: key.clone() }, 1),
        (&sealed_too, WaitReason::NoKey { key: key.clone() }, 2),
        (&early, WaitReason::NotBefore { at: later }, 1),
        (&second, WaitReason::JobRuns, 2),
    ];
    for (task, reason, position) in &expected {
        let told = wait(&world, task).await?;
        ensure!(
            told == (reason.clone(), Some(*position)),
            "{}: {told:?}",
            task.upid
        );
    }
    // All at once they have the same places.
    let all: Vec<Task> = expected.iter().map(|(task, ..)| (*task).clone()).collect();
    for waiting in world.ledger.waiting(&all).await? {
        let place = expected.iter().find(|(task, ..)| task.id == waiting.task);
        ensure!(place.map(|place| place.2) == waiting.position, "{waiting:?}");
    }

    world.ledger.set_job_enabled(&demo()?, &job.name, true).await?;
    ensure!(wait(&world, &paused).await? == (full.clone(), Some(1)));
    ensure!(
        wait(&world, &free).await? == (full, Some(3)),
        "two can be claimed before it"
    );
    Ok(())
}
