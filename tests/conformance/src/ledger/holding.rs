//! What becomes of messages that nobody sends: their sender never heard of them, or their handler is gone.

use anyhow::{Result, ensure};
use ironcore_ledger::model::{AttemptOutcome, FinishAttempt, MessageState};
use ironcore_types::{ErrorCode, EventType, SessionId, Severity};

use super::messages::{claim, deliver, fan_out, notice, report};
use super::{Place, World};

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
