//! What must hold in a ledger whatever was done to its hubs: asked of the database itself, beside them. Jobs that are
//! due every second and do little give the ledger something to do meanwhile.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use ironcore_testkit::hub::TestHub;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};

/// How long a test waits for a condition before it fails.
const PATIENCE: Duration = Duration::from_secs(120);
/// Comes every second.
pub(crate) const EVERY_SECOND: &str = "*:*:*";
/// Does not come while a test runs.
pub(crate) const NEVER: &str = "*-02-29 03:00";

/// Project `office` with the datastore `ibs-primary`, and `count` jobs with this schedule.
pub(crate) fn office(hub: &TestHub, count: usize, schedule: &str) -> String {
    format!(
        r#"
        [[project]]
        name = "office"
        [[datastore]]
        name = "ibs-primary"
        path = "{}"
        projects = ["office"]
        {}
        "#,
        hub.folder().join("ibs-primary").display(),
        jobs(count, schedule)
    )
}

/// Those jobs alone.
pub(crate) fn jobs(count: usize, schedule: &str) -> String {
    let job = |number| {
        format!(
            r#"
            [[job]]
            project = "office"
            name = "prune-{number}"
            owner = "alice@local"
            schedule = "{schedule}"
            retries = 50
            retry-delay = "0s"
            task = {{ type = "prune", datastore = "ibs-primary" }}
            "#
        )
    };
    (0..count).map(job).collect()
}

/// Where the ledger is.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Database {
    /// The one that a hub has to itself.
    pub(crate) fn of(hub: &TestHub) -> Self {
        Self::Sqlite(hub.folder().join("data/ledger.sqlite"))
    }

    /// The ledger, to be looked at.
    pub(crate) async fn look(&self) -> Result<Ledger> {
        Ok(match self {
            Self::Sqlite(path) => {
                let options = SqliteConnectOptions::new().filename(path).read_only(true);
                Ledger::Sqlite(SqliteConnection::connect_with(&options).await?)
            }
            Self::Postgres(url) => Ledger::Postgres(PgConnection::connect(url).await?),
        })
    }
}

/// What the database holds.
pub(crate) enum Ledger {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Ledger {
    /// The texts that a query finds, in words that both databases know.
    pub(crate) async fn rows(&mut self, text: &str) -> Result<Vec<String>> {
        let rows = AssertSqlSafe(text.to_owned());
        Ok(match self {
            Self::Sqlite(conn) => sqlx::query_scalar(rows).fetch_all(conn).await?,
            Self::Postgres(conn) => sqlx::query_scalar(rows).fetch_all(conn).await?,
        })
    }

    pub(crate) async fn close(self) -> Result<()> {
        match self {
            Self::Sqlite(conn) => conn.close().await?,
            Self::Postgres(conn) => conn.close().await?,
        }
        Ok(())
    }

    async fn none(&mut self, rule: &str, text: &str) -> Result<()> {
        let rows = self.rows(text).await?;
        ensure!(rows.is_empty(), "{rule}: {}", rows.join("\n"));
        Ok(())
    }

