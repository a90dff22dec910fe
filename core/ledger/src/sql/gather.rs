//! Verbs that are written together. Workers end their tasks one by one, and senders their attempts, and each statement is
//! a round trip: so whatever waits for the writer when the first of a kind comes to its turn is written with it.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use tokio::sync::oneshot;

use super::tx::Tx;
use super::writer::{Answer, Ended, Verb, respond};
use crate::error::{LedgerError, Result};

/// A kind of verb of which many are written at once.
pub(super) trait Together: Send + Sync + 'static {
    /// What one of them asks.
    type Asked: Send + 'static;
    /// What it answers.
    type Answer: Send + 'static;

    /// Writes them all. Each has an answer of its own, in their order; one that is refused writes nothing. An error is
    /// of the transaction: none of them is kept.
    fn write(tx: &mut Tx, all: Vec<Self::Asked>) -> BoxFuture<'_, Result<Vec<Result<Self::Answer>>>>;
}

/// One that waits, and who waits for it.
type Waiting<T> = (<T as Together>::Asked, Reply<T>);
type Reply<T> = oneshot::Sender<Result<<T as Together>::Answer>>;

/// Those that wait.
pub(super) struct Gather<T: Together>(Arc<Mutex<Vec<Waiting<T>>>>);

impl<T: Together> Default for Gather<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Together> std::fmt::Debug for Gather<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gather").finish_non_exhaustive()
    }
}

impl<T: Together> Gather<T> {
    /// Adds one; the verb that comes with it writes it, unless another does before.
    pub(super) fn add(&self, asked: T::Asked) -> (Box<dyn Verb>, oneshot::Receiver<Result<T::Answer>>) {
        let (reply, answer) = oneshot::channel();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((asked, reply));
        (Box::new(Self(self.0.clone())), answer)
    }

    fn take(&self) -> Vec<Waiting<T>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T: Together> Verb for Gather<T> {
    fn guarded(&self) -> bool {
        false
    }

    fn run<'t>(self: Box<Self>, tx: &'t mut Tx) -> BoxFuture<'t, (Ended, Answer)>
    where
        Self: 't,
    {
        Box::pin(async move {
            let (asked, replies): (Vec<_>, Vec<_>) = self.take().into_iter().unzip();
            let written = match asked.is_empty() {
                true => Ok(Vec::new()),
                false => T::write(tx, asked).await,
            };
            let ended = written.as_ref().map_or_else(Ended::of, |_| Ended::Well);
            let answer: Answer = Box::new(move |committed| match committed.and(written) {
                Ok(answers) => {
                    for (reply, answer) in replies.into_iter().zip(answers) {
                        respond(reply, answer);
                    }
                }
                Err(error) => refuse_all::<T>(replies, &error),
            });
            (ended, answer)
        })
    }

    fn refuse(self: Box<Self>, error: LedgerError) {
        refuse_all::<T>(self.take().into_iter().map(|(_, reply)| reply), &error);
    }
}

/// None of them was kept.
fn refuse_all<T: Together>(replies: impl IntoIterator<Item = Reply<T>>, error: &LedgerError) {
    for reply in replies {
        respond(reply, Err(error.again()));
    }
}
