//! What only a shared database can get wrong, and must not: several hubs at once, hubs that stop, a server that
//! crashes.

mod copies;
mod outages;
mod races;
mod sharing;
mod tls;

use anyhow::{Context as _, Result};
use ironcore_conformance::clock::ManualClock;
use ironcore_conformance::ledger::{backup, demo, user};
use ironcore_ledger::model::{NewSession, NewTask, Service};
use ironcore_ledger::{Clock, Database, Ledger, LedgerError, LedgerOptions, Postgres};
use ironcore_types::objects::Document;
use ironcore_types::{SessionId, TaskType};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

/// A hub on the database at `url`.
async fn hub(url: &str, node: &str, clock: &ManualClock, of: Clock) -> Result<Ledger, LedgerError> {
    let options = LedgerOptions {
        database: Database::Postgres(Postgres::new(url)?.readers(4).clock(of)),
        node: node.parse().map_err(|_| LedgerError::Closed)?,
        pid: 1,
        pstart: 2,
    };
    Ledger::open(options, clock.seams()).await
}

async fn declare(ledger: &Ledger) -> Result<()> {
    let document: Document = serde_json::from_value(serde_json::json!({
        "project": [{ "name": "demo" }], "datastore": [{ "name": "ibs-primary", "path": "/srv/primary", "projects": ["demo"] }],
    }))?;
    ledger.apply(&document, &user()?).await?;
    Ok(())
}

fn task() -> Result<NewTask> {
    Ok(NewTask::new(Some(demo()?), user()?, backup()?))
}

async fn worker(ledger: &Ledger, clock: &ManualClock) -> Result<SessionId> {
    let id = SessionId(clock.seams().uuid());
    let new = NewSession {
        id,
        node: "node-1".parse()?,
        pid: 7,
        services: vec![Service::Worker],
        types: TaskType::ALL.to_vec(),
        slots: 10,
        keys: Vec::new(),
    };
    ledger.register_session(new).await?;
    Ok(id)
}

/// A connection of nobody's.
async fn raw(url: &str) -> Result<PgConnection> {
    PgConnection::connect(url).await.context("a connection")
}

/// Numbers and events have no gaps: the last of each, and how many there are.
async fn no_gaps(url: &str) -> Result<()> {
    let (tasks, events): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT COALESCE(MAX(id), 0) - COUNT(*) FROM tasks), (SELECT COALESCE(MAX(seq), 0) - COUNT(*) FROM events)",
    )
    .fetch_one(&mut raw(url).await?)
    .await?;
    anyhow::ensure!(
        (tasks, events) == (0, 0),
        "gaps: {tasks} among tasks, {events} among events"
    );
    Ok(())
}
