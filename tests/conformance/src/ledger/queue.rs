//! Who gets the next slot, what holds a task in the queue, and that it says so.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{NewTask, Outcome, Task, WaitReason, Waiting};
use ironcore_types::{
    DatastoreName, ErrorCode, EventType, ProjectName, SessionId, TaskState, TaskType, Upid,
};
use serde_json::json;

use super::{Place, World, backup, demo, user};

async fn enqueue_in(world: &World, project: &str) -> Result<Task> {
    let new = NewTask::new(Some(project.parse()?), user()?, backup()?);
    Ok(world.ledger.enqueue(new).await?)
}

async fn waiting(world: &World, task: &Task) -> Result<Waiting> {
    let task = world.ledger.task(&task.upid).await?.context("the task")?;
    world
        .ledger
        .waiting(&[task])
        .await?
        .pop()
        .context("it does not wait")
}

async fn reason(world: &World, task: &Task) -> Result<WaitReason> {
    Ok(waiting(world, task).await?.reason)
}

async fn finish(world: &World, session: SessionId, task: &Task) -> Result<()> {
    world
        .ledger
        .finish(task.id, session, Outcome::new(TaskState::Ok))
        .await?;
    Ok(())
}

/// Two projects that always have something waiting get the same slot time, however long their tasks take.
pub async fn slots_are_shared_between_projects(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let minutes = BTreeMap::from([("demo", 45_u64), ("other", 7)]);
    for _ in 0..12 {
        enqueue_in(&world, "demo").await?;
    }
    for _ in 0..60 {
        enqueue_in(&world, "other").await?;
    }
    // Three slots, which do not divide evenly between two.
    let mut running: Vec<(Task, u64)> = Vec::new();
    let mut used: BTreeMap<ProjectName, u64> = BTreeMap::new();
    for minute in 0..240_u64 {
        for (task, end) in std::mem::take(&mut running) {
            if end > minute {
                running.push((task, end));
            } else {
                finish(&world, session, &task).await?;
            }
        }
        let free = u32::try_from(3 - running.len())?;
        for task in world.claim(session, free).await? {
            let project = task.project.clone().context("a project")?;
            let takes = minutes[project.as_str()];
            running.push((task, minute + takes));
        }
        ensure!(running.len() == 3, "no slot is idle while something waits");
        for (task, _) in &running {
            *used
                .entry(task.project.clone().context("a project")?)
                .or_default() += 1;
        }
        world.clock.advance(60);
    }
    let [a, b] = [&used[&"demo".parse()?], &used[&"other".parse()?]];
    ensure!(a.abs_diff(*b) * 10 <= *a.max(b), "{a} and {b} minutes");
    Ok(())
}

/// A project and a datastore run as many tasks as they may, and no more.
pub async fn limits_hold(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let declare = |project, datastore| {
        world.apply(json!({
            "project": [{ "name": "demo", "max-running": project }],
            "datastore": [{ "name": "ibs-primary", "path": "/srv/primary", "projects": ["demo", "other"],
                            "max-running": datastore }],
        }))
    };
    declare(json!(2), json!(null)).await?;
    for _ in 0..4 {
        enqueue_in(&world, "demo").await?;
    }
    let first = world.claim(session, 10).await?;
    ensure!(first.len() == 2, "{}", first.len());
    let third = enqueue_in(&world, "demo").await?;
    ensure!(reason(&world, &third).await? == WaitReason::ProjectLimit { limit: 2 });
    let other = enqueue_in(&world, "other").await?;
    ensure!(
        world.claim(session, 10).await?.len() == 1,
        "others are not held by it"
    );

    declare(json!(null), json!(3)).await?;
    ensure!(
        world.claim(session, 10).await?.is_empty(),
        "three work on the datastore"
    );
    let datastore: DatastoreName = "ibs-primary".parse()?;
    let limit = WaitReason::DatastoreLimit { datastore, limit: 3 };
    ensure!(reason(&world, &third).await? == limit);
    let elsewhere = json!({ "type": "gc", "datastore": "ibs-archival" });
    let elsewhere = NewTask::new(Some(demo()?), user()?, serde_json::from_value(elsewhere)?);
    world.ledger.enqueue(elsewhere).await?;
    ensure!(
        world.claim(session, 10).await?.len() == 1,
        "another datastore has room"
    );
    finish(&world, session, &other).await?;
    ensure!(world.claim(session, 10).await?.len() == 1, "room for one more");
    Ok(())
}

