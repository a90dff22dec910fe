//! Figures for monitoring: how things are now, and what was committed. How they are called outside is left to the API.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ironcore_ledger::model::{
    AttemptOutcome, DatastoreStatus, Figures, FinishAttempt, MessageState, NewEvent, NewTask, Outcome,
    Service,
};
use ironcore_ledger::{FIGURES_DATASTORES, FIGURES_JOBS};
use ironcore_types::event::{ErrorData, EventData, JobData};
use ironcore_types::progress::TaskStats;
use ironcore_types::{ErrorCode, EventType, Severity, TaskState, TaskType, VerifyResult};
use serde_json::json;

use super::messages::{claim, deliver, fan_out, notice, report, retry};
use super::statistics::report as verified;
use super::{Place, World, backup, demo, fenced, job_json, user};

fn open(figures: &Figures, state: TaskState) -> u64 {
    let of_state = figures.open.iter().filter(|of| of.state == state);
    of_state.map(|of| of.count).sum()
}

fn failed() -> Outcome {
    Outcome {
        error: Some(ErrorData {
            code: ErrorCode::SourceUnreachable,
            message: "gone".to_owned(),
        }),
        ..Outcome::new(TaskState::Failed)
    }
}

/// An event about the job `nightly`.
fn about_nightly(event_type: EventType, missed: u64) -> Result<NewEvent> {
    let mut data = EventData::new(Some(demo()?), Severity::Warning, "it did not run");
    data.job = Some(JobData {
        name: "nightly".parse()?,
        scheduled_for: None,
        missed,
    });
    Ok(NewEvent {
        event_type,
        subject: None,
        data,
    })
}

/// What is told of tasks, jobs and datastores is of this moment.
pub async fn figures_are_of_now(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let ledger = &world.ledger;
    let empty = ledger.figures().await?;
    ensure!(empty.open.is_empty() && empty.jobs.is_empty(), "{empty:?}");
    ensure!(empty.at == world.clock.time() && empty.scheduler_paused.is_none());

    let session = world.worker().await?;
    let job = world.job("nightly", json!({})).await?;
    let store = "ibs-primary".parse()?;
    let verify = serde_json::from_value(json!({ "type": "verify", "datastore": "ibs-primary" }))?;
    ledger
        .enqueue(NewTask::new(Some(demo()?), user()?, verify))
        .await?;
    let task = world.claim_one(session).await?;
    let verified_at = world.clock.time();
    for result in [VerifyResult::Ok, VerifyResult::Corrupt] {
        let found = verified("host/a/2026-05-21T00:00:00Z", world.clock.time(), result)?;
        ledger
            .record_verification(task.id, session, &store, &found)
            .await?;
        world.clock.advance(1);
    }
    ledger
        .finish(task.id, session, Outcome::new(TaskState::Ok))
        .await?;
    let start = world.clock.time();
    world.enqueue_job(&job).await?;
    let run = world.claim_one(session).await?;
    world.clock.advance(10);
    ledger.renew(session, &[run.id]).await?;
    let stats = TaskStats {
        bytes_logical: 400,
        bytes_new: 200,
        bytes_stored: 100,
        chunks: 10,
        chunks_known: 9,
        ..TaskStats::default()
    };
    let good = Outcome {
        stats,
        ..Outcome::new(TaskState::Warning)
    };
    ledger.finish(run.id, session, good).await?;
    world.clock.advance(8);
    ledger.renew(session, &[]).await?;
    world.enqueue_job(&job).await?;
    let run = world.claim_one(session).await?;
    world.clock.advance(5);
    ledger.renew(session, &[run.id]).await?;
    ledger.finish(run.id, session, failed()).await?;
    let status = DatastoreStatus {
        online: true,
        used: Some(700),
        free: Some(300),
        reason: None,
        at: world.clock.time(),
    };
    ledger.set_datastore_status(&store, &status).await?;
    // One that runs, one that must wait, one that waits.
    world.enqueue().await?;
    world.claim_one(session).await?;
    let mut held = NewTask::new(Some(demo()?), user()?, backup()?);
    held.not_before = Some(world.clock.time().after(Duration::from_secs(3_600)));
    ledger.enqueue(held).await?;
    world.clock.advance(2);
    world.enqueue().await?;
    world.clock.advance(7);
    ledger.pause_scheduler(&user()?).await?;
    let event = about_nightly(EventType::JobOverdue, 0)?;
    ledger.open_condition("overdue/demo/nightly", event).await?;

    let now = ledger.figures().await?;
    let counts = [TaskState::Running, TaskState::Queued].map(|state| open(&now, state));
    ensure!(counts == [1, 2], "{now:?}");
    let queued = now.open.iter().find(|of| of.state == TaskState::Queued);
    let oldest = queued.context("queued ones")?.oldest;
    ensure!(
        now.at.since(oldest) == Duration::from_secs(7),
        "one that may not begin does not wait yet"
    );
    let [of] = &now.jobs[..] else {
        bail!("one job: {:?}", now.jobs)
    };
    ensure!(of.enabled && of.overdue && of.job == job.name, "{of:?}");
    let (good, last) = (of.last_good.context("a good run")?, of.last.context("a run")?);
    ensure!(
        good.state == TaskState::Warning && good.duration == Duration::from_secs(10),
        "{good:?}"
    );
    ensure!(good.ended == start.after(Duration::from_secs(10)));
    ensure!(
        last.state == TaskState::Failed && last.duration == Duration::from_secs(5),
        "{last:?}"
    );
    let mut datastores = now.datastores.iter();
    let primary = datastores.find(|of| of.name == store).context("the datastore")?;
    ensure!(primary.status.as_ref() == Some(&status));
    ensure!(primary.last_good_verification == Some(verified_at));
    let metrics = primary.recent.metrics();
    ensure!(metrics.dedup_hit_percent == Some(90.0) && metrics.reduction_ratio == Some(4.0));
    ensure!(now.scheduler_paused == Some(world.clock.time()));
    ensure!(now.sessions.len() == 1 && now.sessions[0].services == [Service::Worker]);
    ensure!(now.sessions[0].running == 1 && now.writer_queue.1 > now.writer_queue.0);
    Ok(())
}

