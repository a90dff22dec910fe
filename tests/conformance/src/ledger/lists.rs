//! Lists of tasks: filters, pages, counts. How tasks come to be what they are is left to `tasks`.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use ironcore_ledger::model::{NewTask, Outcome, Page, Task, TaskFilter};
use ironcore_types::{ErrorCode, TaskSpec, TaskState, TaskType, Timestamp};
use serde_json::json;

use super::tasks::full_disk;
use super::{Place, World, demo, user};

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
    // Many who ask at once, of few connections: nobody holds one while waiting for another.
    let (filter, first) = (TaskFilter::default(), Page::first(1));
    let lists = (0..64).map(|_| world.ledger.tasks(&filter, &first));
    let pages = futures::future::try_join_all(lists).await?;
    ensure!(pages.iter().all(|other| other.total == page.total));
    Ok(())
}

/// Numbers that look like chance and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % n
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Tasks of all kinds, in all states.
async fn all_kinds(world: &World, dice: &mut Dice) -> Result<Vec<Task>> {
    let session = world.worker().await?;
    let mut jobs = Vec::new();
    for name in ["daily", "weekly", "other-daily"] {
        jobs.push(world.job(name, json!({})).await?);
    }
    for number in 0..180 {
        let spec = match dice.below(4) {
            0 => json!({ "type": "gc", "datastore": "ibs-archival" }),
            1 => json!({ "type": "sync", "from": { "datastore": "ibs-primary" }, "to": "ibs-archival" }),
            _ => json!({
                "type": "backup", "source": { "tree": format!("/srv/Tree_{}%", number % 5) },
                "datastore": "ibs-primary", "backup-id": format!("host-{}", number % 7),
            }),
        };
        let spec: TaskSpec = serde_json::from_value(spec)?;
        let who = dice.one(&["ops@hub", "eve@hub", "ops@hub!nightly"]).parse()?;
        let archival = spec
            .datastores()
            .iter()
            .any(|name| name.as_str() == "ibs-archival");
        let project = if archival || dice.below(2) == 0 {
            demo()?
        } else {
            "other".parse()?
        };
        let mut new = NewTask::new((dice.below(8) > 0).then(|| project.clone()), who, spec);
        if new.project == Some(demo()?) && dice.below(2) == 0 {
            new.job = Some(dice.one(&jobs).name.clone());
        }
        let task = world.ledger.enqueue(new).await?;
        world.clock.advance(u64::try_from(dice.below(90))?);
        if dice.below(6) == 0 {
            world.ledger.cancel(&task.upid, &user()?).await?;
        }
        if dice.below(3) > 0 {
            for claimed in world.claim(session, 2).await? {
                world.clock.advance(1);
                let outcome = match dice.below(5) {
                    0 => full_disk(),
                    1 => Outcome::new(TaskState::Warning),
                    2 => continue,
                    _ => Outcome::new(TaskState::Ok),
                };
                world.ledger.finish(claimed.id, session, outcome).await?;
            }
        }
        world.ledger.renew(session, &[]).await?;
    }
    let all = world
        .ledger
        .tasks(&TaskFilter::default(), &Page::first(1_000))
        .await?;
    Ok(all.tasks)
}

fn shown(task: &Task) -> Timestamp {
    task.started.unwrap_or(task.queued)
}

