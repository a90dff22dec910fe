//! A hundred endpoints of webhooks in this process, each on a port of its own: they answer 204, or never.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What came, by the id of the message: when it came first, how often, and the id of its event when that is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) first: Instant,
    pub(crate) times: u32,
    pub(crate) event: Option<String>,
}

struct Inbox {
    came: Mutex<HashMap<String, Came>>,
    count: watch::Sender<usize>,
    read_events: bool,
}

/// The endpoints; gone when dropped.
pub(crate) struct Endpoints {
    addresses: Vec<SocketAddr>,
    inbox: Arc<Inbox>,
    _tasks: JoinSet<()>,
}

impl Endpoints {
    /// Starts `count` of them, of which the first `deaf` take requests and never answer. With `read_events` each body is
    /// read for the id of its event.
    pub(crate) async fn start(count: usize, deaf: usize, read_events: bool) -> Result<Self> {
        let inbox = Arc::new(Inbox {
            came: Mutex::default(),
            count: watch::Sender::new(0),
            read_events,
        });
        let mut tasks = JoinSet::new();
        let mut addresses = Vec::new();
        for number in 0..count {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            addresses.push(listener.local_addr()?);
            let router = match number < deaf {
                true => Router::new().fallback(std::future::pending::<StatusCode>),
                false => Router::new().fallback(take).with_state(Arc::clone(&inbox)),
            };
            tasks.spawn(async move {
                // It serves until the endpoints are dropped.
                let _ended = axum::serve(listener, router).await;
            });
        }
        Ok(Self {
            addresses,
            inbox,
            _tasks: tasks,
        })
    }

    pub(crate) fn urls(&self) -> impl Iterator<Item = String> {
        self.addresses
            .iter()
            .map(|address| format!("http://{address}/hook"))
    }

    /// Waits until so many messages have come.
    pub(crate) async fn wait_for(&self, count: usize) -> Result<()> {
        let mut seen = self.inbox.count.subscribe();
        let enough = seen.wait_for(|came| *came >= count);
        let waited = tokio::time::timeout(Duration::from_secs(300), enough).await;
        ensure!(waited.is_ok(), "{} messages came, not {count}", self.came().len());
        Ok(())
    }

    /// What has come so far.
    pub(crate) fn came(&self) -> HashMap<String, Came> {
        self.inbox
            .came
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn take(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let now = Instant::now();
    let id = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let Some(message) = id("webhook-id").filter(|_| headers.contains_key("webhook-signature")) else {
        return StatusCode::BAD_REQUEST;
    };
    let event = inbox.read_events.then(|| event_of(&body)).flatten();
    let mut came = inbox.came.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = came.entry(message).or_insert(Came {
        first: now,
        times: 0,
        event,
    });
    entry.times += 1;
    inbox.count.send_replace(came.len());
    StatusCode::NO_CONTENT
}

/// The id of the event that a body tells of.
fn event_of(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Event {
        id: String,
    }
    serde_json::from_slice::<Event>(body).ok().map(|event| event.id)
}
