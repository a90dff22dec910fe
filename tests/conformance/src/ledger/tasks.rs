//! The life of a task: every legal step, every illegal one refused, and what is told of it. Who may take the steps
//! is left to `leases`, finding tasks to `lists`.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{Cancelled, LogLevel, NewLogLine, NewTask, Outcome};
use ironcore_types::event::ErrorData;
use ironcore_types::progress::{Progress, Stage, TaskStats, Warning};
use ironcore_types::{ErrorCode, EventType, Severity, TaskState, Upid};

use super::{Place, World, demo, fenced, user};

pub(super) fn full_disk() -> Outcome {
    Outcome::failed(ErrorData {
        code: ErrorCode::DatastoreFull,
        message: "no space left on datastore".to_owned(),
    })
}

/// queued → running → each final state; each step is told once.
pub async fn every_legal_transition(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let ends = [
        (Outcome::new(TaskState::Ok), EventType::TaskCompleted),
        (Outcome::new(TaskState::Warning), EventType::TaskWarning),
        (full_disk(), EventType::TaskFailed),
        (Outcome::new(TaskState::Cancelled), EventType::TaskCancelled),
    ];
    for (outcome, event_type) in ends {
        let state = outcome.state;
        let queued = world.enqueue().await?;
        ensure!(queued.state == TaskState::Queued && queued.started.is_none());
        let running = world.claim_one(session).await?;
        ensure!(running.id == queued.id && running.state == TaskState::Running);
        world.clock.advance(5);
        let done = world.ledger.finish(running.id, session, outcome).await?;
        ensure!(done.task.state == state && done.task.ended == Some(world.clock.time()));
        ensure!(done.follow_ups.is_empty());
        let stored = world.ledger.task(&queued.upid).await?.context("the task")?;
        ensure!(stored == done.task, "what finish returns is what is stored");
        let told = world.told(&queued).await?;
        ensure!(
            told == [EventType::TaskQueued, EventType::TaskStarted, event_type],
            "{told:?}"
        );
    }
    let queued = world.enqueue().await?;
    ensure!(world.ledger.cancel(&queued.upid, &user()?).await? == Cancelled::AtOnce);
    ensure!(world.told(&queued).await? == [EventType::TaskQueued, EventType::TaskCancelled]);
    ensure!(
        world.claim(session, 10).await?.is_empty(),
        "a cancelled task never runs"
    );
    Ok(())
}

/// Steps that the state diagram does not draw change nothing and tell nothing.
pub async fn every_illegal_transition_is_refused(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let queued = world.enqueue().await?;
    ensure!(
        fenced(
            world
                .ledger
                .finish(queued.id, session, Outcome::new(TaskState::Ok))
                .await
        ),
        "queued → ok"
    );
    ensure!(fenced(world.ledger.hand_over(queued.id, session).await));
    let running = world.claim_one(session).await?;
    for state in [TaskState::Queued, TaskState::Running] {
        let error = world
            .ledger
            .finish(running.id, session, Outcome::new(state))
            .await
            .err()
            .context("refused")?;
        ensure!(
            error.code() == ErrorCode::RequestInvalid,
            "running → {state}: {error}"
        );
    }
    let error = world
        .ledger
        .finish(running.id, session, Outcome::new(TaskState::Failed))
        .await;
    ensure!(
        error.err().map(|e| e.code()) == Some(ErrorCode::RequestInvalid),
        "a failure must say why"
    );
    world
        .ledger
        .finish(running.id, session, Outcome::new(TaskState::Ok))
        .await?;
    for state in [
        TaskState::Ok,
        TaskState::Warning,
        TaskState::Failed,
        TaskState::Cancelled,
    ] {
        world.enqueue().await?;
        let task = world.claim_one(session).await?;
        let outcome = if state == TaskState::Failed {
            full_disk()
        } else {
            Outcome::new(state)
        };
        world.ledger.finish(task.id, session, outcome).await?;
        let seq = world.ledger.last_seq().await?;
        for again in [
            Outcome::new(TaskState::Ok),
            full_disk(),
            Outcome::new(TaskState::Cancelled),
        ] {
            ensure!(
                fenced(world.ledger.finish(task.id, session, again).await),
                "{state} is final"
            );
        }
        ensure!(world.ledger.cancel(&task.upid, &user()?).await? == Cancelled::AlreadyFinal(state));
        ensure!(fenced(
            world
                .ledger
                .set_progress(task.id, session, &Progress::default())
                .await
        ));
        ensure!(fenced(world.ledger.append_log(task.id, session, &[]).await));
        ensure!(world.ledger.last_seq().await? == seq, "nothing was told");
    }
    let unknown = Upid {
        task: ironcore_types::TaskId(9_999),
        ..running.upid.clone()
    };
    let error = world
        .ledger
        .cancel(&unknown, &user()?)
        .await
        .err()
        .context("no such task")?;
    ensure!(error.code() == ErrorCode::TaskNotFound);
    let forged = Upid {
        user: "someone@else".parse()?,
        ..running.upid
    };
    ensure!(
        world.ledger.task(&forged).await?.is_none(),
        "every field of a UPID counts"
    );
    Ok(())
}

