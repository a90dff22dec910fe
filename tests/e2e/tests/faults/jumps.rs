//! Workers and notification as they really run, under a wall clock that is set by an hour while time passes as ever:
//! what they hold they keep, what others left behind is taken back in time, and time-outs come when they should.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use ironcore_egress::{Egress, EgressOptions, Secrets};
use ironcore_engine::{EngineError, SigningSeed, Stores, Worker, WorkerOptions};
use ironcore_ledger::model::{NewSession, NewTask, Service, Task};
use ironcore_notify::{Notify, NotifyOptions, NotifyParts, Plugins, PluginsOptions, Templates};
use ironcore_types::{ErrorCode, SessionId, TaskState, TaskType, Timestamp, UserId};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::world::{Kind, World, on_both};

on_both!(
    a_worker_works_on_when_the_clock_is_set_back,
    a_worker_works_on_when_the_clock_is_set_ahead,
    a_timeout_comes_in_time_when_the_clock_is_set_back,
    a_timeout_comes_in_time_when_the_clock_is_set_ahead,
    notification_goes_on_when_the_clock_is_set_back,
    notification_goes_on_when_the_clock_is_set_ahead,
);

const HOUR: Duration = Duration::from_secs(3_600);

/// How the clock is set.
type Jump = fn(Timestamp) -> Timestamp;

fn back(now: Timestamp) -> Timestamp {
    now.before(HOUR)
}

fn ahead(now: Timestamp) -> Timestamp {
    now.after(HOUR)
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Two hubs, of which the first has a real worker. The command before its tasks waits for the test.
struct Shift {
    world: World,
    stores: Stores,
    folder: TempDir,
    /// The other end of what the command reads.
    gate: File,
    stop: CancellationToken,
    running: JoinSet<Result<(), EngineError>>,
}

impl Shift {
    async fn new(kind: Kind) -> Result<Self> {
        let world = World::new(kind, 2, "2026-05-21T01:00:00Z").await?;
        let folder = tempfile::tempdir()?;
        let seams = world.clock.seams();
        let stores = Stores::new(world.ledger().clone(), SigningSeed([7; 32]), None, seams);
        let datastore =
            json!({ "name": "here", "path": folder.path().join("store"), "projects": ["office"] });
        stores.ensure(&serde_json::from_value(datastore.clone())?).await?;
        world.apply(json!({ "datastore": [datastore] })).await?;
        let fifo = folder.path().join("gate");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        // Open for both, so that neither side waits for the other to open it.
        let gate = OpenOptions::new().read(true).write(true).open(&fifo)?;
        std::fs::create_dir(folder.path().join("commands"))?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o700)
            .open(folder.path().join("commands/wait"))?
            .write_all(format!("#!/bin/sh\nread line < '{}'\n", fifo.display()).as_bytes())?;
        Ok(Self {
            world,
            stores,
            folder,
            gate,
            stop: CancellationToken::new(),
            running: JoinSet::new(),
        })
    }

    /// Queues a run of a new job.
    async fn queue(&self, name: &str, extra: Value) -> Result<()> {
        let mut keys = json!({ "task": { "type": "gc", "datastore": "here" } });
        if let (Some(keys), Some(extra)) = (keys.as_object_mut(), extra.as_object()) {
            keys.extend(extra.clone());
        }
        self.world.job(name, keys).await?;
        let job = self
            .world
            .ledger()
            .job(&"office".parse()?, &name.parse()?)
            .await?;
        let job = job.context("the job")?;
        let new = NewTask::new(Some(job.project), UserId::new("alice@local")?, job.task);
        let new = NewTask {
            job: Some(job.name),
            ..new
        };
        self.world.ledger().enqueue(new).await?;
        Ok(())
    }

    /// A worker of the second hub that has claimed what waits, and is not heard of again.
    async fn dies_with_it(&self) -> Result<SessionId> {
        let id = SessionId(self.world.clock.seams().uuid());
        let new = NewSession {
            id,
            node: "hub-1".parse()?,
            pid: 2,
            services: vec![Service::Worker],
            types: TaskType::ALL.to_vec(),
            slots: 1,
            keys: vec![self.stores.key_id()?],
        };
        self.world.hubs[1].register_session(new).await?;
        ensure!(self.world.hubs[1].claim(id, TaskType::ALL, 1).await?.len() == 1);
        Ok(id)
    }

    /// The first hub's worker begins.
    fn work(&mut self) -> Result<SessionId> {
        let options = WorkerOptions {
            commands: self.folder.path().join("commands"),
            ..WorkerOptions::new("hub-0".parse()?, 1)
        };
        let ledger = self.world.ledger().clone();
        let worker = Worker::new(ledger, self.stores.clone(), self.world.clock.seams(), options);
        let (session, stop) = (worker.session(), self.stop.clone());
        self.running.spawn(async move { worker.run(stop).await });
        Ok(session)
    }

    /// Waits until the runs of a job are as wanted.
    async fn until(&self, job: &str, what: &str, wanted: impl Fn(&[Task]) -> bool) -> Result<Vec<Task>> {
        let mut wakes = self.world.ledger().wakes();
        let wait = async {
            loop {
                wakes.tasks.mark_unchanged();
                let tasks = self.runs(job).await?;
                if wanted(&tasks) {
                    return anyhow::Ok(tasks);
                }
                wakes.tasks.changed().await?;
            }
        };
        match tokio::time::timeout(Duration::from_secs(60), wait).await {
            Ok(tasks) => tasks,
            Err(_) => bail!("waited in vain until {what}: {:#?}", self.world.tasks().await?),
        }
    }

    /// The runs of a job, oldest first.
    async fn runs(&self, job: &str) -> Result<Vec<Task>> {
        let mut tasks = self.world.tasks().await?;
        tasks.retain(|task| task.job.as_ref().is_some_and(|name| name.as_str() == job));
        Ok(tasks)
    }

    fn jump(&self, jump: Jump) {
        self.world.clock.jump(jump(self.world.now()));
    }

    async fn end(mut self) -> Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            ended??;
        }
        self.world.stop().await;
        Ok(())
    }
}

