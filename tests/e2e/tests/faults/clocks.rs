//! Clocks that jump by an hour, and the nights in which a country sets its clocks.

use std::time::Duration;

use anyhow::{Result, ensure};
use ironcore_ledger::model::{Outcome, RenewalState, Scope};
use ironcore_types::event::ErrorData;
use ironcore_types::{ErrorCode, EventType, TaskState, TaskType};
use serde_json::json;

use crate::world::{Kind, World, on_both};

on_both!(
    a_clock_that_jumps_fires_each_tick_once,
    a_clock_that_was_years_ahead_stops_nothing,
    a_clock_that_jumps_ahead_takes_nothing_from_who_lives,
    a_clock_that_jumps_back_keeps_nothing_for_who_is_gone,
    in_spring_the_hour_that_is_not_there_fires_at_its_end,
    in_autumn_the_hour_that_comes_twice_fires_once,
);

const HOUR: Duration = Duration::from_secs(3_600);

/// An hour ahead, back again, and on: every tick that was ever due is answered by one run, and none by two.
async fn a_clock_that_jumps_fires_each_tick_once(kind: Kind) -> Result<()> {
    let mut world = World::new(kind, 2, "2026-05-21T01:10:00Z").await?;
    world
        .job("quarterly", json!({ "schedule": "*:0/15", "grace": "1m" }))
        .await?;
    world.start();
    world.set("2026-05-21T01:15:00Z")?;
    world.settled("2026-05-21T01:15:00Z").await?;
    ensure!(world.do_all().await? == 1);
    // An hour ahead: 01:30 to 02:15 are due at once, of which three were missed.
    world.clock.advance(HOUR);
    world.settled("2026-05-21T02:15:00Z").await?;
    ensure!(world.do_all().await? == 1, "one run for all that was missed");
    // Back: what fired stays fired, and the job goes on at once.
    for (time, runs) in [
        ("01:15:00", 0),
        ("01:30:00", 1),
        ("01:45:00", 1),
        ("02:00:00", 1),
        ("02:15:00", 0),
        ("02:29:59", 0),
        ("02:30:00", 1),
    ] {
        world.set(&format!("2026-05-21T{time}Z"))?;
        // Who looks while another takes the cursor back may have to look again.
        world.look().await?;
        world.look().await?;
        let done = world.do_all().await?;
        ensure!(done == runs, "{done} at {time}");
    }
    let missed: Vec<u64> = world
        .ledger()
        .events_after(0, 1_000, &Scope::All)
        .await?
        .iter()
        .filter(|event| event.event.event_type == EventType::JobMissed)
        .filter_map(|event| event.event.data.job.as_ref().map(|job| job.missed))
        .collect();
    ensure!(missed == [3], "{missed:?}");
    let ticks = world.ticks().await?;
    let mut once = ticks.clone();
    once.dedup();
    ensure!(once == ticks, "a tick fired twice: {ticks:?}");
    ensure!(ticks.contains(&"2026-05-21T01:15:00Z".to_owned()), "{ticks:?}");
    world.stop().await;
    Ok(())
}

/// A clock that was years ahead for a moment stops nothing: jobs go on, a job that was declared meanwhile too, and a run
/// that waits for its next try waits no longer than it would have.
async fn a_clock_that_was_years_ahead_stops_nothing(kind: Kind) -> Result<()> {
    let world = World::new(kind, 2, "2026-05-21T01:59:00Z").await?;
    world
        .job(
            "nightly",
            json!({ "schedule": "02:00", "retries": 3, "retry-delay": "10m" }),
        )
        .await?;
    world.set("2029-05-21T02:00:30Z")?;
    world.look().await?;
    world.job("hourly", json!({ "schedule": "hourly" })).await?;
    let session = world.worker(0).await?;
    let first = world.ledger().claim(session, TaskType::ALL, 1).await?.remove(0);
    let mut outcome = Outcome::new(TaskState::Failed);
    outcome.error = Some(ErrorData {
        code: ErrorCode::SourceUnreachable,
        message: "not there".to_owned(),
    });
    world.ledger().finish(first.id, session, outcome).await?;
    ensure!(world.ledger().claim(session, TaskType::ALL, 9).await?.is_empty());
    world.set("2026-05-21T01:59:30Z")?;
    world.look().await?;
    let retry = world.ledger().claim(session, TaskType::ALL, 9).await?;
    ensure!(
        retry.len() == 1 && retry[0].retry_of == Some(first.upid.clone()),
        "{retry:?}"
    );
    world
        .ledger()
        .finish(retry[0].id, session, Outcome::new(TaskState::Ok))
        .await?;
    world.set("2026-05-21T02:00:00Z")?;
    world.look().await?;
    world.look().await?;
    let fired: Vec<_> = world.ledger().claim(session, TaskType::ALL, 9).await?;
    let ticks: Vec<String> = fired
        .iter()
        .filter_map(|task| task.scheduled_for.map(|tick| tick.to_string()))
        .collect();
    ensure!(
        ticks == ["2026-05-21T02:00:00Z", "2026-05-21T02:00:00Z"],
        "{ticks:?}"
    );
    world.stop().await;
    Ok(())
}

