//! Runs that do not begin, runs that do not end, jobs without a good backup, and a scheduler that stays paused.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_engine::WatchOptions;
use ironcore_ledger::model::NewTask;
use ironcore_types::verification::{VerifyDepth, VerifyReport};
use ironcore_types::{EventType, Severity, TaskState, UserId, VerifyResult};
use serde_json::json;

use ironcore_e2e::night::Night;

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_does_not_begin_within_its_grace_is_told_once() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "grace = \"20m\"", "").await?;
    let mut watch = night.watch();
    night.set("2026-05-21T02:00:00Z")?;
    night.fire().await?;
    night.set("2026-05-21T02:20:00Z")?;
    watch.look(night.now()).await?;
    ensure!(
        night.told(EventType::JobMissed).await?.is_empty(),
        "within its grace"
    );
    night.set("2026-05-21T02:20:01Z")?;
    watch.look(night.now()).await?;
    // Another watch on the same ledger, and the next look, tell nothing new.
    night.watch().look(night.now()).await?;
    watch.look(night.now()).await?;
    let told = night.told(EventType::JobMissed).await?;
    ensure!(told.len() == 1, "{told:#?}");
    let data = &told[0].data;
    ensure!(
        data.title
            == "Job files did not begin within 20m of 2026-05-21T02:00:00Z: no worker that runs backup tasks is online",
        "{}",
        data.title
    );
    let tasks = night.tasks().await?;
    ensure!(data.task.as_ref().map(|task| &task.upid) == Some(&tasks[0].upid));
    let job = data.job.as_ref().context("the job")?;
    ensure!(job.missed == 1 && job.scheduled_for == Some("2026-05-21T02:00:00Z".parse()?));
    ensure!(night.conditions("late/").await? == [format!("late/{}", tasks[0].upid)]);

    // Who begins it tells nothing new either.
    night.work().await?;
    watch.look(night.now()).await?;
    ensure!(night.told(EventType::JobMissed).await?.len() == 1);
    ensure!(night.conditions("late/").await?.is_empty(), "it is over");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_begins_late_between_two_looks_is_told_once() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "grace = \"20m\"", "").await?;
    let mut watch = night.watch();
    let told = async || night.told(EventType::JobMissed).await;
    // On time, then late.
    for (fired, began, count) in [
        ("2026-05-21T02:00:00Z", "2026-05-21T02:20:00Z", 0),
        ("2026-05-22T02:00:00Z", "2026-05-22T02:21:00Z", 1),
    ] {
        night.set(fired)?;
        night.fire().await?;
        watch.look(night.now()).await?;
        night.set(began)?;
        night.work().await?;
        watch.look(night.now()).await?;
        ensure!(told().await?.len() == count, "{:#?}", told().await?);
    }
    let title = "Job files did not begin within 20m of 2026-05-22T02:00:00Z: it begins now, 21m late";
    ensure!(told().await?[0].data.title == title, "{:#?}", told().await?);

    // Nobody was there at its time, which the scheduler tells when it catches up.
    night.set("2026-05-23T09:00:00Z")?;
    night.fire().await?;
    night.work().await?;
    watch.look(night.now()).await?;
    let missed = told().await?;
    ensure!(
        missed.len() == 2 && missed[1].data.title.starts_with("Job files missed 1 run"),
        "{missed:#?}"
    );
    ensure!(night.conditions("late/").await?.is_empty(), "all is over");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_pause_holds_says_so() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "", "").await?;
    night.set("2026-05-21T02:00:00Z")?;
    night.fire().await?;
    night.ledger.pause_scheduler(&UserId::new("alice@local")?).await?;
    night.set("2026-05-21T02:30:00Z")?;
    night.watch().look(night.now()).await?;
    let told = night.told(EventType::JobMissed).await?;
    ensure!(
        told.len() == 1
            && told[0]
                .data
                .title
                .ends_with("the scheduler is paused since 2026-05-21T02:00:00Z"),
        "{told:#?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_nobody_puts_into_the_queue_are_told_once() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "grace = \"10m\"", "").await?;
    let mut watch = night.watch();
    let by = UserId::new("alice@local")?;
    let told = async || night.told(EventType::JobMissed).await;
    // Before its time, and within the grace.
    for time in ["2026-05-21T01:59:00Z", "2026-05-21T02:10:00Z"] {
        night.set(time)?;
        watch.look(night.now()).await?;
        ensure!(told().await?.is_empty(), "{time}");
    }
    for time in ["2026-05-21T02:10:01Z", "2026-05-21T09:00:00Z"] {
        night.set(time)?;
        watch.look(night.now()).await?;
        let missed = told().await?;
        let title = "Job files did not begin within 10m of 2026-05-21T02:00:00Z: no scheduler is online";
        ensure!(missed.len() == 1 && missed[0].data.title == title, "{missed:#?}");
    }
    // Once it has fired it is over, and that the run begins late is nothing new.
    night.fire().await?;
    watch.look(night.now()).await?;
    ensure!(night.conditions("unfired/").await?.is_empty());
    night.work().await?;
    ensure!(told().await?.len() == 1);

    // The next night, while the scheduler is paused; and the one after, when somebody sees to the ticks.
    night.ledger.pause_scheduler(&by).await?;
    night.set("2026-05-22T02:30:00Z")?;
    watch.look(night.now()).await?;
    let missed = told().await?;
    let why = "the scheduler is paused since 2026-05-21T09:00:00Z";
    ensure!(
        missed
            .iter()
            .filter(|event| event.data.title.ends_with(why))
            .count()
            == 1,
        "{missed:#?}"
    );
    ensure!(night.conditions("unfired/").await? == ["unfired/office/files"]);
    night.ledger.resume_scheduler(&by).await?;
    night.fire().await?;
    let before = told().await?.len();
    night.set("2026-05-23T02:30:00Z")?;
    night.scheduler_session().await?;
    watch.look(night.now()).await?;
    ensure!(
        night.conditions("unfired/").await?.is_empty(),
        "it is about to fire"
    );
    ensure!(
        told().await?[before..]
            .iter()
            .all(|event| event.data.task.is_some())
    );
    Ok(())
}

