//! An incident and the entries of its events in the inbox: who acknowledges one has acknowledged the other.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{
    Clear, FanOut, InboxFilter, InboxItem, IncidentState, IncidentStep, Joins, NewEvent, Page, Scope,
};
use ironcore_types::event::EventData;
use ironcore_types::{EventType, Severity, UserId};

use super::incidents::{FULL, all, clear, full, join, only};
use super::{Place, World, demo, user};

/// That an event of the hub joins.
async fn join_hub(world: &World, joins: Joins) -> Result<i64> {
    let event = NewEvent {
        event_type: EventType::DatastoreSpaceLow,
        subject: None,
        data: EventData::new(None, Severity::Warning, "Datastore ibs-primary is nearly full"),
    };
    let seq = world.ledger.emit(event).await?.seq;
    let unmatched = world.ledger.take_unmatched(100).await?;
    ensure!(unmatched.iter().any(|event| event.seq == seq));
    let fanout = FanOut {
        seq,
        tips: Vec::new(),
        matches: Vec::new(),
        messages: Vec::new(),
        outcome: None,
        rates: Vec::new(),
        silenced: Vec::new(),
        incident: Some(IncidentStep {
            joins: Some(joins),
            ..IncidentStep::default()
        }),
    };
    world.ledger.record_fanout(vec![fanout]).await?;
    Ok(seq)
}

/// The inbox of a scope: each event with who took it on, and whether `reader` has read it; the newest first.
async fn inbox(world: &World, scope: &Scope, reader: &UserId) -> Result<Vec<(i64, Option<UserId>, bool)>> {
    let (all, page) = (InboxFilter::default(), Page::first(100));
    let page = world.ledger.inbox(scope, reader, &all, &page).await?;
    let line = |item: InboxItem| {
        let by = item.acknowledged.map(|acknowledged| acknowledged.user);
        (item.event.seq, by, item.read)
    };
    Ok(page.items.into_iter().map(line).collect())
}

/// Who sees to an incident has taken its events on, and who takes one of them on sees to the incident.
pub async fn an_incident_goes_with_its_entries(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let (ledger, ada, late) = (&world.ledger, user()?, "late@hub".parse::<UserId>()?);
    let (demo, hub) = (Scope::Project(demo()?), Scope::All);

    // From the incident to the inbox. Who was first with an entry stays there.
    let first = join(&world, full("a")?).await?;
    let second = join(&world, full("b")?).await?;
    let aside = clear(&world, Clear::Causes("datastore/elsewhere/".to_owned())).await?;
    // An event of the hub in an incident of a project is not the project's to take on.
    let foreign = join_hub(&world, full("c")?).await?;
    let id = only(&world).await?.id;
    ledger.acknowledge_incident(id, &ada, Some("on it")).await?;
    let seen = inbox(&world, &hub, &ada).await?;
    let of = |seq: i64| {
        seen.iter()
            .find(|(at, ..)| *at == seq)
            .cloned()
            .context("an entry")
    };
    for seq in [first, second] {
        ensure!(of(seq)? == (seq, Some(ada.clone()), true), "{seen:?}");
    }
    for seq in [aside, foreign] {
        ensure!(of(seq)? == (seq, None, false), "{seen:?}");
    }
    ensure!(inbox(&world, &demo, &late).await?.iter().all(|(.., read)| !read));
    // What joins later is new to all.
    let third = join(&world, full("a")?).await?;
    ensure!(inbox(&world, &demo, &ada).await?[0] == (third, None, false));
    ensure!(
        ledger
            .acknowledge(&demo, &late, third)
            .await?
            .context("an entry")?
            .1,
        "the incident is acknowledged already"
    );
    let by = only(&world).await?.acknowledged.context("acknowledged")?;
    ensure!(by.by == ada && by.comment.as_deref() == Some("on it"));

    // From the inbox to the incident, and on to its other entries.
    clear(&world, Clear::Causes(FULL.to_owned())).await?;
    let alone = join(&world, full("a")?).await?;
    let other = join(&world, full("b")?).await?;
    let elsewhere = Scope::Project("other".parse()?);
    ensure!(ledger.acknowledge(&elsewhere, &late, alone).await?.is_none());
    let newest = || async {
        let newest = all(&world).await?.into_iter().next();
        newest.context("an incident")
    };
    ensure!(newest().await?.state() == IncidentState::Open);
    let (taken, new) = ledger
        .acknowledge(&demo, &late, alone)
        .await?
        .context("an entry")?;
    ensure!(new && taken.user == late);
    let incident = newest().await?;
    let by = incident.acknowledged.clone().context("acknowledged")?;
    ensure!(by.by == late && by.comment.is_none() && by.at == world.clock.time());
    let seen = inbox(&world, &demo, &late).await?;
    ensure!(seen[0] == (other, Some(late.clone()), true) && seen[1] == (alone, Some(late.clone()), true));

    // An incident that is over is nobody's to see to, and its entries can be taken on.
    let last = join(&world, full("a")?).await?;
    clear(&world, Clear::Causes(FULL.to_owned())).await?;
    ensure!(
        ledger
            .acknowledge(&demo, &ada, last)
            .await?
            .context("an entry")?
            .1
    );
    ensure!(newest().await?.acknowledged == incident.acknowledged);

    // An incident of the hub is not within reach of a project, though its event is.
    let mut both = full("a")?;
    both.scopes.insert(None);
    let shared = join(&world, both).await?;
    ensure!(
        ledger
            .acknowledge(&demo, &ada, shared)
            .await?
            .context("an entry")?
            .1
    );
    let states: Vec<_> = all(&world).await?.into_iter().take(2).collect();
    for incident in &states {
        let wanted = match incident.project {
            Some(_) => IncidentState::Acknowledged,
            None => IncidentState::Open,
        };
        ensure!(incident.state() == wanted, "{states:?}");
    }
    ensure!(states[0].project != states[1].project);
    Ok(())
}
