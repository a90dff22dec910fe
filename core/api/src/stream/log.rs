//! The stream of a task's log, line by line, to its end.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::response::sse::Event;
use futures::Stream;
use ironcore_types::{TaskId, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{PING, event};
use crate::access::Access;
use crate::auth::access_of;
use crate::error::ApiError;
use crate::state::ApiState;
use crate::view::log_entry;
use crate::wire::{LogDone, Ping};

/// Lines that are read at once.
const BATCH: u32 = 500;

/// A reader of one log from a line on.
pub(crate) struct LogFeed {
    state: ApiState,
    access: Access,
    task: TaskId,
    /// The last line that was sent.
    line: u64,
    ready: VecDeque<Event>,
    logs: watch::Receiver<u64>,
    tasks: watch::Receiver<u64>,
    next_ping: Timestamp,
    over: bool,
    _permit: OwnedSemaphorePermit,
}

impl LogFeed {
    /// A reader of the lines after `after` of a task that `access` sees.
    pub(crate) fn open(
        state: ApiState,
        access: Access,
        task: TaskId,
        after: u64,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        let wakes = state.ledger().wakes();
        let next_ping = state.seams().now();
        Self {
            state,
            access,
            task,
            line: after,
            ready: VecDeque::new(),
            logs: wakes.logs,
            tasks: wakes.tasks,
            next_ping,
            over: false,
            _permit: permit,
        }
    }

    /// The lines as they come, and `done` at the end.
    pub(crate) fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        futures::stream::unfold(self, |mut feed| async move {
            let event = feed.next().await?;
            Some((Ok(event), feed))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.over || self.state.shutdown().is_cancelled() {
                return None;
            }
            self.logs.borrow_and_update();
            self.tasks.borrow_and_update();
            let read = self.read().await;
            if let Err(error) = &read {
                tracing::warn!(%error, "a log stream ends");
                return None;
            }
            let now = self.state.seams().now();
            if now >= self.next_ping {
                self.next_ping = now.after(PING);
                let known = access_of(self.state.ledger(), self.access.hash).await;
                self.access = known.ok().flatten()?;
                // Behind the lines just read, so its id is the number of the last of them.
                if !self.over {
                    self.ready
                        .push_back(event("ping", Some(self.line.to_string()), &Ping { time: now }));
                }
            }
            if self.ready.is_empty() {
                self.wait().await?;
            }
        }
    }

    async fn read(&mut self) -> Result<(), ApiError> {
        let ledger = self.state.ledger();
        // The state first: lines are written before a task ends, so a log read after the end is whole.
        let task = ledger.task_by_id(self.task).await?;
        let task = task.ok_or_else(|| ApiError::not_found("such task any more"))?;
        let lines = ledger.log_after(self.task, self.line, BATCH).await?;
        let full = lines.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        for line in lines {
            self.line = line.line;
            let entry = log_entry(line);
            self.ready
                .push_back(event("line", Some(entry.line.to_string()), &entry));
        }
        if !full && task.state.is_final() {
            self.over = true;
            let done = LogDone {
                state: task.state,
                status: task.state.shown().to_owned(),
                next: self.line,
            };
            self.ready
                .push_back(event("done", Some(self.line.to_string()), &done));
        }
        Ok(())
    }

    async fn wait(&mut self) -> Option<()> {
        tokio::select! {
            () = self.state.shutdown().cancelled() => None,
            woken = self.logs.changed() => woken.ok(),
            woken = self.tasks.changed() => woken.ok(),
            () = self.state.seams().sleep_until(self.next_ping) => Some(()),
        }
    }
}
