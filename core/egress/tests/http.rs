//! HTTP against servers that misbehave: a few lines of TCP each, on loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ironcore_egress::{
    AllowList, Egress, EgressOptions, FailureClass, FetchRequest, Fingerprint, HttpRequest, Looking, Lookup,
    MAX_ANSWER, SecretName, SecretSlot, Secrets, SignSpec,
};
use ironcore_types::seams::{Clock, Random};
use ironcore_types::{ErrorCode, Seams, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-05-21T12:00:00Z".parse().expect("time")
    }
    fn sleep_until(&self, _: Timestamp) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

impl Random for Noon {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct Bench {
    egress: Egress,
    _dir: tempfile::TempDir,
}

fn bench(options: EgressOptions) -> Bench {
    let dir = tempfile::tempdir().expect("dir");
    let secrets = Secrets::open(&dir.path().join("secrets"), &dir.path().join("key")).expect("secrets");
    let seams = Seams::new(Arc::new(Noon), Arc::new(Noon));
    Bench {
        egress: Egress::new(options, secrets, seams).expect("egress"),
        _dir: dir,
    }
}

fn loopback() -> EgressOptions {
    EgressOptions {
        allow: AllowList::parse(["127.0.0.0/8"]).expect("list"),
        ..EgressOptions::default()
    }
}

fn name(text: &str) -> SecretName {
    SecretName::new(text).expect("name")
}

/// Serves every connection with `answer`, which gets the request's bytes; counts the connections.
struct Server {
    url: String,
    seen: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Server {
    async fn start<F, A>(answer: F) -> Self
    where
        F: Fn(String, TcpStream) -> A + Send + Sync + 'static,
        A: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let seen = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&seen);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let request = read_request(&mut stream).await;
                connections.spawn(answer(request, stream));
            }
        });
        Self {
            url,
            seen,
            _tasks: tasks,
        }
    }

    async fn saying(answer: String) -> Self {
        Self::start(move |_, mut stream| {
            let answer = answer.clone();
            async move {
                // The client may have hung up already, which is its right.
                let _sent = stream.write_all(answer.as_bytes()).await;
            }
        })
        .await
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut part = [0; 4096];
    loop {
        let length = stream.read(&mut part).await.unwrap_or(0);
        text.extend_from_slice(&part[..length]);
        let whole = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = whole.split_once("\r\n\r\n") else {
            if length == 0 {
                return whole;
            }
            continue;
        };
        let announced = head
            .to_ascii_lowercase()
            .lines()
            .find_map(|l| l.strip_prefix("content-length: ")?.parse().ok());
        if length == 0 || body.len() >= announced.unwrap_or(0) {
            return whole;
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn private_addresses_are_refused_in_every_form() {
    let bench = bench(EgressOptions::default());
    let server = Server::saying(answer("200 OK", "", "")).await;
    let port = server.url.rsplit(':').next().expect("port").to_owned();
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "0",
    ] {
        let failure = bench
            .egress
            .http(HttpRequest::new("GET", format!("http://{host}:{port}/")))
            .await
            .expect_err(host);
        assert_eq!(
            (failure.code, failure.class),
            (ErrorCode::DeliveryAddress, FailureClass::Message),
            "{host}: {failure}"
        );
        assert!(!failure.retry);
    }
    let metadata = bench
        .egress
        .http(HttpRequest::new(
            "GET",
            "http://169.254.169.254/latest/meta-data/",
        ))
        .await;
    assert_eq!(metadata.expect_err("metadata").code, ErrorCode::DeliveryAddress);
    assert_eq!(server.seen.load(Ordering::SeqCst), 0);
}

/// A name server that answers with a public address first and a private one from then on.
struct Rebinding(AtomicUsize);

impl Lookup for Rebinding {
    fn lookup(&self, _: &str) -> Looking {
        let first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
        // The first is on the allow-list of the test, in place of a public one that could be dialled here.
        let address = if first { "127.0.0.1" } else { "127.0.0.2" };
        Box::pin(async move { Ok(vec![address.parse().expect("address")]) })
    }
}

#[tokio::test]
async fn a_name_that_changes_its_address_is_checked_again() {
    let options = EgressOptions {
        allow: AllowList::parse(["127.0.0.1"]).expect("list"),
        lookup: Arc::new(Rebinding(AtomicUsize::new(0))),
        ..EgressOptions::default()
    };
    let bench = bench(options);
    let server = Server::saying(answer("200 OK", "", "")).await;
    let url = server.url.replace("127.0.0.1", "rebind.example");
    assert_eq!(
        bench
            .egress
            .http(HttpRequest::new("GET", &url))
            .await
            .expect("allowed")
            .status,
        200
    );
    let failure = bench
        .egress
        .http(HttpRequest::new("GET", &url))
        .await
        .expect_err("rebound");
    assert_eq!(failure.code, ErrorCode::DeliveryAddress);
    assert!(failure.reason.contains("127.0.0.2"), "{failure}");
    assert_eq!(server.seen.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = Server::saying(answer("200 OK", "", "")).await;
    let server = Server::saying(answer("302 Found", &format!("location: {}\r\n", target.url), "")).await;
    let bench = bench(loopback());
    let response = bench
        .egress
        .http(HttpRequest::new("POST", &server.url))
        .await
        .expect("answer");
    assert_eq!(response.status, 302);
    let failure = response.failure().expect("no success");
    assert_eq!(
        (failure.class, failure.retry, failure.code),
        (FailureClass::Message, false, ErrorCode::DeliveryRejected)
    );
    assert_eq!(target.seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn statuses_are_classified_and_retry_after_is_read() {
    for (status, class, retry) in [
        ("400 Bad", FailureClass::Message, false),
        ("401 No", FailureClass::Message, false),
        ("404 No", FailureClass::Message, false),
        ("410 Gone", FailureClass::Message, false),
        ("408 Slow", FailureClass::Lane, true),
        ("429 Many", FailureClass::Lane, true),
        ("500 Ill", FailureClass::Lane, true),
        ("503 Ill", FailureClass::Lane, true),
    ] {
        let server = Server::saying(answer(
            status,
            "Retry-After: Thu, 21 May 2026 12:02:00 GMT\r\n",
            "sorry",
        ))
        .await;
        let bench = bench(loopback());
        let response = bench
            .egress
            .http(HttpRequest::new("POST", &server.url))
            .await
            .expect("answer");
        let failure = response.failure().expect("failure");
        assert_eq!((failure.class, failure.retry), (class, retry), "{status}");
        assert_eq!(failure.retry_after, Some(Duration::from_secs(120)));
        assert_eq!(failure.status, Some(response.status));
    }
}

#[tokio::test]
async fn secrets_go_in_and_never_come_out() {
    let echo = Server::start(|request, mut stream| async move {
        let body = format!("you said: {request}");
        let sent = answer("400 Bad Request", "x-request-id: token-of-the-header\r\n", &body);
        stream.write_all(sent.as_bytes()).await.expect("send");
    })
    .await;
    let bench = bench(loopback());
    let secrets = bench.egress.secrets();
    for (key, value) in [
        ("path", "segment/of the path"),
        ("query", "value&of=query"),
        ("header", "token-of-the-header"),
        ("basic", "password: of basic"),
        ("body", "key \"in\" body"),
        ("sign", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ] {
        secrets.seal(&name(key), &value.into()).expect("seal");
    }
    let mut request = HttpRequest::new("POST", format!("{}/hook/x", echo.url));
    request.body = br#"{"text":"hello"}"#.to_vec();
    request.slots = vec![
        SecretSlot::PathSegment {
            index: 1,
            secret: name("path"),
        },
        SecretSlot::Query {
            name: "k".into(),
            secret: name("query"),
        },
        SecretSlot::Header {
            name: "x-token".into(),
            prefix: String::new(),
            secret: name("header"),
        },
        SecretSlot::Basic {
            user: "hub".into(),
            secret: name("basic"),
        },
        SecretSlot::Body {
            pointer: "/key".into(),
            secret: name("body"),
        },
    ];
    request.sign = Some(SignSpec {
        id: "msg_1".into(),
        timestamp: Noon.now(),
        secrets: vec![name("sign")],
    });
    let response = bench.egress.http(request).await.expect("answer");
    let body = response.body_text();
    assert!(
        body.contains("POST /hook/[redacted]?k=[redacted] HTTP/1.1"),
        "{body}"
    );
    assert!(body.contains("x-token: [redacted]"), "{body}");
    assert!(body.contains("authorization: Basic [redacted]"), "{body}");
    assert!(body.contains(r#""key":"[redacted]""#), "{body}");
    assert!(body.contains("webhook-signature: v1,"), "{body}");
    let everything = format!("{response:?} {:?} {:?}", response.failure(), bench.egress);
    for part in [
        "segment",
        "of the path",
        "of=query",
        "token-of-the-header",
        "of basic",
        "in\\\" body",
        "MfKQ9r8",
    ] {
        assert!(!everything.contains(part), "{part} in {everything}");
    }
}

#[tokio::test]
async fn a_secret_url_stays_secret_when_it_cannot_be_reached() {
    let bench = bench(loopback());
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind")
        .local_addr()
        .expect("address");
    let url = format!("http://{free}/services/T0001/very-secret-part");
    bench
        .egress
        .secrets()
        .seal(&name("hook"), &url.as_str().into())
        .expect("seal");
    let mut request = HttpRequest::new("POST", "");
    request.slots = vec![SecretSlot::Url { secret: name("hook") }];
    let failure = bench
        .egress
        .http(request.clone())
        .await
        .expect_err("nobody listens");
    assert_eq!((failure.class, failure.retry), (FailureClass::Lane, true));
    assert!(!failure.reason.contains("very-secret"), "{failure}");

    request.slots = vec![SecretSlot::Url {
        secret: name("other"),
    }];
    let failure = bench.egress.http(request).await.expect_err("no secret");
    assert_eq!(
        (failure.code, failure.class),
        (ErrorCode::SecretMissing, FailureClass::Message)
    );
}

#[tokio::test]
async fn long_slow_and_broken_answers_are_cut() {
    let bench = bench(loopback());
    let endless = Server::start(|_, mut stream| async move {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n";
        let mut more = stream.write_all(head.as_bytes()).await.is_ok();
        while more {
            more = stream.write_all(&[b'x'; 65536]).await.is_ok();
        }
    })
    .await;
    let response = bench
        .egress
        .http(HttpRequest::new("GET", &endless.url))
        .await
        .expect("answer");
    assert_eq!((response.body.len(), response.truncated), (MAX_ANSWER, true));

    let silent = Server::start(|_, stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let mut request = HttpRequest::new("GET", &silent.url);
    request.timeout = Duration::from_millis(100);
    let failure = bench.egress.http(request).await.expect_err("silence");
    assert_eq!(
        (failure.class, failure.code),
        (FailureClass::Lane, ErrorCode::DeliveryUnreachable)
    );
    assert!(failure.reason.contains("did not answer"), "{failure}");

    let hanging = Server::start(|_, mut stream| async move {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
            .await
            .expect("send");
        std::future::pending::<()>().await;
    })
    .await;
    let mut request = HttpRequest::new("GET", &hanging.url);
    request.timeout = Duration::from_millis(300);
    let response = bench.egress.http(request).await.expect("the status was given");
    assert_eq!(
        (response.status, response.body.as_slice(), response.truncated),
        (200, &b"half"[..], true)
    );

    let cut = Server::saying("HTTP/1.1 200".into()).await;
    let failure = bench
        .egress
        .http(HttpRequest::new("GET", &cut.url))
        .await
        .expect_err("cut");
    assert_eq!(failure.class, FailureClass::Lane, "{failure}");
}

#[tokio::test]
async fn requests_that_make_no_sense_are_not_sent() {
    let bench = bench(loopback());
    let server = Server::saying(answer("200 OK", "", "")).await;
    let with_header = |name: &str, value: &str| HttpRequest {
        headers: vec![(name.into(), value.into())],
        ..HttpRequest::new("POST", &server.url)
    };
    for request in [
        with_header("host", "elsewhere.example"),
        with_header("Transfer-Encoding", "chunked"),
        with_header("x-a", "b\r\nx-c: d"),
        with_header("x a", "b"),
        HttpRequest::new("CONNECT", &server.url),
        HttpRequest::new("G ET", &server.url),
        HttpRequest::new("GET", "file:///etc/passwd"),
    ] {
        let failure = bench.egress.http(request.clone()).await.expect_err("refused");
        assert_eq!(failure.code, ErrorCode::RequestInvalid, "{request:?}");
    }
    assert_eq!(server.seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_fetch_is_whole_or_an_error() {
    let bench = bench(loopback());
    let server = Server::saying(answer("200 OK", "content-type: text/x\r\n", &"y".repeat(100_000))).await;
    let fetch = |max_answer| FetchRequest {
        request: HttpRequest::new("GET", &server.url),
        pin: None,
        max_answer,
    };
    let whole = bench.egress.fetch(fetch(100_000)).await.expect("whole");
    assert_eq!(
        (whole.body.len(), whole.content_type.as_deref()),
        (100_000, Some("text/x"))
    );
    assert!(bench.egress.fetch(fetch(99_999)).await.is_err());
    // A pin over plain HTTP must not pass for a checked connection.
    let pinned = FetchRequest {
        pin: Some(Fingerprint::of(b"x")),
        ..fetch(100_000)
    };
    assert_eq!(
        bench.egress.fetch(pinned).await.expect_err("no TLS").code,
        ErrorCode::RequestInvalid
    );
}
