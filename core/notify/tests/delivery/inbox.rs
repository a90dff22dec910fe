//! Every event gets its presentation in the inbox, whoever else is told.

use ironcore_ledger::model::{InboxFilter, InboxItem, MessageFilter, MessageState, NewEvent, Page, Scope};
use ironcore_notify::{Plugins, PluginsOptions};
use ironcore_types::{EventData, EventType, Severity, TaskState};
use serde_json::json;

use crate::world::{World, project, user, wasm, webhook};

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_a_project_shows_with_its_presentation_and_tips() {
    let mut world = World::new(|_| json!([])).await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    let failed = world.event(EventType::TaskFailed).await;
    let scope = Scope::Project(project());
    let mut wakes = world.ledger.wakes().messages;
    let page = loop {
        wakes.borrow_and_update();
        let page = world
            .ledger
            .inbox(&scope, &user(), &InboxFilter::default(), &Page::first(100))
            .await
            .expect("inbox");
        if page.items.len() >= 3 && page.items.iter().all(|item| item.entry.is_some()) {
            break page;
        }
        wakes.changed().await.expect("the ledger lives");
    };
    world.stop().await;
    let item = page
        .items
        .iter()
        .find(|item| item.event.event.id == failed.event.id)
        .expect("the failure");
    assert!(
        !item.tips.is_empty(),
        "the remediation plugin knows datastore.offline"
    );
    let entry = item.entry.as_ref().expect("presentation");
    assert!(!entry.title.is_empty());
    let filter = MessageFilter {
        event: Some(failed.event.id),
        ..MessageFilter::default()
    };
    let messages = world
        .ledger
        .messages(&filter, &Page::first(10))
        .await
        .expect("messages")
        .messages;
    assert_eq!(
        messages.len(),
        1,
        "no handler is declared; only the inbox is told"
    );
    assert_eq!(messages[0].message.handler.group.as_str(), "hub.builtin");
    assert_eq!(messages[0].message.state, MessageState::Delivered);
}

/// The plugins with one in the place of the inbox plugin that does what the titles of events say; or with none.
fn with_inbox(bad: bool) -> Plugins {
    let mut builtin: Vec<(&'static str, Vec<u8>)> = ["remediation", "webhook"]
        .into_iter()
        .map(|name| (name, wasm("plugins", name)))
        .collect();
    if bad {
        // Its manifest says who it is, and that its handler needs a key, which the built-in handler has not.
        let bytes = wasm("plugins-examples", "misbehave");
        let bytes = replaced(bytes, b"name = \"misbehave\"", b"name = \"inbox\"    ");
        builtin.push((
            "inbox",
            replaced(bytes, b"required = [\"mode\"]", b"required = []      "),
        ));
    }
    let options = PluginsOptions {
        builtin: builtin
            .into_iter()
            .map(|(name, bytes)| (name, &*bytes.leak()))
            .collect(),
        host: ironcore_plugin_host::HostConfig {
            guest_time: std::time::Duration::from_millis(300),
            ..ironcore_plugin_host::HostConfig::default()
        },
        ..PluginsOptions::default()
    };
    Plugins::load(&options).expect("plugins load")
}

/// Puts a text of the same length in the place of another.
fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = (0..bytes.len().saturating_sub(from.len()))
        .filter(|at| bytes[*at..].starts_with(from))
        .collect();
    assert!(!places.is_empty(), "the manifest says so");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

async fn say(world: &World, title: &str) {
    let data = EventData::new(Some(project()), Severity::Notice, title);
    let new = NewEvent {
        event_type: EventType::SystemStarted,
        subject: None,
        data,
    };
    world.ledger.emit(new).await.expect("told");
}

async fn shown(world: &World) -> Vec<InboxItem> {
    let scope = Scope::Project(project());
    let page = world
        .ledger
        .inbox(&scope, &user(), &InboxFilter::default(), &Page::first(100))
        .await
        .expect("inbox");
    page.items
}

/// The inbox, once so many messages of the project are in that state after an attempt.
async fn inbox_when(world: &World, count: usize, state: MessageState) -> Vec<InboxItem> {
    let filter = MessageFilter {
        project: Some(project()),
        ..MessageFilter::default()
    };
    let mut wakes = world.ledger.wakes().messages;
    loop {
        wakes.borrow_and_update();
        let page = world.ledger.messages(&filter, &Page::first(100)).await;
        let messages = page.expect("messages").messages;
        let is = |message: &&ironcore_ledger::model::ListedMessage| {
            message.message.state == state && message.message.attempts > 0
        };
        if messages.iter().filter(is).count() == count {
            return shown(world).await;
        }
        wakes.changed().await.expect("the ledger lives");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plain_event_shows_when_the_inbox_plugin_traps_or_takes_too_long() {
    let mut world = World::new(|_| json!([])).await;
    world.plugins = tokio::task::spawn_blocking(|| with_inbox(true))
        .await
        .expect("plugins");
    world.start();
    for (count, title) in (1..).zip(["panic", "loop", "exit"]) {
        say(&world, title).await;
        // Each waits to be tried again.
        let items = inbox_when(&world, count, MessageState::Pending).await;
        let item = items
            .iter()
            .find(|item| item.event.event.data.title == title)
            .expect("the event shows");
        assert!(item.entry.is_none() && !item.read, "{title}");
    }
    // What comes after them is shown as ever.
    say(&world, "behave").await;
    let items = inbox_when(&world, 1, MessageState::Delivered).await;
    let item = items
        .iter()
        .find(|item| item.event.event.data.title == "behave")
        .expect("the event");
    assert_eq!(
        item.entry.as_ref().map(|entry| entry.text.as_str()),
        Some("**body**")
    );
    // Beside them there is what tells that the plugin failed.
    let told = |item: &&InboxItem| item.event.event.event_type == EventType::SystemStarted;
    assert_eq!(items.iter().filter(told).count(), 4, "and each is there once");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plain_event_shows_when_there_is_no_inbox_plugin() {
    let mut world = World::new(|receiver| json!([webhook(receiver, "hook", "/hook", &[])])).await;
    world.plugins = tokio::task::spawn_blocking(|| with_inbox(false))
        .await
        .expect("plugins");
    world.start();
    world.task("nightly", TaskState::Failed).await;
    let failed = world.event(EventType::TaskFailed).await;
    world.delivered(1).await;
    let items = shown(&world).await;
    let item = items
        .iter()
        .find(|item| item.event.event.id == failed.event.id)
        .expect("the event");
    assert!(item.entry.is_none() && !item.tips.is_empty());
    world.stop().await;
}
