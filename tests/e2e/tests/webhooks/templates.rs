//! Every built-in template, of every event, against a receiver that enforces the target's schema and limits.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_notify::Templates;
use ironcore_plugin_host::{Delivery, Hub, Incident, Links};
use ironcore_testkit::clock::ManualClock;
use ironcore_testkit::events::{HUB, monstrous, monstrous_texts, of_type, samples};
use ironcore_testkit::targets::{TARGETS, Target};
use ironcore_testkit::webhook::Received;
use ironcore_types::event::{Tip, TipAction};
use ironcore_types::{Event, EventType, Severity, Timestamp};
use serde_json::{Value, json};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The settings without which a template says that they are missing.
fn values() -> Value {
    json!({ "project-key": "OPS", "issue-type": "Task", "topic": "backups" })
}

pub(crate) fn tip(text: &str) -> Tip {
    Tip {
        title: format!("Restore the chunk {text}"),
        why: "The verification found it damaged.".to_owned(),
        steps: vec![format!("Run a full backup. {text}"), "Verify again.".to_owned()],
        link: Some("https://docs.example/chunks?a=(b)".to_owned()),
        actions: vec![TipAction {
            kind: "full-backup".to_owned(),
            target: "nightly".to_owned(),
            label: "Full backup".to_owned(),
        }],
        plugin: "remediation".parse().expect("a name"),
    }
}

pub(crate) fn delivery(events: Vec<Event>, tips: Vec<Tip>) -> Delivery {
    let task = events.iter().any(|event| event.data.task.is_some());
    let page = "https://hub1.example:8007/tasks/UPID%3Ahub1%3A00000D1C%3Abackup%3Anightly%3A";
    Delivery {
        kind: "event".to_owned(),
        message: "0196f0c3-0a0b-7c0d-8e0f-101112131415".parse().expect("an id"),
        thread: "t".to_owned(),
        attempt: 1,
        recipient: None,
        project: None,
        group: "ops".parse().expect("a name"),
        handler: "hook".parse().expect("a name"),
        config: serde_json::Map::new(),
        template: None,
        events,
        incident: None,
        tips,
        tip_events: Vec::new(),
        links: Links {
            dashboard: Some("https://hub1.example:8007".to_owned()),
            task: task.then(|| page.to_owned()),
            log: task.then(|| format!("{page}#log")),
        },
        hub: Hub {
            id: HUB.parse().expect("an id"),
            name: "hub1".to_owned(),
        },
        attrs: Vec::new(),
    }
}

/// What the plugin would send, with the secret in its place where there is one.
fn body(templates: &Templates, target: &str, context: &Value) -> Result<String> {
    let text = templates.render(&format!("webhook/{target}.json"), context)?;
    let mut json: Value = serde_json::from_str(&text).with_context(|| format!("not JSON: {text}"))?;
    if json.get("routing_key").is_some() {
        json["routing_key"] = KEY.into();
        return Ok(json.to_string());
    }
    Ok(text)
}

/// Every event alone, all of them at once, and each with texts that nobody should write.
fn deliveries(mut each: impl FnMut(String, &Delivery) -> Result<()>) -> Result<()> {
    let all = samples();
    for event in &all {
        let name = event.event_type.to_string();
        each(name.clone(), &delivery(vec![event.clone()], Vec::new()))?;
        each(
            format!("{name} with a tip"),
            &delivery(vec![event.clone()], vec![tip("")]),
        )?;
    }
    each("all at once".to_owned(), &delivery(all.clone(), vec![tip("")]))?;
    let [incident, over] = incidents();
    for (name, incident) in [("an incident", incident), ("the end of an incident", over)] {
        let told = Delivery {
            incident: Some(incident),
            ..delivery(all.clone(), Vec::new())
        };
        each(name.to_owned(), &told)?;
    }
    for event in &all {
        let nowhere = Delivery {
            links: Links::default(),
            ..delivery(vec![event.clone()], Vec::new())
        };
        each(format!("{} without addresses", event.event_type), &nowhere)?;
    }
    for (what, text) in monstrous_texts() {
        for event in &all {
            let event = monstrous(event, &text);
            let name = format!("{} of {what}", event.event_type);
            each(name, &delivery(vec![event], vec![tip(&text)]))?;
        }
        let batch = all.iter().map(|event| monstrous(event, &text)).collect();
        each(format!("all of {what}"), &delivery(batch, vec![tip(&text)]))?;
    }
    Ok(())
}

