//! The one writer of this process: an actor that runs verbs in savepoints, commits them in groups, and acknowledges
//! after COMMIT.
//!
//! ```text
//! BEGIN ─ SAVEPOINT a ─ RELEASE ─ SAVEPOINT b ─ ROLLBACK TO ─ … ─ events ─ COMMIT ─ answers ─ wakes
//! ```
//! BEGIN keeps every other writer out: on SQLite there is no other process, on PostgreSQL the transaction holds a
//! lock that every hub's writer takes first. A verb that fails is undone alone; those that come often do without
//! a savepoint, for they refuse before they write. When the transaction itself is lost
//! (disk full, connection broken), every verb of the group is answered with that error, for none of them was kept.
//! The fsync of COMMIT is shared by the group: while it runs, further verbs queue up and make the next group.
//!
//! **A connection that breaks** is made again before the next group begins; verbs wait for that, but no longer than
//! [`PATIENCE`] after it broke, and then are refused until it is back. When it breaks during COMMIT, the database is
//! asked over the new connection what became of the transaction. Only when that cannot be found out in time, the verbs
//! of the group are answered with [`Failure::Unknown`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tracing::{debug, info, warn};

use super::bells::{Bells, Woken};
use super::tally::Counted;
use super::tx::{Beginning, Numbers, Tx};
use super::writer::{Answer, Ended, Order, Verb};
use crate::error::{Failure, LedgerError};
use crate::postgres::transaction::Link;
use crate::{postgres, sqlite};

/// Verbs that share one COMMIT at most; it bounds how long the first of them waits.
const GROUP: usize = 256;
/// How long verbs wait for a connection that broke.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two attempts to connect, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What the two databases do each in its own way.
#[derive(Debug)]
pub(crate) enum Backend {
    Sqlite,
    Postgres(Box<Link>),
}

/// A connection that broke.
#[derive(Debug, Clone, Copy)]
struct Outage {
    since: Instant,
    tried: Instant,
    pause: Duration,
}

/// The writer.
pub(super) struct Actor {
    tx: Tx,
    backend: Backend,
    bells: Arc<Bells>,
    counted: Arc<Counted>,
    outage: Option<Outage>,
    /// Counts transactions.
    number: i64,
    /// The last numbers as the last COMMIT left them; none when it may have failed.
    left: Option<Numbers>,
    /// Whether this transaction has a savepoint.
    guarding: bool,
}

impl Actor {
    pub(super) fn new(tx: Tx, backend: Backend, bells: Arc<Bells>, counted: Arc<Counted>) -> Self {
        Self {
            tx,
            backend,
            bells,
            counted,
            outage: None,
            number: 0,
            left: None,
            guarding: false,
        }
    }

    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut closing = None;
        while closing.is_none() {
            match orders.recv().await {
                None => break,
                Some(Order::Close(reply)) => closing = Some(reply),
                Some(Order::Run(first)) => closing = self.group(first, &mut orders).await,
            }
        }
        orders.close();
        if matches!(self.backend, Backend::Sqlite) {
            sqlite::transaction::leave(&mut self.tx.conn).await;
        }
        if self.outage.is_none()
            && let Err(error) = self.tx.conn.close().await
        {
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
        &mut self,
        first: Box<dyn Verb>,
        orders: &mut mpsc::Receiver<Order>,
    ) -> Option<oneshot::Sender<()>> {
        self.guarding = false;
        if let Err(failure) = self.begin().await {
            return refuse(first, orders, &failure);
        }
        let mut answers = Vec::new();
        let mut closing = None;
        let mut next = Some(first);
        let mut state = Ok(());
        while let Some(verb) = next.take() {
            let guarded = verb.guarded();
            if guarded && let Err(failure) = self.guard().await {
                verb.refuse(LedgerError::Database(failure.clone()));
                state = Err(failure);
                break;
            }
            let mark = self.tx.mark();
            let (ended, answer) = verb.run(&mut self.tx).await;
            answers.push(answer);
            state = self.settle(guarded, ended, mark).await;
            if state.is_err() {
                // The transaction is lost; nothing runs on its ruins.
                break;
            }
            if answers.len() < GROUP {
                match orders.try_recv() {
                    Ok(Order::Run(verb)) => next = Some(verb),
                    Ok(Order::Close(reply)) => closing = Some(reply),
                    Err(_) => {}
                }
            }
        }
        if state.is_ok() {
            state = self.tx.write_rest().await.map_err(Failure::from);
        }
        self.end(state, answers).await;
        closing
    }

    /// A savepoint for the next verb, instead of the one before. What earlier verbs put off is written first, so that
    /// undoing this one undoes nothing of theirs.
    async fn guard(&mut self) -> Result<(), Failure> {
        self.tx.write_tasks().await.map_err(Failure::from)?;
        let control = if self.guarding {
            "RELEASE verb; SAVEPOINT verb"
        } else {
            "SAVEPOINT verb"
        };
        self.guarding = true;
        Ok(self.tx.conn.control(control).await?)
    }

    /// Keeps or undoes what a verb did. The error is that of the transaction, not of the verb.
    async fn settle(&mut self, guarded: bool, ended: Ended, mark: Beginning) -> Result<(), Failure> {
        if matches!(ended, Ended::Well) {
            return Ok(());
        }
        self.tx.go_back(mark);
        match ended {
            _ if guarded => Ok(self.tx.conn.control("ROLLBACK TO verb").await?),
            // What it had written cannot be told from what the others wrote.
            Ended::Broken(failure) => Err(failure),
            // It had not begun to write.
            Ended::Refused | Ended::Well => Ok(()),
        }
    }

