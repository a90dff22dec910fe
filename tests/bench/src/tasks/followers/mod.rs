//! From a log line written to a follower that has it, through the API's event streams over HTTP.
//!
//! On PostgreSQL the streams come from a real hub's process, and this one is the worker that writes, as a further
//! process on the same database. On SQLite one process has the database: this one writes and serves the API. Lines are
//! carried every 200 ms, as workers do; a line counts from when it was written, not from when it was carried.

mod read;
mod serve;
mod write;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ironcore_ledger::Ledger;
use ironcore_ledger::model::{NewTask, Task};
use ironcore_testkit::hub::TestHub;
use ironcore_types::{Seams, SessionId, TaskSpec, TaskType};
use serde_json::json;
use tokio::task::JoinSet;

use self::read::Delays;
use crate::machine;
use crate::place::{Place, declare, user, worker};
use crate::report::{Bound, Figure};

/// What is written and followed.
#[derive(Debug, Clone, Copy)]
struct Extent {
    followers: usize,
    /// Logs written at once; followers and lines are spread over them.
    logs: usize,
    lines_per_second: usize,
    lasts: Duration,
}

/// Where streams are read.
struct Front {
    url: String,
    token: String,
}

pub(super) async fn followers(short: bool) -> Result<Vec<Figure>> {
    let full = Extent {
        followers: 100,
        logs: 1,
        lines_per_second: 2_000,
        lasts: Duration::from_secs(20),
    };
    let extents = if short {
        vec![Extent {
            followers: 10,
            logs: 2,
            lines_per_second: 200,
            lasts: Duration::from_secs(2),
        }]
    } else {
        vec![full, Extent { logs: 20, ..full }]
    };
    let mut figures = Vec::new();
    for extent in extents {
        figures.push(on_sqlite(extent).await?);
        figures.push(on_postgres(extent).await?);
    }
    Ok(figures)
}

async fn on_sqlite(extent: Extent) -> Result<Figure> {
    let place = Place::sqlite()?;
    let seams = machine::seams();
    let ledger = place.open("hub-0", &seams).await?;
    let served = serve::Served::start(&ledger, &seams).await?;
    let delays = follow(&ledger, &seams, &served.front, extent).await?;
    served.stop().await?;
    ledger.close().await;
    figure(delays, extent, "SQLite")
}

async fn on_postgres(extent: Extent) -> Result<Figure> {
    let place = Place::postgres()?;
    let Place::Postgres { url, .. } = &place else {
        unreachable!("it was made as one")
    };
    let config = format!("database = \"{url}\"\nroles = [\"api\", \"scheduler\", \"notify\"]\n");
    let hub = tokio::task::spawn_blocking(move || TestHub::start(&config)).await??;
    let seams = machine::seams();
    let ledger = place.open("worker", &seams).await?;
    let front = Front {
        url: hub.url()?,
        token: std::fs::read_to_string(hub.token_file())?.trim().to_owned(),
    };
    let delays = follow(&ledger, &seams, &front, extent).await?;
    ledger.close().await;
    drop(hub);
    figure(delays, extent, "PostgreSQL")
}

fn figure(delays: Delays, extent: Extent, database: &str) -> Result<Figure> {
    let Extent {
        followers,
        logs,
        lines_per_second,
        lasts,
    } = extent;
    let lines = lines_per_second * usize::try_from(lasts.as_secs())?;
    // The last line of each log says how its task ended.
    let wanted = (lines / logs + 1) * followers;
    ensure!(
        delays.count() == wanted,
        "{wanted} lines were to be seen, {} were",
        delays.count()
    );
    let of = if logs == 1 {
        "one log".to_owned()
    } else {
        format!("{logs} logs")
    };
    let measure = format!(
        "line written → seen p99, {lines_per_second} lines/s in {of}, {followers} followers, {database}"
    );
    Ok(
        Figure::new(measure, delays.quantile(0.99), "ms", Bound::Most(500.0)).note(format!(
            "half within {:.0} ms, all within {:.0} ms, over {} s",
            delays.quantile(0.5),
            delays.quantile(1.0),
            lasts.as_secs()
        )),
    )
}

/// Writes and follows; how long each line took to each follower of its log.
async fn follow(ledger: &Ledger, seams: &Seams, front: &Front, extent: Extent) -> Result<Delays> {
    let (session, tasks) = begin(ledger, seams, extent.logs).await?;
    let begun = Arc::new(tokio::sync::Barrier::new(extent.followers + 1));
    let mut readers = JoinSet::new();
    for number in 0..extent.followers {
        let upid = tasks[number % tasks.len()].upid.to_string();
        readers.spawn(read::read(
            front.url.clone(),
            front.token.clone(),
            upid,
            seams.clone(),
            Arc::clone(&begun),
        ));
    }
    begun.wait().await;
    write::write(ledger, session, &tasks, seams, extent).await?;
    let mut all = Delays::default();
    while let Some(delays) = readers.join_next().await {
        all.add(&delays.context("a follower")??);
    }
    Ok(all)
}

/// Tasks that run, as many as logs are wanted.
async fn begin(ledger: &Ledger, seams: &Seams, logs: usize) -> Result<(SessionId, Vec<Task>)> {
    declare(
        ledger,
        json!({
            "project": [{ "name": "office" }],
            "datastore": [{ "name": "ibs-primary", "path": "/srv/primary", "projects": ["office"] }],
        }),
    )
    .await?;
    let count = u32::try_from(logs)?;
    let session = worker(ledger, seams, count).await?;
    for number in 0..logs {
        let spec: TaskSpec = serde_json::from_value(json!({
            "type": "backup", "source": { "tree": "/srv/tree" },
            "datastore": "ibs-primary", "backup-id": format!("host-{number}"),
        }))?;
        ledger
            .enqueue(NewTask::new(Some("office".parse()?), user()?, spec))
            .await?;
    }
    let tasks = ledger.claim(session, TaskType::ALL, count).await?;
    ensure!(tasks.len() == logs, "{} of {logs} tasks run", tasks.len());
    Ok((session, tasks))
}
