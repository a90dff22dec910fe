//! The ledger on SQLite: one file, one process, one writer, a few readers. Another backend stands beside this folder
//! and knows nothing of it.
//!
//! Locks: `PATH.lock` (flock, held while open) keeps a second process out; within SQLite the writer alone begins
//! write transactions; readers see the last COMMIT (WAL) and never wait.

mod columns;
mod delivery;
mod events;
mod fanout;
mod finish;
mod inbox;
mod lanes;
mod list;
mod logs;
mod messages;
mod objects;
mod ownership;
mod plugins;
mod queue;
mod removal;
mod schedule;
mod sessions;
mod tokens;
mod tx;
mod verification;
mod writer;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use ironcore_types::{HubId, Seams};
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};

use self::columns::Columns;
use self::tx::{Context, Tx, Woken};
use self::writer::{Bells, Writer};
use crate::error::{LedgerError, Result};
use crate::open::{LedgerOptions, Wakes};

/// Earlier versions can lose data when the write-ahead log is reset.
const OLDEST: (u32, u32, u32) = (3, 51, 3);
const OLDEST_TEXT: &str = "3.51.3";
const READERS: u32 = 4;
/// Only another program that looks into the file can be in the way, and not for long.
const BUSY: Duration = Duration::from_secs(10);
/// All statements of this crate stay prepared.
const STATEMENTS: usize = 512;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The ledger on SQLite.
#[derive(Debug)]
pub(crate) struct Sqlite {
    writer: Writer,
    readers: SqlitePool,
    bells: Arc<Bells>,
    ctx: Arc<Context>,
    lock: Mutex<Option<File>>,
}

impl Sqlite {
    pub(crate) async fn open(options: LedgerOptions, seams: Seams) -> Result<Self> {
        let lock = lock(&options.path)?;
        let connect = SqliteConnectOptions::new()
            .filename(&options.path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .statement_cache_capacity(STATEMENTS)
            .disable_statement_logging();
        let mut conn = connect.clone().connect().await?;
        check_version(&mut conn).await?;
        // `run` is generic over where the connection comes from, which keeps its future from moving between threads.
        MIGRATIONS.run_direct(None, &mut conn, false).await?;
        let hub = hub(&mut conn, &seams).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(1)
            .connect_with(connect.create_if_missing(false).read_only(true))
            .await?;
        let instance = seams.uuid();
        let LedgerOptions {
            node, pid, pstart, ..
        } = options;
        let now = seams.now();
        let ctx = Arc::new(Context {
            seams,
            node,
            pid,
            pstart,
            hub,
            instance,
        });
        let bells = Arc::new(Bells::new());
        let tx = Tx {
            conn,
            ctx: ctx.clone(),
            now,
            woken: Woken::default(),
        };
        let writer = Writer::start(tx, bells.clone());
        Ok(Self {
            writer,
            readers,
            bells,
            ctx,
            lock: Mutex::new(Some(lock)),
        })
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    pub(crate) fn hub_id(&self) -> HubId {
        self.ctx.hub
    }

    pub(crate) fn wakes(&self) -> Wakes {
        Wakes {
            tasks: self.bells.tasks.subscribe(),
            events: self.bells.events.subscribe(),
            messages: self.bells.messages.subscribe(),
            logs: self.bells.logs.subscribe(),
            objects: self.bells.objects.subscribe(),
        }
    }

    /// Runs a verb that writes; see [`writer`].
    async fn write<T, F>(&self, verb: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        self.writer.run(verb).await
    }

    /// A connection that sees the last COMMIT.
    async fn reader(&self) -> Result<PoolConnection<sqlx::Sqlite>> {
        Ok(self.readers.acquire().await?)
    }
}

/// The file beside the database that only one process can hold.
fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn lock(path: &Path) -> Result<File> {
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
        Ok(()) => Ok(file),
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
            found,
            wanted: OLDEST_TEXT,
        });
    }
    Ok(())
}

/// The hub's id: made with the ledger.
async fn hub(conn: &mut SqliteConnection, seams: &Seams) -> Result<HubId> {
    sqlx::query("INSERT INTO hub (only_row, id, created) VALUES (1, ?, ?) ON CONFLICT DO NOTHING")
        .bind(seams.uuid().to_string())
        .bind(seams.now().as_micros())
        .execute(&mut *conn)
        .await?;
    sqlx::query("SELECT id FROM hub")
        .fetch_one(conn)
        .await?
        .word("id")
}
