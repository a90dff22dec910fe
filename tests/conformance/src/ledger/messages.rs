//! Fan-out and delivery: order within threads, circuits, leases, dead letters, replay.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{
    AttemptOutcome, AttemptResult, ClaimedMessage, FanOut, FanOutReport, FinishAttempt, HandlerRef, KvScope,
    KvWrite, MessageFilter, MessageState, NewMatch, NewMessage, Page,
};
use ironcore_ledger::{KV_QUOTA_BYTES, LedgerError};
use ironcore_types::event::Tip;
use ironcore_types::objects::Handler;
use ironcore_types::{ErrorCode, EventType, MessageId, SessionId, Timestamp};
use serde_json::json;

use super::{Place, World, demo, fenced};

pub(super) fn hook() -> Result<HandlerRef> {
    Ok(HandlerRef {
        project: Some(demo()?),
        group: "ops".parse()?,
        handler: "hook".parse()?,
    })
}

fn handler() -> Result<Handler> {
    Ok(serde_json::from_value(
        json!({ "name": "hook", "plugin": "webhook", "config": { "url": "https://old" } }),
    )?)
}

pub(super) fn notice(world: &World, thread: &str, window: &str) -> Result<NewMessage> {
    Ok(NewMessage {
        handler: hook()?,
        snapshot: handler()?,
        recipient: String::new(),
        thread: thread.to_owned(),
        kind: "notice".to_owned(),
        window: window.to_owned(),
        lane: "demo https://old".to_owned(),
        due: world.clock.time(),
        attrs: serde_json::Map::new(),
    })
}

fn tip(title: &str) -> Result<Tip> {
    Ok(Tip {
        title: title.to_owned(),
        why: "because".to_owned(),
        steps: vec!["do it".to_owned()],
        link: None,
        actions: Vec::new(),
        plugin: "remediation".parse()?,
    })
}

/// Tells an event and fans it out into these messages.
pub(super) async fn fan_out(world: &World, messages: Vec<NewMessage>) -> Result<FanOutReport> {
    world.enqueue().await?;
    let mut fanouts = Vec::new();
    for event in world.ledger.take_unmatched(100).await? {
        fanouts.push(FanOut {
            seq: event.seq,
            tips: Vec::new(),
            matches: Vec::new(),
            messages: Vec::new(),
        });
    }
    let last = fanouts.last_mut().context("an event")?;
    last.matches = vec![NewMatch { handler: hook()? }];
    last.tips = vec![tip("look")?];
    last.messages = messages;
    Ok(world.ledger.record_fanout(fanouts).await?)
}

async fn claim(world: &World, session: SessionId) -> Result<Vec<ClaimedMessage>> {
    Ok(world.ledger.claim_messages(session, 100, 100).await?)
}

fn report(world: &World, message: MessageId, session: SessionId, outcome: AttemptOutcome) -> FinishAttempt {
    FinishAttempt {
        message,
        session,
        started: world.clock.time(),
        ended: world.clock.time(),
        outcome,
        status: Some(200),
        detail: Some("answer".to_owned()),
        kv: Vec::new(),
        inbox: Vec::new(),
    }
}

pub(super) async fn deliver(world: &World, message: MessageId, session: SessionId) -> Result<AttemptResult> {
    let outcome = AttemptOutcome::Delivered {
        receipt: "200".to_owned(),
    };
    Ok(world
        .ledger
        .finish_attempt(report(world, message, session, outcome))
        .await?)
}

fn retry(at: Timestamp) -> AttemptOutcome {
    AttemptOutcome::Retry {
        at,
        reason: "503".to_owned(),
        code: ErrorCode::DeliveryUnreachable,
    }
}

fn threads(claimed: &[ClaimedMessage]) -> Vec<String> {
    claimed
        .iter()
        .map(|c| format!("{}{}", c.message.thread, c.message.window))
        .collect()
}

