//! The mail itself: who it is from, what it says, and what it belongs to.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ironcore_plugin::{Data, Delivery, Event, Failure, Host, LogLevel, Severity, mail, templates};

use crate::address;
use crate::config::Config;

/// The longest subject, characters; longer ones are hardly shown anywhere.
const MAX_SUBJECT: usize = 200;
/// The colour of what is as it should be.
const GOOD: &str = "#1b6e3c";

/// Puts the mail together.
pub(crate) fn message(
    host: &impl Host,
    delivery: &Delivery,
    config: &Config,
) -> Result<mail::Message, Failure> {
    let bad = |why: String| Failure::rejected("plugin.config", why);
    let event = lead(delivery)?;
    let data = event.data();
    let sender = address::parse(&config.from).map_err(bad)?;
    let recipients: Vec<&str> = match &delivery.recipient {
        Some(recipient) => vec![recipient],
        None => config.to.iter().map(String::as_str).collect(),
    };
    let to = recipients
        .iter()
        .map(|text| address::parse(text))
        .collect::<Result<Vec<_>, _>>()
        .map_err(bad)?;
    let reply_to = config
        .reply_to
        .as_deref()
        .map(address::parse)
        .transpose()
        .map_err(bad)?;
    let domain = address::domain(&sender).to_owned();
    let addresses = to
        .iter()
        .map(|mailbox| mailbox.address.as_str())
        .collect::<Vec<_>>()
        .join(",");
    let texts = texts(host, delivery, event, &data, config);
    Ok(mail::Message {
        to,
        reply_to,
        subject: texts.subject,
        // The same for every attempt, so that a mail that arrives twice is shown once.
        message_id: format!("{}.{:016x}@{domain}", delivery.message_id, fnv(&addresses)),
        // No mail has this id: all mails of a thread name it as what they answer, and so are shown together.
        references: vec![format!(
            "thread.{:016x}@{domain}",
            fnv(&format!(
                "{}/{}",
                delivery.hub.id,
                conversation(delivery, event, &data)
            ))
        )],
        headers: headers(event),
        text: texts.text,
        html: texts.html,
        attachments: Vec::new(),
        // The hub has the log, and attaches it.
        attrs: match config.attach_log.bytes() {
            Some(bytes) => vec![("attach-log".to_owned(), bytes.to_string())],
            None => Vec::new(),
        },
        sender,
    })
}

/// The event that the mail is about: the worst of them, and of those the newest. Of an incident that is over it is the
/// newest of all.
fn lead(delivery: &Delivery) -> Result<&Event, Failure> {
    let over = delivery
        .incident
        .as_ref()
        .is_some_and(|incident| incident.resolved);
    let worst = delivery.events.iter().max_by_key(|event| event.severity);
    match worst {
        Some(event) if !over => Ok(event),
        _ => delivery.event(),
    }
}

/// What the mail is about, so that readers show together what belongs together: an incident from its beginning to its
/// end, the runs of a job, and else what the hub keeps in order.
fn conversation(delivery: &Delivery, event: &Event, data: &Data) -> String {
    let project = event.project.as_deref().unwrap_or_default();
    let job = data.job.as_ref().map(|job| job.name.as_str());
    let job = data.task.as_ref().and_then(|task| task.job.as_deref()).or(job);
    match (&delivery.incident, job) {
        (Some(incident), _) => format!("incident/{}", incident.key),
        (None, Some(job)) if delivery.events.len() == 1 => format!("job/{project}/{job}"),
        _ => delivery.thread.clone(),
    }
}

fn headers(event: &Event) -> Vec<(String, String)> {
    [
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("X-Ironcore-Event", event.event_type.as_str()),
        ("X-Ironcore-Severity", event.severity.as_str()),
        ("X-Ironcore-Project", event.project.as_deref().unwrap_or_default()),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), one_line(value, MAX_SUBJECT)))
    .collect()
}

struct Texts {
    subject: String,
    text: String,
    html: Option<String>,
}

