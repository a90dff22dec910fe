//! Logs by line, progress, wake-ups, verification records.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_ledger::model::{LogLevel, NewLogLine, NewTask, Outcome, Task};
use ironcore_types::event::ErrorData;
use ironcore_types::progress::{Progress, Stage};
use ironcore_types::verification::{VerifyDepth, VerifyFailure, VerifyReport, VerifyResult};
use ironcore_types::{ErrorCode, EventType, SessionId, Severity, TaskState};
use serde_json::json;

use super::{Place, World, demo, user};

/// Followers read every line once, in whatever portions it was written and is read.
pub async fn logs_are_read_by_line(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    world.enqueue().await?;
    let task = world.claim_one(session).await?;
    let mut logs = world.ledger.wakes().logs;
    let mut written = Vec::new();
    for portion in [1_usize, 7, 64, 0, 3, 500] {
        let lines: Vec<_> = (0..portion)
            .map(|at| NewLogLine {
                time: world.clock.time(),
                level: LogLevel::Warn,
                text: format!("line {} \u{2713}", written.len() + at + 1),
            })
            .collect();
        let last = world.ledger.append_log(task.id, session, &lines).await?;
        written.extend(lines);
        ensure!(last == written.len() as u64);
    }
    ensure!(logs.has_changed()?, "followers are woken");
    logs.mark_unchanged();
    ensure!(world.ledger.log_lines(task.id).await? == 575);
    for step in [1, 10, 1_000] {
        let mut read = Vec::new();
        let mut after = if step == 1 { 560 } else { 0 };
        let skipped = after;
        loop {
            let lines = world.ledger.log_after(task.id, after, step).await?;
            let Some(last) = lines.last() else { break };
            ensure!(lines.len() <= step as usize && lines[0].line == after + 1);
            after = last.line;
            read.extend(lines);
        }
        let texts: Vec<_> = read.iter().map(|l| &l.text).collect();
        let wanted: Vec<_> = written[skipped as usize..].iter().map(|l| &l.text).collect();
        ensure!(texts == wanted, "step {step}");
    }
    let shown = world.ledger.log_after(task.id, 0, 1).await?[0].to_string();
    ensure!(
        shown == format!("{:.3} warn  line 1 \u{2713}", world.clock.time()),
        "{shown}"
    );
    ensure!(world.ledger.log_after(task.id, 575, 10).await?.is_empty());
    Ok(())
}

/// The last line of every log says how its task ended, whoever wrote the end; nothing comes after it.
pub async fn every_log_has_an_end(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let lines = |texts: &[&str]| -> Vec<NewLogLine> {
        let line = |text: &&str| NewLogLine {
            time: world.clock.time(),
            level: LogLevel::Info,
            text: (*text).to_owned(),
        };
        texts.iter().map(line).collect()
    };
    // What the log holds: all that was written before, numbered without gaps, and then the end.
    let ends = async |task: &Task, before: usize, wanted: &str, level: LogLevel| -> Result<()> {
        let log = world.ledger.log_after(task.id, 0, 100).await?;
        let last = log.last().context("an end")?;
        ensure!(
            last.text == wanted && last.level == level,
            "{last:?}, not {wanted}"
        );
        ensure!(log.len() == before + 1 && log.iter().map(|line| line.line).eq(1..=log.len() as u64));
        let stored = world.ledger.task(&task.upid).await?.context("the task")?;
        ensure!(stored.log_lines == log.len() as u64 && stored.ended == Some(last.time));
        let told = world.ledger.events_of_task(task.id).await?;
        let tail = told.iter().rev().find_map(|row| {
            let data = row.event.data.task.as_ref()?;
            (data.state == stored.state).then(|| data.log_tail.clone())
        });
        let tail = tail.context("the event of its end")?;
        ensure!(
            tail.len() == log.len() && tail.last() == Some(&last.to_string()),
            "{tail:?}"
        );
        Ok(())
    };
    let run = async |session, written: &[&str]| -> Result<Task> {
        world.enqueue().await?;
        let task = world.claim_one(session).await?;
        if !written.is_empty() {
            world.ledger.append_log(task.id, session, &lines(written)).await?;
        }
        Ok(task)
    };
    let session = world.worker().await?;

    let task = run(session, &["one", "two"]).await?;
    let mut done = Outcome::new(TaskState::Warning);
    (done.stats.bytes, done.stats.files, done.warning_count) = (12, 3, 1);
    world.ledger.finish(task.id, session, done).await?;
    ends(
        &task,
        2,
        "ended WARNING: 12 bytes, 3 files, 1 warnings",
        LogLevel::Info,
    )
    .await?;
    ensure!(super::fenced(
        world.ledger.append_log(task.id, session, &lines(&["late"])).await
    ));

    let task = run(session, &[]).await?;
    let late = Outcome::failed(ErrorData {
        code: ErrorCode::TaskTimeout,
        message: "it took too long,\nand more".to_owned(),
    });
    world.ledger.finish(task.id, session, late).await?;
    let text = "ended FAILED: it took too long, and more [task.timeout]";
    ends(&task, 0, text, LogLevel::Error).await?;

    let task = run(session, &["one"]).await?;
    world.ledger.hand_over(task.id, session).await?;
    let text = "ended FAILED: the worker was stopped; the task is done again [worker.stopped]";
    ends(&task, 1, text, LogLevel::Warn).await?;
    let again = world.claim_one(session).await?;
    ensure!(again.log_lines == 0, "the next attempt has a log of its own");
    world.ledger.cancel(&again.upid, &user()?).await?;
    let cancelled = Outcome::new(TaskState::Cancelled);
    world.ledger.finish(again.id, session, cancelled).await?;
    ends(&again, 0, "ended CANCELLED by ops@hub: 0 bytes", LogLevel::Warn).await?;

    let queued = world.enqueue().await?;
    let mut logs = world.ledger.wakes().logs;
    world.ledger.cancel(&queued.upid, &user()?).await?;
    let woken = tokio::time::timeout(Duration::from_secs(30), logs.changed()).await;
    woken.context("followers are woken")??;
    let text = "ended CANCELLED by ops@hub, before it began";
    ends(&queued, 0, text, LogLevel::Warn).await?;
    world.ledger.cancel(&queued.upid, &user()?).await?;
    ends(&queued, 0, text, LogLevel::Warn).await?;

    // Whether a worker goes or is lost: what it still says is too late.
    let leaves = run(session, &["one", "two", "three"]).await?;
    world.ledger.end_session(session).await?;
    let text = "ended FAILED: the worker on node-1 (process 7) is gone [worker.lost]";
    ends(&leaves, 3, text, LogLevel::Error).await?;
    let session = world.worker().await?;
    let lost = run(session, &["one", "two"]).await?;
    let asked = run(session, &["one"]).await?;
    world.ledger.cancel(&asked.upid, &user()?).await?;
    world.clock.advance(31);
    ensure!(world.ledger.reap().await?.len() == 2);
    ensure!(super::fenced(
        world.ledger.append_log(lost.id, session, &lines(&["late"])).await
    ));
    ends(&lost, 2, text, LogLevel::Error).await?;
    ends(&asked, 1, "ended CANCELLED by ops@hub: 0 bytes", LogLevel::Warn).await
}

