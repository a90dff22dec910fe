//! Plugins that fail harm themselves alone.

use ironcore_ledger::model::{Message, MessageState};
use ironcore_notify::NotifyError;
use ironcore_types::objects::Group;
use ironcore_types::{ErrorCode, EventType, TaskState};
use serde_json::json;

use crate::world::{World, plugins, webhook};

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_loops_is_stopped_told_and_tried_again_while_others_deliver() {
    let mut world = World::new(|receiver| {
        json!([
            { "name": "bad", "plugin": "misbehave", "config": { "mode": "loop" } },
            webhook(receiver, "good", "/good", &["task.failed", "plugin.failed"]),
        ])
    })
    .await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    let failed = world.event(EventType::PluginFailed).await;
    let waits = |one: &&Message| one.handler.handler.as_str() == "bad" && one.state == MessageState::Pending;
    let messages = world
        .until("the failed attempt", |all| {
            all.iter().any(|one| waits(&one) && one.attempts == 1)
                && all
                    .iter()
                    .filter(|one| one.state == MessageState::Delivered)
                    .count()
                    == 2
        })
        .await;
    let bad = messages.iter().find(waits).expect("it waits");
    assert_eq!(
        bad.error.as_ref().map(|error| error.code),
        Some(ErrorCode::PluginTimeout)
    );
    let data = &failed.event.data;
    assert_eq!(
        data.error.as_ref().map(|error| error.code),
        Some(ErrorCode::PluginTimeout)
    );
    assert_eq!(
        data.delivery.as_ref().and_then(|delivery| delivery.message),
        Some(bad.id)
    );
    let told: Vec<_> = world
        .receiver
        .got_at("/good")
        .iter()
        .map(crate::receiver::Got::event_type)
        .collect();
    assert!(told.contains(&"ironcore.plugin.failed".to_owned()), "{told:?}");

    // It fails again, which is no news.
    world.clock.set(bad.due);
    world
        .until("a second failed attempt", |all| {
            all.iter().any(|one| waits(&one) && one.attempts == 2)
        })
        .await;
    world.stop().await;
    assert_eq!(world.events(EventType::PluginFailed).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_with_a_wrong_configuration_is_refused_with_the_key_that_is_wrong() {
    let plugins = tokio::task::spawn_blocking(plugins).await.expect("plugins");
    let group = |handler: serde_json::Value| -> Group {
        serde_json::from_value(json!({ "project": "web", "name": "ops", "handler": [handler] }))
            .expect("a group")
    };
    let error = plugins
        .check_group(&group(
            json!({ "name": "hook", "plugin": "webhook", "config": { "ulr": "http://a.example" } }),
        ))
        .expect_err("misspelt");
    assert_eq!(error.code(), ErrorCode::PluginConfig);
    assert!(
        error.to_string().contains("hook") && error.to_string().contains("ulr"),
        "{error}"
    );
    let NotifyError::Group { faults, .. } = plugins
        .check_group(&group(json!({ "name": "hook", "plugin": "pager" })))
        .expect_err("there is no such plugin")
    else {
        panic!("another error");
    };
    assert_eq!(faults[0].path, "plugin");
    assert!(
        faults[0].message.contains("webhook"),
        "it names those that there are: {}",
        faults[0].message
    );
    let advises = plugins.check_group(&group(json!({ "name": "x", "plugin": "remediation" })));
    assert!(
        advises
            .expect_err("it delivers nothing")
            .to_string()
            .contains("delivers nothing")
    );
}