/// So is what is told of messages.
pub async fn figures_of_delivery_are_of_now(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let ledger = &world.ledger;
    let session = world.worker().await?;
    world.enqueue().await?;
    let now = ledger.figures().await?;
    ensure!(now.unmatched > 0 && now.oldest_due.is_none(), "{now:?}");
    fan_out(&world, vec![notice(&world, "x", "1")?, notice(&world, "y", "1")?]).await?;
    world.clock.advance(4);
    let now = ledger.figures().await?;
    ensure!(now.unmatched == 0, "all were fanned out");
    ensure!(now.oldest_due == Some(world.clock.time().before(Duration::from_secs(4))));
    let first = claim(&world, session).await?;
    ensure!(ledger.figures().await?.messages[1] == (MessageState::Sending, 2));
    let later = world.clock.time().after(Duration::from_secs(60));
    let rejected = AttemptOutcome::Rejected {
        reason: "410".to_owned(),
        code: ErrorCode::DeliveryRejected,
        gone: false,
    };
    for (claimed, outcome) in first.iter().zip([retry(later), rejected]) {
        let attempt = report(&world, claimed.message.id, session, outcome);
        ledger.finish_attempt(attempt).await?;
    }
    ledger.open_circuit("demo https://old", later, "503").await?;
    let now = ledger.figures().await?;
    let messages = [
        (MessageState::Pending, 1),
        (MessageState::Sending, 0),
        (MessageState::Dead, 1),
    ];
    ensure!(now.messages == messages, "{:?}", now.messages);
    ensure!(now.circuits == 1 && now.disabled_handlers == 0);
    ensure!(now.oldest_due.is_none(), "what is to be tried later is not due");
    ensure!(now.unmatched == 1, "of the dead letter was told");
    Ok(())
}

