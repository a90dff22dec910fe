//! Ticks fire once, whoever fires them, whatever the clock does.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{Outcome, Scope, Tick};
use ironcore_types::event::EventData;
use ironcore_types::{ErrorCode, EventType, Severity, TaskState, Timestamp};
use serde_json::json;

use super::{Place, World, demo, user};

/// A tick of the job, as who looks now decides it.
async fn tick(world: &World, at: Timestamp) -> Result<Tick> {
    world.tick("nightly", at).await
}

async fn scheduled(place: &dyn Place) -> Result<World> {
    let world = World::new(place).await?;
    world.job("nightly", json!({ "schedule": "02:00" })).await?;
    world.clock.advance(3_600);
    Ok(world)
}

/// The same tick, fired by several schedulers at once and again later, enqueues one task.
pub async fn a_tick_fires_once(place: &dyn Place) -> Result<()> {
    let world = scheduled(place).await?;
    let due = world.clock.time();
    let one = tick(&world, due).await?;
    let one = std::slice::from_ref(&one);
    let fired = futures::future::try_join_all((0..5).map(|_| world.ledger.fire_ticks(one))).await?;
    let tasks: Vec<_> = fired.into_iter().flatten().collect();
    ensure!(tasks.len() == 1);
    ensure!(tasks[0].scheduled_for == Some(due) && tasks[0].user.as_str() == "owner@hub");
    let cursors = world.ledger.cursors().await?;
    ensure!(cursors.len() == 1 && cursors[0].until == due);
    // At most one run waits: this one is to be over, or no other would come whatever the cursor says.
    world.ledger.cancel(&tasks[0].upid, &user()?).await?;
    world.clock.back(7_200);
    ensure!(
        world
            .ledger
            .fire_ticks(&[tick(&world, due).await?])
            .await?
            .is_empty(),
        "a clock that went back"
    );
    let earlier = tick(&world, due.before(std::time::Duration::from_secs(60))).await?;
    ensure!(
        world.ledger.fire_ticks(&[earlier]).await?.is_empty(),
        "what was passed over stays so"
    );
    world.clock.advance(90_000);
    ensure!(
        world
            .ledger
            .fire_ticks(&[tick(&world, world.clock.time()).await?])
            .await?
            .len()
            == 1,
        "the next one"
    );
    Ok(())
}

/// Who was slow counts as missed what another has fired meanwhile: its tick is ignored, and decided anew.
pub async fn a_tick_of_an_old_look_is_ignored(place: &dyn Place) -> Result<()> {
    let world = scheduled(place).await?;
    let old = tick(&world, world.clock.time()).await?;
    ensure!(world.ledger.fire_ticks(std::slice::from_ref(&old)).await?.len() == 1);
    let session = world.worker().await?;
    let task = world.claim_one(session).await?;
    let done = Outcome::new(TaskState::Ok);
    world.ledger.finish(task.id, session, done).await?;
    world.clock.advance(60);
    let slow = Tick {
        scheduled_for: world.clock.time(),
        missed: 1,
        late: true,
        ..old
    };
    let seq = world.ledger.last_seq().await?;
    ensure!(world.ledger.fire_ticks(&[slow]).await?.is_empty());
    ensure!(world.ledger.last_seq().await? == seq, "nothing was told");
    let anew = tick(&world, world.clock.time()).await?;
    ensure!(world.ledger.fire_ticks(&[anew]).await?.len() == 1);
    Ok(())
}

