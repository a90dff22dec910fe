//! `kill -9` at random moments, again and again, of a hub whose schedules never rest: jobs that are due every second
//! and do little, so that the blows fall on the ledger. After each start the database itself is asked, and in the end
//! everything must have come to an end. `cargo xtask soak` does it 1,000 times.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ironcore_testkit::hub::TestHub;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};

/// How often the hub is killed, unless `IRONCORE_SOAK_ROUNDS` says otherwise.
const ROUNDS: u64 = 50;
/// Jobs that are due every second.
const JOBS: usize = 5;

fn rounds() -> Result<u64> {
    match std::env::var("IRONCORE_SOAK_ROUNDS") {
        Ok(rounds) => rounds.parse().context("IRONCORE_SOAK_ROUNDS is a number"),
        Err(_) => Ok(ROUNDS),
    }
}

fn objects(hub: &TestHub, schedule: &str) -> String {
    let mut text = format!(
        r#"
        [[project]]
        name = "office"
        [[datastore]]
        name = "ibs-primary"
        path = "{}"
        projects = ["office"]
        "#,
        hub.folder().join("ibs-primary").display()
    );
    for job in 0..JOBS {
        text.push_str(&format!(
            r#"
            [[job]]
            project = "office"
            name = "prune-{job}"
            owner = "alice@local"
            schedule = "{schedule}"
            retries = 50
            retry-delay = "0s"
            task = {{ type = "prune", datastore = "ibs-primary" }}
            "#
        ));
    }
    text
}

/// What the database holds, asked beside the hub.
struct Ledger(SqliteConnection);

impl Ledger {
    async fn open(hub: &TestHub) -> Result<Self> {
        let path = hub.folder().join("data/ledger.sqlite");
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        Ok(Self(SqliteConnection::connect_with(&options).await?))
    }

    async fn rows(&mut self, text: &str) -> Result<Vec<String>> {
        let rows = sqlx::query_scalar(AssertSqlSafe(text.to_owned()));
        Ok(rows.fetch_all(&mut self.0).await?)
    }

    async fn none(&mut self, rule: &str, text: &str) -> Result<()> {
        let rows = self.rows(text).await?;
        ensure!(rows.is_empty(), "{rule}: {}", rows.join("\n"));
        Ok(())
    }

