//! Delivery: order within threads, circuits, leases, dead letters, replay. What the handler of a message gets and
//! keeps is left to `handlers`.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{
    AttemptOutcome, ClaimedMessage, FinishAttempt, MessageFilter, MessageState, NewMessage, Page,
};
use ironcore_types::{ErrorCode, EventType, MessageId};
use serde_json::json;

use super::messages::{claim, deliver, fan_out, notice, report, retry, tip};
use super::{Place, World, demo, fenced};

fn threads(claimed: &[ClaimedMessage]) -> Vec<String> {
    claimed
        .iter()
        .map(|c| format!("{}{}", c.message.thread, c.message.window))
        .collect()
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
            gone: false,
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
        let known = json!({ "known": at }).as_object().cloned();
        let ended = FinishAttempt {
            attrs: known.clone(),
            ..report(&world, made.created[0], session, outcome)
        };
        let done = world.ledger.finish_attempt(ended).await?;
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
        // What is known of it goes on in the replay.
        ensure!(
            Some(&claimed[0].message.attrs) == known.as_ref(),
            "{:?}",
            claimed[0].message.attrs
        );
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
    ensure!(world.ledger.renew_sender(first, &made.created).await?);
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
    let before = later.before(std::time::Duration::from_secs(1));
    ensure!(
        !world.ledger.close_circuit(lane, before).await?,
        "it was prolonged since"
    );
    ensure!(
        world.ledger.close_circuit(lane, later).await? && !world.ledger.close_circuit(lane, later).await?
    );
    world.clock.advance(15);
    ensure!(claim(&world, session).await?.len() == 2, "full speed");
    Ok(())
}

/// A handler that does nothing but fail for five days is switched off: what waits for it is given up, which is told once.
/// A single success begins the count anew, and so does a failure long after the one before.
pub async fn a_handler_that_fails_for_days_is_switched_off(place: &dyn Place) -> Result<()> {
    const DAY: u64 = 86_400;
    let world = World::new(place).await?;
    let handler = json!({ "name": "hook", "plugin": "webhook", "config": { "url": "https://old" } });
    world
        .apply(json!({ "group": [{ "project": "demo", "name": "ops", "handler": [handler] }] }))
        .await?;
    // Sends what is due first, and lets it fail or not.
    let send = async |works: bool| -> Result<()> {
        let session = world.worker().await?;
        let claimed = world.ledger.claim_messages(session, 1, 100).await?;
        let message = claimed.first().context("a message")?.message.id;
        if works {
            deliver(&world, message, session).await?;
        } else {
            let at = world.clock.time().after(std::time::Duration::from_secs(60));
            world
                .ledger
                .finish_attempt(report(&world, message, session, retry(at)))
                .await?;
        }
        Ok(())
    };
    fan_out(&world, vec![notice(&world, "a", "1")?]).await?;
    send(false).await?;
    world.clock.advance(6 * DAY);
    ensure!(world.ledger.handler_health().await?.len() == 1);
    // A hiccup, and another one almost a week later: nobody knows what was between them.
    send(false).await?;
    let hiccup = world.ledger.handler_health().await?;
    ensure!(
        hiccup[0].disabled.is_none() && hiccup[0].failing_since == Some(world.clock.time()),
        "{hiccup:?}"
    );
    world.clock.advance(DAY);
    send(true).await?;
    ensure!(world.ledger.handler_health().await?.is_empty(), "it works again");

    fan_out(&world, vec![notice(&world, "b", "1")?]).await?;
    send(false).await?;
    for _ in 0..2 {
        world.clock.advance(2 * DAY);
        send(false).await?;
    }
    let failing = world.ledger.handler_health().await?;
    ensure!(failing.len() == 1 && failing[0].failing_since.is_some() && failing[0].disabled.is_none());
    fan_out(&world, vec![notice(&world, "c", "1")?]).await?;
    world.clock.advance(DAY);
    send(false).await?;
    let health = world.ledger.handler_health().await?;
    ensure!(health.len() == 1 && health[0].disabled.is_some(), "{health:?}");
    let event = world.last_event().await?.event;
    ensure!(event.event_type == EventType::HandlerDisabled, "{event:#?}");
    let title = &event.data.title;
    ensure!(
        title.starts_with("Handler ops/hook (webhook) was switched off: every attempt since")
            && title.ends_with("; 2 messages given up"),
        "{title}"
    );
    let session = world.worker().await?;
    ensure!(claim(&world, session).await?.is_empty(), "nothing waits any more");
    fan_out(&world, vec![notice(&world, "d", "1")?]).await?;
    let late = claim(&world, session).await?;
    ensure!(
        late.len() == 1 && !late[0].handler_active,
        "what was made all the same is not to be sent"
    );
    deliver(&world, late[0].message.id, session).await?;

    ensure!(world.ledger.enable_handler(&health[0].handler).await?);
    ensure!(
        !world.ledger.enable_handler(&health[0].handler).await?,
        "it is on"
    );
    let all = MessageFilter::default();
    let replayed = world.ledger.replay_all(&all).await?;
    ensure!((replayed.replayed, replayed.left_out) == (2, 0), "{replayed:?}");
    let replayed = world.ledger.replay_all(&all).await?;
    ensure!(
        (replayed.replayed, replayed.left_out) == (0, 0),
        "each once: {replayed:?}"
    );
    let again = claim(&world, session).await?;
    ensure!(
        again.len() == 2
            && again
                .iter()
                .all(|one| one.handler_active && one.message.replay == 1)
    );
    Ok(())
}

