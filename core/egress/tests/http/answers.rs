//! What becomes of answers: statuses, lengths, silence, whole fetches. What must not be seen in them is left to
//! `secrets`.

use std::time::Duration;

use ironcore_egress::{FailureClass, FetchRequest, Fingerprint, HttpRequest, MAX_ANSWER};
use ironcore_types::ErrorCode;
use tokio::io::AsyncWriteExt;

use crate::client::{bench, loopback};
use crate::server::{Server, answer};

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
