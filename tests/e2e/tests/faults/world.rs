//! One database with as many hubs as it takes, and a clock in hand.

use std::time::Duration;

use anyhow::{Result, bail};
use ironcore_engine::{Scheduler, SchedulerOptions};
use ironcore_ledger::model::{NewSession, Outcome, Page, Service, Task, TaskFilter};
use ironcore_ledger::{Clock, Database, Ledger, LedgerOptions, Postgres};
use ironcore_testkit::clock::ManualClock;
use ironcore_testkit::postgres::Cluster;
use ironcore_types::objects::Document;
use ironcore_types::{SessionId, TaskState, TaskType, Timestamp, UserId};
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The database on SQLite.
const FILE: &str = "ledger.sqlite";

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    /// On PostgreSQL a ledger each; on SQLite, which one process has, the same one.
    pub(crate) hubs: Vec<Ledger>,
    stop: CancellationToken,
    running: JoinSet<()>,
    /// Where the database is: on a server, or in the folder.
    url: Option<String>,
    folder: TempDir,
}

impl World {
    /// `hubs` hubs, at `start`.
    pub(crate) async fn new(kind: Kind, hubs: usize, start: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let clock = ManualClock::at(start);
        let url = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(Cluster::shared()?.database()?),
        };
        let database = match &url {
            None => Database::Sqlite(folder.path().join(FILE)),
            Some(url) => Database::Postgres(Postgres::new(url)?.readers(4).clock(Clock::Seams)),
        };
        let mut opened: Vec<Ledger> = Vec::new();
        for number in 0..hubs {
            let same = opened.first().filter(|_| kind == Kind::Sqlite).cloned();
            opened.push(match same {
                Some(ledger) => ledger,
                None => {
                    let options = LedgerOptions {
                        database: database.clone(),
                        node: format!("hub-{number}").parse()?,
                        pid: 1,
                        pstart: 1,
                    };
                    Ledger::open(options, clock.seams()).await?
                }
            });
        }
        let world = Self {
            clock,
            hubs: opened,
            stop: CancellationToken::new(),
            running: JoinSet::new(),
            url,
            folder,
        };
        world
            .apply(json!({
                "project": [{ "name": "office" }],
                "datastore": [{ "name": "ibs-primary", "path": "/srv/primary", "projects": ["office"] }],
            }))
            .await?;
        Ok(world)
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.hubs[0]
    }

    /// Declares.
    pub(crate) async fn apply(&self, document: Value) -> Result<()> {
        let document: Document = serde_json::from_value(document)?;
        self.ledger()
            .apply(&document, &UserId::new("root@local")?)
            .await?;
        Ok(())
    }

    /// Declares a job with these keys besides the usual ones.
    pub(crate) async fn job(&self, name: &str, extra: Value) -> Result<()> {
        let mut job = json!({
            "project": "office", "name": name, "owner": "alice@local",
            "task": { "type": "gc", "datastore": "ibs-primary" },
        });
        if let (Some(job), Some(extra)) = (job.as_object_mut(), extra.as_object()) {
            job.extend(extra.clone());
        }
        self.apply(json!({ "job": [job] })).await
    }

    fn scheduler(&self, ledger: &Ledger) -> Scheduler {
        Scheduler::new(ledger.clone(), self.clock.seams(), SchedulerOptions::default())
    }

    /// Starts a scheduler at each hub.
    pub(crate) fn start(&mut self) {
        for ledger in &self.hubs {
            let scheduler = self.scheduler(ledger);
            self.running.spawn(scheduler.run(self.stop.clone()));
        }
    }

    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while self.running.join_next().await.is_some() {}
    }

    /// The scheduler of one hub looks once; when it wants to look again.
    pub(crate) async fn look_of(&self, hub: usize) -> Result<Option<Timestamp>> {
        Ok(self.scheduler(&self.hubs[hub]).fire_due(self.now()).await?)
    }

    /// Every scheduler looks once, all at the same time.
    pub(crate) async fn look(&self) -> Result<()> {
        let mut looks = JoinSet::new();
        for ledger in &self.hubs {
            let (scheduler, now) = (self.scheduler(ledger), self.now());
            looks.spawn(async move { scheduler.fire_due(now).await });
        }
        while let Some(look) = looks.join_next().await {
            look??;
        }
        Ok(())
    }

    /// Makes leases as if the database's clock had been `span` ahead when they were given.
    pub(crate) async fn lengthen_leases(&self, span: Duration) -> Result<()> {
        for table in ["sessions", "tasks"] {
            let longer = AssertSqlSafe(format!(
                "UPDATE {table} SET lease_until = lease_until + {} WHERE lease_until IS NOT NULL",
                span.as_micros()
            ));
            match &self.url {
                Some(url) => {
                    let mut raw = PgConnection::connect(url).await?;
                    sqlx::raw_sql(longer).execute(&mut raw).await?;
                }
                None => {
                    let file = SqliteConnectOptions::new().filename(self.folder.path().join(FILE));
                    let mut raw = SqliteConnection::connect_with(&file).await?;
                    sqlx::raw_sql(longer).execute(&mut raw).await?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.seams().now()
    }

    pub(crate) fn set(&self, time: &str) -> Result<()> {
        self.clock.set(time.parse()?);
        Ok(())
    }

    /// All tasks, oldest first.
    pub(crate) async fn tasks(&self) -> Result<Vec<Task>> {
        let page = Page::first(1_000);
        let mut tasks = self.ledger().tasks(&TaskFilter::default(), &page).await?.tasks;
        tasks.reverse();
        Ok(tasks)
    }

    /// The ticks that tasks answer, in the order in which they were enqueued.
    pub(crate) async fn ticks(&self) -> Result<Vec<String>> {
        let tasks = self.tasks().await?;
        let ticks = tasks.iter().filter_map(|task| task.scheduled_for);
        Ok(ticks.map(|tick| tick.to_string()).collect())
    }

    /// Waits until every tick up to now is dealt with.
    pub(crate) async fn settled(&self, last: &str) -> Result<()> {
        let last: Timestamp = last.parse()?;
        let mut wakes = self.ledger().wakes();
        let wait = async {
            loop {
                // A tick that is left out enqueues nothing, but is told.
                wakes.tasks.mark_unchanged();
                wakes.events.mark_unchanged();
                let cursors = self.ledger().cursors().await?;
                if cursors.iter().all(|cursor| cursor.until >= last) {
                    return anyhow::Ok(());
                }
                tokio::select! {
                    woken = wakes.tasks.changed() => woken?,
                    woken = wakes.events.changed() => woken?,
                }
            }
        };
        match tokio::time::timeout(Duration::from_secs(60), wait).await {
            Ok(settled) => settled,
            Err(_) => bail!("the tick of {last} never fired: {:?}", self.ticks().await?),
        }
    }

    /// A worker comes, does all that waits, and goes; how much that was.
    pub(crate) async fn do_all(&self) -> Result<usize> {
        let session = self.worker(0).await?;
        let tasks = self.ledger().claim(session, TaskType::ALL, 10).await?;
        for task in &tasks {
            let end = Outcome::new(TaskState::Ok);
            self.ledger().finish(task.id, session, end).await?;
        }
        self.ledger().end_session(session).await?;
        Ok(tasks.len())
    }

    /// A worker that the test plays.
    pub(crate) async fn worker(&self, hub: usize) -> Result<SessionId> {
        let id = SessionId(self.clock.seams().uuid());
        let new = NewSession {
            id,
            node: format!("hub-{hub}").parse()?,
            pid: 1,
            services: vec![Service::Worker],
            types: TaskType::ALL.to_vec(),
            slots: 4,
            keys: Vec::new(),
        };
        self.hubs[hub].register_session(new).await?;
        Ok(id)
    }
}

/// A test of each database for each of these promises.
macro_rules! on_both {
    ($($promise:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() -> anyhow::Result<()> {
                super::$promise(crate::world::Kind::Sqlite).await
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() -> anyhow::Result<()> {
                super::$promise(crate::world::Kind::Postgres).await
            })+
        }
    };
}
pub(crate) use on_both;