/// A slot is free again, once, however its task ended; and what is held is known after a start.
pub async fn slots_are_freed_however_tasks_end(place: &dyn Place) -> Result<()> {
    let mut world = World::new(place).await?;
    world
        .apply(json!({ "project": [{ "name": "demo", "max-running": 2 }] }))
        .await?;
    for _ in 0..20 {
        world.enqueue().await?;
    }
    for way in [
        "finish",
        "finish at once",
        "hand over",
        "cancel",
        "session ends",
        "lease runs out",
    ] {
        let session = world.worker().await?;
        let held = world.claim(session, 10).await?;
        ensure!(held.len() == 2, "{} before {way}", held.len());
        ensure!(world.claim(session, 10).await?.is_empty(), "two are enough");
        let ledger = &world.ledger;
        let ok = || Outcome::new(TaskState::Ok);
        let ends: Vec<_> = held.iter().map(|task| (task.id, ok())).collect();
        match way {
            "finish at once" => {
                let twice = [ends.clone(), ends.clone()].concat();
                ledger.finish_all(session, twice).await?;
            }
            "session ends" => _ = ledger.end_session(session).await?,
            "lease runs out" => {
                world.clock.advance(31);
                ledger.reap().await?;
            }
            _ => {
                for task in &held {
                    match way {
                        "hand over" => _ = ledger.hand_over(task.id, session).await?,
                        "cancel" => {
                            ledger.cancel(&task.upid, &user()?).await?;
                            let cancelled = Outcome::new(TaskState::Cancelled);
                            ledger.finish(task.id, session, cancelled).await?;
                        }
                        _ => _ = ledger.finish(task.id, session, ok()).await?,
                    }
                    ensure!(ledger.finish(task.id, session, ok()).await.is_err(), "once");
                }
            }
        }
    }
    // In one breath, so that they share a transaction.
    let session = world.worker().await?;
    let held = world.claim(session, 10).await?;
    let (one, two) = (&held[0], &held[1]);
    let (a, claimed, b) = futures::join!(
        finish(&world, session, one),
        world.claim(session, 10),
        finish(&world, session, two)
    );
    a?;
    b?;
    let more = world.claim(session, 10).await?;
    ensure!(claimed?.len() + more.len() == 2);

    world.ledger.close().await;
    world.ledger = place.open(world.seams.clone()).await?;
    let after = world.worker().await?;
    ensure!(world.claim(after, 10).await?.is_empty(), "two are held still");
    world.ledger.end_session(session).await?;
    ensure!(world.claim(after, 10).await?.len() == 2);
    Ok(())
}

