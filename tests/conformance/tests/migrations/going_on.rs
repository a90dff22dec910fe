//! An old ledger is gone on with: what waited is done, what was lost is tried again, what was not yet told is told.

use anyhow::{Context as _, Result, ensure};
use ironcore_conformance::clock::ManualClock;
use ironcore_conformance::ledger::idempotency::request;
use ironcore_conformance::ledger::{backup, demo, user};
use ironcore_ledger::Ledger;
use ironcore_ledger::model::{
    AttemptOutcome, Enqueued, FanOut, FinishAttempt, HandlerRef, KeyUse, KvScope, MessageFilter,
    MessageState, NewLogLine, NewMatch, NewMessage, NewSession, NewTask, Outcome, Page, Service, Tick,
};
use ironcore_ledger::model::{ClaimedMessage, LogLevel};
use ironcore_types::objects::Handler;
use ironcore_types::{ErrorCode, KeyId, SessionId, TaskId, TaskState, TaskType};
use serde_json::json;

/// The key that signs `ibs-primary`.
const SIGNS: [u8; 32] = [7; 32];

async fn worker(ledger: &Ledger, clock: &ManualClock, keys: Vec<KeyId>) -> Result<SessionId> {
    let id = SessionId(clock.seams().uuid());
    let new = NewSession {
        id,
        node: "node-1".parse()?,
        pid: 7,
        services: vec![Service::Worker, Service::Notify],
        types: TaskType::ALL.to_vec(),
        slots: 10,
        keys,
    };
    ledger.register_session(new).await?;
    Ok(id)
}

async fn end_well(ledger: &Ledger, session: SessionId, task: TaskId) -> Result<Vec<TaskId>> {
    let ok = Outcome::new(TaskState::Ok);
    Ok(ledger.finish(task, session, ok).await?.follow_ups)
}

/// What ran is lost and tried again, what waited is done, and what follows follows.
pub(crate) async fn with_tasks(ledger: &Ledger, clock: &ManualClock) -> Result<()> {
    // Where hubs share the database only the lease tells.
    let mut lost = ledger.recover().await?;
    clock.advance(15);
    lost.extend(ledger.reap().await?);
    ensure!(lost == [TaskId(6)], "{lost:?}");
    let six = ledger.task_by_id(TaskId(6)).await?.context("the lost one")?;
    ensure!(six.error.map(|error| error.code) == Some(ErrorCode::WorkerLost));
    let retry = ledger.retry_of(&six.upid).await?.context("its retry")?;
    ensure!(retry.task == TaskId(11), "{retry}");

    let other = worker(ledger, clock, Vec::new()).await?;
    ensure!(
        ledger.claim(other, TaskType::ALL, 10).await?.is_empty(),
        "it has not the key"
    );
    let session = worker(ledger, clock, vec![KeyId::signing(&SIGNS)]).await?;
    let claimed = ledger.claim(session, TaskType::ALL, 10).await?;
    let mut ids: Vec<i64> = claimed.iter().map(|task| task.id.0).collect();
    ids.sort_unstable();
    ensure!(ids == [7, 8, 9, 11], "{ids:?}");
    let line = NewLogLine {
        time: clock.time(),
        level: LogLevel::Info,
        text: "goes on".to_owned(),
    };
    ensure!(ledger.append_log(retry.task, session, &[line]).await? == 1);
    let follow_ups = end_well(ledger, session, retry.task).await?;
    ensure!(follow_ups == [TaskId(12)], "{follow_ups:?}");
    for id in [7, 8, 9] {
        end_well(ledger, session, TaskId(id)).await?;
    }
    let prune = ledger.claim(session, TaskType::ALL, 10).await?;
    ensure!(
        prune.len() == 1 && prune[0].job == Some("prune".parse()?),
        "{prune:?}"
    );
    end_well(ledger, session, prune[0].id).await?;

    let cursor = ledger.cursors().await?.pop().context("the nightly job")?;
    let tick = Tick {
        project: demo()?,
        job: cursor.job.name,
        cursor: cursor.until,
        scheduled_for: clock.time(),
        missed: 0,
        late: false,
        run: true,
    };
    let fired = ledger.fire_ticks(&[tick]).await?;
    ensure!(fired.len() == 1, "{fired:?}");
    ledger.cancel(&fired[0].upid, &user()?).await?;
    verify(ledger, session).await
}

/// The snapshot that was verified is verified once more.
async fn verify(ledger: &Ledger, session: SessionId) -> Result<()> {
    let datastore = "ibs-primary".parse()?;
    let spec = serde_json::from_value(json!({ "type": "verify", "datastore": "ibs-primary" }))?;
    let task = ledger.enqueue(NewTask::new(Some(demo()?), user()?, spec)).await?;
    ensure!(ledger.claim(session, TaskType::ALL, 1).await?.len() == 1);
    let report = ledger.verifications(&datastore, None).await?.remove(0).report;
    ledger
        .record_verification(task.id, session, &datastore, &report)
        .await?;
    end_well(ledger, session, task.id).await?;
    ensure!(
        ledger
            .verification_history(&datastore, &report.snapshot)
            .await?
            .len()
            == 2
    );
    Ok(())
}

