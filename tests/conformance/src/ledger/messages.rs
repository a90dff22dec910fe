//! Fan-out: how events become messages, once each. Sending them is left to `delivery` and `handlers`, which share
//! what is made here.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{
    AttemptOutcome, AttemptResult, ClaimedMessage, FanOut, FanOutReport, FinishAttempt, Gathering,
    HandlerRef, LastOutcome, MessageFilter, NewMatch, NewMessage, OutcomeStep, Page, Rate,
};
use ironcore_types::event::Tip;
use ironcore_types::objects::Handler;
use ironcore_types::{ErrorCode, MessageId, SessionId, TaskState, Timestamp};
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

/// A message of thread `thread`, unique by its window, that may go at once.
pub fn notice(world: &World, thread: &str, window: &str) -> Result<NewMessage> {
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

pub(super) fn tip(title: &str) -> Result<Tip> {
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
pub async fn fan_out(world: &World, messages: Vec<NewMessage>) -> Result<FanOutReport> {
    world.enqueue().await?;
    let mut fanouts = Vec::new();
    for event in world.ledger.take_unmatched(100).await? {
        fanouts.push(FanOut {
            rates: Vec::new(),
            silenced: Vec::new(),
            incident: None,
            outcome: None,
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

/// Claims every message that may go.
pub async fn claim(world: &World, session: SessionId) -> Result<Vec<ClaimedMessage>> {
    Ok(world.ledger.claim_messages(session, 100, 100).await?)
}

pub(super) fn report(
    world: &World,
    message: MessageId,
    session: SessionId,
    outcome: AttemptOutcome,
) -> FinishAttempt {
    FinishAttempt {
        message,
        session,
        started: world.clock.time(),
        ended: world.clock.time(),
        outcome,
        status: Some(200),
        exchanges: Vec::new(),
        detail: Some("answer".to_owned()),
        kv: Vec::new(),
        inbox: Vec::new(),
        attrs: None,
        refused: None,
        taken: false,
        tried: true,
    }
}

/// Says that the destination took it.
pub async fn deliver(world: &World, message: MessageId, session: SessionId) -> Result<AttemptResult> {
    let outcome = AttemptOutcome::Delivered {
        receipt: "200".to_owned(),
    };
    Ok(world
        .ledger
        .finish_attempt(report(world, message, session, outcome))
        .await?)
}

pub(super) fn retry(at: Timestamp) -> AttemptOutcome {
    AttemptOutcome::Retry {
        at,
        reason: "503".to_owned(),
        code: ErrorCode::DeliveryUnreachable,
        asked: false,
    }
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
            rates: Vec::new(),
            silenced: Vec::new(),
            incident: None,
            outcome: None,
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
    ensure!(page.messages.len() == 1 && page.total.value == 1);
    ensure!(page.messages[0].message.id == made.created[0] && page.messages[0].events == 1);
    Ok(())
}

/// How runs ended is kept with the events that tell of it, each behind the one before.
pub async fn outcomes_follow_each_other(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    for _ in 0..3 {
        world.enqueue().await?;
    }
    let key = "demo/nightly".to_owned();
    let outcome = |state, failures, since| LastOutcome {
        state,
        failures,
        since,
    };
    let events = world.ledger.take_unmatched(10).await?;
    let step = |at: usize, before: Option<LastOutcome>, now: LastOutcome| FanOut {
        rates: Vec::new(),
        silenced: Vec::new(),
        incident: None,
        outcome: Some(OutcomeStep {
            key: key.clone(),
            before,
            now,
        }),
        seq: events[at].seq,
        tips: Vec::new(),
        matches: Vec::new(),
        messages: Vec::new(),
    };
    let first = outcome(TaskState::Failed, 1, events[0].seq);
    let second = outcome(TaskState::Failed, 2, events[0].seq);
    let third = outcome(TaskState::Ok, 0, events[2].seq);
    ensure!(world.ledger.last_outcomes(vec![key.clone()]).await?.is_empty());
    // Two of one job in a batch: the later one counts.
    let batch = vec![step(0, None, first.clone()), step(1, Some(first), second.clone())];
    world.ledger.record_fanout(batch).await?;
    ensure!(
        world
            .ledger
            .last_outcomes(vec![key.clone(), "demo/x".to_owned()])
            .await?
            .get(&key)
            == Some(&second)
    );
    world
        .ledger
        .record_fanout(vec![step(2, Some(second), third.clone())])
        .await?;
    ensure!(world.ledger.last_outcomes(vec![key.clone()]).await?.get(&key) == Some(&third));
    let before = |at: usize| world.ledger.outcome_before(events[at].event.id);
    ensure!(before(0).await?.is_none());
    ensure!(
        before(1)
            .await?
            .is_some_and(|it| it.state == TaskState::Failed && it.failures == 1)
    );
    ensure!(
        before(2)
            .await?
            .is_some_and(|it| it.state == TaskState::Failed && it.failures == 2)
    );
    Ok(())
}

/// How far a destination is within its limit is kept with what came of the events; of a batch the last word counts.
pub async fn limits_are_kept(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    world.enqueue().await?;
    world.enqueue().await?;
    let rate = |lane: &str, sent: &[i64], gathering: Option<i64>| Rate {
        lane: lane.to_owned(),
        sent: sent.iter().copied().map(Timestamp::from_seconds).collect(),
        most: 3,
        gathering: gathering
            .map(|due| {
                let due = Timestamp::from_seconds(due);
                ("demo/ops/hook".to_owned(), Gathering { due, events: 7 })
            })
            .into_iter()
            .collect(),
        version: 0,
    };
    let events = world.ledger.take_unmatched(10).await?;
    let out = |at: usize, rates: Vec<Rate>| FanOut {
        rates,
        silenced: Vec::new(),
        incident: None,
        outcome: None,
        seq: events[at].seq,
        tips: Vec::new(),
        matches: Vec::new(),
        messages: Vec::new(),
    };
    let first = vec![rate("a", &[1], None), rate("b", &[7], None)];
    let batch = vec![out(0, first), out(1, vec![rate("a", &[1, 2], Some(9))])];
    world.ledger.record_fanout(batch).await?;
    let asked = ["a", "b", "c"].map(str::to_owned).to_vec();
    let mut kept = world.ledger.rates(asked).await?;
    kept.sort_by(|one, other| one.lane.cmp(&other.lane));
    let once = |rate: Rate| Rate { version: 1, ..rate };
    ensure!(
        kept == [once(rate("a", &[1, 2], Some(9))), once(rate("b", &[7], None))],
        "{kept:?}"
    );
    // What was decided by a rate that is another meanwhile is refused, whole.
    world.enqueue().await?;
    let event = world.ledger.take_unmatched(10).await?.pop().context("an event")?;
    let late = FanOut {
        seq: event.seq,
        ..out(0, vec![rate("a", &[5], None)])
    };
    ensure!(fenced(world.ledger.record_fanout(vec![late]).await));
    ensure!(world.ledger.take_unmatched(10).await?.len() == 1);
    Ok(())
}

/// How the handler was when the message was made is known whatever became of the handler.
pub async fn a_message_keeps_its_handler(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let made = fan_out(&world, vec![notice(&world, "t", "w")?]).await?;
    let id = *made.created.first().context("a message")?;
    ensure!(world.ledger.message_snapshot(id).await? == Some(handler()?));
    let other = MessageId(world.seams.uuid());
    ensure!(world.ledger.message_snapshot(other).await?.is_none());
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
    let page = world
        .ledger
        .messages(&MessageFilter::default(), &Page::default())
        .await?;
    ensure!(page.messages.len() == 1 && page.messages[0].events == 2);
    ensure!(claim(&world, session).await?.is_empty(), "not due");
    world.clock.advance(20);
    let claimed = claim(&world, session).await?;
    ensure!(
        claimed.len() == 1
            && claimed[0].events.len() == 2
            && claimed[0].events[0].seq < claimed[0].events[1].seq
    );
    ensure!(claimed[0].tips.len() == 2);
    // It is on its way: what comes now is told by another.
    let late = fan_out(&world, vec![digest()?]).await?;
    ensure!(late.created.len() == 1 && late.created != made.created && late.closed.is_empty());
    let page = world
        .ledger
        .messages(&MessageFilter::default(), &Page::default())
        .await?;
    let told: Vec<u64> = page.messages.iter().map(|listed| listed.events).collect();
    ensure!(told == [1, 2], "{told:?}");
    world.clock.advance(20);
    let claimed = claim(&world, session).await?;
    ensure!(claimed.len() == 1 && claimed[0].message.id == late.created[0]);
    Ok(())
}

/// A digest that has gathered much makes room for another, and that one gathers on.
pub async fn digests_are_bounded(place: &dyn Place) -> Result<()> {
    const MOST: usize = 500;
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let due = world.clock.time().after(std::time::Duration::from_secs(20));
    let mut made = Vec::new();
    for _ in 0..MOST + 2 {
        let digest = NewMessage {
            kind: "digest".to_owned(),
            due,
            ..notice(&world, "2026-05-21T12", "2026-05-21T12")?
        };
        made.extend(fan_out(&world, vec![digest]).await?.created);
    }
    ensure!(made.len() == 2, "{made:?}");
    world.clock.advance(20);
    let claimed = claim(&world, session).await?;
    let told: Vec<usize> = claimed.iter().map(|message| message.events.len()).collect();
    ensure!(told == [MOST, 2], "{told:?}");
    Ok(())
}
