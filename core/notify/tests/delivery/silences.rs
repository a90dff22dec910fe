//! Silences and maintenance windows: nobody is told outside, and nothing that lasts is lost.

use std::time::Duration;

use ironcore_ledger::model::{Message, MessageState, NewEvent, NewSilence, Scope, Silence, SilenceFilter};
use ironcore_types::event::{DatastoreData, EventData};
use ironcore_types::objects::Document;
use ironcore_types::{EventType, TaskState, Timestamp};
use serde_json::{Value, json};

use crate::digests::{fanned_out, told};
use crate::world::{World, project, user, webhook};

const HOUR: Duration = Duration::from_secs(3_600);

async fn world() -> World {
    World::new(|receiver| json!([webhook(receiver, "hook", "/hook", &[])])).await
}

/// Silences all of the project for some hours.
pub(crate) async fn silence(world: &World, hours: u32, when: Value) -> Silence {
    silence_for(world, world.now(), HOUR * hours, when).await
}

/// Silences all of the project from then on for so long.
pub(crate) async fn silence_for(world: &World, now: Timestamp, span: Duration, when: Value) -> Silence {
    let new = NewSilence {
        project: Some(project()),
        when: serde_json::from_value(when).expect("matchers"),
        from: now,
        until: now.after(span),
        comment: "the disks are moved".to_owned(),
        by: user(),
        key: None,
    };
    world.ledger.add_silence(new).await.expect("a silence")
}

/// Waits until what was silenced so far was looked at.
async fn looked_at(world: &World) {
    // Where nothing is told, nothing wakes; whoever looks is asked until there is nothing left.
    while world.ledger.overdue().await.expect("overdue").is_some() {
        tokio::task::yield_now().await;
    }
}

