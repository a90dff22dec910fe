//! The fences: what keeps a late or second one from changing anything. Each is tried alone, with everything else in
//! order. Where each stands, and which tests fail when it is taken away, is written in `docs/fences.md`.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{LogLevel, NewLogLine, Outcome, RenewalState};
use ironcore_types::progress::{Progress, Stage};
use ironcore_types::{EventType, TaskState};
use serde_json::json;

use super::{Place, World, demo, fenced};

fn progress() -> Progress {
    Progress {
        stages: vec![Stage {
            name: "read".to_owned(),
            ..Stage::default()
        }],
    }
}

/// While a task runs, nobody but its holder says anything about it; once it is over, not even the holder.
pub async fn only_the_holder_speaks(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (holder, other) = (world.worker().await?, world.worker().await?);
    world.enqueue().await?;
    let task = world.claim_one(holder).await?;
    let line = NewLogLine {
        time: world.clock.time(),
        level: LogLevel::Info,
        text: "from nobody".to_owned(),
    };
    let line = std::slice::from_ref(&line);
    let ledger = &world.ledger;
    let before = ledger.task(&task.upid).await?;
    world.clock.advance(5);
    let seq = ledger.last_seq().await?;
    let ok = || Outcome::new(TaskState::Ok);

    let renewal = ledger.renew(other, &[task.id]).await?.tasks[0];
    ensure!(renewal.state == RenewalState::Lost, "renewed by somebody else");
    ensure!(fenced(ledger.set_progress(task.id, other, &progress()).await));
    ensure!(fenced(ledger.append_log(task.id, other, line).await));
    ensure!(fenced(ledger.finish(task.id, other, ok()).await));
    ensure!(fenced(ledger.hand_over(task.id, other).await));
    let ends = ledger.finish_all(other, vec![(task.id, ok())]).await?;
    ensure!(ends.into_iter().all(fenced));
    ensure!(ledger.task(&task.upid).await? == before, "nothing of it was kept");
    ensure!(ledger.last_seq().await? == seq, "nothing was told");

    // Twice in one breath: one is accepted.
    let twice = ledger
        .finish_all(holder, vec![(task.id, ok()), (task.id, ok())])
        .await?;
    ensure!(twice.iter().filter(|end| end.is_ok()).count() == 1);
    let after = ledger.task(&task.upid).await?;
    let renewal = ledger.renew(holder, &[task.id]).await?.tasks[0];
    ensure!(renewal.state == RenewalState::Lost, "renewed after its end");
    ensure!(fenced(ledger.set_progress(task.id, holder, &progress()).await));
    ensure!(fenced(ledger.append_log(task.id, holder, line).await));
    ensure!(fenced(ledger.finish(task.id, holder, ok()).await));
    ensure!(fenced(ledger.hand_over(task.id, holder).await));
    ensure!(ledger.task(&task.upid).await? == after, "final is final");
    ensure!(ledger.last_seq().await? == seq + 1, "one end was told");
    Ok(())
}

/// A session that is over neither claims nor comes back to life.
pub async fn a_session_ends_once(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (gone, lives) = (world.worker().await?, world.worker().await?);
    world.enqueue().await?;
    world.clock.advance(31);
    ensure!(world.ledger.renew(lives, &[]).await?.session_alive);
    world.ledger.reap().await?;
    ensure!(!world.ledger.renew(gone, &[]).await?.session_alive);
    ensure!(fenced(world.claim_any(gone).await));
    let told = world.events().await?;
    let offline = told
        .iter()
        .filter(|event| event.event.event_type == EventType::WorkerOffline)
        .count();
    ensure!(offline == 1, "told {offline} times");
    ensure!(world.claim(lives, 1).await?.len() == 1);
    Ok(())
}

/// What is claimed is not claimed again, however often and by whomever it is tried.
pub async fn what_runs_is_not_claimed(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (first, second) = (world.worker().await?, world.worker().await?);
    world.enqueue().await?;
    let task = world.claim_one(first).await?;
    // While nothing waits, claims do not even look.
    let waits = world.enqueue().await?;
    let claimed = world.claim(second, 10).await?;
    ensure!(claimed.len() == 1 && claimed[0].id == waits.id, "only what waits");
    for session in [first, second, first, second] {
        ensure!(world.claim(session, 10).await?.is_empty());
    }
    let now = world.ledger.task(&task.upid).await?.context("the task")?;
    ensure!(now.session == Some(first) && world.told(&now).await?.len() == 2);
    Ok(())
}

/// A tick that a job has answered is answered, even when the job was removed and declared again with the clock set
/// back, so that its cursor stands before the tick.
pub async fn a_tick_is_answered_once_for_all(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let extra = || json!({ "schedule": "02:00" });
    world.job("nightly", extra()).await?;
    world.clock.advance(3_600);
    let due = world.clock.time();
    let fire = async || -> Result<usize> {
        let tick = world.tick("nightly", due).await?;
        Ok(world.ledger.fire_ticks(&[tick]).await?.len())
    };
    ensure!(fire().await? == 1);
    let session = world.worker().await?;
    let task = world.claim_one(session).await?;
    world
        .ledger
        .finish(task.id, session, Outcome::new(TaskState::Ok))
        .await?;
    world.ledger.delete_job(&demo()?, &"nightly".parse()?).await?;
    ensure!(fire().await? == 0, "nobody's tick");
    world.clock.back(7_200);
    world.job("nightly", extra()).await?;
    let cursor = world.ledger.cursors().await?.pop().context("a cursor")?;
    ensure!(cursor.until < due, "the cursor does not keep it");
    ensure!(fire().await? == 0, "it was answered");
    Ok(())
}
