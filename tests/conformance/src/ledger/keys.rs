//! Keys: a task goes to a worker that has those of its datastores, and says so while there is none.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{NewSession, NewTask, Outcome, Service, Task, WaitReason};
use ironcore_types::{DatastoreName, KeyId, SessionId, TaskState, TaskType};
use serde_json::{Value, json};

use super::{Place, World, demo, user};

const OLD: [u8; 32] = [7; 32];
const NEW: [u8; 32] = [9; 32];

async fn enqueue(world: &World, spec: Value) -> Result<Task> {
    let new = NewTask::new(Some(demo()?), user()?, serde_json::from_value(spec)?);
    Ok(world.ledger.enqueue(new).await?)
}

async fn backup(world: &World) -> Result<Task> {
    let spec = json!({
        "type": "backup", "source": { "tree": "/srv/data" }, "datastore": "ibs-primary", "backup-id": "demo"
    });
    enqueue(world, spec).await
}

async fn reason(world: &World, task: &Task) -> Result<WaitReason> {
    let waiting = world.ledger.waiting(std::slice::from_ref(task)).await?.pop();
    Ok(waiting.context("it does not wait")?.reason)
}

/// A worker with these keys.
async fn worker(world: &World, keys: Vec<KeyId>) -> Result<SessionId> {
    let id = SessionId(world.seams.uuid());
    let new = NewSession {
        id,
        node: "node-2".parse()?,
        pid: 8,
        services: vec![Service::Worker],
        types: TaskType::ALL.to_vec(),
        slots: 10,
        keys,
    };
    world.ledger.register_session(new).await?;
    Ok(id)
}

async fn pin(world: &World, datastore: &str, public_key: [u8; 32]) -> Result<()> {
    let (name, hub): (DatastoreName, _) = (datastore.parse()?, world.ledger.hub_id());
    Ok(world.ledger.pin_datastore(&name, public_key, hub).await?)
}

/// What is encrypted goes to who can open it.
pub async fn keys_bind_tasks_to_workers(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let plain = world.worker().await?;
    let key: KeyId = "k-2026".parse()?;
    let datastore: DatastoreName = "ibs-primary".parse()?;
    world.ledger.set_datastore_key(&datastore, Some(&key)).await?;
    let sealed = backup(&world).await?;
    // What is stored can be verified without the key.
    let verify = enqueue(&world, json!({ "type": "verify", "datastore": "ibs-primary" })).await?;
    let claimed = world.claim(plain, 10).await?;
    ensure!(claimed.len() == 1 && claimed[0].id == verify.id);
    let why = reason(&world, &sealed).await?;
    ensure!(why == WaitReason::NoKey { key: key.clone() }, "{why:?}");
    ensure!(why.to_string().contains("[key.missing]"), "{why}");

    let keeper = worker(&world, vec![key]).await?;
    ensure!(reason(&world, &sealed).await? == WaitReason::Nothing);
    ensure!(world.claim_one(keeper).await?.id == sealed.id);
    Ok(())
}

/// What a datastore's key signs is done by workers that sign with it, and by nobody else.
pub async fn tasks_wait_for_who_signs_their_datastore(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let key = KeyId::signing(&OLD);
    let other = worker(&world, vec![KeyId::signing(&NEW)]).await?;
    // As long as nobody has opened it, everybody may.
    let first = backup(&world).await?;
    ensure!(world.claim_one(other).await?.id == first.id);
    let ok = Outcome::new(TaskState::Ok);
    world.ledger.finish(first.id, other, ok).await?;

    pin(&world, "ibs-primary", OLD).await?;
    let tasks = [
        backup(&world).await?,
        enqueue(&world, json!({ "type": "verify", "datastore": "ibs-primary" })).await?,
        enqueue(
            &world,
            json!({ "type": "sync", "from": { "datastore": "ibs-archival" }, "to": "ibs-primary" }),
        )
        .await?,
        enqueue(
            &world,
            json!({ "type": "sync", "from": { "datastore": "ibs-primary" }, "to": "ibs-archival" }),
        )
        .await?,
    ];
    let free = enqueue(&world, json!({ "type": "gc", "datastore": "ibs-archival" })).await?;
    let claimed = world.claim(other, 10).await?;
    ensure!(claimed.len() == 1 && claimed[0].id == free.id, "{claimed:?}");
    ensure!(world.claim(other, 10).await?.is_empty());
    for task in &tasks {
        let why = reason(&world, task).await?;
        ensure!(why == WaitReason::NoKey { key: key.clone() }, "{why:?}");
        ensure!(why.to_string().contains("signing-0707070707070707"), "{why}");
    }
    let signs = worker(&world, vec![key]).await?;
    for task in &tasks {
        ensure!(reason(&world, task).await? == WaitReason::Nothing);
    }
    let claimed = world.claim(signs, 10).await?;
    let claimed: Vec<_> = claimed.iter().map(|task| task.id).collect();
    ensure!(claimed == tasks.each_ref().map(|task| task.id), "{claimed:?}");
    Ok(())
}

/// A copy between two datastores needs the keys of both at one worker.
pub async fn a_copy_needs_the_keys_of_both_datastores(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (one, two) = (KeyId::signing(&OLD), KeyId::signing(&NEW));
    pin(&world, "ibs-primary", OLD).await?;
    pin(&world, "ibs-archival", NEW).await?;
    let spec = json!({ "type": "sync", "from": { "datastore": "ibs-primary" }, "to": "ibs-archival" });
    let copy = enqueue(&world, spec).await?;
    let first = worker(&world, vec![one.clone()]).await?;
    ensure!(reason(&world, &copy).await? == WaitReason::NoKey { key: two.clone() });
    // Each key is somewhere, and nobody has both.
    let second = worker(&world, vec![two.clone()]).await?;
    for session in [first, second] {
        ensure!(world.claim(session, 10).await?.is_empty());
    }
    let why = reason(&world, &copy).await?;
    ensure!(matches!(why, WaitReason::NoKey { .. }), "{why:?}");
    let both = worker(&world, vec![one, two]).await?;
    ensure!(world.claim_one(both).await?.id == copy.id);
    Ok(())
}

/// A datastore that is taken over sets free what waits for it, and binds it to the new key.
pub async fn who_takes_a_datastore_over_gets_its_tasks(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    pin(&world, "ibs-primary", OLD).await?;
    let task = backup(&world).await?;
    let new = worker(&world, vec![KeyId::signing(&NEW)]).await?;
    ensure!(world.claim(new, 10).await?.is_empty());
    let mut wakes = world.ledger.wakes();
    wakes.tasks.mark_unchanged();
    pin(&world, "ibs-primary", NEW).await?;
    let woken = tokio::time::timeout(Duration::from_secs(10), wakes.tasks.changed()).await;
    woken.context("who has the key is not told to look again")??;
    let old = worker(&world, vec![KeyId::signing(&OLD)]).await?;
    ensure!(
        world.claim(old, 10).await?.is_empty(),
        "the former key is of no use"
    );
    ensure!(reason(&world, &task).await? == WaitReason::Nothing);
    ensure!(world.claim_one(new).await?.id == task.id);
    Ok(())
}
