//! Plugins that fail harm themselves alone.

use ironcore_ledger::model::{Message, MessageState};
use ironcore_notify::{NotifyError, Templates};
use ironcore_types::objects::Group;
use ironcore_types::{ErrorCode, EventType, TaskState};
use serde_json::json;

use crate::world::{World, plugins, webhook};

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_is_not_there_or_lacks_a_setting_is_refused() {
    let world = World::new(|_| json!([])).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("webhook")).expect("a folder");
    std::fs::File::create(folder.path().join("webhook/mine.json"))
        .and_then(|mut file| std::io::Write::write_all(&mut file, b"{{!needs values.room}}{}"))
        .expect("a file");
    let templates = Templates::new(Some(folder.path().to_owned()), world.seams.clone());
    let plugins = world.plugins.clone().with_templates(templates);
    let hook = |template: &str, more: serde_json::Value| {
        let mut config = json!({ "url": "https://a.example" });
        let map = config.as_object_mut().expect("an object");
        map.extend(more.as_object().cloned().expect("an object"));
        json!({ "name": "hook", "plugin": "webhook", "template": template, "config": config })
    };
    let jira = json!({ "values": { "project-key": "OPS", "issue-type": "Task" } });
    let mail = json!({ "host": "mail.example", "from": "hub@a.example", "to": ["ops@a.example"] });
    for (handler, why) in [
        (hook("slack", json!({})), None),
        (hook("jira", jira), None),
        (hook("mine", json!({ "values": { "room": "12" } })), None),
        (
            hook("nosuch", json!({})),
            Some(
                "handler hook: template: there is no file webhook/nosuch.json among the templates; there are discord, generic,",
            ),
        ),
        (
            hook("parts/title", json!({})),
            Some("there is no file webhook/parts/title.json"),
        ),
        (
            hook("jira", json!({ "values": { "issue-type": "Task" } })),
            Some("handler hook: config.values.project-key: the template jira needs it"),
        ),
        (
            hook("mine", json!({})),
            Some("config.values.room: the template mine needs it"),
        ),
        (
            hook("pagerduty", json!({})),
            Some("config.body-secrets./routing_key: the template pagerduty needs it"),
        ),
        (
            json!({ "name": "mail", "plugin": "email", "template": "short", "config": mail }),
            Some(
                "email/short/subject.txt, email/short/body.txt, email/short/body.html among the templates; there are none",
            ),
        ),
        (
            json!({ "name": "x", "plugin": "inbox", "template": "slack" }),
            Some("the plugin inbox uses no templates"),
        ),
    ] {
        let group: Group =
            serde_json::from_value(json!({ "project": "web", "name": "ops", "handler": [handler] }))
                .expect("a group");
        let checked = plugins.check_group(&group).map_err(|error| error.to_string());
        match why {
            None => assert_eq!(checked, Ok(()), "{group:?}"),
            Some(why) => {
                let error = checked.expect_err("it is refused");
                assert!(error.contains(why), "{error}");
            }
        }
    }
}

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
