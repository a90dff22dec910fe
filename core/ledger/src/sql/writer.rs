//! The way to the one writer of this process: verbs wait in a queue of bounded length, each with the way back to its
//! caller. What becomes of them there is in `group`.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::bells::Bells;
use super::group::{Actor, Backend};
use super::tally::Counted;
use super::tx::Tx;
use crate::error::{Failure, LedgerError, Result};

/// Verbs that may wait; callers beyond that wait for room.
const QUEUE: usize = 1024;

/// Gives a verb's caller its answer, once it is known whether COMMIT succeeded.
pub(super) type Answer = Box<dyn FnOnce(Result<()>) + Send>;

/// How a verb ended.
#[derive(Debug)]
pub(super) enum Ended {
    Well,
    /// It was refused for what it asked.
    Refused,
    /// The database did not do what it should, or holds what it should not.
    Broken(Failure),
}

impl Ended {
    /// What an error of a verb says of the transaction.
    pub(super) fn of(error: &LedgerError) -> Self {
        match error {
            LedgerError::Database(failure) => Self::Broken(failure.clone()),
            LedgerError::Row { .. } | LedgerError::Closed => {
                Self::Broken(sqlx::Error::Protocol(error.to_string()).into())
            }
            _ => Self::Refused,
        }
    }
}

/// A verb that waits, with the way back to its caller.
pub(super) trait Verb: Send {
    /// Whether it needs a savepoint to be undone alone.
    fn guarded(&self) -> bool;
    /// Says how it ended, and how to answer.
    fn run<'t>(self: Box<Self>, tx: &'t mut Tx) -> BoxFuture<'t, (Ended, Answer)>
    where
        Self: 't;
    /// It cannot be run.
    fn refuse(self: Box<Self>, error: LedgerError);
}

struct Waiting<T, F> {
    verb: F,
    guarded: bool,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Verb for Waiting<T, F>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
{
    fn guarded(&self) -> bool {
        self.guarded
    }

    fn run<'t>(self: Box<Self>, tx: &'t mut Tx) -> BoxFuture<'t, (Ended, Answer)>
    where
        Self: 't,
    {
        Box::pin(async move {
            let Self { verb, reply, .. } = *self;
            let result = verb(tx).await;
            let ended = match &result {
                Ok(_) => Ended::Well,
                Err(error) => Ended::of(error),
            };
            let answer: Answer = Box::new(move |committed| respond(reply, committed.and(result)));
            (ended, answer)
        })
    }

    fn refuse(self: Box<Self>, error: LedgerError) {
        respond(self.reply, Err(error));
    }
}

pub(super) fn respond<T>(reply: oneshot::Sender<Result<T>>, result: Result<T>) {
    if reply.send(result).is_err() {
        debug!("the caller of a verb did not wait for its answer");
    }
}

pub(super) enum Order {
    Run(Box<dyn Verb>),
    Close(oneshot::Sender<()>),
}

/// Hands verbs to the writer. The writer ends when this is dropped, or closed.
#[derive(Debug)]
pub(super) struct Writer {
    orders: mpsc::Sender<Order>,
    tracker: TaskTracker,
}

impl Writer {
    /// Starts the writer on its connection.
    pub(super) fn start(tx: Tx, backend: Backend, bells: Arc<Bells>, counted: Arc<Counted>) -> Self {
        let (orders, inbox) = mpsc::channel(QUEUE);
        let tracker = TaskTracker::new();
        tracker.spawn(Actor::new(tx, backend, bells, counted).run(inbox));
        tracker.close();
        Self { orders, tracker }
    }

    /// Runs a verb; its result comes only after COMMIT. The verb runs even when the caller stops waiting.
    pub(super) async fn run<T, F>(&self, guarded: bool, verb: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let order = Box::new(Waiting { verb, guarded, reply });
        self.orders
            .send(Order::Run(order))
            .await
            .map_err(|_| LedgerError::Closed)?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }

    /// How many verbs wait, and how many may.
    pub(super) fn queue(&self) -> (usize, usize) {
        let most = self.orders.max_capacity();
        (most - self.orders.capacity(), most)
    }

    /// Hands over what `verb` makes, once there is room for it. What it answers to is its own matter.
    pub(super) async fn hand_over<T>(&self, verb: impl FnOnce() -> (Box<dyn Verb>, T)) -> Result<T> {
        let room = self.orders.reserve().await.map_err(|_| LedgerError::Closed)?;
        let (verb, with) = verb();
        room.send(Order::Run(verb));
        Ok(with)
    }

    /// Runs what was handed over before, takes leave of the database, and ends.
    pub(super) async fn close(&self) {
        let (reply, done) = oneshot::channel();
        if self.orders.send(Order::Close(reply)).await.is_ok() && done.await.is_err() {
            warn!("the database's writer ended before it was closed");
        }
        self.tracker.wait().await;
    }
}