/// Whatever was committed is counted, once; what was refused is not.
pub async fn what_is_committed_is_counted(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let ledger = &world.ledger;
    let session = world.worker().await?;
    let before = ledger.tally();
    for outcome in [Outcome::new(TaskState::Ok), failed()] {
        world.enqueue().await?;
        let task = world.claim_one(session).await?;
        world.clock.advance(10);
        ledger.renew(session, &[task.id]).await?;
        ledger.finish(task.id, session, outcome.clone()).await?;
        let again = ledger.finish(task.id, session, outcome).await;
        ensure!(fenced(again), "it has ended");
    }
    let stranger = NewTask::new(Some("nobody".parse()?), user()?, backup()?);
    ensure!(
        ledger.enqueue(stranger).await.is_err(),
        "there is no such project"
    );

    let tally = ledger.tally();
    ensure!(tally.queued.get(&TaskType::Backup) == Some(&2), "{tally:?}");
    for state in [TaskState::Ok, TaskState::Failed] {
        ensure!(
            tally.ended.get(&(TaskType::Backup, state)) == Some(&1),
            "{tally:?}"
        );
    }
    let durations = tally.durations.get(&TaskType::Backup).context("durations")?;
    ensure!(
        durations.count == 2 && durations.sum == Duration::from_secs(20),
        "{durations:?}"
    );
    ensure!(durations.buckets[2] == 2, "10 s are more than 5 and less than 15");
    for event_type in [EventType::TaskQueued, EventType::TaskStarted] {
        ensure!(tally.events.get(&event_type) == Some(&2), "{tally:?}");
    }
    ensure!(tally.events.get(&EventType::TaskFailed) == Some(&1));
    ensure!(tally.commits > before.commits);
    let seq = u64::try_from(ledger.last_seq().await?)?;
    ensure!(
        tally.events.values().sum::<u64>() == seq,
        "every event since the ledger was made"
    );

    for event_type in [EventType::JobMissed, EventType::JobOverdue] {
        ledger.emit(about_nightly(event_type, 3)?).await?;
    }
    let tally = ledger.tally();
    let key = (demo()?, "nightly".parse()?);
    ensure!(tally.missed.get(&key) == Some(&3) && tally.overdue.get(&key) == Some(&1));
    Ok(())
}

/// Attempts to deliver are counted with their outcome, those of lost senders too.
pub async fn attempts_are_tallied(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let ledger = &world.ledger;
    let session = world.worker().await?;
    let made = fan_out(&world, vec![notice(&world, "x", "1")?]).await?.created;
    world.clock.advance(3);
    claim(&world, session).await?;
    let at = world.clock.time();
    let slow = FinishAttempt {
        started: at.before(Duration::from_secs(2)),
        ..report(&world, made[0], session, retry(at))
    };
    ledger.finish_attempt(slow).await?;
    world.clock.advance(1);
    claim(&world, session).await?;
    deliver(&world, made[0], session).await?;
    ensure!(
        deliver(&world, made[0], session).await.is_err(),
        "it was delivered"
    );
    fan_out(&world, vec![notice(&world, "y", "1")?]).await?;
    claim(&world, session).await?;
    ledger.end_session(session).await?;
    let tally = ledger.tally();
    for outcome in ["delivered", "retry", "lost"] {
        let found = tally.attempts.get(&("webhook".parse()?, outcome));
        ensure!(found == Some(&1), "{outcome}: {:?}", tally.attempts);
    }
    ensure!(tally.attempts.len() == 3, "{:?}", tally.attempts);
    let latency = tally.latency;
    ensure!(
        latency.count == 1 && latency.sum == Duration::from_secs(4),
        "{latency:?}"
    );
    let durations = tally.attempt_durations;
    ensure!(
        durations.count == 3 && durations.sum == Duration::from_secs(2),
        "{durations:?}"
    );
    Ok(())
}

/// However many jobs and datastores there are, the answer does not grow beyond its bounds, and says what it leaves out.
pub async fn figures_have_bounds(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let jobs: Vec<_> = (0..=FIGURES_JOBS)
        .map(|number| job_json(&format!("job-{number:04}"), json!({})))
        .collect();
    let datastores: Vec<_> = (0..FIGURES_DATASTORES)
        .map(|number| json!({ "name": format!("store-{number:03}"), "path": format!("/srv/{number}") }))
        .collect();
    world
        .apply(json!({ "job": jobs, "datastore": datastores }))
        .await?;
    let now = world.ledger.figures().await?;
    ensure!((now.jobs.len(), now.jobs_left_out) == (FIGURES_JOBS, 1));
    // The suite has two of its own.
    ensure!((now.datastores.len(), now.datastores_left_out) == (FIGURES_DATASTORES, 2));
    ensure!(now.jobs[0].job.as_str() == "job-0000", "in order of their names");
    Ok(())
}