/// Logs of tasks that ended long ago are removed, whichever order they ended in; all else stays.
pub async fn old_logs_are_removed(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let mut tasks = Vec::new();
    for _ in 0..4 {
        world.enqueue().await?;
        let task = world.claim_one(session).await?;
        let line = NewLogLine {
            time: world.clock.time(),
            level: LogLevel::Info,
            text: "a line".to_owned(),
        };
        world.ledger.append_log(task.id, session, &[line]).await?;
        tasks.push(task);
    }
    let end = async |at: usize| {
        world
            .ledger
            .finish(tasks[at].id, session, Outcome::new(TaskState::Ok))
            .await
    };
    let logs = async || -> Result<Vec<usize>> {
        let mut found = Vec::new();
        for task in &tasks {
            found.push(world.ledger.log_after(task.id, 0, 10).await?.len());
        }
        Ok(found)
    };
    // The first goes on for long, the third ends before the second.
    end(2).await?;
    world.clock.advance(100);
    end(1).await?;
    let old = world.clock.time().before(Duration::from_secs(50));
    ensure!(world.ledger.remove_logs(old).await? == 1);
    ensure!(logs().await? == [1, 2, 0, 1]);
    ensure!(world.ledger.remove_logs(old).await? == 0, "once is enough");
    ensure!(
        world.ledger.log_lines(tasks[2].id).await? == 2,
        "that it had one is known"
    );
    end(0).await?;
    world.clock.advance(100);
    end(3).await?;
    ensure!(world.ledger.remove_logs(world.clock.time()).await? == 2);
    ensure!(logs().await? == [0, 0, 0, 2], "the last one ended just now");
    world.clock.advance(1);
    ensure!(world.ledger.remove_logs(world.clock.time()).await? == 1);
    ensure!(world.ledger.task(&tasks[0].upid).await?.is_some());
    Ok(())
}

/// Progress is one row that the latest wins, and no event.
pub async fn progress_is_replaced(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    world.enqueue().await?;
    let task = world.claim_one(session).await?;
    let seq = world.ledger.last_seq().await?;
    let stage = |done| Stage {
        name: "read source".to_owned(),
        done,
        bytes: done * 10,
        ..Stage::default()
    };
    for done in [1, 2, 3] {
        world
            .ledger
            .set_progress(
                task.id,
                session,
                &Progress {
                    stages: vec![stage(done)],
                },
            )
            .await?;
    }
    let stored = world.ledger.task(&task.upid).await?.context("the task")?;
    ensure!(stored.progress.stages == [stage(3)] && stored.bytes() == 30);
    ensure!(world.ledger.last_seq().await? == seq);
    Ok(())
}

