//! What is SQLite's own: opening a file, keeping other processes out, the version, the migrations, how a transaction
//! begins.
//!
//! Locks: `PATH.lock` (flock, held while open) keeps a second process out; within SQLite the writer alone begins
//! write transactions; readers see the last COMMIT (WAL) and never wait.

pub(crate) mod transaction;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ironcore_types::Seams;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::db::{Conn, Readers};
use crate::error::{LedgerError, Result};
use crate::sql::{Backend, Opened, hub};

/// Earlier versions can lose data when the write-ahead log is reset.
const OLDEST: (u32, u32, u32) = (3, 51, 3);
const OLDEST_TEXT: &str = "3.51.3";
const READERS: u32 = 4;
/// Only another program that looks into the file can be in the way, and not for long.
const BUSY: Duration = Duration::from_secs(10);
/// Pages that the writer keeps at hand, KiB: those of the indexes of a large queue, of which each claim changes many.
const WRITER_CACHE: &str = "-16384";
/// Pages in the write-ahead log before they are moved into the file, 32 MiB: those of busy indexes change many times
/// before that, and are moved once.
const WAL_PAGES: &str = "8000";
/// All statements of this crate stay prepared.
const STATEMENTS: usize = 512;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Opens the file, making or migrating it.
pub(crate) async fn open(path: &Path, seams: &Seams) -> Result<Opened> {
    let lock = lock(path)?;
    let connect = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    let mut conn = connect
        .clone()
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", WAL_PAGES)
        .connect()
        .await?;
    check_version(&mut conn).await?;
    migrate(&mut conn).await?;
    let mut conn = Conn::Sqlite(conn);
    let hub = hub(&mut conn, seams).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .min_connections(1)
        .connect_with(connect.create_if_missing(false).read_only(true))
        .await?;
    Ok(Opened {
        conn,
        readers: Readers::Sqlite(readers),
        hub,
        backend: Backend::Sqlite,
        lock: Some(lock),
        listener: None,
        texts: None,
    })
}

/// Makes the tables, or brings them up to date.
pub(crate) async fn migrate(conn: &mut SqliteConnection) -> Result<()> {
    // `run` is generic over where the connection comes from, which keeps its future from moving between threads.
    Ok(MIGRATIONS.run_direct(None, conn, false).await?)
}

/// The file beside the database that only one process can hold.
fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Keeps other processes out. Let go by a word of its own, for a program that this process is just starting has the file
/// open, too, for a moment.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock of a ledger could not be let go");
        }
    }
}

fn lock(path: &Path) -> Result<Lock> {
    let lock_path = lock_path(path);
    let failed = |source| LedgerError::Io {
        path: lock_path.clone(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(LedgerError::Locked(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

async fn check_version(conn: &mut SqliteConnection) -> Result<()> {
    let found: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(conn)
        .await?;
    let mut parts = found.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    if (part(), part(), part()) < OLDEST {
        return Err(LedgerError::Version {
            product: "SQLite",
            found,
            wanted: OLDEST_TEXT,
        });
    }
    Ok(())
}