/// A handler that is gone is switched off at its first answer; declared otherwise, or removed and declared again, it
/// begins anew, and declared as it was it does not.
pub async fn a_handler_that_is_declared_otherwise_begins_anew(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let declare = async |url: &str| {
        let handler = json!({ "name": "hook", "plugin": "webhook", "config": { "url": url } });
        let group = json!({ "project": "demo", "name": "ops", "handler": [handler] });
        world.apply(json!({ "group": [group] })).await
    };
    let session = world.worker().await?;
    let gone = async |thread: &str| -> Result<()> {
        fan_out(&world, vec![notice(&world, thread, "1")?]).await?;
        let claimed = claim(&world, session).await?;
        let outcome = AttemptOutcome::Rejected {
            reason: "410 gone".to_owned(),
            code: ErrorCode::DeliveryRejected,
            gone: true,
        };
        let message = claimed.first().context("a message")?.message.id;
        world
            .ledger
            .finish_attempt(report(&world, message, session, outcome))
            .await?;
        Ok(())
    };
    let off = async || -> Result<usize> {
        let health = world.ledger.handler_health().await?;
        Ok(health.iter().filter(|health| health.disabled.is_some()).count())
    };
    gone("built-in").await?;
    ensure!(off().await? == 0, "what nobody declared is not switched off");
    declare("https://old").await?;
    gone("a").await?;
    ensure!(off().await? == 1);
    declare("https://old").await?;
    ensure!(off().await? == 1, "as it was");
    declare("https://new").await?;
    ensure!(off().await? == 0);
    gone("b").await?;
    ensure!(off().await? == 1);
    world.ledger.delete_group(&"demo/ops".parse()?).await?;
    ensure!(
        world.ledger.handler_health().await?.is_empty(),
        "nothing is left of it"
    );
    Ok(())
}

/// Nobody would send a message of a handler that is switched off, disabled or removed: it is not replayed, and stays as
/// it is until it can be.
pub async fn only_what_would_be_sent_is_replayed(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let declare = async |name: &str, enabled: bool| {
        let handler = json!({ "name": name, "plugin": "webhook", "config": { "url": "https://old" }, "enabled": enabled });
        let group = json!({ "project": "demo", "name": "ops", "handler": [handler] });
        world.apply(json!({ "group": [group] })).await
    };
    let session = world.worker().await?;
    let dies = async |thread: &str, gone: bool| -> Result<MessageId> {
        fan_out(&world, vec![notice(&world, thread, "1")?]).await?;
        let outcome = AttemptOutcome::Rejected {
            reason: "no".to_owned(),
            code: ErrorCode::DeliveryRejected,
            gone,
        };
        let message = claim(&world, session)
            .await?
            .pop()
            .context("a message")?
            .message
            .id;
        let attempt = report(&world, message, session, outcome);
        world.ledger.finish_attempt(attempt).await?;
        Ok(message)
    };
    let all = MessageFilter::default();
    let replay_all = async || -> Result<(u64, u64)> {
        let report = world.ledger.replay_all(&all).await?;
        Ok((report.replayed, report.left_out))
    };
    let why = async |message| match world.ledger.replay(message).await {
        Err(LedgerError::Refused {
            code: ErrorCode::Conflict,
            message,
        }) => Ok(message),
        other => anyhow::bail!("{other:?}"),
    };
    dies("built-in", false).await?;
    declare("hook", true).await?;
    let first = dies("a", false).await?;
    let last = dies("b", true).await?;
    let off = "the handler ops/hook is switched off because it failed: switch it on with `group enable ops/hook` first";
    ensure!(why(first).await? == off && why(last).await? == off);
    ensure!(
        replay_all().await? == (1, 2),
        "what nobody declares is always sent"
    );
    ensure!(replay_all().await? == (0, 2), "they stay");
    declare("hook", false).await?;
    let disabled = why(first).await?;
    ensure!(disabled.contains("is not enabled"), "{disabled}");
    declare("other", true).await?;
    let removed = why(first).await?;
    ensure!(removed.contains("was removed"), "{removed}");
    ensure!(replay_all().await? == (0, 2));
    declare("hook", true).await?;
    ensure!(world.ledger.replay(first).await?.replay == 1);
    ensure!(replay_all().await? == (1, 0));
    Ok(())
}

