//! Tasks from enqueue to finish, with every event, while all three go on at once.
//!
//! Clients enqueue one task at a time; workers of 64 slots each claim what is free and finish one task at a time, as
//! real ones do. Afterwards the database itself is asked: every task is there, is `ok`, and has one event of each kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use ironcore_ledger::Ledger;
use ironcore_ledger::model::{NewTask, Outcome};
use ironcore_types::{EventType, Seams, TaskSpec, TaskState, TaskType};
use serde_json::json;
use tokio::task::JoinSet;

use crate::machine;
use crate::place::{Place, declare, user, worker};
use crate::report::{Bound, Figure};

const LEAST: Bound = Bound::Least(1_500.0);
/// Clients that enqueue at once.
const CLIENTS: usize = 64;
/// Tasks that one worker does at once.
const SLOTS: usize = 64;
const WORKERS: usize = 4;
const PROJECTS: [&str; 4] = ["office", "lab", "shop", "press"];

/// On SQLite, where one process has the database.
pub(super) async fn sqlite(short: bool) -> Result<Vec<Figure>> {
    let (tasks, note) = extent(short, 1);
    let rate = rate(&Place::sqlite()?, 1, tasks).await?;
    let measure = "enqueue → claim → finish, SQLite, 4 workers";
    Ok(vec![Figure::new(measure, rate, "tasks/s", LEAST).note(note)])
}

/// On PostgreSQL: four hubs with a worker each, and one hub with all four.
pub(super) async fn postgres(short: bool) -> Result<Vec<Figure>> {
    let place = Place::postgres()?;
    let (tasks, note) = extent(short, 4);
    let four = rate(&place, 4, tasks).await?;
    let place = Place::postgres()?;
    let (_, one_note) = extent(short, 1);
    let one = rate(&place, 1, tasks).await?;
    Ok(vec![
        Figure::new(
            "enqueue → claim → finish, PostgreSQL, 4 workers on 4 hubs",
            four,
            "tasks/s",
            LEAST,
        )
        .note(note),
        Figure::new(
            "enqueue → claim → finish, PostgreSQL, 4 workers on 1 hub",
            one,
            "tasks/s",
            LEAST,
        )
        .note(one_note),
    ])
}

fn extent(short: bool, hubs: usize) -> (usize, String) {
    let tasks = if short { 2_000 } else { 30_000 };
    (
        tasks,
        format!("{tasks} tasks, {CLIENTS} clients, {hubs} ledger(s), none lost or run twice"),
    )
}

async fn rate(place: &Place, hubs: usize, tasks: usize) -> Result<f64> {
    let seams = machine::seams();
    let mut ledgers = Vec::new();
    for hub in 0..hubs {
        ledgers.push(place.open(&format!("hub-{hub}"), &seams).await?);
    }
    let projects: Vec<_> = PROJECTS.iter().map(|name| json!({ "name": name })).collect();
    declare(
        &ledgers[0],
        json!({
            "project": projects,
            "datastore": [{ "name": "ibs-primary", "path": "/srv/primary", "projects": PROJECTS }],
        }),
    )
    .await?;
    let left = Arc::new(AtomicUsize::new(tasks));
    let done = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut parts = JoinSet::new();
    for client in 0..CLIENTS {
        let ledger = ledgers[client % hubs].clone();
        parts.spawn(enqueue(ledger, client, Arc::clone(&left)));
    }
    for number in 0..WORKERS {
        let ledger = ledgers[number % hubs].clone();
        parts.spawn(work(ledger, seams.clone(), Arc::clone(&done), tasks));
    }
    while let Some(part) = parts.join_next().await {
        part??;
    }
    let took = begun.elapsed();
    check(place, tasks).await?;
    for ledger in ledgers {
        ledger.close().await;
    }
    Ok(tasks as f64 / took.as_secs_f64())
}

/// A backup of one of many workloads.
fn new_task(client: usize, number: usize) -> Result<NewTask> {
    let spec: TaskSpec = serde_json::from_value(json!({
        "type": "backup", "source": { "tree": format!("/srv/tree-{}", number % 500) },
        "datastore": "ibs-primary", "backup-id": format!("host-{}", number % 500),
    }))?;
    let project = PROJECTS[client % PROJECTS.len()].parse()?;
    Ok(NewTask::new(Some(project), user()?, spec))
}

async fn enqueue(ledger: Ledger, client: usize, left: Arc<AtomicUsize>) -> Result<()> {
    loop {
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        let Ok(number) = taken else { return Ok(()) };
        ledger.enqueue(new_task(client, number)?).await?;
    }
}

async fn work(ledger: Ledger, seams: Seams, done: Arc<AtomicUsize>, tasks: usize) -> Result<()> {
    let session = worker(&ledger, &seams, SLOTS as u32).await?;
    let mut wakes = ledger.wakes();
    let mut running = FuturesUnordered::new();
    let mut renewed = Instant::now();
    while done.load(Ordering::Relaxed) < tasks {
        wakes.tasks.mark_unchanged();
        let free = SLOTS - running.len();
        // Looking for work at every end would be as good, and ask more often.
        if free >= SLOTS / 4 {
            let claimed = ledger.claim(session, TaskType::ALL, free as u32).await?;
            for task in claimed {
                let ledger = ledger.clone();
                running
                    .push(async move { ledger.finish(task.id, session, Outcome::new(TaskState::Ok)).await });
            }
        }
        if renewed.elapsed() > Duration::from_secs(10) {
            ensure!(ledger.renew(session, &[]).await?.session_alive);
            renewed = Instant::now();
        }
        tokio::select! {
            Some(finished) = running.next() => {
                finished?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            woken = wakes.tasks.changed() => woken?,
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
    Ok(())
}

/// Every task is there and ended well, and was told of once at each step.
async fn check(place: &Place, tasks: usize) -> Result<()> {
    let mut raw = place.raw().await?;
    let there = raw
        .number("SELECT COUNT(*) FROM tasks WHERE state = 'ok'")
        .await?;
    let all = raw.number("SELECT COUNT(*) FROM tasks").await?;
    ensure!(
        usize::try_from(all)? == tasks && there == all,
        "{tasks} tasks were enqueued; {all} are there, {there} ended well"
    );
    let once = [
        EventType::TaskQueued,
        EventType::TaskStarted,
        EventType::TaskCompleted,
    ]
    .map(|kind| {
        format!(
            "SUM(CASE WHEN e.type = '{}' THEN 1 ELSE 0 END) <> 1",
            kind.as_str()
        )
    })
    .join(" OR ");
    let odd = raw
        .number(&format!(
            "SELECT COUNT(*) FROM (SELECT t.id FROM tasks t LEFT JOIN events e ON e.task = t.id
                GROUP BY t.id HAVING COUNT(*) <> 3 OR {once}) AS odd"
        ))
        .await?;
    ensure!(odd == 0, "{odd} tasks were not told of once at each step");
    Ok(())
}