/// Whether the scheduler lives is told by its lease, which a clock that was set takes from nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_lives_is_no_missing_one_when_the_clock_was_set() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "grace = \"10m\"", "").await?;
    night.scheduler_session().await?;
    night.clock.jump("2026-05-21T03:00:00Z".parse()?);
    night.watch().look(night.now()).await?;
    ensure!(night.told(EventType::JobMissed).await?.is_empty());
    // Now it does not live any more.
    night.clock.advance(minutes(1));
    night.watch().look(night.now()).await?;
    ensure!(night.told(EventType::JobMissed).await?.len() == 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_longer_than_its_job_says_is_told_once() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "warn-after = \"1h\"", "").await?;
    let session = night.played_worker().await?;
    let mut watch = night.watch();
    let task = night.begin_run(session).await?;
    night.clock.advance(minutes(60));
    watch.look(night.now()).await?;
    ensure!(night.told(EventType::JobOverrun).await?.is_empty());
    night.clock.advance(minutes(1));
    watch.look(night.now()).await?;
    night.clock.advance(minutes(60));
    watch.look(night.now()).await?;
    let told = night.told(EventType::JobOverrun).await?;
    ensure!(told.len() == 1, "{told:#?}");
    ensure!(told[0].data.title == "A run of job files takes longer than 1h");
    ensure!(told[0].data.task.as_ref().map(|task| &task.upid) == Some(&task.upid));
    ensure!(night.conditions("overrun/").await? == [format!("overrun/{}", task.upid)]);
    night.end(session, &task, TaskState::Ok).await?;
    watch.look(night.now()).await?;
    ensure!(night.conditions("overrun/").await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_limit_three_times_the_usual_is_too_long() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "", "").await?;
    let session = night.played_worker().await?;
    let mut watch = night.watch();
    let first = night.begin_run(session).await?;
    night.clock.advance(minutes(600));
    watch.look(night.now()).await?;
    ensure!(
        night.told(EventType::JobOverrun).await?.is_empty(),
        "nothing is usual yet"
    );
    night.end(session, &first, TaskState::Ok).await?;
    for _ in 0..4 {
        let task = night.begin_run(session).await?;
        night.clock.advance(minutes(10));
        night.end(session, &task, TaskState::Warning).await?;
    }
    night.begin_run(session).await?;
    night.clock.advance(minutes(30));
    watch.look(night.now()).await?;
    ensure!(night.told(EventType::JobOverrun).await?.is_empty());
    night.clock.advance(minutes(1));
    watch.look(night.now()).await?;
    let told = night.told(EventType::JobOverrun).await?;
    ensure!(told.len() == 1, "{told:#?}");
    ensure!(told[0].data.title == "A run of job files takes longer than 30m; it usually takes 10m");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_a_good_backup_is_overdue_until_it_has_one() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "recovery-point = \"1d\"", "").await?;
    let session = night.played_worker().await?;
    let mut watch = night.watch();
    let overdue = async || anyhow::Ok(night.told(EventType::JobOverdue).await?.len());
    night.clock.advance(minutes(24 * 60));
    watch.look(night.now()).await?;
    ensure!(overdue().await? == 0);
    // Paused or not, nobody has a backup.
    night
        .ledger
        .set_job_enabled(&"office".parse()?, &"files".parse()?, false)
        .await?;
    night.clock.advance(minutes(1));
    watch.look(night.now()).await?;
    watch.look(night.now()).await?;
    ensure!(overdue().await? == 1);
    let told = night.told(EventType::JobOverdue).await?;
    ensure!(
        told[0].data.title == "Job files has had no good backup yet; its objective is 1d",
        "{}",
        told[0].data.title
    );
    ensure!(told[0].subject.as_deref() == Some("job/office/files"));
    ensure!(night.conditions("overdue/").await? == ["overdue/office/files"]);

    let task = night.begin_run(session).await?;
    night.end(session, &task, TaskState::Ok).await?;
    watch.look(night.now()).await?;
    let open = night.conditions("overdue/").await?;
    ensure!(open.is_empty(), "it has one: {open:?}");

    // The only one turns out to be bad.
    let spec = serde_json::from_value(json!({ "type": "verify", "datastore": "ibs-primary" }))?;
    let new = NewTask::new(None, UserId::new("root@local")?, spec);
    night.ledger.enqueue(new).await?;
    let verifier = night.claim(session).await?;
    let started = task.started.context("it began")?;
    let report = VerifyReport {
        snapshot: format!("host/files/{started}").parse()?,
        started: night.now(),
        duration_us: 1,
        depth: VerifyDepth::Full,
        chunks: 1,
        result: VerifyResult::Corrupt,
        failure: None,
    };
    night
        .ledger
        .record_verification(verifier.id, session, &"ibs-primary".parse()?, &report)
        .await?;
    watch.look(night.now()).await?;
    ensure!(overdue().await? == 2, "what is bad does not count");

    // A failed run changes nothing, a good one does.
    night.clock.advance(minutes(1));
    let task = night.begin_run(session).await?;
    night.end(session, &task, TaskState::Cancelled).await?;
    watch.look(night.now()).await?;
    ensure!(night.conditions("overdue/").await? == ["overdue/office/files"]);
    let task = night.begin_run(session).await?;
    night.end(session, &task, TaskState::Warning).await?;
    watch.look(night.now()).await?;
    ensure!(night.conditions("overdue/").await?.is_empty());
    night.clock.advance(minutes(24 * 60 + 1));
    watch.look(night.now()).await?;
    let told = night.told(EventType::JobOverdue).await?;
    let since = task.started.context("it began")?;
    ensure!(
        told.len() == 3 && told[2].data.title.contains(&format!("since {since}")),
        "{told:#?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_stays_paused_is_told_again_as_a_warning() -> Result<()> {
    let night = Night::new().await?;
    night.apply("", "", "").await?;
    let alice = UserId::new("alice@local")?;
    let mut watch = night.watch();
    night.ledger.pause_scheduler(&alice).await?;
    night.clock.advance(minutes(60));
    watch.look(night.now()).await?;
    ensure!(
        night.told(EventType::SchedulerPaused).await?.len() == 1,
        "that it was paused"
    );
    night.clock.advance(minutes(1));
    watch.look(night.now()).await?;
    watch.look(night.now()).await?;
    let told = night.told(EventType::SchedulerPaused).await?;
    ensure!(
        told.len() == 2 && told[1].data.severity == Severity::Warning,
        "{told:#?}"
    );
    ensure!(told[1].data.title == "The scheduler has been paused for more than 1h: no job starts by itself");
    night.ledger.resume_scheduler(&alice).await?;
    watch.look(night.now()).await?;
    ensure!(night.conditions("paused").await?.is_empty());
    Ok(())
}

