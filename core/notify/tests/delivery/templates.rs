//! An admin's folder of templates that changes while the hub runs: what counts is how it is at the next delivery.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use ironcore_ledger::model::{Message, SeqEvent};
use ironcore_notify::trial::{Made, Tried};
use ironcore_types::{EventType, TaskState};
use serde_json::{Value, json};

use crate::world::{World, webhook};

const FILE: &str = "webhook/generic.json";

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    let mut file = std::fs::File::create(path).expect("a file");
    file.write_all(text.as_bytes()).expect("written");
}

/// A hub with a webhook that has the template `generic`, and an empty folder of templates.
async fn world() -> World {
    let mut world = World::new(|receiver| {
        let mut hook = webhook(receiver, "hook", "/hook", &["task.failed"]);
        hook["template"] = "generic".into();
        json!([hook])
    })
    .await;
    let folder = world.folder.path().join("templates");
    std::fs::create_dir(&folder).expect("a folder");
    world.overrides = Some(folder);
    world
}

impl World {
    fn put(&self, name: &str, text: &str) {
        put(self.overrides.as_deref().expect("a folder"), name, text);
    }

    fn remove(&self, name: &str) {
        let folder = self.overrides.as_deref().expect("a folder");
        std::fs::remove_file(folder.join(name)).expect("removed");
    }

    /// Lets a task fail after a while in which nobody asks for templates, and waits until that is delivered: what was
    /// sent, and what the record of its attempt says.
    async fn told(&self) -> (Value, String) {
        self.clock.advance(Duration::from_secs(5));
        let before = self.messages().await.len();
        self.task("nightly", TaskState::Failed).await;
        let messages = self.delivered(before + 1).await;
        let attempts = self.attempts(messages.last().expect("a message")).await;
        assert_eq!(attempts.len(), 1, "{attempts:?}");
        let sent = self.receiver.got().last().expect("a request").json();
        (sent, attempts[0].detail.clone().unwrap_or_default())
    }
}

fn is_built_in(sent: &Value) -> bool {
    sent["type"] == "ironcore.task.failed" && sent["event_id"].is_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_changes_counts_at_the_next_delivery_whatever_changed() {
    let mut world = world().await;
    world.start();
    let (sent, record) = world.told().await;
    assert!(is_built_in(&sent) && record.is_empty(), "{sent} {record}");
    // The first override, and a change of it.
    for (text, wanted) in [
        ("{ \"mine\": 1 }", json!({ "mine": 1 })),
        (
            "{ \"said\": {{json event.type}} }",
            json!({ "said": "ironcore.task.failed" }),
        ),
    ] {
        world.put(FILE, text);
        let (sent, record) = world.told().await;
        assert_eq!((sent, record.as_str()), (wanted, ""));
    }
    // One that cannot be read: the built-in template, and where it is wrong.
    world.put(FILE, "{\n  {{#if event}}\n}");
    let (sent, record) = world.told().await;
    assert!(is_built_in(&sent), "{sent}");
    assert!(
        record.contains("webhook/generic.json:") && record.contains("the built-in template was used"),
        "{record}"
    );
    assert!(!record.contains("built-in/"), "{record}");
    // One that makes no JSON: with its place in the template, and in what it makes.
    world.put(FILE, "{\n  \"said\": {{event.type}}\n}");
    let (sent, record) = world.told().await;
    assert!(is_built_in(&sent), "{sent}");
    assert!(
        record.contains("webhook/generic.json:2:11: what it makes is not JSON")
            && record.contains("line 2, column 11 of what it makes"),
        "{record}"
    );
    // The last override goes.
    world.remove(FILE);
    let (sent, record) = world.told().await;
    assert!(is_built_in(&sent) && record.is_empty(), "{sent} {record}");
    world.stop().await;
}

/// What a preview of the event makes of this template.
async fn previewed(world: &World, messages: &[Message], event: SeqEvent, text: &str) -> Value {
    let declared = json!({ "name": "hook", "plugin": "webhook", "template": "generic",
        "config": { "url": "https://hooks.example/" } });
    let tried = Tried {
        message: None,
        handler: messages[0].handler.clone(),
        declared: serde_json::from_value(declared).expect("a handler"),
        events: vec![event],
        tips: Vec::new(),
    };
    let template = Some((FILE.to_owned(), text.to_owned()));
    let preview = world.notify().preview(tried, template).await.expect("a template");
    let [Made::Http { body, .. }] = preview.made.as_slice() else {
        panic!("{preview:?}");
    };
    serde_json::from_str(body).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_with_a_context_works_in_deliveries_and_previews() {
    let text = "{ \"part\": {{> webhook/parts/mini.json event.data}} }";
    let mut world = world().await;
    world.put("webhook/parts/mini.json", "{{json severity}}");
    world.put(FILE, text);
    world.start();
    let (sent, record) = world.told().await;
    assert_eq!((sent, record.as_str()), (json!({ "part": "error" }), ""));
    let event = world.event(EventType::TaskFailed).await;
    let messages = world.messages().await;
    let made = previewed(&world, &messages, event, text).await;
    assert_eq!(made, json!({ "part": "error" }));
    world.stop().await;
}