/// A destination that says when to come again brings no message nearer to its end; nor its handler to being switched off,
/// unless it says that it does not work.
pub async fn what_a_destination_puts_off_is_no_failure(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    fan_out(&world, vec![notice(&world, "a", "1")?]).await?;
    let began = world.clock.time();
    for attempt in 1..=3 {
        let claimed = claim(&world, session).await?.pop().context("a message")?;
        ensure!(claimed.attempt == attempt && claimed.message.failures == 0);
        ensure!(
            claimed.first_tried == (attempt > 1).then_some(began),
            "{claimed:?}"
        );
        let later = AttemptOutcome::Retry {
            at: world.clock.time().after(std::time::Duration::from_secs(5)),
            reason: "429".to_owned(),
            code: ErrorCode::DeliveryUnreachable,
            asked: true,
        };
        let mut attempt = report(&world, claimed.message.id, session, later);
        attempt.status = Some(429);
        world.ledger.finish_attempt(attempt).await?;
        world.clock.advance(5);
    }
    ensure!(world.ledger.handler_health().await?.is_empty());
    let claimed = claim(&world, session).await?.pop().context("a message")?;
    let later = AttemptOutcome::Retry {
        at: world.clock.time().after(std::time::Duration::from_secs(5)),
        reason: "503".to_owned(),
        code: ErrorCode::DeliveryUnreachable,
        asked: true,
    };
    let mut attempt = report(&world, claimed.message.id, session, later);
    attempt.status = Some(503);
    world.ledger.finish_attempt(attempt).await?;
    let failing = world.ledger.handler_health().await?;
    ensure!(
        failing.len() == 1 && failing[0].failing_since.is_some(),
        "{failing:?}"
    );
    Ok(())
}

/// A lane whose destination asked for more time between messages goes on one at a time, until that is over or nothing
/// waits.
pub async fn a_lane_is_gone_gently_with(place: &dyn Place) -> Result<()> {
    use std::time::Duration;

    let world = World::new(place).await?;
    let session = world.worker().await?;
    let lane = "demo https://old";
    // Two threads, of which one has two messages.
    let messages = [("x", "1"), ("y", "1"), ("y", "2")];
    let messages = messages.map(|(thread, window)| notice(&world, thread, window));
    fan_out(&world, messages.into_iter().collect::<Result<_>>()?).await?;
    let second = Duration::from_secs(1);
    let until = world.clock.time().after(second);
    let ledger = &world.ledger;
    let circuit = ledger.slow_circuit(lane, until, second, "429").await?;
    ensure!(
        (circuit.failures, circuit.gap) == (1, Some(second)),
        "{circuit:?}"
    );
    // Those that were under way when it opened prolong it, and do not count.
    let circuit = ledger.slow_circuit(lane, until, second, "429").await?;
    ensure!(circuit.failures == 1, "{circuit:?}");
    ensure!(ledger.figures().await?.circuits == 1);
    for left in [2, 1, 0] {
        world.clock.advance(1);
        let claimed = claim(&world, session).await?;
        ensure!(claimed.len() == 1, "one at a time: {claimed:?}");
        let known = claimed[0].circuit.as_ref().context("a circuit")?.until;
        let before = known.before(second);
        let next = world.clock.time().after(second);
        let half = Duration::from_millis(500);
        ensure!(
            !ledger.ease_circuit(lane, before, next, half).await?,
            "it was prolonged since"
        );
        ensure!(
            ledger.ease_circuit(lane, known, next, half).await? == (left > 0),
            "{left}"
        );
        let circuits = ledger.circuits().await?;
        ensure!(
            circuits.len() == usize::from(left > 0),
            "nothing is left that would be too much"
        );
        for circuit in &circuits {
            ensure!(
                (circuit.failures, circuit.until, circuit.gap) == (0, next, Some(half)),
                "{circuit:?}"
            );
        }
        ensure!(ledger.figures().await?.circuits == 0, "it works");
        deliver(&world, claimed[0].message.id, session).await?;
        ensure!(claim(&world, session).await?.is_empty(), "not before its time");
    }
    Ok(())
}

/// Senders that are lost do not bring a message nearer to its end.
pub async fn a_lost_sender_is_no_failure(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    fan_out(&world, vec![notice(&world, "a", "1")?]).await?;
    for attempt in 1..=3 {
        let session = world.worker().await?;
        let claimed = claim(&world, session).await?;
        ensure!(claimed.len() == 1 && claimed[0].attempt == attempt && claimed[0].message.failures == 0);
        world.clock.advance(31);
        world.ledger.reap().await?;
    }
    let session = world.worker().await?;
    let message = claim(&world, session)
        .await?
        .pop()
        .context("a message")?
        .message
        .id;
    let at = world.clock.time();
    let failed = world
        .ledger
        .finish_attempt(report(&world, message, session, retry(at)))
        .await?;
    ensure!(failed.message.attempts == 4 && failed.message.failures == 1);
    Ok(())
}
