//! One cause, one message: forty jobs that fail on one datastore are told as one incident, by webhook and mail, and so is
//! its end. A link in what is told acknowledges it, when somebody presses the button.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::damage;
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::smtp::{self, MailServer, PASSWORD, USER};
use ironcore_testkit::tls::TestCa;
use ironcore_testkit::webhook::WebhookReceiver;
use serde_json::{Value, json};

use crate::fixture::{office, small_tree};

const JOBS: usize = 40;
const PATIENCE: Duration = Duration::from_secs(60);

/// Jobs `job-1` to `job-40`, all told to group `oncall`.
fn jobs(hub: &TestHub) -> String {
    let job = |number: usize| {
        format!(
            "[[job]]\nproject = \"office\"\nname = \"job-{number}\"\nowner = \"alice@local\"\ngroups = [\"oncall\"]\n\
             task = {{ type = \"backup\", source = {{ tree = \"{}\" }}, datastore = \"ibs-primary\", \
             backup-id = \"{number}\" }}\n",
            hub.folder().join("tree").display()
        )
    };
    (1..=JOBS).map(job).collect()
}

fn run_all(hub: &TestHub, code: i32) -> Result<()> {
    for number in 1..=JOBS {
        let run = hub.cli(&["job", "run", &format!("job-{number}"), "--wait"])?;
        ensure!(
            run.status.code() == Some(code),
            "job-{number}: exit {:?}",
            run.status.code()
        );
    }
    Ok(())
}

