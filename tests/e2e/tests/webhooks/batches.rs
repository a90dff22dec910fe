//! Messages of very many events through the real plugins, with the real templates and the advice of the real remediation.

use std::collections::BTreeSet;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use ironcore_notify::{TemplateError, Templates};
use ironcore_plugin_host::effects::{
    HttpError, HttpRequest, HttpResponse, KvError, LogLine, Mail, MailError, MailReply, MailServer,
    RenderError, Sample,
};
use ironcore_plugin_host::{
    DeliverOutcome, Delivery, Grants, HostConfig, HostServices, NoServices, Plugin, PluginHost,
};
use ironcore_testkit::clock::ManualClock;
use ironcore_testkit::events::of_type;
use ironcore_testkit::targets::{TARGETS, Target};
use ironcore_types::event::{ErrorData, Tip};
use ironcore_types::{ErrorCode, Event, EventType};
use serde_json::{Value, json};

use crate::templates::{delivery, request};

/// As many as a message gathers at most.
const MANY: usize = 500;

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Renders as the hub does, and takes what is sent.
struct Desk {
    templates: Templates,
    bodies: Mutex<Vec<Vec<u8>>>,
    mails: Mutex<Vec<Mail>>,
    lines: Mutex<Vec<String>>,
}

impl Desk {
    fn new() -> Arc<Self> {
        let clock = ManualClock::at("2026-05-21T02:00:00Z");
        Arc::new(Self {
            templates: Templates::new(None, clock.seams()),
            bodies: Mutex::default(),
            mails: Mutex::default(),
            lines: Mutex::default(),
        })
    }

    fn body(&self) -> Result<Vec<u8>> {
        let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        bodies.pop().context("nothing was sent")
    }
}

impl HostServices for Desk {
    fn http(&self, request: HttpRequest) -> Answer<'_, Result<HttpResponse, HttpError>> {
        let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        bodies.push(request.body.unwrap_or_default());
        Box::pin(async {
            Ok(HttpResponse {
                status: 200,
                ..HttpResponse::default()
            })
        })
    }

    fn mail(&self, _server: MailServer, mail: Mail) -> Answer<'_, Result<MailReply, MailError>> {
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.push(mail);
        Box::pin(async {
            Ok(MailReply {
                code: 250,
                text: "taken".to_owned(),
            })
        })
    }

    fn render(&self, template: &str, context: Value) -> Result<String, RenderError> {
        self.templates
            .render(template, &context)
            .map_err(|error| match error {
                TemplateError::NotFound { name, .. } => RenderError::NotFound(name),
                TemplateError::Invalid {
                    file,
                    line,
                    column,
                    message,
                } => RenderError::Invalid {
                    template: file,
                    line,
                    column,
                    message,
                },
            })
    }

    fn kv_get(&self, _key: &str) -> Answer<'_, Result<Option<Vec<u8>>, KvError>> {
        Box::pin(async { Ok(None) })
    }

    fn log(&self, line: &LogLine) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line.text.clone());
    }

    fn metrics(&self, _samples: Vec<Sample>) {}
}

fn load(host: &PluginHost, name: &str) -> Result<Arc<Plugin>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../build/plugins");
    let path = folder.join(format!("{name}.wasm"));
    let bytes = std::fs::read(&path).with_context(|| format!("{}: run cargo xtask build", path.display()))?;
    Ok(host.load(&bytes, &Grants::all())?)
}

/// Backups of as many jobs that failed for one of two reasons, each with the last lines of its log.
fn failures(count: usize) -> Result<Vec<Event>> {
    (0..count)
        .map(|number| {
            let mut event = of_type(EventType::TaskFailed);
            event.id = format!("0196f0c2-5f3a-7c11-9d5e-{number:012x}").parse()?;
            event.data.title = format!("Backup job-{number} of machine-{number} to ibs-primary failed");
            let (code, message) = match number % 2 {
                0 => (ErrorCode::DatastoreFull, "no space is left on the datastore"),
                _ => (ErrorCode::SourceUnreachable, "the machine does not answer"),
            };
            event.data.error = Some(ErrorData {
                code,
                message: message.to_owned(),
            });
            let task = event.data.task.as_mut().context("a task")?;
            task.job = Some(format!("job-{number}").parse()?);
            let line = |at: usize| {
                format!(
                    "2026-05-21T02:{:02}:{at:02}.410022Z info  machine-{number}: /srv/projects/{at}/archive: 4211 files, \
                     1288490189 bytes read, 48211 chunks known",
                    number % 60
                )
            };
            task.log_tail = (0..20).map(line).collect();
            Ok(event)
        })
        .collect()
}

/// A message of these events with the advice about each.
async fn digest(host: &PluginHost, events: Vec<Event>) -> Result<Delivery> {
    let remediation = load(host, "remediation")?;
    let (mut tips, mut about) = (Vec::new(), Vec::new());
    for event in &events {
        let some = remediation.advise(event, Arc::new(NoServices)).await?;
        ensure!(!some.is_empty(), "{} has no tip", event.data.title);
        about.extend(some.iter().map(|_| event.id));
        tips.extend(some);
    }
    Ok(Delivery {
        kind: "digest".to_owned(),
        tip_events: about,
        ..delivery(events, tips)
    })
}

