//! What attempts moved is counted with their ends and added up; datastores are sampled; reports are found again.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{
    DatastoreStatus, GroupScope, NewTask, Outcome, Page, ReportFilter, Statistics, StatisticsBy,
    StatisticsFilter, Task, TaskFilter,
};
use ironcore_types::event::ErrorData;
use ironcore_types::progress::{Progress, Stage, TaskStats};
use ironcore_types::statistics::{Bucket, Sums};
use ironcore_types::verification::{VerifyDepth, VerifyFailure, VerifyReport, VerifyResult};
use ironcore_types::{ErrorCode, ProjectName, SessionId, TaskId, TaskSpec, TaskState, TaskType, Timestamp};
use serde_json::json;

use super::{Place, World, backup, demo, user};

/// What a run of the suite moves: `n` times this.
fn stats(n: u64) -> TaskStats {
    TaskStats {
        bytes: 1_000 * n,
        bytes_read: 600 * n,
        bytes_logical: 1_000 * n,
        bytes_new: 300 * n,
        bytes_stored: 100 * n,
        chunks: 10 * n,
        chunks_known: 8 * n,
        files: 4 * n,
        files_unchanged: 2 * n,
        ..TaskStats::default()
    }
}

/// What `runs` runs come to that took `seconds` each and moved `n` together.
fn sums(runs: u64, seconds: u64, n: u64) -> Sums {
    Sums {
        runs,
        duration_us: runs * seconds * 1_000_000,
        ..Sums::of(TaskType::Backup, TaskState::Ok, 0, &stats(n))
    }
}

/// Runs the task that waits for ten seconds.
async fn run(world: &World, session: SessionId, outcome: Outcome) -> Result<Task> {
    let task = world.claim_one(session).await?;
    world.clock.advance(10);
    world.ledger.renew(session, &[task.id]).await?;
    Ok(world.ledger.finish(task.id, session, outcome).await?.task)
}

fn done(n: u64) -> Outcome {
    Outcome {
        stats: stats(n),
        ..Outcome::new(TaskState::Ok)
    }
}

fn failure() -> Outcome {
    Outcome::failed(ErrorData {
        code: ErrorCode::SourceUnreachable,
        message: "no such folder".to_owned(),
    })
}

fn all() -> StatisticsFilter {
    StatisticsFilter::default()
}

async fn totals(world: &World, filter: StatisticsFilter) -> Result<Sums> {
    Ok(world.ledger.statistics(&filter).await?.total)
}

/// Each attempt counts once, when it ends, with what it moved when it ended well.
pub async fn attempts_are_counted_with_their_end(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    ensure!(world.ledger.statistics(&all()).await? == Statistics::default());
    world.enqueue().await?;
    let task = run(&world, session, done(1)).await?;
    ensure!(totals(&world, all()).await? == sums(1, 10, 1));
    // Who is too late counts nothing.
    let late = world.ledger.finish(task.id, session, done(5)).await;
    ensure!(super::fenced(late));
    ensure!(totals(&world, all()).await? == sums(1, 10, 1));

    world.enqueue().await?;
    let failed = Outcome {
        stats: stats(9),
        ..failure()
    };
    run(&world, session, failed).await?;
    let expected = Sums {
        failed: 1,
        ..sums(1, 10, 1)
    };
    ensure!(
        totals(&world, all()).await? == expected,
        "what a failed attempt moved is not known"
    );
    // One that never ran is no attempt.
    let waits = world.enqueue().await?;
    world.ledger.cancel(&waits.upid, &user()?).await?;
    ensure!(totals(&world, all()).await? == expected);
    world.enqueue().await?;
    run(&world, session, Outcome::new(TaskState::Cancelled)).await?;
    let expected = Sums {
        cancelled: 1,
        ..expected
    };
    ensure!(totals(&world, all()).await? == expected);

    // Many at once, one of them twice: refused alone.
    world.enqueue().await?;
    world.enqueue().await?;
    let two = world.claim(session, 2).await?;
    let [first, second] = two.as_slice() else {
        anyhow::bail!("two tasks: {two:?}");
    };
    let ends = [(first.id, done(2)), (second.id, done(3)), (first.id, done(4))];
    let ended = world.ledger.finish_all(session, ends.to_vec()).await?;
    ensure!(ended.iter().filter(|end| end.is_ok()).count() == 2);
    let all_of_them = totals(&world, all()).await?;
    ensure!(
        all_of_them.runs == 3 && all_of_them.bytes == 6_000,
        "{all_of_them:?}"
    );
    Ok(())
}

