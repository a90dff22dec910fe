//! Order within a thread, and no waiting between threads.

use ironcore_ledger::model::{Message, MessageState};
use ironcore_notify::SCHEDULE;
use ironcore_types::TaskState;
use serde_json::json;

use crate::receiver::Answer;
use crate::world::{World, webhook};

#[tokio::test(flavor = "multi_thread")]
async fn a_later_message_of_a_task_waits_for_the_earlier_while_another_task_goes_on() {
    let events = ["task.started", "task.completed"];
    let mut world = World::new(|receiver| json!([webhook(receiver, "hook", "/hook", &events)])).await;
    world.receiver.answer("/hook", &[Answer::Status(500)]);
    world.start();
    let first = world.queue("nightly").await;
    let begun = world.begin().await;
    world
        .until("the first has failed", |all| {
            all.iter()
                .any(|one| one.state == MessageState::Pending && one.attempts == 1)
        })
        .await;
    world.end(begun, TaskState::Ok).await;
    let second = world.task("other", TaskState::Ok).await;
    let of = |task: &str, all: &[Message]| {
        all.iter()
            .filter(|one| one.thread == task)
            .map(|one| one.state)
            .collect::<Vec<_>>()
    };
    let (one, two) = (first.upid.to_string(), second.upid.to_string());
    let messages = world
        .until("the other task is told", |all| {
            of(&two, all) == [MessageState::Delivered; 2]
        })
        .await;
    assert_eq!(of(&one, &messages), [MessageState::Pending; 2]);

    world.clock.advance(SCHEDULE[0]);
    world.delivered(4).await;
    world.stop().await;
    let told: Vec<_> = world
        .receiver
        .got()
        .iter()
        .map(|got| {
            (
                got.json()["subject"] == one,
                got.event_type().replace("ironcore.task.", ""),
            )
        })
        .collect();
    let told: Vec<_> = told
        .iter()
        .map(|(is_first, kind)| (*is_first, kind.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (true, "started"),
            (false, "started"),
            (false, "completed"),
            (true, "started"),
            (true, "completed")
        ]
    );
}
