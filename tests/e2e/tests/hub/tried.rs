//! Handlers and templates are tried out: test messages, previews, and overrides that do not work.

#![expect(
    clippy::disallowed_methods,
    reason = "the test plays whoever puts files there, and nothing durable is written"
)]

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::smtp::{self, MailServer, PASSWORD, USER};
use ironcore_testkit::tls::TestCa;
use ironcore_testkit::webhook::{Answer, WebhookReceiver};
use serde_json::Value;

use crate::fixture::{office, small_tree};

const PATIENCE: Duration = Duration::from_secs(60);

/// Group `oncall` with a webhook that has this template, and one that is told nothing by itself.
fn group(hook: &WebhookReceiver, template: &str) -> String {
    let url = hook.url();
    format!(
        r#"
        [[group]]
        project = "office"
        name = "oncall"
        [[group.handler]]
        name = "chat"
        plugin = "webhook"
        template = "{template}"
        config = {{ url = "{url}/chat", bearer = {{ secret = "door" }} }}
        [[group.handler]]
        name = "raw"
        plugin = "webhook"
        config = {{ url = "{url}/raw" }}
        filter = {{ events = ["job.overdue"] }}
        "#
    )
}

fn of(hook: &WebhookReceiver, path: &str) -> Vec<Value> {
    let all = hook.received().into_iter();
    all.filter(|request| request.target == path)
        .filter_map(|request| request.json().ok())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_message_tells_how_it_went_and_leaves_nothing_behind() -> Result<()> {
    let hook = WebhookReceiver::start().await?;
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    hub.secret("door", "open-sesame")?;
    hub.apply(&office(
        &hub,
        &tree,
        "groups = [\"oncall\"]",
        &group(&hook, "generic"),
    ))?;
    let answer: Value = hub.json(&["notify", "test", "oncall"])?;
    for (at, name) in ["chat", "raw"].into_iter().enumerate() {
        let one = &answer["handlers"][at];
        ensure!(
            one["handler"] == name && one["delivered"] == true && one["status"] == 204,
            "{answer}"
        );
    }
    let chat = of(&hook, "/chat");
    let title = chat[0]["title"].as_str().context("a title")?;
    ensure!(
        title.contains("Test message of office/oncall") && title.contains("nothing happened"),
        "{title}"
    );
    ensure!(of(&hook, "/raw")[0]["type"] == "ironcore.task.completed");
    // A failure is told with its attempt, and no secret is in it.
    hook.set_default(Answer::status(410));
    let failed = hub.cli(&["notify", "test", "oncall/chat", "--type", "task.failed"])?;
    let (out, err) = (
        String::from_utf8_lossy(&failed.stdout).into_owned(),
        String::from_utf8_lossy(&failed.stderr).into_owned(),
    );
    ensure!(failed.status.code() == Some(1), "{out}{err}");
    ensure!(out.contains("failed") && out.contains("410"), "{out}");
    ensure!(
        err.contains("/chat: 410 in") && !err.contains("open-sesame"),
        "{err}"
    );
    // But for those of the inbox there is no message of the hub.
    let all = hub.messages()?;
    ensure!(all.iter().all(|message| message["kind"] == "inbox"), "{all:?}");
    ensure!(
        !hub.ok(&["group", "list"])?.contains("switched off"),
        "nothing is switched off"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_previewed_and_a_broken_override_holds_no_message_up() -> Result<()> {
    let hook = WebhookReceiver::start().await?;
    let templates = tempfile::tempdir()?;
    std::fs::create_dir(templates.path().join("webhook"))?;
    let file = templates.path().join("webhook/generic.json");
    std::fs::write(&file, "{\n  \"mine\": {{json event.data.gone}}\n}\n")?;
    let mut hub = TestHub::start(&format!("templates = \"{}\"\n", templates.path().display()))?;
    let tree = small_tree(&hub)?;
    hub.secret("door", "open-sesame")?;
    hub.apply(&office(
        &hub,
        &tree,
        "groups = [\"oncall\"]",
        &group(&hook, "generic"),
    ))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    hook.wait_for(1, PATIENCE).await?;
    let sent = of(&hook, "/chat");
    ensure!(
        sent[0]["type"] == "ironcore.task.completed",
        "the built-in template: {sent:?}"
    );
    let message = hub.wait_until("the message is delivered", |hub| {
        let all = hub.messages()?;
        Ok(all.into_iter().find(|message| message["state"] == "delivered"))
    })?;
    let id = message["id"].as_str().context("an id")?;
    let shown: Value = hub.json(&["message", "show", id])?;
    let detail = shown["attempts"][0]["detail"].as_str().context("a record")?;
    ensure!(
        detail.contains("webhook/generic.json:2:") && detail.contains("the built-in template was used"),
        "{detail}"
    );

    // What the handler makes of the event now, beside what was sent.
    let event = shown["events"][0]["event"]["id"].as_str().context("an event")?;
    let preview: Value = hub.json(&["notify", "preview", event, "--handler", "oncall/chat"])?;
    let body = preview["made"][0]["body"].as_str().context("a body")?;
    let made: Value = serde_json::from_str(body)?;
    ensure!(
        made["event_id"] == event && made["title"] == sent[0]["title"],
        "{preview}"
    );
    ensure!(preview["sent"][0]["message"]["id"] == id, "{preview}");
    let was = &preview["sent"][0]["attempts"][0]["exchanges"][0]["sent"];
    let was: Value = serde_json::from_str(was["body"].as_str().context("what was sent")?)?;
    ensure!(was == sent[0], "{was}");
    let beside = hub.cli(&["notify", "preview", event, "--handler", "oncall/chat"])?;
    let beside = String::from_utf8_lossy(&beside.stderr).into_owned();
    ensure!(
        beside.contains("really sent: message") && beside.contains("authorization: Bearer {secret door}"),
        "{beside}"
    );
    ensure!(
        preview["templates"][0]
            .as_str()
            .is_some_and(|fault| fault.contains(":2:")),
        "{preview}"
    );
    ensure!(preview.to_string().contains("Bearer {secret door}") && !preview.to_string().contains("sesame"));

    // Another template, from a file, without and with a fault.
    let mine = templates.path().join("mine.txt");
    std::fs::write(&mine, "{ \"said\": {{json event.data.title}} }")?;
    let mine = mine.display().to_string();
    let shown = hub.ok(&["notify", "preview", event, "--template", &mine])?;
    ensure!(
        shown.contains("POST https://preview.invalid/") && shown.contains("\"said\": \"Backup"),
        "{shown}"
    );
    let shown = hub.ok(&[
        "notify",
        "preview",
        event,
        "--handler",
        "oncall/raw",
        "--template",
        &mine,
    ])?;
    ensure!(
        shown.contains(&format!("POST {}/raw", hook.url())) && shown.contains("\"said\""),
        "{shown}"
    );
    std::fs::write(&mine, "{\n  {{#if event}}\n}")?;
    let broken = hub.cli(&["notify", "preview", event, "--template", &mine])?;
    let why = String::from_utf8_lossy(&broken.stderr).into_owned();
    ensure!(
        !broken.status.success() && why.contains("webhook/preview.json:"),
        "{why}"
    );
    ensure!(hook.received().len() == 1, "nothing was sent");

    // What cannot be read at all shows in the status.
    std::fs::write(&file, "{\n  {{#if event}}\n}\n")?;
    hub.wait_until("the status says so", |hub| {
        let status = hub.cli(&["status"])?;
        let why = String::from_utf8_lossy(&status.stderr).into_owned();
        Ok(why.contains("webhook/generic.json").then_some(()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_mail_that_would_carry_a_log_goes_out_though_no_task_ran() -> Result<()> {
    let ca = TestCa::new()?;
    let mail = MailServer::start(&ca.issue(&[])?).await?;
    let pem = tempfile::NamedTempFile::new()?;
    pem.as_file().write_all(ca.pem().as_bytes())?;
    let hub = TestHub::start(&format!(
        "[egress]\nallow = [\"127.0.0.0/8\", \"localhost\"]\nca = [\"{}\"]\n",
        pem.path().display()
    ))?;
    hub.secret("mail", PASSWORD)?;
    let tree = small_tree(&hub)?;
    let group = format!(
        r#"
        [[group]]
        project = "office"
        name = "oncall"
        [[group.handler]]
        name = "mail"
        plugin = "email"
        [group.handler.config]
        host = "localhost"
        port = {}
        tls = "starttls"
        username = "{USER}"
        password = {{ secret = "mail" }}
        from = "Hub <hub@{domain}>"
        to = ["oncall@{domain}"]
        attach-log = true
        "#,
        mail.starttls.port(),
        domain = smtp::DOMAIN,
    );
    hub.apply(&office(&hub, &tree, "", &group))?;
    for kind in ["task.completed", "task.failed"] {
        let answer: Value = hub.json(&["notify", "test", "oncall/mail", "--type", kind])?;
        ensure!(answer["handlers"][0]["delivered"] == true, "{answer}");
    }
    let mails = mail.wait_for(2, PATIENCE).await?;
    ensure!(
        mails.iter().all(|mail| !mail.raw.contains(".log")),
        "there is no log"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_handler_was_removed_is_previewed_by_it_as_it_was() -> Result<()> {
    let hook = WebhookReceiver::start().await?;
    let mut hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    let url = hook.url();
    let group = |handlers: &str| format!("[[group]]\nproject = \"office\"\nname = \"oncall\"\n{handlers}");
    let raw = format!(
        "[[group.handler]]\nname = \"raw\"\nplugin = \"webhook\"\nconfig = {{ url = \"{url}/raw\" }}\n\
         filter = {{ events = [\"job.overdue\"] }}\n"
    );
    let chat = format!(
        "{raw}[[group.handler]]\nname = \"chat\"\nplugin = \"webhook\"\ntemplate = \"generic\"\n\
         config = {{ url = \"{url}/chat\", headers = {{ X-Gotify-Key = \"plainkey99\" }} }}\n"
    );
    hub.apply(&office(&hub, &tree, "groups = [\"oncall\"]", &group(&chat)))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    let message = hub.wait_until("the message is delivered", |hub| {
        let all = hub.messages()?;
        let mut chat = all.into_iter().filter(|message| message["handler"] == "chat");
        Ok(chat.find(|message| message["state"] == "delivered"))
    })?;
    let id = message["id"].as_str().context("an id")?;
    hub.apply(&office(&hub, &tree, "groups = [\"oncall\"]", &group(&raw)))?;
    ensure!(!hub.ok(&["group", "list"])?.contains("chat"), "it is removed");

    let preview: Value = hub.json(&["notify", "preview", "--message", id])?;
    let made = &preview["made"][0];
    ensure!(made["url"] == format!("{url}/chat"), "{preview}");
    let body: Value = serde_json::from_str(made["body"].as_str().context("a body")?)?;
    ensure!(body == of(&hook, "/chat")[0], "{body}");
    // The header lets somebody in: neither the preview nor the record beside it says it.
    ensure!(
        made.to_string().contains("x-gotify-key") && !preview.to_string().contains("plainkey99"),
        "{preview}"
    );
    let mine = hub.folder().join("mine.txt");
    std::fs::write(&mine, "{ \"said\": {{json event.data.title}} }")?;
    let mine = mine.display().to_string();
    let shown = hub.ok(&["notify", "preview", "--message", id, "--template", &mine])?;
    ensure!(
        shown.contains(&format!("POST {url}/chat")) && shown.contains("\"said\": \"Backup"),
        "{shown}"
    );
    Ok(())
}