/// What the commands around a task take is no time of its work: rates go without it.
pub async fn commands_are_no_time_of_the_work(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    world.enqueue().await?;
    let task = world.claim_one(session).await?;
    let began = world.clock.time();
    let stage = |name: &str, from: u64, until: u64| Stage {
        name: name.to_owned(),
        started: Some(began.after(Duration::from_secs(from))),
        ended: Some(began.after(Duration::from_secs(until))),
        ..Stage::default()
    };
    let stages = vec![
        stage(Stage::COMMAND_BEFORE, 0, 17),
        stage("read source", 17, 19),
        stage(Stage::COMMAND_AFTER, 19, 20),
    ];
    world.clock.advance(20);
    let outcome = Outcome {
        progress: Progress { stages },
        ..done(1)
    };
    world.ledger.finish(task.id, session, outcome).await?;
    let found = totals(&world, all()).await?;
    ensure!(found == sums(1, 2, 1), "{found:?}");
    ensure!(found.metrics().read_rate == Some(300));
    Ok(())
}

/// A cancelled run is no failure and no success: it is counted apart, and no good run of its job.
pub async fn cancelled_runs_are_counted_apart(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let job = world
        .job("nightly", json!({ "retries": 3, "retry-delay": "0s" }))
        .await?;
    let (project, name) = (demo()?, job.name.clone());
    let of_job = || StatisticsFilter {
        job: Some(name.clone()),
        ..all()
    };
    let newest = async || -> Result<Option<TaskId>> {
        let names = [(project.clone(), name.clone())];
        let found = world.ledger.freshness(&names).await?;
        Ok(found
            .into_iter()
            .next()
            .context("the job")?
            .newest
            .map(|run| run.task))
    };
    world.enqueue_job(&job).await?;
    let good = run(&world, session, done(1)).await?;

    // Asked to stop, lost while it was, or a worker that goes: each of them is cancelled.
    let cancel = async || -> Result<Task> {
        world.enqueue_job(&job).await?;
        let task = world.claim_one(session).await?;
        world.ledger.cancel(&task.upid, &user()?).await?;
        Ok(task)
    };
    let task = cancel().await?;
    let stopped = Outcome {
        stats: stats(9),
        ..Outcome::new(TaskState::Cancelled)
    };
    let ended = world.ledger.finish(task.id, session, stopped).await?;
    ensure!(ended.follow_ups.is_empty(), "it is not tried again");
    let task = cancel().await?;
    let ended = world.ledger.hand_over(task.id, session).await?;
    ensure!(ended.task.state == TaskState::Cancelled && ended.follow_ups.is_empty());
    let task = cancel().await?;
    world.clock.advance(31);
    ensure!(world.ledger.reap().await? == [task.id]);

    let expected = Sums {
        cancelled: 3,
        ..sums(1, 10, 1)
    };
    let found = totals(&world, of_job()).await?;
    ensure!(found == expected, "{found:?}");
    ensure!(newest().await? == Some(good.id));
    ensure!(world.ledger.good_runs(&project, &name, 10).await?.len() == 1);
    let failed = TaskFilter {
        states: vec![TaskState::Failed],
        ..TaskFilter::default()
    };
    ensure!(
        world
            .ledger
            .tasks(&failed, &Page::first(10))
            .await?
            .tasks
            .is_empty()
    );
    Ok(())
}

fn spec(value: serde_json::Value) -> Result<TaskSpec> {
    Ok(serde_json::from_value(value)?)
}