/// Missed ticks are told, and collapse into one run or none.
pub async fn missed_ticks_collapse(place: &dyn Place) -> Result<()> {
    let world = scheduled(place).await?;
    world.clock.advance(3 * 86_400);
    let late = Tick {
        missed: 3,
        late: true,
        ..tick(&world, world.clock.time()).await?
    };
    ensure!(world.ledger.fire_ticks(std::slice::from_ref(&late)).await?.len() == 1);
    ensure!(world.ledger.fire_ticks(&[late]).await?.is_empty());
    let events = world.events().await?;
    let missed: Vec<_> = events
        .iter()
        .filter(|e| e.event.event_type == EventType::JobMissed)
        .collect();
    ensure!(missed.len() == 1);
    let data = &missed[0].event.data;
    ensure!(data.job.as_ref().map(|j| j.missed) == Some(3) && data.project == Some(demo()?));
    ensure!(
        data.title.starts_with("Job nightly missed 3 runs") && data.title.ends_with("it runs now"),
        "{}",
        data.title
    );
    world.clock.advance(86_400);
    let skipped = Tick {
        missed: 1,
        late: true,
        run: false,
        ..tick(&world, world.clock.time()).await?
    };
    ensure!(world.ledger.fire_ticks(&[skipped]).await?.is_empty());
    let event = world.last_event().await?.event;
    ensure!(event.event_type == EventType::JobMissed && event.data.title.contains("missed 1 run,"));
    Ok(())
}

/// Whatever becomes of a tick is told once, with how many runs were missed, and why none is made where none is.
pub async fn one_event_tells_what_becomes_of_a_tick(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    // It is the hour from noon on in which the windows begin.
    let dark = json!([{ "from": "12:00", "lasts": "6h" }]);
    let jobs = [
        ("runs", json!({})),
        ("skips", json!({ "missed": "skip" })),
        ("waits", json!({ "blackout": dark })),
        ("dark", json!({ "blackout": dark, "missed": "skip" })),
        ("beside", json!({ "overlap": "skip" })),
        ("queues", json!({})),
        ("after", json!({})),
        ("cancels", json!({ "overlap": "cancel-old" })),
    ];
    for (name, rules) in jobs {
        let mut keys = json!({ "schedule": "hourly" });
        if let (Some(keys), Some(rules)) = (keys.as_object_mut(), rules.as_object()) {
            keys.extend(rules.clone());
        }
        world.job(name, keys).await?;
    }
    let fire = async |job: &str, missed: u64, late: bool, run: bool| -> Result<Vec<EventData>> {
        world.clock.advance(60);
        let before = world.ledger.last_seq().await?;
        let tick = Tick {
            missed,
            late,
            run,
            ..world.tick(job, world.clock.time()).await?
        };
        world.ledger.fire_ticks(&[tick]).await?;
        let told = world.ledger.events_after(before, 100, &Scope::All).await?;
        let told = told.into_iter().map(|row| row.event);
        let told = told.filter(|event| event.event_type == EventType::JobMissed);
        Ok(told.map(|event| event.data).collect())
    };
    for name in ["beside", "queues", "after", "cancels"] {
        ensure!(fire(name, 0, false, true).await?.is_empty(), "{name}");
        ensure!(world.claim(session, 1).await?.len() == 1, "{name}");
    }
    ensure!(fire("queues", 0, false, true).await?.is_empty(), "one waits");
    let (overlap, window) = (Some(ErrorCode::JobOverlap), Some(ErrorCode::JobBlackout));
    let wanted = [
        ("runs", true, true, 2, None, "it runs now"),
        ("skips", true, false, 2, None, "the job leaves out what it missed"),
        ("waits", true, true, 2, None, "it runs at 2026-05-21T18:00:00Z"),
        ("dark", true, false, 2, None, "the job leaves out what it missed"),
        ("dark", false, true, 3, window, "and left out that of"),
        (
            "beside",
            true,
            true,
            2,
            overlap,
            "it is left out: the run before it still goes on",
        ),
        ("beside", false, true, 3, overlap, "and left out that of"),
        (
            "queues",
            true,
            true,
            2,
            overlap,
            "it is left out: another run of the job waits already",
        ),
        (
            "after",
            true,
            true,
            2,
            None,
            "it runs when the run before it has ended",
        ),
        (
            "cancels",
            true,
            true,
            2,
            None,
            "it runs now, and the run before it is cancelled",
        ),
    ];
    for (name, late, run, missed, code, words) in wanted {
        let told = fire(name, 2, late, run).await?;
        ensure!(told.len() == 1, "{name}: {told:#?}");
        let data = &told[0];
        ensure!(
            data.title.starts_with(&format!("Job {name} missed 2 runs")),
            "{}",
            data.title
        );
        ensure!(data.title.contains(words), "{}", data.title);
        ensure!(
            data.job.as_ref().map(|job| job.missed) == Some(missed),
            "{name}: {data:#?}"
        );
        ensure!(
            data.error.as_ref().map(|error| error.code) == code,
            "{name}: {data:#?}"
        );
        ensure!(data.severity == Severity::Warning, "{name}");
    }
    Ok(())
}

