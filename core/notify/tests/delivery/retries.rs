//! Failures of the destination are tried again at their times, refusals are not.

use std::sync::Arc;
use std::time::Duration;

use ironcore_ledger::model::{AttemptOutcome, Message, MessageState};
use ironcore_notify::SCHEDULE;
use ironcore_types::{ErrorCode, EventType, TaskState};
use serde_json::json;
use tokio::sync::Notify;

use crate::receiver::Answer;
use crate::signed::verify;
use crate::world::{World, webhook};

fn waits_after(attempts: u32) -> impl Fn(&[Message]) -> bool {
    move |all| {
        all.iter()
            .any(|one| one.state == MessageState::Pending && one.attempts == attempts)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_request_is_sent_again_at_its_time_under_the_same_id() {
    let mut world = World::new(|receiver| json!([webhook(receiver, "hook", "/hook", &[])])).await;
    world.receiver.answer("/hook", &[Answer::Status(500)]);
    world.start();
    world.task("nightly", TaskState::Failed).await;
    let failed = world.until("a failed attempt", waits_after(1)).await;
    assert_eq!(failed[0].due, world.now().after(SCHEDULE[0]));
    assert_eq!(
        failed[0].error.as_ref().map(|error| error.code),
        Some(ErrorCode::DeliveryUnreachable)
    );

    world.clock.advance(SCHEDULE[0]);
    let messages = world.delivered(1).await;
    world.stop().await;
    let got = world.receiver.got();
    assert_eq!(got.len(), 2);
    for one in &got {
        verify(one);
        assert_eq!(one.header("webhook-id"), messages[0].id.to_string());
    }
    assert_ne!(
        got[0].header("webhook-timestamp"),
        got[1].header("webhook-timestamp"),
        "signed anew"
    );
    let attempts = world.attempts(&messages[0]).await;
    let statuses: Vec<_> = attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [Some(500), Some(200)]);
    assert!(matches!(attempts[0].outcome, AttemptOutcome::Retry { at, .. } if at == failed[0].due));
    assert!(matches!(attempts[1].outcome, AttemptOutcome::Delivered { .. }));
    // What was sent is kept, but for what is a secret.
    for (attempt, got) in attempts.iter().zip(&got) {
        let sent = attempt.exchanges[0].sent.as_ref().expect("what was sent");
        let body = String::from_utf8(got.body.to_vec()).expect("text");
        assert_eq!((&sent.body, sent.truncated), (&body, false));
        let has = |name: &str, value: &str| sent.headers.contains(&(name.to_owned(), value.to_owned()));
        assert!(has("webhook-id", &messages[0].id.to_string()), "{sent:?}");
        assert!(has("webhook-signature", "of {secret signing}"), "{sent:?}");
        assert!(has("content-type", got.header("content-type")), "{sent:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_try_makes_it_a_dead_letter_that_others_are_told_of() {
    let mut world = World::new(|receiver| {
        json!([
            webhook(receiver, "hook", "/hook", &["task.failed", "delivery.exhausted"]),
            webhook(receiver, "spare", "/spare", &["delivery.exhausted"]),
        ])
    })
    .await;
    world.receiver.always("/hook", Some(Answer::Status(503)));
    world.start();
    world.task("nightly", TaskState::Failed).await;
    for attempt in 1..=SCHEDULE.len() {
        let attempt = u32::try_from(attempt).expect("small");
        let waiting = world.until("a failed attempt", waits_after(attempt)).await;
        // The circuit of the destination may ask for a little more patience than the schedule.
        world.clock.set(waiting[0].due.after(Duration::from_secs(300)));
    }
    let dead = |all: &[Message]| all.iter().any(|one| one.state == MessageState::Dead);
    let messages = world.until("a dead letter", dead).await;
    let exhausted = world.event(EventType::DeliveryExhausted).await;
    world.delivered(1).await;
    world.stop().await;

    assert_eq!(world.attempts(&messages[0]).await.len(), SCHEDULE.len() + 1);
    assert_eq!(
        world.receiver.got_at("/hook").len(),
        SCHEDULE.len() + 1,
        "it is not told of its own failure"
    );
    let told = world.receiver.got_at("/spare");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].json()["id"], exhausted.event.id.to_string());
    assert_eq!(
        told[0].json()["data"]["delivery"]["message"],
        messages[0].id.to_string()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_a_dead_letter_at_once() {
    for status in [400, 404] {
        let mut world = World::new(|receiver| json!([webhook(receiver, "hook", "/hook", &[])])).await;
        world.receiver.answer("/hook", &[Answer::Status(status)]);
        world.start();
        world.task("nightly", TaskState::Failed).await;
        let dead = |all: &[Message]| all.iter().any(|one| one.state == MessageState::Dead);
        let messages = world.until("a dead letter", dead).await;
        let event = world.event(EventType::DeliveryExhausted).await;
        // The next event is told as if nothing had been.
        world.task("nightly", TaskState::Ok).await;
        world.delivered(1).await;
        world.stop().await;
        let attempts = world.attempts(&messages[0]).await;
        assert_eq!(attempts.len(), 1);
        assert_eq!(attempts[0].status, Some(status));
        assert!(matches!(
            attempts[0].outcome,
            AttemptOutcome::Rejected {
                code: ErrorCode::DeliveryRejected,
                ..
            }
        ));
        let delivery = event.event.data.delivery.expect("the message");
        assert_eq!(delivery.message, Some(messages[0].id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_handlers_that_refuse_do_not_tell_each_other_for_ever() {
    let all = ["task.failed", "delivery.exhausted", "plugin.failed"];
    let mut world = World::new(|receiver| {
        json!([
            webhook(receiver, "one", "/one", &all),
            webhook(receiver, "two", "/two", &all)
        ])
    })
    .await;
    world.receiver.always("/one", Some(Answer::Status(404)));
    world.receiver.always("/two", Some(Answer::Status(404)));
    world.start();
    world.task("nightly", TaskState::Failed).await;
    let dead = |all: &[Message]| all.iter().filter(|one| one.state == MessageState::Dead).count() == 4;
    world.until("four dead letters", dead).await;
    // Whatever those four led to is in the ledger by the time that a later event has been dealt with.
    world.receiver.always("/one", None);
    world.task("nightly", TaskState::Failed).await;
    world.delivered(1).await;
    world
        .until("the other one", |all| {
            all.iter().filter(|one| one.state == MessageState::Dead).count() >= 5
        })
        .await;
    world.stop().await;
    // Each refused the task's event, and what it was told of the other's refusal.
    assert_eq!(world.events(EventType::DeliveryExhausted).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_asks_for_a_pause_gets_it() {
    let mut world = World::new(|receiver| json!([webhook(receiver, "hook", "/hook", &[])])).await;
    world.receiver.answer("/hook", &[Answer::Later(429, 120)]);
    world.start();
    world.task("nightly", TaskState::Failed).await;
    let waiting = world.until("a failed attempt", waits_after(1)).await;
    assert_eq!(waiting[0].due, world.now().after(Duration::from_secs(120)));
    let circuits = world.ledger.circuits().await.expect("circuits");
    assert_eq!(circuits.len(), 1, "other messages to it wait as well");
    assert_eq!(circuits[0].until, world.now().after(Duration::from_secs(120)));
    world.clock.advance(Duration::from_secs(120));
    world.delivered(1).await;
    assert!(world.ledger.circuits().await.expect("circuits").is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_kept_whatever_was_under_way_when_it_was_asked_for() {
    let mut world = World::new(|receiver| json!([webhook(receiver, "hook", "/hook", &[])])).await;
    let slow = Arc::new(Notify::new());
    let answers = [Answer::Held(Arc::clone(&slow)), Answer::Later(429, 7_200)];
    world.receiver.answer("/hook", &answers);
    world.start();
    world.task("nightly", TaskState::Failed).await;
    world.receiver.wait(1).await;
    world.task("nightly", TaskState::Failed).await;
    world.until("a failed attempt", waits_after(1)).await;
    let until = world.now().after(Duration::from_secs(7_200));
    for _ in 0..3 {
        world.task("nightly", TaskState::Failed).await;
    }
    world.until("all wait", |all| all.len() == 5).await;
    // The first was asked before the destination wanted its pause: that it gets through does not end the pause.
    slow.notify_one();
    world.delivered(1).await;
    let circuits = world.ledger.circuits().await.expect("circuits");
    assert_eq!(circuits.len(), 1, "{circuits:?}");
    assert_eq!(circuits[0].until, until, "two hours, for all messages");
    world.clock.advance(Duration::from_secs(7_199));
    world.task("other", TaskState::Ok).await;
    world.until("one more waits", |all| all.len() == 6).await;
    assert_eq!(world.receiver.got().len(), 2, "nothing goes earlier");
    world.clock.advance(Duration::from_secs(1));
    world.passes_until_delivered(6).await;
    assert!(
        world.now().since(until) <= Duration::from_secs(10),
        "then one after the other"
    );
    assert!(world.ledger.circuits().await.expect("circuits").is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_to_a_destination_that_takes_one_a_second_is_delivered_as_fast_as_that() {
    let mut world = World::new(|receiver| json!([webhook(receiver, "hook", "/hook", &[])])).await;
    let second = Duration::from_secs(1);
    world.receiver.takes_one_in("/hook", second, &world.clock);
    for _ in 0..30 {
        world.task("nightly", TaskState::Failed).await;
    }
    let began = world.now();
    world.start();
    let messages = world.passes_until_delivered(30).await;
    world.stop().await;
    let took = world.now().since(began).as_secs();
    assert!(took <= 60, "{took} s");
    assert_eq!(messages.len(), 30);
    let mut taken = 0;
    for message in &messages {
        assert_eq!(message.failures, 0, "{message:#?}");
        let attempts = world.attempts(message).await;
        taken += attempts.iter().filter(|one| one.status == Some(200)).count();
    }
    assert_eq!(taken, 30, "each once");
    let asked = world.receiver.got().len();
    assert!(asked <= 50, "{asked} requests");
    assert!(world.ledger.circuits().await.expect("circuits").is_empty());
    assert!(world.ledger.handler_health().await.expect("read").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_whose_destination_is_gone_is_switched_off_and_another_is_told() {
    let mut world = World::new(|receiver| {
        json!([
            webhook(receiver, "gone", "/gone", &[]),
            webhook(receiver, "other", "/other", &[])
        ])
    })
    .await;
    world.receiver.answer("/gone", &[Answer::Status(410)]);
    world.start();
    world.task("nightly", TaskState::Failed).await;
    let event = world.event(EventType::HandlerDisabled).await;
    let told = |all: &[Message]| {
        all.iter()
            .filter(|one| one.handler.handler.as_str() == "other")
            .count()
            == 2
    };
    // Of the failure, and that the handler is off, which says of the message that it was lost.
    world.until("the other handler hears of it", told).await;
    // What is failed from now on is told to the other one alone, until somebody says that it is well again.
    world.task("nightly", TaskState::Failed).await;
    world.delivered(3).await;
    assert!(world.events(EventType::DeliveryExhausted).await.is_empty());
    let gone = |all: &[Message]| {
        all.iter()
            .filter(|one| one.handler.handler.as_str() == "gone")
            .count()
    };
    assert_eq!(gone(&world.messages().await), 1);
    let health = world.ledger.handler_health().await.expect("read");
    assert!(health.len() == 1 && health[0].disabled.is_some(), "{health:?}");
    assert!(
        world
            .ledger
            .enable_handler(&health[0].handler)
            .await
            .expect("switched on")
    );
    world.receiver.answer("/gone", &[]);
    world.task("nightly", TaskState::Failed).await;
    world.delivered(5).await;
    let delivery = event.event.data.delivery.expect("a handler");
    assert_eq!(
        delivery.handler.map(|name| name.to_string()).as_deref(),
        Some("gone")
    );
    let heard = world.receiver.got_at("/other");
    assert!(
        heard
            .iter()
            .any(|one| one.json()["type"] == "ironcore.handler.disabled")
    );
    // What it was not told while it was off stays untold; what failed before can be sent again, once.
    let filter = ironcore_ledger::model::MessageFilter::default();
    for count in [1, 0] {
        let report = world.ledger.replay_all(&filter).await.expect("replayed");
        assert_eq!((report.replayed, report.left_out), (count, 0));
    }
    world.delivered(6).await;
    world.stop().await;
}
