//! Notices of incidents, and silences: what is held back is told once, when its silence is over.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{
    Clear, DueNotice, FanOut, IncidentStep, NewMatch, NewSilence, NoticeStep, Release, Silence,
};
use ironcore_types::notification::Matchers;

use super::incidents::{clear, full, join, look, said};
use super::messages::hook;
use super::{Place, World, demo, fenced, user};

const HOUR: Duration = Duration::from_secs(3_600);

async fn silence(world: &World) -> Result<Silence> {
    let now = world.clock.time();
    let new = NewSilence {
        project: Some(demo()?),
        when: Matchers::default(),
        from: now,
        until: now.after(HOUR),
        comment: "the disks are moved".to_owned(),
        by: user()?,
        key: None,
    };
    Ok(world.ledger.add_silence(new).await?)
}

async fn only(world: &World) -> Result<DueNotice> {
    let mut looks = look(world).await?;
    ensure!(looks.len() == 1, "{looks:?}");
    looks.pop().context("a notice")
}

/// Nothing is told of a notice but that these are held back.
fn held(world: &World, look: &DueNotice, seqs: &[i64], by: &Silence) -> Result<NoticeStep> {
    let step = said(world, look, Some(world.clock.time()))?;
    Ok(NoticeStep {
        notice: look.notice.clone(),
        message: None,
        held: seqs.iter().map(|seq| (*seq, by.silencer(), by.until)).collect(),
        ..step
    })
}

/// What a notice was to tell, and is silenced by now, is told of by none until its silence is over, and then by one, however
/// close in time they are to what was told before.
pub async fn what_is_silenced_by_now_waits_and_is_told_once(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let ledger = &world.ledger;
    let first = join(&world, full("a")?).await?;
    ledger
        .record_notices(vec![said(&world, &only(&world).await?, None)?])
        .await?;
    let second = join(&world, full("b")?).await?;
    let made = silence(&world).await?;
    let one = only(&world).await?;
    ensure!(one.untold == [second] && one.news == [second] && one.held.is_empty());
    ledger
        .record_notices(vec![held(&world, &one, &[second], &made)?])
        .await?;
    let one = only(&world).await?;
    ensure!(one.untold.is_empty() && one.news.is_empty() && one.held == [second]);
    ensure!(
        one.newest == [first],
        "what is held back is told by no repeat either: {one:?}"
    );
    ensure!(ledger.next_release().await? == Some(made.until));

    for again in [true, false] {
        world.clock.advance(HOUR.as_secs());
        let overdue = ledger.overdue().await?.context("its silence is over")?;
        ensure!(overdue.handler == hook()? && overdue.events.len() == 1);
        // It is told that it lasts just when the silence is over, and before anybody looked at what was held back.
        let one = only(&world).await?;
        ensure!(one.untold.is_empty() && one.newest == [first]);
        let mut step = said(&world, &one, None)?;
        step.message = step.message.map(|(new, _)| (new, one.newest.clone()));
        ledger.record_notices(vec![step]).await?;
        let release = Release {
            handler: hook()?,
            held: Vec::new(),
            told: Vec::new(),
            by_notices: vec![second],
            dropped: Vec::new(),
            message: None,
        };
        ledger.release(release).await?;
        let one = only(&world).await?;
        ensure!(one.untold == [second] && one.news == [second] && one.held.is_empty());
        ensure!(one.newest == [first, second]);
        if again {
            // Another silence was made before it was told.
            let made = silence(&world).await?;
            ledger
                .record_notices(vec![held(&world, &one, &[second], &made)?])
                .await?;
            let one = only(&world).await?;
            ensure!(one.untold.is_empty() && one.held == [second]);
        }
    }
    let one = only(&world).await?;
    ledger.record_notices(vec![said(&world, &one, None)?]).await?;
    let third = join(&world, full("b")?).await?;
    ensure!(
        only(&world).await?.untold == [third],
        "it is told once, whatever the time is"
    );
    Ok(())
}

/// Whoever decided by a silence that was ended meanwhile decides again.
pub async fn a_silence_that_was_ended_holds_nothing_back(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let first = join(&world, full("a")?).await?;
    let made = silence(&world).await?;
    let step = held(&world, &only(&world).await?, &[first], &made)?;
    world.ledger.end_silence(made.id, &user()?).await?;
    ensure!(fenced(world.ledger.record_notices(vec![step]).await));
    ensure!(only(&world).await?.untold == [first], "nothing is written");
    Ok(())
}

/// Whether the handler was to hear of the event that ended the incident is known: it matched it, and was not kept from it.
pub async fn an_end_is_heard_by_whom_it_was_for(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    join(&world, full("a")?).await?;
    ensure!(!only(&world).await?.hears_end, "it lasts");
    let end = clear(&world, Clear::Member("job/demo/a".to_owned())).await?;
    let one = only(&world).await?;
    ensure!(one.incident.end_seq == Some(end) && one.hears_end);
    let made = silence(&world).await?;
    world
        .ledger
        .record_notices(vec![held(&world, &one, &[end], &made)?])
        .await?;
    ensure!(!only(&world).await?.hears_end);

    // It matched nothing of it.
    join(&world, full("b")?).await?;
    world.enqueue().await?;
    let mut fanouts = Vec::new();
    for event in world.ledger.take_unmatched(100).await? {
        let step = IncidentStep {
            clears: vec![Clear::Member("job/demo/b".to_owned())],
            ..IncidentStep::default()
        };
        fanouts.push(FanOut {
            seq: event.seq,
            tips: Vec::new(),
            matches: vec![NewMatch {
                handler: "demo/ops/another".parse()?,
            }],
            messages: Vec::new(),
            outcome: None,
            rates: Vec::new(),
            silenced: Vec::new(),
            incident: Some(step),
        });
    }
    world.ledger.record_fanout(fanouts).await?;
    let looks = look(&world).await?;
    let ended = looks.iter().filter(|look| look.incident.end_seq.is_some());
    let heard: Vec<bool> = ended.map(|look| look.hears_end).collect();
    ensure!(heard == [false, false], "{looks:?}");
    Ok(())
}