/// Every event is fanned out once, in order; a slower second is told no.
pub async fn fan_out_is_fenced(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    world.enqueue().await?;
    world.enqueue().await?;
    let events = world.ledger.take_unmatched(10).await?;
    ensure!(events.len() == 2);
    let out = |seq, window: &str| -> Result<FanOut> {
        Ok(FanOut {
            seq,
            tips: vec![tip("one")?, tip("two")?],
            matches: vec![NewMatch { handler: hook()? }],
            messages: vec![notice(&world, "t", window)?],
        })
    };
    ensure!(
        fenced(world.ledger.record_fanout(vec![out(events[1].seq, "b")?]).await),
        "not the next one"
    );
    let made = world.ledger.record_fanout(vec![out(events[0].seq, "a")?]).await?;
    ensure!(made.created.len() == 1);
    ensure!(
        fenced(world.ledger.record_fanout(vec![out(events[0].seq, "a")?]).await),
        "done already"
    );
    let half = vec![out(events[1].seq, "b")?, out(events[0].seq, "c")?];
    ensure!(fenced(world.ledger.record_fanout(half).await));
    ensure!(
        world.ledger.take_unmatched(10).await?.len() == 1,
        "a batch is one transaction"
    );
    let id = events[0].event.id;
    ensure!(world.ledger.tips_of(id).await? == [tip("one")?, tip("two")?]);
    let task = events[0].event.data.task.as_ref().context("task")?.upid.task;
    ensure!(world.ledger.tips_of_task(task).await?.len() == 2);
    ensure!(world.ledger.matches_of(id).await? == [hook()?]);
    let filter = MessageFilter {
        event: Some(id),
        ..MessageFilter::default()
    };
    let page = world.ledger.messages(&filter, &Page::default()).await?;
    ensure!(page.messages.len() == 1 && page.messages[0].id == made.created[0] && page.total.value == 1);
    Ok(())
}

/// A later message of a thread waits for the earlier one; other threads do not.
pub async fn order_holds_within_a_thread(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let made = fan_out(
        &world,
        vec![
            notice(&world, "x", "1")?,
            notice(&world, "x", "2")?,
            notice(&world, "y", "1")?,
        ],
    )
    .await?;
    let first = claim(&world, session).await?;
    ensure!(threads(&first) == ["x1", "y1"], "{:?}", threads(&first));
    ensure!(first[0].attempt == 1 && first[0].events.len() == 1 && first[0].tips == [tip("look")?]);
    ensure!(
        claim(&world, session).await?.is_empty(),
        "nobody gets a message twice"
    );
    let later = world.clock.time().after(std::time::Duration::from_secs(5));
    let held = world
        .ledger
        .finish_attempt(report(&world, first[0].message.id, session, retry(later)))
        .await?;
    ensure!(held.message.state == MessageState::Pending && held.message.attempts == 1);
    deliver(&world, first[1].message.id, session).await?;
    ensure!(
        claim(&world, session).await?.is_empty(),
        "a retry holds back its thread"
    );
    ensure!(world.ledger.next_message_due().await? == Some(later));
    world.clock.advance(5);
    let again = claim(&world, session).await?;
    ensure!(threads(&again) == ["x1"] && again[0].attempt == 2 && again[0].message.id == made.created[0]);
    let done = deliver(&world, again[0].message.id, session).await?;
    ensure!(done.message.state == MessageState::Delivered && done.message.error.is_none());
    ensure!(threads(&claim(&world, session).await?) == ["x2"]);
    let attempts = world.ledger.attempts(made.created[0]).await?;
    ensure!(attempts.len() == 2 && attempts[0].outcome == retry(later) && attempts[1].status == Some(200));
    ensure!(world.ledger.next_message_due().await?.is_none());
    Ok(())
}