async fn sent(
    plugin: &Plugin,
    delivery: &Delivery,
    config: Value,
    template: Option<&str>,
) -> Result<Arc<Desk>> {
    let desk = Desk::new();
    let mut delivery = delivery.clone();
    delivery.config = config.as_object().cloned().context("an object")?;
    delivery.template = template.map(str::to_owned);
    let done = plugin.deliver(delivery, Arc::clone(&desk) as _).await?;
    let lines = desk.lines.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match done.outcome {
        DeliverOutcome::Delivered(_) if lines.is_empty() => Ok(desk),
        other => bail!("{other:?}: {lines:?}"),
    }
}

fn titles(tips: &[Tip]) -> BTreeSet<&str> {
    tips.iter().map(|tip| tip.title.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn cloud_events_of_a_large_batch_have_each_their_own_tips() -> Result<()> {
    let host = PluginHost::new(HostConfig::default())?;
    let webhook = load(&host, "webhook")?;
    let digest = digest(&host, failures(MANY)?).await?;
    for mode in ["structured", "binary"] {
        let config = json!({ "url": "https://a.example/hook", "mode": mode });
        let body = sent(&webhook, &digest, config, None).await?.body()?;
        ensure!(body.len() < MANY * 12_000, "{mode}: {} bytes", body.len());
        let json: Value = serde_json::from_slice(&body)?;
        let events = json.as_array().context("a batch")?;
        ensure!(events.len() == MANY, "{} events", events.len());
        let mut count = 0;
        for (event, told) in digest.events.iter().zip(events) {
            ensure!(told["id"] == event.id.to_string(), "{told}");
            ensure!(
                told["data"]["task"]["log_tail"].as_array().map(Vec::len) == Some(20),
                "{told}"
            );
            let own = digest.tips.iter().zip(&digest.tip_events);
            let own: Vec<&Tip> = own
                .filter(|(_, about)| **about == event.id)
                .map(|(tip, _)| tip)
                .collect();
            let told = told["data"]["tips"].as_array().context("tips")?;
            count += told.len();
            let same = own
                .iter()
                .zip(told)
                .all(|(own, told)| told["why"] == own.why.as_str());
            ensure!(own.len() == told.len() && same, "{own:?}\n{told:?}");
        }
        ensure!(
            count == digest.tips.len(),
            "{count} tips of {}",
            digest.tips.len()
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_template_takes_a_large_batch() -> Result<()> {
    let host = PluginHost::new(HostConfig::default())?;
    let webhook = load(&host, "webhook")?;
    let digest = digest(&host, failures(MANY)?).await?;
    let clock = ManualClock::at("2026-05-21T02:00:00Z");
    for name in TARGETS {
        let config = json!({
            "url": "https://a.example/hook",
            "values": { "project-key": "OPS", "issue-type": "Task", "topic": "backups" },
        });
        let body = sent(&webhook, &digest, config, Some(name))
            .await
            .with_context(|| name.to_owned())?
            .body()?;
        let mut text = String::from_utf8(body)?;
        if name == "pagerduty" {
            text = text.replace(
                "\"routing_key\": null",
                "\"routing_key\": \"0123456789abcdef0123456789abcdef\"",
            );
        }
        let target = Target::new(name, Arc::new(clock.clone()))?;
        let status = target.answer(&request(&target, &text)).code();
        ensure!(
            status == target.success(),
            "{name}: {status}: {}",
            target.faults(text.as_bytes()).join("; ")
        );
        let more = if name == "generic" {
            "\"more_events\": 400"
        } else {
            "and 490 more"
        };
        ensure!(text.contains(more), "{name}: {text}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_of_very_many_events_stays_readable() -> Result<()> {
    let host = PluginHost::new(HostConfig::default())?;
    let email = load(&host, "email")?;
    let config = json!({ "host": "mail.example", "tls": "none", "from": "hub@example.com", "to": ["ops@example.com"] });
    let digest = digest(&host, failures(MANY)?).await?;
    let desk = sent(&email, &digest, config, None).await?;
    let mails = desk.mails.lock().unwrap_or_else(PoisonError::into_inner);
    let mail = mails.first().context("a mail")?;
    let html = mail.html.as_deref().context("a page")?;
    ensure!(mail.subject.contains("(500 events)"), "{}", mail.subject);
    for part in [mail.text.as_str(), html] {
        ensure!(part.len() < 100_000, "{} bytes", part.len());
        ensure!(part.contains("and 400 more, see the"), "{part}");
        // The same advice about many is told once, with how many it is about.
        ensure!(titles(&digest.tips).len() < 10, "{:?}", titles(&digest.tips));
        for title in titles(&digest.tips) {
            let told = part.matches(title).count();
            ensure!(told == 1, "{title:?} is told {told} times: {part}");
        }
        ensure!(part.contains("(250 events)"), "{part}");
    }
    Ok(())
}
