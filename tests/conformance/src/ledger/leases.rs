//! Who holds a task: claims, leases, fences, and the sessions of workers. The steps themselves are left to `tasks`.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{
    Cancelled, NewSession, NewTask, Outcome, Page, RenewalState, Scope, Service, TaskFilter,
};
use ironcore_types::{ErrorCode, EventType, SessionId, TaskState, TaskType};

use super::{Place, World, backup, fenced, user};

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

/// A clock that is set takes no lease away, and lengthens none.
pub async fn leases_outlast_a_clock_that_is_set(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    for back in [false, true] {
        let session = world.worker().await?;
        world.enqueue().await?;
        let task = world.claim_one(session).await?;
        match back {
            true => world.clock.back(3_600),
            false => world.clock.ahead(3_600),
        }
        world.clock.advance(20);
        ensure!(world.ledger.reap().await?.is_empty(), "not over yet");
        ensure!(world.ledger.renew(session, &[task.id]).await?.session_alive);
        world.clock.advance(29);
        ensure!(world.ledger.reap().await?.is_empty(), "it was renewed");
        world.clock.advance(2);
        ensure!(world.ledger.reap().await? == [task.id], "and now it is over");
    }
    Ok(())
}

/// Who does not renew is silent as soon as the lease is over, and lost once somebody takes back what it held, until its
/// process registers again. Who stops by itself is neither.
pub async fn workers_are_silent_and_then_lost(place: &dyn Place) -> Result<()> {
    const DAY: Duration = Duration::from_secs(86_400);
    let world = World::new(place).await?;
    let register = async |pid: u32, types: &[TaskType]| {
        let new = NewSession {
            id: SessionId(world.seams.uuid()),
            node: "node-1".parse()?,
            pid,
            services: vec![Service::Worker],
            types: types.to_vec(),
            slots: 1,
            keys: Vec::new(),
        };
        anyhow::Ok(world.ledger.register_session(new).await?)
    };
    let silent = async || {
        let sessions = world.ledger.sessions().await?;
        anyhow::Ok(sessions.iter().map(|session| session.silent).collect::<Vec<_>>())
    };
    let lost = async || {
        let lost = world.ledger.lost_workers(DAY).await?;
        let mut pids: Vec<u32> = lost.iter().map(|session| session.pid).collect();
        pids.sort_unstable();
        anyhow::Ok(pids)
    };
    register(1, TaskType::ALL).await?;
    register(2, TaskType::ALL).await?;
    // One that claims nothing is no worker.
    register(3, &[]).await?;
    let stops = register(4, TaskType::ALL).await?;
    ensure!(!stops.silent);
    world.ledger.end_session(stops.id).await?;
    // What the wall clock shows says nothing of leases.
    world.clock.ahead(7_200);
    world.clock.advance(29);
    ensure!(silent().await? == [false; 3]);
    world.clock.back(7_200);
    world.clock.advance(11);
    ensure!(silent().await? == [true; 3]);
    ensure!(lost().await?.is_empty(), "nobody has looked for the lost yet");
    world.ledger.reap().await?;
    ensure!(silent().await?.is_empty());
    ensure!(lost().await? == [1, 2]);
    let found = world.ledger.lost_workers(DAY).await?.remove(0);
    ensure!(found.ended == Some(world.clock.time()), "{found:?}");
    // Only a worker is the same worker again.
    register(1, &[]).await?;
    register(2, TaskType::ALL).await?;
    ensure!(lost().await? == [1]);
    world.clock.advance(86_401);
    ensure!(lost().await?.is_empty(), "it is long ago");
    Ok(())
}

/// That a process without tasks is gone is told once, with what nobody does any more; not that it goes on under another
/// session, nor that it stopped of itself.
pub async fn services_that_are_lost_are_told(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let register = async |services: &[Service]| {
        let new = NewSession {
            id: SessionId(world.seams.uuid()),
            node: "node-1".parse()?,
            pid: 7,
            services: services.to_vec(),
            types: Vec::new(),
            slots: 0,
            keys: Vec::new(),
        };
        anyhow::Ok(world.ledger.register_session(new).await?.id)
    };
    let told = async || {
        let events = world.ledger.events_after(0, 1_000, &Scope::All).await?;
        let stopped = events
            .iter()
            .filter(|event| event.event.event_type == EventType::SystemStopped);
        anyhow::Ok(
            stopped
                .map(|event| event.event.data.title.clone())
                .collect::<Vec<_>>(),
        )
    };
    let stopped = register(&[Service::Api, Service::Scheduler]).await?;
    world.ledger.end_session(stopped).await?;
    ensure!(told().await?.is_empty(), "it said so itself");
    // A machine that slept: the process goes on with another session.
    register(&[Service::Api, Service::Scheduler]).await?;
    register(&[Service::Notify]).await?;
    world.clock.advance(31);
    let again = register(&[Service::Api, Service::Scheduler]).await?;
    world.ledger.reap().await?;
    ensure!(told().await?.is_empty(), "{:?}", told().await?);
    world.ledger.renew(again, &[]).await?;
    register(&[Service::Notify]).await?;
    world.clock.advance(31);
    world.ledger.reap().await?;
    let all = told().await?;
    ensure!(
        all == [
            "The hub on node-1 (process 7; api, scheduler) is gone: it no longer renews its lease; nobody else does: api, \
             scheduler"
        ],
        "{all:?}"
    );
    ensure!(world.ledger.reap().await?.is_empty() && told().await?.len() == 1);
    // It only slept: what was told is taken back, once.
    for _ in 0..2 {
        register(&[Service::Api, Service::Scheduler]).await?;
    }
    let events = world.ledger.events_after(0, 1_000, &Scope::All).await?;
    let mut back = events
        .iter()
        .filter(|event| event.event.event_type == EventType::SystemStarted);
    let title = back.next().map(|event| event.event.data.title.as_str());
    let wanted = "The hub on node-1 (process 7; api, scheduler) was not gone: it renews its lease again";
    ensure!(title == Some(wanted) && back.next().is_none(), "{title:?}");
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
        slots: 0,
        keys: Vec::new(),
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
