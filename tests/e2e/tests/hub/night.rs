//! One night with a real mail server and a webhook receiver, told to people once, in mail, webhook and inbox.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::smtp::{MailServer, PASSWORD, USER};
use ironcore_testkit::tls::TestCa;
use ironcore_testkit::webhook::{Answer, WebhookReceiver, verify_standard_webhook};
use ironcore_testkit::{damage, smtp};
use serde_json::Value;

use crate::fixture::{hook_group, office, small_tree};

/// 32 bytes, as Standard Webhooks writes secrets.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_chunk_is_told_by_mail_webhook_and_inbox_with_the_tip() -> Result<()> {
    let ca = TestCa::new()?;
    let mail = MailServer::start(&ca.issue(&[])?).await?;
    let hook = WebhookReceiver::start().await?;
    let pem = tempfile::NamedTempFile::new()?;
    std::io::Write::write_all(&mut pem.as_file(), ca.pem().as_bytes())?;
    let hub = TestHub::start(&format!(
        "[egress]\nallow = [\"127.0.0.0/8\", \"localhost\"]\nca = [\"{}\"]\n",
        pem.path().display()
    ))?;
    hub.secret("hook", SECRET)?;
    hub.secret("mail", PASSWORD)?;
    let tree = small_tree(&hub)?;
    let group = format!(
        r#"{}
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

        [[job]]
        project = "office"
        name = "verify"
        owner = "alice@local"
        after = "files"
        groups = ["oncall"]
        task = {{ type = "verify", datastore = "ibs-primary", again = true }}
        "#,
        hook_group(&format!("{}/hook", hook.url())),
        mail.starttls.port(),
        domain = smtp::DOMAIN,
    );
    hub.apply(&office(&hub, &tree, "groups = [\"oncall\"]", &group))?;

    // The first run: backup and verification, both well.
    hub.ok(&["job", "run", "files", "--wait"])?;
    hook.wait_for(2, PATIENCE).await?;
    mail.wait_for(2, PATIENCE).await?;

    // A chunk breaks; the next verification says so to everybody.
    let pack = damage::largest_file(&hub.folder().join("ibs-primary"))?;
    damage::flip_byte(&pack, std::fs::metadata(&pack)?.len() / 2)?;
    let run = hub.cli(&["job", "run", "verify", "--wait"])?;
    ensure!(run.status.code() == Some(6), "exit {:?}", run.status.code());
    // The snapshot at once, then the verification that failed over it.
    let hooks = hook.wait_for(4, PATIENCE).await?;
    let mails = mail.wait_for(4, PATIENCE).await?;

    for request in &hooks {
        verify_standard_webhook(SECRET, &request.headers, &request.body)?;
    }
    let mut ids: Vec<_> = hooks
        .iter()
        .map(|r| r.header("webhook-id").map(str::to_owned))
        .collect();
    ids.sort();
    ids.dedup();
    ensure!(ids.len() == 4, "every message came once: {ids:?}");
    for (request, kind) in hooks[2..]
        .iter()
        .zip(["ironcore.snapshot.verified", "ironcore.task.failed"])
    {
        let told = request.json()?;
        ensure!(
            told["type"] == kind && told["data"]["error"]["code"] == "chunk.corrupt",
            "{told:#}"
        );
        let tips = told["data"]["tips"].to_string().to_lowercase();
        ensure!(tips.contains("full backup"), "{told:#}");
    }

    let raw = mails
        .iter()
        .map(|m| m.raw.clone())
        .find(|raw| raw.contains("CORRUPT"))
        .context("a mail says CORRUPT")?;
    ensure!(raw.to_lowercase().contains("full backup"), "{raw}");
    ensure!(raw.contains("Auto-Submitted: auto-generated"), "{raw}");

    let inbox: Value = hub.json(&["inbox", "list", "--limit", "200"])?;
    let entries = inbox["entries"].as_array().context("entries")?;
    let entry = entries
        .iter()
        .find(|e| e["event"]["data"]["error"]["code"] == "chunk.corrupt")
        .context("the inbox says so")?;
    ensure!(
        entry["tips"].to_string().to_lowercase().contains("full backup"),
        "{entry:#}"
    );

    // The snapshot is refused for a restore, and says why.
    let list: Value = hub.json(&["snapshot", "list", "ibs-primary"])?;
    let reference = list["snapshots"][0]["snapshot"]
        .as_str()
        .context("a snapshot")?
        .to_owned();
    let shown = hub.cli(&["snapshot", "show", &reference, "--verify"])?;
    ensure!(shown.status.code() == Some(6));
    let to = hub.folder().join("restored").display().to_string();
    let restore = hub.cli(&["restore", "start", &reference, "--to", &to, "--wait"])?;
    let text = String::from_utf8_lossy(&restore.stdout).into_owned();
    ensure!(
        !restore.status.success() && text.contains("[snapshot.not-ok]"),
        "{text}"
    );

    // Whoever verifies one snapshot, its project hears of it.
    let again = hub.cli(&["verify", "start", &reference, "--wait"])?;
    ensure!(again.status.code() == Some(6), "exit {:?}", again.status.code());
    let hooks = hook.wait_for(6, PATIENCE).await?;
    ensure!(hooks[5].json()?["data"]["error"]["code"] == "chunk.corrupt");
    let whole = hub.cli(&["verify", "start", "ibs-primary", "--again", "--wait"])?;
    ensure!(whole.status.code() == Some(6), "exit {:?}", whole.status.code());
    let hooks = hook.wait_for(7, PATIENCE).await?;
    let told = hooks[6].json()?;
    ensure!(
        told["type"] == "ironcore.snapshot.verified" && told["data"]["project"] == "office",
        "{told:#}"
    );

    // A fresh full backup heals what was broken.
    hub.ok(&["job", "run", "files", "--full", "--wait"])?;
    hub.ok(&["verify", "start", &reference, "--wait"])?;
    hub.ok(&["snapshot", "show", &reference, "--verify"])?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_answers_500_gets_the_message_again_after_a_restart() -> Result<()> {
    let hook = WebhookReceiver::start().await?;
    hook.set_default(Answer::status(500));
    let mut hub = TestHub::start("")?;
    hub.secret("hook", SECRET)?;
    let tree = small_tree(&hub)?;
    let group = hook_group(&format!("{}/hook", hook.url()));
    hub.apply(&office(&hub, &tree, "groups = [\"oncall\"]", &group))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    hook.wait_for(1, PATIENCE).await?;
    hub.kill()?;
    hook.set_default(Answer::status(200));
    hub.resume()?;
    let message = hub.wait_until("the message is delivered", |hub| {
        let messages = hub.messages()?;
        Ok(messages
            .into_iter()
            .find(|m| m["handler"] == "chat" && m["state"] == "delivered"))
    })?;
    let requests = hook.received();
    let id = requests[0].header("webhook-id").context("an id")?;
    ensure!(requests.len() >= 2 && requests.iter().all(|r| r.header("webhook-id") == Some(id)));
    let shown = hub.ok(&["message", "show", message["id"].as_str().unwrap_or_default()])?;
    ensure!(shown.contains("500") && shown.contains("delivered"), "{shown}");
    ensure!(shown.contains("task.completed: Backup of"), "{shown}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_of_the_admins_folder_is_loaded_and_heard() -> Result<()> {
    let plugins = tempfile::tempdir()?;
    let built = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/plugins-examples");
    for name in ["hello-tip.wasm", "misbehave.wasm"] {
        let from = built.join(name);
        ensure!(
            from.exists(),
            "{} is missing: run cargo xtask build",
            from.display()
        );
        std::fs::copy(&from, plugins.path().join(name))?;
    }
    let config = format!(
        "plugins = \"{}\"\n[plugin.hello-tip]\ngrant = [\"log\"]\n",
        plugins.path().display()
    );
    let mut hub = TestHub::start(&config)?;
    let tree = hub.folder().join("not-there");
    hub.apply(&office(&hub, &tree, "", ""))?;
    ensure!(!hub.cli(&["job", "run", "files", "--wait"])?.status.success());
    hub.wait_until("the plugin's tip is there", |hub| {
        let upid = hub.tasks()?[0]["upid"].as_str().unwrap_or_default().to_owned();
        let task: Value = hub.json(&["task", "show", "--upid", &upid])?;
        let tips = task["tips"].as_array().cloned().unwrap_or_default();
        Ok(tips.iter().any(|tip| tip["plugin"] == "hello-tip").then_some(()))
    })?;
    Ok(())
}