/// What the hub starts waits for the end of a blackout window; what a person starts does not.
pub async fn blackouts_hold_what_the_hub_starts(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    // It is noon: the window lasts until two.
    let keys = json!({ "schedule": "hourly", "blackout": [{ "from": "11:00", "lasts": "3h" }] });
    let job = world.job("nightly", keys.clone()).await?;
    world.clock.advance(1);
    let due = world.clock.time();
    let run = world
        .ledger
        .fire_ticks(&[world.tick("nightly", due).await?])
        .await?
        .pop()
        .context("a run")?;
    let light = "2026-05-21T14:00:00Z".parse()?;
    ensure!(run.not_before == Some(light), "{:?}", run.not_before);
    ensure!(reason(&world, &run).await? == WaitReason::NotBefore { at: light });
    ensure!(world.claim(session, 10).await?.is_empty());
    let by_hand = world.enqueue_job(&job).await?;
    ensure!(world.claim_one(session).await?.id == by_hand.id);
    finish(&world, session, &by_hand).await?;
    world.clock.advance(7_200);
    ensure!(world.claim_one(session).await?.id == run.id);
    finish(&world, session, &run).await?;

    // A window that is declared while a run waits holds it too.
    let due = world.clock.time();
    let run = world
        .ledger
        .fire_ticks(&[world.tick("nightly", due).await?])
        .await?
        .pop()
        .context("a run")?;
    let keys = json!({ "schedule": "hourly", "blackout": [{ "from": "13:00", "lasts": "3h" }] });
    world.job("nightly", keys).await?;
    ensure!(run.not_before.is_none() && world.claim(session, 10).await?.is_empty());
    let until = "2026-05-21T16:00:00Z".parse()?;
    ensure!(reason(&world, &run).await? == WaitReason::NotBefore { at: until });

    // With `missed = "skip"` such a run is left out, which is told.
    let keys =
        json!({ "schedule": "hourly", "missed": "skip", "blackout": [{ "from": "13:00", "lasts": "3h" }] });
    world.job("skips", keys).await?;
    world.clock.advance(1);
    let fired = world
        .ledger
        .fire_ticks(&[world.tick("skips", world.clock.time()).await?])
        .await?;
    ensure!(fired.is_empty());
    let event = world.last_event().await?.event;
    ensure!(event.event_type == EventType::JobMissed);
    ensure!(event.data.error.map(|error| error.code) == Some(ErrorCode::JobBlackout));
    Ok(())
}

/// A tick that comes while a run waits or goes on does what the job says.
pub async fn overlaps_go_by_policy(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let fire = async |job: &str| -> Result<Option<Task>> {
        world.clock.advance(60);
        let ticks = [world.tick(job, world.clock.time()).await?];
        Ok(world.ledger.fire_ticks(&ticks).await?.pop())
    };
    for job in ["skips", "queues", "cancels"] {
        let policy = match job {
            "skips" => "skip",
            "queues" => "queue",
            _ => "cancel-old",
        };
        world
            .job(job, json!({ "schedule": "hourly", "overlap": policy }))
            .await?;
    }
    let overlap = async || -> Result<bool> {
        let event = world.last_event().await?.event;
        Ok(event.event_type == EventType::JobMissed
            && event.data.error.map(|error| error.code) == Some(ErrorCode::JobOverlap))
    };

    let first = fire("skips").await?.context("the first run")?;
    ensure!(fire("skips").await?.is_none() && overlap().await?, "one waits");
    ensure!(world.claim_one(session).await?.id == first.id);
    ensure!(fire("skips").await?.is_none() && overlap().await?, "one goes on");
    finish(&world, session, &first).await?;
    ensure!(fire("skips").await?.is_some(), "all is free");
    let last = world.claim_one(session).await?;
    finish(&world, session, &last).await?;

    let first = fire("queues").await?.context("the first run")?;
    ensure!(world.claim_one(session).await?.id == first.id);
    let second = fire("queues").await?.context("one may wait")?;
    ensure!(reason(&world, &second).await? == WaitReason::JobRuns);
    ensure!(
        fire("queues").await?.is_none() && overlap().await?,
        "but only one"
    );
    ensure!(world.claim(session, 10).await?.is_empty(), "never beside itself");
    finish(&world, session, &first).await?;
    ensure!(world.claim_one(session).await?.id == second.id);
    finish(&world, session, &second).await?;

    let first = fire("cancels").await?.context("the first run")?;
    ensure!(world.claim_one(session).await?.id == first.id);
    let second = fire("cancels").await?.context("the second run")?;
    let asked = world.ledger.task(&first.upid).await?.context("the task")?;
    ensure!(asked.cancel_by.is_some_and(|by| by.as_str() == "hub@system"));
    let third = fire("cancels").await?.context("the third run")?;
    let gone = world.ledger.task(&second.upid).await?.context("the task")?;
    ensure!(gone.state == TaskState::Cancelled);
    world
        .ledger
        .finish(first.id, session, Outcome::new(TaskState::Cancelled))
        .await?;
    ensure!(world.claim_one(session).await?.id == third.id);
    Ok(())
}

