//! Runs that wait for their time: for the end of a blackout window, or of their delay.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{Outcome, Task, TaskFilter, WaitReason};
use ironcore_types::event::ErrorData;
use ironcore_types::{ErrorCode, EventType, JobName, Severity, TaskState};
use serde_json::json;

use super::{Place, World, demo};

async fn fire(world: &World) -> Result<Option<Task>> {
    let ticks = [world.tick("nightly", world.clock.time()).await?];
    Ok(world.ledger.fire_ticks(&ticks).await?.pop())
}

/// With `cancel-old` the run before is cancelled when the next one may begin, not before; one that waits stands for the
/// ticks that come meanwhile.
pub async fn what_may_not_begin_yet_replaces_nothing(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    // It is noon.
    let dark = json!([{ "from": "13:00", "lasts": "3h" }]);
    let keys = json!({ "schedule": "hourly", "overlap": "cancel-old", "blackout": dark });
    world.job("nightly", keys).await?;
    world.clock.advance(1);
    let old = fire(&world).await?.context("a run")?;
    ensure!(world.claim_one(session).await?.id == old.id);
    world.clock.advance(3_599);
    let new = fire(&world).await?.context("a run that waits")?;
    let light = "2026-05-21T16:00:00Z".parse()?;
    ensure!(new.not_before == Some(light));
    let goes_on = async || -> Result<bool> {
        let task = world.ledger.task(&old.upid).await?.context("the run before")?;
        Ok(task.cancel_by.is_none())
    };
    ensure!(goes_on().await?, "nothing would take its place");
    world.clock.advance(3_600);
    ensure!(fire(&world).await?.is_none(), "one waits already");
    let told = world.last_event().await?.event;
    ensure!(told.event_type == EventType::JobMissed && told.data.severity == Severity::Notice);
    ensure!(told.data.error.map(|error| error.code) == Some(ErrorCode::JobBlackout));
    ensure!(world.ledger.supersede().await? == Some(light));
    ensure!(goes_on().await?);
    world.ledger.renew(session, &[old.id]).await?;
    world.clock.advance(7_200);
    ensure!(world.ledger.supersede().await?.is_none());
    ensure!(!goes_on().await?, "now it does");
    ensure!(world.ledger.supersede().await?.is_none(), "once");
    world
        .ledger
        .finish(old.id, session, Outcome::new(TaskState::Cancelled))
        .await?;
    ensure!(world.claim_one(session).await?.id == new.id);
    Ok(())
}

/// So it is of a further attempt that waits, of a job that comes after another, and at once when the window is taken away.
pub async fn what_may_begin_replaces_all_before_it(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let light = Some("2026-05-21T16:00:00Z".parse()?);
    let job = async |name: &str, rule: &str, of: &str, dark: serde_json::Value| {
        let keys =
            json!({ rule: of, "overlap": "cancel-old", "blackout": dark, "retries": 1, "retry-delay": "3h" });
        world.job(name, keys).await
    };
    let dark = json!([{ "from": "13:00", "lasts": "3h" }]);
    let state = async |task: &Task| -> Result<(TaskState, bool)> {
        let task = world.ledger.task(&task.upid).await?.context("a task")?;
        Ok((task.state, task.cancel_by.is_some()))
    };
    job("nightly", "schedule", "hourly", dark.clone()).await?;
    let first = world.job("first", json!({})).await?;
    job("second", "after", "first", dark).await?;
    let follow = async || -> Result<Task> {
        let person = world.enqueue_job(&first).await?;
        let claimed = world.claim_one(session).await?;
        ensure!(claimed.id == person.id);
        let done = world
            .ledger
            .finish(claimed.id, session, Outcome::new(TaskState::Ok))
            .await?;
        let id = done.follow_ups.first().context("a run after it")?;
        world.ledger.task_by_id(*id).await?.context("that run")
    };
    world.clock.advance(1);
    // One run fails and is to be tried again, one goes on.
    let fails = fire(&world).await?.context("a run")?;
    world.claim_one(session).await?;
    let failed = Outcome::failed(ErrorData {
        code: ErrorCode::SourceUnreachable,
        message: "no route".to_owned(),
    });
    let retry = world.ledger.finish(fails.id, session, failed).await?.follow_ups;
    let retry = world
        .ledger
        .task_by_id(*retry.first().context("a retry")?)
        .await?
        .context("the retry")?;
    let goes_on = follow().await?;
    ensure!(world.claim_one(session).await?.id == goes_on.id);
    // In the window, runs come that may not begin before it ends: they take no place before.
    world.clock.advance(3_599);
    world.ledger.renew(session, &[goes_on.id]).await?;
    fire(&world).await?.context("a run that waits")?;
    let waits = follow().await?;
    ensure!(waits.not_before == light);
    ensure!(world.ledger.supersede().await? == light);
    ensure!(state(&retry).await? == (TaskState::Queued, false));
    ensure!(state(&goes_on).await? == (TaskState::Running, false));
    // The window is taken away from one, and ends for the other.
    job("nightly", "schedule", "hourly", json!([])).await?;
    ensure!(world.ledger.supersede().await? == light);
    ensure!(state(&retry).await?.0 == TaskState::Cancelled);
    world.clock.advance(10_800);
    ensure!(world.ledger.supersede().await?.is_none());
    ensure!(state(&goes_on).await? == (TaskState::Running, true));
    Ok(())
}

