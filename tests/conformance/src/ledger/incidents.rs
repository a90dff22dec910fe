//! Incidents: events of one cause are one, it is over when all who were affected are well, and each handler is told once.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{
    Clear, DueNotice, Ending, FanOut, FanOutReport, Incident, IncidentFilter, IncidentState, IncidentStep,
    Joins, MessageFilter, NewEvent, NewMatch, NewMessage, Notice, NoticeStep, Page, Raised, Rate,
};
use ironcore_types::event::EventData;
use ironcore_types::{ErrorCode, EventType, ProjectName, Severity, Timestamp};

use super::messages::{hook, notice};
use super::{Place, World, demo, fenced, user};

pub(super) const FULL: &str = "datastore/ibs-primary/datastore.full";

/// That a run of a job failed of a full datastore.
pub(super) fn full(job: &str) -> Result<Joins> {
    Ok(Joins {
        cause: FULL.to_owned(),
        member: format!("job/demo/{job}"),
        loose: false,
        condition: None,
        title: "Datastore ibs-primary is full".to_owned(),
        over: "Datastore ibs-primary works again".to_owned(),
        severity: Severity::Warning,
        scopes: BTreeSet::from([Some(demo()?)]),
        told: BTreeSet::from([hook()?]),
    })
}

/// Tells an event that does this, and fans it out, with messages of its own.
async fn tell(world: &World, step: IncidentStep, messages: Vec<NewMessage>) -> Result<(i64, FanOutReport)> {
    world.enqueue().await?;
    let event = world
        .ledger
        .take_unmatched(100)
        .await?
        .pop()
        .context("an event")?;
    let fanout = FanOut {
        seq: event.seq,
        tips: Vec::new(),
        matches: vec![NewMatch { handler: hook()? }],
        messages,
        outcome: None,
        rates: Vec::new(),
        silenced: Vec::new(),
        incident: Some(step),
    };
    Ok((event.seq, world.ledger.record_fanout(vec![fanout]).await?))
}

pub(super) async fn join(world: &World, joins: Joins) -> Result<i64> {
    let step = IncidentStep {
        joins: Some(joins),
        ..IncidentStep::default()
    };
    Ok(tell(world, step, Vec::new()).await?.0)
}

pub(super) async fn clear(world: &World, clear: Clear) -> Result<i64> {
    let step = IncidentStep {
        clears: vec![clear],
        ..IncidentStep::default()
    };
    Ok(tell(world, step, Vec::new()).await?.0)
}

pub(super) async fn all(world: &World) -> Result<Vec<Incident>> {
    let page = world
        .ledger
        .incidents(&IncidentFilter::default(), &Page::first(100))
        .await?;
    ensure!(page.total.value == page.incidents.len() as u64);
    Ok(page.incidents)
}

pub(super) async fn only(world: &World) -> Result<Incident> {
    let mut all = all(world).await?;
    ensure!(all.len() == 1, "{all:?}");
    all.pop().context("an incident")
}

pub(super) async fn look(world: &World) -> Result<Vec<DueNotice>> {
    Ok(world.ledger.due_notices(100).await?.1)
}

/// What is told now of a notice that was looked at.
pub(super) fn said(world: &World, look: &DueNotice, due: Option<Timestamp>) -> Result<NoticeStep> {
    let sent = look.notice.sent + 1;
    let new = NewMessage {
        kind: "incident".to_owned(),
        ..notice(
            world,
            &format!("incident/{}", look.incident.id),
            &sent.to_string(),
        )?
    };
    Ok(NoticeStep {
        incident: look.incident.id,
        notice: Notice {
            sent,
            told_seq: look.incident.last_seq,
            first: look.notice.first.or(Some(world.clock.time())),
            last: Some(world.clock.time()),
            due,
            ..look.notice.clone()
        },
        message: Some((new, look.untold.clone())),
        raise: None,
        rate: None,
        held: Vec::new(),
    })
}

