//! A webhook receiver that remembers what it got and answers as it is told.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use ironcore_types::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::time::Hands;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no header {name}"))
            .to_str()
            .expect("text")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn event_type(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Status(u16),
    /// A status, with all that was sent as its body and in a header.
    Echo(u16),
    /// A status, with the query of the address as its body, as it came and with its escapes read.
    EchoQuery(u16),
    /// A status and `retry-after` in seconds.
    Later(u16, u64),
    /// Nothing, until the connection goes.
    Hang,
    /// 200, but only when this is told.
    Held(Arc<Notify>),
    /// A status, but only when this is told.
    HeldAs(u16, Arc<Notify>),
}

/// One request in that span, by this clock, and when the last was taken.
struct Rate {
    clock: Hands,
    span: Duration,
    last: Option<Timestamp>,
}

impl Rate {
    /// Whether one more is taken now.
    fn takes(&mut self) -> bool {
        let now = self.clock.now();
        let free = self.last.is_none_or(|last| now.since(last) >= self.span);
        if free {
            self.last = Some(now);
        }
        free
    }
}

#[derive(Default)]
struct Script {
    got: Vec<Got>,
    rates: HashMap<String, Rate>,
    answers: HashMap<String, VecDeque<Answer>>,
    always: HashMap<String, Answer>,
}

/// The script, and how many requests came.
type Memory = (Arc<Mutex<Script>>, Arc<watch::Sender<usize>>);

#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    script: Arc<Mutex<Script>>,
    count: Arc<watch::Sender<usize>>,
    _server: Arc<JoinSet<()>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let script = Arc::new(Mutex::new(Script::default()));
        let count = Arc::new(watch::Sender::new(0));
        let router = Router::new()
            .route("/{*path}", any(take))
            .with_state((Arc::clone(&script), Arc::clone(&count)));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Self {
            address,
            script,
            count,
            _server: Arc::new(server),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers the next requests to `path` in this way, then 200.
    pub(crate) fn answer(&self, path: &str, answers: &[Answer]) {
        let mut script = self.script.lock().expect("script");
        script
            .answers
            .entry(path.to_owned())
            .or_default()
            .extend(answers.iter().cloned());
    }

    /// Answers every request to `path` in this way, or as before when there is none.
    pub(crate) fn always(&self, path: &str, answer: Option<Answer>) {
        let mut script = self.script.lock().expect("script");
        match answer {
            Some(answer) => script.always.insert(path.to_owned(), answer),
            None => script.always.remove(path),
        };
    }

    /// Takes one request to `path` in that span, and says of others that it does when that is over.
    pub(crate) fn takes_one_in(&self, path: &str, span: Duration, clock: &Hands) {
        let rate = Rate {
            clock: clock.clone(),
            span,
            last: None,
        };
        let mut script = self.script.lock().expect("script");
        script.rates.insert(path.to_owned(), rate);
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.script.lock().expect("script").got.clone()
    }

    pub(crate) fn got_at(&self, path: &str) -> Vec<Got> {
        self.got().into_iter().filter(|got| got.path == path).collect()
    }

    /// Waits until so many requests have come in all.
    pub(crate) async fn wait(&self, count: usize) {
        let mut receiver = self.count.subscribe();
        let waited = receiver.wait_for(|got| *got >= count);
        tokio::time::timeout(std::time::Duration::from_secs(60), waited)
            .await
            .unwrap_or_else(|_| panic!("{count} requests wanted, {} came", self.got().len()))
            .expect("the sender lives");
    }
}

async fn take(State((script, count)): State<Memory>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path().to_owned();
    let answer = {
        let mut script = script.lock().expect("script");
        script.got.push(Got {
            path: path.clone(),
            headers,
            body: body.clone(),
        });
        let next = script.answers.get_mut(&path).and_then(VecDeque::pop_front);
        let too_fast = script.rates.get_mut(&path).and_then(|rate| {
            let later = Answer::Later(429, rate.span.as_secs());
            (!rate.takes()).then_some(later)
        });
        next.or(too_fast).or_else(|| script.always.get(&path).cloned())
    };
    count.send_modify(|count| *count += 1);
    let status = |code| StatusCode::from_u16(code).expect("a status");
    match answer {
        None => "taken".into_response(),
        Some(Answer::Status(code)) => (status(code), "as told").into_response(),
        Some(Answer::Echo(code)) => {
            let sent = String::from_utf8_lossy(&body).into_owned();
            (status(code), [("x-request-id", sent.clone())], sent).into_response()
        }
        Some(Answer::EchoQuery(code)) => {
            let query = uri.query().unwrap_or_default();
            let read = query.replace("%2F", "/").replace("%2B", "+");
            (status(code), format!("no such hook: {query} ({read})")).into_response()
        }
        Some(Answer::Later(code, seconds)) => {
            (status(code), [("retry-after", seconds.to_string())], "later").into_response()
        }
        Some(Answer::Hang) => std::future::pending().await,
        Some(Answer::HeldAs(code, until)) => {
            until.notified().await;
            status(code).into_response()
        }
        Some(Answer::Held(until)) => {
            until.notified().await;
            "taken".into_response()
        }
    }
}