/// An incident that lasts, and the same when it is over.
fn incidents() -> [Incident; 2] {
    let incident = Incident {
        key: "01a00000-0000-7000-8000-000000000001".to_owned(),
        number: 7,
        cause: "datastore/ibs-primary/datastore.full".to_owned(),
        title: "Three jobs fail".to_owned(),
        state: "open".to_owned(),
        severity: Severity::Error,
        opened: Timestamp::EPOCH,
        ended: None,
        ending: None,
        count: 30,
        affected: 3,
        failing: 3,
        resolved: false,
        acknowledged_by: None,
        acknowledge: Some(format!(
            "https://hub1.example:8007/acknowledge/{}",
            "t".repeat(300)
        )),
    };
    let over = Incident {
        title: "They work again".to_owned(),
        state: "ended".to_owned(),
        ended: Some(Timestamp::EPOCH),
        ending: Some("recovered".to_owned()),
        failing: 0,
        resolved: true,
        acknowledged_by: Some("ada@local".to_owned()),
        acknowledge: None,
        ..incident.clone()
    };
    [incident, over]
}

/// A request as the plugin sends it.
pub(crate) fn request(target: &Target, body: &str) -> Received {
    let content_type = "application/json; charset=utf-8";
    let mut headers = vec![("content-type".to_owned(), content_type.to_owned())];
    headers.extend(target.pass().map(|(name, value)| (name.to_owned(), value)));
    Received {
        method: "POST".to_owned(),
        target: "/".to_owned(),
        headers,
        body: body.as_bytes().to_vec(),
        answered: 0,
    }
}

#[test]
fn every_template_of_every_event_is_taken_by_its_target() -> Result<()> {
    let clock = ManualClock::at("2026-05-21T02:00:00Z");
    let templates = Templates::new(None, clock.seams());
    ensure!(templates.faults().is_empty(), "{:?}", templates.faults());
    let targets = TARGETS.map(|name| Target::new(name, Arc::new(clock.clone())));
    let targets = targets.into_iter().collect::<Result<Vec<_>>>()?;
    let (mut count, mut faults) = (0, Vec::new());
    deliveries(|case, delivery| {
        let context = delivery.context(json!({ "values": values() }));
        for (name, target) in TARGETS.iter().zip(&targets) {
            count += 1;
            let body = match body(&templates, name, &context) {
                Ok(body) => body,
                Err(error) => {
                    faults.push(format!("{name}, {case}: {error:#}"));
                    continue;
                }
            };
            let status = target.answer(&request(target, &body)).code();
            if status != target.success() {
                let why = target.faults(body.as_bytes()).join("; ");
                faults.push(format!("{name}, {case}: {status}: {why}"));
            }
        }
        // Long enough for the rate of each target; that it is enforced is tried elsewhere.
        clock.advance(Duration::from_secs(300));
        Ok(())
    })?;
    ensure!(count > 11 * 30 * 8, "{count} cases");
    let shown = faults.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    ensure!(faults.is_empty(), "{} of {count} cases:\n{shown}", faults.len());
    Ok(())
}

fn rendered(target: &str, delivery: &Delivery) -> Result<Value> {
    let clock = ManualClock::at("2026-05-21T02:00:00Z");
    let context = delivery.context(json!({ "values": values() }));
    let text = body(&Templates::new(None, clock.seams()), target, &context)?;
    Ok(serde_json::from_str(&text)?)
}

/// How each message reads; a change of a template shows here.
#[test]
fn a_failed_backup_reads_well_everywhere() -> Result<()> {
    let failed = delivery(vec![of_type(EventType::TaskFailed)], vec![tip("")]);
    for target in TARGETS {
        let json = rendered(target, &failed)?;
        insta::assert_json_snapshot!(format!("failed-{target}"), json);
        let text = json.to_string();
        ensure!(
            text.contains("datastore.full"),
            "{target} leaves the error out: {text}"
        );
        ensure!(
            text.contains("Restore the chunk"),
            "{target} leaves the tip out: {text}"
        );
        ensure!(
            text.contains("https://hub1.example:8007/tasks/"),
            "{target} leaves the link out: {text}"
        );
    }
    Ok(())
}

#[test]
fn several_events_are_a_list_that_says_how_many_more_there_are() -> Result<()> {
    let all = delivery(samples(), Vec::new());
    let more = samples().len() - 10;
    for target in TARGETS.iter().filter(|target| **target != "generic") {
        let text = rendered(target, &all)?.to_string();
        ensure!(text.contains(&format!("and {more} more")), "{target}: {text}");
        ensure!(
            text.contains(&format!("(+{})", samples().len() - 1)),
            "{target}: {text}"
        );
    }
    Ok(())
}

