//! Server-sent events: what all streams share.
//!
//! Each stream reads the ledger from a place on, waits until the ledger says "look again", and reads on. So it has
//! neither gaps nor repetitions, however often it is cut and resumed. Who asks is looked up again at every ping, and as soon
//! as anybody has lost a token, a login or a role.

mod events;
mod log;
mod tail;

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::access::Access;
use crate::auth::access_of;
use crate::error::ApiError;
use crate::extract::parameter;
use crate::state::ApiState;

pub(crate) use events::EventFeed;
pub(crate) use log::LogFeed;
pub(crate) use tail::Tails;

/// How often a stream says that it lives.
pub(crate) const PING: Duration = Duration::from_secs(15);

/// Who reads a stream: looked up again when somebody has lost something, and at every ping.
pub(crate) struct Reader {
    access: Access,
    changed: watch::Receiver<u64>,
}

impl Reader {
    pub(crate) fn new(state: &ApiState, access: Access) -> Self {
        Self {
            access,
            changed: state.ledger().wakes().access,
        }
    }

    /// As it was known last.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// Looks it up. None when it may read no more, or sees something else than before; whoever may resumes.
    pub(crate) async fn look(&mut self, state: &ApiState) -> Option<()> {
        self.changed.borrow_and_update();
        match access_of(state.ledger(), self.access.key).await {
            Ok(Some(access)) if access.project == self.access.project => {
                self.access = access;
                Some(())
            }
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(%error, "a stream ends");
                None
            }
        }
    }

    /// Looks it up if somebody has lost something since.
    pub(crate) async fn look_if_changed(&mut self, state: &ApiState) -> Option<()> {
        match self.changed.has_changed() {
            Ok(false) => Some(()),
            Ok(true) => self.look(state).await,
            Err(_) => None,
        }
    }

    /// Until somebody has lost something. None when the ledger ends.
    pub(crate) async fn changed(&mut self) -> Option<()> {
        self.changed.changed().await.ok()?;
        // Seen by nobody yet: the stream looks before it goes on.
        self.changed.mark_changed();
        Some(())
    }
}

/// Where a stream is to go on: `Last-Event-ID`, else the parameter `after`.
pub(crate) fn resume<T: std::str::FromStr>(
    headers: &HeaderMap,
    after: Option<T>,
) -> Result<Option<T>, ApiError> {
    match headers.get("last-event-id") {
        None => Ok(after),
        Some(value) => {
            let text = value.to_str().unwrap_or_default().trim();
            if text.is_empty() {
                return Ok(after);
            }
            text.parse()
                .map(Some)
                .map_err(|_| parameter("Last-Event-ID", &"it must be a number"))
        }
    }
}

/// A place among the open streams, kept until the stream ends.
pub(crate) fn permit(state: &ApiState) -> Result<OwnedSemaphorePermit, ApiError> {
    state
        .streams()
        .clone()
        .try_acquire_owned()
        .map_err(|_| ApiError::Invalid {
            code: ironcore_types::ErrorCode::Overloaded,
            detail: "Too many streams are open; try again later.".to_owned(),
            faults: Vec::new(),
        })
}

/// One event of a stream.
pub(crate) fn event<T: Serialize>(name: &str, id: Option<String>, data: &T) -> Event {
    // Wire types always become JSON, on one line.
    let event = Event::default()
        .event(name)
        .data(serde_json::to_string(data).unwrap_or_default());
    match id {
        Some(id) => event.id(id),
        None => event,
    }
}

/// One event of a stream, as its text: where there are many at once, they travel together.
pub(crate) fn text<T: Serialize>(whole: &mut String, name: &str, id: u64, data: &T) {
    // Wire types always become JSON, on one line.
    let data = serde_json::to_string(data).unwrap_or_default();
    whole.extend([
        "event: ",
        name,
        "\ndata: ",
        &data,
        "\nid: ",
        &id.to_string(),
        "\n\n",
    ]);
}

/// The answer that carries a stream.
pub(crate) fn answer<S>(stream: S) -> Response
where
    S: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    streamed(Sse::new(stream).into_response())
}

/// The answer that carries a stream of the text of events.
pub(crate) fn answer_text<S>(stream: S) -> Response
where
    S: Stream<Item = Result<Bytes, Infallible>> + Send + 'static,
{
    let kind = (header::CONTENT_TYPE, "text/event-stream");
    streamed(([kind], Body::from_stream(stream)).into_response())
}

/// Proxies are told not to hold it back.
fn streamed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
