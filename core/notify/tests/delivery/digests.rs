//! Events that are gathered: digests, quiet hours, and what is beyond a limit. None is lost, and none told twice.

use std::collections::BTreeSet;
use std::time::Duration;

use ironcore_ledger::model::{Message, MessageState};
use ironcore_types::{TaskState, Timestamp};
use serde_json::{Value, json};

use crate::receiver::Got;
use crate::world::{World, webhook};

const HOUR: Duration = Duration::from_secs(3_600);

/// A hub whose handler has these members more.
async fn world(more: Value) -> World {
    World::new(|receiver| {
        let mut handler = webhook(receiver, "hook", "/hook", &[]);
        for (key, value) in more.as_object().expect("an object") {
            handler[key] = value.clone();
        }
        json!([handler])
    })
    .await
}

/// The ids of the events in a request: one, or a batch.
pub(crate) fn told(got: &Got) -> Vec<String> {
    let body: Value = serde_json::from_slice(&got.body).expect("json");
    let events = match body {
        Value::Array(events) => events,
        one => vec![one],
    };
    events
        .iter()
        .map(|event| event["id"].as_str().expect("an id").to_owned())
        .collect()
}

fn waiting(count: usize) -> impl Fn(&[Message]) -> bool {
    move |all| {
        all.iter()
            .filter(|one| one.state == MessageState::Pending)
            .count()
            == count
    }
}

/// Waits until every event has become messages.
pub(crate) async fn fanned_out(world: &World) {
    let mut wakes = world.ledger.wakes().messages;
    loop {
        wakes.borrow_and_update();
        if world.ledger.take_unmatched(1).await.expect("events").is_empty() {
            return;
        }
        // Each batch makes a message to the inbox, if no other.
        wakes.changed().await.expect("the ledger lives");
    }
}

/// The start of the hour after `now`.
fn next_hour(now: Timestamp) -> Timestamp {
    Timestamp::from_seconds((now.as_seconds().div_euclid(3_600) + 1) * 3_600)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_tells_all_that_happened_in_one_message() {
    let mut world = world(json!({ "digest": { "every": "hour", "unless": "error" } })).await;
    world.start();
    for _ in 0..3 {
        world.task("nightly", TaskState::Ok).await;
    }
    // What matters more does not wait.
    world.task("other", TaskState::Failed).await;
    fanned_out(&world).await;
    let all = world.delivered(1).await;
    assert_eq!(all.len(), 2);
    let due = next_hour(world.now());
    let digest = all
        .iter()
        .find(|one| one.kind == "digest")
        .expect("a digest")
        .clone();
    assert_eq!((digest.state, digest.due), (MessageState::Pending, due));

    world.clock.advance(due.since(world.now()));
    world.delivered(2).await;
    // The next hour has a digest of its own.
    world.task("nightly", TaskState::Ok).await;
    fanned_out(&world).await;
    world.until("another digest", waiting(1)).await;
    world.clock.advance(HOUR);
    world.delivered(3).await;
    world.stop().await;
    let sizes: Vec<usize> = world.receiver.got().iter().map(|got| told(got).len()).collect();
    assert_eq!(sizes, [1, 3, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_beyond_the_limit_comes_together_and_nothing_is_lost() {
    let mut world = world(json!({ "limit": { "messages": 2, "per": "1h" } })).await;
    world.start();
    for _ in 0..6 {
        world.task("nightly", TaskState::Ok).await;
    }
    fanned_out(&world).await;
    world.delivered(2).await;
    world.until("the rest waits in one", waiting(1)).await;
    world.clock.advance(HOUR);
    world.delivered(3).await;
    world.stop().await;
    let got = world.receiver.got();
    let ids: Vec<String> = got.iter().flat_map(told).collect();
    assert_eq!(
        got.iter().map(|got| told(got).len()).collect::<Vec<_>>(),
        [1, 1, 4]
    );
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 6, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_within_its_own_limit_waits_for_no_other_at_its_destination() {
    let mut world = World::new(|receiver| {
        let mut infos = webhook(receiver, "infos", "/hook", &["task.completed"]);
        infos["limit"] = json!({ "messages": 1, "per": "1h" });
        let mut errors = webhook(receiver, "errors", "/hook", &["task.failed"]);
        errors["limit"] = json!({ "messages": 100, "per": "1m" });
        let mut others = infos.clone();
        others["name"] = "others".into();
        json!([infos, errors, others])
    })
    .await;
    world.start();
    for _ in 0..3 {
        world.task("nightly", TaskState::Ok).await;
    }
    fanned_out(&world).await;
    world.delivered(1).await;
    world.task("nightly", TaskState::Failed).await;
    let all = world.delivered(2).await;
    // What each of the other two gathers takes a place of its own.
    let hour = |n: u32| world.now().after(HOUR * n);
    let due = |name: &str| {
        let of = |one: &&Message| one.handler.handler.as_str() == name && one.state == MessageState::Pending;
        all.iter().filter(of).map(|one| one.due).collect::<Vec<_>>()
    };
    let mut rest = [due("infos"), due("others")].concat();
    rest.sort_unstable();
    assert_eq!(rest, [hour(1), hour(2)]);
    world.clock.advance(HOUR);
    world.delivered(3).await;
    world.clock.advance(HOUR);
    world.delivered(4).await;
    world.stop().await;
    let told: usize = world.receiver.got().iter().map(|got| told(got).len()).sum();
    assert_eq!(told, 7, "three to each of two, and the error");
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_hold_what_happens_until_they_are_over() {
    // The clock of these tests begins at 20:26:40 UTC.
    let hours = json!({ "from": "20:00", "to": "22:00" });
    let mut world = world(json!({ "quiet": { "hours": hours, "unless": "error" } })).await;
    world.start();
    for state in [TaskState::Ok, TaskState::Failed, TaskState::Ok] {
        world.task("nightly", state).await;
    }
    fanned_out(&world).await;
    world.delivered(1).await;
    let held = world.until("the others wait in one", waiting(1)).await;
    let held = held
        .iter()
        .find(|one| one.state == MessageState::Pending)
        .expect("it waits");
    assert_eq!(held.due.to_string(), "2026-05-28T22:00:00Z");
    world.clock.advance(held.due.since(world.now()));
    world.delivered(2).await;
    world.stop().await;
    let sizes: Vec<usize> = world.receiver.got().iter().map(|got| told(got).len()).collect();
    assert_eq!(sizes, [1, 2]);
}
