//! Secrets go into requests and come out nowhere. Where requests may go is left to `addresses`.

use ironcore_egress::{FailureClass, HttpRequest, SecretSlot, SignSpec};
use ironcore_types::ErrorCode;
use ironcore_types::seams::Clock;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::client::{Noon, bench, loopback, name};
use crate::server::{Server, answer};

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
    request.body = br#"{"text":"see https://hub.example/eyJsaW5r.c2lnbmVk"}"#.to_vec();
    // No secret of the hub, but whoever has it may do something.
    request.hide = vec!["eyJsaW5r.c2lnbmVk".to_owned()];
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
    assert!(body.contains("see https://hub.example/[redacted]"), "{body}");
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
        "eyJsaW5r",
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