/// Giving up is told, frees the thread, and can be undone by replay.
pub async fn dead_letters_can_be_replayed(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let outcomes = [
        AttemptOutcome::Exhausted {
            reason: "connection refused".to_owned(),
            code: ErrorCode::DeliveryUnreachable,
        },
        AttemptOutcome::Rejected {
            reason: "404 not found".to_owned(),
            code: ErrorCode::DeliveryRejected,
        },
    ];
    for (at, outcome) in outcomes.into_iter().enumerate() {
        let made = fan_out(
            &world,
            vec![
                notice(&world, &format!("t{at}"), "1")?,
                notice(&world, &format!("t{at}"), "2")?,
            ],
        )
        .await?;
        let claimed = claim(&world, session).await?;
        ensure!(claimed.len() == 1);
        let done = world
            .ledger
            .finish_attempt(report(&world, made.created[0], session, outcome))
            .await?;
        ensure!(done.message.state == MessageState::Dead && done.message.ended.is_some());
        let event = world.last_event().await?.event;
        ensure!(event.event_type == EventType::DeliveryExhausted && event.data.project == Some(demo()?));
        let delivery = event.data.delivery.clone().context("delivery")?;
        ensure!(delivery.message == Some(made.created[0]) && delivery.attempts == 1);
        ensure!(delivery.handler == Some("hook".parse()?) && event.data.error.is_some());
        ensure!(
            event.data.title.contains("of handler ops/hook (webhook)"),
            "{}",
            event.data.title
        );
        let next = claim(&world, session).await?;
        ensure!(
            next.len() == 1 && next[0].message.id == made.created[1],
            "the thread goes on"
        );
        let sending = world
            .ledger
            .replay(made.created[1])
            .await
            .err()
            .context("still being tried")?;
        ensure!(sending.code() == ErrorCode::Conflict);
        deliver(&world, made.created[1], session).await?;
        let replayed = world.ledger.replay(made.created[0]).await?;
        ensure!(replayed.id != made.created[0] && replayed.replay == 1 && replayed.attempts == 0);
        let events = world.ledger.message_events(replayed.id).await?;
        ensure!(events == world.ledger.message_events(made.created[0]).await? && events.len() == 1);
        let claimed = claim(&world, session).await?;
        ensure!(claimed.len() == 1 && claimed[0].message.id == replayed.id);
        deliver(&world, replayed.id, session).await?;
        ensure!(world.ledger.replay(replayed.id).await?.replay == 2);
        let last = claim(&world, session).await?;
        deliver(&world, last[0].message.id, session).await?;
        let filter = MessageFilter {
            states: vec![MessageState::Dead],
            ..MessageFilter::default()
        };
        ensure!(
            world
                .ledger
                .messages(&filter, &Page::default())
                .await?
                .total
                .value
                == at as u64 + 1
        );
        // What the dead letter told is an event as any other: fan it out too, so that the next round starts clean.
    }
    Ok(())
}

/// A sender that vanishes gives its message back under the same id; when it comes back it is told no.
pub async fn lost_senders_are_fenced(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (first, second) = (world.worker().await?, world.worker().await?);
    let made = fan_out(&world, vec![notice(&world, "x", "1")?]).await?;
    ensure!(claim(&world, first).await?.len() == 1);
    world.clock.advance(20);
    world.ledger.renew(first, &[]).await?;
    world.ledger.renew(second, &[]).await?;
    world.clock.advance(20);
    world.ledger.renew(second, &[]).await?;
    world.ledger.reap().await?;
    ensure!(claim(&world, second).await?.is_empty(), "renewal covers messages");
    world.clock.advance(10);
    world.ledger.reap().await?;
    ensure!(fenced(world.ledger.claim_messages(first, 1, 1).await));
    let again = claim(&world, second).await?;
    ensure!(again.len() == 1 && again[0].message.id == made.created[0] && again[0].attempt == 2);
    let late = AttemptOutcome::Delivered {
        receipt: "200".to_owned(),
    };
    ensure!(fenced(
        world
            .ledger
            .finish_attempt(report(&world, made.created[0], first, late))
            .await
    ));
    deliver(&world, made.created[0], second).await?;
    let attempts = world.ledger.attempts(made.created[0]).await?;
    ensure!(attempts.len() == 2 && attempts[0].outcome == AttemptOutcome::Lost);
    let made_up = report(&world, made.created[0], second, AttemptOutcome::Lost);
    ensure!(world.ledger.finish_attempt(made_up).await.is_err());
    Ok(())
}

