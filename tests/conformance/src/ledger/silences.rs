//! Silences and maintenance windows: what they keep somebody from hearing of waits until they are over, and is looked at
//! once.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::SILENCES_KEPT;
use ironcore_ledger::model::{
    FanOut, MessageFilter, NewEvent, NewSilence, NewSilenced, Page, Release, SeqEvent, Silence, SilenceFilter,
};
use ironcore_types::event::EventData;
use ironcore_types::notification::{Matchers, Silencer};
use ironcore_types::{ErrorCode, EventType, SilenceId, Timestamp};
use serde_json::json;

use super::messages::{hook, notice};
use super::{Place, World, demo, fenced, user};

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3_600)
}

/// A silence of the project, two hours long.
fn silence(world: &World) -> Result<NewSilence> {
    let now = world.clock.time();
    Ok(NewSilence {
        project: Some(demo()?),
        when: serde_json::from_value(json!({ "events": ["task.queued"], "jobs": ["/^db-/"] }))?,
        from: now,
        until: now.after(hours(2)),
        comment: "the disks are moved".to_owned(),
        by: user()?,
        key: None,
    })
}

/// Tells an event, which is silenced for the handler of the suite.
async fn silenced(world: &World, by: Silencer, until: Timestamp) -> Result<SeqEvent> {
    world.enqueue().await?;
    let events = world.ledger.take_unmatched(100).await?;
    let last = events.last().cloned().context("an event")?;
    world.ledger.record_fanout(fanouts(&events, by, until)?).await?;
    Ok(last)
}

/// Of which the last is silenced.
fn fanouts(events: &[SeqEvent], by: Silencer, until: Timestamp) -> Result<Vec<FanOut>> {
    let mut fanouts: Vec<FanOut> = events
        .iter()
        .map(|event| FanOut {
            seq: event.seq,
            tips: Vec::new(),
            matches: Vec::new(),
            messages: Vec::new(),
            outcome: None,
            rates: Vec::new(),
            incident: None,
            silenced: Vec::new(),
        })
        .collect();
    let last = fanouts.last_mut().context("an event")?;
    last.silenced = vec![NewSilenced {
        handler: hook()?,
        by,
        until,
    }];
    Ok(fanouts)
}

/// Of which nothing is told.
fn dropped(seqs: Vec<i64>) -> Result<Release> {
    Ok(Release {
        handler: hook()?,
        held: Vec::new(),
        told: Vec::new(),
        by_notices: Vec::new(),
        dropped: seqs,
        message: None,
    })
}

async fn messages(world: &World) -> Result<u64> {
    let page = world
        .ledger
        .messages(&MessageFilter::default(), &Page::first(100))
        .await?;
    Ok(page.total.value)
}

/// A silence is there until its time, or until somebody ends it; it stays in the list.
pub async fn silences_are_made_and_ended(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let ledger = &world.ledger;
    let new = silence(&world)?;
    let made = ledger.add_silence(new.clone()).await?;
    ensure!(made.when == new.when && made.comment == new.comment && made.by == new.by);
    ensure!(made.created == world.clock.time() && made.ended.is_none());
    let hub = NewSilence {
        project: None,
        when: Matchers::default(),
        until: new.from.after(hours(1)),
        ..new
    };
    let hub = ledger.add_silence(hub).await?;
    ensure!(hub.id != made.id && ledger.silence(hub.id).await? == Some(hub.clone()));
    let open = |filter: Option<_>| SilenceFilter {
        project: filter,
        open_at: Some(world.clock.time()),
    };
    let all = ledger.silences(&open(None)).await?;
    ensure!(all.len() == 2 && all.contains(&made) && all.contains(&hub));
    ensure!(ledger.silences(&open(Some(demo()?))).await? == std::slice::from_ref(&made));

    world.clock.advance(3_600);
    ensure!(!hub.is_active(world.clock.time()) && made.is_active(world.clock.time()));
    ensure!(ledger.silences(&open(None)).await? == std::slice::from_ref(&made));
    let ended = ledger.end_silence(made.id, &user()?).await?;
    ensure!(ended.ended == Some(world.clock.time()) && ended.ended_by == Some(user()?));
    ensure!(ended.over() == world.clock.time() && ended.until == made.until);
    ensure!(ledger.silences(&open(None)).await?.is_empty());
    // Ended again, and ended after its time, it stays as it was.
    world.clock.advance(60);
    ensure!(ledger.end_silence(made.id, &"other@hub".parse()?).await? == ended);
    ensure!(ledger.end_silence(hub.id, &user()?).await? == hub);
    let mut kept = ledger.silences(&SilenceFilter::default()).await?;
    kept.sort_by_key(|silence| silence.until);
    ensure!(kept == [hub, ended], "{kept:?}");
    let none = ledger.end_silence(SilenceId(world.seams.uuid()), &user()?).await;
    ensure!(none.expect_err("there is none").code() == ErrorCode::NotFound);
    Ok(())
}