    /// Waits until a query finds something, and gives that.
    pub(crate) async fn wait_for(&mut self, what: &str, text: &str) -> Result<Vec<String>> {
        let begun = Instant::now();
        loop {
            let rows = self.rows(text).await?;
            if !rows.is_empty() {
                return Ok(rows);
            }
            if begun.elapsed() > PATIENCE {
                bail!("waited in vain until {what}");
            }
            // Other processes are looked at: there is nothing to be woken by.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What must hold whenever somebody looks.
    pub(crate) async fn check(&mut self) -> Result<()> {
        self.none(
            "each task is told of once at each step, and one end was accepted",
            "SELECT t.upid || ' ' || t.state || ' ' || COALESCE((
                SELECT STRING_AGG(e.type, ' ') FROM events e WHERE e.task = t.id), '') FROM tasks t
             LEFT JOIN (SELECT task,
                COUNT(CASE WHEN type = 'ironcore.task.queued' THEN 1 END) AS queued,
                COUNT(CASE WHEN type = 'ironcore.task.started' THEN 1 END) AS started,
                COUNT(CASE WHEN type IN ('ironcore.task.completed', 'ironcore.task.warning',
                    'ironcore.task.failed', 'ironcore.task.cancelled') THEN 1 END) AS ended
                FROM events WHERE task IS NOT NULL GROUP BY task) AS told ON told.task = t.id
             WHERE COALESCE(told.queued, 0) <> 1
                OR COALESCE(told.started, 0) <> CASE WHEN t.started IS NULL THEN 0 ELSE 1 END
                OR COALESCE(told.ended, 0)
                    <> CASE WHEN t.state IN ('ok', 'warning', 'failed', 'cancelled') THEN 1 ELSE 0 END",
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
            "SELECT job || ' at ' || scheduled_for FROM tasks WHERE scheduled_for IS NOT NULL AND retry_of IS NULL
             GROUP BY project, job, scheduled_for HAVING COUNT(*) > 1",
        )
        .await?;
        self.none(
            "a task of a tick is the tick's",
            "SELECT t.upid FROM tasks t LEFT JOIN ticks k
                ON k.project = t.project AND k.job = t.job AND k.scheduled_for = t.scheduled_for
             WHERE t.scheduled_for IS NOT NULL AND t.retry_of IS NULL AND COALESCE(k.task, 0) <> t.id",
        )
        .await?;
        // A tick stands for itself and for those that were missed before it: together they are every second.
        self.none(
            "every tick is dealt with once",
            "SELECT job || ' at ' || scheduled_for || ' after ' || before || ', missed ' || missed FROM (
                SELECT job, scheduled_for, missed,
                    LAG(scheduled_for) OVER (PARTITION BY project, job ORDER BY scheduled_for) AS before
                FROM ticks) AS k WHERE before IS NOT NULL AND scheduled_for - before <> (missed + 1) * 1000000",
        )
        .await?;
        self.none(
            "a job does not run beside itself",
            "SELECT job FROM tasks WHERE state = 'running' AND job IS NOT NULL
             GROUP BY project, job HAVING COUNT(*) > 1",
        )
        .await?;
        self.none(
            "numbers have no gaps",
            "SELECT 'tasks' FROM (SELECT MAX(id) AS last, COUNT(*) AS n FROM tasks) AS t WHERE last <> n
             UNION ALL
             SELECT 'events' FROM (SELECT MAX(seq) AS last, COUNT(*) AS n FROM events) AS e WHERE last <> n",
        )
        .await
    }

    /// Waits until every task has come to an end, which each must when nothing more becomes due; then what must hold.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        let done = "SELECT 'all' WHERE NOT EXISTS (SELECT 1 FROM tasks WHERE ended IS NULL)";
        if let Err(error) = self.wait_for("every task has ended", done).await {
            self.none(
                "nothing runs for ever",
                "SELECT upid FROM tasks WHERE ended IS NULL",
            )
            .await?;
            return Err(error);
        }
        self.check().await
    }

    pub(crate) async fn upids(&mut self) -> Result<BTreeSet<String>> {
        Ok(self.rows("SELECT upid FROM tasks").await?.into_iter().collect())
    }

    pub(crate) async fn events(&mut self) -> Result<BTreeSet<String>> {
        Ok(self.rows("SELECT id FROM events").await?.into_iter().collect())
    }

    /// How many ticks fired.
    pub(crate) async fn ticks(&mut self) -> Result<usize> {
        Ok(self.rows("SELECT job FROM ticks").await?.len())
    }

    /// Waits until so many more ticks have fired.
    pub(crate) async fn wait_for_ticks(&mut self, more: usize) -> Result<()> {
        let wanted = self.ticks().await? + more;
        let text = format!("SELECT 'enough' WHERE (SELECT COUNT(*) FROM ticks) >= {wanted}");
        self.wait_for("more ticks have fired", &text).await.map(drop)
    }
}

/// The end of what each hub wrote to its terminal.
pub(crate) fn logs<'a>(hubs: impl IntoIterator<Item = &'a TestHub>) -> String {
    let mut text = String::new();
    for hub in hubs {
        let log = hub.log();
        let lines: Vec<&str> = log.lines().collect();
        text.push_str("\nhub's log:\n");
        text.push_str(&lines[lines.len().saturating_sub(60)..].join("\n"));
    }
    text
}
