//! What is kept for a time only goes when that is over.

use std::time::Duration;

use anyhow::{Result, ensure};
use ironcore_e2e::night::Night;
use ironcore_engine::{Housekeeping, HousekeepingOptions};
use ironcore_ledger::IDEMPOTENCY;
use ironcore_ledger::model::{Enqueued, InboxFilter, KeyedRequest, NewTask, Page, Scope};

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_requests_are_kept_for_a_day() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "", "").await?;
    let (ledger, seams) = (night.ledger.clone(), night.clock.seams());
    let house = Housekeeping::new(ledger, seams, HousekeepingOptions::default());
    let keyed = KeyedRequest {
        user: "alice@local".parse()?,
        key: "k".to_owned(),
        sha256: [1; 32],
    };
    let spec = serde_json::from_value(serde_json::json!({ "type": "gc", "datastore": "ibs-primary" }))?;
    let new = NewTask::new(Some("office".parse()?), "alice@local".parse()?, spec);
    let enqueued = night.ledger.enqueue_once(new, keyed.clone()).await?;
    ensure!(matches!(enqueued, Enqueued::Now(_)), "{enqueued:?}");
    house.tidy(night.now()).await?;
    ensure!(night.ledger.key_use(&keyed).await?.is_some());
    night.clock.advance(IDEMPOTENCY);
    house.tidy(night.now()).await?;
    let left = night.ledger.forget_idempotency_keys().await?;
    ensure!(left == 0, "{left} were left behind");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_the_inbox_are_kept_for_ninety_days() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "", "").await?;
    let (ledger, seams) = (night.ledger.clone(), night.clock.seams());
    let house = |options| Housekeeping::new(ledger.clone(), seams.clone(), options);
    let alice = "alice@local".parse()?;
    let spec = serde_json::from_value(serde_json::json!({ "type": "gc", "datastore": "ibs-primary" }))?;
    let new = NewTask::new(Some("office".parse()?), "alice@local".parse()?, spec);
    night.ledger.enqueue(new.clone()).await?;
    let old = night.ledger.last_seq().await?;
    night.ledger.acknowledge(&Scope::All, &alice, old).await?;
    night.clock.advance(Duration::from_secs(90 * 86_400));
    night.ledger.enqueue(new).await?;
    let shown = || async {
        let page = Page::first(100);
        let page = night
            .ledger
            .inbox(&Scope::All, &alice, &InboxFilter::default(), &page)
            .await?;
        anyhow::Ok(page.items.len())
    };
    let before = shown().await?;
    house(HousekeepingOptions::default()).tidy(night.now()).await?;
    ensure!(shown().await? == before, "to the day");
    night.clock.advance(Duration::from_secs(1));
    let for_ever = HousekeepingOptions {
        inbox: None,
        ..HousekeepingOptions::default()
    };
    house(for_ever).tidy(night.now()).await?;
    ensure!(shown().await? == before, "unless they are kept for ever");
    house(HousekeepingOptions::default()).tidy(night.now()).await?;
    ensure!(shown().await? == 1, "the older went");
    ensure!(
        night
            .ledger
            .acknowledge(&Scope::All, &alice, old)
            .await?
            .is_none()
    );
    Ok(())
}
