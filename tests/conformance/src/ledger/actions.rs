//! Actions happen once for a cause.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{ActionWork, NewAction, NewTask, Page, TaskFilter};
use ironcore_types::{ErrorCode, EventId};
use serde_json::json;

use super::{Place, World, demo};

/// Unique on cause, kind and target; recorded and done in one transaction, or neither.
pub async fn actions_happen_once(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    world.job("nightly", json!({})).await?;
    let root = world.enqueue().await?;
    let cause = world.last_event().await?.event.id;
    let verify = |datastore: &str| -> Result<ActionWork> {
        let spec = serde_json::from_value(json!({ "type": "verify", "datastore": datastore }))?;
        Ok(ActionWork::Enqueue(Box::new(NewTask::new(
            Some(demo()?),
            "remediation@plugin".parse()?,
            spec,
        ))))
    };
    let action = |kind: &str, target: &str, work: ActionWork| -> Result<NewAction> {
        Ok(NewAction {
            cause,
            kind: kind.to_owned(),
            target: target.to_owned(),
            actor: "remediation@plugin".parse()?,
            depth: 1,
            work,
        })
    };
    let first = world
        .ledger
        .record_action(action("verify", "ibs-primary", verify("ibs-primary")?)?)
        .await?;
    let task = first.task.context("a task")?;
    ensure!(first.new && first.action.task == Some(task.id) && task.user.as_str() == "remediation@plugin");
    let again = world
        .ledger
        .record_action(action("verify", "ibs-primary", verify("ibs-primary")?)?)
        .await?;
    ensure!(!again.new && again.task.is_none() && again.action.task == Some(task.id));
    // What came of it, and of what was done about that, goes back to the same work.
    let acted = async |task, target: &str| world.ledger.acted_since(task, "verify", target).await;
    ensure!(acted(root.id, "ibs-primary").await? && acted(task.id, "ibs-primary").await?);
    ensure!(!acted(task.id, "ibs-archival").await?);
    world.clock.advance(1);
    let other = world.enqueue().await?;
    ensure!(!acted(other.id, "ibs-primary").await?, "that is another matter");
    let refused = world
        .ledger
        .record_action(action("verify", "gone", verify("gone")?)?)
        .await;
    ensure!(refused.err().map(|e| e.code()) == Some(ErrorCode::ConfigInvalid));
    let pause = ActionWork::PauseJob {
        project: demo()?,
        job: "nightly".parse()?,
    };
    world
        .ledger
        .record_action(action("pause-job", "nightly", pause)?)
        .await?;
    ensure!(
        !world
            .ledger
            .job(&demo()?, &"nightly".parse()?)
            .await?
            .context("the job")?
            .enabled
    );
    let recorded = world.ledger.actions_of(cause).await?;
    ensure!(recorded.len() == 2, "what was refused is not recorded");
    ensure!(
        world
            .ledger
            .tasks(&TaskFilter::default(), &Page::default())
            .await?
            .total
            .value
            == 3
    );
    let nowhere = NewAction {
        cause: EventId(world.seams.uuid()),
        ..action("x", "y", ActionWork::Record)?
    };
    ensure!(world.ledger.record_action(nowhere).await.err().map(|e| e.code()) == Some(ErrorCode::NotFound));
    Ok(())
}