/// Sums by project, job, datastore, type and time, and by spans of UTC.
pub async fn sums_are_filtered_and_split(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let job = world.job("nightly", json!({})).await?;
    let other: ProjectName = "other".parse()?;
    let sync = json!({ "type": "sync", "from": { "datastore": "ibs-primary" }, "to": "ibs-archival" });
    let start = world.clock.time();
    world.enqueue_job(&job).await?;
    run(&world, session, done(1)).await?;
    world
        .ledger
        .enqueue(NewTask::new(Some(other.clone()), user()?, backup()?))
        .await?;
    run(&world, session, done(2)).await?;
    // The clock of the suite begins at noon; this is the next day.
    world.clock.advance(12 * 3600);
    let next_day = world.clock.time();
    // Its lease is long over.
    let session = world.worker().await?;
    world
        .ledger
        .enqueue(NewTask::new(None, user()?, spec(sync)?))
        .await?;
    run(&world, session, done(4)).await?;

    let project = |name: &ProjectName| StatisticsFilter {
        project: Some(name.clone()),
        ..all()
    };
    ensure!(totals(&world, project(&demo()?)).await? == sums(1, 10, 1));
    ensure!(totals(&world, project(&other)).await? == sums(1, 10, 2));
    let of_job = StatisticsFilter {
        job: Some(job.name.clone()),
        ..project(&demo()?)
    };
    ensure!(totals(&world, of_job).await? == sums(1, 10, 1));
    let on = |name: &str| -> Result<StatisticsFilter> {
        Ok(StatisticsFilter {
            datastore: Some(name.parse()?),
            ..all()
        })
    };
    ensure!(totals(&world, on("ibs-primary")?).await? == sums(2, 10, 3));
    ensure!(
        totals(&world, on("ibs-archival")?).await? == sums(1, 10, 4),
        "a sync counts where it writes"
    );
    let types = StatisticsFilter {
        types: vec![TaskType::Sync, TaskType::Gc],
        ..all()
    };
    ensure!(totals(&world, types).await? == sums(1, 10, 4));
    let since = StatisticsFilter {
        since: Some(next_day),
        ..all()
    };
    ensure!(totals(&world, since).await? == sums(1, 10, 4));
    let until = StatisticsFilter {
        since: Some(start),
        until: Some(next_day),
        ..all()
    };
    ensure!(totals(&world, until).await? == sums(2, 10, 3));

    for (bucket, expected) in [
        (Bucket::None, vec![]),
        (Bucket::Hour, vec![(start, 3), (next_day, 4)]),
        (Bucket::Day, vec![(start, 3), (next_day, 4)]),
        (Bucket::Week, vec![(start, 7)]),
    ] {
        let found = world
            .ledger
            .statistics(&StatisticsFilter { bucket, ..all() })
            .await?;
        ensure!(found.total == sums(3, 10, 7) && found.parts.is_empty());
        let series: Vec<(Timestamp, u64)> = found
            .series
            .iter()
            .map(|span| (span.start, span.sums.bytes / 1_000))
            .collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(time, n)| (bucket.start(time), n))
            .collect();
        ensure!(series == expected, "{bucket}: {series:?}");
    }

    let by = |by| StatisticsFilter { by, ..all() };
    let jobs = world.ledger.statistics(&by(StatisticsBy::Job)).await?;
    let named: Vec<_> = jobs
        .parts
        .iter()
        .map(|part| (part.project.clone(), part.job.clone(), part.sums.bytes))
        .collect();
    let expected = [
        (None, None, 4_000),
        (Some(demo()?), Some(job.name), 1_000),
        (Some(other), None, 2_000),
    ];
    ensure!(named == expected, "{named:?}");
    let datastores = world.ledger.statistics(&by(StatisticsBy::Datastore)).await?;
    let named: Vec<_> = datastores
        .parts
        .iter()
        .map(|part| (part.datastore.as_ref().map(|name| name.as_str()), part.sums.bytes))
        .collect();
    ensure!(
        named == [(Some("ibs-archival"), 4_000), (Some("ibs-primary"), 3_000)],
        "{named:?}"
    );
    Ok(())
}

