//! The inbox shows every event of its scope, whatever was delivered.

use std::time::Duration;

use anyhow::{Result, ensure};
use ironcore_ledger::INBOX_MUTES;
use ironcore_ledger::model::{
    ActionWork, AttemptOutcome, FinishAttempt, InboxEntry, InboxFilter, NewAction, NewEvent, NewMute, Page,
    Scope, SeqEvent,
};
use ironcore_types::event::{DatastoreData, JobData};
use ironcore_types::{ErrorCode, EventData, EventType, Severity};

use super::messages::{fan_out, notice};
use super::{Place, World, demo, user};

/// Scopes, presentation, tips, read state per user, pages.
pub async fn every_event_shows(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    fan_out(&world, vec![notice(&world, "x", "1")?]).await?;
    let all = world.events().await?;
    ensure!(all.len() == 2, "worker online, task queued");
    let (online, queued) = (all[0].event.id, all[1].event.id);
    let (online_seq, queued_seq) = (all[0].seq, all[1].seq);
    let claimed = world.ledger.claim_messages(session, 1, 1).await?;
    let entry = |event| InboxEntry {
        event,
        title: "A backup waits".to_owned(),
        text: "nothing to do".to_owned(),
        severity: Some(Severity::Notice),
        link: None,
        attrs: serde_json::Map::new(),
    };
    let done = FinishAttempt {
        message: claimed[0].message.id,
        session,
        started: world.clock.time(),
        ended: world.clock.time(),
        outcome: AttemptOutcome::Delivered {
            receipt: String::new(),
        },
        status: None,
        exchanges: Vec::new(),
        detail: None,
        kv: Vec::new(),
        // The second is about an event that the message does not carry: a plugin cannot dress up what it was not sent.
        inbox: vec![entry(queued), entry(online)],
        attrs: None,
        refused: None,
        taken: false,
        tried: true,
    };
    world.ledger.finish_attempt(done).await?;
    let project = Scope::Project(demo()?);
    let page = world
        .ledger
        .inbox(&project, &user()?, &InboxFilter::default(), &Page::default())
        .await?;
    ensure!(
        page.items.len() == 1 && page.unread.value == 1,
        "the hub's own events are not a project's"
    );
    ensure!(
        page.items[0].entry == Some(entry(queued)) && page.items[0].tips.len() == 1 && !page.items[0].read
    );
    let page = world
        .ledger
        .inbox(&Scope::All, &user()?, &InboxFilter::default(), &Page::default())
        .await?;
    ensure!(
        page.items.len() == 2 && page.items[0].event.event.id == queued,
        "newest first"
    );
    ensure!(page.items[1].entry.is_none());
    ensure!(
        world
            .ledger
            .mark_read(&project, &user()?, &[queued_seq, online_seq], true)
            .await?
            == 1,
        "only in scope"
    );
    ensure!(
        world
            .ledger
            .mark_read(&project, &user()?, &[queued_seq], true)
            .await?
            == 0,
        "once"
    );
    let page = world
        .ledger
        .inbox(&Scope::All, &user()?, &InboxFilter::unread(), &Page::default())
        .await?;
    ensure!(page.items.len() == 1 && page.items[0].event.event.id == online && page.unread.value == 1);
    let other = "someone@else".parse()?;
    ensure!(
        world
            .ledger
            .inbox(&project, &other, &InboxFilter::unread(), &Page::default())
            .await?
            .unread
            .value
            == 1,
        "per user"
    );
    ensure!(
        world
            .ledger
            .mark_read(&project, &user()?, &[queued_seq], false)
            .await?
            == 1
    );
    for n in 0..5 {
        let data = EventData::new(Some(demo()?), Severity::Info, format!("event {n}"));
        world
            .ledger
            .emit(NewEvent {
                event_type: EventType::SystemStarted,
                subject: None,
                data,
            })
            .await?;
    }
    let last = world.ledger.last_seq().await?;
    let first = world
        .ledger
        .inbox(&project, &user()?, &InboxFilter::default(), &Page::first(4))
        .await?;
    let cursor = first.next.clone().unwrap_or_default();
    let rest = world
        .ledger
        .inbox(
            &project,
            &user()?,
            &InboxFilter::default(),
            &Page::after(4, cursor),
        )
        .await?;
    let seqs: Vec<_> = first
        .items
        .iter()
        .chain(&rest.items)
        .map(|item| item.event.seq)
        .collect();
    ensure!(
        seqs.len() == 6 && seqs.is_sorted_by(|a, b| a > b) && rest.next.is_none(),
        "{seqs:?}"
    );
    ensure!(world.ledger.mark_all_read(&project, &user()?, last - 1).await? == 5);
    let page = world
        .ledger
        .inbox(&project, &user()?, &InboxFilter::default(), &Page::default())
        .await?;
    ensure!(page.unread.value == 1 && !page.items[0].read && page.items[1].read);
    let events = world.ledger.events_after(last - 2, 10, &project).await?;
    ensure!(events.iter().map(|e| e.seq).collect::<Vec<_>>() == [last - 1, last]);
    Ok(())
}

