//! What to do about each error code and each answer of the troubleshooting page, wherever people look: in the mail, the
//! webhook, the inbox, on the page of the task, and among the recent failures.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{NewEvent, NewSession, NewTask, Outcome, Service};
use ironcore_ledger::{Database, Ledger, LedgerOptions, Postgres};
use ironcore_testkit::clock::ManualClock;
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::postgres::wanted_database;
use ironcore_testkit::smtp::{DOMAIN, MailServer, PASSWORD, USER};
use ironcore_testkit::tls::TestCa;
use ironcore_testkit::webhook::WebhookReceiver;
use ironcore_testkit::{events, python};
use ironcore_types::event::ErrorData;
use ironcore_types::objects::Document;
use ironcore_types::{ErrorCode, EventType, SessionId, TaskSpec, TaskState, TaskType};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(120);

/// The four answers of the product page, by what tells them, and a word of each.
const ANSWERS: [(EventType, &str); 4] = [
    // Stuck in queued.
    (EventType::JobMissed, "worker list"),
    (EventType::TaskWarning, "lists each warning"),
    (EventType::SnapshotStale, "verification schedule"),
    (EventType::JobOverrun, "bandwidth limit"),
];

/// Prints the texts of the mails that it reads, with single spaces.
const MAILS: &str = r"
import email, email.policy, json, sys
out = []
for raw in json.load(sys.stdin):
    mail = email.message_from_string(raw, policy=email.policy.default)
    parts = [mail.get_body((kind,)) for kind in ('plain', 'html')]
    out.append([' '.join(part.get_content().split()) for part in parts])
json.dump(out, sys.stdout)
";

/// What a failure of this code says; no two are the beginning of one another.
fn words(code: ErrorCode) -> String {
    format!("<{code}> happened")
}

/// Whether groups hear of it: of work that is handed over, the next attempt tells how it went.
fn is_told(code: ErrorCode) -> bool {
    code != ErrorCode::WorkerStopped
}

fn declared(store: &Path, hook: &str, mail: u16) -> Result<Document> {
    let wanted = [
        "task.failed",
        "task.warning",
        "job.missed",
        "job.overrun",
        "snapshot.stale",
    ]
    .map(|kind| format!("ironcore.{kind}"));
    let handlers = json!([
        { "name": "hook", "plugin": "webhook", "config": { "url": hook }, "filter": { "events": wanted } },
        {
            "name": "mail", "plugin": "email", "filter": { "events": wanted },
            "config": {
                "host": "localhost", "port": mail, "tls": "starttls", "username": USER,
                "password": { "secret": "mail" }, "from": format!("Hub <hub@{DOMAIN}>"),
                "to": [format!("oncall@{DOMAIN}")],
            },
        },
    ]);
    Ok(serde_json::from_value(json!({
        "project": [{ "name": "office" }],
        "datastore": [{ "name": "ibs-primary", "path": store, "projects": ["office"] }],
        "group": [{ "project": "office", "name": "ops", "handler": handlers }],
        "job": [{
            "project": "office", "name": "nightly", "owner": "root@local", "groups": ["ops"],
            "task": { "type": "gc", "datastore": "ibs-primary" },
        }],
    }))?)
}