/// What has one cause is one incident, of each project and of the hub, until it is over.
pub async fn events_of_one_cause_are_one_incident(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let first = join(&world, full("a")?).await?;
    world.clock.advance(60);
    join(&world, full("a")?).await?;
    let last = join(&world, full("b")?).await?;
    let incident = only(&world).await?;
    ensure!(incident.cause == FULL && incident.project == Some(demo()?));
    ensure!(
        (incident.failures, incident.members, incident.failing) == (3, 2, 2),
        "{incident:?}"
    );
    ensure!(incident.seen.since(incident.opened).as_secs() == 60 && incident.last_seq == last);
    ensure!(incident.state() == IncidentState::Open);
    ensure!(world.ledger.incident(incident.id).await? == Some(incident.clone()));
    ensure!(world.ledger.incident_of(Some(&demo()?), FULL).await? == Some(incident.clone()));
    ensure!(world.ledger.incident_of(None, FULL).await?.is_none());
    let members = world.ledger.incident_members(incident.id, 10).await?;
    let members: Vec<_> = members
        .iter()
        .map(|one| (one.member.as_str(), one.failures))
        .collect();
    ensure!(members == [("job/demo/a", 2), ("job/demo/b", 1)], "{members:?}");
    let events = world.ledger.incident_events(incident.id, 10).await?;
    ensure!(events.len() == 3 && events[2].seq == first, "newest first");
    let of_event = IncidentFilter {
        event: Some(events[0].event.id),
        ..IncidentFilter::default()
    };
    ensure!(
        world
            .ledger
            .incidents(&of_event, &Page::first(10))
            .await?
            .incidents
            == std::slice::from_ref(&incident)
    );

    // Another project's, and the hub's, are others.
    let incident_of_demo = incident.id;
    let other: ProjectName = "other".parse()?;
    let mut theirs = full("a")?;
    theirs.scopes = BTreeSet::from([None, Some(other.clone())]);
    theirs.told = BTreeSet::new();
    theirs.member = "job/other/a".to_owned();
    join(&world, theirs).await?;
    ensure!(all(&world).await?.len() == 3);
    let of_other = IncidentFilter {
        project: Some(other),
        ..IncidentFilter::default()
    };
    let page = world.ledger.incidents(&of_other, &Page::first(10)).await?;
    ensure!(page.incidents.len() == 1 && page.incidents[0].failures == 1);

    // What another project does may end it; it does not see by what.
    clear(&world, Clear::Member("job/other/a".to_owned())).await?;
    for incident in all(&world)
        .await?
        .iter()
        .filter(|incident| incident.id != incident_of_demo)
    {
        ensure!(incident.ended.is_some());
        ensure!(
            incident.end_seq.is_some() == incident.project.is_none(),
            "{incident:?}"
        );
    }

    // One of two works again: it lasts. Then the other does, and the next failure is another incident.
    clear(&world, Clear::Member("job/demo/a".to_owned())).await?;
    let lasts = world.ledger.incident(incident.id).await?.context("it is there")?;
    ensure!(lasts.ended.is_none() && lasts.failing == 1);
    world.clock.advance(60);
    let end = clear(&world, Clear::Member("job/demo/b".to_owned())).await?;
    let over = world.ledger.incident(incident.id).await?.context("it is there")?;
    ensure!(over.ended == Some((world.clock.time(), Ending::Recovered)) && over.end_seq == Some(end));
    ensure!(over.state() == IncidentState::Ended && over.failing == 0 && over.members == 2);
    join(&world, full("a")?).await?;
    let open = IncidentFilter {
        states: vec![IncidentState::Open],
        project: Some(demo()?),
        ..IncidentFilter::default()
    };
    let page = world.ledger.incidents(&open, &Page::first(10)).await?;
    ensure!(page.incidents.len() == 1 && page.incidents[0].id != incident.id);
    Ok(())
}

