//! Lists of tasks: filters, pages, counts. How tasks come to be what they are is left to `tasks`.

use anyhow::{Result, ensure};
use ironcore_ledger::model::{Page, TaskFilter};
use ironcore_types::{ErrorCode, TaskState};

use super::tasks::full_disk;
use super::{Place, World, user};

/// Filters combine; pages follow one another without gaps or repeats while tasks come and change.
pub async fn lists_filter_and_page(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let mut ids = Vec::new();
    for _ in 0..25 {
        ids.push(world.enqueue().await?.id);
        world.clock.advance(60);
    }
    let failed = world.claim_one(session).await?;
    world.ledger.finish(failed.id, session, full_disk()).await?;
    let mut seen = Vec::new();
    let mut page = Page::first(10);
    loop {
        let part = world.ledger.tasks(&TaskFilter::default(), &page).await?;
        ensure!(part.total.value >= 25);
        seen.extend(part.tasks.iter().map(|t| t.id));
        // A new task and a changed one must not move those that follow.
        world.enqueue().await?;
        world.claim_one(session).await?;
        match part.next {
            Some(next) => page = Page::after(10, next),
            None => break,
        }
    }
    ids.reverse();
    ensure!(seen == ids, "{seen:?}");
    let count = async |filter: TaskFilter| -> Result<u64> {
        let page = world.ledger.tasks(&filter, &Page::first(1_000)).await?;
        ensure!(page.tasks.len() as u64 == page.total.value && !page.total.more);
        Ok(page.total.value)
    };
    ensure!(
        count(TaskFilter {
            states: vec![TaskState::Failed],
            ..TaskFilter::default()
        })
        .await?
            == 1
    );
    ensure!(
        count(TaskFilter {
            types: vec![ironcore_types::TaskType::Gc],
            ..TaskFilter::default()
        })
        .await?
            == 0
    );
    ensure!(
        count(TaskFilter {
            project: Some("other".parse()?),
            ..TaskFilter::default()
        })
        .await?
            == 0
    );
    ensure!(
        count(TaskFilter {
            user: Some(user()?),
            ..TaskFilter::default()
        })
        .await?
            >= 25
    );
    ensure!(
        count(TaskFilter {
            text: Some("NO SPACE".to_owned()),
            ..TaskFilter::default()
        })
        .await?
            == 1
    );
    ensure!(
        count(TaskFilter {
            text: Some("100%".to_owned()),
            ..TaskFilter::default()
        })
        .await?
            == 0,
        "% is text"
    );
    ensure!(
        count(TaskFilter {
            target: Some("ibs-primary:host/demo".to_owned()),
            ..TaskFilter::default()
        })
        .await?
            >= 25
    );
    // The failed task was enqueued first but started last: --since looks at the start.
    let since = TaskFilter {
        since: Some(world.clock.time()),
        states: vec![TaskState::Failed],
        ..TaskFilter::default()
    };
    ensure!(count(since).await? == 1);
    let until = TaskFilter {
        until: Some(world.clock.time()),
        states: vec![TaskState::Failed],
        ..TaskFilter::default()
    };
    ensure!(count(until).await? == 0);
    let error = world
        .ledger
        .tasks(&TaskFilter::default(), &Page::after(10, "nonsense"))
        .await
        .err();
    ensure!(error.map(|e| e.code()) == Some(ErrorCode::RequestInvalid));
    Ok(())
}

/// Counting stops at 10,000.
pub async fn counts_are_capped(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    for _ in 0..50 {
        let batch = (0..201).map(|_| world.enqueue());
        futures::future::try_join_all(batch).await?;
    }
    let page = world
        .ledger
        .tasks(&TaskFilter::default(), &Page::first(1))
        .await?;
    ensure!(page.total.to_string() == "10,000+" && page.total.more);
    Ok(())
}
