//! Every event gets its presentation in the inbox, whoever else is told.

use ironcore_ledger::model::{MessageFilter, MessageState, Page, Scope};
use ironcore_types::{EventType, TaskState};
use serde_json::json;

use crate::world::{World, project, user};

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
            .inbox(&scope, &user(), false, &Page::first(100))
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
