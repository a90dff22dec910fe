//! What becomes of messages that nobody sends: their sender never heard of them, or their handler is gone.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{
    AttemptOutcome, FinishAttempt, Message, MessageFilter, MessageState, NewMessage, Page,
};
use ironcore_types::{ErrorCode, Event, EventType, MessageId, SessionId, Severity};
use serde_json::json;

use super::messages::{claim, deliver, fan_out, hook, notice, report, retry};
use super::{Place, World};

/// Declares the group with these handlers.
async fn declare(world: &World, handlers: serde_json::Value) -> Result<()> {
    let group = json!({ "project": "demo", "name": "ops", "handler": handlers });
    world.apply(json!({ "group": [group] })).await?;
    Ok(())
}

fn on(enabled: bool) -> serde_json::Value {
    let config = json!({ "url": "https://old" });
    json!([{ "name": "hook", "plugin": "webhook", "config": config, "enabled": enabled }])
}

fn rejected(gone: bool) -> AttemptOutcome {
    AttemptOutcome::Rejected {
        reason: "refused".to_owned(),
        code: ErrorCode::DeliveryRejected,
        gone,
    }
}

/// What is told of messages that are lost, oldest first.
async fn losses(world: &World) -> Result<Vec<Event>> {
    let all = world.events().await?.into_iter().map(|event| event.event);
    let about = [EventType::DeliveryExhausted, EventType::HandlerDisabled];
    Ok(all.filter(|event| about.contains(&event.event_type)).collect())
}

async fn message(world: &World, id: MessageId) -> Result<Message> {
    world.ledger.message(id).await?.context("the message")
}

async fn dead(world: &World) -> Result<u64> {
    let filter = MessageFilter {
        states: vec![MessageState::Dead],
        ..MessageFilter::default()
    };
    Ok(world
        .ledger
        .messages(&filter, &Page::default())
        .await?
        .total
        .value)
}

/// These messages of a thread each.
fn apart(world: &World, threads: &[&str]) -> Result<Vec<NewMessage>> {
    threads.iter().map(|thread| notice(world, thread, "1")).collect()
}

/// What waits for a handler that is disabled is given up with that, and one event tells how many; what was under way then,
/// and ends in another way than well, is in it.
pub async fn what_waits_for_a_handler_that_is_disabled_is_told_once(place: &dyn Place) -> Result<()> {
    waits_for_one_that_goes(place, false).await
}

/// The same of one that is removed.
pub async fn what_waits_for_a_handler_that_is_removed_is_told_once(place: &dyn Place) -> Result<()> {
    waits_for_one_that_goes(place, true).await
}

async fn waits_for_one_that_goes(place: &dyn Place, removed: bool) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    declare(&world, on(true)).await?;
    let first = fan_out(&world, apart(&world, &["a", "b", "c", "d"])?)
        .await?
        .created;
    ensure!(claim(&world, session).await?.len() == 4);
    fan_out(&world, vec![notice(&world, "a", "2")?, notice(&world, "e", "1")?]).await?;
    if removed {
        world.ledger.delete_group(&"demo/ops".parse()?).await?;
    } else {
        declare(&world, on(false)).await?;
    }
    ensure!(dead(&world).await? == 2, "at once");
    let told = losses(&world).await?;
    ensure!(told.len() == 1, "{told:#?}");
    let data = &told[0].data;
    ensure!(told[0].event_type == EventType::DeliveryExhausted && data.severity == Severity::Warning);
    let what = if removed { "was removed" } else { "was disabled" };
    ensure!(
        data.title
            == format!("Handler ops/hook (webhook) {what}: 2 messages given up, and up to 4 more under way"),
        "{}",
        data.title
    );
    ensure!(data.error.as_ref().map(|error| error.code) == Some(ErrorCode::DeliveryNotSent));
    let delivery = data.delivery.as_ref().context("a handler")?;
    ensure!(delivery.message.is_none() && delivery.handler == Some("hook".parse()?));

    let outcomes = [
        retry(world.clock.time().after(std::time::Duration::from_secs(300))),
        rejected(true),
        AttemptOutcome::Exhausted {
            reason: "503".to_owned(),
            code: ErrorCode::DeliveryUnreachable,
        },
    ];
    for (id, outcome) in first.iter().zip(outcomes) {
        world
            .ledger
            .finish_attempt(report(&world, *id, session, outcome))
            .await?;
        ensure!(
            message(&world, *id).await?.state == MessageState::Dead,
            "nobody would try it again"
        );
    }
    deliver(&world, first[3], session).await?;
    ensure!(dead(&world).await? == 5 && losses(&world).await?.len() == 1);
    ensure!(
        world.ledger.handler_health().await?.is_empty(),
        "nobody asks how it does"
    );
    ensure!(claim(&world, session).await?.is_empty());
    declare(&world, on(true)).await?;
    let again = world.ledger.replay_all(&MessageFilter::default()).await?;
    ensure!((again.replayed, again.left_out) == (5, 0), "{again:?}");
    Ok(())
}

