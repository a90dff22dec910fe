//! A receiver of webhooks on a free port, over HTTP or HTTPS: it records what comes and answers as told.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::Response;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::python;
use crate::targets::Target;
use crate::tls::ServerCertificate;

/// A free port of the loopback address.
const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Vec<u8>,
    /// The status it was answered with; 0 when the connection was cut.
    pub answered: u16,
}

impl Received {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body).context("the body is not JSON")
    }
}

/// How to answer a request.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    wait: Duration,
    cut: bool,
}

impl Answer {
    /// A status without a body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// A header more.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body.
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// Only after this time.
    pub fn after(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Its status.
    pub fn code(&self) -> u16 {
        self.status
    }

    /// No answer: the connection ends.
    pub fn cut() -> Self {
        Self {
            cut: true,
            ..Self::default()
        }
    }
}

struct Shared {
    script: Mutex<VecDeque<Answer>>,
    default: Mutex<Answer>,
    target: Mutex<Option<Arc<Target>>>,
    received: Mutex<Vec<Received>>,
    count: watch::Sender<usize>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The receiver; gone when dropped.
pub struct WebhookReceiver {
    url: String,
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl WebhookReceiver {
    /// Starts over HTTP. Answers 204 until told otherwise.
    pub async fn start() -> Result<Self> {
        Self::launch(ANYWHERE, None).await
    }

    /// Starts over HTTP at this address, which must be free.
    pub async fn start_at(address: SocketAddr) -> Result<Self> {
        Self::launch(address, None).await
    }

    /// Starts over HTTPS.
    pub async fn start_tls(certificate: &ServerCertificate) -> Result<Self> {
        Self::launch(ANYWHERE, Some(TlsAcceptor::from(certificate.server_config()?))).await
    }

    async fn launch(address: SocketAddr, tls: Option<TlsAcceptor>) -> Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Arc::new(Shared {
            script: Mutex::default(),
            default: Mutex::new(Answer::status(204)),
            target: Mutex::default(),
            received: Mutex::default(),
            count: watch::Sender::new(0),
        });
        let router = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        let service = router.into_make_service_with_connect_info::<Switch>();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // It serves until the receiver is dropped.
            let _ended = axum::serve(Door { listener, tls }, service).await;
        });
        Ok(Self {
            url: format!("{scheme}://{address}"),
            address,
            shared,
            _tasks: tasks,
        })
    }

    /// Its base URL, with the address in digits.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The answers to the next requests, in order; after them the default counts.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        locked(&self.shared.script).extend(answers);
    }

    /// The answer to all requests without one of their own.
    pub fn set_default(&self, answer: Answer) {
        *locked(&self.shared.default) = answer;
    }

    /// Answers all requests without an answer of their own as this target would.
    pub fn behave_like(&self, target: Arc<Target>) {
        *locked(&self.shared.target) = Some(target);
    }

    /// What has come so far.
    pub fn received(&self) -> Vec<Received> {
        locked(&self.shared.received).clone()
    }

    /// Waits until `count` requests have come, and gives them all; an error after `patience`.
    pub async fn wait_for(&self, count: usize, patience: Duration) -> Result<Vec<Received>> {
        let mut seen = self.shared.count.subscribe();
        let enough = seen.wait_for(|n| *n >= count);
        if tokio::time::timeout(patience, enough).await.is_err() {
            bail!(
                "{} requests came within {patience:?}, not {count}",
                self.received().len()
            );
        }
        Ok(self.received())
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20).await.unwrap_or_default();
    let text = |v: &axum::http::HeaderValue| String::from_utf8_lossy(v.as_bytes()).into_owned();
    let mut received = Received {
        method: head.method.to_string(),
        target: head
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: body.to_vec(),
        answered: 0,
    };
    let scripted = locked(&shared.script).pop_front();
    let target = locked(&shared.target).clone();
    let answer = scripted
        .or_else(|| target.map(|target| target.answer(&received)))
        .unwrap_or_else(|| locked(&shared.default).clone());
    received.answered = if answer.cut { 0 } else { answer.status };
    locked(&shared.received).push(received);
    shared.count.send_modify(|count| *count += 1);
    tokio::time::sleep(answer.wait).await;
    if answer.cut {
        switch.0.store(true, Ordering::SeqCst);
    }
    let mut response = Response::builder().status(if answer.cut { 200 } else { answer.status });
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    // A script that makes no valid answer shows as a 500 in the test.
    response.body(Body::from(answer.body)).unwrap_or_else(|_| {
        let mut failed = Response::new(Body::from("the test's answer is not valid"));
        *failed.status_mut() = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}

/// Breaks its connection once it is set.
#[derive(Debug, Clone, Default)]
struct Switch(Arc<AtomicBool>);

impl Connected<IncomingStream<'_, Door>> for Switch {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().switch.clone()
    }
}

struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Listener for Door {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else {
                continue;
            };
            let inner: Box<dyn Io> = match &self.tls {
                None => Box::new(stream),
                // One that does not trust the certificate is gone again.
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => Box::new(stream),
                    Err(_) => continue,
                },
            };
            return (
                Stream {
                    inner,
                    switch: Switch::default(),
                },
                address,
            );
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl Io for TcpStream {}
impl Io for tokio_rustls::server::TlsStream<TcpStream> {}

struct Stream {
    inner: Box<dyn Io>,
    switch: Switch,
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.switch.0.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Checks a signature with PyPI's `standardwebhooks`, the reference library; an error when it does not hold.
///
/// The library compares the timestamp with the real time: at most five minutes apart.
pub fn verify_standard_webhook(secret: &str, headers: &[(String, String)], body: &[u8]) -> Result<()> {
    const SCRIPT: &str = "
import json, sys
from standardwebhooks.webhooks import Webhook
given = json.load(sys.stdin)
Webhook(given['secret']).verify(bytes(given['body']), given['headers'], json_parse=False)
";
    let headers: serde_json::Map<String, serde_json::Value> = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let given = serde_json::json!({ "secret": secret, "headers": headers, "body": body });
    python::run(SCRIPT, given.to_string().as_bytes()).context("the signature does not hold")?;
    Ok(())
}

/// Checks with PyPI's `cryptography` that a request is signed by the owner of a public key, `whpk_…`; an error when it is
/// not. How old it is is not looked at.
pub fn verify_ed25519(public_key: &str, headers: &[(String, String)], body: &[u8]) -> Result<()> {
    const SCRIPT: &str = "
import base64, json, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
given = json.load(sys.stdin)
headers = given['headers']
key = Ed25519PublicKey.from_public_bytes(base64.b64decode(given['key'].removeprefix('whpk_')))
signed = f\"{headers['webhook-id']}.{headers['webhook-timestamp']}.\".encode() + bytes(given['body'])
def holds(signature):
    try:
        key.verify(base64.b64decode(signature), signed)
        return True
    except InvalidSignature:
        return False
versions = [one.split(',', 1) for one in headers['webhook-signature'].split(' ')]
sys.exit(not any(version == 'v1a' and holds(signature) for version, signature in versions))
";
    let headers: serde_json::Map<String, serde_json::Value> = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let given = serde_json::json!({ "key": public_key, "headers": headers, "body": body });
    python::run(SCRIPT, given.to_string().as_bytes()).context("the signature does not hold")?;
    Ok(())
}

/// The events of a request as PyPI's `cloudevents`, the reference library, reads them: `attributes` and `data` of each.
/// It reads batches event by event, for it knows no batches itself.
pub fn read_cloud_events(headers: &[(String, String)], body: &[u8]) -> Result<Vec<serde_json::Value>> {
    const SCRIPT: &str = "
import json, sys
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
given = json.load(sys.stdin)
headers, body = given['headers'], bytes(given['body'])
messages = [HTTPMessage(headers=headers, body=body)]
if headers['content-type'].startswith('application/cloudevents-batch+json'):
    one = {'content-type': 'application/cloudevents+json'}
    messages = [HTTPMessage(headers=one, body=json.dumps(event).encode()) for event in json.loads(body)]
events = [from_http_event(message) for message in messages]
attributes = lambda event: {k: v if isinstance(v, str) else v.isoformat() for k, v in event.get_attributes().items()}
print(json.dumps([{'attributes': attributes(event), 'data': event.get_data()} for event in events]))
";
    let headers: serde_json::Map<String, serde_json::Value> = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let given = serde_json::json!({ "headers": headers, "body": body });
    let read = python::run(SCRIPT, given.to_string().as_bytes()).context("these are no CloudEvents")?;
    Ok(serde_json::from_str(&read)?)
}