/// The same request makes one silence, for a day; another under its key is refused.
pub async fn a_key_makes_one_silence(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let keyed = |sha256: u8, by: &str| -> Result<NewSilence> {
        Ok(NewSilence {
            key: Some(("k".to_owned(), [sha256; 32])),
            by: by.parse()?,
            ..silence(&world)?
        })
    };
    let made = world.ledger.add_silence(keyed(1, "a@hub")?).await?;
    world.clock.advance(60);
    ensure!(world.ledger.add_silence(keyed(1, "a@hub")?).await? == made);
    let other = world.ledger.add_silence(keyed(2, "a@hub")?).await;
    ensure!(other.expect_err("another request").code() == ErrorCode::RequestInvalid);
    ensure!(
        world.ledger.add_silence(keyed(2, "b@hub")?).await?.id != made.id,
        "another's key"
    );
    world.clock.advance(24 * 3_600);
    ensure!(
        world.ledger.add_silence(keyed(2, "a@hub")?).await?.id != made.id,
        "a day later"
    );
    Ok(())
}

/// Silences are kept for a time after they were to end.
pub async fn old_silences_are_forgotten(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let made = world.ledger.add_silence(silence(&world)?).await?;
    world
        .clock
        .advance(hours(2).as_secs() + SILENCES_KEPT.as_secs() - 1);
    ensure!(world.ledger.forget_silences().await? == 0);
    ensure!(world.ledger.silence(made.id).await?.is_some());
    world.clock.advance(1);
    ensure!(world.ledger.forget_silences().await? == 1);
    ensure!(world.ledger.silence(made.id).await?.is_none());
    Ok(())
}

/// Who was not told is known, is looked at when the silence is over, and by one of those who look.
pub async fn what_is_silenced_waits_for_its_end(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let ledger = &world.ledger;
    let made = ledger.add_silence(silence(&world)?).await?;
    let first = silenced(&world, made.silencer(), made.until).await?;
    let second = silenced(&world, made.silencer(), made.until).await?;
    let of = ledger.silenced_of(first.event.id).await?;
    ensure!(of.len() == 1 && of[0].handler == hook()? && of[0].by == made.silencer());
    ensure!(of[0].until == made.until && of[0].looked.is_none() && !of[0].told);
    ensure!(ledger.overdue().await?.is_none() && ledger.next_release().await? == Some(made.until));
    ensure!(fenced(ledger.release(dropped(vec![first.seq])?).await), "not yet");

    world.clock.advance(hours(2).as_secs());
    let overdue = ledger.overdue().await?.context("it is over")?;
    let seqs: Vec<i64> = overdue.events.iter().map(|held| held.event.seq).collect();
    ensure!(overdue.handler == hook()? && seqs == [first.seq, second.seq]);
    ensure!(overdue.events[0].event == first && overdue.events[0].by == made.silencer());
    let release = Release {
        told: vec![second.seq],
        message: Some(notice(&world, "t", "silenced")?),
        ..dropped(vec![first.seq])?
    };
    ledger.release(release.clone()).await?;
    ensure!(fenced(ledger.release(release).await), "somebody was faster");
    ensure!(messages(&world).await? == 1, "told once");
    ensure!(ledger.overdue().await?.is_none() && ledger.next_release().await?.is_none());
    for (event, told) in [(&first, false), (&second, true)] {
        let of = ledger.silenced_of(event.event.id).await?;
        ensure!(
            of[0].told == told && of[0].looked == Some(world.clock.time()),
            "{of:?}"
        );
    }
    let message = ledger
        .messages(&MessageFilter::default(), &Page::first(1))
        .await?;
    let id = message.messages.first().context("a message")?.message.id;
    ensure!(ledger.message_events(id).await? == [second]);
    // All or none: of two, one was looked at before.
    let third = silenced(&world, made.silencer(), world.clock.time()).await?;
    ensure!(fenced(ledger.release(dropped(vec![first.seq, third.seq])?).await));
    ensure!(ledger.overdue().await?.context("the third")?.events.len() == 1);
    Ok(())
}

/// One silence may follow another.
pub async fn what_is_silenced_further_waits_on(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let ledger = &world.ledger;
    let (now, later) = (world.clock.time(), world.clock.time().after(hours(3)));
    let window: Silencer = "maintenance/demo/patches".parse()?;
    let event = silenced(&world, window.clone(), now).await?;
    let made = ledger.add_silence(silence(&world)?).await?;
    let release = Release {
        held: vec![(event.seq, made.silencer(), later)],
        ..dropped(Vec::new())?
    };
    ledger.release(release.clone()).await?;
    ensure!(fenced(ledger.release(release).await), "it waits again");
    let of = ledger.silenced_of(event.event.id).await?;
    ensure!(of[0].by == made.silencer() && of[0].until == later && of[0].looked.is_none());
    ensure!(ledger.overdue().await?.is_none() && ledger.next_release().await? == Some(later));
    // Ending the silence that it waits for now makes it be looked at.
    ledger.end_silence(made.id, &user()?).await?;
    ensure!(ledger.overdue().await?.context("it is over")?.events.len() == 1);
    Ok(())
}