/// Renders the templates. A mail that says less is better than none: a template that does not work is replaced by
/// words of our own, and the mail says so.
fn texts(host: &impl Host, delivery: &Delivery, event: &Event, data: &Data, config: &Config) -> Texts {
    let mut extra = serde_json::json!({
        "prefix": config.subject_prefix,
        "color": color(delivery, event, data),
        "status": status(delivery, data),
    });
    if delivery.events.len() > 1 && delivery.incident.is_none() {
        // What one of them says of itself would be taken for what all of them say.
        extra["status"] = "".into();
        extra["color"] = worst(delivery).into();
    }
    let extra = extra.to_string();
    let folder = match delivery.template.as_deref() {
        Some(name) if is_name(name) => format!("email/{name}"),
        _ => "email".to_owned(),
    };
    let mut faults = String::new();
    let mut render = |file: &str| {
        host.render(&format!("{folder}/{file}"), &extra)
            .map_err(|error| {
                let fault = format!("The template {folder}/{file} does not work: {}", describe(&error));
                host.log(LogLevel::Error, &fault);
                // Writing to a String cannot fail.
                let _infallible = writeln!(faults, "{fault}");
            })
            .ok()
    };
    let subject = render("subject.txt")
        .unwrap_or_else(|| format!("{} {}", config.subject_prefix, title(delivery, event)));
    let text = render("body.txt");
    let html = render("body.html");
    let mut text = text.unwrap_or_else(|| plain(delivery, event, data));
    if !faults.is_empty() {
        let _infallible = write!(text, "\n\n{faults}");
    }
    Texts {
        subject: one_line(&subject, MAX_SUBJECT),
        text: tidy(&text),
        html,
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

fn describe(error: &templates::Error) -> String {
    match error {
        templates::Error::NotFound(name) => format!("there is no {name:?}"),
        templates::Error::Invalid(fault) => {
            format!(
                "{}:{}:{}: {}",
                fault.template, fault.line, fault.column, fault.message
            )
        }
        templates::Error::BadExtra(why) | templates::Error::Custom((_, why)) => why.clone(),
    }
}

/// What the mail is about, in one line.
fn title<'a>(delivery: &'a Delivery, event: &'a Event) -> &'a str {
    delivery
        .incident
        .as_ref()
        .map_or(&event.title, |incident| &incident.title)
}

/// What is said when there is no template.
fn plain(delivery: &Delivery, event: &Event, data: &Data) -> String {
    let mut text = format!("{}\n", title(delivery, event));
    // Writing to a String cannot fail.
    if let Some(error) = &event.error {
        let _infallible = writeln!(text, "\n{} ({})", error.message, error.code);
    }
    if let Some(task) = &data.task {
        let _infallible = writeln!(text, "\nTask: {}", task.upid);
        for line in &task.log_tail {
            let _infallible = writeln!(text, "  {line}");
        }
    }
    let mut told = BTreeSet::new();
    for tip in &delivery.tips {
        if !told.insert((&tip.title, tip.why.lines().next(), &tip.steps)) {
            continue;
        }
        let _infallible = writeln!(text, "\n* {}\n  {}", tip.title, tip.why);
        for step in &tip.steps {
            let _infallible = writeln!(text, "  - {step}");
        }
    }
    if let Some(link) = delivery.links.task.as_ref().or(delivery.links.dashboard.as_ref()) {
        let _infallible = writeln!(text, "\n{link}");
    }
    text
}

/// The state of the task or the result of the verification, as people know it.
fn status(delivery: &Delivery, data: &Data) -> String {
    if let Some(incident) = &delivery.incident {
        return if incident.resolved { "OVER" } else { "INCIDENT" }.to_owned();
    }
    if let Some(verification) = &data.verification {
        return verification.result.clone();
    }
    match data.task.as_ref().map(|task| task.state.as_str()) {
        Some(state @ ("ok" | "warning" | "failed" | "cancelled")) => state.to_uppercase(),
        Some(state) => state.to_owned(),
        None => String::new(),
    }
}

/// The colour of the status bar; dark enough to be read as text on white.
fn color(delivery: &Delivery, event: &Event, data: &Data) -> &'static str {
    if delivery
        .incident
        .as_ref()
        .is_some_and(|incident| incident.resolved)
    {
        return GOOD;
    }
    let good = data.verification.as_ref().is_some_and(|v| v.result == "OK")
        || data.task.as_ref().is_some_and(|task| task.state == "ok");
    match event.severity {
        Severity::Error => "#b3261e",
        Severity::Warning => "#8a5a00",
        Severity::Info | Severity::Notice if good => GOOD,
        Severity::Info | Severity::Notice => "#3d5a80",
    }
}

/// The colour of a mail that tells of several things: that of the worst of them.
fn worst(delivery: &Delivery) -> &'static str {
    let none = Data::default();
    let worst = delivery.events.iter().max_by_key(|event| event.severity);
    worst.map_or("#3d5a80", |event| color(delivery, event, &none))
}

/// One line without control characters: what a header field can hold.
fn one_line(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(most).collect()
}

/// At most one empty line in a row, and none at the ends.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.trim().lines() {
        empty = if line.trim().is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

/// FNV-1a: short, stable, and enough to tell recipients apart. Nothing secret goes in.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
