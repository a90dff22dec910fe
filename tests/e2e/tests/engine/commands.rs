//! Commands before and after a job's task: real programs, in a folder that only the hub's user writes.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_e2e::night::Night;
use ironcore_ledger::model::Task;
use ironcore_store::SnapshotFilter;
use ironcore_types::{ErrorCode, EventType, TaskState, UserId};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

struct Shift {
    night: Night,
    running: JoinSet<Result<(), ironcore_engine::EngineError>>,
    stop: CancellationToken,
}

impl Shift {
    /// A worker whose job `files` has these keys.
    async fn begin(keys: &str) -> Result<Self> {
        Self::begin_in(Night::new().await?, keys).await
    }

    async fn begin_in(night: Night, keys: &str) -> Result<Self> {
        std::fs::create_dir(night.path("commands"))?;
        night.apply("", keys, "").await?;
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        let (worker, token) = (night.worker(), stop.clone());
        running.spawn(async move { worker.run(token).await });
        Ok(Self { night, running, stop })
    }

    fn command(&self, name: &str) -> PathBuf {
        self.night.path("commands").join(name)
    }

    /// A shell script in the folder of commands.
    fn script(&self, name: &str, text: &str) -> Result<()> {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o700)
            .open(self.command(name))?;
        file.write_all(format!("#!/bin/sh\n{text}\n").as_bytes())?;
        Ok(())
    }

    /// Starts the job as its tick does.
    async fn tick(&self) -> Result<()> {
        let time = "2026-05-21T02:00:00Z".parse()?;
        self.night.clock.set(time);
        self.night.scheduler().fire_due(time).await?;
        Ok(())
    }

    /// One run of the job, and the lines of its log.
    async fn run(&self) -> Result<(Task, Vec<String>)> {
        self.tick().await?;
        self.over().await
    }

    async fn over(&self) -> Result<(Task, Vec<String>)> {
        let over = |tasks: &[Task]| tasks.len() == 1 && tasks[0].state.is_final();
        let task = self.night.until("the run is over", over).await?.remove(0);
        let log = self.night.ledger.log_after(task.id, 0, 10_000).await?;
        Ok((task, log.into_iter().map(|line| line.text).collect()))
    }

    async fn snapshots(&self) -> Result<usize> {
        let datastore = self.night.stores.open(&"ibs-primary".parse()?).await?;
        Ok(datastore.snapshots(&SnapshotFilter::default())?.len())
    }

    async fn end(mut self) -> Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            ended??;
        }
        Ok(())
    }
}

fn code(task: &Task) -> Option<ErrorCode> {
    task.error.as_ref().map(|error| error.code)
}