/// The event of a task tells all of it, in words and in data.
pub async fn events_tell_everything(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    world.enqueue().await?;
    let task = world.claim_one(session).await?;
    let line = |n: u32| NewLogLine {
        time: world.clock.time(),
        level: LogLevel::Info,
        text: format!("line {n}"),
    };
    world
        .ledger
        .append_log(task.id, session, &(1..=15).map(line).collect::<Vec<_>>())
        .await?;
    world
        .ledger
        .append_log(task.id, session, &(16..=30).map(line).collect::<Vec<_>>())
        .await?;
    let stage = Stage {
        name: "read source".to_owned(),
        done: 3,
        unit: "files".to_owned(),
        ..Stage::default()
    };
    let warning = |n: u32| Warning {
        code: ErrorCode::PathSkipped,
        path: Some(format!("/srv/data/{n}")),
        message: "socket".to_owned(),
    };
    let outcome = Outcome {
        stats: TaskStats {
            bytes: 4096,
            ..TaskStats::default()
        },
        warnings: (0..150).map(warning).collect(),
        warning_count: 150,
        progress: Progress {
            stages: vec![stage.clone()],
        },
        ..full_disk()
    };
    world.clock.advance(60);
    world.ledger.finish(task.id, session, outcome).await?;
    let event = world.last_event().await?.event;
    ensure!(
        event.data.title == "Backup of host/demo to ibs-primary failed: no space left on datastore",
        "{}",
        event.data.title
    );
    ensure!(event.data.severity == Severity::Error && event.data.project == Some(demo()?));
    ensure!(event.subject == Some(task.upid.to_string()) && event.time == world.clock.time());
    ensure!(event.source == format!("urn:ironcore-backup:hub:{}", world.ledger.hub_id()));
    ensure!(event.data.error.as_ref().map(|e| e.code) == Some(ErrorCode::DatastoreFull));
    let data = event.data.task.clone().context("task data")?;
    ensure!(data.state == TaskState::Failed && data.bytes == 4096 && data.stages == [stage]);
    ensure!(data.warnings.len() == 100 && data.warning_count == 150);
    ensure!(
        data.source.as_deref() == Some("/srv/data")
            && data.target.as_deref() == Some("ibs-primary:host/demo")
    );
    ensure!(data.log_tail.len() == 20, "{}", data.log_tail.len());
    ensure!(data.log_tail[0].ends_with(" line 12") && data.log_tail[18].ends_with(" line 30"));
    ensure!(data.log_tail[19].contains(" ended "), "{}", data.log_tail[19]);
    let stored = world.ledger.event(event.id).await?.context("by id")?;
    ensure!(stored.event == event, "an event reads back as it was told");
    Ok(())
}

/// The UPID names node, process, number, time, type, workload and user, and never changes.
pub async fn upids_are_made_once(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let queued = world.enqueue().await?;
    ensure!(queued.upid.task == queued.id && queued.upid.node.as_str() == "node-1");
    ensure!((queued.upid.pid, queued.upid.pstart) == (4_711, 815));
    ensure!(queued.upid.start == world.clock.time() && queued.upid.id == "ibs-primary:host/demo");
    ensure!(queued.upid.to_string().parse::<Upid>()? == queued.upid);
    world.clock.advance(100);
    let running = world.claim_one(session).await?;
    ensure!(running.upid == queued.upid);
    ensure!(
        world
            .ledger
            .finish(running.id, session, Outcome::new(TaskState::Ok))
            .await?
            .task
            .upid
            == queued.upid
    );
    Ok(())
}

/// What a task names must exist and be granted; nothing is enqueued otherwise.
pub async fn enqueue_checks_what_it_names(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let gc =
        |datastore: &str| serde_json::from_value(serde_json::json!({ "type": "gc", "datastore": datastore }));
    let seq = world.ledger.last_seq().await?;
    for (project, datastore, part) in [
        ("demo", "nowhere", "datastore nowhere does not exist"),
        (
            "other",
            "ibs-archival",
            "datastore ibs-archival is not granted to project other",
        ),
        ("no-such", "ibs-primary", "project/no-such does not exist"),
    ] {
        let new = NewTask::new(Some(project.parse()?), user()?, gc(datastore)?);
        let error = world.ledger.enqueue(new).await.err().context("refused")?;
        ensure!(error.to_string().contains(part), "{error}");
    }
    ensure!(world.ledger.last_seq().await? == seq);
    world
        .ledger
        .enqueue(NewTask::new(None, user()?, gc("ibs-archival")?))
        .await?;
    Ok(())
}
