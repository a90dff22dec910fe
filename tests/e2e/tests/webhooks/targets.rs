//! The whole way to each target: configuration, plugin, secrets, signature; what it answers, and how fast it may go.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::MessageState;
use ironcore_testkit::clock::ManualClock;
use ironcore_testkit::events::of_type;
use ironcore_testkit::targets::{TARGETS, Target};
use ironcore_testkit::webhook::{Received, WebhookReceiver, verify_standard_webhook};
use ironcore_types::{EventType, Timestamp};
use serde_json::{Value, json};

use crate::catalogue::handlers;
use crate::templates::request;
use crate::world::{PATIENCE, World};

const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A clock that begins now: what checks signatures compares with the real time.
#[expect(
    clippy::disallowed_methods,
    reason = "a library outside this process has the real time"
)]
pub(crate) fn clock_of_today() -> Result<ManualClock> {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH)?;
    Ok(ManualClock::at(
        &Timestamp::from_micros(i64::try_from(since.as_micros())?).to_string(),
    ))
}

async fn receiver(target: &str, clock: &ManualClock) -> Result<WebhookReceiver> {
    let receiver = WebhookReceiver::start().await?;
    receiver.behave_like(Arc::new(Target::new(target, Arc::new(clock.clone()))?));
    Ok(receiver)
}

/// The value of a secret that the document names.
fn secret(name: &str) -> &'static str {
    if name.ends_with("routing-key") {
        ROUTING_KEY
    } else if name.ends_with("signing") {
        SIGNING
    } else {
        "opensesame"
    }
}