/// What was not fanned out is, what waited to be sent is sent, and what was given up can be sent again.
pub(crate) async fn with_messages(ledger: &Ledger, clock: &ManualClock) -> Result<()> {
    let hook = HandlerRef {
        project: Some(demo()?),
        group: "ops".parse()?,
        handler: "hook".parse()?,
    };
    let group = ledger.groups(Some(&demo()?)).await?.pop().context("the group")?;
    let handler: Handler = group.handler.into_iter().next().context("the handler")?;
    let unmatched = ledger.take_unmatched(1_000).await?;
    ensure!(
        unmatched.first().is_some_and(|event| event.seq == 13),
        "{unmatched:?}"
    );
    let mut fanouts: Vec<FanOut> = unmatched
        .iter()
        .map(|event| FanOut {
            rates: Vec::new(),
            silenced: Vec::new(),
            incident: None,
            outcome: None,
            seq: event.seq,
            tips: Vec::new(),
            matches: Vec::new(),
            messages: Vec::new(),
        })
        .collect();
    let last = fanouts.last_mut().context("an event")?;
    last.matches = vec![NewMatch {
        handler: hook.clone(),
    }];
    last.messages = vec![NewMessage {
        handler: hook.clone(),
        snapshot: handler,
        recipient: String::new(),
        thread: "new".to_owned(),
        kind: "notice".to_owned(),
        window: "1".to_owned(),
        lane: "demo https://ops.example".to_owned(),
        due: clock.time(),
        attrs: serde_json::Map::new(),
    }];
    ledger.record_fanout(fanouts).await?;
    ensure!(ledger.take_unmatched(10).await?.is_empty());

    let session = worker(ledger, clock, Vec::new()).await?;
    // The lane's circuit was open: one message tries first, the one that waited.
    let first = ledger.claim_messages(session, 10, 10).await?;
    ensure!(
        first.len() == 1 && first[0].message.number == 3 && first[0].attempt == 2,
        "{first:?}"
    );
    ensure!(first[0].events.len() == 1 && first[0].handler_active);
    deliver(ledger, clock, session, &first[0]).await?;
    let circuit = first[0].circuit.as_ref().context("a circuit")?;
    ledger.close_circuit(&circuit.lane, circuit.until).await?;
    let second = ledger.claim_messages(session, 10, 10).await?;
    ensure!(second.len() == 1 && second[0].message.number == 4, "{second:?}");
    deliver(ledger, clock, session, &second[0]).await?;

    let dead = MessageFilter {
        states: vec![MessageState::Dead],
        ..MessageFilter::default()
    };
    let dead = ledger.messages(&dead, &Page::first(10)).await?.messages.remove(0);
    ensure!(ledger.replay(dead.message.id).await?.number == 5);
    let scope = KvScope {
        plugin: "webhook".parse()?,
        handler: hook,
    };
    ensure!(ledger.kv_get(&scope, "seen").await? == Some(vec![1]));
    Ok(())
}

async fn deliver(
    ledger: &Ledger,
    clock: &ManualClock,
    session: SessionId,
    claimed: &ClaimedMessage,
) -> Result<()> {
    let attempt = FinishAttempt {
        message: claimed.message.id,
        session,
        started: clock.time(),
        ended: clock.time(),
        outcome: AttemptOutcome::Delivered {
            receipt: "204".to_owned(),
        },
        status: Some(204),
        exchanges: Vec::new(),
        detail: None,
        kv: Vec::new(),
        inbox: Vec::new(),
        attrs: None,
        refused: None,
        taken: false,
        tried: true,
    };
    let done = ledger.finish_attempt(attempt).await?;
    ensure!(done.message.state == MessageState::Delivered);
    Ok(())
}

/// The keys of a user who holds as many as one may: they count, and the oldest gives way to the next.
pub(crate) async fn with_keys(ledger: &Ledger) -> Result<()> {
    let key = |number: u32| request("alice@local", &format!("key-{number}"), 1);
    for number in [1, 2, 10_000] {
        let used = ledger.key_use(&key(number)?).await?;
        ensure!(matches!(used, Some(KeyUse::Same(upid)) if upid.task == TaskId(7)));
    }
    let new = NewTask::new(Some(demo()?), user()?, backup()?);
    let enqueued = ledger.enqueue_once(new, key(10_001)?).await?;
    ensure!(matches!(enqueued, Enqueued::Now(_)), "{enqueued:?}");
    ensure!(ledger.key_use(&key(1)?).await?.is_none(), "the oldest");
    ensure!(ledger.key_use(&key(2)?).await?.is_some());
    ensure!(ledger.forget_idempotency_keys().await? == 0, "none is a day old");
    Ok(())
}