/// A message that is made while its handler is being disabled is not sent, which is told once, with all of that kind.
pub async fn what_is_made_for_a_handler_that_goes_is_told_once(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    declare(&world, on(true)).await?;
    declare(&world, on(false)).await?;
    ensure!(losses(&world).await?.is_empty(), "nothing waited");
    let made = fan_out(&world, apart(&world, &["a", "b", "c"])?).await?.created;
    let claimed = world.ledger.claim_messages(session, 2, 100).await?;
    ensure!(claimed.len() == 2 && claimed.iter().all(|one| !one.handler_active));
    for id in &made[..2] {
        let report = FinishAttempt {
            tried: false,
            ..report(&world, *id, session, rejected(false))
        };
        world.ledger.finish_attempt(report).await?;
    }
    let told = losses(&world).await?;
    ensure!(told.len() == 1, "{told:#?}");
    ensure!(
        told[0].data.title
            == "Handler ops/hook (webhook) was disabled: 2 messages given up, and up to 1 more under way",
        "{}",
        told[0].data.title
    );
    ensure!(dead(&world).await? == 3, "what waited, too");
    // Removed afterwards, there is nothing left to tell.
    world.ledger.delete_group(&"demo/ops".parse()?).await?;
    ensure!(losses(&world).await?.len() == 1);
    Ok(())
}

/// Of messages that are under way when their handler is switched off tells the event of that, whenever they end.
pub async fn what_is_under_way_when_a_handler_is_switched_off_is_told_with_it(
    place: &dyn Place,
) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    declare(&world, on(true)).await?;
    let made = fan_out(&world, apart(&world, &["a", "b", "c", "d"])?)
        .await?
        .created;
    ensure!(claim(&world, session).await?.len() == 4);
    fan_out(&world, vec![notice(&world, "a", "2")?]).await?;
    let end = async |id: MessageId, outcome: AttemptOutcome| {
        let ended = world.ledger.finish_attempt(report(&world, id, session, outcome));
        ended.await
    };
    end(made[0], rejected(true)).await?;
    let told = losses(&world).await?;
    ensure!(told.len() == 1 && told[0].event_type == EventType::HandlerDisabled);
    ensure!(
        told[0].data.title
            == "Handler ops/hook (webhook) was switched off: its destination is gone; 2 messages given up, and up to \
                3 more under way",
        "{}",
        told[0].data.title
    );
    let later = world.clock.time().after(std::time::Duration::from_secs(300));
    end(made[1], rejected(true)).await?;
    end(made[2], retry(later)).await?;
    ensure!(dead(&world).await? == 4, "nobody would try it again");
    // Its sender is lost: handed out again, it is not sent.
    for _ in 0..4 {
        world.clock.advance(10);
        ensure!(world.ledger.renew_sender(session, &[]).await?);
        world.ledger.reap().await?;
    }
    let again = claim(&world, session).await?;
    ensure!(again.len() == 1 && again[0].message.id == made[3] && !again[0].handler_active);
    let report = FinishAttempt {
        tried: false,
        ..report(&world, made[3], session, rejected(false))
    };
    world.ledger.finish_attempt(report).await?;
    ensure!(dead(&world).await? == 5 && losses(&world).await?.len() == 1);
    ensure!(world.ledger.enable_handler(&hook()?).await?);
    ensure!(world.ledger.replay_all(&MessageFilter::default()).await?.replayed == 5);
    Ok(())
}

