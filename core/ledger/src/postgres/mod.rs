//! What is PostgreSQL's own: connecting, the version, the migrations, how transactions begin and end, and how hubs
//! wake one another.
//!
//! Any number of hubs share one database. **Writing**: each hub has one writer, and each of its transactions begins by
//! taking one advisory lock, so that of all hubs one writes at a time. It makes verbs that read, decide and write as
//! safe as on SQLite, and the order of `seq` the order of commits. A holder that stops (SIGSTOP, a cable pulled) is
//! thrown out by the server after [`IDLE`], and what it did is undone. **Time** is the server's, asked when a
//! transaction begins. **Wake-ups** go through `NOTIFY`, sent by COMMIT itself. **Nothing is concluded from opening**:
//! what a hub that died held is given back when its leases run out.

mod listener;
mod texts;
pub(crate) mod transaction;

pub(crate) use listener::Listener;
pub(crate) use texts::Texts;

use std::io;
use std::time::Duration;

use ironcore_types::{Seams, Timestamp};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use uuid::Uuid;

use self::transaction::Link;
use crate::db::{Conn, Readers};
use crate::error::{LedgerError, Result};
use crate::open::Postgres;
use crate::sql::{Backend, Opened, hub};

const OLDEST: i64 = 140_000;
const OLDEST_TEXT: &str = "14";
/// Statements that stay prepared; lists with filters have many forms, the rest of this crate has few.
const STATEMENTS: usize = 512;
/// How long a connection may take to come about, or to become free.
const CONNECT: Duration = Duration::from_secs(10);
/// After which the server ends a transaction whose hub says nothing.
const IDLE: &str = "5s";
/// How long the writers of other hubs may take before verbs are refused.
const LOCK: &str = "20s";
/// How long one statement may take.
const STATEMENT: &str = "60s";

/// How the writer's statements are run. Each finds few rows by an index. A plan that is made while a table is young and
/// small would read all of it instead, and goes on doing so when it has grown; and only plain scans of an index mark
/// what is dead in it, which a queue is full of.
const WRITING: [(&str, &str); 5] = [
    ("synchronous_commit", "on"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

/// The server's clock, in microseconds.
const NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Opens the database, making or migrating its tables.
pub(crate) async fn open(database: &Postgres, name: &str, instance: Uuid, seams: &Seams) -> Result<Opened> {
    let plain = PgConnectOptions::clone(&database.connect)
        .application_name(&format!("ironcore-backup {name}"))
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    prepare(&plain).await?.close().await?;
    let bounded = plain.clone().options([
        ("idle_in_transaction_session_timeout", IDLE),
        ("lock_timeout", LOCK),
        ("statement_timeout", STATEMENT),
        // Compiling a plan takes longer than any of ours.
        ("jit", "off"),
    ]);
    let writing = bounded.clone().options(WRITING);
    let texts = Texts::new(bounded.clone());
    // What is listed is in the order of an index, newest first, and few are wanted: going along it finds them at once.
    // The server takes time for independent of numbers, expects none, and would gather all.
    let reading = bounded.options([
        ("default_transaction_read_only", "on"),
        ("enable_bitmapscan", "off"),
    ]);
    let mut conn = Conn::postgres(connect(&writing).await?);
    let hub = hub(&mut conn, seams).await?;
    // What writers left that have been gone for a day.
    conn.batch(format!("DELETE FROM writers WHERE at < {NOW} - 86400000000"))
        .await?;
    let readers = PgPoolOptions::new()
        .max_connections(database.readers)
        .acquire_timeout(CONNECT)
        .connect_with(reading)
        .await?;
    let channel = format!("ironcore_{}", hub.0.simple());
    let link = Link {
        connect: writing,
        lock: lock_of(hub.0),
        channel: channel.clone(),
        instance,
        clock: database.clock,
    };
    Ok(Opened {
        conn,
        readers: Readers::Postgres(readers),
        hub,
        backend: Backend::Postgres(Box::new(link)),
        lock: None,
        listener: Some(Listener::start(plain, channel, instance).await?),
        texts: Some(texts),
    })
}

/// Connects to a server that is good enough, and makes the tables or brings them up to date.
pub(crate) async fn prepare(options: &PgConnectOptions) -> Result<PgConnection> {
    let mut conn = connect(options).await?;
    check(&mut conn).await?;
    // Hubs that start at once wait for each other here: `run_direct` takes an advisory lock.
    MIGRATIONS.run_direct(None, &mut conn, false).await?;
    Ok(conn)
}

/// Connects, within bounds.
async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    tokio::time::timeout(CONNECT, options.connect())
        .await
        .unwrap_or_else(|_| {
            let message = format!("no connection within {} s", CONNECT.as_secs());
            Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, message)))
        })
}

/// What the server's clock shows.
pub(crate) async fn now(conn: &mut Conn) -> Result<Timestamp> {
    let row = conn.batch(format!("SELECT {NOW} AS now")).await?;
    row.ok_or_else(|| LedgerError::from(sqlx::Error::RowNotFound))?
        .time("now")
}

/// Of the hub's id, so that ledgers that share a database do not wait for each other.
fn lock_of(hub: Uuid) -> i64 {
    let (high, low) = hub.as_u64_pair();
    (high ^ low).cast_signed()
}

async fn check(conn: &mut PgConnection) -> Result<()> {
    let (number, found, encoding): (String, String, String) = sqlx::query_as(
        "SELECT current_setting('server_version_num'), current_setting('server_version'),
            current_setting('server_encoding')",
    )
    .fetch_one(conn)
    .await?;
    if number.parse().is_ok_and(|number: i64| number < OLDEST) {
        return Err(LedgerError::Version {
            product: "PostgreSQL",
            found,
            wanted: OLDEST_TEXT,
        });
    }
    if encoding != "UTF8" {
        return Err(LedgerError::config(format!(
            "the database's encoding is {encoding}; UTF8 is needed"
        )));
    }
    Ok(())
}
