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

    world
        .clock
        .advance(ironcore_ledger::LEASE + Duration::from_secs(1));
    world.start();
    let messages = world.delivered(1).await;
    world.stop().await;
    let got = world.receiver.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    assert_eq!(got[1].header("webhook-id"), messages[0].id.to_string());
    let attempts = world.attempts(&messages[0]).await;
    assert!(
        matches!(attempts[0].outcome, AttemptOutcome::Lost),
        "{attempts:?}"
    );
    assert!(matches!(attempts[1].outcome, AttemptOutcome::Delivered { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_amid_the_waiting_keeps_the_schedule() {
    let mut world = World::new(|receiver| {
        json!([
            webhook(receiver, "hook", "/hook", &["task.failed"]),
            webhook(receiver, "mark", "/mark", &["task.warning"])
        ])
    })
    .await;
    world
        .receiver
        .answer("/hook", &[Answer::Status(500), Answer::Status(500)]);
    world.start();
    world.task("nightly", TaskState::Failed).await;
    for (tries, wait) in [(1, SCHEDULE[0]), (2, SCHEDULE[1])] {
        let waits = |all: &[Message]| all[0].state == MessageState::Pending && all[0].attempts == tries;
        let due = world
            .until("a failed attempt", |all| !all.is_empty() && waits(all))
            .await[0]
            .due;
        assert_eq!(due, world.now().after(wait));
        world.stop().await;
        world.clock.set(due.before(Duration::from_secs(1)));
        world.start();
        // Another message gets through now, and this one stays where it is.
        world.task("other", TaskState::Warning).await;
        let marks = tries as usize;
        let messages = world.delivered(marks).await;
        assert!(waits(&messages), "it was sent before its time");
        world.clock.set(due);
    }
    world.delivered(3).await;
    world.stop().await;
    assert_eq!(world.receiver.got_at("/hook").len(), 3);
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