/// Runs of the job that fail, each with another code, then the events of the answers. All of it happens in a ledger whose hub is down.
async fn happen(ledger: &Ledger, clock: &ManualClock) -> Result<()> {
    let session = SessionId(clock.seams().uuid());
    let worker = NewSession {
        id: session,
        node: "played".parse()?,
        pid: 2,
        services: vec![Service::Worker],
        types: vec![TaskType::Gc],
        slots: 1,
        keys: Vec::new(),
    };
    ledger.register_session(worker).await?;
    for code in ErrorCode::ALL {
        let spec: TaskSpec = serde_json::from_value(json!({ "type": "gc", "datastore": "ibs-primary" }))?;
        let mut new = NewTask::new(Some("office".parse()?), "root@local".parse()?, spec);
        new.job = Some("nightly".parse()?);
        let task = ledger.enqueue(new).await?;
        let claimed = ledger.claim(session, &[TaskType::Gc], 1).await?;
        ensure!(
            claimed.first().map(|claimed| claimed.id) == Some(task.id),
            "{code}"
        );
        let outcome = Outcome {
            error: Some(ErrorData {
                code: *code,
                message: words(*code),
            }),
            ..Outcome::new(TaskState::Failed)
        };
        let finished = ledger.finish(task.id, session, outcome).await?;
        // A run whose worker is gone is done again by itself, which is of no matter here.
        for id in finished.follow_ups {
            let retry = ledger.task_by_id(id).await?.context("the retry")?;
            ledger.cancel(&retry.upid, &"root@local".parse()?).await?;
        }
    }
    for (kind, _) in ANSWERS {
        let mut event = events::of_type(kind);
        // As a task that ended with a warning tells it, whose codes have tips of their own.
        if let Some(task) = event
            .data
            .task
            .as_mut()
            .filter(|_| kind == EventType::TaskWarning)
        {
            task.warnings.clear();
        }
        let new = NewEvent {
            event_type: kind,
            subject: event.subject,
            data: event.data,
        };
        ledger.emit(new).await?;
    }
    Ok(())
}

/// Text without its markup: the inbox writes Markdown, in which signs of the text itself have a backslash.
fn bare(text: &str) -> String {
    let text: String = text.chars().filter(|c| *c != '\\').collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text as it stands in HTML.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('\'', "&#x27;");
    text.replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('`', "&#x60;")
}

/// The tips that an entry, a task or a webhook holds.
fn tips(of: &Value) -> Result<&Vec<Value>> {
    of["tips"].as_array().context("tips")
}

