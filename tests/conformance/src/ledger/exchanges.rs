//! What destinations answered: kept with the attempt, and forgotten after a time. How attempts end is left to `delivery`.

use std::time::Duration;

use anyhow::{Result, ensure};
use ironcore_ledger::model::{AttemptOutcome, Exchange, FinishAttempt, Sent};

use super::messages::{claim, fan_out, notice, report, retry};
use super::{Place, World};

fn exchange(status: Option<u16>) -> Exchange {
    Exchange {
        request: "POST https://chat.example/hook".to_owned(),
        sent: status.map(|_| Sent {
            headers: vec![("x-key".to_owned(), "{secret key}".to_owned())],
            body: "{ \"was\": \"\u{0} \u{1F4BE}\" }\n".to_owned(),
            truncated: true,
        }),
        status,
        latency_us: 12_345,
        headers: vec![("retry-after".to_owned(), "7".to_owned())],
        body: "nicht jetzt: \u{0} \u{1F512} \"\n".to_owned(),
        truncated: status.is_some(),
        error: status.is_none().then(|| "nobody there".to_owned()),
    }
}

/// Answers are kept as they were told, and go when they are old; that there was an attempt stays.
pub async fn answers_are_kept_for_a_time(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let message = fan_out(&world, vec![notice(&world, "x", "1")?]).await?.created[0];
    claim(&world, session).await?;
    let first = FinishAttempt {
        exchanges: vec![exchange(Some(503)), exchange(None)],
        ..report(&world, message, session, retry(world.clock.time()))
    };
    world.ledger.finish_attempt(first.clone()).await?;
    world.clock.advance(3600);
    let between = world.clock.time();
    world.clock.advance(3600);
    let session = world.worker().await?;
    claim(&world, session).await?;
    let delivered = AttemptOutcome::Delivered {
        receipt: String::new(),
    };
    let second = FinishAttempt {
        detail: None,
        ..report(&world, message, session, delivered)
    };
    world.ledger.finish_attempt(second).await?;

    let attempts = world.ledger.attempts(message).await?;
    ensure!(attempts[0].exchanges == first.exchanges, "{attempts:?}");
    ensure!(attempts[0].detail == first.detail && attempts[1].exchanges.is_empty());
    let early = world
        .ledger
        .forget_exchanges(between.before(Duration::from_secs(7200)))
        .await?;
    ensure!(early == 0, "{early} were forgotten too early");
    ensure!(world.ledger.forget_exchanges(between).await? == 1);
    ensure!(world.ledger.forget_exchanges(between).await? == 0, "once");
    let after = world.ledger.attempts(message).await?;
    ensure!(after[0].exchanges.is_empty() && after[0].detail.is_none());
    let ends = |all: &[ironcore_ledger::model::Attempt]| -> Vec<_> {
        all.iter()
            .map(|one| (one.number, one.outcome.clone(), one.status, one.ended))
            .collect()
    };
    ensure!(ends(&after) == ends(&attempts), "{after:?}");
    Ok(())
}