/// One sample an hour, of datastores that are there; what is old is forgotten.
pub async fn datastores_are_sampled(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let name = "ibs-primary".parse()?;
    let start = world.clock.time();
    let note = async |online: bool, used: Option<u64>| -> Result<Vec<u64>> {
        let status = DatastoreStatus {
            online,
            used,
            free: used.map(|used| 1_000 - used),
            reason: None,
            at: world.clock.time(),
        };
        world.ledger.set_datastore_status(&name, &status).await?;
        let kept = world.ledger.datastore_usage(&name, start).await?;
        ensure!(
            kept.iter()
                .all(|point| point.used_bytes + point.free_bytes == 1_000)
        );
        Ok(kept.into_iter().map(|point| point.used_bytes).collect())
    };
    ensure!(note(true, Some(100)).await? == [100]);
    world.clock.advance(3_599);
    ensure!(note(true, Some(101)).await? == [100], "the first of the hour");
    world.clock.advance(1);
    ensure!(note(true, Some(102)).await? == [100, 102]);
    world.clock.advance(3_600);
    ensure!(note(false, Some(103)).await? == [100, 102], "it is not there");
    ensure!(note(true, None).await? == [100, 102], "it has no limit");
    world.clock.advance(60);
    let third = world.clock.time();
    ensure!(note(true, Some(104)).await? == [100, 102, 104]);
    let late = world.ledger.datastore_usage(&name, third).await?;
    ensure!(late.len() == 1 && late[0].at == third, "{late:?}");

    world.enqueue().await?;
    let session = world.worker().await?;
    run(&world, session, done(1)).await?;
    let ended = world.clock.time();
    ensure!(world.ledger.forget_statistics(third).await? == 2);
    ensure!(world.ledger.forget_statistics(third).await? == 0);
    ensure!(world.ledger.datastore_usage(&name, start).await? == late);
    ensure!(totals(&world, all()).await?.runs == 1);
    world.clock.advance(1);
    ensure!(world.ledger.forget_statistics(world.clock.time()).await? == 2);
    ensure!(totals(&world, all()).await? == Sums::default(), "{ended} is past");

    note(true, Some(105)).await?;
    world.ledger.delete_datastore(&name).await?;
    ensure!(world.ledger.datastore_usage(&name, start).await?.is_empty());
    Ok(())
}

pub(super) fn report(snapshot: &str, started: Timestamp, result: VerifyResult) -> Result<VerifyReport> {
    Ok(VerifyReport {
        snapshot: snapshot.parse()?,
        started,
        duration_us: 7,
        depth: VerifyDepth::Full,
        chunks: 12,
        result,
        failure: result.is_bad().then(|| VerifyFailure {
            code: ErrorCode::ChunkCorrupt,
            chunk: Some("ab".repeat(32)),
            reason: "it does not match".to_owned(),
        }),
    })
}

