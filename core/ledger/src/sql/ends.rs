//! Ends of tasks that are written together. Workers end their tasks one by one, and each statement is a round trip: so
//! whatever waits for the writer when the first of them comes to its turn is ended with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use ironcore_types::{SessionId, TaskId};
use tokio::sync::oneshot;

use super::tx::Tx;
use super::writer::{Answer, Ended, Verb, respond};
use crate::error::{LedgerError, Result};
use crate::model::{Finished, Outcome};
use crate::rules::retry::RetryBy;

/// One end, and who waits for it.
struct End {
    task: TaskId,
    session: SessionId,
    outcome: Outcome,
    reply: oneshot::Sender<Result<Finished>>,
}

/// The ends that wait.
#[derive(Default, Clone)]
pub(super) struct Ends(Arc<Mutex<Vec<End>>>);

impl std::fmt::Debug for Ends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ends").finish_non_exhaustive()
    }
}

impl Ends {
    /// Adds an end; the verb that comes with it writes it, unless another does before.
    pub(super) fn add(
        &self,
        task: TaskId,
        session: SessionId,
        outcome: Outcome,
    ) -> (Box<dyn Verb>, oneshot::Receiver<Result<Finished>>) {
        let (reply, answer) = oneshot::channel();
        let end = End {
            task,
            session,
            outcome,
            reply,
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(end);
        (Box::new(self.clone()), answer)
    }

    fn take(&self) -> Vec<End> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Verb for Ends {
    fn guarded(&self) -> bool {
        false
    }

    fn run<'t>(self: Box<Self>, tx: &'t mut Tx) -> BoxFuture<'t, (Ended, Answer)>
    where
        Self: 't,
    {
        Box::pin(async move {
            let (mut replies, mut by_session) = (Vec::new(), BTreeMap::<_, Placed>::new());
            for (at, end) in self.take().into_iter().enumerate() {
                let ends = by_session.entry(end.session).or_default();
                ends.push((at, (end.task, end.outcome)));
                replies.push(end.reply);
            }
            let written = write(tx, by_session).await;
            let ended = written.as_ref().map_or_else(Ended::of, |_| Ended::Well);
            let answer: Answer = Box::new(move |committed| match committed.and(written) {
                Ok(mut finished) => {
                    for (at, reply) in replies.into_iter().enumerate() {
                        let one = finished.remove(&at);
                        respond(reply, one.unwrap_or(Err(LedgerError::Closed)));
                    }
                }
                Err(error) => refuse_all(replies, &error),
            });
            (ended, answer)
        })
    }

    fn refuse(self: Box<Self>, error: LedgerError) {
        refuse_all(self.take().into_iter().map(|end| end.reply), &error);
    }
}

/// Ends with their places among all that wait.
type Placed = Vec<(usize, (TaskId, Outcome))>;

/// Writes them, those of each session at once. Answers by their place.
async fn write(
    tx: &mut Tx,
    by_session: BTreeMap<SessionId, Placed>,
) -> Result<BTreeMap<usize, Result<Finished>>> {
    let mut finished = BTreeMap::new();
    for (session, ends) in by_session {
        let (places, ends): (Vec<usize>, Vec<_>) = ends.into_iter().unzip();
        let answers = tx.end_all(ends, Some(session), RetryBy::Policy).await?;
        finished.extend(places.into_iter().zip(answers));
    }
    Ok(finished)
}

/// None of them was kept.
fn refuse_all(replies: impl IntoIterator<Item = oneshot::Sender<Result<Finished>>>, error: &LedgerError) {
    for reply in replies {
        respond(reply, Err(error.again()));
    }
}