fn states(tasks: &[Task]) -> Vec<TaskState> {
    tasks.iter().map(|task| task.state).collect()
}

async fn a_worker_works_on_when_the_clock_is_set_back(kind: Kind) -> Result<()> {
    works_on(kind, back).await
}

async fn a_worker_works_on_when_the_clock_is_set_ahead(kind: Kind) -> Result<()> {
    works_on(kind, ahead).await
}

async fn works_on(kind: Kind, jump: Jump) -> Result<()> {
    let mut shift = Shift::new(kind).await?;
    shift
        .queue("left", json!({ "retries": 1, "retry-delay": "0s" }))
        .await?;
    let gone = shift.dies_with_it().await?;
    shift
        .queue("long", json!({ "command-before": { "run": ["wait"] } }))
        .await?;
    let session = shift.work()?;
    shift
        .until("long", "it runs", |runs| states(runs) == [TaskState::Running])
        .await?;
    shift.jump(jump);
    let clock = shift.world.clock.clone();
    clock.pass(seconds(25), 1).await;
    ensure!(
        states(&shift.runs("left").await?) == [TaskState::Running],
        "who holds it may live: its lease is not over"
    );
    clock.pass(seconds(15), 1).await;
    let left = shift
        .until("left", "it is done by the other", |runs| {
            states(runs) == [TaskState::Failed, TaskState::Ok]
        })
        .await?;
    let code = left[0].error.as_ref().map(|error| error.code);
    ensure!(code == Some(ErrorCode::WorkerLost), "{code:?}");
    clock.pass(seconds(40), 1).await;
    let live: Vec<SessionId> = shift
        .world
        .ledger()
        .sessions()
        .await?
        .iter()
        .map(|s| s.id)
        .collect();
    ensure!(live == [session] && gone != session, "{live:?}");
    ensure!(states(&shift.runs("long").await?) == [TaskState::Running]);
    shift.gate.write_all(b"\n")?;
    shift
        .until("long", "it ends well", |runs| states(runs) == [TaskState::Ok])
        .await?;
    shift.end().await
}

