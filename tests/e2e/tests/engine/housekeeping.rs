//! What is kept for a time only goes when that is over.

use anyhow::{Result, ensure};
use ironcore_e2e::night::Night;
use ironcore_engine::{Housekeeping, HousekeepingOptions};
use ironcore_ledger::IDEMPOTENCY;
use ironcore_ledger::model::{Enqueued, KeyedRequest, NewTask};

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
