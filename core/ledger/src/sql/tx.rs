//! What a verb that writes has in its hands: the one writing connection inside a savepoint, and what it woke, told
//! and numbered.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ironcore_types::{HubId, Mark, Moment, NodeName, Seams, TaskId, Timestamp};
use uuid::Uuid;

use super::bells::Woken;
use super::queue::{Known, TaskRow};
use super::slots::Changes;
use super::statistics::StatisticsRow;
use super::tally::Noted;
use crate::LEASE;
use crate::db::Conn;
use crate::error::Result;
use crate::model::SeqEvent;

/// What every verb knows of its ledger.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) seams: Seams,
    pub(crate) node: NodeName,
    pub(crate) pid: u32,
    pub(crate) pstart: u64,
    pub(crate) hub: HubId,
    /// This opening of the database.
    pub(crate) instance: Uuid,
    /// When it was opened.
    pub(crate) opened: Mark,
    /// When the writer's connection was made that it has now.
    pub(crate) connected: Mutex<Moment>,
}

impl Context {
    pub(crate) fn has_connected(&self) {
        *self.connected.lock().unwrap_or_else(PoisonError::into_inner) = self.seams.moment();
    }

    /// How long the database has been within reach.
    pub(crate) fn within_reach(&self) -> Duration {
        let connected = *self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        self.seams.moment().since(connected)
    }

    /// The time by which leases go where it is this process that tells it: what the wall clock would show had nobody set
    /// it since the database was opened. A clock that is set takes no lease away, and lengthens none.
    pub(crate) fn lease_time(&self) -> Timestamp {
        let passed = self.seams.moment().since(self.opened.moment);
        self.opened.time.after(passed)
    }
}

/// The last numbers given. They are read when a transaction begins, which keeps every other writer out, and counted
/// in memory: a task's number is known before its UPID is made, and what is undone gives its numbers back, so that
/// neither tasks nor events have gaps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) task: i64,
    pub(crate) event: i64,
}

/// By what a transaction tells the time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Time {
    Seams,
    /// The database's clock as it stood when the transaction began, and the time since.
    Database(Timestamp, Instant),
}

/// What a transaction begins with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    pub(crate) time: Time,
    pub(crate) numbers: Numbers,
    /// How often configured objects have changed, where other processes may change them.
    pub(crate) objects: i64,
}

/// One verb's view of the open transaction.
pub(crate) struct Tx {
    pub(crate) conn: Conn,
    pub(crate) ctx: Arc<Context>,
    /// The time at which the verb began; all it writes carries this.
    pub(crate) now: Timestamp,
    pub(crate) woken: Woken,
    pub(super) time: Time,
    pub(super) numbers: Numbers,
    /// Events that are written when the transaction ends, all at once.
    pub(super) told: Vec<(SeqEvent, Option<TaskId>)>,
    /// Tasks that are written when somebody looks for them, or when the transaction ends.
    pub(super) rows: Vec<TaskRow>,
    /// What changed of who holds slots.
    pub(super) changes: Changes,
    /// What ended attempts moved, to be written when the transaction ends.
    pub(super) moved: Vec<StatisticsRow>,
    /// What counts once this is committed.
    pub(super) noted: Vec<Noted>,
    /// What tasks may name, as it was read when objects had changed so often; of no use once a verb of this transaction
    /// woke who waits for objects.
    pub(super) known: Option<Arc<Known>>,
    objects: i64,
}

/// Where a verb began, to go back to.
pub(super) struct Beginning {
    numbers: Numbers,
    told: usize,
    rows: usize,
    changes: Changes,
    moved: usize,
    noted: usize,
}

impl Tx {
    pub(super) fn new(conn: Conn, ctx: Arc<Context>) -> Self {
        Self {
            conn,
            now: ctx.seams.now(),
            ctx,
            woken: Woken::default(),
            time: Time::Seams,
            numbers: Numbers::default(),
            told: Vec::new(),
            rows: Vec::new(),
            changes: Changes::default(),
            moved: Vec::new(),
            noted: Vec::new(),
            known: None,
            objects: 0,
        }
    }

    /// A transaction begins.
    pub(super) fn begin(&mut self, begun: Begun) {
        self.time = begun.time;
        self.numbers = begun.numbers;
        self.told.clear();
        self.rows.clear();
        self.changes = Changes::default();
        self.moved.clear();
        self.noted.clear();
        // The transaction before may have changed objects, or may have meant to.
        if self.woken.objects || begun.objects != self.objects {
            self.known = None;
        }
        self.objects = begun.objects;
        self.woken = Woken::default();
    }

    /// A verb begins.
    pub(super) fn mark(&mut self) -> Beginning {
        self.now = match self.time {
            Time::Seams => self.ctx.seams.now(),
            Time::Database(began, since) => began.after(since.elapsed()),
        };
        Beginning {
            numbers: self.numbers,
            told: self.told.len(),
            rows: self.rows.len(),
            changes: self.changes.clone(),
            moved: self.moved.len(),
            noted: self.noted.len(),
        }
    }

    /// The time by which leases are given and compared.
    pub(super) fn lease_time(&self) -> Timestamp {
        match self.time {
            Time::Seams => self.ctx.lease_time(),
            Time::Database(..) => self.now,
        }
    }

    /// When a lease given now runs out.
    pub(super) fn lease_end(&self) -> Timestamp {
        self.lease_time().after(LEASE)
    }

    /// What a verb did is undone.
    pub(super) fn go_back(&mut self, mark: Beginning) {
        self.numbers = mark.numbers;
        self.told.truncate(mark.told);
        self.rows.truncate(mark.rows);
        self.changes = mark.changes;
        self.moved.truncate(mark.moved);
        self.noted.truncate(mark.noted);
    }

    /// Writes what the transaction has put off: each statement is a round trip, so what can be is written together.
    pub(super) async fn write_rest(&mut self) -> Result<()> {
        self.write_tasks().await?;
        self.write_loads().await?;
        self.write_statistics().await?;
        self.write_events().await
    }
}
