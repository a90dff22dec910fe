//! Who is told: rules, groups of the hub, `notify explain`, and handlers that are switched off and on again.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::webhook::{Answer, WebhookReceiver};
use serde_json::{Value, json};

use crate::fixture::{office, small_tree};

const PATIENCE: Duration = Duration::from_secs(60);

/// Handler `name` that posts to `path` of the receiver, with these further lines.
fn handler(name: &str, hook: &WebhookReceiver, more: &str) -> String {
    format!(
        "[[group.handler]]\nname = \"{name}\"\nplugin = \"webhook\"\nconfig = {{ url = \"{}/{name}\" }}\n{more}\n",
        hook.url()
    )
}

fn received(hook: &WebhookReceiver, handler: &str) -> Vec<String> {
    let of = |path: &str| path == format!("/{handler}");
    let all = hook.received().into_iter().filter(|request| of(&request.target));
    all.filter_map(|request| request.json().ok())
        .filter_map(|event| event["type"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_and_groups_of_the_hub_say_who_is_told_and_explain_says_why() -> Result<()> {
    let hook = WebhookReceiver::start().await?;
    let mut hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    let groups = format!(
        r#"
        [[group]]
        project = "office"
        name = "oncall"
        {chat}{pager}{desk}
        [[group.rule]]
        name = "starts to the desk"
        when = {{ events = ["task.started"], jobs = ["/^f/"] }}
        tell = ["desk"]
        [[group.rule]]
        when = {{ min-severity = "error" }}
        tell = ["pager"]
        then = "continue"
        [group.matrix]
        "task.completed" = ["chat"]

        [[group]]
        name = "guards"
        sources = ["auth"]
        {guard}
        "#,
        chat = handler("chat", &hook, ""),
        pager = handler("pager", &hook, ""),
        desk = handler("desk", &hook, ""),
        guard = handler("guard", &hook, "filter = { events = [] }"),
    );
    hub.apply(&office(&hub, &tree, "groups = [\"oncall\"]", &groups))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    hub.ok(&["token", "create", "eve@local!ci", "--project", "office"])?;
    hub.wait_until("who should be told is told", |_| {
        let told = ["chat", "desk", "guard"]
            .iter()
            .all(|name| !received(&hook, name).is_empty());
        Ok(told.then_some(()))
    })?;
    ensure!(received(&hook, "chat") == ["ironcore.task.completed"]);
    ensure!(received(&hook, "desk") == ["ironcore.task.started"]);
    ensure!(received(&hook, "guard") == ["ironcore.auth.token-created"]);
    ensure!(received(&hook, "pager").is_empty());

    // Of the event that happened, and of one that did not.
    let messages = hub.messages()?;
    let of_chat = messages
        .iter()
        .find(|message| message["handler"] == "chat")
        .context("a message")?;
    let shown: Value = hub.json(&["message", "show", of_chat["id"].as_str().unwrap_or_default()])?;
    let event = shown["events"][0]["event"]["id"].as_str().context("an event")?;
    let explained: Value = hub.json(&["notify", "explain", event])?;
    let of = |name: &str, all: &Value| -> Option<(bool, String)> {
        let all = all["handlers"].as_array()?;
        let one = all.iter().find(|one| one["handler"] == name)?;
        Some((one["told"].as_bool()?, one["reason"].as_str()?.to_owned()))
    };
    for (name, told, reason) in [
        ("chat", true, "matrix"),
        ("pager", false, "matrix"),
        ("desk", false, "matrix"),
        ("guard", false, "not-reached"),
    ] {
        ensure!(
            of(name, &explained) == Some((told, reason.to_owned())),
            "{name}: {explained}"
        );
    }
    let made_up = [
        "notify",
        "explain",
        "--type",
        "task.failed",
        "--project",
        "office",
        "--job",
        "files",
    ];
    let explained: Value = hub.json(&made_up)?;
    ensure!(
        of("pager", &explained) == Some((true, "rule".to_owned())),
        "{explained}"
    );
    ensure!(
        of("chat", &explained) == Some((true, "default-rule".to_owned())),
        "{explained}"
    );
    let told = hub.ok(&[
        "notify",
        "explain",
        "--type",
        "task.started",
        "--project",
        "office",
        "--job",
        "files",
    ])?;
    ensure!(told.contains("rule 1 (starts to the desk) tells it"), "{told}");
    ensure!(told.contains("does not tell this handler, and stops"), "{told}");

    // A datastore and the group that it names may be declared together.
    let second = format!(
        "[[datastore]]\nname = \"second\"\npath = \"{}\"\nprojects = [\"office\"]\ngroups = [\"storage\"]\n\
         [[group]]\nname = \"storage\"\n{}",
        hub.folder().join("second").display(),
        handler("shelf", &hook, "filter = { events = [] }"),
    );
    hub.apply(&second)?;
    hub.ok(&["gc", "start", "second", "--wait"])?;
    hub.wait_until("the datastore's group is told", |_| {
        Ok(received(&hook, "shelf")
            .contains(&"ironcore.task.completed".to_owned())
            .then_some(()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_is_gone_is_shown_and_comes_back_with_what_was_given_up() -> Result<()> {
    let hook = WebhookReceiver::start().await?;
    hook.set_default(Answer::status(410));
    let mut hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    let group = format!(
        "[[group]]\nproject = \"office\"\nname = \"oncall\"\n{}",
        handler("chat", &hook, "")
    );
    hub.apply(&office(&hub, &tree, "groups = [\"oncall\"]", &group))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    hub.wait_until("it is switched off", |hub| {
        Ok(hub
            .ok(&["group", "list"])?
            .contains("switched off at")
            .then_some(()))
    })?;
    let explained: Value = hub.json(&[
        "notify",
        "explain",
        "--type",
        "task.failed",
        "--project",
        "office",
        "--job",
        "files",
    ])?;
    ensure!(
        explained["handlers"][0]["reason"] == "switched-off",
        "{explained}"
    );
    // Nobody would send what is replayed meanwhile.
    let left: Value = hub.json(&["message", "replay", "--handler", "oncall/chat"])?;
    ensure!(
        (&left["replayed"], &left["left_out"]) == (&json!(0), &json!(1)),
        "{left}"
    );
    let told = hub.ok(&["message", "replay", "--handler", "oncall/chat"])?;
    ensure!(told.contains("group enable"), "{told}");
    let listed: Value = hub.json(&["message", "list", "--state", "dead"])?;
    let dead = listed["messages"][0]["id"].as_str().context("a dead letter")?;
    let refused = hub.cli(&["message", "replay", dead])?;
    let why = String::from_utf8_lossy(&refused.stderr);
    ensure!(
        !refused.status.success() && why.contains("group enable oncall/chat"),
        "{why}"
    );
    // Nothing is made for it meanwhile.
    hub.ok(&["job", "run", "files", "--wait"])?;
    hook.set_default(Answer::status(200));
    let enabled = hub.ok(&["group", "enable", "oncall/chat"])?;
    ensure!(enabled.contains("on again"), "{enabled}");
    ensure!(hub.ok(&["group", "enable", "oncall/chat"])?.contains("as before"));
    let replayed = hub.ok(&[
        "message",
        "replay",
        "--handler",
        "oncall/chat",
        "--since",
        "1h ago",
    ])?;
    ensure!(replayed.contains('1'), "{replayed}");
    hook.wait_for(2, PATIENCE).await?;
    let again: Value = hub.json(&["message", "replay", "--handler", "oncall/chat"])?;
    ensure!(again["replayed"] == 0, "{again}");
    ensure!(!hub.ok(&["group", "list"])?.contains("switched off"));
    Ok(())
}
