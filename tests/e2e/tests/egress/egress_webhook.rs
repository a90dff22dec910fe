//! Webhooks: a real receiver over HTTP and HTTPS, signatures checked by the reference library.

use std::time::Duration;

use ironcore_egress::{FailureClass, FetchRequest, Fingerprint, HttpRequest, SignSpec};
use ironcore_testkit::tls::TestCa;
use ironcore_testkit::webhook::{Answer, WebhookReceiver, verify_ed25519, verify_standard_webhook};
use ironcore_types::ErrorCode;

use crate::{Bench, bench, secret};

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Keys of RFC 8032, section 7.1: the first two with their public halves.
const PRIVATE: &str = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const PUBLIC: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const NEXT_PRIVATE: &str = "whsk_TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs=";
const NEXT_PUBLIC: &str = "whpk_PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=";

fn signed(bench: &Bench, url: &str, secrets: &[&str]) -> HttpRequest {
    HttpRequest {
        headers: vec![("content-type".into(), "application/json".into())],
        body: r#"{"type":"ironcore.task.failed","title":"größer"}"#.into(),
        sign: Some(SignSpec {
            id: "0199aa00-0000-7000-8000-000000000001".into(),
            timestamp: bench.now,
            secrets: secrets.iter().map(|s| secret(s)).collect(),
        }),
        ..HttpRequest::new("POST", url)
    }
}

#[tokio::test]
async fn signatures_hold_for_the_reference_library() {
    let bench = bench(&[], &[("old", OLD), ("new", NEW)]);
    let receiver = WebhookReceiver::start().await.expect("receiver");
    receiver.script([
        Answer::status(500).header("retry-after", "7"),
        Answer::status(200),
    ]);

    let first = bench
        .egress
        .http(signed(&bench, receiver.url(), &["new", "old"]))
        .await
        .expect("answer");
    let failure = first.failure().expect("500");
    assert_eq!(
        (failure.class, failure.retry_after),
        (FailureClass::Lane, Some(Duration::from_secs(7)))
    );
    assert!(
        bench
            .egress
            .http(signed(&bench, receiver.url(), &["old"]))
            .await
            .expect("answer")
            .is_success()
    );

    let received = receiver
        .wait_for(2, Duration::from_secs(5))
        .await
        .expect("requests");
    assert_eq!(
        received[0].header("webhook-id"),
        received[1].header("webhook-id"),
        "one id for all attempts"
    );
    for (secret, request, holds) in [
        (NEW, &received[0], true),
        (OLD, &received[0], true),
        (OLD, &received[1], true),
        (NEW, &received[1], false),
    ] {
        let verified = verify_standard_webhook(secret, &request.headers, &request.body);
        assert_eq!(verified.is_ok(), holds, "{verified:?}");
    }
    let mut changed = received[1].body.clone();
    changed.push(b' ');
    assert!(
        verify_standard_webhook(OLD, &received[1].headers, &changed).is_err(),
        "a changed body"
    );
}

#[tokio::test]
async fn asymmetric_signatures_hold_alone_and_in_every_rotation() {
    let keys = [
        ("private", PRIVATE),
        ("next", NEXT_PRIVATE),
        ("old", OLD),
        ("new", NEW),
    ];
    let bench = bench(&[], &keys);
    let receiver = WebhookReceiver::start().await.expect("receiver");
    let rotations: [(&[&str], &str); 4] = [
        (&["private"], "v1a"),
        (&["next", "private"], "v1a v1a"),
        (&["private", "old"], "v1a v1"),
        (&["new", "private"], "v1 v1a"),
    ];
    for (secrets, versions) in rotations {
        let answer = bench.egress.http(signed(&bench, receiver.url(), secrets)).await;
        assert!(answer.expect("answer").is_success());
        let received = receiver.received().pop().expect("a request");
        let (headers, body) = (received.headers.as_slice(), received.body.as_slice());
        let told = received.header("webhook-signature").expect("signatures");
        let told: Vec<&str> = told.split(' ').filter_map(|one| one.split(',').next()).collect();
        assert_eq!(told.join(" "), versions);
        for (public, name) in [(PUBLIC, "private"), (NEXT_PUBLIC, "next")] {
            let verified = verify_ed25519(public, headers, body);
            assert_eq!(
                verified.is_ok(),
                secrets.contains(&name),
                "{secrets:?} {name}: {verified:?}"
            );
        }
        // Who knows HMAC alone passes over the other version.
        for (shared, name) in [(OLD, "old"), (NEW, "new")] {
            let verified = verify_standard_webhook(shared, headers, body);
            assert_eq!(
                verified.is_ok(),
                secrets.contains(&name),
                "{secrets:?} {name}: {verified:?}"
            );
        }
        let mut changed = body.to_vec();
        changed.push(b' ');
        assert!(
            verify_ed25519(PUBLIC, headers, &changed).is_err(),
            "a changed body"
        );
    }
    let listed = bench.egress.secrets().describe(&secret("private")).expect("kept");
    assert_eq!(listed.public_key.as_deref(), Some(PUBLIC));
}

#[tokio::test]
async fn https_wants_a_known_authority_or_the_pinned_certificate() {
    let authority = TestCa::new().expect("authority");
    let certificate = authority.issue(&[]).expect("certificate");
    let receiver = WebhookReceiver::start_tls(&certificate).await.expect("receiver");

    let trusting = bench(&[authority.pem()], &[]);
    let response = trusting
        .egress
        .http(HttpRequest::new("POST", receiver.url()))
        .await
        .expect("trusted");
    assert_eq!(response.status, 204);

    let distrusting = bench(&[], &[]);
    let failure = distrusting
        .egress
        .http(HttpRequest::new("POST", receiver.url()))
        .await
        .expect_err("unknown");
    assert_eq!(failure.class, FailureClass::Lane, "{failure}");
    let fetch = |pin| FetchRequest {
        request: HttpRequest::new("GET", receiver.url()),
        pin: Some(pin),
        max_answer: 100,
    };
    assert_eq!(
        distrusting
            .egress
            .fetch(fetch(Fingerprint::of(&certificate.der)))
            .await
            .expect("pinned")
            .status,
        204
    );
    let failure = distrusting
        .egress
        .fetch(fetch(Fingerprint::of(b"another")))
        .await
        .expect_err("wrong pin");
    assert_eq!(failure.code, ErrorCode::RemoteFingerprint, "{failure}");
}

#[tokio::test]
async fn a_connection_cut_before_the_answer_is_the_lanes_failure() {
    let bench = bench(&[], &[]);
    let receiver = WebhookReceiver::start().await.expect("receiver");
    receiver.script([Answer::cut(), Answer::status(410)]);
    let failure = bench
        .egress
        .http(HttpRequest::new("POST", receiver.url()))
        .await
        .expect_err("cut");
    assert_eq!(
        (failure.class, failure.retry),
        (FailureClass::Lane, true),
        "{failure}"
    );
    let gone = bench
        .egress
        .http(HttpRequest::new("POST", receiver.url()))
        .await
        .expect("answer")
        .failure();
    let gone = gone.expect("410");
    assert_eq!(
        (gone.class, gone.retry, gone.status),
        (FailureClass::Message, false, Some(410))
    );
}