/// Waiters are woken after the commit that concerns them, and what they look for is there.
pub async fn wakes_follow_commits(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let mut wakes = world.ledger.wakes();
    let ledger = world.ledger.clone();
    let waiter = async {
        wakes.events.changed().await?;
        let events = ledger
            .events_after(0, 10, &ironcore_ledger::model::Scope::All)
            .await?;
        anyhow::Ok(events.len())
    };
    let (seen, task) = tokio::join!(waiter, world.enqueue());
    task?;
    ensure!(seen? == 1, "the event is there when its waiter looks");
    ensure!(wakes.tasks.has_changed()? && !wakes.messages.has_changed()?);
    let before = *wakes.events.borrow_and_update();
    let refused = world
        .ledger
        .enqueue(NewTask::new(Some("no-such".parse()?), user()?, super::backup()?))
        .await;
    ensure!(
        refused.is_err() && *wakes.events.borrow() == before,
        "what was refused wakes nobody"
    );
    Ok(())
}

/// Results per snapshot: the latest, the history, and an event each that is an error when the snapshot is bad.
pub async fn verifications_are_recorded(place: &dyn Place) -> Result<()> {
    let world = World::new(place).await?;
    let session = world.worker().await?;
    let spec = json!({ "type": "verify", "datastore": "ibs-primary" });
    let job = world.job("weekly-verify", json!({ "task": spec })).await?;
    world.enqueue_job(&job).await?;
    let task = world.claim_one(session).await?;
    let store = "ibs-primary".parse()?;
    let report = |path: &str, result| -> Result<VerifyReport> {
        Ok(VerifyReport {
            snapshot: path.parse()?,
            started: world.clock.time(),
            duration_us: 1_500,
            depth: VerifyDepth::Full,
            chunks: 12,
            result,
            failure: (result == VerifyResult::Corrupt).then(|| VerifyFailure {
                code: ErrorCode::ChunkCorrupt,
                chunk: Some("ab".repeat(32)),
                reason: "chunk abab does not match its fingerprint".to_owned(),
            }),
        })
    };
    let (one, two) = ("host/demo/2026-05-21T00:00:00Z", "host/demo/2026-05-20T00:00:00Z");
    world
        .ledger
        .record_verification(task.id, session, &store, &report(one, VerifyResult::Ok)?)
        .await?;
    world
        .ledger
        .record_verification(task.id, session, &store, &report(two, VerifyResult::Ok)?)
        .await?;
    let bad = report(one, VerifyResult::Corrupt)?;
    world
        .ledger
        .record_verification(task.id, session, &store, &bad)
        .await?;
    let event = world.last_event().await?.event;
    ensure!(event.event_type == EventType::SnapshotVerified && event.data.severity == Severity::Error);
    ensure!(
        event
            .data
            .title
            .starts_with("Snapshot ibs-primary:host/demo/2026-05-21T00:00:00Z is CORRUPT: chunk")
    );
    ensure!(event.data.project == Some(demo()?) && event.data.verification.as_ref() == Some(&bad));
    ensure!(event.data.job.map(|j| j.name) == Some("weekly-verify".parse()?));
    let latest = world.ledger.verifications(&store, None).await?;
    ensure!(latest.len() == 2);
    let latest = world.ledger.verifications(&store, Some(&one.parse()?)).await?;
    ensure!(latest.len() == 1 && latest[0].report == bad && latest[0].upid == task.upid);
    ensure!(latest[0].job == Some("weekly-verify".parse()?));
    let history = world.ledger.verification_history(&store, &one.parse()?).await?;
    let results: Vec<_> = history.iter().map(|row| row.report.result).collect();
    ensure!(results == [VerifyResult::Corrupt, VerifyResult::Ok]);
    let stale = world
        .ledger
        .record_verification(task.id, session, &store, &report(one, VerifyResult::Stale)?)
        .await;
    ensure!(
        stale.err().map(|e| e.code()) == Some(ErrorCode::RequestInvalid),
        "STALE is never stored"
    );
    world
        .ledger
        .finish(task.id, session, Outcome::new(TaskState::Ok))
        .await?;
    let late = world
        .ledger
        .record_verification(task.id, session, &store, &bad)
        .await;
    ensure!(super::fenced(late));
    administrators_verify_for_the_owner(&world, session, &bad).await
}

/// A verification that belongs to no project tells of each snapshot in the project that owns it.
async fn administrators_verify_for_the_owner(
    world: &World,
    session: SessionId,
    bad: &VerifyReport,
) -> Result<()> {
    let store = "ibs-primary".parse()?;
    let spec = serde_json::from_value(json!({ "type": "verify", "datastore": "ibs-primary" }))?;
    world.ledger.enqueue(NewTask::new(None, user()?, spec)).await?;
    let task = world.claim_one(session).await?;
    let told = async || {
        world
            .ledger
            .record_verification(task.id, session, &store, bad)
            .await?;
        anyhow::Ok(world.last_event().await?.event.data.project)
    };
    ensure!(told().await?.is_none(), "nobody owns it");
    world
        .ledger
        .own_group(&store, &bad.snapshot.group, &demo()?)
        .await?;
    ensure!(told().await? == Some(demo()?));
    Ok(())
}
