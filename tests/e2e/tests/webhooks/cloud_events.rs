//! CloudEvents, structured, binary and in a batch, read by PyPI's `cloudevents`; signatures, two at once while a secret
//! is replaced, checked by PyPI's `standardwebhooks`.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{FanOut, HandlerRef, NewMatch, NewMessage};
use ironcore_testkit::events::of_type;
use ironcore_testkit::webhook::{Received, WebhookReceiver, read_cloud_events, verify_standard_webhook};
use ironcore_types::{Event, EventType};
use serde_json::{Value, json};

use crate::targets::clock_of_today;
use crate::world::World;

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const SECRETS: [(&str, &str); 2] = [("old", OLD), ("new", NEW)];

fn handler(name: &str, url: &str, mode: &str) -> Value {
    json!({
        "name": name, "plugin": "webhook",
        "config": {
            "url": url, "mode": mode, "method": "PUT", "headers": { "X-Team": "night" },
            "signing-secret": [{ "secret": "new" }, { "secret": "old" }],
        },
    })
}

/// What the reference library reads is the event, with what the plugin adds to its data.
fn holds(read: &Value, event: &Event) -> Result<()> {
    let attributes = &read["attributes"];
    let wanted = [
        ("type", event.event_type.to_string()),
        ("source", event.source.clone()),
        ("subject", event.subject.clone().unwrap_or_default()),
        ("dataschema", event.dataschema.clone()),
        ("specversion", "1.0".to_owned()),
        ("id", event.id.to_string()),
    ];
    for (name, value) in wanted {
        ensure!(attributes[name] == value, "{name} of {attributes} is not {value}");
    }
    let mut data = read["data"].clone();
    let members = data.as_object_mut().context("data")?;
    for added in ["tips", "links", "message"] {
        ensure!(members.remove(added).is_some(), "no {added} in {read}");
    }
    ensure!(data == serde_json::to_value(&event.data)?, "{data}");
    Ok(())
}

fn signed(request: &Received) -> Result<()> {
    for secret in [OLD, NEW] {
        verify_standard_webhook(secret, &request.headers, &request.body)?;
    }
    let mut changed = request.body.clone();
    changed.push(b' ');
    ensure!(
        verify_standard_webhook(NEW, &request.headers, &changed).is_err(),
        "a changed body is taken"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_structured_and_binary_with_two_signatures() -> Result<()> {
    let (structured, binary) = (WebhookReceiver::start().await?, WebhookReceiver::start().await?);
    let handlers = json!([
        handler("structured", structured.url(), "structured"),
        handler("binary", binary.url(), "binary"),
    ]);
    let mut world = World::new(clock_of_today()?, &handlers, &SECRETS).await?;
    world.start()?;
    let mut failed = of_type(EventType::TaskFailed);
    // What a header can only hold when it is encoded.
    failed.subject = Some("100 % \"größer\" 😀".to_owned());
    let event = world.tell(&failed).await?.event;
    let messages = world.delivered(2).await?;
    world.stop().await?;

    for (receiver, content_type) in [
        (&structured, "application/cloudevents+json; charset=utf-8"),
        (&binary, "application/json"),
    ] {
        let [request] = &receiver.received()[..] else {
            anyhow::bail!("one request, not {:?}", receiver.received());
        };
        ensure!(
            request.header("content-type") == Some(content_type),
            "{:?}",
            request.headers
        );
        ensure!(
            request.method == "PUT" && request.header("x-team") == Some("night"),
            "{:?}",
            request.headers
        );
        let id = request.header("webhook-id").context("an id")?;
        ensure!(
            messages.iter().any(|message| message.id.to_string() == id),
            "{id}"
        );
        signed(request)?;
        let read = read_cloud_events(&request.headers, &request.body)?;
        ensure!(read.len() == 1, "{read:?}");
        holds(&read[0], &event)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn several_events_arrive_as_a_batch_whatever_the_mode() -> Result<()> {
    let receiver = WebhookReceiver::start().await?;
    let declared = handler("binary", receiver.url(), "binary");
    let mut world = World::new(clock_of_today()?, &json!([declared]), &SECRETS).await?;
    let mut told = Vec::new();
    for kind in [EventType::TaskFailed, EventType::TaskCompleted] {
        told.push(world.tell(&of_type(kind)).await?.event);
    }
    let handler = HandlerRef {
        project: Some("office".parse()?),
        group: "ops".parse()?,
        handler: "binary".parse()?,
    };
    let message = NewMessage {
        handler: handler.clone(),
        snapshot: serde_json::from_value(declared)?,
        recipient: String::new(),
        thread: "digest".to_owned(),
        kind: "digest".to_owned(),
        window: "2026-05-21T02".to_owned(),
        lane: format!("office {}", receiver.url()),
        due: world.clock.seams().now(),
        attrs: serde_json::Map::new(),
    };
    let fanouts = world.ledger.take_unmatched(1000).await?.into_iter().map(|event| {
        let ours = told.iter().any(|one| one.id == event.event.id);
        FanOut {
            rates: Vec::new(),
            silenced: Vec::new(),
            incident: None,
            outcome: None,
            seq: event.seq,
            tips: Vec::new(),
            matches: ours
                .then(|| NewMatch {
                    handler: handler.clone(),
                })
                .into_iter()
                .collect(),
            messages: ours.then(|| message.clone()).into_iter().collect(),
        }
    });
    world.ledger.record_fanout(fanouts.collect()).await?;
    world.start()?;
    world.delivered(1).await?;
    world.stop().await?;

    let received = receiver.received();
    ensure!(received.len() == 1, "{received:?}");
    let content_type = received[0].header("content-type");
    ensure!(
        content_type == Some("application/cloudevents-batch+json; charset=utf-8"),
        "{content_type:?}"
    );
    ensure!(received[0].header("ce-id").is_none(), "{:?}", received[0].headers);
    signed(&received[0])?;
    let read = read_cloud_events(&received[0].headers, &received[0].body)?;
    ensure!(read.len() == told.len(), "{read:?}");
    for (read, event) in read.iter().zip(&told) {
        holds(read, event)?;
    }
    Ok(())
}