/// Reports are listed newest first, with everything that was found, by whatever they are looked for.
pub async fn reports_are_listed(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let store = "ibs-primary".parse()?;
    let verify = json!({ "type": "verify", "datastore": "ibs-primary" });
    let job = world.job("weekly", json!({ "task": verify })).await?;
    let (one, two) = ("host/a/2026-05-21T00:00:00Z", "ns/x/host/a/2026-05-21T00:00:00Z");
    let start = world.clock.time();
    let mut recorded = Vec::new();
    use VerifyResult::{Corrupt, Missing, Ok as Fine, Stale};
    for (of_job, snapshot, result) in [
        (true, one, Fine),
        (false, two, Fine),
        (true, one, Corrupt),
        (true, two, Missing),
    ] {
        if of_job {
            world.enqueue_job(&job).await?;
        } else {
            let new = NewTask::new(Some(demo()?), user()?, spec(verify.clone())?);
            world.ledger.enqueue(new).await?;
        }
        let task = world.claim_one(session).await?;
        let found = report(snapshot, world.clock.time(), result)?;
        world
            .ledger
            .record_verification(task.id, session, &store, &found)
            .await?;
        world
            .ledger
            .finish(task.id, session, Outcome::new(TaskState::Ok))
            .await?;
        recorded.push((task.upid, found));
        world.clock.advance(10);
        world.ledger.renew(session, &[]).await?;
    }
    let wanted = ReportFilter {
        datastore: store.clone(),
        groups: GroupScope::All,
        snapshot: None,
        job: None,
        results: Vec::new(),
        stale_before: Timestamp::EPOCH,
        since: None,
        until: None,
        latest: false,
    };
    // Which of those that were recorded are found, by their place.
    let find = async |filter: ReportFilter| -> Result<Vec<usize>> {
        let page = world
            .ledger
            .verification_reports(&filter, &Page::first(10))
            .await?;
        ensure!(page.next.is_none() && page.total.value == page.reports.len() as u64);
        let place = |upid| {
            recorded
                .iter()
                .position(|(known, _)| known == upid)
                .context("recorded")
        };
        page.reports.iter().map(|row| place(&row.upid)).collect()
    };
    ensure!(find(wanted.clone()).await? == [3, 2, 1, 0]);
    let page = world
        .ledger
        .verification_reports(&wanted, &Page::first(3))
        .await?;
    ensure!(page.reports.len() == 3 && page.total.value == 4);
    ensure!(page.reports[1].report == recorded[2].1 && page.reports[1].job == Some(job.name.clone()));
    ensure!(page.reports[2].job.is_none());
    let rest = Page::after(3, page.next.context("another page")?);
    let page = world.ledger.verification_reports(&wanted, &rest).await?;
    ensure!(page.next.is_none() && page.reports.len() == 1 && page.reports[0].report == recorded[0].1);

    let snapshot = |text: &str| -> Result<ReportFilter> {
        Ok(ReportFilter {
            snapshot: Some(text.parse()?),
            ..wanted.clone()
        })
    };
    ensure!(find(snapshot(one)?).await? == [2, 0] && find(snapshot(two)?).await? == [3, 1]);
    let by_job = ReportFilter {
        job: Some(job.name.clone()),
        ..wanted.clone()
    };
    ensure!(find(by_job).await? == [3, 2, 0]);
    let latest = ReportFilter {
        latest: true,
        ..wanted.clone()
    };
    ensure!(find(latest).await? == [3, 2]);
    let at = |seconds: u64| start.after(std::time::Duration::from_secs(seconds));
    let between = ReportFilter {
        since: Some(at(10)),
        until: Some(at(30)),
        ..wanted.clone()
    };
    ensure!(find(between).await? == [2, 1]);
    for (results, expected) in [
        (vec![Fine], vec![1]),
        (vec![Stale], vec![0]),
        (vec![Fine, Stale], vec![1, 0]),
        (vec![Corrupt], vec![2]),
        (vec![Missing, Stale], vec![3, 0]),
    ] {
        let filter = ReportFilter {
            results,
            stale_before: at(10),
            ..wanted.clone()
        };
        ensure!(find(filter.clone()).await? == expected, "{:?}", filter.results);
    }
    let group = || -> Result<Vec<_>> { Ok(vec!["ns/x/host/a".parse()?]) };
    for (groups, expected) in [
        (GroupScope::Only(group()?), vec![3, 1]),
        (GroupScope::AllBut(group()?), vec![2, 0]),
        (GroupScope::Only(Vec::new()), vec![]),
        (GroupScope::AllBut(Vec::new()), vec![3, 2, 1, 0]),
    ] {
        let filter = ReportFilter {
            groups,
            ..wanted.clone()
        };
        ensure!(find(filter.clone()).await? == expected, "{:?}", filter.groups);
    }
    let elsewhere = ReportFilter {
        datastore: "ibs-archival".parse()?,
        ..wanted.clone()
    };
    ensure!(find(elsewhere).await?.is_empty());
    Ok(())
}