async fn a_timeout_comes_in_time_when_the_clock_is_set_back(kind: Kind) -> Result<()> {
    times_out(kind, back).await
}

async fn a_timeout_comes_in_time_when_the_clock_is_set_ahead(kind: Kind) -> Result<()> {
    times_out(kind, ahead).await
}

async fn times_out(kind: Kind, jump: Jump) -> Result<()> {
    let mut shift = Shift::new(kind).await?;
    let keys = json!({ "timeout": "60s", "command-before": { "run": ["wait"], "timeout": "10m" } });
    shift.queue("long", keys).await?;
    shift.work()?;
    shift
        .until("long", "it runs", |runs| states(runs) == [TaskState::Running])
        .await?;
    // The worker's loop, and who waits for the end of the minute.
    let clock = shift.world.clock.clone();
    clock.pass(seconds(5), 2).await;
    shift.jump(jump);
    clock.pass(seconds(53), 2).await;
    ensure!(states(&shift.runs("long").await?) == [TaskState::Running]);
    clock.advance(seconds(3));
    let runs = shift
        .until("long", "it is stopped", |runs| {
            states(runs) == [TaskState::Failed]
        })
        .await?;
    let code = runs[0].error.as_ref().map(|error| error.code);
    ensure!(code == Some(ErrorCode::TaskTimeout), "{code:?}");
    shift.end().await
}

async fn notification_goes_on_when_the_clock_is_set_back(kind: Kind) -> Result<()> {
    notifies(kind, back).await
}

async fn notification_goes_on_when_the_clock_is_set_ahead(kind: Kind) -> Result<()> {
    notifies(kind, ahead).await
}

async fn notifies(kind: Kind, jump: Jump) -> Result<()> {
    let world = World::new(kind, 2, "2026-05-21T01:00:00Z").await?;
    let folder = tempfile::tempdir()?;
    let secrets = Secrets::open(&folder.path().join("secrets"), &folder.path().join("key"))?;
    let seams = world.clock.seams();
    let gone = NewSession {
        id: SessionId(seams.uuid()),
        node: "hub-1".parse()?,
        pid: 2,
        services: vec![Service::Notify],
        types: Vec::new(),
        slots: 0,
        keys: Vec::new(),
    };
    let gone = world.hubs[1].register_session(gone).await?.id;
    let notify = Notify::new(NotifyParts {
        ledger: world.ledger().clone(),
        egress: Egress::new(EgressOptions::default(), secrets, seams.clone())?,
        plugins: Plugins::load(&PluginsOptions::default())?,
        templates: Templates::new(None, seams.clone()),
        seams,
        node: "hub-0".parse()?,
        pid: 1,
        options: NotifyOptions::default(),
    });
    let stop = CancellationToken::new();
    let mut running = JoinSet::new();
    let token = stop.clone();
    running.spawn(async move { notify.run(token).await });
    // Four loops: one takes events, one lets go what was silenced, one sends messages, one renews.
    world.clock.pass(seconds(5), 4).await;
    let live = |sessions: Vec<ironcore_ledger::model::Session>| -> Vec<SessionId> {
        sessions.iter().map(|session| session.id).collect()
    };
    let before = live(world.ledger().sessions().await?);
    ensure!(before.len() == 2 && before.contains(&gone), "{before:?}");
    world.clock.jump(jump(world.now()));
    world.clock.pass(seconds(20), 4).await;
    ensure!(live(world.ledger().sessions().await?) == before);
    world.clock.pass(seconds(60), 4).await;
    let after = live(world.ledger().sessions().await?);
    ensure!(
        after.len() == 1 && before.contains(&after[0]) && after[0] != gone,
        "{after:?}"
    );
    stop.cancel();
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    world.stop().await;
    Ok(())
}
