//! What becomes of notices whose handler is switched off, has a limit, or wants to hear of no end; and of a loss that a
//! silence outlasts.

use ironcore_ledger::model::{HandlerRef, MessageState};
use ironcore_types::TaskState;
use serde_json::json;

use crate::digests::told;
use crate::held_back::settled;
use crate::incidents::{delivered, minutes, of, said, world};
use crate::receiver::Answer;
use crate::silences::silence;
use crate::world::{World, webhook};

/// The notice that something works again stands for the run that ended it: both together take one place of a limit.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_takes_one_place_of_a_limit() {
    let mut world = World::new(|receiver| {
        let mut handler = webhook(receiver, "hook", "/hook", &[]);
        handler["incidents"] = json!({ "repeat": "0s" });
        handler["limit"] = json!({ "messages": 2, "per": "1h" });
        json!([handler])
    })
    .await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    delivered(&world, "hook", 1).await;
    world.task("nightly", TaskState::Ok).await;
    let all = delivered(&world, "hook", 2).await;
    assert_eq!(said(&all, "hook")[1].0, "recovery");
    // Both places are taken now: what comes next is gathered.
    world.task("nightly", TaskState::Ok).await;
    settled(&world).await;
    let all = world.messages().await;
    assert_eq!(of(&all, "hook")[2].kind, "digest");
    world.stop().await;
}

/// Whoever is switched on again hears of what lasts, though it was off when that was to be told.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_switched_on_again_hears_of_what_lasts() {
    let mut world = world(json!({ "wait": "30s", "repeat": "0s" }), None).await;
    world.receiver.answer("/hook", &[Answer::Status(410)]);
    world.start();
    world.task("nightly", TaskState::Failed).await;
    world.task("other", TaskState::Ok).await;
    world
        .until("the hook is gone", |all| {
            of(all, "hook").iter().any(|one| one.state == MessageState::Dead)
        })
        .await;
    world.clock.advance(minutes(1));
    settled(&world).await;
    assert_eq!(of(&world.messages().await, "hook").len(), 1, "it is off");
    let hook: HandlerRef = of(&world.messages().await, "hook")[0].handler.clone();
    assert!(world.ledger.enable_handler(&hook).await.expect("the ledger"));
    let all = delivered(&world, "hook", 1).await;
    assert_eq!(said(&all, "hook")[1].0, "incident");
    world.stop().await;
}

/// Who wants no recoveries gets none: what was over before it was to be told is told as what it was.
#[tokio::test(flavor = "multi_thread")]
async fn who_wants_no_recoveries_gets_none() {
    let mut world = world(json!({ "wait": "30s", "recovery": false }), None).await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    settled(&world).await;
    world.task("nightly", TaskState::Ok).await;
    let all = delivered(&world, "hook", 2).await;
    let mut kinds: Vec<String> = said(&all, "hook").into_iter().map(|(kind, _)| kind).collect();
    kinds.sort();
    assert_eq!(kinds, ["event", "incident"]);
    world.stop().await;
}

/// A message that was lost stays lost when its handler delivers again: a silence about the loss does not hide it for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_loss_is_told_after_the_silence_that_outlasts_it() {
    let mut world = World::new(|receiver| {
        let mut hook = webhook(receiver, "hook", "/hook", &[]);
        hook["incidents"] = json!({ "repeat": "0s" });
        json!([webhook(receiver, "bad", "/bad", &["task.failed"]), hook])
    })
    .await;
    world.receiver.answer("/bad", &[Answer::Status(400)]);
    world.start();
    let made = silence(&world, 1, json!({ "events": ["delivery.exhausted"] })).await;
    world.task("nightly", TaskState::Failed).await;
    world
        .until("one is lost", |all| {
            of(all, "bad").iter().any(|one| one.state == MessageState::Dead)
        })
        .await;
    settled(&world).await;
    world.task("nightly", TaskState::Failed).await;
    delivered(&world, "bad", 1).await;
    settled(&world).await;
    delivered(&world, "hook", 1).await;
    world.clock.set(made.until);
    let all = delivered(&world, "hook", 3).await;
    let mut kinds: Vec<String> = said(&all, "hook").into_iter().map(|(kind, _)| kind).collect();
    kinds.sort();
    assert_eq!(
        kinds,
        ["event", "incident", "incident"],
        "the failures and the loss"
    );
    world.stop().await;
    let lost = world.events(ironcore_types::EventType::DeliveryExhausted).await;
    let got = world.receiver.got_at("/hook");
    let lost = [lost[0].event.id.to_string()];
    assert!(got.iter().any(|request| told(request) == lost));
}
