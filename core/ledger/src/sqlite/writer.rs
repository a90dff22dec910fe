//! The one writer: an actor that runs verbs in savepoints, commits them in groups, and acknowledges after COMMIT.
//!
//! ```text
//! BEGIN IMMEDIATE ─ SAVEPOINT a ─ RELEASE ─ SAVEPOINT b ─ ROLLBACK TO ─ … ─ COMMIT ─ answers ─ wakes
//! ```
//! A verb that fails is undone alone. When the transaction itself is lost (disk full, I/O error), every verb of the
//! group is answered with that error, for none of them was kept. The fsync of COMMIT is shared by the group: while it
//! runs, further verbs queue up and make the next group.

use std::sync::Arc;

use futures::future::BoxFuture;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Executor};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::tx::{Tx, Woken};
use crate::error::{LedgerError, Result};

/// Verbs that share one COMMIT at most; it bounds how long the first of them waits.
const GROUP: usize = 256;
/// Verbs that may wait; callers beyond that wait for room.
const QUEUE: usize = 1024;

/// Gives a verb's caller its answer, once it is known whether COMMIT succeeded.
type Answer = Box<dyn FnOnce(Result<()>) + Send>;

/// A verb that waits, with the way back to its caller.
trait Verb: Send {
    /// Says whether it succeeded, and how to answer.
    fn run<'t>(self: Box<Self>, tx: &'t mut Tx) -> BoxFuture<'t, (bool, Answer)>
    where
        Self: 't;
    /// It cannot be run.
    fn refuse(self: Box<Self>, error: LedgerError);
}

struct Waiting<T, F> {
    verb: F,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Verb for Waiting<T, F>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
{
    fn run<'t>(self: Box<Self>, tx: &'t mut Tx) -> BoxFuture<'t, (bool, Answer)>
    where
        Self: 't,
    {
        Box::pin(async move {
            let Self { verb, reply } = *self;
            let result = verb(tx).await;
            let succeeded = result.is_ok();
            let answer: Answer = Box::new(move |committed| respond(reply, committed.and(result)));
            (succeeded, answer)
        })
    }

    fn refuse(self: Box<Self>, error: LedgerError) {
        respond(self.reply, Err(error));
    }
}

fn respond<T>(reply: oneshot::Sender<Result<T>>, result: Result<T>) {
    if reply.send(result).is_err() {
        debug!("the caller of a verb did not wait for its answer");
    }
}

enum Order {
    Run(Box<dyn Verb>),
    Close(oneshot::Sender<()>),
}

/// The senders behind [`Wakes`](crate::Wakes).
#[derive(Debug)]
pub(crate) struct Bells {
    pub(crate) tasks: watch::Sender<u64>,
    pub(crate) events: watch::Sender<u64>,
    pub(crate) messages: watch::Sender<u64>,
    pub(crate) logs: watch::Sender<u64>,
    pub(crate) objects: watch::Sender<u64>,
}

impl Bells {
    pub(crate) fn new() -> Self {
        let bell = || watch::channel(0).0;
        Self {
            tasks: bell(),
            events: bell(),
            messages: bell(),
            logs: bell(),
            objects: bell(),
        }
    }

    fn ring(&self, woken: Woken) {
        let each = [
            (woken.tasks, &self.tasks),
            (woken.events, &self.events),
            (woken.messages, &self.messages),
            (woken.logs, &self.logs),
            (woken.objects, &self.objects),
        ];
        for (_, bell) in each.into_iter().filter(|(rung, _)| *rung) {
            bell.send_modify(|number| *number = number.wrapping_add(1));
        }
    }
}

/// Hands verbs to the writer. The writer ends when this is dropped, or closed.
#[derive(Debug)]
pub(crate) struct Writer {
    orders: mpsc::Sender<Order>,
    tracker: TaskTracker,
}

impl Writer {
    /// Starts the writer on its connection.
    pub(crate) fn start(tx: Tx, bells: Arc<Bells>) -> Self {
        let (orders, inbox) = mpsc::channel(QUEUE);
        let tracker = TaskTracker::new();
        tracker.spawn(run(tx, inbox, bells));
        tracker.close();
        Self { orders, tracker }
    }

