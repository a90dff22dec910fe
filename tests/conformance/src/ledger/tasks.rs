//! The life of a task: every legal step, every illegal one refused, leases and fences.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{
    Cancelled, LogLevel, NewLogLine, NewTask, Outcome, Page, RenewalState, TaskFilter,
};
use ironcore_types::event::ErrorData;
use ironcore_types::progress::{Progress, Stage, TaskStats, Warning};
use ironcore_types::{ErrorCode, EventType, SessionId, Severity, TaskState, Upid};

use super::{Place, World, backup, demo, fenced, user};

fn full_disk() -> Outcome {
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

/// Many claimers at once, many tasks: each task is handed out once.
pub async fn two_claimers_never_get_the_same_task(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let mut wanted = HashSet::new();
    for task in futures::future::try_join_all((0..60).map(|_| world.enqueue())).await? {
        ensure!(wanted.insert(task.id), "task numbers are unique");
    }
    let sessions = futures::future::try_join_all((0..4).map(|_| world.worker())).await?;
    let claims = (0..40).map(|at| world.claim(sessions[at % 4], 2));
    let mut got = HashSet::new();
    for task in futures::future::try_join_all(claims).await?.into_iter().flatten() {
        ensure!(got.insert(task.id), "task {} was claimed twice", task.id);
    }
    ensure!(got == wanted, "all were claimed");
    let upids: HashSet<String> = world
        .ledger
        .tasks(&TaskFilter::default(), &Page::first(100))
        .await?
        .tasks
        .iter()
        .map(|t| t.upid.to_string())
        .collect();
    ensure!(upids.len() == 60);
    Ok(())
}

/// Only the session that holds a task may speak for it.
pub async fn a_late_finisher_is_fenced(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (first, second) = (world.worker().await?, world.worker().await?);
    world.enqueue().await?;
    let task = world.claim_one(first).await?;
    ensure!(
        fenced(
            world
                .ledger
                .finish(task.id, second, Outcome::new(TaskState::Ok))
                .await
        ),
        "not its task"
    );
    ensure!(fenced(world.ledger.append_log(task.id, second, &[]).await));
    world.clock.advance(31);
    ensure!(world.ledger.renew(second, &[]).await?.session_alive);
    ensure!(world.ledger.reap().await? == [task.id]);
    let seq = world.ledger.last_seq().await?;
    ensure!(
        fenced(
            world
                .ledger
                .finish(task.id, first, Outcome::new(TaskState::Ok))
                .await
        ),
        "too late"
    );
    ensure!(
        fenced(world.ledger.claim(first, ironcore_types::TaskType::ALL, 1).await),
        "its session is over"
    );
    let renewals = world.ledger.renew(first, &[task.id]).await?;
    ensure!(!renewals.session_alive && renewals.tasks[0].state == RenewalState::Lost);
    ensure!(world.ledger.last_seq().await? == seq, "nothing was told");
    let stored = world.ledger.task(&task.upid).await?.context("the task")?;
    ensure!(stored.state == TaskState::Failed);
    ensure!(stored.error.map(|e| e.code) == Some(ErrorCode::WorkerLost));
    Ok(())
}

/// Leases live as long as they are renewed, however long the work takes.
pub async fn renewal_keeps_a_task(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    world.enqueue().await?;
    let task = world.claim_one(session).await?;
    for _ in 0..12 {
        world.clock.advance(10);
        let renewals = world.ledger.renew(session, &[task.id]).await?;
        ensure!(renewals.session_alive && renewals.tasks[0].state == RenewalState::Held);
        ensure!(world.ledger.reap().await?.is_empty());
    }
    ensure!(world.ledger.cancel(&task.upid, &user()?).await? == Cancelled::Requested);
    let renewals = world.ledger.renew(session, &[task.id]).await?;
    ensure!(renewals.tasks[0].state == RenewalState::CancelRequested);
    let done = world
        .ledger
        .finish(task.id, session, Outcome::new(TaskState::Cancelled))
        .await?;
    ensure!(done.task.cancel_by == Some(user()?));
    let event = world.last_event().await?.event;
    ensure!(
        event.data.title.ends_with("was cancelled by ops@hub"),
        "{}",
        event.data.title
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
    ensure!(data.log_tail[0].ends_with(" line 11") && data.log_tail[19].ends_with(" line 30"));
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

/// Filters combine; pages follow one another without gaps or repeats while tasks come and change.
pub async fn lists_filter_and_page(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let mut ids = Vec::new();
    for _ in 0..25 {
        ids.push(world.enqueue().await?.id);
        world.clock.advance(60);
    }
    let failed = world.claim_one(session).await?;
    world.ledger.finish(failed.id, session, full_disk()).await?;
    let mut seen = Vec::new();
    let mut page = Page::first(10);
    loop {
        let part = world.ledger.tasks(&TaskFilter::default(), &page).await?;
        ensure!(part.total.value >= 25);
        seen.extend(part.tasks.iter().map(|t| t.id));
        // A new task and a changed one must not move those that follow.
        world.enqueue().await?;
        world.claim_one(session).await?;
        match part.next {
            Some(next) => page = Page::after(10, next),
            None => break,
        }
    }
    ids.reverse();
    ensure!(seen == ids, "{seen:?}");
    let count = async |filter: TaskFilter| -> Result<u64> {
        let page = world.ledger.tasks(&filter, &Page::first(1_000)).await?;
        ensure!(page.tasks.len() as u64 == page.total.value && !page.total.more);
        Ok(page.total.value)
    };
    ensure!(
        count(TaskFilter {
            states: vec![TaskState::Failed],
            ..TaskFilter::default()
        })
        .await?
            == 1
    );
    ensure!(
        count(TaskFilter {
            types: vec![ironcore_types::TaskType::Gc],
            ..TaskFilter::default()
        })
        .await?
            == 0
    );
    ensure!(
        count(TaskFilter {
            project: Some("other".parse()?),
            ..TaskFilter::default()
        })
        .await?
            == 0
    );
    ensure!(
        count(TaskFilter {
            user: Some(user()?),
            ..TaskFilter::default()
        })
        .await?
            >= 25
    );
    ensure!(
        count(TaskFilter {
            text: Some("NO SPACE".to_owned()),
            ..TaskFilter::default()
        })
        .await?
            == 1
    );
    ensure!(
        count(TaskFilter {
            text: Some("100%".to_owned()),
            ..TaskFilter::default()
        })
        .await?
            == 0,
        "% is text"
    );
    ensure!(
        count(TaskFilter {
            target: Some("ibs-primary:host/demo".to_owned()),
            ..TaskFilter::default()
        })
        .await?
            >= 25
    );
    // The failed task was enqueued first but started last: --since looks at the start.
    let since = TaskFilter {
        since: Some(world.clock.time()),
        states: vec![TaskState::Failed],
        ..TaskFilter::default()
    };
    ensure!(count(since).await? == 1);
    let until = TaskFilter {
        until: Some(world.clock.time()),
        states: vec![TaskState::Failed],
        ..TaskFilter::default()
    };
    ensure!(count(until).await? == 0);
    let error = world
        .ledger
        .tasks(&TaskFilter::default(), &Page::after(10, "nonsense"))
        .await
        .err();
    ensure!(error.map(|e| e.code()) == Some(ErrorCode::RequestInvalid));
    Ok(())
}

/// Counting stops at 10,000.
pub async fn counts_are_capped(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    for _ in 0..50 {
        let batch = (0..201).map(|_| world.enqueue());
        futures::future::try_join_all(batch).await?;
    }
    let page = world
        .ledger
        .tasks(&TaskFilter::default(), &Page::first(1))
        .await?;
    ensure!(page.total.to_string() == "10,000+" && page.total.more);
    Ok(())
}

/// Sessions come and go as events; one id is used once.
pub async fn workers_come_and_go(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let event = world.last_event().await?.event;
    ensure!(event.event_type == EventType::WorkerOnline && event.data.project.is_none());
    world.enqueue().await?;
    let task = world.claim_one(session).await?;
    let shown = world.ledger.sessions().await?;
    ensure!(shown.len() == 1 && shown[0].running == 1 && shown[0].id == session);
    ensure!(world.ledger.end_session(session).await? == [task.id]);
    ensure!(
        world.ledger.end_session(session).await?.is_empty(),
        "ending twice does nothing"
    );
    ensure!(world.last_event().await?.event.event_type == EventType::WorkerOffline);
    ensure!(world.ledger.sessions().await?.is_empty());
    let again = ironcore_ledger::model::NewSession {
        id: session,
        node: "node-1".parse()?,
        pid: 7,
        services: Vec::new(),
        types: Vec::new(),
    };
    ensure!(matches!(
        world.ledger.register_session(again).await,
        Err(LedgerError::Refused { .. })
    ));
    ensure!(
        fenced(world.ledger.claim(SessionId(world.seams.uuid()), &[], 1).await),
        "never registered"
    );
    let no_project = NewTask::new(None, user()?, backup()?);
    world.ledger.enqueue(no_project).await?;
    ensure!(world.last_event().await?.event.data.project.is_none());
    Ok(())
}