/// Notices are looked at when something happened; what comes of it is written once, with its message, or not at all.
pub async fn notices_are_told_once(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    ensure!(world.ledger.next_notice_due().await?.is_none());
    let first = join(&world, full("a")?).await?;
    let second = join(&world, full("a")?).await?;
    let looks = look(&world).await?;
    let [one] = looks.as_slice() else {
        anyhow::bail!("one notice: {looks:?}");
    };
    ensure!(one.notice.handler == hook()? && one.notice.sent == 0 && one.notice.raised == Raised::No);
    ensure!(one.untold == [first, second] && one.newest == [first, second] && one.news == [first]);
    let later = world.clock.time().after(std::time::Duration::from_secs(300));
    let step = said(&world, one, Some(later))?;
    // Something happened since it was looked at.
    join(&world, full("a")?).await?;
    ensure!(fenced(world.ledger.record_notices(vec![step.clone()]).await));
    let messages = || async {
        let page = world
            .ledger
            .messages(&MessageFilter::default(), &Page::first(10))
            .await?;
        anyhow::Ok(page.messages)
    };
    ensure!(messages().await?.is_empty(), "nothing is written");
    let looks = look(&world).await?;
    let step = said(&world, &looks[0], Some(later))?;
    let made = world.ledger.record_notices(vec![step.clone()]).await?;
    ensure!(made.created.len() == 1);
    ensure!(
        fenced(world.ledger.record_notices(vec![step]).await),
        "told by another"
    );
    let told = messages().await?;
    ensure!(told.len() == 1 && told[0].events == 3 && told[0].message.kind == "incident");
    ensure!(look(&world).await?.is_empty());
    ensure!(world.ledger.next_notice_due().await? == Some(later));

    // More of the same is no news to who sees to it; somebody else's trouble is.
    join(&world, full("a")?).await?;
    let looks = look(&world).await?;
    ensure!(looks[0].untold.len() == 1 && looks[0].news.is_empty() && looks[0].newest.len() == 4);
    let more = join(&world, full("b")?).await?;
    let looks = look(&world).await?;
    ensure!(looks[0].untold.len() == 2 && looks[0].untold.last() == Some(&more) && looks[0].news == [more]);

    // Another handler hears of it, with what was written; a limit that is another meanwhile undoes all.
    let mut step = said(&world, &looks[0], None)?;
    step.rate = Some(Rate {
        lane: "l".to_owned(),
        version: 4,
        ..Rate::default()
    });
    ensure!(fenced(world.ledger.record_notices(vec![step.clone()]).await));
    ensure!(messages().await?.len() == 1 && look(&world).await?.len() == 1);
    step.rate = None;
    let mut pager = hook()?;
    pager.handler = "pager".parse()?;
    step.raise = Some(pager.clone());
    step.notice.escalated = Some(world.clock.time());
    world.ledger.record_notices(vec![step]).await?;
    let looks = look(&world).await?;
    ensure!(looks.len() == 1 && looks[0].notice.handler == pager && looks[0].notice.raised == Raised::Untold);
    ensure!(looks[0].untold.is_empty() && looks[0].newest.len() == 5);
    let notices = world.ledger.notices(looks[0].incident.id).await?;
    ensure!(
        notices.len() == 2
            && notices
                .iter()
                .any(|one| one.escalated.is_some() && one.due.is_none())
    );
    Ok(())
}

/// The event that ends an incident is told by the notice of it, to those who hear of ends.
pub async fn an_end_is_told_once(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let own = |window: &str| notice(&world, "t", window);
    join(&world, full("a")?).await?;
    join(&world, full("b")?).await?;
    let recovers = |member: &str| IncidentStep {
        clears: vec![Clear::Member(format!("job/demo/{member}"))],
        joins: None,
        recovers: BTreeSet::from_iter(hook()),
    };
    let (_, report) = tell(&world, recovers("a"), vec![own("1")?]).await?;
    ensure!(report.created.len() == 1, "it lasts, so this is news");
    let (end, report) = tell(&world, recovers("b"), vec![own("2")?]).await?;
    ensure!(report.created.is_empty(), "the notice of its end tells it");
    let looks = look(&world).await?;
    ensure!(looks.len() == 1 && looks[0].incident.end_seq == Some(end));
    let (_, report) = tell(&world, recovers("b"), vec![own("3")?]).await?;
    ensure!(report.created.len() == 1, "nothing ended by it");
    Ok(())
}