/// Paused means paused, for every scheduler; jobs that are off or gone do not fire.
pub async fn pauses_hold(place: &dyn Place) -> Result<()> {
    let world = scheduled(place).await?;
    ensure!(world.ledger.scheduler_paused().await?.is_none());
    ensure!(world.ledger.pause_scheduler(&user()?).await?);
    ensure!(
        !world.ledger.pause_scheduler(&user()?).await?,
        "it was paused already"
    );
    ensure!(world.ledger.scheduler_paused().await? == Some(world.clock.time()));
    let due = tick(&world, world.clock.time()).await?;
    ensure!(
        world
            .ledger
            .fire_ticks(std::slice::from_ref(&due))
            .await?
            .is_empty()
    );
    ensure!(world.ledger.resume_scheduler(&user()?).await?);
    let types: Vec<_> = world.events().await?.iter().map(|e| e.event.event_type).collect();
    ensure!(types.ends_with(&[EventType::SchedulerPaused, EventType::SchedulerResumed]));
    ensure!(
        world.ledger.fire_ticks(std::slice::from_ref(&due)).await?.len() == 1,
        "it was not lost"
    );
    world
        .ledger
        .set_job_enabled(&demo()?, &"nightly".parse()?, false)
        .await?;
    world.clock.advance(60);
    ensure!(
        world
            .ledger
            .fire_ticks(&[tick(&world, world.clock.time()).await?])
            .await?
            .is_empty(),
        "switched off"
    );
    ensure!(world.ledger.cursors().await?.is_empty());
    world.clock.advance(60);
    world
        .ledger
        .set_job_enabled(&demo()?, &"nightly".parse()?, true)
        .await?;
    let cursor = world.ledger.cursors().await?.pop().context("a cursor")?;
    ensure!(
        cursor.until == world.clock.time(),
        "ticks that passed while it was off are not missed"
    );
    let unknown = Tick {
        job: "no-such".parse()?,
        ..tick(&world, world.clock.time()).await?
    };
    ensure!(world.ledger.fire_ticks(&[unknown]).await?.is_empty());
    Ok(())
}

/// A changed schedule counts from now; a changed comment changes nothing.
pub async fn cursors_follow_the_schedule(place: &dyn Place) -> Result<()> {
    let world = scheduled(place).await?;
    let declared = world.ledger.cursors().await?[0].until;
    world
        .job(
            "nightly",
            json!({ "schedule": "02:00", "comment": "quiet hours" }),
        )
        .await?;
    ensure!(world.ledger.cursors().await?[0].until == declared);
    world.job("nightly", json!({ "schedule": "03:00" })).await?;
    ensure!(world.ledger.cursors().await?[0].until == world.clock.time());
    world
        .ledger
        .fire_ticks(&[tick(
            &world,
            world.clock.time().after(std::time::Duration::from_secs(1)),
        )
        .await?])
        .await?;
    // A tick that is fired early begins at its time.
    world.clock.advance(1);
    let session = world.worker().await?;
    ensure!(world.claim_one(session).await?.state == TaskState::Running);
    Ok(())
}
