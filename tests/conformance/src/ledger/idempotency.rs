//! A request that is sent twice under one key enqueues one task.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::IDEMPOTENCY;
use ironcore_ledger::model::{Enqueued, KeyUse, KeyedRequest, NewTask};
use ironcore_types::{ErrorCode, Upid};

use super::{Place, World, backup, demo, user};

/// Asks for a backup under a key; `what` stands for all that is asked.
pub fn request(by: &str, key: &str, what: u8) -> Result<KeyedRequest> {
    Ok(KeyedRequest {
        user: by.parse()?,
        key: key.to_owned(),
        sha256: [what; 32],
    })
}

async fn send(world: &World, keyed: &KeyedRequest) -> Result<Enqueued> {
    let new = NewTask::new(Some(demo()?), user()?, backup()?);
    Ok(world.ledger.enqueue_once(new, keyed.clone()).await?)
}

async fn fresh(world: &World, keyed: &KeyedRequest) -> Result<Upid> {
    match send(world, keyed).await? {
        Enqueued::Now(upid) => Ok(upid),
        Enqueued::Before(used) => anyhow::bail!("its key was used before: {used:?}"),
    }
}

/// Whoever sends the same again learns which task it was, also after a restart; another request is told apart.
pub async fn a_key_enqueues_one_task(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let one = request("alice@local", "k", 1)?;
    ensure!(world.ledger.key_use(&one).await?.is_none());
    // What is refused uses no key.
    let new = NewTask::new(Some("no-such".parse()?), user()?, backup()?);
    let refused = world.ledger.enqueue_once(new, one.clone()).await;
    ensure!(refused.err().map(|error| error.code()) == Some(ErrorCode::NotFound));
    let upid = fresh(&world, &one).await?;
    ensure!(world.ledger.task(&upid).await?.is_some());
    let same = KeyUse::Same(upid.clone());
    ensure!(send(&world, &one).await? == Enqueued::Before(same.clone()));
    ensure!(world.ledger.key_use(&one).await? == Some(same.clone()));
    let other = request("alice@local", "k", 2)?;
    ensure!(send(&world, &other).await? == Enqueued::Before(KeyUse::Other));
    ensure!(world.ledger.key_use(&other).await? == Some(KeyUse::Other));
    // Other keys and other people's are others.
    ensure!(fresh(&world, &request("alice@local", "k2", 1)?).await? != upid);
    ensure!(fresh(&world, &request("bob@local", "k", 1)?).await? != upid);
    // Two at once.
    let twice = request("alice@local", "k3", 1)?;
    let (first, second) = tokio::join!(send(&world, &twice), send(&world, &twice));
    let upids = [first?, second?].map(|enqueued| match enqueued {
        Enqueued::Now(upid) | Enqueued::Before(KeyUse::Same(upid)) => Some(upid),
        Enqueued::Before(KeyUse::Other) => None,
    });
    ensure!(upids[0].is_some() && upids[0] == upids[1], "{upids:?}");
    ensure!(world.ledger.open_tasks().await?.queued == 4);

    world.ledger.close().await;
    let ledger = place.open(world.seams.clone()).await?;
    let world = World { ledger, ..world };
    ensure!(send(&world, &one).await? == Enqueued::Before(same));
    ensure!(world.ledger.open_tasks().await?.queued == 4);
    Ok(())
}

/// A key counts for a day, and is forgotten then.
pub async fn keys_count_for_a_day(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (one, two) = (request("alice@local", "1", 1)?, request("alice@local", "2", 1)?);
    let first = fresh(&world, &one).await?;
    fresh(&world, &two).await?;
    world.clock.advance(IDEMPOTENCY.as_secs() - 1);
    ensure!(world.ledger.forget_idempotency_keys().await? == 0);
    ensure!(send(&world, &one).await? == Enqueued::Before(KeyUse::Same(first.clone())));
    world.clock.advance(1);
    ensure!(world.ledger.key_use(&one).await?.is_none());
    // Whether or not it was forgotten, it can be used again, for something else.
    let again = request("alice@local", "1", 2)?;
    let later = fresh(&world, &again).await?;
    ensure!(later != first);
    ensure!(
        world.ledger.forget_idempotency_keys().await? == 1,
        "the other one"
    );
    ensure!(world.ledger.forget_idempotency_keys().await? == 0);
    ensure!(world.ledger.key_use(&again).await? == Some(KeyUse::Same(later)));
    fresh(&world, &two).await?;
    let row = world.ledger.task(&first).await?.context("the task stays")?;
    ensure!(row.upid == first);
    Ok(())
}