/// What fails for another reason, is no longer there, or lasted by a condition that is over, keeps no incident open.
pub async fn incidents_come_to_an_end(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    world.job("a", serde_json::json!({})).await?;
    join(&world, full("a")?).await?;
    let incident = only(&world).await?;
    let mut another = full("a")?;
    another.cause = "job/demo/a".to_owned();
    let moved = join(&world, another).await?;
    let before = world.ledger.incident(incident.id).await?.context("it is there")?;
    ensure!(before.ended.map(|(_, ending)| ending) == Some(Ending::Moved) && before.end_seq == Some(moved));
    ensure!(
        world
            .ledger
            .incident_of(Some(&demo()?), "job/demo/a")
            .await?
            .is_some()
    );
    world.ledger.delete_job(&demo()?, &"a".parse()?).await?;
    let gone = all(&world).await?;
    ensure!(gone[0].ended.map(|(_, ending)| ending) == Some(Ending::Removed));

    // By a condition: it ends with it, and had ended when that was over before the event was fanned out.
    let low = |key: &str| -> Result<Joins> {
        Ok(Joins {
            cause: key.to_owned(),
            member: key.to_owned(),
            condition: Some(key.to_owned()),
            ..full("x")?
        })
    };
    let event = || NewEvent {
        event_type: EventType::DatastoreSpaceLow,
        subject: None,
        data: EventData::new(None, Severity::Warning, "low"),
    };
    let fan_out = |joins: Joins| async {
        let event = world
            .ledger
            .take_unmatched(100)
            .await?
            .pop()
            .context("an event")?;
        let fanout = FanOut {
            seq: event.seq,
            tips: Vec::new(),
            matches: Vec::new(),
            messages: Vec::new(),
            outcome: None,
            silenced: Vec::new(),
            rates: Vec::new(),
            incident: Some(IncidentStep {
                joins: Some(joins),
                ..IncidentStep::default()
            }),
        };
        anyhow::Ok(world.ledger.record_fanout(vec![fanout]).await?)
    };
    world.ledger.open_condition("space-low/a", event()).await?;
    fan_out(low("space-low/a")?).await?;
    let lasting = world
        .ledger
        .incident_of(Some(&demo()?), "space-low/a")
        .await?
        .context("it lasts")?;
    ensure!(
        look(&world)
            .await?
            .iter()
            .any(|look| look.incident.id == lasting.id)
    );
    world.ledger.close_condition("space-low/a").await?;
    let over = world.ledger.incident(lasting.id).await?.context("it is there")?;
    ensure!(over.ended.map(|(_, ending)| ending) == Some(Ending::Recovered) && over.end_seq.is_none());
    world.ledger.open_condition("space-low/a", event()).await?;
    world.ledger.close_condition("space-low/a").await?;
    fan_out(low("space-low/a")?).await?;
    let late = all(&world).await?;
    ensure!(late[0].id != lasting.id && late[0].ended.is_some(), "{late:?}");

    // What nobody does again is well when anything of its cause is; and all is when the whole cause is.
    let mut loose = full("by-hand")?;
    loose.loose = true;
    join(&world, loose).await?;
    join(&world, full("b")?).await?;
    clear(&world, Clear::Loose("datastore/ibs-primary/".to_owned())).await?;
    let incident = world
        .ledger
        .incident_of(Some(&demo()?), FULL)
        .await?
        .context("it lasts")?;
    ensure!(incident.failing == 1);
    clear(&world, Clear::Causes("datastore/ibs-archival/".to_owned())).await?;
    ensure!(world.ledger.incident_of(Some(&demo()?), FULL).await?.is_some());
    clear(&world, Clear::Causes("datastore/ibs-primary/".to_owned())).await?;
    ensure!(world.ledger.incident_of(Some(&demo()?), FULL).await?.is_none());
    Ok(())
}