fn of(messages: &[Message], state: MessageState) -> usize {
    messages.iter().filter(|one| one.state == state).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lasts_is_told_once_when_the_silence_is_over() {
    let mut world = world().await;
    let made = silence(&world, 2, json!({})).await;
    world.start();
    // One fails again and again, one works again, and one works.
    for (job, state) in [
        ("nightly", TaskState::Failed),
        ("other", TaskState::Failed),
        ("other", TaskState::Ok),
        ("nightly", TaskState::Failed),
    ] {
        world.task(job, state).await;
    }
    fanned_out(&world).await;
    assert!(world.messages().await.is_empty(), "nobody is told outside");
    let failures = world.events(EventType::TaskFailed).await;
    let last = failures.last().expect("a failure");
    let of_last = world.ledger.silenced_of(last.event.id).await.expect("silenced");
    assert_eq!(of_last.len(), 1);
    assert_eq!((&of_last[0].by, of_last[0].until), (&made.silencer(), made.until));
    // The hub is stopped when the silence ends.
    world.stop().await;
    world.clock.advance(HOUR * 2);
    world.start();
    world.delivered(1).await;
    looked_at(&world).await;
    world.clock.advance(HOUR);
    // What happens after it is told as ever.
    world.task("other", TaskState::Ok).await;
    world.delivered(2).await;
    world.stop().await;
    let got = world.receiver.got();
    assert_eq!(
        told(&got[0]),
        [last.event.id.to_string()],
        "the newest of the job alone"
    );
    assert_eq!(got.len(), 2);
    let of_last = world.ledger.silenced_of(last.event.id).await.expect("silenced");
    assert!(of_last[0].told && of_last[0].looked.is_some());
    let of_first = world
        .ledger
        .silenced_of(failures[0].event.id)
        .await
        .expect("silenced");
    assert!(!of_first[0].told && of_first[0].looked.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_troubles_come_by_one_message_and_nothing_else_does() {
    let mut world = world().await;
    world.start();
    world.task("nightly", TaskState::Ok).await;
    world.delivered(1).await;
    let made = silence(&world, 2, json!({ "events": ["task.failed", "task.completed"] })).await;
    world.task("nightly", TaskState::Failed).await;
    world.task("other", TaskState::Failed).await;
    // What it is not about is told.
    world.task("other", TaskState::Warning).await;
    world.delivered(2).await;
    world.task("other", TaskState::Failed).await;
    fanned_out(&world).await;
    // It is ended before its time.
    let ended = world.ledger.end_silence(made.id, &user()).await.expect("ended");
    assert_eq!(ended.over(), world.now());
    let messages = world.delivered(3).await;
    looked_at(&world).await;
    world.stop().await;
    assert_eq!(messages.last().expect("a message").kind, "digest");
    let got = world.receiver.got();
    let failures = world.events(EventType::TaskFailed).await;
    let newest = [&failures[0], &failures[2]].map(|event| event.event.id.to_string());
    assert_eq!(told(&got[2]), newest);
    assert_eq!(world.messages().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_before_is_delivered_and_what_is_over_is_not_told() {
    let mut world = world().await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    world.until("the message is made", |all| all.len() == 1).await;
    silence(&world, 1, json!({})).await;
    world.delivered(1).await;
    world.task("nightly", TaskState::Failed).await;
    world.task("nightly", TaskState::Ok).await;
    fanned_out(&world).await;
    world.clock.advance(HOUR);
    looked_at(&world).await;
    world.stop().await;
    assert_eq!(world.messages().await.len(), 1);
    assert_eq!(world.ledger.next_release().await.expect("looked"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_that_stand_are_told_and_those_that_are_over_are_not() {
    let mut world = World::new(|receiver| {
        let events = ["job.overdue", "datastore.space-low"];
        json!([webhook(receiver, "hook", "/hook", &events)])
    })
    .await;
    silence(&world, 1, json!({ "min-severity": "warning" })).await;
    world.start();
    let event = |event_type: EventType, title: &str| NewEvent {
        event_type,
        subject: Some(title.to_owned()),
        data: EventData {
            datastore: Some(DatastoreData {
                name: "store".parse().expect("a name"),
                online: true,
                used: None,
                free: None,
            }),
            ..EventData::new(Some(project()), event_type.default_severity(), title)
        },
    };
    for (key, new) in [
        ("overdue/a", event(EventType::JobOverdue, "a")),
        ("overdue/b", event(EventType::JobOverdue, "b")),
        ("space-low/c", event(EventType::DatastoreSpaceLow, "c")),
    ] {
        assert!(world.ledger.open_condition(key, new).await.expect("opened"));
    }
    fanned_out(&world).await;
    assert!(world.ledger.close_condition("overdue/a").await.expect("closed"));
    world.clock.advance(HOUR);
    world.delivered(1).await;
    looked_at(&world).await;
    world.stop().await;
    let mut standing = world.events(EventType::JobOverdue).await.split_off(1);
    standing.extend(world.events(EventType::DatastoreSpaceLow).await);
    let standing: Vec<String> = standing.iter().map(|event| event.event.id.to_string()).collect();
    assert_eq!(told(&world.receiver.got()[0]), standing);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_silence_may_follow_another() {
    let mut world = world().await;
    // The clock of these tests begins at 20:26:40 UTC.
    let window: Document = serde_json::from_value(json!({ "maintenance": [
        { "project": "web", "name": "patches", "from": "21:00", "lasts": "2h", "when": { "jobs": ["/^night/"] } },
    ]}))
    .expect("a document");
    world.ledger.apply(&window, &user()).await.expect("applied");
    silence(&world, 1, json!({})).await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    world.task("other", TaskState::Failed).await;
    fanned_out(&world).await;
    let failures = world.events(EventType::TaskFailed).await;
    world.clock.advance(HOUR);
    // The window goes on, for the one job.
    world.delivered(1).await;
    looked_at(&world).await;
    let of = world
        .ledger
        .silenced_of(failures[0].event.id)
        .await
        .expect("silenced");
    assert_eq!(of[0].by.to_string(), "maintenance/web/patches");
    assert_eq!(of[0].until.to_string(), "2026-05-28T23:00:00Z");
    world.clock.set(of[0].until);
    world.delivered(2).await;
    world.stop().await;
    let got = world.receiver.got();
    let ids: Vec<Vec<String>> = got.iter().map(told).collect();
    let wanted = [&failures[1], &failures[0]].map(|event| vec![event.event.id.to_string()]);
    assert_eq!(ids, wanted);
    let open = SilenceFilter {
        open_at: Some(world.now()),
        ..SilenceFilter::default()
    };
    assert_eq!(world.ledger.silences(&open).await.expect("silences"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_takes_up_what_was_silenced() {
    let mut world = World::new(|receiver| {
        let mut handler = webhook(receiver, "hook", "/hook", &[]);
        handler["digest"] = json!({ "every": "day", "at": "08:00" });
        json!([handler])
    })
    .await;
    silence(&world, 1, json!({})).await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    fanned_out(&world).await;
    world.clock.advance(HOUR);
    let waiting = world
        .until("it waits with the digest", |all| {
            of(all, MessageState::Pending) == 1
        })
        .await;
    world.task("other", TaskState::Ok).await;
    fanned_out(&world).await;
    assert_eq!(waiting[0].due.to_string(), "2026-05-29T08:00:00Z");
    world.clock.set(waiting[0].due);
    world.delivered(1).await;
    world.stop().await;
    assert_eq!(told(&world.receiver.got()[0]).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_gets_what_is_silenced_and_says_by_what() {
    let mut world = world().await;
    let made = silence(&world, 1, json!({})).await;
    world.start();
    let task = world.task("nightly", TaskState::Failed).await;
    fanned_out(&world).await;
    world.stop().await;
    let page = ironcore_ledger::model::Page::first(50);
    let inbox = world
        .ledger
        .inbox(
            &Scope::Project(project()),
            &user(),
            &ironcore_ledger::model::InboxFilter::default(),
            &page,
        )
        .await;
    let items = inbox.expect("the inbox").items;
    let failed = items
        .iter()
        .find(|item| item.event.event.event_type == EventType::TaskFailed)
        .expect("it shows");
    assert_eq!(failed.event.event.subject, Some(task.upid.to_string()));
    assert_eq!(failed.silenced.len(), 1);
    assert_eq!(failed.silenced[0].by, made.silencer());
    let queued = items
        .iter()
        .find(|item| item.event.event.event_type == EventType::TaskQueued)
        .expect("it shows");
    assert!(queued.silenced.is_empty(), "nobody would have been told");
}