/// A request to the hub without a token, as a browser makes it: status and page.
fn browse(url: &str, method: &str, form: &str) -> Result<(u16, String)> {
    let rest = url.strip_prefix("http://").context("a link of this hub")?;
    let (host, path) = rest.split_once('/').context("a path")?;
    let mut stream = TcpStream::connect(host)?;
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).context("a status")?.parse()?;
    Ok((status, answer))
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_jobs_that_fail_on_one_datastore_are_one_incident() -> Result<()> {
    let ca = TestCa::new()?;
    let mail = MailServer::start(&ca.issue(&[])?).await?;
    let hook = WebhookReceiver::start().await?;
    let pem = tempfile::NamedTempFile::new()?;
    pem.as_file().write_all(ca.pem().as_bytes())?;
    let mut hub = TestHub::start(&format!(
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
        name = "chat"
        plugin = "webhook"
        config = {{ url = "{}/hook" }}
        filter = {{ events = ["task.failed"] }}
        [group.handler.incidents]
        interval = "1h"
        [[group.handler]]
        name = "mail"
        plugin = "email"
        filter = {{ events = ["task.failed"] }}
        [group.handler.incidents]
        interval = "1h"
        [group.handler.config]
        host = "localhost"
        port = {}
        tls = "starttls"
        username = "{USER}"
        password = {{ secret = "mail" }}
        from = "Hub <hub@{domain}>"
        to = ["oncall@{domain}"]
        {}
        "#,
        hook.url(),
        mail.starttls.port(),
        jobs(&hub),
        domain = smtp::DOMAIN,
    );
    hub.apply(&office(&hub, &tree, "", &group))?;
    let (store, away) = (hub.folder().join("ibs-primary"), hub.folder().join("away"));
    let moved = |from: &std::path::Path, to: &std::path::Path| -> Result<()> {
        let status = std::process::Command::new("mv").arg(from).arg(to).status()?;
        ensure!(status.success(), "it could not be moved");
        Ok(())
    };
    moved(&store, &away)?;
    run_all(&hub, 1)?;

    let open: Value = hub.wait_until("every failure has joined", |hub| {
        let list: Value = hub.json(&["incident", "list", "--project", "office"])?;
        Ok((list["incidents"][0]["affected"] == JOBS).then_some(list))
    })?;
    ensure!(open["incidents"].as_array().map(Vec::len) == Some(1), "{open}");
    let incident = &open["incidents"][0];
    let cause = incident["cause"].as_str().unwrap_or_default();
    ensure!(cause.starts_with("datastore/ibs-primary/datastore."), "{cause}");
    ensure!(
        incident["failing"] == JOBS && incident["state"] == "open",
        "{incident}"
    );
    let number = incident["number"].to_string();

    // One message each, although forty tasks failed; the rest would come by the hour.
    let told = hook.wait_for(1, PATIENCE).await?;
    let mails = mail.wait_for(1, PATIENCE).await?;
    let shown = hub.ok(&["incident", "show", &number])?;
    ensure!(shown.contains("job/office/job-7, once, still failing"), "{shown}");
    ensure!(shown.contains("office/oncall/chat, told once"), "{shown}");
    let first = told[0].json()?;
    ensure!(first["data"]["incident"]["id"] == incident["id"], "{first}");
    let subject = mails[0].header("subject").unwrap_or_default();
    ensure!(subject.contains("Datastore ibs-primary"), "{subject}");
    ensure!(
        mails[0].raw.replace("=\n", "").contains("/acknowledge/"),
        "the mail has the link"
    );
    // What was sent is kept without the key of the link, which is as good as a token.
    let key = first["data"]["incident"]["acknowledge"]
        .as_str()
        .and_then(|link| link.rsplit('/').next());
    let key = key.context("a link")?.to_owned();
    for (handler, said) in [("chat", "\"incident\""), ("mail", "Datastore ibs-primary")] {
        let id = hub.wait_until("its message is delivered", |hub| {
            let all = hub.messages()?;
            let found = all
                .iter()
                .find(|message| message["handler"] == handler && message["state"] == "delivered");
            Ok(found.and_then(|message| message["id"].as_str().map(str::to_owned)))
        })?;
        let shown: Value = hub.json(&["message", "show", &id])?;
        let sent = &shown["attempts"][0]["exchanges"][0]["sent"];
        let body = sent["body"]
            .as_str()
            .with_context(|| format!("{handler}: {shown}"))?;
        ensure!(body.contains(said), "{handler}: {body}");
        ensure!(!shown.to_string().contains(&key), "{handler}: {shown}");
        let text = hub.ok(&["message", "show", &id, "--full"])?;
        ensure!(text.contains("Sent header") && text.contains(said), "{text}");
        // The same message with all its events and the incident, through its template as it is now.
        let preview: Value = hub.json(&["notify", "preview", "--message", &id])?;
        let made = preview["made"][0].to_string();
        ensure!(
            made.contains("Datastore ibs-primary") && !made.contains(&key),
            "{made}"
        );
        ensure!(
            preview["sent"][0]["attempts"][0]["exchanges"][0]["sent"] == *sent,
            "{preview}"
        );
        if handler == "chat" {
            let made: Value = serde_json::from_str(preview["made"][0]["body"].as_str().context("a body")?)?;
            ensure!(made["data"]["incident"]["id"] == incident["id"], "{made}");
        } else {
            ensure!(preview["made"][0]["subject"] == subject, "{preview}");
        }
    }
    let explained: Value = hub.json(&["notify", "explain", first["id"].as_str().context("an id")?])?;
    let chat = &explained["handlers"][0];
    ensure!(chat["incident"]["number"] == incident["number"], "{explained}");
    ensure!(
        chat["why"]
            .as_str()
            .is_some_and(|why| why.contains("with incident")),
        "{explained}"
    );

    // Whatever follows links acknowledges nothing; who presses the button does.
    let link = first["data"]["incident"]["acknowledge"]
        .as_str()
        .context("a link")?
        .to_owned();
    let (status, page) = browse(&link, "GET", "")?;
    ensure!(status == 200 && page.contains("<button"), "{page}");
    ensure!(page.contains("form-action 'self'"), "{page}");
    let list: Value = hub.json(&["incident", "list", "--state", "open"])?;
    ensure!(
        list["incidents"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["id"] == incident["id"]))
    );
    let (status, page) = browse(&format!("{link}x"), "POST", "name=Eve")?;
    ensure!(status == 404 && page.contains("not one of this hub"), "{page}");
    let (status, page) = browse(&link, "POST", "name=Ada&comment=on+it")?;
    ensure!(
        status == 200 && page.contains("acknowledged by chat@oncall!link: by Ada: on it"),
        "{page}"
    );
    let again: Value = hub.json(&["incident", "ack", &number, "--comment", "too late"])?;
    ensure!(
        again["acknowledged"]["comment"] == "by Ada: on it",
        "who came first stays: {again}"
    );
    let inbox: Value = hub.json(&["inbox", "list", "--type", "task.failed", "--limit", "1000"])?;
    let entries = inbox["entries"].as_array().context("entries")?;
    let theirs = |entry: &Value| entry["acknowledged"]["user"] == "chat@oncall!link";
    ensure!(
        entries.len() == JOBS && entries.iter().all(theirs),
        "the inbox knows it: {inbox}"
    );

    // All works again: one message says so.
    moved(&away, &store)?;
    run_all(&hub, 0)?;
    let told = hook.wait_for(2, PATIENCE).await?;
    let mails = mail.wait_for(2, PATIENCE).await?;
    // With what joined and was not told: as many events are a batch.
    let over = told[1].json()?;
    let batch = over.as_array().with_context(|| format!("a batch: {over}"))?;
    ensure!(batch.len() == JOBS, "{}", batch.len());
    ensure!(
        batch
            .iter()
            .all(|event| event["data"]["incident"]["id"] == incident["id"]),
        "{over}"
    );
    let over = &batch[JOBS - 1]["data"]["incident"];
    ensure!(
        over["state"] == "ended" && over["ending"] == "recovered",
        "{over}"
    );
    let title = over["title"].as_str().unwrap_or_default();
    ensure!(
        title.starts_with("Datastore ibs-primary works again after 40 failures in "),
        "{title}"
    );
    let subject = mails[1].header("subject").unwrap_or_default();
    ensure!(subject.contains("works again after 40 failures"), "{subject}");
    ensure!(
        mails[0].header("references") == mails[1].header("references"),
        "one thread"
    );
    let kinds: Vec<Value> = hub
        .messages()?
        .iter()
        .map(|message| message["kind"].clone())
        .collect();
    let of_incident = kinds
        .iter()
        .filter(|kind| *kind == "incident" || *kind == "recovery")
        .count();
    ensure!(of_incident == 4, "{kinds:?}");
    ensure!(hook.received().len() == 2 && mail.mailbox()?.len() == 2);
    let refused = hub.cli(&["incident", "acknowledge", &number])?;
    ensure!(!refused.status.success(), "it is over");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_ends_is_closed_by_who_knows_better() -> Result<()> {
    let hook = WebhookReceiver::start().await?;
    let hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    let more = format!(
        "[[group]]\nproject = \"office\"\nname = \"oncall\"\n[[group.handler]]\nname = \"chat\"\n\
         plugin = \"webhook\"\nconfig = {{ url = \"{}/chat\" }}\nincidents = {{}}\n\
         [[job]]\nproject = \"office\"\nname = \"lost\"\nowner = \"alice@local\"\ngroups = [\"oncall\"]\n\
         task = {{ type = \"backup\", source = {{ tree = \"{}\" }}, datastore = \"ibs-primary\", \
         backup-id = \"9\" }}\n",
        hook.url(),
        hub.folder().join("nothing").display()
    );
    hub.apply(&office(&hub, &tree, "", &more))?;
    let run = |hub: &TestHub| hub.cli(&["job", "run", "lost", "--wait"]);
    ensure!(run(&hub)?.status.code() == Some(1));
    let told = hook.wait_for(1, PATIENCE).await?;
    let first = told[0].json()?["data"]["incident"].clone();
    ensure!(first["state"] == "open", "{first}");
    let number = first["number"].to_string();
    let number = number.trim_matches('"').to_owned();
    let comment = "the machine is gone";
    let closed = hub.ok(&["incident", "close", &number, "--comment", comment])?;
    ensure!(
        closed.contains("closed by") && closed.contains(comment),
        "{closed}"
    );
    let shown = hub.ok(&["incident", "show", &number])?;
    ensure!(
        shown.contains("closed by") && shown.contains("well again"),
        "{shown}"
    );
    let shown: Value = hub.json(&["incident", "show", &number])?;
    ensure!(shown["incident"]["ending"] == "closed", "{shown}");

    // Who was told hears who closed it.
    let told = hook.wait_for(2, PATIENCE).await?;
    let over = told[1].json()?["data"]["incident"].clone();
    ensure!(over["id"] == first["id"] && over["ending"] == "closed", "{over}");
    let title = over["title"].as_str().unwrap_or_default();
    ensure!(
        title.contains(": closed by ") && title.ends_with(comment),
        "{title}"
    );
    let again = hub.cli(&["incident", "close", &number])?;
    ensure!(!again.status.success(), "it is over");

    // The next failure is another incident, though it is the same that fails.
    ensure!(run(&hub)?.status.code() == Some(1));
    let told = hook.wait_for(3, PATIENCE).await?;
    let next = told[2].json()?["data"]["incident"].clone();
    ensure!(
        next["id"] != first["id"] && next["cause"] == first["cause"] && next["count"] == 1,
        "{next}"
    );
    Ok(())
}

/// A damaged snapshot that was pruned is waited for no more: nobody can verify it well.
#[test]
fn damage_that_was_pruned_is_over() -> Result<()> {
    let mut hub = TestHub::start("")?;
    let tree = small_tree(&hub)?;
    hub.apply(&office(&hub, &tree, "", ""))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    let pack = damage::largest_file(&hub.folder().join("ibs-primary"))?;
    damage::flip_byte(&pack, std::fs::metadata(&pack)?.len() / 2)?;
    let verified = hub.cli(&["verify", "start", "ibs-primary", "--wait"])?;
    ensure!(!verified.status.success(), "it is damaged");
    // The project's snapshot, and the hub's verification that found it.
    let state = |hub: &TestHub, project: Value| -> Result<Option<(Value, Value)>> {
        let list: Value = hub.json(&["incident", "list", "--all"])?;
        let incidents = list["incidents"].as_array().into_iter().flatten();
        let mut of = incidents.filter(|one| one["cause"] == "datastore/ibs-primary/verification");
        let found = of.find(|one| one["project"] == project);
        Ok(found.map(|one| (one["state"].clone(), one["ending"].clone())))
    };
    let is = |hub: &TestHub, project: Value, wanted: (Value, Value)| -> Result<Option<()>> {
        Ok(state(hub, project)?.filter(|state| *state == wanted).map(|_| ()))
    };
    let open = || (json!("open"), Value::Null);
    hub.wait_until("the project's begins", |hub| is(hub, json!("office"), open()))?;
    hub.wait_until("the hub's begins", |hub| is(hub, Value::Null, open()))?;
    hub.ok(&["job", "run", "files", "--wait"])?;
    hub.ok(&["prune", "start", "ibs-primary", "--keep-last", "1", "--wait"])?;
    let removed = || (json!("ended"), json!("removed"));
    hub.wait_until("nobody waits for the snapshot", |hub| {
        is(hub, json!("office"), removed())
    })?;
    ensure!(
        state(&hub, Value::Null)? == Some(open()),
        "nobody has verified it again"
    );
    hub.ok(&["verify", "start", "ibs-primary", "--wait"])?;
    let well = || (json!("ended"), json!("recovered"));
    hub.wait_until("all is well", |hub| is(hub, Value::Null, well()))
}
