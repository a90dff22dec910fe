//! Actions of tips: done once, and only when a tip offers them.

use ironcore_ledger::model::FanOut;
use ironcore_types::event::{Tip, TipAction};
use ironcore_types::{ErrorCode, EventId, TaskSpec, TaskState, TaskType};
use serde_json::json;

use crate::world::{World, user};

async fn with_tip(
    kind: &str,
    target: impl Fn(&ironcore_ledger::model::Task) -> String,
) -> (World, EventId, String) {
    let world = World::new(|_| json!([])).await;
    let task = world.task("nightly", TaskState::Failed).await;
    let target = target(&task);
    let tip = Tip {
        title: "Do something".to_owned(),
        why: "It failed".to_owned(),
        steps: Vec::new(),
        link: None,
        actions: vec![TipAction {
            kind: kind.to_owned(),
            target: target.clone(),
            label: "Do it".to_owned(),
        }],
        plugin: "remediation".parse().expect("name"),
    };
    let events = world.ledger.take_unmatched(100).await.expect("events");
    let last = events.last().expect("an event").event.id;
    let fanouts = events
        .into_iter()
        .map(|event| FanOut {
            rates: Vec::new(),
            silenced: Vec::new(),
            outcome: None,
            seq: event.seq,
            tips: vec![tip.clone()],
            matches: Vec::new(),
            messages: Vec::new(),
        })
        .collect();
    world.ledger.record_fanout(fanouts).await.expect("recorded");
    (world, last, target)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_click_does_nothing_more() {
    let (world, event, target) = with_tip("gc", |_| "store".to_owned()).await;
    let notify = world.notify();
    let first = notify.act(event, "gc", &target, &user()).await.expect("done");
    assert!(first.new);
    let task = first.task.expect("a task");
    assert_eq!(task.task_type(), TaskType::Gc);
    let second = notify.act(event, "gc", &target, &user()).await.expect("known");
    assert!(!second.new && second.task.is_none());
    assert_eq!(second.action.task, Some(task.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_task_can_be_tried_again() {
    let (world, event, target) = with_tip("retry", |task| task.upid.to_string()).await;
    let done = world
        .notify()
        .act(event, "retry", &target, &user())
        .await
        .expect("done");
    let task = done.task.expect("a task");
    assert_eq!(task.retry_of.map(|upid| upid.to_string()), Some(target));
    assert_eq!(task.job.map(|job| job.to_string()), Some("nightly".to_owned()));
    assert!(matches!(task.spec, TaskSpec::Gc(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_can_be_paused() {
    let (world, event, target) = with_tip("pause-job", |_| "nightly".to_owned()).await;
    world
        .notify()
        .act(event, "pause-job", &target, &user())
        .await
        .expect("done");
    let job = world
        .ledger
        .job(&crate::world::project(), &"nightly".parse().expect("name"))
        .await
        .expect("read");
    assert!(!job.expect("the job").enabled);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_tip_offers_is_refused() {
    let (world, event, _) = with_tip("gc", |_| "store".to_owned()).await;
    let notify = world.notify();
    for (kind, target) in [("gc", "elsewhere"), ("verify", "store"), ("rm", "store")] {
        let error = notify
            .act(event, kind, target, &user())
            .await
            .expect_err("not offered");
        assert_eq!(error.code(), ErrorCode::NotFound, "{kind} {target}");
    }
}
