//! `kill -9` at random moments, again and again, of hubs whose schedules never rest: jobs that are due every second
//! and do little, so that the blows fall on the ledger. After each start the database itself is asked, and in the end
//! everything must have come to an end. `cargo xtask soak` does it 1,000 times.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use ironcore_testkit::postgres::Cluster;
use serde_json::Value;

use crate::guards::script;
use crate::invariants::{Database, EVERY_SECOND, Ledger, NEVER, logs, office};

/// How often hubs are killed, unless `IRONCORE_SOAK_ROUNDS` says otherwise.
const ROUNDS: u64 = 50;
/// Jobs of a hub that is alone.
const JOBS: usize = 5;
/// Jobs of two: many wait for the lease of a run that was hit, and others must go on.
const JOBS_TOGETHER: usize = 20;

fn rounds() -> Result<u64> {
    match std::env::var("IRONCORE_SOAK_ROUNDS") {
        Ok(rounds) => rounds.parse().context("IRONCORE_SOAK_ROUNDS is a number"),
        Err(_) => Ok(ROUNDS),
    }
}

/// Moments and choices that nobody made.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// Some of so many, and at least one.
    fn some_of(&mut self, many: usize) -> Vec<usize> {
        let chosen = 1 + self.below((1 << many) - 1);
        (0..many).filter(|at| chosen >> at & 1 == 1).collect()
    }
}

/// What was acknowledged: it must be there for ever.
#[derive(Default)]
struct Known {
    tasks: BTreeSet<String>,
    events: BTreeSet<String>,
}

impl Known {
    /// What a client was told, and what somebody saw.
    async fn add(&mut self, hub: &TestHub, ledger: &mut Ledger) -> Result<()> {
        let started: Value = hub.json(&["gc", "start", "ibs-primary"])?;
        self.tasks
            .insert(started["upid"].as_str().context("a UPID")?.to_owned());
        self.tasks.extend(ledger.upids().await?);
        self.events.extend(ledger.events().await?);
        Ok(())
    }

    async fn check(&self, ledger: &mut Ledger) -> Result<()> {
        ledger.check().await?;
        ensure!(self.tasks.is_subset(&ledger.upids().await?), "a task is gone");
        ensure!(self.events.is_subset(&ledger.events().await?), "an event is gone");
        Ok(())
    }
}

/// Kills some of the hubs, perhaps once more while they start, and starts them again.
fn blow(hubs: &mut [TestHub], dice: &mut Dice) -> Result<()> {
    let hit = dice.some_of(hubs.len());
    // The moment is the point of the test.
    std::thread::sleep(Duration::from_millis(dice.below(500)));
    for at in &hit {
        hubs[*at].kill()?;
    }
    if dice.below(4) == 0 {
        for at in &hit {
            hubs[*at].launch()?;
        }
        std::thread::sleep(Duration::from_millis(dice.below(300)));
        for at in &hit {
            hubs[*at].kill()?;
        }
    }
    for at in &hit {
        hubs[*at].resume()?;
    }
    Ok(())
}

/// A job that nothing starts by itself, and whose run takes some seconds.
const SLOW: &str = r#"
    [[job]]
    project = "office"
    name = "slow"
    owner = "alice@local"
    command-before = { run = ["nap"], timeout = "1m" }
    [job.task]
    type = "gc"
    datastore = "ibs-primary"
"#;

/// Kills every hub while a run goes on, and starts them again: other blows may all fall between runs that take moments.
fn first_blow(hubs: &mut [TestHub]) -> Result<()> {
    for hub in hubs.iter() {
        script(hub, "nap", "sleep 5")?;
    }
    hubs[0].ok(&["job", "run", "slow"])?;
    hubs[0].wait_until("the slow run goes on", |hub| {
        let running = hub.ok(&[
            "task", "list", "--status", "running", "--job", "slow", "--output", "json",
        ])?;
        Ok(running.contains("UPID").then_some(()))
    })?;
    for hub in hubs.iter_mut() {
        hub.kill()?;
    }
    hubs.iter_mut().try_for_each(TestHub::resume)
}

/// Hubs that share `database`, killed `rounds` times.
async fn soak(mut hubs: Vec<TestHub>, database: Database, jobs: usize, rounds: u64) -> Result<()> {
    let objects = |schedule| format!("{}{SLOW}", office(&hubs[0], jobs, schedule));
    let (restless, at_rest) = (objects(EVERY_SECOND), objects(NEVER));
    hubs[0].apply(&restless)?;
    first_blow(&mut hubs)?;
    let seed = u64::from(std::process::id());
    let mut dice = Dice(seed);
    let mut known = Known::default();
    for round in 0..rounds {
        let asked = usize::try_from(dice.below(hubs.len() as u64))?;
        let mut ledger = database.look().await?;
        known.add(&hubs[asked], &mut ledger).await?;
        ledger.close().await?;
        blow(&mut hubs, &mut dice)?;
        let mut ledger = database.look().await?;
        let checked = known.check(&mut ledger).await;
        checked.with_context(|| format!("seed {seed}, round {round}{}", logs(&hubs)))?;
        ledger.close().await?;
    }
    // Nothing more becomes due; what waits must come to an end.
    hubs[0].apply(&at_rest)?;
    let mut ledger = database.look().await?;
    let settled = ledger.settle().await;
    settled.with_context(|| format!("seed {seed}, in the end{}", logs(&hubs)))?;
    let hit = ledger
        .rows("SELECT upid FROM tasks WHERE error LIKE '%worker.lost%'")
        .await?
        .len();
    let fired = ledger.ticks().await?;
    ensure!(
        hit > 0 && fired > jobs,
        "seed {seed}: {hit} runs were hit, {fired} ticks fired; nothing was tested"
    );
    ledger.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_survives_kill_9_again_and_again() -> Result<()> {
    let hub = TestHub::start("")?;
    let database = Database::of(&hub);
    soak(vec![hub], database, JOBS, rounds()?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hubs_survive_kill_9_again_and_again() -> Result<()> {
    let url = Cluster::shared()?.database()?;
    let config = format!("database = \"{url}\"\n");
    let one = TestHub::start(&config)?;
    let two = one.beside("two", &config)?;
    let database = Database::Postgres(url);
    soak(vec![one, two], database, JOBS_TOGETHER, rounds()?).await
}
