//! The verbs in SQL, written once for both databases: what differs between them is in `db` (the text of a few
//! statements) and in `sqlite` and `postgres` (how databases are opened and transactions begin and end).

mod audit;
mod backup;
mod bells;
mod claim;
mod conditions;
mod delivery;
mod elsewhere;
mod events;
mod factors;
mod fanout;
mod figures;
mod finish;
mod gather;
mod grants;
mod group;
mod idempotency;
mod inbox;
mod inbox_state;
mod incident_book;
mod incident_lists;
mod incidents;
mod lanes;
mod list;
mod logins;
mod logs;
mod messages;
mod notices;
mod objects;
mod outcomes;
mod ownership;
mod plugins;
mod queue;
mod rates;
mod removal;
mod reports;
mod schedule;
mod sessions;
mod setup;
mod silenced;
mod silences;
mod slots;
mod spans;
mod statistics;
mod supersede;
mod tally;
mod texts;
mod tokens;
mod tx;
mod users;
mod verification;
mod waiting;
mod watch;
mod writer;

pub(crate) use bells::{Bells, Woken};
pub(crate) use group::Backend;
pub(crate) use tx::{Begun, Numbers, Time};

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use ironcore_types::{HubId, Seams, Timestamp};
use tokio::task::JoinSet;

use self::delivery::Attempts;
use self::finish::Ends;
use self::gather::Gather;
use self::spans::Spans;
use self::tally::Counted;
use self::tx::{Context, Tx};
use self::writer::Writer;
use crate::db::{Conn, Readers, sql};
use crate::error::Result;
use crate::open::{Clock, Database, LedgerOptions, Wakes};
use crate::postgres::{self, Listener, Texts};
use crate::sqlite;

/// The ledger on its database.
#[derive(Debug)]
pub(crate) struct Sql {
    writer: Writer,
    /// Ends of tasks that wait for the writer.
    ends: Gather<Ends>,
    /// Ends of attempts, likewise.
    attempts_ended: Gather<Attempts>,
    /// The last claim of messages got all that it wanted: there is likely to be more.
    more_messages: AtomicBool,
    readers: Readers,
    bells: Arc<Bells>,
    /// What this process has committed.
    counted: Arc<Counted>,
    ctx: Arc<Context>,
    /// Where in the order of numbers the tasks of a time are.
    spans: Arc<Spans>,
    clock: Clock,
    /// No other process has the database.
    alone: bool,
    lock: Mutex<Option<sqlite::Lock>>,
    /// What goes on beside the verbs, as hearing from other hubs; ends with this.
    beside: Mutex<JoinSet<()>>,
}

/// A database that was opened.
pub(crate) struct Opened {
    /// The writer's own connection.
    pub(crate) conn: Conn,
    pub(crate) readers: Readers,
    pub(crate) hub: HubId,
    pub(crate) backend: Backend,
    /// What keeps other processes out, where that must be.
    pub(crate) lock: Option<sqlite::Lock>,
    pub(crate) listener: Option<Listener>,
    /// Writes what tasks are called, where that is not done by triggers.
    pub(crate) texts: Option<Texts>,
}

impl Sql {
    pub(crate) fn within_reach(&self) -> std::time::Duration {
        self.ctx.within_reach()
    }

    pub(crate) async fn open(options: LedgerOptions, seams: Seams) -> Result<Self> {
        let LedgerOptions {
            database,
            node,
            pid,
            pstart,
        } = options;
        let instance = seams.uuid();
        let (opened, clock) = match &database {
            Database::Sqlite(path) => (sqlite::open(path, &seams).await?, Clock::Seams),
            Database::Postgres(server) => {
                let name = format!("{node} {pid}");
                let opened = postgres::open(server, &name, instance, &seams).await?;
                (opened, server.clock)
            }
        };
        let ctx = Arc::new(Context {
            opened: seams.mark(),
            connected: Mutex::new(seams.moment()),
            seams,
            node,
            pid,
            pstart,
            hub: opened.hub,
            instance,
        });
        let bells = Arc::new(Bells::new());
        let counted = Arc::new(Counted::default());
        let mut beside = JoinSet::new();
        if let Some(listener) = opened.listener {
            beside.spawn(listener.run(bells.clone()));
        }
        if let Some(texts) = opened.texts {
            beside.spawn(texts.run(bells.clone()));
        }
        let spans = Arc::new(Spans::default());
        beside.spawn(spans::learn_at_once(spans.clone(), opened.readers.clone()));
        let tx = Tx::new(opened.conn, ctx.clone());
        let sql = Self {
            ends: Gather::default(),
            attempts_ended: Gather::default(),
            more_messages: AtomicBool::new(false),
            writer: Writer::start(tx, opened.backend, bells.clone(), counted.clone()),
            readers: opened.readers,
            bells,
            counted,
            ctx,
            spans,
            clock,
            alone: opened.lock.is_some(),
            lock: Mutex::new(opened.lock),
            beside: Mutex::new(beside),
        };
        sql.write(|tx| Box::pin(tx.count_loads())).await?;
        Ok(sql)
    }

    pub(crate) async fn close(&self) {
        self.beside
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .abort_all();
        self.readers.close().await;
        self.writer.close().await;
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    pub(crate) fn hub_id(&self) -> HubId {
        self.ctx.hub
    }

    pub(crate) fn wakes(&self) -> Wakes {
        self.bells.wakes()
    }

    /// Runs a verb that writes; see [`writer`] and [`group`].
    async fn write<T, F>(&self, verb: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        self.writer.run(true, verb).await
    }

    /// As [`write`](Self::write), for verbs that come often and refuse only before they write: without a savepoint of
    /// its own, which is one round trip of two or three. When such a verb fails while it writes, so does its group.
    async fn write_unguarded<T, F>(&self, verb: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        self.writer.run(false, verb).await
    }

    /// A connection that sees the last COMMIT.
    async fn reader(&self) -> Result<Conn> {
        self.readers.acquire().await
    }

    /// The time by which what is due is compared.
    async fn now(&self, conn: &mut Conn) -> Result<Timestamp> {
        match self.clock {
            Clock::Seams => Ok(self.ctx.seams.now()),
            Clock::Database => postgres::now(conn).await,
        }
    }

    /// The time by which leases are compared.
    async fn lease_time(&self, conn: &mut Conn) -> Result<Timestamp> {
        match self.clock {
            Clock::Seams => Ok(self.ctx.lease_time()),
            Clock::Database => postgres::now(conn).await,
        }
    }
}

/// The hub's id: made with the ledger.
pub(crate) async fn hub(conn: &mut Conn, seams: &Seams) -> Result<HubId> {
    sql("INSERT INTO hub (only_row, id, created) VALUES (1, $1, $2) ON CONFLICT DO NOTHING")
        .bind(seams.uuid().to_string())
        .bind(seams.now().as_micros())
        .execute(conn)
        .await?;
    sql("SELECT id FROM hub").fetch_one(conn).await?.word("id")
}
