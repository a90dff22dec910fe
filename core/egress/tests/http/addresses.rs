//! Where requests may go, and which are not sent at all. What is answered is left to `answers`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ironcore_egress::{AllowList, EgressOptions, FailureClass, HttpRequest, Looking, Lookup};
use ironcore_types::ErrorCode;

use crate::client::{bench, loopback};
use crate::server::{Server, answer};

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
