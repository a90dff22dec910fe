//! What only a database in files can lose, and must not: crashes, locks, acknowledgements.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use futures::StreamExt as _;
use ironcore_conformance::clock::ManualClock;
use ironcore_ledger::model::{NewSession, NewTask, Outcome, Scope, Service};
use ironcore_ledger::{Database, Ledger, LedgerError, LedgerOptions};
use ironcore_types::objects::Document;
use ironcore_types::{ErrorCode, EventType, SessionId, TaskSpec, TaskState, TaskType, Upid, UserId};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::sync::Mutex;

const CHILD: &str = "CONFORMANCE_CHILD_DATABASE";

/// A process that is being started has, until it becomes another program, all that this one has open: the lock of a
/// database too, whoever gave it back here. Whoever opens a database again holds this meanwhile, and whoever starts one.
static STARTING: Mutex<()> = Mutex::const_new(());

async fn open(path: &Path, clock: &ManualClock) -> Result<Ledger, LedgerError> {
    let node = "node-1".parse().map_err(|_| LedgerError::Closed)?;
    Ledger::open(
        LedgerOptions {
            database: Database::Sqlite(path.to_owned()),
            node,
            pid: 1,
            pstart: 2,
        },
        clock.seams(),
    )
    .await
}

async fn declare(ledger: &Ledger) -> Result<()> {
    let document: Document = serde_json::from_value(serde_json::json!({
        "project": [{ "name": "demo" }], "datastore": [{ "name": "ibs-primary", "path": "/srv/primary", "projects": ["demo"] }],
    }))?;
    ledger.apply(&document, &"ops@hub".parse()?).await?;
    Ok(())
}

fn gc() -> Result<NewTask> {
    let spec: TaskSpec =
        serde_json::from_value(serde_json::json!({ "type": "gc", "datastore": "ibs-primary" }))?;
    Ok(NewTask::new(
        Some("demo".parse()?),
        "ops@hub".parse::<UserId>()?,
        spec,
    ))
}

async fn raw(path: &Path) -> Result<SqliteConnection> {
    Ok(SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path).read_only(true)).await?)
}

async fn intact(path: &Path) -> Result<()> {
    let found: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut raw(path).await?)
        .await?;
    ensure!(found == "ok", "{found}");
    let dangling = sqlx::query("PRAGMA foreign_key_check")
        .fetch_all(&mut raw(path).await?)
        .await?;
    ensure!(dangling.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_without_close_nothing_is_lost() -> Result<()> {
    let _nobody = STARTING.lock().await;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hub.db");
    let clock = ManualClock::new();
    let ledger = open(&path, &clock).await?;
    declare(&ledger).await?;
    let hub = ledger.hub_id();
    let session = SessionId(clock.seams().uuid());
    let new = NewSession {
        id: session,
        node: "node-1".parse()?,
        pid: 1,
        services: vec![Service::Worker],
        types: TaskType::ALL.to_vec(),
        slots: 10,
        keys: Vec::new(),
    };
    ledger.register_session(new.clone()).await?;
    let queued = ledger.enqueue(gc()?).await?;
    let running = ledger.claim(session, TaskType::ALL, 1).await?;
    let waiting = ledger.enqueue(gc()?).await?;
    drop(ledger);
    let ledger = open(&path, &clock).await?;
    ensure!(ledger.hub_id() == hub, "the hub stays itself");
    ensure!(ledger.task(&queued.upid).await?.as_ref() == running.first());
    ensure!(
        ledger.recover().await? == [queued.id],
        "the lock proves that its worker is gone"
    );
    ensure!(ledger.recover().await?.is_empty());
    let lost = ledger.task(&queued.upid).await?.context("the task")?;
    ensure!(lost.state == TaskState::Failed && lost.error.map(|e| e.code) == Some(ErrorCode::WorkerLost));
    let session = SessionId(clock.seams().uuid());
    ledger.register_session(NewSession { id: session, ..new }).await?;
    let claimed = ledger.claim(session, TaskType::ALL, 10).await?;
    ensure!(claimed.len() == 1 && claimed[0].upid == waiting.upid);
    ensure!(ledger.recover().await?.is_empty(), "its own sessions live");
    ledger
        .finish(claimed[0].id, session, Outcome::new(TaskState::Ok))
        .await?;
    ledger.close().await;
    ensure!(matches!(ledger.last_seq().await, Err(LedgerError::Closed)));
    ensure!(matches!(ledger.enqueue(gc()?).await, Err(LedgerError::Closed)));
    intact(&path).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_opener_is_refused() -> Result<()> {
    let _nobody = STARTING.lock().await;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hub.db");
    let clock = ManualClock::new();
    let ledger = open(&path, &clock).await?;
    let error = open(&path, &clock).await.err().context("it is in use")?;
    ensure!(
        error.code() == ErrorCode::LedgerLocked && error.to_string().contains("hub.db"),
        "{error}"
    );
    ledger.close().await;
    open(&path, &clock).await?.close().await;
    let error = open(&folder.path().join("no/such/hub.db"), &clock)
        .await
        .err()
        .context("no folder")?;
    ensure!(error.code() == ErrorCode::LedgerUnavailable, "{error}");
    std::fs::File::create(folder.path().join("text.db"))?.write_all(&[b'x'; 4_096])?;
    let error = open(&folder.path().join("text.db"), &clock)
        .await
        .err()
        .context("no database")?;
    ensure!(error.code() == ErrorCode::LedgerUnavailable, "{error}");
    Ok(())
}

/// Many verbs share a COMMIT; whoever has an answer finds its row through another connection, which sees nothing
/// that is not committed.
#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_means_committed() -> Result<()> {
    let _nobody = STARTING.lock().await;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hub.db");
    let clock = ManualClock::new();
    let ledger = open(&path, &clock).await?;
    declare(&ledger).await?;
    let mut other = raw(&path).await?;
    let mut answers: futures::stream::FuturesUnordered<_> = (0..300)
        .map(|at| {
            let ledger = ledger.clone();
            // Every third is refused: it must not take its group with it.
            let project = if at % 3 == 0 { "no-such" } else { "demo" };
            async move {
                ledger
                    .enqueue(NewTask {
                        project: Some(project.parse()?),
                        ..gc()?
                    })
                    .await
                    .map_err(anyhow::Error::from)
            }
        })
        .collect();
    let (mut kept, mut refused) = (0, 0);
    while let Some(answer) = answers.next().await {
        let Ok(task) = answer else {
            refused += 1;
            continue;
        };
        kept += 1;
        let (tasks, events): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM tasks WHERE id = ?1), (SELECT COUNT(*) FROM events WHERE task = ?1)",
        )
        .bind(task.id.0)
        .fetch_one(&mut other)
        .await?;
        ensure!(
            (tasks, events) == (1, 1),
            "task {} was acknowledged before COMMIT",
            task.id
        );
    }
    ensure!((kept, refused) == (200, 100));
    let tasks: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM tasks")
        .fetch_one(&mut other)
        .await?;
    ensure!(tasks == 200, "what was refused left nothing");
    let gaps: i64 = sqlx::query_scalar("SELECT MAX(seq) - COUNT(*) FROM events")
        .fetch_one(&mut other)
        .await?;
    ensure!(gaps == 0, "seq has no gaps");
    Ok(())
}