/// Another window, or none, holds for the run that waits already.
pub async fn runs_that_wait_go_by_what_is_declared_now(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let dark =
        |lasts: &str| json!({ "schedule": "hourly", "blackout": [{ "from": "11:00", "lasts": lasts }] });
    world.job("nightly", dark("3h")).await?;
    world.clock.advance(1);
    let run = fire(&world).await?.context("a run")?;
    let waits = async || -> Result<Option<WaitReason>> {
        let waiting = world.ledger.waiting(std::slice::from_ref(&run)).await?;
        Ok(waiting.into_iter().next().map(|waiting| waiting.reason))
    };
    for (lasts, until) in [("5h", "2026-05-21T16:00:00Z"), ("2h", "2026-05-21T13:00:00Z")] {
        world.job("nightly", dark(lasts)).await?;
        ensure!(
            waits().await? == Some(WaitReason::NotBefore { at: until.parse()? }),
            "{lasts}"
        );
    }
    world.job("nightly", json!({ "schedule": "hourly" })).await?;
    ensure!(
        world.claim_one(session).await?.id == run.id,
        "nothing holds it any more"
    );
    Ok(())
}

/// Who paused a job does not want it to go on because somebody applies the same declaration again.
pub async fn a_paused_job_stays_paused(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (project, name): (_, JobName) = (demo()?, "nightly".parse()?);
    let hourly = json!({ "schedule": "hourly" });
    world.job("nightly", hourly.clone()).await?;
    world.ledger.set_job_enabled(&project, &name, false).await?;
    ensure!(!world.job("nightly", hourly.clone()).await?.enabled);
    ensure!(
        !world
            .job("nightly", json!({ "schedule": "02:00" }))
            .await?
            .enabled,
        "changed all the same"
    );
    ensure!(world.ledger.cursors().await?.is_empty());
    world.ledger.set_job_enabled(&project, &name, true).await?;
    ensure!(world.job("nightly", hourly.clone()).await?.enabled);
    // What a declaration switches off a declaration switches on.
    let off = json!({ "schedule": "hourly", "enabled": false });
    ensure!(!world.job("nightly", off).await?.enabled);
    ensure!(world.job("nightly", hourly).await?.enabled);
    Ok(())
}

/// Why a task failed is found by its words and its code as people read them, whatever is kept of it.
pub async fn errors_are_found_as_people_read_them(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let task = world.enqueue().await?;
    world.claim_one(session).await?;
    let mut failed = Outcome::new(TaskState::Failed);
    failed.error = Some(ErrorData {
        code: ErrorCode::SourceUnreachable,
        message: r#"it's "x" \ y: No such file"#.to_owned(),
    });
    world.ledger.finish(task.id, session, failed).await?;
    let found = async |text: &str| -> Result<usize> {
        let filter = TaskFilter {
            text: Some(text.to_owned()),
            ..TaskFilter::default()
        };
        let page = ironcore_ledger::model::Page::first(10);
        Ok(world.ledger.tasks(&filter, &page).await?.tasks.len())
    };
    for text in [
        r#""x" \ y"#,
        "No such file",
        "[source.unreachable]",
        r#"it's "x""#,
        r"\",
    ] {
        ensure!(found(text).await? == 1, "{text}");
    }
    for text in ["message", "{\"code", "\\\\", "\":"] {
        ensure!(found(text).await? == 0, "{text}");
    }
    Ok(())
}
