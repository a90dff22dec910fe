//! Actions of tips: done once, and only when a tip offers them.

use ironcore_ledger::model::{FanOut, NewTask, Page, Task, TaskFilter};
use ironcore_types::event::{Tip, TipAction};
use ironcore_types::{ErrorCode, EventId, EventType, TaskSpec, TaskState, TaskType};
use serde_json::json;

use crate::world::{World, project, user, webhook};

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
            incident: None,
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

/// Lets group `ops` say what becomes of actions.
async fn say(world: &World, actions: serde_json::Value) {
    let handlers = json!([webhook(&world.receiver, "hook", "/hook", &[])]);
    let document = json!({
        "group": [{ "project": "web", "name": "ops", "handler": handlers, "actions": actions }],
    });
    let document = serde_json::from_value(document).expect("a document");
    world.ledger.apply(&document, &user()).await.expect("applied");
}

async fn queued(world: &World) -> Vec<Task> {
    let filter = TaskFilter {
        states: vec![TaskState::Queued],
        ..TaskFilter::default()
    };
    let page = world.ledger.tasks(&filter, &Page::first(10)).await;
    page.expect("tasks").tasks
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_group_says_so_the_hub_tries_again_by_itself_but_not_for_ever() {
    let mut world = World::new(|_| json!([])).await;
    say(&world, json!({ "policy": "auto", "kinds": ["retry"] })).await;
    world.start();
    let mut failed = world.task("nightly", TaskState::Failed).await;
    for round in 1..=2 {
        // What is told was acted upon before.
        world.delivered(round).await;
        let mut tries = queued(&world).await;
        assert_eq!(tries.len(), 1, "once a failure");
        let next = tries.remove(0);
        assert_eq!(next.user.as_str(), "remediation@plugin");
        assert_eq!(next.retry_of, Some(failed.upid));
        let cause = world
            .events(EventType::TaskFailed)
            .await
            .pop()
            .expect("a failure");
        let taken = world.ledger.actions_of(cause.event.id).await.expect("actions");
        assert_eq!(taken.len(), 1, "pause-job waits for a person");
        assert_eq!(
            (taken[0].depth as usize, taken[0].actor.as_str()),
            (round - 1, "remediation@plugin")
        );
        let begun = world.begin().await;
        assert_eq!(begun.0.id, next.id);
        world.end(begun, TaskState::Failed).await;
        failed = next;
    }
    world.delivered(3).await;
    assert!(queued(&world).await.is_empty(), "two actions led to it");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_group_says_so_actions_are_only_suggested() {
    let (world, event, target) = with_tip("retry", |task| task.upid.to_string()).await;
    say(&world, json!({ "policy": "suggest" })).await;
    let notify = world.notify();
    let refused = notify
        .act(event, "retry", &target, &user())
        .await
        .expect_err("refused");
    assert_eq!(refused.code(), ErrorCode::Conflict);
    assert!(queued(&world).await.is_empty());
    say(&world, json!({ "policy": "ask" })).await;
    notify
        .act(event, "retry", &target, &user())
        .await
        .expect("asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_by_itself_beyond_the_project() {
    let mut world = World::new(|_| json!([])).await;
    say(&world, json!({ "policy": "auto", "kinds": ["retry"] })).await;
    // Another project uses the datastore too, and the task is no job's.
    let shared = json!({
        "project": [{ "name": "other" }],
        "datastore": [{
            "name": "store", "path": world.folder.path().join("store"), "projects": ["web", "other"],
            "groups": ["web/ops"],
        }],
    });
    let shared = serde_json::from_value(shared).expect("a document");
    world.ledger.apply(&shared, &user()).await.expect("applied");
    world.start();
    let spec: TaskSpec =
        serde_json::from_value(json!({ "type": "gc", "datastore": "store" })).expect("a spec");
    let new = NewTask::new(Some(project()), user(), spec);
    world.ledger.enqueue(new).await.expect("enqueued");
    let begun = world.begin().await;
    world.end(begun, TaskState::Failed).await;
    world.delivered(1).await;
    let failed = world.event(EventType::TaskFailed).await;
    assert!(
        !world
            .ledger
            .tips_of(failed.event.id)
            .await
            .expect("tips")
            .is_empty()
    );
    assert!(
        queued(&world).await.is_empty(),
        "its garbage is not this project's alone"
    );
    world.stop().await;
}