/// Who came first sees to it, until it becomes worse; what is over is nobody's to see to.
pub async fn incidents_are_acknowledged(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    join(&world, full("a")?).await?;
    let id = only(&world).await?.id;
    let looks = look(&world).await?;
    let step = NoticeStep {
        message: None,
        raise: Some("demo/ops/pager".parse()?),
        ..said(&world, &looks[0], None)?
    };
    world.ledger.record_notices(vec![step]).await?;
    let done = world
        .ledger
        .acknowledge_incident(id, &user()?, Some("on it"))
        .await?;
    ensure!(done.state() == IncidentState::Acknowledged);
    let looks = look(&world).await?;
    ensure!(looks.len() == 2, "who was told is looked at again");
    let raised = looks.iter().filter(|look| look.notice.raised == Raised::Untold);
    ensure!(raised.count() == 1);
    let again = world
        .ledger
        .acknowledge_incident(id, &"late@hub".parse()?, None)
        .await?;
    let by = again.acknowledged.context("it is")?;
    ensure!(by.by == user()? && by.comment.as_deref() == Some("on it") && by.at == world.clock.time());
    let seen_to = IncidentFilter {
        states: vec![IncidentState::Acknowledged],
        ..IncidentFilter::default()
    };
    ensure!(
        world
            .ledger
            .incidents(&seen_to, &Page::first(10))
            .await?
            .incidents
            .len()
            == 1
    );

    join(&world, full("b")?).await?;
    ensure!(
        only(&world).await?.state() == IncidentState::Acknowledged,
        "as bad as before"
    );
    let mut worse = full("b")?;
    worse.severity = Severity::Error;
    join(&world, worse).await?;
    let incident = only(&world).await?;
    ensure!(incident.state() == IncidentState::Open && incident.severity == Severity::Error);
    let looks = look(&world).await?;
    ensure!(looks.len() == 2);
    for look in looks {
        let notice = look.notice;
        ensure!(notice.first.is_none() && notice.since == world.clock.time());
        ensure!(notice.raised == Raised::No, "it is to be escalated again");
    }

    clear(&world, Clear::Causes(FULL.to_owned())).await?;
    ensure!(
        world.ledger.forget_incidents(world.clock.time()).await? == 0,
        "it ended just now"
    );
    let refused = world.ledger.acknowledge_incident(id, &user()?, None).await;
    ensure!(refused.is_err_and(|error| error.code() == ErrorCode::Conflict));
    let unknown = "01a00000-0000-7000-8000-000000000001".parse()?;
    let refused = world.ledger.acknowledge_incident(unknown, &user()?, None).await;
    ensure!(refused.is_err_and(|error| error.code() == ErrorCode::NotFound));

    join(&world, full("a")?).await?;
    world.clock.advance(1);
    ensure!(world.ledger.forget_incidents(world.clock.time()).await? == 1);
    ensure!(only(&world).await?.id != id, "what lasts stays");
    ensure!(
        world.ledger.notices(id).await?.is_empty() && world.ledger.incident_events(id, 10).await?.is_empty()
    );
    Ok(())
}

