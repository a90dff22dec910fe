//! What ends incidents without an event: what is no longer there, and handlers that deliver again.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{AttemptOutcome, Ending, Joins};
use ironcore_types::snapshot::SnapshotPath;
use ironcore_types::{DatastoreName, ErrorCode};

use super::incidents::{all, full, join, only};
use super::messages::{self, hook, notice};
use super::{Place, World, demo};

/// Damaged snapshots that were removed are waited for no more, in every scope.
pub async fn what_is_gone_is_waited_for_no_more(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let datastore: DatastoreName = "ibs-primary".parse()?;
    ensure!(world.ledger.damaged_snapshots(&datastore).await?.is_empty());
    let paths: Vec<SnapshotPath> = ["host/web/2026-05-21T02:00:00Z", "host/web/2026-05-22T02:00:00Z"]
        .iter()
        .map(|path| path.parse())
        .collect::<Result<_, _>>()?;
    for path in &paths {
        let damaged = Joins {
            cause: "datastore/ibs-primary/verification".to_owned(),
            member: format!("snapshot/ibs-primary:{path}"),
            scopes: BTreeSet::from([Some(demo()?), None]),
            ..full("nightly")?
        };
        join(&world, damaged).await?;
    }
    // Another datastore's name may begin as this one's does.
    let other = Joins {
        cause: "datastore/ibs-primary-2/verification".to_owned(),
        member: format!("snapshot/ibs-primary-2:{}", paths[0]),
        ..full("nightly")?
    };
    join(&world, other).await?;
    ensure!(world.ledger.damaged_snapshots(&datastore).await? == paths);
    world.ledger.forget_snapshots(&datastore, &paths[..1]).await?;
    ensure!(world.ledger.damaged_snapshots(&datastore).await? == paths[1..]);
    ensure!(all(&world).await?.iter().all(|incident| incident.ended.is_none()));
    world.ledger.forget_snapshots(&datastore, &paths[1..]).await?;
    let (over, lasting): (Vec<_>, Vec<_>) = all(&world)
        .await?
        .into_iter()
        .partition(|incident| incident.ended.is_some());
    ensure!(over.len() == 2 && lasting.len() == 1, "{over:?} {lasting:?}");
    let how = over
        .iter()
        .filter_map(|incident| incident.ended.map(|(_, how)| how));
    ensure!(how.collect::<Vec<_>>() == [Ending::Removed; 2]);
    Ok(())
}

/// That a handler loses messages lasts while it fails, and is over with the next that is delivered.
pub async fn a_handler_that_fails_keeps_its_incident(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let key = format!("delivery/{}", hook()?);
    let loses = || -> Result<Joins> {
        Ok(Joins {
            cause: key.clone(),
            member: key.clone(),
            condition: Some(key.clone()),
            ..full("nightly")?
        })
    };
    // It delivered again before anybody heard of it.
    join(&world, loses()?).await?;
    ensure!(only(&world).await?.ended.is_some(), "it does not fail");
    let session = world.worker().await?;
    let made = messages::fan_out(&world, vec![notice(&world, "x", "1")?, notice(&world, "y", "1")?]).await?;
    ensure!(messages::claim(&world, session).await?.len() == 2);
    let lost = AttemptOutcome::Rejected {
        reason: "400".to_owned(),
        code: ErrorCode::DeliveryRejected,
        gone: false,
    };
    let report = messages::report(&world, made.created[0], session, lost);
    world.ledger.finish_attempt(report).await?;
    // What that told.
    messages::fan_out(&world, Vec::new()).await?;
    join(&world, loses()?).await?;
    let open = world.ledger.incident_of(Some(&demo()?), &key).await?;
    let open = open.context("it lasts")?;
    messages::deliver(&world, made.created[1], session).await?;
    let over = world.ledger.incident(open.id).await?.context("it is there")?;
    ensure!(over.ended.is_some_and(|(_, how)| how == Ending::Recovered));
    Ok(())
}
