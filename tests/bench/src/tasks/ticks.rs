//! Ten thousand jobs that are due in the same second: the real scheduler, by this machine's clock.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use ironcore_engine::{Scheduler, SchedulerOptions};
use ironcore_types::Timestamp;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::machine;
use crate::place::{Place, declare};
use crate::report::{Bound, Figure, millis, quantile};

/// Projects that the jobs are spread over.
const PROJECTS: usize = 40;
/// How long after the due time the measure is given up.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn ticks(place: &Place, short: bool) -> Result<Vec<Figure>> {
    let jobs: usize = if short { 400 } else { 10_000 };
    let seams = machine::seams();
    let ledger = place.open("hub-0", &seams).await?;
    let projects: Vec<String> = (0..PROJECTS).map(|number| format!("project-{number}")).collect();
    declare(
        &ledger,
        json!({
            "project": projects.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
            "datastore": [{ "name": "ibs-primary", "path": "/srv/primary", "projects": projects }],
        }),
    )
    .await?;
    // Declared for a time far away, then moved to the time that comes once all is written.
    let declared = Instant::now();
    apply(&ledger, &projects, jobs, "Mon 04:30:00").await?;
    let lead = declared.elapsed() * 2 + Duration::from_secs(if short { 2 } else { 5 });
    let due = Timestamp::from_seconds(seams.now().after(lead).as_seconds());
    let of_day = due.as_seconds().rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    apply(
        &ledger,
        &projects,
        jobs,
        &format!("{hour:02}:{minute:02}:{second:02}"),
    )
    .await?;
    ensure!(seams.now() < due, "declaring {jobs} jobs took too long");

    let stop = CancellationToken::new();
    let scheduler = Scheduler::new(ledger.clone(), seams.clone(), SchedulerOptions::default());
    let mut running = JoinSet::new();
    running.spawn(scheduler.run(stop.clone()));
    let mut raw = place.raw().await?;
    let deadline = due.after(PATIENCE);
    loop {
        let fired = raw.number("SELECT COUNT(*) FROM tasks").await?;
        if usize::try_from(fired)? >= jobs || seams.now() > deadline {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stop.cancel();
    while running.join_next().await.is_some() {}

    let micros = due.as_micros();
    let right = raw
        .number(&format!(
            "SELECT COUNT(*) FROM (SELECT project, job FROM tasks WHERE scheduled_for = {micros}
                GROUP BY project, job HAVING COUNT(*) = 1) AS once"
        ))
        .await?;
    let all = raw.number("SELECT COUNT(*) FROM tasks").await?;
    ensure!(
        usize::try_from(right)? == jobs && right == all,
        "{jobs} jobs were due; {right} were enqueued once, {all} tasks are there"
    );
    let mut late = Vec::new();
    let numbers = raw
        .numbers(&format!(
            "SELECT queued - scheduled_for FROM tasks WHERE scheduled_for = {micros}"
        ))
        .await?;
    for micros in numbers {
        late.push(Duration::from_micros(u64::try_from(micros)?));
    }
    ledger.close().await;
    let p99 = quantile(&mut late, 0.99);
    let last = quantile(&mut late, 1.0);
    let name = place.name();
    Ok(vec![
        Figure::new(
            format!("lateness p99, {jobs} jobs due at once, {name}"),
            millis(p99),
            "ms",
            Bound::Most(2_000.0),
        )
        .note(format!(
            "all enqueued once; the last after {:.0} ms",
            millis(last)
        )),
    ])
}

async fn apply(
    ledger: &ironcore_ledger::Ledger,
    projects: &[String],
    jobs: usize,
    schedule: &str,
) -> Result<()> {
    let all: Vec<usize> = (0..jobs).collect();
    for part in all.chunks(1_000) {
        let jobs: Vec<_> = part
            .iter()
            .map(|number| {
                json!({
                    "project": projects[number % projects.len()], "name": format!("job-{number}"),
                    "owner": "owner@bench", "schedule": schedule,
                    "task": {
                        "type": "backup", "source": { "tree": format!("/srv/tree-{number}") },
                        "datastore": "ibs-primary", "backup-id": format!("host-{number}"),
                    },
                })
            })
            .collect();
        declare(ledger, json!({ "job": jobs })).await?;
    }
    Ok(())
}
