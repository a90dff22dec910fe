//! Handlers that go while messages wait for them.

use std::sync::Arc;

use ironcore_ledger::model::{Message, MessageState};
use ironcore_types::{ErrorCode, EventType, TaskState};
use serde_json::json;
use tokio::sync::Notify;

use crate::digests::fanned_out;
use crate::receiver::Answer;
use crate::world::{World, webhook};

/// How many messages of the handler are in that state.
fn count(all: &[Message], handler: &str, state: MessageState) -> usize {
    let of = |one: &&Message| one.handler.handler.as_str() == handler && one.state == state;
    all.iter().filter(of).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn others_hear_once_of_all_that_waited_for_a_handler_that_was_removed() {
    let others = |receiver: &_| {
        let mut page = webhook(receiver, "pager", "/pager", &["delivery.exhausted"]);
        page["incidents"] = json!({});
        [webhook(receiver, "chat", "/chat", &["delivery.exhausted"]), page]
    };
    let mut world = World::new(|receiver| {
        let [chat, pager] = others(receiver);
        json!([webhook(receiver, "hook", "/hook", &[]), chat, pager])
    })
    .await;
    world.receiver.always("/hook", Some(Answer::Status(503)));
    world.start();
    for _ in 0..5 {
        world.task("nightly", TaskState::Failed).await;
    }
    // Three fail in a row, and the others wait for the destination.
    let waiting = |all: &[Message]| {
        let failed = all.iter().filter(|one| one.failures > 0).count();
        failed >= 3 && count(all, "hook", MessageState::Pending) == 5
    };
    world.until("all of them wait", waiting).await;
    let [chat, pager] = others(&world.receiver);
    world.declare(json!([chat, pager])).await;
    let event = world.event(EventType::DeliveryExhausted).await;
    let messages = world.delivered(2).await;
    fanned_out(&world).await;
    assert_eq!(count(&messages, "hook", MessageState::Dead), 5);
    world.clock.advance(std::time::Duration::from_secs(6 * 86_400));
    fanned_out(&world).await;
    world.stop().await;

    assert_eq!(world.events(EventType::DeliveryExhausted).await.len(), 1);
    let data = &event.event.data;
    assert_eq!(
        data.title,
        "Handler ops/hook (webhook) was removed: 5 messages given up"
    );
    assert_eq!(
        data.error.as_ref().map(|error| error.code),
        Some(ErrorCode::DeliveryNotSent)
    );
    for path in ["/chat", "/pager"] {
        let got = world.receiver.got_at(path);
        assert_eq!(got.len(), 1, "{path}");
        let told = String::from_utf8_lossy(&got[0].body).into_owned();
        assert!(
            told.contains("message replay --handler ops/hook") && !told.contains("config check"),
            "{told}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_hear_once_of_a_destination_that_is_gone_whatever_was_under_way() {
    let mut world = World::new(|receiver| {
        json!([
            webhook(receiver, "hook", "/hook", &[]),
            webhook(
                receiver,
                "other",
                "/other",
                &["handler.disabled", "delivery.exhausted"]
            )
        ])
    })
    .await;
    let held = [
        Arc::new(Notify::new()),
        Arc::new(Notify::new()),
        Arc::new(Notify::new()),
    ];
    let answers = held.clone().map(|until| Answer::HeldAs(410, until));
    world.receiver.answer("/hook", &answers);
    world.start();
    for _ in 0..3 {
        world.task("nightly", TaskState::Failed).await;
    }
    world.receiver.wait(3).await;
    for (at, one) in held.iter().enumerate() {
        one.notify_one();
        world
            .until("it is over", |all| {
                count(all, "hook", MessageState::Dead) == at + 1
            })
            .await;
    }
    world.delivered(1).await;
    fanned_out(&world).await;
    world.stop().await;
    assert!(world.events(EventType::DeliveryExhausted).await.is_empty());
    let off = world.events(EventType::HandlerDisabled).await;
    assert_eq!(off.len(), 1);
    assert!(
        off[0]
            .event
            .data
            .title
            .ends_with("1 message given up, and up to 2 more under way"),
        "{}",
        off[0].event.data.title
    );
    assert_eq!(world.receiver.got_at("/other").len(), 1);
}