/// Whoever decided by a silence that was ended meanwhile decides again.
pub async fn a_silence_that_was_ended_silences_nothing(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let ledger = &world.ledger;
    let made: Silence = ledger.add_silence(silence(&world)?).await?;
    let before = silenced(&world, made.silencer(), made.until).await?;
    world.enqueue().await?;
    let events = ledger.take_unmatched(100).await?;
    let mut wakes = ledger.wakes().objects;
    wakes.borrow_and_update();
    ledger.end_silence(made.id, &user()?).await?;
    tokio::time::timeout(Duration::from_secs(10), wakes.changed()).await??;
    let late = ledger
        .record_fanout(fanouts(&events, made.silencer(), made.until)?)
        .await;
    ensure!(fenced(late) && ledger.take_unmatched(100).await? == events);
    let overdue = ledger.overdue().await?.context("what it silenced before")?;
    ensure!(overdue.events.len() == 1 && overdue.events[0].event == before);
    ensure!(overdue.events[0].until == world.clock.time());
    Ok(())
}

/// Whether a condition lasts is known by the event that told of it.
pub async fn a_condition_is_known_by_its_event(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let ledger = &world.ledger;
    let low = || NewEvent {
        event_type: EventType::DatastoreSpaceLow,
        subject: Some("datastore/ibs-primary".to_owned()),
        data: EventData::new(
            None,
            EventType::DatastoreSpaceLow.default_severity(),
            "little is left",
        ),
    };
    ensure!(ledger.open_condition("space-low/ibs-primary", low()).await?);
    ledger.emit(low()).await?;
    let events = ledger.take_unmatched(100).await?;
    let now = world.clock.time();
    let mut all = fanouts(&events, "maintenance/patches".parse()?, now)?;
    for one in &mut all {
        one.silenced = vec![NewSilenced {
            handler: hook()?,
            by: "maintenance/patches".parse()?,
            until: now,
        }];
    }
    ledger.record_fanout(all).await?;
    let stands = || async {
        let overdue = ledger.overdue().await?.context("they are over")?;
        let stands: Vec<bool> = overdue.events.iter().map(|held| held.condition).collect();
        anyhow::Ok(stands)
    };
    ensure!(stands().await? == [true, false]);
    ledger.close_condition("space-low/ibs-primary").await?;
    ensure!(stands().await? == [false, false]);
    // The next time that there is little space is another.
    ensure!(ledger.open_condition("space-low/ibs-primary", low()).await?);
    ensure!(stands().await? == [false, false]);
    Ok(())
}

/// Windows are declared and removed like all else; what a window silenced is looked at when it is another or none.
pub async fn maintenance_windows_are_declared(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let ledger = &world.ledger;
    let declare = |lasts: &str| {
        json!({ "maintenance": [
            { "project": "demo", "name": "patches", "from": "sun 02:00", "lasts": lasts,
              "when": { "datastores": ["ibs-archival"] } },
        ]})
    };
    world.apply(declare("4h")).await?;
    let mine: Silencer = "maintenance/demo/patches".parse()?;
    let hubs: Silencer = "maintenance/patches".parse()?;
    let later = world.clock.time().after(hours(3));
    silenced(&world, mine.clone(), later).await?;
    silenced(&world, hubs.clone(), later).await?;
    world.apply(declare("4h")).await?;
    ensure!(ledger.overdue().await?.is_none(), "nothing changed");
    world.apply(declare("5h")).await?;
    let overdue = ledger.overdue().await?.context("it is another")?;
    ensure!(overdue.events.len() == 1 && overdue.events[0].by == mine);

    let kept = ledger.delete_datastore(&"ibs-archival".parse()?).await;
    let kept = kept.expect_err("the window names it").to_string();
    ensure!(kept.contains("maintenance/demo/patches"), "{kept}");
    let kept = ledger.delete_project(&demo()?).await;
    let kept = kept.expect_err("the window is its own").to_string();
    ensure!(kept.contains("maintenance/demo/patches"), "{kept}");
    let none = ledger.delete_maintenance(&hubs).await;
    ensure!(none.expect_err("the hub has none").code() == ErrorCode::NotFound);
    ensure!(ledger.overdue().await?.context("still")?.events.len() == 1);
    ledger.delete_maintenance(&mine).await?;
    ensure!(ledger.maintenance().await?.is_empty() && ledger.export().await?.maintenance.is_empty());
    world.apply(declare("4h")).await?;
    ensure!(ledger.maintenance().await?.len() == 1);
    Ok(())
}
