//! Mails of a real hub: who logs in how, what belongs together, the log that travels with them, and refusals.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::python;
use ironcore_testkit::smtp::{DOMAIN, MailServer, PASSWORD, ScriptedSmtp, SmtpPlan, StoredMail, USER};
use ironcore_testkit::tls::TestCa;
use serde_json::{Value, json};

use crate::receivers::{attempted, office};

const PATIENCE: Duration = Duration::from_secs(60);

/// The mail as Python's `email` reads it.
fn parsed(mail: &StoredMail) -> Result<Value> {
    const SCRIPT: &str = "
import email, email.policy, json, sys
mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
parts = [part for part in mail.walk() if not part.is_multipart()]
print(json.dumps({
    'headers': {name.lower(): str(value) for name, value in mail.items()},
    'defects': [str(defect) for part in mail.walk() for defect in part.defects],
    'text': mail.get_body(('plain',)).get_content(),
    'html': mail.get_body(('html',)).get_content(),
    'files': [[part.get_filename(), part.get_content_type(), part.get_content()]
              for part in parts if part.is_attachment()],
}))
";
    Ok(serde_json::from_str(&python::run(SCRIPT, mail.raw.as_bytes())?)?)
}

fn handler(name: &str, port: u16, more: &str) -> String {
    format!(
        "[[group.handler]]\nname = \"{name}\"\nplugin = \"email\"\n[group.handler.config]\nhost = \"localhost\"\n\
         port = {port}\nfrom = \"Hub <hub@{DOMAIN}>\"\nto = [\"oncall@{DOMAIN}\"]\n{more}\n"
    )
}