/// A message that some of its recipients have holds nothing back; it is tried again for the others by itself.
pub async fn what_some_have_holds_back_no_thread(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let ids = |claimed: Vec<ironcore_ledger::model::ClaimedMessage>| -> Vec<MessageId> {
        claimed.into_iter().map(|one| one.message.id).collect()
    };
    let some = |id: MessageId, outcome: AttemptOutcome| FinishAttempt {
        taken: true,
        ..report(&world, id, session, outcome)
    };
    let windows = ["1", "2", "3"].iter().map(|window| notice(&world, "t", window));
    let made = fan_out(&world, windows.collect::<Result<_>>()?).await?.created;
    ensure!(ids(claim(&world, session).await?) == made[..1]);
    let later = world.clock.time().after(std::time::Duration::from_secs(300));
    world.ledger.finish_attempt(some(made[0], retry(later))).await?;
    let failing = world.ledger.handler_health().await?;
    ensure!(failing.is_empty(), "some have it: {failing:?}");
    ensure!(
        ids(claim(&world, session).await?) == made[1..2],
        "the next may go, and no other"
    );
    // Nobody has this one: it holds back the rest, and what is made now.
    world
        .ledger
        .finish_attempt(report(&world, made[1], session, retry(later)))
        .await?;
    let more = fan_out(&world, vec![notice(&world, "t", "4")?]).await?.created;
    ensure!(claim(&world, session).await?.is_empty());
    world.clock.advance(300);
    let session = world.worker().await?;
    let some = |id: MessageId, outcome: AttemptOutcome| FinishAttempt {
        session,
        ..some(id, outcome)
    };
    let both = ids(claim(&world, session).await?);
    ensure!(
        both.len() == 2 && both.contains(&made[0]) && both.contains(&made[1]),
        "each for itself"
    );
    deliver(&world, made[1], session).await?;
    ensure!(ids(claim(&world, session).await?) == made[2..]);
    deliver(&world, made[2], session).await?;
    ensure!(ids(claim(&world, session).await?) == more);
    deliver(&world, more[0], session).await?;

    // When its sender is lost, it is still so.
    for _ in 0..4 {
        world.clock.advance(10);
        ensure!(world.ledger.renew_sender(session, &[]).await?);
        world.ledger.reap().await?;
    }
    let more = fan_out(&world, vec![notice(&world, "t", "5")?, notice(&world, "t", "6")?])
        .await?
        .created;
    let both = ids(claim(&world, session).await?);
    ensure!(both.len() == 2 && both.contains(&made[0]) && both.contains(&more[0]));
    let exhausted = AttemptOutcome::Exhausted {
        reason: "450".to_owned(),
        code: ErrorCode::DeliveryRejected,
    };
    world.ledger.finish_attempt(some(made[0], exhausted)).await?;
    ensure!(
        claim(&world, session).await?.is_empty(),
        "its end lets nothing past another that is under way"
    );
    deliver(&world, more[0], session).await?;
    ensure!(ids(claim(&world, session).await?) == more[1..]);
    // Sent again it is a message as any other, until it is known again that some have it.
    let replayed = world.ledger.replay(made[0]).await?.id;
    let last = fan_out(&world, vec![notice(&world, "t", "7")?]).await?.created;
    ensure!(claim(&world, session).await?.is_empty());
    deliver(&world, more[1], session).await?;
    ensure!(ids(claim(&world, session).await?) == [replayed]);
    let later = world.clock.time().after(std::time::Duration::from_secs(300));
    world.ledger.finish_attempt(some(replayed, retry(later))).await?;
    ensure!(ids(claim(&world, session).await?) == last);
    Ok(())
}

/// A message whose handler was removed meanwhile is a dead letter, which says nothing of how the handler does.
pub async fn what_is_not_sent_says_nothing_of_its_handler(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let made = fan_out(&world, vec![notice(&world, "x", "1")?]).await?;
    ensure!(claim(&world, session).await?.len() == 1);
    let gone = AttemptOutcome::Rejected {
        reason: "the handler was removed".to_owned(),
        code: ErrorCode::NotFound,
        gone: false,
    };
    let report = FinishAttempt {
        tried: false,
        ..report(&world, made.created[0], session, gone)
    };
    let done = world.ledger.finish_attempt(report).await?;
    ensure!(done.message.state == MessageState::Dead);
    ensure!(world.ledger.handler_health().await?.is_empty(), "it did not fail");
    let told = world.last_event().await?.event;
    ensure!(told.event_type == EventType::DeliveryExhausted && told.data.severity == Severity::Warning);
    ensure!(
        told.data.title.contains("is not sent: the handler"),
        "{}",
        told.data.title
    );
    Ok(())
}

/// A message that its sender does not know of, though it was handed out to it, goes again: the answer to the claim may have
/// got lost. One that it holds stays.
pub async fn what_no_sender_holds_goes_again(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let made = fan_out(&world, vec![notice(&world, "x", "1")?, notice(&world, "y", "1")?]).await?;
    ensure!(claim(&world, session).await?.len() == 2);
    let (held, unknown) = (made.created[0], made.created[1]);
    for _ in 0..4 {
        world.clock.advance(10);
        ensure!(world.ledger.renew_sender(session, &[held]).await?);
        world.ledger.reap().await?;
    }
    let again = claim(&world, session).await?;
    ensure!(again.len() == 1 && again[0].message.id == unknown && again[0].attempt == 2);
    ensure!(again[0].message.failures == 0, "nobody has failed");
    deliver(&world, unknown, session).await?;
    deliver(&world, held, session).await?;
    ensure!(
        !world
            .ledger
            .renew_sender(SessionId(world.seams.uuid()), &[held])
            .await?
    );
    Ok(())
}