/// Runs of jobs whose beginnings are spread wait for their part of the delay.
pub async fn delays_spread_the_beginning(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let names: Vec<String> = (0..20).map(|n| format!("job-{n}")).collect();
    for name in &names {
        let keys = json!({ "schedule": "hourly", "randomized-delay": "10m" });
        world.job(name, keys).await?;
    }
    world.clock.advance(1);
    let due = world.clock.time();
    let ticks = futures::future::try_join_all(names.iter().map(|name| world.tick(name, due))).await?;
    let runs = world.ledger.fire_ticks(&ticks).await?;
    let delays: Vec<Duration> = runs
        .iter()
        .map(|run| run.not_before.map_or(Duration::ZERO, |at| at.since(due)))
        .collect();
    ensure!(runs.len() == 20 && delays.iter().all(|delay| *delay <= Duration::from_secs(600)));
    let (least, most) = (delays.iter().min(), delays.iter().max());
    ensure!(most > least, "they are spread: {delays:?}");
    ensure!(world.claim(session, 20).await?.len() < 5);
    world.clock.advance(600);
    ensure!(world.claim(session, 20).await?.len() > 15, "all of them begin");
    Ok(())
}

/// A task that waits says what for, and the first reason that holds counts.
pub async fn waits_say_why(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let job = world.job("nightly", json!({ "schedule": "hourly" })).await?;
    let first = enqueue_in(&world, "demo").await?;
    let task_type = TaskType::Backup;
    ensure!(reason(&world, &first).await? == WaitReason::NoWorker { task_type });
    let session = world.worker().await?;
    ensure!(reason(&world, &first).await? == WaitReason::Nothing);

    // All slots are taken.
    for _ in 0..9 {
        enqueue_in(&world, "other").await?;
    }
    ensure!(world.claim(session, 10).await?.len() == 10);
    let places: Vec<Task> = [
        enqueue_in(&world, "demo").await?,
        enqueue_in(&world, "demo").await?,
        enqueue_in(&world, "other").await?,
    ]
    .into();
    let told = world.ledger.waiting(&places).await?;
    let told: Vec<_> = told.into_iter().map(|w| (w.reason, w.position)).collect();
    let full = WaitReason::NoSlot { slots: 10 };
    let expected = [1, 3, 2].map(|place| (full.clone(), Some(place)));
    ensure!(told == expected, "projects take turns: {told:?}");

    // What the hub started is held by pauses.
    world.clock.advance(1);
    let due = world.clock.time();
    let run = world
        .ledger
        .fire_ticks(&[world.tick("nightly", due).await?])
        .await?
        .pop()
        .context("a run")?;
    world.ledger.set_job_enabled(&demo()?, &job.name, false).await?;
    ensure!(reason(&world, &run).await? == WaitReason::JobPaused);
    world.ledger.pause_scheduler(&user()?).await?;
    let since = world.clock.time();
    ensure!(reason(&world, &run).await? == WaitReason::SchedulerPaused { since });
    let upids: Vec<Upid> = places.iter().map(|task| task.upid.clone()).collect();
    for upid in upids {
        world.ledger.cancel(&upid, &user()?).await?;
    }
    finish(&world, session, &first).await?;
    ensure!(world.claim(session, 10).await?.is_empty(), "paused is paused");
    let by_hand = world.enqueue_job(&job).await?;
    ensure!(
        world.claim_one(session).await?.id == by_hand.id,
        "but not for people"
    );
    world.ledger.resume_scheduler(&user()?).await?;
    world.ledger.set_job_enabled(&demo()?, &job.name, true).await?;
    ensure!(reason(&world, &run).await? == WaitReason::JobRuns);
    finish(&world, session, &by_hand).await?;
    ensure!(world.claim_one(session).await?.id == run.id);
    let running = world.ledger.task(&run.upid).await?.context("the task")?;
    ensure!(
        world.ledger.waiting(&[running]).await?.is_empty(),
        "it does not wait"
    );
    Ok(())
}