#[test]
fn markup_of_others_stays_text() -> Result<()> {
    let mut event = of_type(EventType::TaskFailed);
    event.data.title = "<!channel> *b* @all [x](https://evil.example)".to_owned();
    let one = delivery(vec![event], Vec::new());
    let slack = rendered("slack", &one)?;
    ensure!(
        slack["text"]
            .as_str()
            .is_some_and(|text| text.contains("&lt;!channel&gt;")),
        "{slack}"
    );
    let discord = rendered("discord", &one)?;
    let title = discord["embeds"][0]["title"].as_str().context("a title")?;
    ensure!(title.contains("\\*b\\*") && title.contains("\\[x\\]("), "{title}");
    ensure!(discord["allowed_mentions"]["parse"] == json!([]), "{discord}");
    let mattermost = rendered("mattermost", &one)?.to_string();
    ensure!(!mattermost.contains("@all"), "{mattermost}");
    Ok(())
}

#[test]
fn an_alert_is_resolved_by_what_ends_it_and_by_nothing_else() -> Result<()> {
    let event = |kind| rendered("pagerduty", &delivery(vec![of_type(kind)], Vec::new()));
    let failed = event(EventType::TaskFailed)?;
    let completed = event(EventType::TaskCompleted)?;
    ensure!(
        failed["event_action"] == "trigger" && failed["payload"]["severity"] == "error",
        "{failed}"
    );
    ensure!(completed["event_action"] == "resolve", "{completed}");
    ensure!(
        failed["dedup_key"] == completed["dedup_key"],
        "{failed} {completed}"
    );
    let warned = event(EventType::TaskWarning)?;
    ensure!(
        warned["payload"]["severity"] == "warning" && warned["dedup_key"] == failed["dedup_key"],
        "{warned}"
    );
    for kind in [
        EventType::TaskQueued,
        EventType::TaskStarted,
        EventType::TaskCancelled,
    ] {
        let news = event(kind)?;
        ensure!(
            news["event_action"] == "trigger" && news["dedup_key"] != failed["dedup_key"],
            "{news}"
        );
        ensure!(news["payload"]["severity"] == "info", "{news}");
    }
    Ok(())
}

/// The event of the notice may be the failure even when the incident is over: what counts is the incident.
#[test]
fn an_alert_of_an_incident_is_resolved_by_its_end() -> Result<()> {
    let told = incidents().map(|incident| Delivery {
        incident: Some(incident),
        ..delivery(vec![of_type(EventType::TaskFailed)], Vec::new())
    });
    let [begun, over] = &told;
    let (begun, over) = (rendered("pagerduty", begun)?, rendered("pagerduty", over)?);
    ensure!(
        begun["event_action"] == "trigger" && begun["payload"]["severity"] == "error",
        "{begun}"
    );
    ensure!(begun["payload"]["summary"] == "Three jobs fail", "{begun}");
    ensure!(
        over["event_action"] == "resolve" && over["dedup_key"] == begun["dedup_key"],
        "{over}"
    );
    for target in TARGETS {
        let (text, of_end) = (
            rendered(target, &told[0])?.to_string(),
            rendered(target, &told[1])?.to_string(),
        );
        ensure!(
            text.contains("Three jobs fail") && text.contains("/acknowledge/"),
            "{target}: {text}"
        );
        ensure!(
            target == "pagerduty" || of_end.contains("They work again"),
            "{target}: {of_end}"
        );
        ensure!(!of_end.contains("/acknowledge/"), "{target}: {of_end}");
    }
    let generic = rendered("generic", &told[1])?;
    ensure!(
        generic["incident"]["state"] == "ended" && generic["outcome"] == "recovered",
        "{generic}"
    );
    let slack = [&told[0], &told[1]].map(|told| rendered("slack", told));
    let [begun, over] = slack;
    ensure!(begun?["text"].as_str().is_some_and(|text| text.starts_with('🔴')));
    ensure!(over?["text"].as_str().is_some_and(|text| text.starts_with('🟢')));
    Ok(())
}

