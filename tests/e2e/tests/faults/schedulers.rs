//! Several schedulers on one database.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use ironcore_ledger::model::Scope;
use ironcore_types::EventType;
use serde_json::json;

use crate::world::{Kind, World, on_both};

on_both!(
    two_schedulers_fire_each_tick_once,
    a_second_scheduler_goes_on_where_the_first_fell,
    what_did_not_fire_is_looked_at_again_soon,
);

/// Two schedulers that look at the very same moment, for two hundred minutes, at jobs that are due each minute.
async fn two_schedulers_fire_each_tick_once(kind: Kind) -> Result<()> {
    const MINUTES: usize = 60;
    let world = World::new(kind, 2, "2026-05-21T01:00:00Z").await?;
    for name in ["one", "two", "three"] {
        world
            .job(name, json!({ "schedule": "*:*", "missed": "skip" }))
            .await?;
    }
    let session = world.worker(0).await?;
    for _ in 0..MINUTES {
        world.clock.advance(Duration::from_secs(60));
        world.look().await?;
        // Done at once, so that no run waits for the one before.
        let types = ironcore_types::TaskType::ALL;
        for task in world.ledger().claim(session, types, 10).await? {
            let end = ironcore_ledger::model::Outcome::new(ironcore_types::TaskState::Ok);
            world.ledger().finish(task.id, session, end).await?;
        }
        ensure!(world.ledger().renew(session, &[]).await?.session_alive);
    }
    let tasks = world.tasks().await?;
    let fired: BTreeSet<_> = tasks
        .iter()
        .map(|task| (task.job.clone(), task.scheduled_for))
        .collect();
    ensure!(tasks.len() == 3 * MINUTES, "{} tasks", tasks.len());
    ensure!(fired.len() == tasks.len(), "a tick fired twice");
    let events = world.ledger().events_after(0, 1_000, &Scope::All).await?;
    let missed = events
        .iter()
        .filter(|event| event.event.event_type == EventType::JobMissed)
        .count();
    ensure!(missed == 0, "{missed} were missed");
    world.stop().await;
    Ok(())
}

/// What one scheduler did is done for the other too, whatever it has seen itself.
async fn a_second_scheduler_goes_on_where_the_first_fell(kind: Kind) -> Result<()> {
    let mut world = World::new(kind, 2, "2026-05-21T01:00:00Z").await?;
    world
        .job("hourly", json!({ "schedule": "hourly", "grace": "2m" }))
        .await?;
    world.start();
    for hour in ["02", "03", "04"] {
        world.set(&format!("2026-05-21T{hour}:00:00Z"))?;
        world.settled(&format!("2026-05-21T{hour}:00:00Z")).await?;
        ensure!(world.do_all().await? == 1);
    }
    let ticks = world.ticks().await?;
    ensure!(
        ticks
            == [
                "2026-05-21T02:00:00Z",
                "2026-05-21T03:00:00Z",
                "2026-05-21T04:00:00Z"
            ],
        "{ticks:?}"
    );
    world.stop().await;
    Ok(())
}

/// A tick that was due and did not fire may have been decided by an old look: the next one is not a minute away.
async fn what_did_not_fire_is_looked_at_again_soon(kind: Kind) -> Result<()> {
    let world = World::new(kind, 1, "2026-05-21T01:00:00Z").await?;
    world.job("each-minute", json!({ "schedule": "*:*" })).await?;
    let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
    world.clock.advance(minute);
    let fired = world.look_of(0).await?;
    ensure!(fired == Some(world.now().after(minute)), "{fired:?}");
    // The run waits, so that the next is left out.
    world.clock.advance(minute);
    let left_out = world.look_of(0).await?;
    ensure!(left_out == Some(world.now().after(second)), "{left_out:?}");
    let again = world.look_of(0).await?;
    ensure!(again == Some(world.now().after(minute)), "{again:?}");
    world.stop().await;
    Ok(())
}
