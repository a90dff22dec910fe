//! Incidents and silences that are made while they last: what is silenced when it is to be told waits, and the end that
//! nobody silenced does not.

use std::time::Duration;

use ironcore_ledger::model::Message;
use ironcore_types::TaskState;
use serde_json::json;

use crate::digests::{fanned_out, told};
use crate::incidents::{delivered, jobs_of, minutes, of, said, world};
use crate::silences::{silence, silence_for};
use crate::world::World;

/// Waits until nothing is to be done now: all events are fanned out, all notices and all that silences held back looked at.
pub(crate) async fn settled(world: &World) {
    let mut wakes = world.ledger.wakes().events;
    let settled = async {
        loop {
            wakes.borrow_and_update();
            let now = world.now();
            let events = world.ledger.take_unmatched(1).await.expect("events");
            let notice = world.ledger.next_notice_due().await.expect("notices");
            let release = world.ledger.next_release().await.expect("silences");
            let busy = |due: Option<ironcore_types::Timestamp>| due.is_some_and(|due| due <= now);
            if events.is_empty() && !busy(notice) && !busy(release) {
                return;
            }
            // Not everything that is done wakes somebody.
            let woken = tokio::time::timeout(Duration::from_millis(3), wakes.changed()).await;
            if let Ok(changed) = woken {
                changed.expect("the ledger lives");
            }
        }
    };
    let waited = tokio::time::timeout(minutes(1), settled).await;
    waited.expect("it comes to rest");
}

/// The first words of what the handler was told, and the jobs of the events.
async fn words(world: &World, all: &[Message], handler: &str) -> Vec<(String, Vec<String>)> {
    let mut words = Vec::new();
    for (message, (kind, title)) in of(all, handler).into_iter().zip(said(all, handler)) {
        let first = title.split([',', ' ']).next().unwrap_or_default();
        words.push((format!("{kind} {first}"), jobs_of(world, message).await));
    }
    words
}

fn jobs(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Whoever silences that a job fails hears that it works again: a page that was opened is closed at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_nobody_silenced_is_told_at_once() {
    let mut world = world(json!({ "repeat": "0s" }), None).await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    delivered(&world, "hook", 1).await;
    let made = silence(
        &world,
        720,
        json!({ "jobs": ["nightly"], "min-severity": "error" }),
    )
    .await;
    world.task("nightly", TaskState::Failed).await;
    fanned_out(&world).await;
    world.task("nightly", TaskState::Ok).await;
    let all = delivered(&world, "hook", 2).await;
    assert_eq!(said(&all, "hook")[1].0, "recovery");
    assert!(world.now() < made.until);

    // One about all of the job keeps its end too.
    world.task("nightly", TaskState::Failed).await;
    settled(&world).await;
    world.ledger.end_silence(made.id, &made.by).await.expect("ended");
    delivered(&world, "hook", 3).await;
    let made = silence(&world, 1, json!({ "jobs": ["nightly"] })).await;
    world.task("nightly", TaskState::Ok).await;
    settled(&world).await;
    assert_eq!(of(&world.messages().await, "hook").len(), 3);
    world.clock.set(made.until);
    let all = delivered(&world, "hook", 4).await;
    assert_eq!(said(&all, "hook")[3].0, "recovery");
    world.stop().await;
}

/// What is silenced within the wait is told neither then nor, when it is over by then, afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_silenced_within_the_wait_waits_for_its_end() {
    let mut world = world(json!({ "wait": "30s", "interval": "1m", "repeat": "0s" }), None).await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    world.task("other", TaskState::Failed).await;
    settled(&world).await;
    let made = silence(&world, 1, json!({ "jobs": ["other"] })).await;
    world.clock.advance(Duration::from_secs(30));
    let all = delivered(&world, "hook", 1).await;
    let first = ("incident Datastore".to_owned(), jobs(&["nightly"]));
    assert_eq!(words(&world, &all, "hook").await, [first]);
    // It lasts when its silence is over.
    world.clock.set(made.until);
    let all = delivered(&world, "hook", 2).await;
    let more = ("incident Datastore".to_owned(), jobs(&["other"]));
    assert_eq!(words(&world, &all, "hook").await[1], more);
    for job in ["nightly", "other"] {
        world.task(job, TaskState::Ok).await;
    }
    let all = delivered(&world, "hook", 4).await;
    assert_eq!(said(&all, "hook")[3].0, "recovery");

    // All of it is silenced, and nothing is told of it; one works again meanwhile, which nobody silenced.
    for job in ["nightly", "other"] {
        world.task(job, TaskState::Failed).await;
    }
    settled(&world).await;
    let made = silence(&world, 1, json!({ "min-severity": "error" })).await;
    world.clock.advance(Duration::from_secs(30));
    settled(&world).await;
    assert_eq!(of(&world.messages().await, "hook").len(), 4);
    world.task("nightly", TaskState::Ok).await;
    let all = delivered(&world, "hook", 5).await;
    assert_eq!(said(&all, "hook")[4].0, "event");
    world.clock.set(made.until);
    settled(&world).await;
    let all = world.messages().await;
    let first = ("incident Datastore".to_owned(), jobs(&["other"]));
    assert_eq!(
        words(&world, &all, "hook").await[5..],
        [first],
        "of what is over nobody hears"
    );
    world.stop().await;
}

/// Of an incident that was silenced from within its wait to its end nobody hears, but the run that ended it is told like
/// any other.
#[tokio::test(flavor = "multi_thread")]
async fn the_run_that_ends_what_nobody_heard_of_is_told_for_its_own_sake() {
    let mut world = world(json!({ "wait": "30s" }), None).await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    settled(&world).await;
    let made = silence(&world, 1, json!({ "events": ["task.failed"] })).await;
    world.task("nightly", TaskState::Ok).await;
    let all = delivered(&world, "hook", 1).await;
    assert_eq!(said(&all, "hook"), [("event".to_owned(), String::new())]);
    world.clock.set(made.until);
    settled(&world).await;
    assert_eq!(of(&world.messages().await, "hook").len(), 1);
    world.stop().await;
    let got = world.receiver.got_at("/hook");
    let ended = world.events(ironcore_types::EventType::TaskCompleted).await;
    assert_eq!(told(&got[0]), [ended[0].event.id.to_string()]);
}

/// A repeat that is due just when a silence is over does not tell what the silence held back: that is told by itself, once.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_back_is_told_once_beside_the_repeats() {
    let mut world = world(json!({ "repeat": "10s", "interval": "3s" }), None).await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    delivered(&world, "hook", 1).await;
    let made = silence_for(&world, world.now(), Duration::from_secs(20), json!({})).await;
    world.task("other", TaskState::Failed).await;
    settled(&world).await;
    world.clock.set(made.until);
    settled(&world).await;
    for _ in 0..5 {
        world.clock.advance(Duration::from_secs(3));
        settled(&world).await;
    }
    let all = world.messages().await;
    let words = words(&world, &all, "hook").await;
    let with_other = |(_, jobs): &&(String, Vec<String>)| jobs.iter().any(|job| job == "other");
    let told = words.iter().filter(with_other);
    let told: Vec<_> = told.filter(|(words, _)| words != "incident Still").collect();
    assert_eq!(told.len(), 1, "{words:?}");
    let first = words.iter().find(with_other).expect("it is told");
    assert_eq!(first.0, "incident Datastore", "not by a repeat: {words:?}");
    world.stop().await;
}