/// A limit, quiet hours and digests gather what belongs to several jobs, or to several runs of one.
#[test]
fn what_was_gathered_is_as_bad_as_the_worst_of_it() -> Result<()> {
    let of = |kind, job: &str, id: u8| -> Result<Event> {
        let mut event = of_type(kind);
        event.id = format!("0196f0c2-5f3a-7c11-9d5e-2b7c1a9e4e{id:02x}").parse()?;
        event.data.title = format!("{kind} of {job}");
        event.data.task.as_mut().context("a task")?.job = Some(job.parse()?);
        Ok(event)
    };
    let failed = of(EventType::TaskFailed, "one", 1)?;
    let (done, other) = (
        of(EventType::TaskCompleted, "one", 2)?,
        of(EventType::TaskCompleted, "two", 3)?,
    );
    let alone = rendered("pagerduty", &delivery(vec![failed.clone()], Vec::new()))?;
    for events in [
        vec![failed.clone(), other.clone()],
        vec![other.clone(), failed.clone()],
    ] {
        let gathered = delivery(events, Vec::new());
        let alert = rendered("pagerduty", &gathered)?;
        ensure!(
            alert["event_action"] == "trigger" && alert["payload"]["severity"] == "error",
            "{alert}"
        );
        ensure!(alert["dedup_key"] == alone["dedup_key"], "{alert}");
        let details = alert["payload"]["custom_details"]["details"]
            .as_str()
            .context("details")?;
        ensure!(
            details.contains("task.failed of one") && details.contains("task.completed of two"),
            "{details}"
        );
        let slack = rendered("slack", &gathered)?;
        let title = slack["text"].as_str().context("a text")?;
        ensure!(title == "🔴 ironcore.task.failed of one (+1)", "{title}");
        let generic = rendered("generic", &gathered)?;
        ensure!(
            generic["outcome"] == "problem" && generic["severity"] == "error",
            "{generic}"
        );
        for target in TARGETS {
            let text = rendered(target, &gathered)?.to_string();
            ensure!(!text.contains('🟢') || text.contains('🔴'), "{target}: {text}");
            ensure!(text.contains("task.failed of one"), "{target}: {text}");
        }
    }
    // What began and ended meanwhile is over, and an alert of before ends; people are shown all the same that it was bad.
    let over = delivery(vec![failed, done], Vec::new());
    let alert = rendered("pagerduty", &over)?;
    ensure!(
        alert["event_action"] == "resolve" && alert["dedup_key"] == alone["dedup_key"],
        "{alert}"
    );
    let slack = rendered("slack", &over)?;
    ensure!(slack["text"] == "🔴 ironcore.task.failed of one (+1)", "{slack}");
    Ok(())
}

#[test]
fn advice_that_is_the_same_is_told_once_with_how_many_events_it_is_about() -> Result<()> {
    let of = |id: u8| -> Result<Event> {
        let mut event = of_type(EventType::TaskFailed);
        event.id = format!("0196f0c2-5f3a-7c11-9d5e-2b7c1a9e4f{id:02x}").parse()?;
        Ok(event)
    };
    let events = (0..3).map(of).collect::<Result<Vec<_>>>()?;
    let why = |evidence: &str| Tip {
        why: format!("The datastore is full.\nlog: {evidence}"),
        ..tip("")
    };
    let other = Tip {
        title: "Ask somebody".to_owned(),
        ..tip("")
    };
    let told = Delivery {
        tip_events: vec![events[0].id, events[0].id, events[1].id, events[2].id],
        ..delivery(events, vec![other, why("a"), why("b"), why("c")])
    };
    let context = told.context(json!({}));
    let tips: Vec<(&str, u64)> = context["tips"]
        .as_array()
        .context("tips")?
        .iter()
        .map(|tip| {
            (
                tip["title"].as_str().unwrap_or_default(),
                tip["events"].as_u64().unwrap_or(0),
            )
        })
        .collect();
    // What is about the event that leads comes first.
    ensure!(
        tips == [("Restore the chunk ", 3), ("Ask somebody", 1)],
        "{tips:?}"
    );
    ensure!(context["tips"][0]["why"] == "The datastore is full.\nlog: a");
    ensure!(context["tips"][0]["actions"].as_array().map(Vec::len) == Some(1));
    Ok(())
}

#[test]
fn a_setting_that_is_missing_is_named() -> Result<()> {
    let clock = ManualClock::at("2026-05-21T02:00:00Z");
    let templates = Templates::new(None, clock.seams());
    let one = delivery(vec![of_type(EventType::TaskFailed)], Vec::new());
    for (target, missing) in [("jira", "values.project-key"), ("ntfy", "values.topic")] {
        let error = templates.render(&format!("webhook/{target}.json"), &one.context(json!({})));
        let error = error.err().context("nothing is missing")?.to_string();
        ensure!(
            error.contains(missing) && error.contains(&format!("webhook/{target}.json")),
            "{error}"
        );
    }
    Ok(())
}
