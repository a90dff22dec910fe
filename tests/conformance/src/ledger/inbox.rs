//! The inbox shows every event of its scope, whatever was delivered.

use anyhow::{Result, ensure};
use ironcore_ledger::model::{AttemptOutcome, FinishAttempt, InboxEntry, NewEvent, Page, Scope};
use ironcore_types::{EventData, EventType, Severity};

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
    };
    world.ledger.finish_attempt(done).await?;
    let project = Scope::Project(demo()?);
    let page = world
        .ledger
        .inbox(&project, &user()?, false, &Page::default())
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
        .inbox(&Scope::All, &user()?, false, &Page::default())
        .await?;
    ensure!(
        page.items.len() == 2 && page.items[0].event.event.id == queued,
        "newest first"
    );
    ensure!(page.items[1].entry.is_none());
    ensure!(
        world
            .ledger
            .mark_read(&project, &user()?, &[queued, online], true)
            .await?
            == 1,
        "only in scope"
    );
    ensure!(
        world
            .ledger
            .mark_read(&project, &user()?, &[queued], true)
            .await?
            == 0,
        "once"
    );
    let page = world
        .ledger
        .inbox(&Scope::All, &user()?, true, &Page::default())
        .await?;
    ensure!(page.items.len() == 1 && page.items[0].event.event.id == online && page.unread.value == 1);
    let other = "someone@else".parse()?;
    ensure!(
        world
            .ledger
            .inbox(&project, &other, true, &Page::default())
            .await?
            .unread
            .value
            == 1,
        "per user"
    );
    ensure!(
        world
            .ledger
            .mark_read(&project, &user()?, &[queued], false)
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
        .inbox(&project, &user()?, false, &Page::first(4))
        .await?;
    let cursor = first.next.clone().unwrap_or_default();
    let rest = world
        .ledger
        .inbox(&project, &user()?, false, &Page::after(4, cursor))
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
        .inbox(&project, &user()?, false, &Page::default())
        .await?;
    ensure!(page.unread.value == 1 && !page.items[0].read && page.items[1].read);
    let events = world.ledger.events_after(last - 2, 10, &project).await?;
    ensure!(events.iter().map(|e| e.seq).collect::<Vec<_>>() == [last - 1, last]);
    Ok(())
}