/// What nothing ends is over when somebody says so; the next failure of the same cause is another incident.
pub async fn incidents_are_closed(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    join(&world, full("a")?).await?;
    join(&world, full("b")?).await?;
    let id = only(&world).await?.id;
    let looks = look(&world).await?;
    let step = NoticeStep {
        message: None,
        ..said(&world, &looks[0], None)?
    };
    world.ledger.record_notices(vec![step]).await?;
    world.clock.advance(60);
    let closed = world
        .ledger
        .close_incident(id, &user()?, Some("the machine is gone"))
        .await?;
    ensure!(closed.state() == IncidentState::Ended && closed.failing == 0 && closed.members == 2);
    ensure!(closed.ended == Some((world.clock.time(), Ending::Closed)) && closed.end_seq.is_none());
    let by = closed.closed.as_ref().context("it says who")?;
    ensure!(by.by == user()? && by.comment.as_deref() == Some("the machine is gone"));
    ensure!(
        world.ledger.incident(id).await?.as_ref() == Some(&closed),
        "as it is kept"
    );
    let members = world.ledger.incident_members(id, 10).await?;
    ensure!(members.iter().all(|member| !member.failing), "{members:?}");
    let looks = look(&world).await?;
    ensure!(
        looks.len() == 1 && looks[0].incident == closed,
        "who was told is looked at again"
    );
    ensure!(world.ledger.incident_of(Some(&demo()?), FULL).await?.is_none());

    let again = world.ledger.close_incident(id, &user()?, None).await;
    ensure!(again.is_err_and(|error| error.code() == ErrorCode::Conflict));
    let unknown = "01a00000-0000-7000-8000-000000000001".parse()?;
    let unknown = world.ledger.close_incident(unknown, &user()?, None).await;
    ensure!(unknown.is_err_and(|error| error.code() == ErrorCode::NotFound));

    // What works again later ends nothing twice, and what fails begins anew.
    clear(&world, Clear::Member("job/demo/a".to_owned())).await?;
    ensure!(world.ledger.incident(id).await? == Some(closed));
    join(&world, full("a")?).await?;
    let open = world
        .ledger
        .incident_of(Some(&demo()?), FULL)
        .await?
        .context("another")?;
    ensure!(open.id != id && (open.failures, open.members) == (1, 1) && open.closed.is_none());
    // What somebody sees to can be closed too.
    world.ledger.acknowledge_incident(open.id, &user()?, None).await?;
    let closed = world.ledger.close_incident(open.id, &user()?, None).await?;
    ensure!(closed.acknowledged.is_some() && closed.closed.is_some_and(|by| by.comment.is_none()));
    Ok(())
}

/// What handlers say of incidents must come to an end, and be said to somebody.
pub async fn escalations_come_to_an_end(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let handlers = |first: serde_json::Value, second: serde_json::Value| {
        let of = |name: &str, incidents: serde_json::Value| {
            let mut handler = serde_json::json!({ "name": name, "plugin": "webhook" });
            for (key, value) in incidents.as_object().into_iter().flatten() {
                handler[key] = value.clone();
            }
            handler
        };
        let handler = [of("chat", first), of("pager", second)];
        serde_json::json!({ "group": [{ "project": "demo", "name": "ops", "handler": handler }] })
    };
    let up = |to: &str| serde_json::json!({ "incidents": { "escalate": { "after": "15m", "to": to } } });
    let none = serde_json::json!({});
    for (first, second, part) in [
        (up("nobody"), none.clone(), "escalates to handler nobody"),
        (up("chat"), none.clone(), "in a circle"),
        (up("pager"), up("chat"), "in a circle"),
        (
            up("pager"),
            serde_json::json!({ "enabled": false }),
            "escalates to handler pager, which is off",
        ),
        (
            serde_json::json!({ "incidents": {}, "digest": { "every": "day" } }),
            none.clone(),
            "has a digest and incidents",
        ),
        (
            serde_json::json!({ "incidents": { "interval": "0s" } }),
            none.clone(),
            "interval must be from 1s to 30d",
        ),
        (
            serde_json::json!({ "incidents": { "repeat": "60d" } }),
            none.clone(),
            "repeat must be 0, or from 1s to 30d",
        ),
    ] {
        let (code, message) = world.refusal(handlers(first, second)).await?;
        ensure!(
            code == ErrorCode::ConfigInvalid && message.contains(part),
            "{message}"
        );
    }
    let fine = serde_json::json!({ "incidents": { "wait": "30s", "repeat": "0s", "recovery": false } });
    world.apply(handlers(up("pager"), fine)).await?;
    let exported = world.ledger.export().await?;
    ensure!(world.ledger.apply(&exported, &user()?).await?.changed.is_empty());
    Ok(())
}
