//! What a configuration says in plain words of a credential.

use ironcore_ledger::model::{Message, MessageState};
use ironcore_types::objects::Group;
use ironcore_types::{EventType, TaskState};
use serde_json::json;

use crate::receiver::Answer;
use crate::world::{World, webhook};

#[tokio::test(flavor = "multi_thread")]
async fn what_an_address_says_in_plain_words_is_not_kept_of_an_answer() {
    let mut world = World::new(|receiver| {
        let mut hook = webhook(receiver, "hook", "/hook", &[]);
        hook["config"]["url"] = json!(receiver.url("/hook?token=hunter2%2Fhunter3%2Bx&wait=true"));
        json!([hook, webhook(receiver, "spare", "/spare", &[])])
    })
    .await;
    world.receiver.answer("/hook", &[Answer::EchoQuery(404)]);
    world.start();
    world.task("nightly", TaskState::Failed).await;
    let lost = |all: &[Message]| all.iter().any(|one| one.state == MessageState::Dead);
    let messages = world.until("it is refused", lost).await;
    let event = world.event(EventType::DeliveryExhausted).await;
    // Of the failure, and of the message that was lost.
    world.delivered(2).await;
    world.stop().await;
    let dead = messages.iter().find(|one| one.state == MessageState::Dead);
    let dead = dead.expect("a dead letter");
    let why = &dead.error.as_ref().expect("a reason").message;
    assert!(
        why.contains("token=[redacted]&wait=true (token=[redacted]&wait=true)"),
        "{why}"
    );
    let told: Vec<_> = world
        .receiver
        .got_at("/spare")
        .into_iter()
        .map(|got| got.body)
        .collect();
    let attempts = world.attempts(dead).await;
    let kept = format!("{why} {:?} {event:?} {attempts:?} {told:?}", dead.receipt);
    assert!(!kept.contains("hunter"), "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_a_password_in_it_is_refused() {
    let world = World::new(|receiver| json!([webhook(receiver, "hook", "/hook", &[])])).await;
    for url in [
        json!("https://user:hunter2@chat.example/hook"),
        json!("https://user@chat.example/hook"),
        json!({ "secret": "token", "before": "https://:hunter2@chat.example/", "after": "" }),
    ] {
        let handler = json!({ "name": "chat", "plugin": "webhook", "config": { "url": url } });
        let group = json!({ "project": "web", "name": "ops", "handler": [handler] });
        let group: Group = serde_json::from_value(group).expect("a group");
        let faults = world
            .plugins
            .check_group(&group)
            .expect_err("refused")
            .to_string();
        assert!(
            faults.contains("config.url: an address with a user or a password in it is never sent to")
                && faults.contains("`password`")
                && !faults.contains("hunter2"),
            "{faults}"
        );
    }
}