/// Tells of a job and a datastore.
async fn tell(
    world: &World,
    event_type: EventType,
    severity: Severity,
    job: Option<&str>,
    datastore: Option<&str>,
) -> Result<SeqEvent> {
    let mut data = EventData::new(Some(demo()?), severity, "something happened");
    if let Some(job) = job {
        data.job = Some(JobData {
            name: job.parse()?,
            scheduled_for: None,
            missed: 0,
        });
    }
    if let Some(datastore) = datastore {
        data.datastore = Some(DatastoreData {
            name: datastore.parse()?,
            online: true,
            used: None,
            free: None,
        });
    }
    let new = NewEvent {
        event_type,
        subject: None,
        data,
    };
    Ok(world.ledger.emit(new).await?)
}

/// The places that pass a filter, oldest first, and how many are unread.
async fn places(world: &World, filter: InboxFilter) -> Result<(Vec<i64>, u64)> {
    let scope = Scope::Project(demo()?);
    let page = world
        .ledger
        .inbox(&scope, &user()?, &filter, &Page::first(100))
        .await?;
    let places = page.items.iter().rev().map(|item| item.event.seq).collect();
    Ok((places, page.unread.value))
}

/// By type, severity, job, datastore and time; each alone.
pub async fn entries_are_filtered(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let missed = tell(
        &world,
        EventType::JobMissed,
        Severity::Warning,
        Some("nightly"),
        None,
    )
    .await?
    .seq;
    let low = tell(
        &world,
        EventType::DatastoreSpaceLow,
        Severity::Warning,
        None,
        Some("ibs-primary"),
    )
    .await?
    .seq;
    world.clock.advance(60);
    let noon = world.clock.time();
    let other = tell(
        &world,
        EventType::JobOverdue,
        Severity::Error,
        Some("night"),
        Some("ibs-primary-2"),
    )
    .await?
    .seq;
    // A task tells by itself what it is about.
    world.job("nightly", serde_json::json!({})).await?;
    world.enqueue().await?;
    let queued = world.last_event().await?.seq;
    let all = InboxFilter::default;
    let about = |datastore: &str| -> Result<InboxFilter> {
        Ok(InboxFilter {
            datastore: Some(datastore.parse()?),
            ..InboxFilter::default()
        })
    };
    ensure!(places(&world, all()).await?.0 == [missed, low, other, queued]);
    ensure!(
        places(&world, about("ibs-primary")?).await?.0 == [low, queued],
        "and not ibs-primary-2"
    );
    ensure!(places(&world, about("ibs-primary-2")?).await?.0 == [other]);
    let job = InboxFilter {
        job: Some("nightly".parse()?),
        ..all()
    };
    ensure!(places(&world, job).await?.0 == [missed]);
    let severe = InboxFilter {
        min_severity: Some(Severity::Error),
        ..all()
    };
    ensure!(places(&world, severe).await?.0 == [other]);
    let types = InboxFilter {
        types: vec![EventType::JobMissed, EventType::JobOverdue],
        ..all()
    };
    ensure!(places(&world, types).await?.0 == [missed, other]);
    let since = InboxFilter {
        since: Some(noon),
        ..all()
    };
    ensure!(places(&world, since).await?.0 == [other, queued]);
    let until = InboxFilter {
        until: Some(noon),
        ..all()
    };
    ensure!(places(&world, until).await?.0 == [missed, low]);
    let counts = world
        .ledger
        .inbox_unread(&Scope::Project(demo()?), &user()?)
        .await?;
    ensure!(
        counts.all.value == 4 && counts.severities == [1, 0, 2, 1],
        "{counts:?}"
    );
    Ok(())
}