/// A lane whose destination fails rests, then tries one message before it takes up speed.
pub async fn circuits_hold_a_lane(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let lane = "demo https://old";
    let elsewhere = NewMessage {
        lane: "demo https://fine".to_owned(),
        ..notice(&world, "z", "1")?
    };
    fan_out(
        &world,
        vec![notice(&world, "x", "1")?, notice(&world, "y", "1")?, elsewhere],
    )
    .await?;
    let until = world.clock.time().after(std::time::Duration::from_secs(15));
    ensure!(world.ledger.open_circuit(lane, until, "503").await?.failures == 1);
    ensure!(
        world.ledger.next_message_due().await? <= Some(world.clock.time()),
        "the other lane"
    );
    let fine = claim(&world, session).await?;
    ensure!(threads(&fine) == ["z1"]);
    deliver(&world, fine[0].message.id, session).await?;
    ensure!(
        world.ledger.next_message_due().await? == Some(until),
        "no sooner than the circuit allows"
    );
    world.clock.advance(15);
    let probe = claim(&world, session).await?;
    ensure!(probe.len() == 1, "one message tries");
    ensure!(
        claim(&world, session).await?.is_empty(),
        "until its outcome is known"
    );
    ensure!(
        world.ledger.next_message_due().await?.is_none(),
        "nothing to wait for but that outcome"
    );
    let later = world.clock.time().after(std::time::Duration::from_secs(30));
    world
        .ledger
        .finish_attempt(report(&world, probe[0].message.id, session, retry(later)))
        .await?;
    ensure!(world.ledger.open_circuit(lane, later, "503").await?.failures == 2);
    ensure!(world.ledger.circuits().await?.len() == 1);
    world.clock.advance(15);
    ensure!(claim(&world, session).await?.is_empty());
    world.ledger.renew(session, &[]).await?;
    ensure!(world.ledger.close_circuit(lane).await? && !world.ledger.close_circuit(lane).await?);
    world.clock.advance(15);
    ensure!(claim(&world, session).await?.len() == 2, "full speed");
    Ok(())
}

/// Events join a message that waits; one that was tried already stays as it was.
pub async fn digests_gather_events(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let digest = || -> Result<NewMessage> {
        Ok(NewMessage {
            kind: "digest".to_owned(),
            due: world.clock.time().after(std::time::Duration::from_secs(20)),
            ..notice(&world, "d", "2026-05-21T12")?
        })
    };
    let made = fan_out(&world, vec![digest()?]).await?;
    let joined = fan_out(&world, vec![digest()?]).await?;
    ensure!(joined.created.is_empty() && joined.joined == made.created);
    ensure!(claim(&world, session).await?.is_empty(), "not due");
    world.clock.advance(20);
    let claimed = claim(&world, session).await?;
    ensure!(
        claimed.len() == 1
            && claimed[0].events.len() == 2
            && claimed[0].events[0].seq < claimed[0].events[1].seq
    );
    ensure!(claimed[0].tips.len() == 2);
    let closed = fan_out(&world, vec![digest()?]).await?;
    ensure!(
        closed.created.is_empty() && closed.closed == made.created,
        "it is on its way"
    );
    Ok(())
}