/// Hubs may differ in how long is too long, and a run that was told to be late is so whatever windows come meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_is_told_again_by_nobody() -> Result<()> {
    let night = Night::new().await?;
    night
        .apply(
            "",
            "grace = \"10m\"\nblackout = [{ from = \"03:00\", lasts = \"1h\" }]",
            "",
        )
        .await?;
    let alice = UserId::new("alice@local")?;
    let mut soon = night.watch_with(WatchOptions {
        paused_warning: minutes(1),
        ..WatchOptions::default()
    });
    let mut late = night.watch();
    night.set("2026-05-21T01:30:00Z")?;
    night.ledger.pause_scheduler(&alice).await?;
    for time in ["02:11", "02:12", "03:30", "04:30"] {
        night.set(&format!("2026-05-21T{time}:00Z"))?;
        soon.look(night.now()).await?;
        late.look(night.now()).await?;
    }
    let missed = night.told(EventType::JobMissed).await?;
    ensure!(missed.len() == 1, "{missed:#?}");
    let paused = night.told(EventType::SchedulerPaused).await?;
    ensure!(paused.len() == 2, "the pause, and that it lasts: {paused:#?}");
    // The same with a run that is in the queue.
    night.ledger.resume_scheduler(&alice).await?;
    ensure!(night.conditions("paused").await?.is_empty());
    night.fire().await?;
    night.work().await?;
    night.set("2026-05-22T02:00:00Z")?;
    night.fire().await?;
    let before = night.told(EventType::JobMissed).await?.len();
    for time in ["02:11", "03:30", "04:30"] {
        night.set(&format!("2026-05-22T{time}:00Z"))?;
        soon.look(night.now()).await?;
    }
    ensure!(night.told(EventType::JobMissed).await?.len() == before + 1);
    Ok(())
}

/// Nobody was there at the tick, which lay in a blackout window; the run was to begin at the window's end, and that is within
/// its grace.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_window_held_is_late_by_the_end_of_that() -> Result<()> {
    for (back, late) in [("2026-05-21T02:40:00Z", false), ("2026-05-21T02:51:00Z", true)] {
        let night = Night::new().await?;
        let rules = "grace = \"20m\"\nblackout = [{ from = \"01:30\", lasts = \"1h\" }]";
        night.apply("", rules, "").await?;
        night.set(back)?;
        night.fire().await?;
        night.watch().look(night.now()).await?;
        night.work().await?;
        let told = night.told(EventType::JobMissed).await?;
        ensure!(told.is_empty() != late, "{back}: {told:#?}");
    }
    Ok(())
}
