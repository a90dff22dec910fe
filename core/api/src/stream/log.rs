//! The stream of a task's log, line by line, to its end.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Bytes;
use futures::Stream;
use ironcore_types::{Moment, TaskId, TaskState};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::tail::{BATCH, Lines, Next, Seen, Tail};
use super::{PING, Reader, text};
use crate::access::Access;
use crate::error::ApiError;
use crate::state::ApiState;
use crate::wire::{LogDone, Ping};

/// A follower of one log from a line on.
pub(crate) struct LogFeed {
    state: ApiState,
    reader: Reader,
    task: TaskId,
    tail: Arc<Tail>,
    /// The last line that was sent.
    line: u64,
    logs: watch::Receiver<u64>,
    tasks: watch::Receiver<u64>,
    next_ping: Moment,
    over: bool,
    _permit: OwnedSemaphorePermit,
}

impl LogFeed {
    /// A follower of the lines after `after` of a task that `access` sees.
    pub(crate) fn open(
        state: ApiState,
        access: Access,
        task: TaskId,
        after: u64,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        let wakes = state.ledger().wakes();
        let next_ping = state.seams().moment();
        Self {
            tail: state.tails().of(task),
            reader: Reader::new(&state, access),
            state,
            task,
            line: after,
            logs: wakes.logs,
            tasks: wakes.tasks,
            next_ping,
            over: false,
            _permit: permit,
        }
    }

    /// The lines as they come, many at once where there are many, and `done` at the end.
    pub(crate) fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        futures::stream::unfold(self, |mut feed| async move {
            let events = feed.next().await?;
            Some((Ok(events), feed))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.over || self.state.shutdown().is_cancelled() {
                return None;
            }
            self.reader.look_if_changed(&self.state).await?;
            let seen = Seen {
                logs: *self.logs.borrow_and_update(),
                tasks: *self.tasks.borrow_and_update(),
            };
            let mut events = match self.read(seen).await {
                Ok(events) => events,
                Err(error) => {
                    tracing::warn!(%error, "a log stream ends");
                    return None;
                }
            };
            let now = self.state.seams().moment();
            if now >= self.next_ping {
                self.next_ping = now.after(PING);
                self.reader.look(&self.state).await?;
                if !self.over {
                    // Behind the lines just read, so its id is the number of the last of them.
                    let mut ping = String::from_utf8_lossy(&events).into_owned();
                    let time = self.state.seams().now();
                    text(&mut ping, "ping", self.line, &Ping { time });
                    events = ping.into();
                }
            }
            if !events.is_empty() {
                return Some(events);
            }
            if !self.over {
                self.wait().await?;
            }
        }
    }

    /// The next events, if there are any now.
    async fn read(&mut self, seen: Seen) -> Result<Bytes, ApiError> {
        loop {
            let ledger = self.state.ledger();
            let events = match self.tail.next(ledger, self.line, seen).await? {
                Next::Lines(events, last) => {
                    self.line = last;
                    events
                }
                Next::CatchUp => match Lines::of(ledger.log_after(self.task, self.line, BATCH).await?) {
                    Some(lines) => {
                        self.line = lines.last();
                        lines.whole()
                    }
                    None => {
                        self.line = self.line.max(self.tail.start().await);
                        continue;
                    }
                },
                Next::Nothing => Bytes::new(),
                Next::Over(state) => self.done(state),
                Next::Gone => return Err(ApiError::not_found("such task any more")),
            };
            return Ok(events);
        }
    }

    fn done(&mut self, state: TaskState) -> Bytes {
        self.over = true;
        let done = LogDone {
            state,
            status: state.shown().to_owned(),
            next: self.line,
        };
        let mut whole = String::new();
        text(&mut whole, "done", self.line, &done);
        whole.into()
    }

    async fn wait(&mut self) -> Option<()> {
        tokio::select! {
            () = self.state.shutdown().cancelled() => None,
            woken = self.logs.changed() => woken.ok(),
            woken = self.tasks.changed() => woken.ok(),
            lost = self.reader.changed() => lost,
            () = self.state.seams().sleep_to(self.next_ping) => Some(()),
        }
    }
}