/// The names of the secrets in a configuration.
fn secrets_of(config: &Value, names: &mut BTreeSet<String>) {
    if let Some(name) = config.get("secret").and_then(Value::as_str) {
        names.insert(name.to_owned());
    }
    let members = config.as_object().into_iter().flatten().map(|(_, value)| value);
    for value in members.chain(config.as_array().into_iter().flatten()) {
        secrets_of(value, names);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_target_takes_what_the_documented_configuration_sends() -> Result<()> {
    let clock = clock_of_today()?;
    let documented = serde_json::to_value(handlers()?)?;
    let mut names = BTreeSet::new();
    secrets_of(&documented, &mut names);
    let secrets: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), secret(name))).collect();
    // As they stand they are valid; to be tried they need another address, and both events.
    World::new(clock.clone(), &documented, &secrets).await?;
    let mut receivers = Vec::new();
    let mut changed = documented.clone();
    for handler in changed.as_array_mut().context("handlers")? {
        let target = handler["template"].as_str().context("a template")?.to_owned();
        let receiver = receiver(&target, &clock).await?;
        handler["config"]["url"] = receiver.url().into();
        handler["filter"] = json!({});
        if target == "pagerduty" {
            handler["config"]["signing-secret"] = json!({ "secret": "receiver-signing" });
        }
        receivers.push((target, receiver));
    }
    let of = |name: &str| -> Result<Vec<Received>> {
        let found = receivers.iter().find(|(target, _)| target == name);
        Ok(found
            .with_context(|| format!("{name} is not documented"))?
            .1
            .received())
    };
    let mut world = World::new(clock, &changed, &secrets).await?;
    world.start()?;
    world.tell(&of_type(EventType::TaskFailed)).await?;
    world.delivered(TARGETS.len()).await?;
    world.clock.advance(Duration::from_secs(60));
    world.tell(&of_type(EventType::TaskCompleted)).await?;
    world.delivered(2 * TARGETS.len()).await?;
    world.stop().await?;

    for (target, statuses) in [
        ("slack", [200, 200]),
        ("teams", [202, 202]),
        ("discord", [204, 204]),
        ("pagerduty", [202, 202]),
        ("jira", [201, 201]),
        ("servicenow", [201, 201]),
        ("mattermost", [200, 200]),
        ("jsm", [202, 202]),
        ("ntfy", [200, 200]),
        ("gotify", [200, 200]),
        ("generic", [204, 204]),
    ] {
        let answered: Vec<u16> = of(target)?.iter().map(|request| request.answered).collect();
        ensure!(answered == statuses, "{target}: {answered:?}");
    }
    let pagerduty = of("pagerduty")?;
    let (trigger, resolve) = (pagerduty[0].json()?, pagerduty[1].json()?);
    ensure!(
        trigger["routing_key"] == ROUTING_KEY,
        "the routing key is not in its place"
    );
    ensure!((&trigger["event_action"], &resolve["event_action"]) == (&json!("trigger"), &json!("resolve")));
    ensure!(
        trigger["dedup_key"] == resolve["dedup_key"],
        "{trigger} {resolve}"
    );
    for request in &pagerduty {
        // Signed is what is sent, the secret in it.
        verify_standard_webhook(SIGNING, &request.headers, &request.body)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_fast_for_a_target_comes_when_it_says() -> Result<()> {
    let clock = ManualClock::at("2026-05-21T02:00:00Z");
    let receiver = receiver("slack", &clock).await?;
    let handler = json!([{
        "name": "slack", "plugin": "webhook", "template": "slack", "config": { "url": receiver.url() },
    }]);
    let mut world = World::new(clock, &handler, &[]).await?;
    world.start()?;
    for _ in 0..2 {
        let mut event = of_type(EventType::TaskFailed);
        // Another run, so that neither waits for the other.
        let run = receiver.received().len();
        event.data.title = format!("run {run} failed");
        world.tell(&event).await?;
        receiver.wait_for(run + 1, PATIENCE).await?;
    }
    let waits = world
        .until("a message that waits", |all| {
            all.iter()
                .any(|one| one.state == MessageState::Pending && one.attempts == 1)
        })
        .await?;
    let late = waits
        .iter()
        .find(|one| one.state == MessageState::Pending)
        .context("it waits")?;
    ensure!(late.due > world.clock.seams().now(), "it is due at once");
    world.clock.set(late.due);
    world.delivered(2).await?;
    world.stop().await?;
    let statuses: Vec<u16> = receiver
        .received()
        .iter()
        .map(|request| request.answered)
        .collect();
    ensure!(statuses == [200, 429, 200], "{statuses:?}");
    Ok(())
}

/// The receivers themselves: that they refuse what their targets refuse.
#[test]
fn targets_refuse_what_is_too_long_too_fast_or_has_no_pass() -> Result<()> {
    let clock = ManualClock::at("2026-05-21T02:00:00Z");
    let embed = |title: usize, description: usize| {
        let embed = json!({ "title": "t".repeat(title), "description": "d".repeat(description) });
        json!({ "allowed_mentions": { "parse": [] }, "embeds": [embed.clone(), embed] })
    };
    let pagerduty = |summary: &str| {
        let payload = json!({ "summary": summary, "source": "hub1", "severity": "error" });
        json!({ "routing_key": ROUTING_KEY, "event_action": "trigger", "payload": payload })
    };
    let teams = |text: &str| {
        let block = json!({ "type": "TextBlock", "text": text });
        let card = json!({ "type": "AdaptiveCard", "version": "1.4", "body": [block.clone(), block] });
        let attachment = json!({ "contentType": "application/vnd.microsoft.card.adaptive", "content": card });
        json!({ "type": "message", "attachments": [attachment] })
    };
    let ntfy = |message: &str| json!({ "topic": "backups", "message": message });
    for (name, body, status) in [
        ("discord", embed(256, 2744), 204),
        ("discord", embed(257, 1), 400),
        ("discord", embed(256, 2745), 400),
        ("pagerduty", pagerduty(&"🚀".repeat(512)), 202),
        ("pagerduty", pagerduty(&"🚀".repeat(513)), 400),
        ("teams", teams(&"x".repeat(14_000)), 202),
        ("teams", teams(&"x".repeat(14_400)), 413),
        ("ntfy", ntfy(&"€".repeat(1_365)), 200),
        ("ntfy", ntfy(&"€".repeat(1_366)), 400),
        (
            "slack",
            json!({ "text": "<!channel>", "blocks": [{ "type": "header", "text": "x" }] }),
            400,
        ),
        ("jira", json!({ "fields": {} }), 400),
    ] {
        let target = Target::new(name, Arc::new(clock.clone()))?;
        let request = request(&target, &body.to_string());
        let answered = target.answer(&request).code();
        ensure!(
            answered == status,
            "{name}: {answered}, not {status}: {:?}",
            target.faults(&request.body)
        );
    }
    for target in TARGETS {
        let target = Target::new(target, Arc::new(clock.clone()))?;
        let Some((most, span)) = target.rate() else {
            continue;
        };
        let mut answers = Vec::new();
        for _ in 0..=most {
            answers.push(target.answer(&request(&target, "{}")).code());
        }
        ensure!(
            answers.pop() == Some(429) && !answers.contains(&429),
            "{answers:?}"
        );
        clock.advance(span);
        ensure!(
            target.answer(&request(&target, "{}")).code() != 429,
            "it never lets anybody in again"
        );
    }
    let jira = Target::new("jira", Arc::new(clock.clone()))?;
    let mut stranger = request(&jira, "{}");
    stranger.headers.retain(|(name, _)| name != "authorization");
    ensure!(jira.answer(&stranger).code() == 401);
    Ok(())
}