/// The project with these handlers in its group.
fn document(hub: &TestHub, handlers: &str) -> String {
    office(hub, &[]).replace("[[job]]", &format!("{handlers}\n[[job]]"))
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_of_a_job_belong_together_and_carry_its_log_on_demand() -> Result<()> {
    let ca = TestCa::new()?;
    let server = MailServer::start(&ca.issue(&[])?).await?;
    let pem = tempfile::NamedTempFile::new()?;
    std::io::Write::write_all(&mut pem.as_file(), ca.pem().as_bytes())?;
    let hub = TestHub::start(&format!(
        "[egress]\nallow = [\"127.0.0.0/8\", \"localhost\"]\nca = [\"{}\"]\n",
        pem.path().display()
    ))?;
    hub.secret("mail", PASSWORD)?;
    let login = format!("username = \"{USER}\"\npassword = {{ secret = \"mail\" }}");
    let handlers = [
        handler(
            "plain",
            server.starttls.port(),
            &format!("tls = \"starttls\"\n{login}\nattach-log = true"),
        ),
        handler(
            "login",
            server.implicit.port(),
            &format!("tls = \"implicit\"\n{login}\nmechanism = \"login\""),
        ),
    ];
    hub.apply(&document(&hub, &handlers.concat()))?;
    hub.ok(&["job", "run", "collect", "--wait"])?;
    hub.ok(&["job", "run", "collect", "--wait"])?;
    let mails = server.wait_for(4, PATIENCE).await?;
    let mails = mails.iter().map(parsed).collect::<Result<Vec<_>>>()?;
    let header = |mail: &Value, name: &str| mail["headers"][name].as_str().unwrap_or_default().to_owned();
    let mut ids: Vec<String> = mails.iter().map(|mail| header(mail, "message-id")).collect();
    ids.sort();
    ids.dedup();
    ensure!(ids.len() == 4, "{ids:?}");
    for mail in &mails {
        ensure!(mail["defects"] == json!([]), "{mail:#}");
        ensure!(
            header(mail, "references") == header(&mails[0], "references"),
            "{mail:#}"
        );
        ensure!(
            header(mail, "in-reply-to") == header(mail, "references"),
            "{mail:#}"
        );
        ensure!(header(mail, "auto-submitted") == "auto-generated", "{mail:#}");
        let text = mail["text"].as_str().context("a text")?;
        ensure!(
            text.contains("gc ibs-primary begins") && text.contains("/tasks/UPID"),
            "{text}"
        );
        let html = mail["html"].as_str().context("a page")?;
        ensure!(
            html.contains("width=device-width") && html.contains("Whole log"),
            "{html}"
        );
    }
    let with: Vec<&Value> = mails.iter().filter(|mail| mail["files"] != json!([])).collect();
    ensure!(with.len() == 2, "{} mails have a log", with.len());
    let upid = hub.tasks()?[0]["upid"].as_str().context("a UPID")?.to_owned();
    let log = hub.ok(&["task", "log", "--upid", &upid])?;
    let file = with
        .iter()
        .map(|mail| &mail["files"][0])
        .find(|file| file[2] == log.as_str());
    let file = file.with_context(|| format!("no mail has the log\n{log}\n{with:#?}"))?;
    ensure!(
        file[1] == "text/plain" && file[0].as_str().is_some_and(|name| name.starts_with("gc-")),
        "{file}"
    );
    let logins = |how: &str| server.log().matches(&format!("sasl_method={how}")).count();
    ensure!(logins("LOGIN") >= 1 && logins("PLAIN") >= 1, "{}", server.log());
    Ok(())
}

/// Of three recipients one refuses for good and one for now.
#[tokio::test(flavor = "multi_thread")]
async fn who_took_a_mail_or_refused_it_is_not_asked_again() -> Result<()> {
    let said = |name: &str, reply: &str| (format!("{name}@{DOMAIN}"), vec![reply.to_owned()]);
    let mut server = ScriptedSmtp::start(&SmtpPlan {
        rcpt: [
            said("bad", "550 5.1.1 no such user"),
            said("later", "451 4.3.0 not now"),
        ]
        .into(),
        ..SmtpPlan::default()
    })?;
    let mut hub = TestHub::start("")?;
    let all = ["ok", "bad", "later"].map(|name| format!("{name}@{DOMAIN}"));
    let handler = handler("some", server.address.port(), "tls = \"none\"");
    let handler = handler.replace(&format!("[\"oncall@{DOMAIN}\"]"), &json!(all).to_string());
    hub.apply(&document(&hub, &handler))?;
    hub.ok(&["job", "run", "collect", "--wait"])?;
    let newest = |hub: &TestHub, attempts: u64| -> Result<Option<Value>> {
        let messages = hub.messages()?;
        let of = messages.into_iter().filter(|one| one["handler"] == "some");
        let newest = of.max_by_key(|one| one["replay"].as_u64());
        Ok(newest.filter(|one| one["state"] == "delivered" && one["attempts"] == attempts))
    };
    let message = hub.wait_until("it is delivered", |hub| newest(hub, 2))?;
    let receipt = message["receipt"].as_str().context("a receipt")?;
    ensure!(
        receipt.contains(&format!("refused by bad@{DOMAIN} (")) && receipt.contains("no such user"),
        "{receipt}"
    );
    ensure!(server.next_mail()?.to == [all[0].clone()]);
    ensure!(server.next_mail()?.to == [all[2].clone()]);
    let id = message["id"].as_str().context("an id")?;
    let shown: Value = hub.json(&["message", "show", id])?;
    let asked = |attempt: usize| shown["attempts"][attempt]["exchanges"].as_array().map(Vec::len);
    ensure!((asked(0), asked(1)) == (Some(3), Some(1)), "{shown:#}");
    // Somebody should know of the address that is wrong.
    hub.wait_until("the refusal is told", |hub| {
        let entries = hub.ok(&["inbox", "list", "--limit", "200"])?;
        Ok(entries
            .contains("did not reach all whom it was for")
            .then_some(entries))
    })?;

    // A replay goes to the one who did not take it; one of what all took goes to all.
    hub.ok(&["message", "replay", id])?;
    let replayed = hub.wait_until("it is replayed", |hub| {
        Ok(newest(hub, 1)?.filter(|one| one["replay"] == 1))
    })?;
    ensure!(server.next_mail()?.to == [all[1].clone()]);
    hub.ok(&["message", "replay", replayed["id"].as_str().context("an id")?])?;
    let mail = server.next_mail()?;
    ensure!(mail.to == all, "{:?}", mail.to);
    Ok(())
}

/// The end of an incident is told to who takes mails, while the mail of its beginning is still tried for who does not.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_put_off_holds_up_nobody_else() -> Result<()> {
    let later = (format!("later@{DOMAIN}"), vec!["451 4.3.0 not now".to_owned(); 9]);
    let mut server = ScriptedSmtp::start(&SmtpPlan {
        rcpt: [later].into(),
        ..SmtpPlan::default()
    })?;
    let mut hub = TestHub::start("")?;
    let all = ["ok", "later"].map(|name| format!("{name}@{DOMAIN}"));
    let more =
        "tls = \"none\"\n[group.handler.filter]\nevents = [\"task.failed\"]\n[group.handler.incidents]";
    let handler = handler("some", server.address.port(), more);
    let handler = handler.replace(&format!("[\"oncall@{DOMAIN}\"]"), &json!(all).to_string());
    hub.apply(&document(&hub, &handler))?;
    hub.ok(&["job", "run", "collect", "--wait"])?;
    let (here, away) = (hub.folder().join("ibs-primary"), hub.folder().join("elsewhere"));
    tokio::fs::rename(&here, &away).await?;
    ensure!(!hub.cli(&["job", "run", "collect", "--wait"])?.status.success());
    ensure!(server.next_mail()?.to == [all[0].clone()]);
    tokio::fs::rename(&away, &here).await?;
    hub.ok(&["job", "run", "collect", "--wait"])?;
    let messages = hub.wait_until("its end is told", |hub| {
        let messages = hub.messages()?;
        let told = |one: &Value| one["kind"] == "recovery" && one["attempts"].as_u64() > Some(0);
        Ok(messages.iter().any(told).then_some(messages))
    })?;
    ensure!(server.next_mail()?.to == [all[0].clone()]);
    let first = messages.iter().find(|one| one["kind"] == "incident");
    let first = first.context("the beginning")?;
    ensure!(first["state"] == "pending", "{first:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_for_now_are_tried_again_and_those_for_good_are_not() -> Result<()> {
    let later = ScriptedSmtp::start(&SmtpPlan {
        data: vec!["451 4.3.0 not now".to_owned()],
        ..SmtpPlan::default()
    })?;
    let rcpt = [(
        format!("oncall@{DOMAIN}"),
        vec!["550 5.1.1 no such user".to_owned()],
    )];
    let never = ScriptedSmtp::start(&SmtpPlan {
        rcpt: rcpt.into(),
        ..SmtpPlan::default()
    })?;
    let mut hub = TestHub::start("")?;
    let handlers = [
        handler("later", later.address.port(), "tls = \"none\""),
        handler("never", never.address.port(), "tls = \"none\""),
    ];
    hub.apply(&document(&hub, &handlers.concat()))?;
    hub.ok(&["job", "run", "collect", "--wait"])?;
    let shown = attempted(&mut hub, "never")?;
    ensure!(
        shown["message"]["state"] == "dead" && shown["attempts"][0]["status"] == 550,
        "{shown:#}"
    );
    let exchange = &shown["attempts"][0]["exchanges"][0];
    let asked = format!("mail over localhost:{} to oncall@{DOMAIN}", never.address.port());
    ensure!(
        exchange["request"] == asked && exchange["status"] == 550,
        "{exchange:#}"
    );
    let delivered = hub.wait_until("the mail is taken at last", |hub| {
        let messages = hub.messages()?;
        // Its first; later it is told of what the other handler could not be told.
        let first = messages.into_iter().rev().find(|one| one["handler"] == "later");
        Ok(first.filter(|one| one["state"] == "delivered"))
    })?;
    ensure!(delivered["attempts"] == 2, "{delivered:#}");
    Ok(())
}
