//! One event, one signed request.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ironcore_ledger::model::MessageState;
use ironcore_types::TaskState;
use serde_json::json;

use crate::receiver::Got;
use crate::world::{SIGNING, World, webhook};

/// Checks a request as the Standard Webhooks specification says.
pub(crate) fn verify(got: &Got) {
    let key = STANDARD
        .decode(SIGNING.strip_prefix("whsec_").expect("a prefix"))
        .expect("Base64");
    let mut content = format!(
        "{}.{}.",
        got.header("webhook-id"),
        got.header("webhook-timestamp")
    )
    .into_bytes();
    content.extend_from_slice(&got.body);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &content);
    let wanted = format!("v1,{}", STANDARD.encode(tag.as_ref()));
    assert!(
        got.header("webhook-signature")
            .split(' ')
            .any(|one| one == wanted),
        "the signature is not valid"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_exactly_one_signed_request() {
    let mut world = World::new(|receiver| json!([webhook(receiver, "hook", "/hook", &[])])).await;
    world.start();
    let task = world.task("nightly", TaskState::Failed).await;
    let messages = world.delivered(1).await;
    world.stop().await;

    let got = world.receiver.got();
    assert_eq!(got.len(), 1, "queued and started do not pass the default filter");
    verify(&got[0]);
    assert_eq!(got[0].header("webhook-id"), messages[0].id.to_string());
    assert_eq!(got[0].event_type(), "ironcore.task.failed");
    assert_eq!(got[0].json()["subject"], task.upid.to_string());
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].thread, task.upid.to_string());

    let attempts = world.attempts(&messages[0]).await;
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].status, Some(200));
    let [exchange] = attempts[0].exchanges.as_slice() else {
        panic!("one request: {:?}", attempts[0]);
    };
    assert!(
        exchange.request.starts_with("POST http://127.0.0.1"),
        "{exchange:?}"
    );
    assert_eq!(
        (exchange.status, exchange.body.as_str(), exchange.truncated),
        (Some(200), "taken", false)
    );
    assert!(
        exchange.headers.iter().any(|(name, _)| name == "content-length"),
        "{exchange:?}"
    );
    let record = format!("{:?}", attempts[0]);
    assert!(!record.contains(SIGNING), "a secret is in the record");
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_again_makes_nothing_twice() {
    let mut world = World::new(|receiver| json!([webhook(receiver, "hook", "/hook", &[])])).await;
    world.task("nightly", TaskState::Ok).await;
    for _ in 0..3 {
        world.start();
        world.delivered(1).await;
        world.stop().await;
    }
    assert_eq!(world.receiver.got().len(), 1);
    assert_eq!(world.messages().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_handlers_of_a_group_are_each_told_once() {
    let mut world = World::new(|receiver| {
        json!([
            webhook(receiver, "one", "/one", &[]),
            webhook(receiver, "two", "/two", &["task.failed"]),
            webhook(receiver, "three", "/three", &["task.warning"]),
        ])
    })
    .await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    world.task("other", TaskState::Ok).await;
    world.delivered(3).await;
    world.stop().await;
    assert_eq!(world.receiver.got_at("/one").len(), 2);
    assert_eq!(world.receiver.got_at("/two").len(), 1);
    assert!(world.receiver.got_at("/three").is_empty());
    assert!(
        world
            .messages()
            .await
            .iter()
            .all(|message| message.state == MessageState::Delivered)
    );
}