/// Who renews after the jump keeps what it has; who does not is gone.
async fn a_clock_that_jumps_ahead_takes_nothing_from_who_lives(kind: Kind) -> Result<()> {
    let world = World::new(kind, 2, "2026-05-21T01:00:00Z").await?;
    world.job("now", json!({ "schedule": "*:*" })).await?;
    world.job("then", json!({ "schedule": "*:*" })).await?;
    world.clock.advance(Duration::from_secs(60));
    world.look().await?;
    let (lives, gone) = (world.worker(0).await?, world.worker(1).await?);
    let mine = world.hubs[0].claim(lives, TaskType::ALL, 1).await?.remove(0);
    let theirs = world.hubs[1].claim(gone, TaskType::ALL, 1).await?.remove(0);
    world.clock.advance(HOUR);
    let renewals = world.hubs[0].renew(lives, &[mine.id]).await?;
    ensure!(renewals.session_alive && renewals.tasks[0].state == RenewalState::Held);
    ensure!(world.hubs[0].reap().await? == [theirs.id]);
    let done = world.hubs[0]
        .finish(mine.id, lives, Outcome::new(TaskState::Ok))
        .await?;
    ensure!(done.task.state == TaskState::Ok);
    let late = world.hubs[1]
        .finish(theirs.id, gone, Outcome::new(TaskState::Ok))
        .await;
    ensure!(
        matches!(late, Err(ironcore_ledger::LedgerError::Fenced(_))),
        "{late:?}"
    );
    world.stop().await;
    Ok(())
}

/// A lease is never longer than a lease: one that was given before the database's clock went back ends as soon as one
/// that is given now.
async fn a_clock_that_jumps_back_keeps_nothing_for_who_is_gone(kind: Kind) -> Result<()> {
    let world = World::new(kind, 2, "2026-05-21T01:00:00Z").await?;
    world
        .job("now", json!({ "schedule": "*:*", "retries": 1 }))
        .await?;
    world.clock.advance(Duration::from_secs(60));
    world.look().await?;
    let gone = world.worker(0).await?;
    let task = world.hubs[0].claim(gone, TaskType::ALL, 1).await?.remove(0);
    world.lengthen_leases(HOUR).await?;
    ensure!(
        world.hubs[1].reap().await?.is_empty(),
        "it may live, and has a lease to say so"
    );
    world.clock.advance(Duration::from_secs(31));
    ensure!(world.hubs[1].reap().await? == [task.id]);
    let lost = world.ledger().task(&task.upid).await?;
    let code = lost.and_then(|task| task.error).map(|error| error.code);
    ensure!(code == Some(ErrorCode::WorkerLost), "{code:?}");
    world.stop().await;
    Ok(())
}

/// 29 March 2026 in Berlin has no 02:30: the job runs at 03:00, and once.
async fn in_spring_the_hour_that_is_not_there_fires_at_its_end(kind: Kind) -> Result<()> {
    let nights = [
        "2026-03-28T01:30:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-30T00:30:00Z",
    ];
    berlin(kind, "2026-03-27T23:00:00Z", &nights).await
}

/// 25 October 2026 in Berlin has 02:30 twice: the job runs the first time only.
async fn in_autumn_the_hour_that_comes_twice_fires_once(kind: Kind) -> Result<()> {
    let nights = [
        "2026-10-24T00:30:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-26T01:30:00Z",
    ];
    berlin(kind, "2026-10-23T22:00:00Z", &nights).await
}

/// Three days in steps of ten minutes, with a daily job at 02:30 of Berlin's time.
async fn berlin(kind: Kind, start: &str, nights: &[&str]) -> Result<()> {
    let world = World::new(kind, 2, start).await?;
    world
        .job(
            "nightly",
            json!({ "schedule": "02:30", "timezone": "Europe/Berlin" }),
        )
        .await?;
    let session = world.worker(0).await?;
    let mut fired = Vec::new();
    for _ in 0..3 * 24 * 6 {
        world.clock.advance(Duration::from_secs(600));
        ensure!(world.ledger().renew(session, &[]).await?.session_alive);
        world.look().await?;
        for task in world.ledger().claim(session, TaskType::ALL, 10).await? {
            fired.push((
                world.now().to_string(),
                task.scheduled_for.map(|tick| tick.to_string()),
            ));
            world
                .ledger()
                .finish(task.id, session, Outcome::new(TaskState::Ok))
                .await?;
        }
    }
    let wanted: Vec<_> = nights
        .iter()
        .map(|tick| ((*tick).to_owned(), Some((*tick).to_owned())))
        .collect();
    ensure!(fired == wanted, "{fired:#?}");
    world.stop().await;
    Ok(())
}
