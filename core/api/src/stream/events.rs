//! The stream of events, with the progress of running tasks between them.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;

use axum::response::sse::Event;
use futures::Stream;
use ironcore_ledger::model::{Scope, SeqEvent};
use ironcore_types::{EventType, Moment, Upid};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{PING, Reader, event};
use crate::access::Access;
use crate::error::ApiError;
use crate::live::REFRESH;
use crate::state::ApiState;
use crate::wire::{Ping, ProgressNotice};

/// Events that are read at once.
const BATCH: u32 = 200;

/// A reader of events from a place on.
pub(crate) struct EventFeed {
    state: ApiState,
    reader: Reader,
    types: Vec<EventType>,
    /// Everything up to here was sent, or is not for this reader.
    place: i64,
    ready: VecDeque<Event>,
    wake: watch::Receiver<u64>,
    next_ping: Moment,
    next_progress: Moment,
    /// What was said of the tasks that ran when they were last looked at.
    said: HashMap<Upid, ProgressNotice>,
    seen: Option<Arc<Vec<ProgressNotice>>>,
    _permit: OwnedSemaphorePermit,
}

impl EventFeed {
    /// A reader of what comes after `after`, or from now on.
    pub(crate) async fn open(
        state: ApiState,
        access: Access,
        after: Option<i64>,
        types: Vec<EventType>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Self, ApiError> {
        let last = state.ledger().last_seq().await?;
        // A place beyond the end is one of another ledger; waiting for it would hide everything until then.
        let place = after.filter(|after| *after <= last).unwrap_or(last);
        let wake = state.ledger().wakes().events;
        let now = state.seams().moment();
        Ok(Self {
            reader: Reader::new(&state, access),
            types,
            place,
            ready: VecDeque::new(),
            wake,
            next_ping: now,
            next_progress: now,
            said: HashMap::new(),
            seen: None,
            _permit: permit,
            state,
        })
    }

    /// The events as they come. Ends with the server, with the token, or when the ledger fails; the reader resumes.
    pub(crate) fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        futures::stream::unfold(self, |mut feed| async move {
            let event = feed.next().await?;
            Some((Ok(event), feed))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            self.reader.look_if_changed(&self.state).await?;
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.state.shutdown().is_cancelled() {
                return None;
            }
            // Marked before reading, so that what is committed meanwhile wakes the wait below.
            self.wake.borrow_and_update();
            let more = self.read().await.inspect_err(log_end).ok()?;
            let now = self.state.seams().moment();
            if now >= self.next_progress {
                self.next_progress = now.after(REFRESH);
                self.progress().await.inspect_err(log_end).ok()?;
            }
            if now >= self.next_ping {
                self.next_ping = now.after(PING);
                self.ping().await?;
            }
            if !more && self.ready.is_empty() {
                self.wait().await?;
            }
        }
    }

    /// Takes the next events in. True when there may be more at once.
    async fn read(&mut self) -> Result<bool, ApiError> {
        let ledger = self.state.ledger();
        let scope = self.reader.access().scope();
        let last = ledger.last_seq().await?;
        let events = ledger.events_after(self.place, BATCH, &scope).await?;
        let full = events.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        if let Some(newest) = events.last() {
            self.place = newest.seq;
        }
        if !full {
            // What lies between is of other projects.
            self.place = self.place.max(last);
        }
        let shown = events.into_iter().filter(|event| self.shows(event));
        let ready: Vec<_> = shown
            .map(|SeqEvent { seq, event: body }| {
                event(body.event_type.as_str(), Some(seq.to_string()), &body)
            })
            .collect();
        self.ready.extend(ready);
        Ok(full)
    }

    fn shows(&self, event: &SeqEvent) -> bool {
        self.types.is_empty() || self.types.contains(&event.event.event_type)
    }

    /// Says how far tasks are, of which something changed since it was said.
    async fn progress(&mut self) -> Result<(), ApiError> {
        let running = self
            .state
            .live()
            .running(self.state.ledger(), self.state.seams())
            .await?;
        if self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &running)) {
            return Ok(());
        }
        let scope = self.reader.access().scope();
        let mut said = HashMap::with_capacity(running.len());
        for notice in running.iter().filter(|notice| visible(&scope, notice)) {
            if self.said.get(&notice.upid) != Some(notice) {
                self.ready.push_back(event("progress", None, notice));
            }
            said.insert(notice.upid.clone(), notice.clone());
        }
        self.said = said;
        self.seen = Some(running);
        Ok(())
    }

    /// Says that the stream lives, and how far it is. None when the token ended meanwhile.
    async fn ping(&mut self) -> Option<()> {
        self.reader.look(&self.state).await?;
        let ping = Ping {
            time: self.state.seams().now(),
        };
        self.ready
            .push_back(event("ping", Some(self.place.to_string()), &ping));
        Some(())
    }

    /// Waits for something to look at. None when the server or the ledger ends.
    async fn wait(&mut self) -> Option<()> {
        let next = self.next_ping.min(self.next_progress);
        tokio::select! {
            () = self.state.shutdown().cancelled() => None,
            woken = self.wake.changed() => woken.ok(),
            lost = self.reader.changed() => lost,
            () = self.state.seams().sleep_to(next) => Some(()),
        }
    }
}

fn visible(scope: &Scope, notice: &ProgressNotice) -> bool {
    scope
        .project()
        .is_none_or(|mine| notice.project.as_ref() == Some(mine))
}

fn log_end(error: &ApiError) {
    tracing::warn!(%error, "an event stream ends");
}