    /// What must hold whenever somebody looks.
    async fn check(&mut self) -> Result<()> {
        self.none(
            "each task is told of once at each step, and one end was accepted",
            "SELECT t.upid || ' ' || t.state || COALESCE((
                SELECT GROUP_CONCAT(e.type, ' ') FROM events e WHERE e.task = t.id), '') FROM tasks t
             LEFT JOIN (SELECT task, SUM(type = 'ironcore.task.queued') AS queued,
                SUM(type = 'ironcore.task.started') AS started,
                SUM(type IN ('ironcore.task.completed', 'ironcore.task.warning', 'ironcore.task.failed',
                    'ironcore.task.cancelled')) AS ended
                FROM events WHERE task IS NOT NULL GROUP BY task) AS told ON told.task = t.id
             WHERE told.queued IS NOT 1 OR told.started IS NOT (t.started IS NOT NULL)
                OR told.ended IS NOT (t.state IN ('ok', 'warning', 'failed', 'cancelled'))",
        )
        .await?;
        self.none(
            "who is gone runs nothing",
            "SELECT t.upid FROM tasks t JOIN sessions s ON s.id = t.session
             WHERE t.state = 'running' AND s.ended IS NOT NULL",
        )
        .await?;
        self.none(
            "a tick enqueues one task",
            "SELECT job || ' at ' || scheduled_for FROM tasks WHERE scheduled_for IS NOT NULL AND attempt = 1
             GROUP BY project, job, scheduled_for HAVING COUNT(*) > 1",
        )
        .await?;
        self.none(
            "a task of a tick is the tick's",
            "SELECT t.upid FROM tasks t LEFT JOIN ticks k
                ON k.project = t.project AND k.job = t.job AND k.scheduled_for = t.scheduled_for
             WHERE t.scheduled_for IS NOT NULL AND t.attempt = 1 AND k.task IS NOT t.id",
        )
        .await?;
        // A tick stands for itself and for those that were missed before it: together they are every second.
        self.none(
            "every tick is dealt with once",
            "SELECT job || ' at ' || scheduled_for || ' after ' || before || ', missed ' || missed FROM (
                SELECT job, scheduled_for, missed,
                    LAG(scheduled_for) OVER (PARTITION BY project, job ORDER BY scheduled_for) AS before
                FROM ticks) WHERE before IS NOT NULL AND scheduled_for - before <> (missed + 1) * 1000000",
        )
        .await?;
        self.none(
            "a job does not run beside itself",
            "SELECT job FROM tasks WHERE state = 'running' AND job IS NOT NULL GROUP BY job HAVING COUNT(*) > 1",
        )
        .await?;
        self.none(
            "numbers have no gaps",
            "SELECT 'tasks' FROM (SELECT MAX(id) AS last, COUNT(*) AS n FROM tasks) WHERE last <> n
             UNION ALL SELECT 'events' FROM (SELECT MAX(seq) AS last, COUNT(*) AS n FROM events) WHERE last <> n",
        )
        .await
    }

    async fn upids(&mut self) -> Result<BTreeSet<String>> {
        Ok(self.rows("SELECT upid FROM tasks").await?.into_iter().collect())
    }

    async fn events(&mut self) -> Result<BTreeSet<String>> {
        Ok(self.rows("SELECT id FROM events").await?.into_iter().collect())
    }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_survives_kill_9_again_and_again() -> Result<()> {
    let mut hub = TestHub::start("")?;
    hub.apply(&objects(&hub, "*:*:*"))?;
    let seed = u64::from(std::process::id());
    let mut dice = Dice(seed);
    let (mut known, mut told) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..rounds()? {
        let what = |hub: &TestHub| format!("seed {seed}, round {round}\n{}", hub_log(hub));
        // What a client was told, and what somebody saw, was acknowledged.
        let started: Value = hub.json(&["gc", "start", "ibs-primary"])?;
        known.insert(started["upid"].as_str().context("a UPID")?.to_owned());
        let mut ledger = Ledger::open(&hub).await?;
        known.extend(ledger.upids().await?);
        told.extend(ledger.events().await?);
        ledger.0.close().await?;
        // The moment is the point of the test.
        std::thread::sleep(Duration::from_millis(dice.below(500)));
        hub.kill()?;
        if dice.below(4) == 0 {
            // Once more, while it starts.
            hub.launch()?;
            std::thread::sleep(Duration::from_millis(dice.below(300)));
            hub.kill()?;
        }
        hub.resume()?;
        let mut ledger = Ledger::open(&hub).await?;
        ledger.check().await.with_context(|| what(&hub))?;
        let (tasks, events) = (ledger.upids().await?, ledger.events().await?);
        ensure!(known.is_subset(&tasks), "a task is gone: {}", what(&hub));
        ensure!(told.is_subset(&events), "an event is gone: {}", what(&hub));
        ledger.0.close().await?;
    }
    // Nothing more becomes due; what waits must come to an end.
    hub.apply(&objects(&hub, "*-02-29 03:00"))?;
    hub.wait_until("every task has ended", |hub| {
        Ok(hub
            .tasks()?
            .iter()
            .all(|task| !task["ended"].is_null())
            .then_some(()))
    })?;
    let mut ledger = Ledger::open(&hub).await?;
    ledger
        .none(
            "nothing runs for ever",
            "SELECT upid FROM tasks WHERE ended IS NULL",
        )
        .await?;
    ledger.check().await?;
    let hit = ledger
        .rows("SELECT upid FROM tasks WHERE error LIKE '%worker.lost%'")
        .await?
        .len();
    let fired = ledger.rows("SELECT job FROM ticks").await?.len();
    ensure!(
        hit > 0 && fired > JOBS,
        "seed {seed}: {hit} runs were hit, {fired} ticks fired; nothing was tested"
    );
    ledger.0.close().await?;
    Ok(())
}

fn hub_log(hub: &TestHub) -> String {
    let log = hub.log();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