fn place(log: &[String], text: &str) -> Result<usize> {
    log.iter()
        .position(|line| line.contains(text))
        .with_context(|| format!("{text:?} is not in {log:#?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_run_around_the_task_and_their_output_is_in_its_log() -> Result<()> {
    let shift = Shift::begin(
        r#"command-before = { run = ["dump", "all of it", "$HOME"] }
           command-after = { run = ["tidy"] }"#,
    )
    .await?;
    let dump = r#"echo "args: $*"; echo "$IRONCORE_PHASE $IRONCORE_JOB $IRONCORE_PROJECT $IRONCORE_UPID" >&2; printf 'no end'; env | wc -l"#;
    shift.script("dump", dump)?;
    shift.script("tidy", r#"echo "after: $IRONCORE_STATUS""#)?;
    let (task, log) = shift.run().await?;
    ensure!(task.state == TaskState::Ok, "{task:#?}\n{log:#?}");
    // No shell has looked at what the job says.
    let before = place(&log, "dump: args: all of it $HOME")?;
    place(&log, &format!("dump: before files office {}", task.upid))?;
    place(&log, "dump: no end")?;
    let work = place(&log, "backup of ")?;
    let after = place(&log, "tidy: after: OK")?;
    let ended = place(&log, "ended OK")?;
    ensure!(before < work && work < after && after < ended, "{log:#?}");
    // How long they took is told as of any other stage.
    let stages: Vec<&str> = task
        .progress
        .stages
        .iter()
        .map(|stage| stage.name.as_str())
        .collect();
    ensure!(
        stages.first() == Some(&"command before") && stages.last() == Some(&"command after"),
        "{stages:?}"
    );
    ensure!(
        task.progress.stages.iter().all(|stage| stage.ended.is_some()),
        "{task:#?}"
    );
    shift.end().await
}

/// How a program ended is told as it was, with a guard in between and without.
#[tokio::test(flavor = "multi_thread")]
async fn how_a_command_ends_is_told_as_it_is() -> Result<()> {
    for (script, said) in [
        ("exit 3", "dump ended with exit code 3"),
        ("kill -KILL $$", "dump ended with signal 9"),
        ("kill -TERM $$", "dump ended with signal 15"),
        (
            "exec 2>&-; sleep 1000 >/dev/null & exit 143",
            "dump ended with exit code 143",
        ),
    ] {
        for guarded in [true, false] {
            let mut night = Night::new().await?;
            night.guard = night.guard.filter(|_| guarded);
            let shift = Shift::begin_in(night, r#"command-before = { run = ["dump"] }"#).await?;
            shift.script("dump", script)?;
            let (task, log) = shift.run().await?;
            ensure!(code(&task) == Some(ErrorCode::CommandFailed), "{task:#?}");
            ensure!(task.state == TaskState::Failed, "{task:#?}");
            let message = task.error.context("an error")?.message;
            ensure!(message.ends_with(said), "{guarded}: {message}: {log:#?}");
            shift.end().await?;
        }
    }
    let mut night = Night::new().await?;
    let mut messages = Vec::new();
    for guard in [night.guard.clone(), None] {
        night.guard = guard;
        let shift = Shift::begin_in(night, r#"command-before = { run = ["dump"] }"#).await?;
        shift.script("dump", "")?;
        let text = b"#!/no/such/interpreter\n";
        std::fs::File::create(shift.command("dump"))?.write_all(text)?;
        let (task, _) = shift.run().await?;
        messages.push(task.error.context("an error")?.message);
        shift.end().await?;
        night = Night::new().await?;
    }
    ensure!(messages[0] == messages[1], "{messages:#?}");
    ensure!(
        messages[0].contains("dump cannot be started: No such file"),
        "{messages:#?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_leaves_running_ends_with_it() -> Result<()> {
    let shift = Shift::begin(r#"command-before = { run = ["dump"] }"#).await?;
    let pids = shift.night.path("pids");
    shift.script(
        "dump",
        &format!("sleep 1000 & echo $! > {}; exit 0", pids.display()),
    )?;
    let (task, log) = shift.run().await?;
    ensure!(task.state == TaskState::Ok, "{log:#?}");
    place(&log, "dump left something running that holds its output open")?;
    gone(&std::fs::read_to_string(pids)?)?;
    shift.end().await
}

/// A command of an hour makes no backup slow.
#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_commands_is_none_of_the_works() -> Result<()> {
    let shift = Shift::begin(
        r#"command-before = { run = ["wait"] }
           command-after = { run = ["wait"] }"#,
    )
    .await?;
    let go = shift.night.path("go");
    let wait = "echo waiting; while [ ! -e GO-$IRONCORE_PHASE ]; do sleep 0.02; done";
    shift.script("wait", &wait.replace("GO", &go.display().to_string()))?;
    shift.tick().await?;
    let mut wakes = shift.night.ledger.wakes();
    for phase in ["before", "after"] {
        let stage = format!("command {phase}");
        loop {
            wakes.logs.mark_unchanged();
            let task = shift.night.tasks().await?.remove(0);
            if task.progress.stages.last().is_some_and(|last| last.name == stage) {
                break;
            }
            wakes.logs.changed().await?;
        }
        shift.night.clock.advance(Duration::from_secs(20));
        std::fs::File::create(format!("{}-{phase}", go.display()))?;
    }
    let (task, log) = shift.over().await?;
    ensure!(task.state == TaskState::Ok, "{log:#?}");
    let took = task.ended.zip(task.started).map(|(end, start)| end.since(start));
    ensure!(took == Some(Duration::from_secs(40)), "{task:#?}");
    let all = ironcore_ledger::model::StatisticsFilter::default();
    let sums = shift.night.ledger.statistics(&all).await?.total;
    ensure!(sums.runs == 1 && sums.duration_us == 0, "{sums:?}");
    shift.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_preparation_fails_is_not_done() -> Result<()> {
    let shift = Shift::begin(
        r#"command-before = { run = ["dump"] }
           command-after = { run = ["tidy"] }"#,
    )
    .await?;
    shift.script("dump", "echo half; exit 7")?;
    shift.script("tidy", r#"echo "after: $IRONCORE_STATUS $IRONCORE_ERROR""#)?;
    let (task, log) = shift.run().await?;
    ensure!(task.state == TaskState::Failed && code(&task) == Some(ErrorCode::CommandFailed));
    let message = task.error.context("an error")?.message;
    ensure!(message.contains("dump ended with exit code 7"), "{message}");
    place(&log, "tidy: after: FAILED command.failed")?;
    ensure!(shift.snapshots().await? == 0, "nothing was backed up");
    shift.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failure_means_is_the_jobs_choice() -> Result<()> {
    for (policy, state, warnings) in [
        ("warn", TaskState::Warning, 2),
        ("ignore", TaskState::Ok, 0),
        ("fail", TaskState::Failed, 0),
    ] {
        let before = if policy == "fail" { "ignore" } else { policy };
        let shift = Shift::begin(&format!(
            r#"command-before = {{ run = ["no"], on-failure = "{before}" }}
               command-after = {{ run = ["no"], on-failure = "{policy}" }}"#
        ))
        .await?;
        shift.script("no", "exit 1")?;
        let (task, log) = shift.run().await?;
        ensure!(task.state == state, "{policy}: {task:#?}\n{log:#?}");
        ensure!(task.warnings.len() == warnings, "{policy}: {:#?}", task.warnings);
        for warning in &task.warnings {
            ensure!(warning.code == ErrorCode::CommandFailed && warning.path.as_deref() == Some("no"));
        }
        // Whatever the command after it says, the snapshot is there.
        ensure!(shift.snapshots().await? == 1);
        ensure!(policy != "fail" || code(&task) == Some(ErrorCode::CommandFailed));
        shift.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_takes_too_long_ends_with_all_it_started() -> Result<()> {
    let shift = Shift::begin(r#"command-before = { run = ["hang"], timeout = "300ms" }"#).await?;
    let pids = shift.night.path("pids");
    let hang = format!(
        "sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait",
        pids.display()
    );
    shift.script("hang", &hang)?;
    let (task, log) = shift.run().await?;
    ensure!(code(&task) == Some(ErrorCode::CommandFailed), "{task:#?}");
    place(&log, "hang took longer than 300ms, and was ended")?;
    gone(&std::fs::read_to_string(pids)?)?;
    shift.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_ends_the_command_before_the_task() -> Result<()> {
    a_cancel_ends("command-before", 0).await
}

/// What the task itself did is done.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_ends_the_command_after_the_task() -> Result<()> {
    a_cancel_ends("command-after", 1).await
}

async fn a_cancel_ends(command: &str, snapshots: usize) -> Result<()> {
    let shift = Shift::begin(&format!(r#"{command} = {{ run = ["hang"] }}"#)).await?;
    let pids = shift.night.path("pids");
    // It says that it is there once its log can be seen.
    let hang = format!("sleep 1000 & echo $! > {}; echo waiting; wait", pids.display());
    shift.script("hang", &hang)?;
    shift.tick().await?;
    let mut wakes = shift.night.ledger.wakes();
    let upid = loop {
        wakes.logs.mark_unchanged();
        let task = shift.night.tasks().await?.remove(0);
        let log = shift.night.ledger.log_after(task.id, 0, 100).await?;
        if log.iter().any(|line| line.text == "hang: waiting") {
            break task.upid;
        }
        wakes.logs.changed().await?;
    };
    shift
        .night
        .ledger
        .cancel(&upid, &UserId::new("alice@local")?)
        .await?;
    let (task, _) = shift.over().await?;
    ensure!(task.state == TaskState::Cancelled, "{task:#?}");
    ensure!(shift.snapshots().await? == snapshots);
    gone(&std::fs::read_to_string(pids)?)?;
    shift.end().await
}

/// That no process of this number runs any more; one that nobody has waited for may still be listed.
fn gone(pid: &str) -> Result<()> {
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let state = state.rsplit_once(") ").map_or("", |(_, rest)| rest);
    ensure!(
        state.is_empty() || state.starts_with('Z'),
        "it still runs: {state}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_run_that_others_could_have_put_there() -> Result<()> {
    for (what, expected) in [
        ("missing", "put the program there"),
        ("link", "is not a plain file"),
        ("open program", "can be changed by others"),
        ("open folder", "can be changed by others"),
    ] {
        let shift = Shift::begin(r#"command-before = { run = ["dump"] }"#).await?;
        let open = |path: PathBuf| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777));
        match what {
            "link" => std::os::unix::fs::symlink("/bin/true", shift.command("dump"))?,
            "missing" => {}
            _ => shift.script("dump", "echo never")?,
        }
        match what {
            "open program" => open(shift.command("dump"))?,
            "open folder" => open(shift.night.path("commands"))?,
            _ => {}
        }
        let (task, log) = shift.run().await?;
        ensure!(
            code(&task) == Some(ErrorCode::CommandRefused),
            "{what}: {task:#?}"
        );
        let message = task.error.context("an error")?.message;
        ensure!(message.contains(expected), "{what}: {message}");
        ensure!(!log.iter().any(|line| line.contains("never")), "{log:#?}");
        shift.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_floods_fills_neither_memory_nor_ledger() -> Result<()> {
    let shift = Shift::begin(r#"command-before = { run = ["flood"] }"#).await?;
    // 40 MiB in lines without end; the log takes 32 MiB.
    shift.script("flood", "head -c 41943040 /dev/zero | tr '\\0' 'x'")?;
    let (task, log) = shift.run().await?;
    ensure!(
        task.state == TaskState::Warning || task.state == TaskState::Ok,
        "{task:#?}"
    );
    let bytes: usize = log.iter().map(String::len).sum();
    ensure!((30 << 20..33 << 20).contains(&bytes), "{bytes} bytes");
    place(
        &log[log.len() - 5..],
        "lines were left out, because the log was full",
    )?;
    place(&log[log.len() - 1..], "ended ")?;
    shift.end().await
}

/// The watch looks once a minute; a run that takes too long in between is told when it ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_took_too_long_is_told_though_nobody_looked() -> Result<()> {
    let shift = Shift::begin("warn-after = \"5s\"\ncommand-before = { run = [\"wait\"] }").await?;
    let go = shift.night.path("go");
    shift.script(
        "wait",
        &format!("while [ ! -e {} ]; do sleep 0.02; done", go.display()),
    )?;
    shift.tick().await?;
    let runs = |tasks: &[Task]| tasks.len() == 1 && tasks[0].state == TaskState::Running;
    shift.night.until("it runs", runs).await?;
    shift.night.clock.advance(Duration::from_secs(6));
    std::fs::File::create(go)?;
    let (task, log) = shift.over().await?;
    ensure!(task.state == TaskState::Ok, "{log:#?}");
    let told = shift.night.told(EventType::JobOverrun).await?;
    ensure!(told.len() == 1, "{told:#?}");
    ensure!(told[0].data.title == "A run of job files took longer than 5s");
    // And not once more when the watch looks.
    let mut watch = shift.night.watch();
    watch.look(shift.night.now()).await?;
    ensure!(shift.night.told(EventType::JobOverrun).await?.len() == 1);
    ensure!(shift.night.conditions("overrun/").await?.is_empty());
    shift.end().await
}