    /// Runs a verb; its result comes only after COMMIT. The verb runs even when the caller stops waiting.
    pub(crate) async fn run<T, F>(&self, verb: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let order = Box::new(Waiting { verb, reply });
        self.orders
            .send(Order::Run(order))
            .await
            .map_err(|_| LedgerError::Closed)?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }

    /// Runs what was handed over before, moves the write-ahead log into the file, and ends.
    pub(crate) async fn close(&self) {
        let (reply, done) = oneshot::channel();
        if self.orders.send(Order::Close(reply)).await.is_ok() && done.await.is_err() {
            warn!("the database's writer ended before it was closed");
        }
        self.tracker.wait().await;
    }
}

async fn run(mut tx: Tx, mut orders: mpsc::Receiver<Order>, bells: Arc<Bells>) {
    let mut closing = None;
    while closing.is_none() {
        match orders.recv().await {
            None => break,
            Some(Order::Close(reply)) => closing = Some(reply),
            Some(Order::Run(first)) => closing = group(&mut tx, first, &mut orders, &bells).await,
        }
    }
    orders.close();
    if let Err(error) = tx.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").await {
        warn!(%error, "the write-ahead log could not be moved into the database; the next start does it");
    }
    if let Err(error) = tx.conn.close().await {
        warn!(%error, "the database could not be closed cleanly");
    }
    if let Some(reply) = closing
        && reply.send(()).is_err()
    {
        debug!("nobody waited for the database to be closed");
    }
}

/// Runs `first` and what waits behind it as one transaction. Gives back a request to close that it met.
async fn group(
    tx: &mut Tx,
    first: Box<dyn Verb>,
    orders: &mut mpsc::Receiver<Order>,
    bells: &Bells,
) -> Option<oneshot::Sender<()>> {
    let mut answers = Vec::new();
    let mut closing = None;
    tx.woken = Woken::default();
    let mut next = Some(first);
    let mut state = execute(&mut tx.conn, "BEGIN IMMEDIATE").await.map_err(Arc::new);
    while let Some(verb) = next.take() {
        if state.is_ok() {
            state = execute(&mut tx.conn, "SAVEPOINT verb").await.map_err(Arc::new);
        }
        if let Err(error) = &state {
            // The transaction is lost; nothing runs on its ruins.
            verb.refuse(LedgerError::Database(error.clone()));
            break;
        }
        tx.now = tx.ctx.seams.now();
        let (succeeded, answer) = verb.run(tx).await;
        answers.push(answer);
        state = end_savepoint(&mut tx.conn, succeeded).await.map_err(Arc::new);
        if answers.len() < GROUP {
            match orders.try_recv() {
                Ok(Order::Run(verb)) => next = Some(verb),
                Ok(Order::Close(reply)) => closing = Some(reply),
                Err(_) => {}
            }
        }
    }
    if state.is_ok() {
        state = execute(&mut tx.conn, "COMMIT").await.map_err(Arc::new);
    }
    match state {
        Ok(()) => {
            answers.into_iter().for_each(|answer| answer(Ok(())));
            bells.ring(tx.woken);
        }
        Err(error) => {
            // SQLite has rolled back by itself after some errors; then this one fails, and rightly.
            if let Err(error) = execute(&mut tx.conn, "ROLLBACK").await {
                debug!(%error, "nothing was left to roll back");
            }
            answers
                .into_iter()
                .for_each(|answer| answer(Err(LedgerError::Database(error.clone()))));
        }
    }
    closing
}

/// Keeps or undoes what a verb did. The error is that of the transaction, not of the verb.
async fn end_savepoint(conn: &mut SqliteConnection, keep: bool) -> Result<(), sqlx::Error> {
    if !keep {
        execute(conn, "ROLLBACK TO verb").await?;
    }
    execute(conn, "RELEASE verb").await
}

async fn execute(conn: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(sql).execute(conn).await.map(|_| ())
}