/// What is muted is there, for its user alone, and neither unread nor counted; rules end, and are taken back.
pub async fn what_is_muted_is_not_counted(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (ledger, me) = (&world.ledger, user()?);
    let good = tell(
        &world,
        EventType::JobMissed,
        Severity::Info,
        Some("nightly"),
        None,
    )
    .await?
    .seq;
    let bad = tell(
        &world,
        EventType::JobMissed,
        Severity::Error,
        Some("nightly"),
        None,
    )
    .await?
    .seq;
    let low = tell(
        &world,
        EventType::DatastoreSpaceLow,
        Severity::Warning,
        None,
        Some("ibs-primary"),
    )
    .await?
    .seq;
    let unread = InboxFilter::unread;
    let job = NewMute {
        job: Some("nightly".parse()?),
        below: Some(Severity::Warning),
        ..NewMute::default()
    };
    let first = ledger.mute(&me, &job).await?;
    ensure!(
        ledger.mute(&me, &job).await? == first,
        "the same rule is there once"
    );
    ensure!(
        places(&world, unread()).await? == (vec![bad, low], 2),
        "an error is not below"
    );
    let muted = InboxFilter {
        muted: Some(true),
        ..InboxFilter::default()
    };
    ensure!(places(&world, muted).await? == (vec![good], 2));
    let loud = InboxFilter {
        muted: Some(false),
        ..InboxFilter::default()
    };
    ensure!(places(&world, loud).await?.0 == [bad, low]);
    ensure!(
        places(&world, InboxFilter::default()).await?.0 == [good, bad, low],
        "all are there"
    );
    let scope = Scope::Project(demo()?);
    let item = ledger.inbox_item(&scope, &me, good).await?;
    ensure!(item.is_some_and(|item| item.muted && !item.read));
    let other = "someone@else".parse()?;
    ensure!(
        ledger.inbox_unread(&scope, &other).await?.all.value == 3,
        "per user"
    );

    // By datastore, until a time; by type.
    let store = NewMute {
        datastore: Some("ibs-primary".parse()?),
        until: Some(world.clock.time().after(Duration::from_secs(60))),
        ..NewMute::default()
    };
    ledger.mute(&me, &store).await?;
    ensure!(places(&world, unread()).await? == (vec![bad], 1));
    let kind = NewMute {
        event_type: Some(EventType::JobMissed),
        ..NewMute::default()
    };
    let kind = ledger.mute(&me, &kind).await?;
    ensure!(kind.number == 3 && places(&world, unread()).await? == (vec![], 0));
    ensure!(ledger.inbox_unread(&scope, &me).await?.all.value == 0);
    world.clock.advance(61);
    ensure!(
        places(&world, unread()).await? == (vec![low], 1),
        "it was for a minute"
    );
    ensure!(ledger.mutes(&me).await?.len() == 2);
    ensure!(ledger.unmute(&me, kind.number).await? && !ledger.unmute(&me, kind.number).await?);
    ensure!(!ledger.unmute(&other, first.number).await?, "only one's own");
    ensure!(places(&world, unread()).await? == (vec![bad, low], 2));
    for n in ledger.mutes(&me).await?.len()..INBOX_MUTES {
        let rule = NewMute {
            job: Some(format!("job-{n}").parse()?),
            ..NewMute::default()
        };
        ledger.mute(&me, &rule).await?;
    }
    let more = NewMute {
        job: Some("one-more".parse()?),
        ..NewMute::default()
    };
    let refused = ledger.mute(&me, &more).await.err().map(|error| error.code());
    ensure!(refused == Some(ErrorCode::Conflict), "{refused:?}");
    Ok(())
}