    /// COMMIT or ROLLBACK, then the answers.
    async fn end(&mut self, state: Result<(), Failure>, answers: Vec<Answer>) {
        let state = match state {
            Ok(()) => self.commit().await,
            Err(failure) => {
                self.roll_back().await;
                Err(failure)
            }
        };
        self.left = state.is_ok().then_some(self.tx.numbers);
        match state {
            Ok(()) => {
                // Before the answers: whoever has one finds it counted.
                self.counted.committed(std::mem::take(&mut self.tx.noted));
                answers.into_iter().for_each(|answer| answer(Ok(())));
                self.bells.ring(self.tx.woken);
            }
            Err(failure) => {
                for answer in answers {
                    answer(Err(LedgerError::Database(failure.clone())));
                }
            }
        }
    }

    async fn commit(&mut self) -> Result<(), Failure> {
        let Tx {
            conn, numbers, woken, ..
        } = &mut self.tx;
        self.number += 1;
        let result = match &self.backend {
            Backend::Sqlite => conn.control("COMMIT").await,
            Backend::Postgres(link) => link.commit(conn, self.number, *numbers, *woken).await,
        };
        let Err(error) = result else { return Ok(()) };
        if matches!(self.backend, Backend::Postgres(_)) && postgres::transaction::leaves_open(&error) {
            self.lost(&error);
            return self.find_out(error).await;
        }
        self.roll_back().await;
        Err(error.into())
    }

    async fn roll_back(&mut self) {
        let Err(error) = self.tx.conn.control("ROLLBACK").await else {
            return;
        };
        match &self.backend {
            // SQLite has rolled back by itself after some errors; then this one fails, and rightly.
            Backend::Sqlite => debug!(%error, "nothing was left to roll back"),
            Backend::Postgres(_) => self.lost(&error),
        }
    }

    fn lost(&mut self, error: &sqlx::Error) {
        if self.outage.is_none() {
            warn!(%error, "the connection to the database broke");
            self.outage = Some(Outage {
                since: Instant::now(),
                tried: Instant::now(),
                pause: PAUSES.0,
            });
        }
    }

    /// Begins a transaction, on a new connection when the old one broke.
    async fn begin(&mut self) -> Result<(), Failure> {
        let asked = Instant::now();
        loop {
            let error = if self.outage.is_some() {
                match self.reconnect().await {
                    Ok(()) => continue,
                    Err(error) => error,
                }
            } else {
                let conn = &mut self.tx.conn;
                let begun = match &self.backend {
                    Backend::Sqlite => sqlite::transaction::begin(conn, self.left)
                        .await
                        .map_err(Failure::from),
                    Backend::Postgres(link) => link.begin(conn).await.map_err(Failure::from),
                };
                match begun {
                    Ok(begun) => {
                        self.tx.begin(begun);
                        return Ok(());
                    }
                    Err(failure) => {
                        self.roll_back().await;
                        failure
                    }
                }
            };
            // A database that lives and refuses (the lock is not to be had, say) will not change its mind.
            let since = self.outage.map(|outage| outage.since.min(asked));
            if since.is_none_or(|since| since.elapsed() > PATIENCE) {
                return Err(error);
            }
        }
    }

    /// Connects again, once, after a pause. Rings every bell: who was refused meanwhile looks again.
    async fn reconnect(&mut self) -> Result<(), Failure> {
        let (Backend::Postgres(link), Some(outage)) = (&self.backend, &mut self.outage) else {
            return Ok(());
        };
        tokio::time::sleep(outage.pause.saturating_sub(outage.tried.elapsed())).await;
        outage.pause = (outage.pause * 2).min(PAUSES.1);
        outage.tried = Instant::now();
        let conn = link.connect().await?;
        info!(after = ?outage.since.elapsed(), "the connection to the database is back");
        self.tx.conn = conn;
        self.tx.ctx.has_connected();
        self.outage = None;
        self.bells.ring(Woken::ALL);
        Ok(())
    }

    /// Asks over a new connection what became of the transaction whose COMMIT was not answered.
    async fn find_out(&mut self, error: sqlx::Error) -> Result<(), Failure> {
        let until = Instant::now() + PATIENCE;
        let error = Arc::new(error);
        while Instant::now() < until {
            if self.reconnect().await.is_err() {
                continue;
            }
            let Backend::Postgres(link) = &self.backend else {
                break;
            };
            match link.was_kept(&mut self.tx.conn, self.number).await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(Failure::NotKept(error)),
                Err(asking) => {
                    debug!(%asking, "what became of a transaction could not be asked");
                    self.roll_back().await;
                }
            }
        }
        warn!(%error, "whether a transaction was kept could not be found out");
        Err(Failure::Unknown(error))
    }
}

/// Refuses a verb and all that wait behind it. Gives back a request to close that was among them.
fn refuse(
    first: Box<dyn Verb>,
    orders: &mut mpsc::Receiver<Order>,
    failure: &Failure,
) -> Option<oneshot::Sender<()>> {
    first.refuse(LedgerError::Database(failure.clone()));
    while let Ok(order) = orders.try_recv() {
        match order {
            Order::Run(verb) => verb.refuse(LedgerError::Database(failure.clone())),
            Order::Close(reply) => return Some(reply),
        }
    }
    None
}
