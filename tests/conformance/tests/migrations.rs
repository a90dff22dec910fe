//! Ledgers of older versions: a hub of today opens them, reads all that is in them, and goes on with it. What each version
//! left behind is in `migrations`: `0001.sql`, and in the files of later versions what those have besides.

#[path = "migrations/going_on.rs"]
mod going_on;
#[path = "migrations/reading.rs"]
mod reading;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use ironcore_conformance::clock::ManualClock;
use ironcore_ledger::{Clock, Database, Ledger, LedgerError, LedgerOptions, Postgres};
use ironcore_testkit::postgres::Cluster;
use ironcore_types::ErrorCode;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};

/// The version that has keys of requests.
const KEYED: i64 = 8;

/// A database, without a hub.
enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(String),
}

impl Place {
    fn sqlite() -> Result<Self> {
        Ok(Self::Sqlite(tempfile::tempdir()?))
    }

    fn postgres() -> Result<Self> {
        Ok(Self::Postgres(Cluster::shared()?.database()?))
    }

    fn file(folder: &tempfile::TempDir) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(folder.path().join("hub.db"))
            .create_if_missing(true)
    }

    /// Makes the tables as version `upto` had them.
    async fn migrate(&self, all: &Migrator, upto: i64) -> Result<()> {
        match self {
            Self::Sqlite(folder) => {
                let mut conn = SqliteConnection::connect_with(&Self::file(folder)).await?;
                all.run_to(upto, &mut conn).await?;
                conn.close().await?;
            }
            Self::Postgres(url) => {
                let mut conn = PgConnection::connect(url).await?;
                all.run_to(upto, &mut conn).await?;
                conn.close().await?;
            }
        }
        Ok(())
    }

    /// Runs statements in which `BYTES('…')` stands for bytes in hexadecimal.
    async fn run(&self, script: &str) -> Result<()> {
        match self {
            Self::Sqlite(folder) => {
                let script = with_bytes(script, |hex| format!("X'{hex}'"));
                let mut conn = SqliteConnection::connect_with(&Self::file(folder)).await?;
                sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut conn).await?;
                conn.close().await?;
            }
            Self::Postgres(url) => {
                let script = with_bytes(script, |hex| format!("CAST('\\x{hex}' AS BYTEA)"));
                let mut conn = PgConnection::connect(url).await?;
                sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut conn).await?;
                conn.close().await?;
            }
        }
        Ok(())
    }

    async fn open(&self, clock: &ManualClock) -> Result<Ledger, LedgerError> {
        let database = match self {
            Self::Sqlite(folder) => Database::Sqlite(folder.path().join("hub.db")),
            Self::Postgres(url) => Database::Postgres(Postgres::new(url)?.readers(4).clock(Clock::Seams)),
        };
        let options = LedgerOptions {
            database,
            node: "node-1".parse().map_err(|_| LedgerError::Closed)?,
            pid: 1,
            pstart: 2,
        };
        Ledger::open(options, clock.seams()).await
    }

    /// Puts into it what a hub of version `version` has.
    async fn fill(&self, version: i64) -> Result<()> {
        for step in 1..=version {
            let file = here().join(format!("tests/migrations/{step:04}.sql"));
            // Not every version has rows of its own.
            if file.exists() {
                self.run(&std::fs::read_to_string(file)?).await?;
            }
        }
        if let Self::Postgres(_) = self {
            // It gives these numbers itself.
            self.run(
                "UPDATE hub SET last_task = (SELECT MAX(id) FROM tasks), last_event = (SELECT MAX(seq) FROM events)",
            )
            .await?;
        }
        Ok(())
    }
}

/// Every `BYTES('…')` as a database writes it.
fn with_bytes(script: &str, written: impl Fn(&str) -> String) -> String {
    let mut parts = script.split("BYTES('");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (hex, rest) = part.split_once("')").unwrap_or((part, ""));
        whole.push_str(&written(hex));
        whole.push_str(rest);
    }
    whole
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

async fn migrations(database: &str) -> Result<Migrator> {
    let folder = here().join("../../core/ledger/migrations").join(database);
    Ok(Migrator::new(folder.as_path()).await?)
}

/// Every version's ledger, opened by a hub of today.
async fn every_version(all: &Migrator, place: fn() -> Result<Place>) -> Result<()> {
    let versions: Vec<i64> = all.iter().map(|migration| migration.version).collect();
    let expected: Vec<i64> = (1..).take(versions.len()).collect();
    ensure!(versions == expected, "{versions:?}");
    for version in versions {
        let checked = one_version(all, &place()?, version).await;
        checked.with_context(|| format!("a ledger of version {version}"))?;
    }
    Ok(())
}

async fn one_version(all: &Migrator, place: &Place, version: i64) -> Result<()> {
    place.migrate(all, version).await?;
    place.fill(version).await?;
    let clock = ManualClock::new();
    let ledger = place.open(&clock).await?;
    reading::all(&ledger, version).await?;
    going_on::with_tasks(&ledger, &clock).await?;
    going_on::with_messages(&ledger, &clock).await?;
    if version >= KEYED {
        going_on::with_keys(&ledger).await?;
    }
    ledger.close().await;
    // And again, now that it is one of today.
    place.open(&clock).await?.close().await;
    Ok(())
}

/// A hub that is older than the ledger leaves it alone, and says which of the two to change.
async fn a_newer_one_is_refused(all: &Migrator, place: &Place) -> Result<()> {
    let newest = all.iter().count();
    place.migrate(all, i64::try_from(newest)?).await?;
    place.fill(1).await?;
    place
        .run(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
        )
        .await?;
    let refused = place.open(&ManualClock::new()).await.err();
    let refused = refused.context("it was opened")?;
    ensure!(refused.code() == ErrorCode::LedgerUnavailable);
    let said = refused.to_string();
    ensure!(said.contains("newer version") && said.contains("9999"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ledgers_of_every_version_go_on_on_sqlite() -> Result<()> {
    every_version(&migrations("sqlite").await?, Place::sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ledgers_of_every_version_go_on_on_postgresql() -> Result<()> {
    every_version(&migrations("postgres").await?, Place::postgres).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_of_a_newer_version_is_refused_on_sqlite() -> Result<()> {
    a_newer_one_is_refused(&migrations("sqlite").await?, &Place::sqlite()?).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_of_a_newer_version_is_refused_on_postgresql() -> Result<()> {
    a_newer_one_is_refused(&migrations("postgres").await?, &Place::postgres()?).await
}

/// Both databases have the same versions: a copy of one is a ledger of the other.
#[tokio::test]
async fn both_databases_have_the_same_versions() -> Result<()> {
    let named = |all: &Migrator| {
        let names = all.iter();
        names
            .map(|migration| (migration.version, migration.description.to_string()))
            .collect::<Vec<_>>()
    };
    let (sqlite, postgres) = (migrations("sqlite").await?, migrations("postgres").await?);
    ensure!(named(&sqlite) == named(&postgres));
    Ok(())
}