/// Not a test by itself: the child that the next test kills. Prints each acknowledged UPID.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by killed_in_the_middle_of_enqueues"]
async fn child_that_enqueues() -> Result<()> {
    let Some(path) = std::env::var_os(CHILD) else {
        return Ok(());
    };
    let clock = ManualClock::new();
    let ledger = open(Path::new(&path), &clock).await?;
    loop {
        for task in futures::future::try_join_all(
            (0..8).map(async |_| ledger.enqueue(gc()?).await.map_err(anyhow::Error::from)),
        )
        .await?
        {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{}", task.upid)?;
            out.flush()?;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_enqueues() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hub.db");
    let clock = ManualClock::new();
    let ledger = open(&path, &clock).await?;
    declare(&ledger).await?;
    ledger.close().await;
    let mut acknowledged: HashSet<Upid> = HashSet::new();
    for round in 0..3_usize {
        let nobody = STARTING.lock().await;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--exact", "child_that_enqueues", "--ignored", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()?;
        drop(nobody);
        let output = BufReader::new(child.stdout.take().context("its output")?);
        let mut seen = 0_usize;
        // What was printed before the kill is read to its end: the pipe outlives the child.
        for line in output.lines() {
            let line = line?;
            if let Ok(upid) = line.parse() {
                acknowledged.insert(upid);
                seen += 1;
                if seen == 40 * (round + 1) {
                    child.kill()?;
                }
            }
        }
        child.wait()?;
        ensure!(seen >= 40 * (round + 1), "the child ended by itself after {seen}");
    }
    let ledger = open(&path, &clock).await?;
    for upid in &acknowledged {
        let task = ledger
            .task(upid)
            .await?
            .with_context(|| format!("{upid} was acknowledged and is lost"))?;
        let told: Vec<_> = ledger
            .events_of_task(task.id)
            .await?
            .into_iter()
            .map(|e| e.event.event_type)
            .collect();
        ensure!(told == [EventType::TaskQueued], "{upid}: {told:?}");
    }
    // And nothing half done: every event has its task, every task its event.
    let mut other = raw(&path).await?;
    let (tasks, events): (i64, i64) =
        sqlx::query_as("SELECT (SELECT COUNT(*) FROM tasks), (SELECT COUNT(DISTINCT task) FROM events)")
            .fetch_one(&mut other)
            .await?;
    ensure!(tasks == events && usize::try_from(tasks)? >= acknowledged.len());
    let last = ledger
        .events_after(ledger.last_seq().await? - 1, 10, &Scope::All)
        .await?;
    ensure!(last.len() == 1);
    ledger.close().await;
    intact(&path).await
}
