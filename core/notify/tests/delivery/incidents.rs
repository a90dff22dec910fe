//! Trouble of one cause: told once, again when there is more, and when it is over; whatever is restarted meanwhile.

use std::time::Duration;

use ironcore_ledger::model::{IncidentFilter, Message, MessageState, Page, Scope};
use ironcore_notify::links::LinkKey;
use ironcore_types::{EventType, TaskState};
use serde_json::{Value, json};

use crate::digests::fanned_out;
use crate::receiver::Answer;
use crate::silences::silence;
use crate::world::{World, webhook};

pub(crate) fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// A hub whose handlers `hook` and `pager` have these incidents.
pub(crate) async fn world(hook: Value, pager: Option<Value>) -> World {
    World::new(|receiver| {
        let with = |name: &str, incidents: Option<Value>, events: &[&str]| {
            let mut handler = webhook(receiver, name, &format!("/{name}"), events);
            if let Some(incidents) = incidents {
                handler["incidents"] = incidents;
            }
            handler
        };
        // The pager is told of nothing but what is escalated to it.
        json!([
            with("hook", Some(hook), &[]),
            with("pager", pager, &["auth.locked-out"])
        ])
    })
    .await
}

pub(crate) fn of<'a>(all: &'a [Message], handler: &str) -> Vec<&'a Message> {
    all.iter()
        .filter(|one| one.handler.handler.as_str() == handler)
        .collect()
}

/// What the messages of the handler say: kind and title.
pub(crate) fn said(all: &[Message], handler: &str) -> Vec<(String, String)> {
    let title = |message: &Message| {
        let incident = message.attrs.get("incident");
        let title = incident.and_then(|incident| incident["title"].as_str());
        title.unwrap_or_default().to_owned()
    };
    of(all, handler)
        .into_iter()
        .map(|one| (one.kind.clone(), title(one)))
        .collect()
}

