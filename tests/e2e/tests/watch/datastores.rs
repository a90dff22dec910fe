//! Datastores that are away or nearly full, and snapshots that nobody verifies.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_engine::WatchOptions;
use ironcore_ledger::model::{DatastoreRow, NewTask};
use ironcore_types::{EventType, Severity, TaskState, UserId};
use serde_json::json;

use ironcore_e2e::night::Night;

const DAY: Duration = Duration::from_secs(86_400);

async fn primary(night: &Night) -> Result<DatastoreRow> {
    let row = night.ledger.datastore(&"ibs-primary".parse()?).await?;
    row.context("the datastore")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datastore_that_goes_away_and_comes_back_is_told() -> Result<()> {
    let night = Night::new().await?;
    night.apply("warn-free-percent = 0", "", "").await?;
    let mut watch = night.watch();
    watch.look(night.now()).await?;
    let status = primary(&night).await?.status.context("it was looked at")?;
    ensure!(
        status.online && status.free.is_some() && status.used.is_some(),
        "{status:?}"
    );
    ensure!(night.told(EventType::DatastoreStatusChanged).await?.is_empty());

    let (here, away) = (night.path("primary"), night.path("away"));
    tokio::fs::rename(&here, &away).await?;
    night.clock.advance(Duration::from_secs(60));
    watch.look(night.now()).await?;
    watch.look(night.now()).await?;
    let told = night.told(EventType::DatastoreStatusChanged).await?;
    ensure!(
        told.len() == 1 && told[0].data.severity == Severity::Error,
        "{told:#?}"
    );
    ensure!(
        told[0].data.title.contains("Datastore ibs-primary is offline: "),
        "{told:#?}"
    );
    let status = primary(&night).await?.status.context("a status")?;
    ensure!(!status.online && status.free.is_none() && status.at == night.now());

    tokio::fs::rename(&away, &here).await?;
    watch.look(night.now()).await?;
    let told = night.told(EventType::DatastoreStatusChanged).await?;
    ensure!(
        told.len() == 2 && told[1].data.severity == Severity::Notice,
        "{told:#?}"
    );
    ensure!(primary(&night).await?.status.is_some_and(|status| status.online));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn little_space_is_told_once() -> Result<()> {
    let night = Night::new().await?;
    // Something is always taken, by the ledger if by nothing else.
    night.apply("warn-free-percent = 100", "", "").await?;
    let mut watch = night.watch();
    watch.look(night.now()).await?;
    night.watch().look(night.now()).await?;
    let told = night.told(EventType::DatastoreSpaceLow).await?;
    ensure!(told.len() == 1, "{told:#?}");
    ensure!(told[0].subject.as_deref() == Some("datastore/ibs-primary") && told[0].data.project.is_none());
    let datastore = told[0].data.datastore.as_ref().context("the datastore")?;
    ensure!(datastore.online && datastore.used.is_some_and(|used| used > 0) && datastore.free.is_some());
    ensure!(night.conditions("space-low/").await? == ["space-low/ibs-primary"]);
    night.apply("warn-free-percent = 0", "", "").await?;
    watch.look(night.now()).await?;
    ensure!(night.conditions("space-low/").await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_processes_one_looks_at_datastores() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "", "").await?;
    let member = |node: &str, pid| -> Result<WatchOptions> {
        Ok(WatchOptions {
            member: Some((node.parse()?, pid)),
            ..WatchOptions::default()
        })
    };
    night.played_worker().await?;
    for other in [member("played", 3)?, member("other", 2)?] {
        night.watch_with(other).look(night.now()).await?;
        ensure!(primary(&night).await?.status.is_none(), "it is another's part");
    }
    let apart = WatchOptions {
        datastores: false,
        ..WatchOptions::default()
    };
    night.watch_with(apart).look(night.now()).await?;
    ensure!(primary(&night).await?.status.is_none(), "it does no tasks");
    night.watch_with(member("played", 2)?).look(night.now()).await?;
    ensure!(primary(&night).await?.status.is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_snapshots_nobody_verifies_is_told_once() -> Result<()> {
    let night = Night::new().await?;
    night
        .apply("warn-free-percent = 0\nkeep-verified = \"7d\"", "", "")
        .await?;
    let mut watch = night.watch();
    for _ in 0..2 {
        night.clock.advance(DAY);
        night.fire().await?;
        night.work().await?;
    }
    watch.look(night.now()).await?;
    ensure!(
        night.told(EventType::SnapshotStale).await?.is_empty(),
        "they are young"
    );

    night.clock.advance(7 * DAY);
    watch.look(night.now()).await?;
    night.clock.advance(DAY);
    watch.look(night.now()).await?;
    night.watch().look(night.now()).await?;
    let told = night.told(EventType::SnapshotStale).await?;
    ensure!(told.len() == 1, "{told:#?}");
    let data = &told[0].data;
    ensure!(data.project == Some("office".parse()?));
    let snapshot = data.snapshot.as_ref().context("a snapshot")?;
    ensure!(told[0].subject.as_deref() == Some(snapshot.to_string().as_str()));
    ensure!(
        data.title == "1 of 2 snapshots of ibs-primary:host/files has not been verified OK within 7d",
        "{}",
        data.title
    );
    ensure!(night.conditions("stale/").await? == ["stale/ibs-primary/host/files"]);

    let spec = serde_json::from_value(json!({ "type": "verify", "datastore": "ibs-primary" }))?;
    let new = NewTask::new(None, UserId::new("root@local")?, spec);
    night.ledger.enqueue(new).await?;
    let tasks = night.work().await?;
    ensure!(tasks.iter().all(|task| task.state == TaskState::Ok), "{tasks:#?}");
    night.clock.advance(Duration::from_secs(1799));
    watch.look(night.now()).await?;
    ensure!(
        night.conditions("stale/").await?.len() == 1,
        "lists are made every half hour"
    );
    night.clock.advance(Duration::from_secs(1));
    watch.look(night.now()).await?;
    ensure!(night.conditions("stale/").await?.is_empty());
    Ok(())
}