/// The first who takes an event on is who took it on; everybody sees it, and what else was done.
pub async fn who_takes_an_event_on_shows_to_all(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (ledger, me, scope) = (&world.ledger, user()?, Scope::Project(demo()?));
    let event = tell(
        &world,
        EventType::JobMissed,
        Severity::Error,
        Some("nightly"),
        None,
    )
    .await?;
    let open = InboxFilter {
        acknowledged: Some(false),
        ..InboxFilter::default()
    };
    ensure!(places(&world, open.clone()).await? == (vec![event.seq], 1));
    let done = ledger.acknowledge(&scope, &me, event.seq).await?;
    let (taken, new) = done.ok_or_else(|| anyhow::anyhow!("it is there"))?;
    ensure!(new && taken.user == me && taken.at == world.clock.time());
    world.clock.advance(5);
    let other = "someone@else".parse()?;
    let again = ledger.acknowledge(&Scope::All, &other, event.seq).await?;
    ensure!(again == Some((taken.clone(), false)), "the first counts");
    ensure!(
        places(&world, open).await? == (vec![], 0),
        "who takes it on has read it"
    );
    let elsewhere = Scope::Project("other".parse()?);
    ensure!(
        ledger.acknowledge(&elsewhere, &me, event.seq).await?.is_none(),
        "not in scope"
    );
    ensure!(
        ledger
            .acknowledge(&scope, &me, event.seq + 1_000)
            .await?
            .is_none()
    );
    ledger
        .record_action(NewAction {
            cause: event.event.id,
            kind: "verify".to_owned(),
            target: "ibs-primary".to_owned(),
            actor: me.clone(),
            depth: 0,
            work: ActionWork::Record,
        })
        .await?;
    let acknowledged = InboxFilter {
        acknowledged: Some(true),
        ..InboxFilter::default()
    };
    let page = ledger
        .inbox(&scope, &other, &acknowledged, &Page::default())
        .await?;
    ensure!(page.items.len() == 1 && page.items[0].acknowledged == Some(taken));
    let done = &page.items[0].taken;
    ensure!(
        done.len() == 1 && done[0].actor == me && done[0].upid.is_none(),
        "{done:?}"
    );
    let rule = NewMute {
        job: Some("weekly".parse()?),
        ..NewMute::default()
    };
    ledger.mute(&me, &rule).await?;
    Ok(())
}

/// Entries go by their time, oldest first, with what users made of them; the events stay.
pub async fn old_entries_go_with_their_state(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (ledger, me, scope) = (&world.ledger, user()?, Scope::Project(demo()?));
    let old = tell(
        &world,
        EventType::JobMissed,
        Severity::Error,
        Some("nightly"),
        None,
    )
    .await?;
    ledger.acknowledge(&scope, &me, old.seq).await?;
    ledger.mark_read(&scope, &me, &[old.seq], true).await?;
    world.clock.advance(3_600);
    let limit = world.clock.time();
    let new = tell(
        &world,
        EventType::JobMissed,
        Severity::Error,
        Some("nightly"),
        None,
    )
    .await?;
    ensure!(ledger.forget_inbox(limit).await? > 0);
    ensure!(ledger.forget_inbox(limit).await? == 0, "once");
    ensure!(places(&world, InboxFilter::default()).await? == (vec![new.seq], 1));
    ensure!(ledger.inbox_item(&scope, &me, old.seq).await?.is_none());
    ensure!(
        ledger.acknowledge(&scope, &me, old.seq).await?.is_none(),
        "what is gone is gone"
    );
    ensure!(ledger.mark_read(&scope, &me, &[old.seq], true).await? == 0);
    ensure!(
        ledger.mark_read(&scope, &me, &[old.seq], false).await? == 0,
        "its state went, too"
    );
    ensure!(ledger.mark_all_read(&scope, &me, new.seq).await? == 1);
    let kept = ledger.event(old.event.id).await?;
    ensure!(kept.is_some_and(|kept| kept.seq == old.seq), "the event stays");
    Ok(())
}