/// Waits until so many messages of the handler are delivered.
pub(crate) async fn delivered(world: &World, handler: &str, count: usize) -> Vec<Message> {
    world
        .until(&format!("{count} of {handler} delivered"), |all| {
            let done = of(all, handler)
                .into_iter()
                .filter(|one| one.state == MessageState::Delivered);
            done.count() == count
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_the_receiver_answers_with_is_kept_nowhere() {
    let mut world = world(json!({ "interval": "1m" }), None).await;
    world.options.dashboard = Some("https://hub.example".to_owned());
    world.options.links = Some(LinkKey::derived(b"a secret of the hub"));
    let echoes = [Answer::Echo(503), Answer::Echo(200), Answer::Echo(400)];
    world.receiver.answer("/hook", &echoes);
    world.start();
    world.task("nightly", TaskState::Failed).await;
    let tried = |all: &[Message]| of(all, "hook").iter().any(|one| one.error.is_some());
    let all = world.until("the first attempt", tried).await;
    world.clock.set(of(&all, "hook")[0].due);
    delivered(&world, "hook", 1).await;
    world.task("other", TaskState::Failed).await;
    fanned_out(&world).await;
    world.clock.advance(minutes(1));
    let all = world
        .until("the second is given up", |all| {
            of(all, "hook").iter().any(|one| one.state == MessageState::Dead)
        })
        .await;

    // Whoever is told has the link, and each answer held it.
    let sent = world.receiver.got_at("/hook");
    assert_eq!(sent.len(), 3);
    for request in &sent {
        let text = String::from_utf8_lossy(&request.body).into_owned();
        let (_, rest) = text.split_once("/acknowledge/").expect("a link");
        let key = rest.split('"').next().expect("its key");
        assert!(key.starts_with("eyJ") && key.contains('.'), "{key}");
        let mut kept = format!("{all:?}");
        let mut redacted = 0;
        for message in of(&all, "hook") {
            for attempt in world.attempts(message).await {
                redacted += usize::from(format!("{:?}", attempt.exchanges[0].headers).contains("[redacted]"));
                assert!(
                    attempt.exchanges[0].body.contains("/acknowledge/[redacted]"),
                    "{attempt:?}"
                );
                kept += &format!("{attempt:?}");
            }
        }
        assert_eq!(redacted, 3);
        let events = world
            .ledger
            .events_after(0, 1_000, &Scope::All)
            .await
            .expect("events");
        kept += &format!("{events:?}");
        let payload = key.split('.').next().expect("a part");
        assert!(!kept.contains(payload), "{kept}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_cause_is_one_message_and_its_end_another() {
    let incidents = json!({ "wait": "30s", "interval": "5m", "repeat": "4h" });
    let mut world = world(incidents, None).await;
    world.start();
    for _ in 0..5 {
        world.task("nightly", TaskState::Failed).await;
        world.task("other", TaskState::Failed).await;
    }
    fanned_out(&world).await;
    assert!(
        world
            .messages()
            .await
            .iter()
            .all(|one| one.handler.handler.as_str() != "hook"),
        "it waits"
    );
    world.clock.advance(Duration::from_secs(30));
    let all = delivered(&world, "hook", 1).await;
    let first = (
        "incident".to_owned(),
        "Datastore store cannot be reached (10 failures)".to_owned(),
    );
    assert_eq!(said(&all, "hook"), [first]);

    // What joins later comes together.
    for _ in 0..3 {
        world.task("other", TaskState::Failed).await;
    }
    fanned_out(&world).await;
    world.clock.advance(minutes(5));
    let all = delivered(&world, "hook", 2).await;
    assert_eq!(
        said(&all, "hook")[1].1,
        "Datastore store cannot be reached (3 more, 13 in all)"
    );
    // It lasts, and is told again.
    world.clock.advance(minutes(240));
    let all = delivered(&world, "hook", 3).await;
    assert!(
        said(&all, "hook")[2].1.starts_with("Still, for 4 h 05 min: "),
        "{:?}",
        said(&all, "hook")
    );

    // One of two jobs works again, which is news of its own; then the other does, and it is over.
    world.task("nightly", TaskState::Ok).await;
    let all = delivered(&world, "hook", 4).await;
    assert_eq!(of(&all, "hook")[3].kind, "event");
    world.task("other", TaskState::Ok).await;
    let all = delivered(&world, "hook", 5).await;
    assert_eq!(
        said(&all, "hook")[4],
        (
            "recovery".to_owned(),
            "Datastore store works again after 13 failures in 4 h 05 min".to_owned()
        )
    );
    let told: Vec<_> = of(&all, "hook")
        .into_iter()
        .filter(|one| one.kind != "event")
        .collect();
    assert!(told.iter().all(|one| one.thread == told[0].thread), "one thread");
    fanned_out(&world).await;
    world.stop().await;
    // The second event of the recovery's is the run that ended it; no message of its own tells of that.
    assert_eq!(of(&world.messages().await, "hook").len(), 5);
    let got = world.receiver.got();
    let bodies: Vec<Value> = got
        .iter()
        .filter(|got| got.path == "/hook")
        .map(|got| serde_json::from_slice(&got.body).expect("json"))
        .collect();
    assert_eq!(
        bodies[0].as_array().map(Vec::len),
        Some(10),
        "every failure is in it"
    );
    let incident = &bodies[0][0]["data"]["incident"];
    assert_eq!(
        (&incident["state"], &incident["affected"]),
        (&json!("open"), &json!(2))
    );
    let over = &bodies[4]["data"]["incident"];
    assert_eq!(
        (&over["state"], &over["resolved"]),
        (&json!("ended"), &json!(true))
    );
    assert_eq!(over["id"], incident["id"]);
    assert_eq!(bodies[4]["type"], "ironcore.task.completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_forgets_no_notice_and_tells_none_twice() {
    let mut world = world(json!({ "wait": "10m", "repeat": "1h" }), None).await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    fanned_out(&world).await;
    world.kill().await;
    world.clock.advance(minutes(11));
    world.start();
    delivered(&world, "hook", 1).await;
    world.kill().await;
    world.start();
    world.clock.advance(minutes(61));
    let all = delivered(&world, "hook", 2).await;
    world.stop().await;
    assert_eq!(said(&all, "hook").len(), 2);
    let windows: Vec<_> = of(&all, "hook").iter().map(|one| one.window.clone()).collect();
    assert_eq!(windows, ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_acknowledges_is_escalated_and_what_somebody_does_is_not() {
    let incidents = json!({ "repeat": "0s", "escalate": { "after": "15m", "to": "pager" } });
    let mut world = world(incidents, None).await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    delivered(&world, "hook", 1).await;
    world.clock.advance(minutes(15));
    let all = delivered(&world, "pager", 1).await;
    let escalated = said(&all, "pager");
    assert_eq!(escalated[0].0, "escalation");
    assert!(
        escalated[0].1.starts_with("Not acknowledged for 15 min 00 s: "),
        "{escalated:?}"
    );
    // Both hear that it is over.
    world.task("nightly", TaskState::Ok).await;
    delivered(&world, "hook", 2).await;
    let all = delivered(&world, "pager", 2).await;
    assert_eq!(of(&all, "pager")[1].kind, "recovery");

    world.task("nightly", TaskState::Failed).await;
    delivered(&world, "hook", 3).await;
    let page = world
        .ledger
        .incidents(&IncidentFilter::default(), &Page::first(1))
        .await;
    let incident = page.expect("incidents").incidents[0].id;
    let by = "ada@local".parse().expect("a user");
    world
        .ledger
        .acknowledge_incident(incident, &by, None)
        .await
        .expect("acknowledged");
    world.clock.advance(minutes(120));
    // Whatever was due is looked at with what comes now.
    world.task("nightly", TaskState::Ok).await;
    let all = delivered(&world, "hook", 4).await;
    assert_eq!(of(&all, "hook")[3].kind, "recovery");
    world.stop().await;
    assert_eq!(of(&world.messages().await, "pager").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_counts_notices_and_delays_them() {
    let mut world = World::new(|receiver| {
        let mut handler = webhook(receiver, "hook", "/hook", &[]);
        handler["incidents"] = json!({ "interval": "1m", "repeat": "0s" });
        handler["limit"] = json!({ "messages": 1, "per": "1h" });
        json!([handler])
    })
    .await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    delivered(&world, "hook", 1).await;
    world.clock.advance(minutes(10));
    world.task("other", TaskState::Failed).await;
    fanned_out(&world).await;
    assert_eq!(of(&world.messages().await, "hook").len(), 1, "there is no room");
    world.clock.advance(minutes(50));
    let all = delivered(&world, "hook", 2).await;
    assert_eq!(
        said(&all, "hook")[1].1,
        "Datastore store cannot be reached (1 more, 2 in all)"
    );
    world.stop().await;
}

/// A silence that is made while an incident lasts holds its notices back, and they come when it is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_silence_holds_notices_back_until_it_is_over() {
    let mut world = world(json!({ "repeat": "1h" }), None).await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    delivered(&world, "hook", 1).await;
    silence(&world, 2, json!({})).await;
    world.clock.advance(minutes(60));
    // The notice was due now: once it was looked at, it is due later.
    let looked = async {
        loop {
            let next = world.ledger.next_notice_due().await.expect("the ledger");
            if next.is_some_and(|next| next > world.now()) {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(minutes(1), looked)
        .await
        .expect("it is looked at");
    let all = world.messages().await;
    assert_eq!(
        of(&all, "hook").len(),
        1,
        "nobody is told: {:?}",
        said(&all, "hook")
    );
    world.clock.advance(minutes(61));
    let all = delivered(&world, "hook", 2).await;
    assert!(
        said(&all, "hook")[1].1.starts_with("Still, for 2 h"),
        "{:?}",
        said(&all, "hook")
    );
    world.stop().await;
}

/// What begins under a silence is told by its notices when the silence is over: once, with all that follows.
#[tokio::test(flavor = "multi_thread")]
async fn what_begins_under_a_silence_is_an_incident_afterwards() {
    let incidents = json!({ "repeat": "1h", "escalate": { "after": "15m", "to": "pager" } });
    let mut world = world(incidents, None).await;
    world.start();
    silence(&world, 2, json!({})).await;
    for _ in 0..2 {
        world.task("nightly", TaskState::Failed).await;
    }
    fanned_out(&world).await;
    assert!(world.messages().await.is_empty(), "nobody is told outside");
    world.clock.advance(minutes(121));
    let all = delivered(&world, "hook", 1).await;
    assert_eq!(of(&all, "hook")[0].kind, "incident", "{:?}", said(&all, "hook"));
    world.clock.advance(minutes(15));
    delivered(&world, "pager", 1).await;
    world.clock.advance(minutes(45));
    let all = delivered(&world, "hook", 2).await;
    assert!(
        said(&all, "hook")[1].1.starts_with("Still, for"),
        "{:?}",
        said(&all, "hook")
    );
    world.task("nightly", TaskState::Ok).await;
    let all = delivered(&world, "hook", 3).await;
    assert_eq!(of(&all, "hook")[2].kind, "recovery");
    world.stop().await;
    assert_eq!(of(&world.messages().await, "hook").len(), 3, "and nothing twice");
}

/// A handler that loses every message is one trouble to the others, and it is over when it delivers again.
#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_loses_messages_is_one_incident_to_the_others() {
    let mut world = World::new(|receiver| {
        let mut hook = webhook(receiver, "hook", "/hook", &[]);
        hook["incidents"] = json!({ "wait": "1m", "interval": "5m", "repeat": "0s" });
        json!([webhook(receiver, "bad", "/bad", &["task.failed"]), hook])
    })
    .await;
    world.receiver.always("/bad", Some(Answer::Status(400)));
    world.start();
    for _ in 0..3 {
        world.task("nightly", TaskState::Failed).await;
    }
    world
        .until("three were lost", |all| {
            let lost = of(all, "bad").into_iter();
            lost.filter(|one| one.state == MessageState::Dead).count() == 3
        })
        .await;
    fanned_out(&world).await;
    world.clock.advance(minutes(1));
    let all = delivered(&world, "hook", 2).await;
    let mut titles: Vec<String> = said(&all, "hook").into_iter().map(|(_, title)| title).collect();
    titles.sort();
    assert_eq!(titles.len(), 2);
    assert!(
        titles[1].starts_with("Handler ops/bad loses messages"),
        "{titles:?}"
    );
    world.receiver.always("/bad", None);
    world.task("nightly", TaskState::Failed).await;
    delivered(&world, "bad", 1).await;
    let all = delivered(&world, "hook", 3).await;
    let (kind, title) = &said(&all, "hook")[2];
    assert_eq!(kind, "recovery");
    assert!(title.starts_with("Handler ops/bad delivers again"), "{title}");
    world.stop().await;
}

/// When nobody can be told of what nobody acknowledges, the first handler is told again.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_escalated_to_nobody_is_told_again() {
    let incidents = json!({ "repeat": "0s", "escalate": { "after": "15m", "to": "pager" } });
    let mut world = world(incidents, None).await;
    world.receiver.always("/pager", Some(Answer::Status(410)));
    world.start();
    world.task("nightly", TaskState::Failed).await;
    delivered(&world, "hook", 1).await;
    world.clock.advance(minutes(15));
    // The destination is gone, and the handler switched off by that.
    world.event(EventType::HandlerDisabled).await;
    world.task("nightly", TaskState::Ok).await;
    world.task("nightly", TaskState::Failed).await;
    let starting = |all: &[Message], start: &str| {
        let titles = said(all, "hook").into_iter();
        titles.filter(|(_, title)| title.starts_with(start)).count()
    };
    world
        .until("the next incident", |all| {
            starting(all, "Datastore store cannot be reached") == 2
        })
        .await;
    world.clock.advance(minutes(15));
    let still = "Still, for 15 min 00 s: Datastore store cannot be reached";
    let all = world.until("told again", |all| starting(all, still) == 1).await;
    assert_eq!(of(&all, "pager").len(), 1, "it is off");
    world.stop().await;
}

/// A silence about one job hides no other that fails of the same cause, whichever of them came first.
#[tokio::test(flavor = "multi_thread")]
async fn a_silence_about_one_job_hides_no_other() {
    for jobs in [["nightly", "other"], ["other", "nightly"]] {
        let incidents = json!({
            "wait": "1m", "interval": "1m", "repeat": "0s", "escalate": { "after": "15m", "to": "pager" },
        });
        let mut world = world(incidents, None).await;
        world.start();
        silence(&world, 2, json!({ "jobs": ["other"] })).await;
        for job in jobs {
            world.task(job, TaskState::Failed).await;
        }
        fanned_out(&world).await;
        world.clock.advance(minutes(1));
        let all = delivered(&world, "hook", 1).await;
        assert_eq!(
            jobs_of(&world, of(&all, "hook")[0]).await,
            ["nightly"],
            "{jobs:?}"
        );
        world.clock.advance(minutes(15));
        let all = delivered(&world, "pager", 1).await;
        assert_eq!(
            jobs_of(&world, of(&all, "pager")[0]).await,
            ["nightly"],
            "{jobs:?}"
        );
        // The other still fails when its silence is over.
        world.clock.advance(minutes(121));
        let all = delivered(&world, "hook", 2).await;
        assert_eq!(jobs_of(&world, of(&all, "hook")[1]).await, ["other"], "{jobs:?}");
        world.stop().await;
        assert_eq!(of(&world.messages().await, "hook").len(), 2, "and nothing twice");
    }
}

/// The jobs that the events of a message are about.
pub(crate) async fn jobs_of(world: &World, message: &Message) -> Vec<String> {
    let events = world.ledger.message_events(message.id).await.expect("its events");
    let jobs = events.iter().filter_map(|event| event.event.data.job_name());
    jobs.map(ToString::to_string).collect()
}

/// What joins an incident under a silence is told with its next notice, and by nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn what_joins_under_a_silence_is_told_once() {
    let mut world = world(json!({ "repeat": "0s", "interval": "1m" }), None).await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    delivered(&world, "hook", 1).await;
    silence(&world, 2, json!({})).await;
    world.task("other", TaskState::Failed).await;
    fanned_out(&world).await;
    world.clock.advance(minutes(121));
    let all = delivered(&world, "hook", 2).await;
    assert_eq!(
        said(&all, "hook")[1],
        (
            "incident".to_owned(),
            "Datastore store cannot be reached (1 more, 2 in all)".to_owned()
        )
    );
    world.task("nightly", TaskState::Ok).await;
    world.task("other", TaskState::Ok).await;
    // That the first works again ends nothing yet, and is told by itself.
    let all = delivered(&world, "hook", 4).await;
    let kinds: Vec<_> = of(&all, "hook").iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds[2..], ["event", "recovery"]);
    world.stop().await;
    assert_eq!(of(&world.messages().await, "hook").len(), 4);
}

/// A handler that has reached its limit hears later; whoever is told when nobody acknowledges does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_delays_no_escalation() {
    let mut world = World::new(|receiver| {
        let mut hook = webhook(receiver, "hook", "/hook", &[]);
        hook["incidents"] = json!({
            "interval": "1m", "repeat": "0s", "escalate": { "after": "15m", "to": "pager" },
        });
        hook["limit"] = json!({ "messages": 1, "per": "5h" });
        json!([hook, webhook(receiver, "pager", "/pager", &["auth.locked-out"])])
    })
    .await;
    world.start();
    world.task("nightly", TaskState::Failed).await;
    delivered(&world, "hook", 1).await;
    world.task("other", TaskState::Failed).await;
    fanned_out(&world).await;
    world.clock.advance(minutes(2));
    // It wants to tell of the other, and has no room for five hours.
    let looked = async {
        let due = world.now().after(minutes(14));
        while world.ledger.next_notice_due().await.expect("the ledger") > Some(due) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(minutes(1), looked)
        .await
        .expect("it is looked at");
    world.clock.advance(minutes(13));
    let all = delivered(&world, "pager", 1).await;
    assert_eq!(said(&all, "pager")[0].0, "escalation");
    assert_eq!(of(&all, "hook").len(), 1);
    world.stop().await;
}

/// Who was switched off because its destination is gone keeps nobody from being told.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_instead_of_a_handler_that_is_off_is_told_at_once() {
    let incidents = json!({ "escalate": { "after": "15m", "to": "pager" } });
    let mut world = world(incidents, None).await;
    world.receiver.answer("/hook", &[Answer::Status(410)]);
    world.start();
    world.task("nightly", TaskState::Failed).await;
    world
        .until("the hook is gone", |all| {
            of(all, "hook").iter().any(|one| one.state == MessageState::Dead)
        })
        .await;
    world.clock.advance(minutes(15));
    delivered(&world, "pager", 1).await;
    // The next one does not wait for who cannot be told.
    world.task("nightly", TaskState::Ok).await;
    delivered(&world, "pager", 2).await;
    world.task("nightly", TaskState::Failed).await;
    let all = delivered(&world, "pager", 3).await;
    assert_eq!(of(&all, "pager")[2].kind, "escalation");
    world.stop().await;
    assert_eq!(of(&world.messages().await, "hook").len(), 1);
}