/// What the filter means, task by task.
fn passes(filter: &TaskFilter, task: &Task) -> Result<bool> {
    let texts = [
        task.spec.source(),
        task.spec.target(),
        task.job.as_ref().map(ToString::to_string),
        Some(task.upid.to_string()),
        // As people read it.
        task.error
            .as_ref()
            .map(|error| format!("{} [{}]", error.message, error.code)),
    ];
    let holds = |needle: &String| {
        let needle = needle.to_ascii_lowercase();
        texts
            .iter()
            .flatten()
            .any(|text| text.to_ascii_lowercase().contains(&needle))
    };
    Ok(
        (filter.types.is_empty() || filter.types.contains(&task.task_type()))
            && (filter.states.is_empty() || filter.states.contains(&task.state))
            && filter.since.is_none_or(|since| shown(task) >= since)
            && filter.until.is_none_or(|until| shown(task) < until)
            && filter.user.as_ref().is_none_or(|user| task.user == *user)
            && filter
                .project
                .as_ref()
                .is_none_or(|project| task.project.as_ref() == Some(project))
            && filter
                .job
                .as_ref()
                .is_none_or(|job| task.job.as_ref() == Some(job))
            && filter
                .source
                .as_ref()
                .is_none_or(|source| task.spec.source().as_ref() == Some(source))
            && filter
                .target
                .as_ref()
                .is_none_or(|target| task.spec.target().as_ref() == Some(target))
            && filter.text.as_ref().is_none_or(holds),
    )
}

/// Some of what can be asked for, mostly of tasks that are there.
fn any_filter(all: &[Task], dice: &mut Dice) -> TaskFilter {
    let mut filter = TaskFilter::default();
    let like = dice.one(all);
    let asked = |dice: &mut Dice| dice.below(4) == 0;
    if asked(dice) {
        filter.types = vec![like.task_type(), *dice.one(TaskType::ALL)];
    }
    if asked(dice) {
        filter.states = vec![like.state, *dice.one(&[TaskState::Failed, TaskState::Queued])];
    }
    if asked(dice) {
        filter.since = Some(shown(dice.one(all)));
    }
    if asked(dice) {
        filter.until = Some(shown(dice.one(all)));
    }
    if asked(dice) {
        filter.user = Some(like.user.clone());
    }
    if asked(dice) {
        filter.project = like.project.clone();
    }
    if asked(dice) {
        filter.job = like.job.clone();
    }
    if asked(dice) {
        filter.source = like.spec.source();
    }
    if asked(dice) {
        filter.target = like.spec.target();
    }
    if asked(dice) {
        let upid = like.upid.to_string();
        filter.text = Some(match dice.below(8) {
            0 => upid,
            1 => upid[10..40].to_ascii_lowercase(),
            2 => "no SPACE".to_owned(),
            3 => "tree_".to_owned(),
            4 => "%".to_owned(),
            5 => "e_".to_owned(),
            6 => like.spec.target().unwrap_or_default(),
            _ => "nowhere".to_owned(),
        });
    }
    filter
}

/// Whatever is asked for together, a list holds what going through all tasks one by one would find.
pub async fn lists_hold_what_passes(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let mut dice = Dice(2026);
    let all = all_kinds(&world, &mut dice).await?;
    let mut states: BTreeMap<TaskState, usize> = BTreeMap::new();
    for task in &all {
        *states.entry(task.state).or_default() += 1;
    }
    ensure!(all.len() == 180 && states.len() == 6, "{states:?}");
    let mut found_some = 0;
    for _ in 0..400 {
        let filter = any_filter(&all, &mut dice);
        let mut expected = Vec::new();
        for task in &all {
            if passes(&filter, task)? {
                expected.push(task.id);
            }
        }
        let (mut seen, mut page) = (Vec::new(), Page::first(7));
        loop {
            let part = world.ledger.tasks(&filter, &page).await?;
            ensure!(
                part.total.value == u64::try_from(expected.len())? && !part.total.more,
                "{filter:?}: {} of {}",
                part.total,
                expected.len()
            );
            seen.extend(part.tasks.iter().map(|task| task.id));
            match part.next {
                Some(next) => page = Page::after(7, next),
                None => break,
            }
        }
        ensure!(seen == expected, "{filter:?}: {seen:?} instead of {expected:?}");
        found_some += usize::from(!seen.is_empty());
    }
    ensure!(found_some > 150, "{found_some} filters found anything");
    Ok(())
}
