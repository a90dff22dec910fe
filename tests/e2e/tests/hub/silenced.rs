//! Silences from the command line: nobody is told while one lasts, everything shows, and what still lasts is told after it.

#![expect(
    clippy::disallowed_methods,
    reason = "the test plays whoever puts files there, and nothing durable is written"
)]

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::webhook::WebhookReceiver;
use serde_json::Value;

use crate::fixture::{office, small_tree};

const PATIENCE: Duration = Duration::from_secs(60);

/// The events that came so far, by type.
fn received(hook: &WebhookReceiver) -> Vec<String> {
    let all = hook.received().into_iter();
    all.filter_map(|request| request.json().ok())
        .filter_map(|event| event["type"].as_str().map(str::to_owned))
        .collect()
}

/// The newest entry of the inbox of this type.
fn entry(hub: &TestHub, wanted: &str) -> Result<Option<Value>> {
    let mut inbox: Value = hub.json(&["inbox", "list"])?;
    let Value::Array(entries) = inbox["entries"].take() else {
        return Ok(None);
    };
    Ok(entries.into_iter().find(|entry| entry["event"]["type"] == wanted))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_silenced_shows_and_what_lasts_is_told_when_it_is_over() -> Result<()> {
    let hook = WebhookReceiver::start().await?;
    let mut hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    let group = format!(
        "[[group]]\nproject = \"office\"\nname = \"oncall\"\n[[group.handler]]\nname = \"chat\"\nplugin = \"webhook\"\n\
         config = {{ url = \"{}/chat\" }}\n\
         [[maintenance]]\nproject = \"office\"\nname = \"leap\"\nfrom = \"2096-02-29 00:00\"\nlasts = \"1h\"\n",
        hook.url()
    );
    hub.apply(&office(&hub, &tree, "groups = [\"oncall\"]", &group))?;

    let refused = hub.cli(&["silence", "add", "--for", "1h", "--comment", "all of it"])?;
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        !refused.status.success() && why.contains("everything of everybody"),
        "{why}"
    );
    let add = [
        "silence",
        "add",
        "--project",
        "office",
        "--job",
        "/^fi/",
        "--for",
        "1h",
        "--comment",
        "new disks",
    ];
    let made: Value = hub.json(&add)?;
    let id = made["id"].as_str().context("an id")?.to_owned();
    ensure!(
        made["state"] == "active" && made["when"]["jobs"][0] == "/^fi/",
        "{made}"
    );
    let status = hub.ok(&["status"])?;
    ensure!(
        status.contains(&format!("silence/{id} of project office until")),
        "{status}"
    );

    hub.ok(&["job", "run", "files", "--wait"])?;
    std::fs::rename(&tree, hub.folder().join("elsewhere"))?;
    ensure!(!hub.cli(&["job", "run", "files", "--wait"])?.status.success());
    let failed = hub.wait_until("the inbox says that it is silenced", |hub| {
        let entry = entry(hub, "ironcore.task.failed")?;
        Ok(entry.filter(|entry| entry["silenced"][0]["by"] == format!("silence/{id}")))
    })?;
    ensure!(hub.ok(&["inbox", "list"])?.contains("silenced"));
    let event = failed["event"]["id"].as_str().context("an id")?.to_owned();
    let explained: Value = hub.json(&["notify", "explain", &event])?;
    let chat = &explained["handlers"][0];
    ensure!(
        chat["told"] == false && chat["reason"] == "silenced",
        "{explained}"
    );
    ensure!(
        chat["why"].as_str().is_some_and(|why| why.contains(&id)),
        "{explained}"
    );
    ensure!(received(&hook).is_empty(), "{:?}", received(&hook));

    // A hub that is killed meanwhile forgets nothing.
    hub.kill()?;
    hub.resume()?;
    let ended: Value = hub.json(&["silence", "end", &id])?;
    ensure!(
        ended["state"] == "ended" && ended["ended_by"].is_string(),
        "{ended}"
    );
    hook.wait_for(1, PATIENCE).await?;
    ensure!(
        received(&hook) == ["ironcore.task.failed"],
        "the success is not told"
    );
    // What it was silenced by then is known after it.
    let explained: Value = hub.json(&["notify", "explain", &event])?;
    ensure!(explained["handlers"][0]["reason"] == "silenced", "{explained}");

    let list = hub.ok(&["silence", "list"])?;
    ensure!(!list.contains(&id), "{list}");
    let list = hub.ok(&["silence", "list", "--over"])?;
    ensure!(
        list.contains(&id) && list.contains("new disks") && list.contains("ended"),
        "{list}"
    );
    let shown = hub.ok(&["silence", "show", &id])?;
    ensure!(shown.contains("job /^fi/") && shown.contains("Ended"), "{shown}");
    ensure!(!hub.ok(&["status"])?.contains("Silenced"));

    let windows = hub.ok(&["maintenance", "list"])?;
    ensure!(
        windows.contains("leap") && windows.contains("2096-02-29"),
        "{windows}"
    );
    ensure!(hub.ok(&["export"])?.contains("[[maintenance]]"));
    hub.ok(&["maintenance", "remove", "leap", "--yes"])?;
    ensure!(!hub.ok(&["export"])?.contains("[[maintenance]]"));
    Ok(())
}
