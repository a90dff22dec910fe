//! Crashes and restarts lose nothing and forget no schedule.

use std::time::Duration;

use ironcore_ledger::model::{AttemptOutcome, Message, MessageState};
use ironcore_notify::SCHEDULE;
use ironcore_types::TaskState;
use serde_json::json;

use crate::receiver::Answer;
use crate::world::{World, webhook};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_under_way_in_a_crash_is_sent_again_under_the_same_id() {
    let mut world = World::new(|receiver| json!([webhook(receiver, "hook", "/hook", &[])])).await;
    world.receiver.answer("/hook", &[Answer::Hang]);
    world.start();
    world.task("nightly", TaskState::Failed).await;
    world.receiver.wait(1).await;
    world.kill().await;
    let sending = world.messages().await;
    assert_eq!(sending[0].state, MessageState::Sending);

    world.start();
    world.clock.advance(ironcore_ledger::LEASE + Duration::from_secs(1));
    let messages = world.delivered(1).await;
    world.stop().await;
    let got = world.receiver.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    assert_eq!(got[1].header("webhook-id"), messages[0].id.to_string());
    let attempts = world.attempts(&messages[0]).await;
    assert!(matches!(attempts[0].outcome, AttemptOutcome::Lost), "{attempts:?}");
    assert!(matches!(attempts[1].outcome, AttemptOutcome::Delivered { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_amid_the_waiting_keeps_the_schedule() {
    let mut world = World::new(|receiver| {
        json!([webhook(receiver, "hook", "/hook", &[]), webhook(receiver, "mark", "/mark", &[])])
    })
    .await;
    world.receiver.answer("/hook", &[Answer::Status(500), Answer::Status(500)]);
    world.start();
    world.task("nightly", TaskState::Failed).await;
    for (attempt, wait) in [(1, SCHEDULE[0]), (2, SCHEDULE[1])] {
        let waits = |all: &[Message]| {
            all.iter().any(|one| one.state == MessageState::Pending && one.attempts == attempt)
                && all.iter().any(|one| one.state == MessageState::Delivered)
        };
        let waiting = world.until("a failed attempt", waits).await;
        let due = waiting.iter().find(|one| one.state == MessageState::Pending).expect("it waits").due;
        assert_eq!(due, world.now().after(wait));
        world.stop().await;
        world.start();
        world.clock.set(due.before(Duration::from_secs(1)));
        // Something else gets through now, and this does not.
        let before = world.receiver.got_at("/hook").len();
        world.task("other", TaskState::Warning).await;
        let marks = usize::try_from(attempt).expect("small") + 1;
        world.until("the mark", |all| {
            let marked = |one: &&Message| one.handler.handler.as_str() == "mark" && one.state == MessageState::Delivered;
            all.iter().filter(marked).count() == marks
        })
        .await;
        let first = world.receiver.got_at("/hook").iter().filter(|got| got.event_type() == "ironcore.task.failed").count();
        assert_eq!(first, before.min(first), "it was sent before its time");
        world.clock.set(due);
    }
    world.until("all delivered", |all| all.iter().all(|one| one.state == MessageState::Delivered)).await;
    world.stop().await;
    let failed = world.receiver.got_at("/hook").into_iter().filter(|got| got.event_type() == "ironcore.task.failed");
    assert_eq!(failed.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_the_attempts_under_way_end() {
    let mut world = World::new(|receiver| json!([webhook(receiver, "hook", "/hook", &[])])).await;
    world.options.drain = Duration::from_millis(200);
    world.receiver.answer("/hook", &[Answer::Hang]);
    world.start();
    world.task("nightly", TaskState::Failed).await;
    world.receiver.wait(1).await;
    world.stop().await;
    // The bound was reached: the message was given back and goes out after the restart, without waiting for a lease.
    world.start();
    world.delivered(1).await;
    world.stop().await;
    assert_eq!(world.receiver.got().len(), 2);
}