/// Whether a webhook's tips hold this one: whose it is they do not say.
fn holds(told: &[Value], tip: &Value) -> bool {
    let parts = ["title", "why", "steps", "link"];
    told.iter()
        .any(|one| parts.iter().all(|part| one[part] == tip[part]))
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key].as_str().with_context(|| format!("{key} of {value}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_code_and_each_answer_is_told_with_its_tip_wherever_people_look() -> Result<()> {
    let ca = TestCa::new()?;
    let mail = MailServer::start(&ca.issue(&[])?).await?;
    let hook = WebhookReceiver::start().await?;
    let pem = tempfile::NamedTempFile::new()?;
    std::io::Write::write_all(&mut pem.as_file(), ca.pem().as_bytes())?;
    let url = tokio::task::spawn_blocking(wanted_database).await??;
    let database = url
        .as_ref()
        .map_or_else(String::new, |url| format!("database = \"{url}\"\n"));
    let mut hub = TestHub::start(&format!(
        "{database}[egress]\nallow = [\"127.0.0.0/8\", \"localhost\"]\nca = [\"{}\"]\n",
        pem.path().display()
    ))?;
    hub.secret("mail", PASSWORD)?;
    let status: Value = hub.json(&["status"])?;
    let clock = ManualClock::at(text(&status, "time")?);
    hub.stop()?;

    let database = match &url {
        Some(url) => Database::Postgres(Postgres::new(url)?.readers(2)),
        None => Database::Sqlite(hub.folder().join("data/ledger.sqlite")),
    };
    let options = LedgerOptions {
        database,
        node: "played".parse()?,
        pid: 2,
        pstart: 2,
    };
    let ledger = Ledger::open(options, clock.seams()).await?;
    let document = declared(
        &hub.folder().join("store"),
        &format!("{}/hook", hook.url()),
        mail.starttls.port(),
    )?;
    ledger.apply(&document, &"root@local".parse()?).await?;
    happen(&ledger, &clock).await?;
    ledger.close().await;
    hub.resume()?;

    let count = ErrorCode::ALL.iter().filter(|code| is_told(**code)).count() + ANSWERS.len();
    let hooks: Vec<Value> = hook
        .wait_for(count, PATIENCE)
        .await?
        .iter()
        .map(|request| request.json())
        .collect::<Result<_>>()?;
    let raw: Vec<String> = mail
        .wait_for(count, PATIENCE)
        .await?
        .into_iter()
        .map(|mail| mail.raw)
        .collect();
    let raw = serde_json::to_vec(&raw)?;
    let mails: Vec<[String; 2]> =
        serde_json::from_str(&tokio::task::spawn_blocking(move || python::run(MAILS, &raw)).await??)?;
    let entries = hub.wait_until("the inbox shows them as its plugin does", |hub| {
        let inbox: Value = hub.json(&["inbox", "list", "--limit", "1000"])?;
        let entries = inbox["entries"].as_array().context("entries")?.clone();
        let shown = entries.iter().all(|entry| entry["text"].is_string());
        Ok((shown && entries.len() >= count).then_some(entries))
    })?;
    let failures: Value = hub.json(&["task", "list", "--status", "FAILED", "--limit", "1000"])?;
    let failures = failures["tasks"].as_array().context("tasks")?;
    ensure!(failures.len() == ErrorCode::ALL.len());

    let mut titles = BTreeMap::new();
    for code in ErrorCode::ALL {
        let is = |error: &Value| error["message"] == words(*code).as_str();
        // Among the recent failures, and on the page that they lead to.
        let failure = failures
            .iter()
            .find(|task| is(&task["error"]))
            .context("a failure")?;
        let task: Value = hub.json(&["task", "show", "--upid", text(failure, "upid")?])?;
        let tip = tips(&task)?
            .first()
            .with_context(|| format!("a tip for {code}"))?;
        let title = text(tip, "title")?;
        ensure!(text(tip, "why")?.contains(&format!("code: {code}")), "{tip}");
        ensure!(tip["plugin"] == "remediation" && tip["link"].is_string(), "{tip}");
        ensure!(
            tip["steps"].as_array().is_some_and(|steps| !steps.is_empty()),
            "{tip}"
        );
        titles.insert(code.as_str(), title.to_owned());

        let entry = entries.iter().find(|entry| is(&entry["event"]["data"]["error"]));
        let entry = entry.context("an entry")?;
        ensure!(tips(entry)?.contains(tip), "{code}: {entry}");
        ensure!(bare(text(entry, "text")?).contains(title), "{code}: {entry}");

        if !is_told(*code) {
            continue;
        }
        let told = hooks
            .iter()
            .find(|told| is(&told["data"]["error"]))
            .context("a webhook")?;
        ensure!(holds(tips(&told["data"])?, tip), "{code}: {told}");

        let said = words(*code);
        let [plain, html] = mails
            .iter()
            .find(|mail| mail[0].contains(&said))
            .context("a mail")?;
        let first = bare(tip["steps"][0].as_str().context("a step")?);
        ensure!(
            plain.contains(title) && bare(plain).contains(&first),
            "{code}: {plain}"
        );
        ensure!(html.contains(&escaped(title)), "{code}: {html}");
        ensure!(plain.contains(text(tip, "link")?), "{code}: {plain}");
    }
    let mut different: Vec<&String> = titles.values().collect();
    different.sort();
    different.dedup();
    ensure!(
        different.len() > 45,
        "codes of one family share an answer, others do not"
    );

    for (kind, word) in ANSWERS {
        let entry = entries
            .iter()
            .find(|entry| entry["event"]["type"] == kind.as_str());
        let entry = entry.with_context(|| format!("an entry of {kind}"))?;
        let tip = tips(entry)?
            .first()
            .with_context(|| format!("a tip for {kind}"))?;
        ensure!(tip.to_string().contains(word), "{kind}: {tip}");
        let told = hooks
            .iter()
            .find(|told| told["type"] == kind.as_str())
            .context("a webhook")?;
        ensure!(holds(tips(&told["data"])?, tip), "{kind}: {told}");
        let title = text(tip, "title")?;
        ensure!(
            mails
                .iter()
                .any(|[plain, html]| plain.contains(title) && html.contains(&escaped(title))),
            "{kind}"
        );
    }
    Ok(())
}
