//! A destination that fails is left alone; others are not held up by it.

use std::time::Duration;

use ironcore_ledger::model::{Message, MessageState};
use ironcore_types::TaskState;
use serde_json::json;

use crate::receiver::Answer;
use crate::world::{World, webhook};

fn count(all: &[Message], handler: &str, state: MessageState, least: u32) -> usize {
    all.iter()
        .filter(|one| one.handler.handler.as_str() == handler && one.state == state && one.attempts >= least)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_failures_open_the_circuit_and_one_trial_closes_it() {
    let mut world = World::new(|receiver| {
        json!([
            webhook(receiver, "bad", "/bad", &[]),
            webhook(receiver, "good", "/good", &[])
        ])
    })
    .await;
    world.options.attempts_per_lane = 1;
    world.receiver.always("/bad", Some(Answer::Status(502)));
    world.start();
    for _ in 0..5 {
        world.task("nightly", TaskState::Failed).await;
    }
    world
        .until("three failed, the others well", |all| {
            count(all, "bad", MessageState::Pending, 1) == 3
                && count(all, "good", MessageState::Delivered, 1) == 5
        })
        .await;
    let circuits = world.ledger.circuits().await.expect("circuits");
    assert_eq!(circuits.len(), 1);
    assert_eq!(circuits[0].until, world.now().after(Duration::from_secs(5)));
    assert_eq!(
        world.receiver.got_at("/bad").len(),
        3,
        "the fourth and fifth are held back"
    );

    // The trial fails: nothing else is tried, and the pause is doubled.
    world.clock.advance(Duration::from_secs(5));
    world.receiver.wait(5 + 4).await;
    let doubled = world.now().after(Duration::from_secs(10));
    let mut wakes = world.ledger.wakes().messages;
    while world.ledger.circuits().await.expect("circuits")[0].until != doubled {
        wakes.changed().await.expect("the ledger lives");
    }
    assert_eq!(world.receiver.got_at("/bad").len(), 4);

    // The next gets through, and all the others after it.
    world.receiver.always("/bad", None);
    world.clock.advance(Duration::from_secs(600));
    world.delivered(10).await;
    world.stop().await;
    assert!(world.ledger.circuits().await.expect("circuits").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_hangs_does_not_hold_up_the_others() {
    let mut world = World::new(|receiver| {
        json!([
            webhook(receiver, "hangs", "/hangs", &[]),
            webhook(receiver, "good", "/good", &[])
        ])
    })
    .await;
    world.options.attempts = 4;
    world.options.attempts_per_lane = 2;
    world.options.drain = Duration::from_millis(10);
    world.receiver.always("/hangs", Some(Answer::Hang));
    world.start();
    for _ in 0..12 {
        world.task("nightly", TaskState::Failed).await;
    }
    world
        .until("all others", |all| {
            count(all, "good", MessageState::Delivered, 1) == 12
        })
        .await;
    assert!(world.receiver.got_at("/hangs").len() <= 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_that_another_hub_opened_is_closed_by_a_message_that_gets_through() {
    let mut world = World::new(|receiver| json!([webhook(receiver, "hook", "/hook", &[])])).await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    let lane = world.delivered(1).await.remove(0).lane;
    let until = world.now().after(Duration::from_secs(60));
    let opened = world
        .ledger
        .open_circuit(&lane, until, "it answers another hub nothing")
        .await;
    assert_eq!(opened.expect("opened").until, until);

    // The trial fails here: it is opened again, for longer than a first time.
    world.receiver.answer("/hook", &[Answer::Status(502)]);
    world.task("nightly", TaskState::Failed).await;
    world.clock.advance(Duration::from_secs(60));
    world.receiver.wait(2).await;
    let mut wakes = world.ledger.wakes().messages;
    while world.ledger.circuits().await.expect("circuits")[0].failures == 1 {
        wakes.changed().await.expect("the ledger lives");
    }
    world.clock.advance(Duration::from_secs(600));
    world.delivered(2).await;
    world.stop().await;
    assert!(world.ledger.circuits().await.expect("circuits").is_empty());
}