/// What a plugin writes is committed with the outcome, within its quota, for its handler alone.
pub async fn kv_is_committed_with_the_attempt(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let scope = KvScope {
        plugin: "webhook".parse()?,
        handler: hook()?,
    };
    let windows = ["1", "2", "3", "4"];
    let messages = windows
        .iter()
        .map(|w| notice(&world, "x", w))
        .collect::<Result<_>>()?;
    let made = fan_out(&world, messages).await?.created;
    let put = |key: &str, value: Option<&[u8]>| KvWrite {
        key: key.to_owned(),
        value: value.map(<[u8]>::to_vec),
    };
    let delivered = || AttemptOutcome::Delivered {
        receipt: String::new(),
    };
    let with = |message, outcome, kv| FinishAttempt {
        kv,
        ..report(&world, message, session, outcome)
    };
    claim(&world, session).await?;
    let not_mine = with(made[1], delivered(), vec![put("a", Some(b"stolen"))]);
    ensure!(fenced(world.ledger.finish_attempt(not_mine).await), "not claimed");
    ensure!(
        world.ledger.kv_get(&scope, "a").await?.is_none(),
        "a fenced attempt writes nothing"
    );
    let at = world.clock.time();
    world
        .ledger
        .finish_attempt(with(
            made[0],
            retry(at),
            vec![put("a", Some(b"1")), put("b", Some(b"2"))],
        ))
        .await?;
    ensure!(world.ledger.kv_get(&scope, "a").await?.as_deref() == Some(b"1".as_slice()));
    claim(&world, session).await?;
    world
        .ledger
        .finish_attempt(with(
            made[0],
            delivered(),
            vec![put("a", Some(b"3")), put("b", None)],
        ))
        .await?;
    ensure!(world.ledger.kv_get(&scope, "a").await?.as_deref() == Some(b"3".as_slice()));
    ensure!(world.ledger.kv_get(&scope, "b").await?.is_none());
    let other = KvScope {
        handler: HandlerRef {
            handler: "other".parse()?,
            ..hook()?
        },
        ..scope.clone()
    };
    ensure!(
        world.ledger.kv_get(&other, "a").await?.is_none(),
        "scopes are apart"
    );
    let big = vec![0_u8; usize::try_from(KV_QUOTA_BYTES)?];
    let long = "k".repeat(300);
    let over = [
        vec![put("a", None), put("big", Some(&big))],
        vec![put(&long, Some(b"1"))],
    ];
    for (message, kv) in made[1..].iter().zip(over) {
        claim(&world, session).await?;
        let done = world
            .ledger
            .finish_attempt(with(*message, delivered(), kv))
            .await?;
        ensure!(
            done.kv_refused && done.message.state == MessageState::Delivered,
            "the outcome stands"
        );
        ensure!(
            world.ledger.kv_get(&scope, "a").await?.is_some(),
            "all or nothing"
        );
    }
    Ok(())
}

/// A message goes to its handler as declared now; when that is gone, as it was.
pub async fn handlers_are_looked_up_when_sending(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let declare = async |url: &str, enabled: bool| {
        let handler =
            json!({ "name": "hook", "plugin": "webhook", "config": { "url": url }, "enabled": enabled });
        world
            .apply(json!({ "group": [{ "project": "demo", "name": "ops", "handler": [handler] }] }))
            .await
    };
    let send = async |window: &str| -> Result<(String, bool)> {
        let claimed = claim(&world, session).await?.pop().context("a message")?;
        ensure!(claimed.message.window == window);
        deliver(&world, claimed.message.id, session).await?;
        let url = claimed
            .handler
            .config
            .get("url")
            .and_then(|url| url.as_str())
            .unwrap_or_default();
        Ok((url.to_owned(), claimed.handler_active))
    };
    fan_out(&world, vec![notice(&world, "built-in", "0")?]).await?;
    ensure!(
        send("0").await? == ("https://old".to_owned(), true),
        "built-in handlers are always active"
    );
    declare("https://old", true).await?;
    fan_out(
        &world,
        vec![
            notice(&world, "a", "1")?,
            notice(&world, "a", "2")?,
            notice(&world, "a", "3")?,
        ],
    )
    .await?;
    declare("https://new", true).await?;
    ensure!(send("1").await? == ("https://new".to_owned(), true));
    declare("https://new", false).await?;
    ensure!(send("2").await? == ("https://new".to_owned(), false));
    world.ledger.delete_group(&demo()?, &"ops".parse()?).await?;
    ensure!(send("3").await? == ("https://old".to_owned(), false));
    ensure!(matches!(
        world.ledger.replay(MessageId(world.seams.uuid())).await,
        Err(LedgerError::NotFound(_))
    ));
    Ok(())
}
