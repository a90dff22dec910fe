//! One hub's engine at 01:00 in the night of 21 May 2026, and a worker played by the test. Its ledger is on SQLite, or
//! with `IRONCORE_TEST_DATABASE=postgres` on PostgreSQL.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use ironcore_engine::{
    Guard, Scheduler, SchedulerOptions, SigningSeed, Stores, Watch, WatchOptions, Worker, WorkerOptions,
};
use ironcore_ledger::model::{NewSession, NewTask, Outcome, Page, Scope, Service, Task, TaskFilter};
use ironcore_ledger::{Clock, Database, Ledger, LedgerOptions, Postgres};
use ironcore_testkit::clock::ManualClock;
use ironcore_testkit::hub::binary;
use ironcore_testkit::postgres::wanted_database;
use ironcore_types::objects::Document;
use ironcore_types::progress::TaskStats;
use ironcore_types::{Event, EventType, SessionId, TaskState, TaskType, Timestamp, UserId};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A ledger, datastores and a clock.
pub struct Night {
    folder: TempDir,
    /// The database of the ledger on PostgreSQL.
    url: Option<String>,
    /// What all of it goes by.
    pub clock: ManualClock,
    /// The ledger.
    pub ledger: Ledger,
    /// The datastores.
    pub stores: Stores,
    /// What guards the commands of its workers: the hub's own program.
    pub guard: Option<Guard>,
}

impl Night {
    /// At 01:00, with nothing declared.
    pub async fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let clock = ManualClock::at("2026-05-21T01:00:00Z");
        let url = tokio::task::spawn_blocking(wanted_database).await??;
        let database = match &url {
            // The test sets the time by hand.
            Some(url) => Database::Postgres(Postgres::new(url)?.readers(4).clock(Clock::Seams)),
            None => Database::Sqlite(folder.path().join("ledger.sqlite")),
        };
        let options = LedgerOptions {
            database,
            node: "test".parse()?,
            pid: 1,
            pstart: 1,
        };
        let ledger = Ledger::open(options, clock.seams()).await?;
        let stores = Stores::new(ledger.clone(), SigningSeed([7; 32]), None, clock.seams());
        Ok(Self {
            folder,
            url,
            clock,
            ledger,
            stores,
            guard: Some(Guard {
                program: binary()?,
                args: vec!["run-command".to_owned()],
            }),
        })
    }

    /// A place in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Project `office`, datastores `ibs-primary` and `ibs-archival`, and a backup job `files` at 02:00. `job` and
    /// `datastore` are further keys of the job and of `ibs-primary`, `more` are further objects.
    pub async fn apply(&self, datastore: &str, job: &str, more: &str) -> Result<()> {
        let tree = self.path("tree");
        std::fs::create_dir_all(&tree)?;
        // Large enough that the pack of its chunks is the datastore's largest file.
        let bytes: Vec<u8> = (0_u32..200_000)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        std::io::Write::write_all(&mut std::fs::File::create(tree.join("hello"))?, &bytes)?;
        let document = format!(
            r#"
            [[project]]
            name = "office"
            [[datastore]]
            name = "ibs-primary"
            path = "{primary}"
            projects = ["office"]
            {datastore}
            [[datastore]]
            name = "ibs-archival"
            path = "{archival}"
            projects = ["office"]
            warn-free-percent = 0
            [[job]]
            project = "office"
            name = "files"
            owner = "alice@local"
            schedule = "02:00"
            {job}
            [job.task]
            type = "backup"
            source = {{ tree = "{tree}" }}
            datastore = "ibs-primary"
            backup-id = "files"
            {more}
            "#,
            primary = self.path("primary").display(),
            archival = self.path("archival").display(),
            tree = tree.display(),
        );
        let document: Document = toml::from_str(&document)?;
        for datastore in &document.datastore {
            self.stores.ensure(datastore).await?;
        }
        self.ledger.apply(&document, &UserId::new("root@local")?).await?;
        Ok(())
    }

    /// Puts into the row of a job what this version does not know.
    pub async fn spoil_job(&self, name: &str) -> Result<()> {
        match &self.url {
            Some(url) => {
                let spoil =
                    "UPDATE jobs SET body = CAST(jsonb_set(CAST(body AS JSONB), '{novel}', '1') AS TEXT)
                    WHERE name = $1";
                let mut raw = PgConnection::connect(url).await?;
                sqlx::query(spoil).bind(name).execute(&mut raw).await?;
            }
            None => {
                let spoil = "UPDATE jobs SET body = json_set(body, '$.novel', 1) WHERE name = $1";
                let file = SqliteConnectOptions::new().filename(self.path("ledger.sqlite"));
                let mut raw = SqliteConnection::connect_with(&file).await?;
                sqlx::query(spoil).bind(name).execute(&mut raw).await?;
            }
        }
        Ok(())
    }

    /// Sets the clock.
    pub fn set(&self, time: &str) -> Result<()> {
        self.clock.set(time.parse()?);
        Ok(())
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.seams().now()
    }

    /// A watch as it is by default.
    pub fn watch(&self) -> Watch {
        self.watch_with(WatchOptions::default())
    }

    /// A watch.
    pub fn watch_with(&self, options: WatchOptions) -> Watch {
        Watch::new(
            self.ledger.clone(),
            self.stores.clone(),
            self.clock.seams(),
            options,
        )
    }

    /// Fires what is due by the clock.
    pub async fn fire(&self) -> Result<()> {
        self.scheduler().fire_due(self.now()).await?;
        Ok(())
    }

    /// A scheduler.
    pub fn scheduler(&self) -> Scheduler {
        let options = SchedulerOptions::default();
        Scheduler::new(self.ledger.clone(), self.clock.seams(), options)
    }

    /// A worker of one slot, whose commands are in the folder `commands`.
    pub fn worker(&self) -> Worker {
        let options = WorkerOptions {
            commands: self.path("commands"),
            guard: self.guard.clone(),
            ..WorkerOptions::new("test".parse().expect("a name"), 1)
        };
        let (ledger, stores) = (self.ledger.clone(), self.stores.clone());
        Worker::new(ledger, stores, self.clock.seams(), options)
    }

    /// Registers a worker that does nothing by itself.
    pub async fn played_worker(&self) -> Result<SessionId> {
        let session = SessionId(self.clock.seams().uuid());
        let new = NewSession {
            id: session,
            node: "played".parse()?,
            pid: 2,
            services: vec![Service::Worker],
            types: TaskType::ALL.to_vec(),
            slots: 4,
            keys: vec![self.stores.key_id()?],
        };
        self.ledger.register_session(new).await?;
        Ok(session)
    }

    /// Registers a scheduler that does nothing by itself.
    pub async fn scheduler_session(&self) -> Result<()> {
        let new = NewSession {
            id: SessionId(self.clock.seams().uuid()),
            node: "played".parse()?,
            pid: 3,
            services: vec![Service::Scheduler],
            types: Vec::new(),
            slots: 0,
            keys: Vec::new(),
        };
        self.ledger.register_session(new).await?;
        Ok(())
    }

    /// The task that must be there to be claimed, running now.
    pub async fn claim(&self, session: SessionId) -> Result<Task> {
        let mut claimed = self.ledger.claim(session, TaskType::ALL, 1).await?;
        claimed.pop().context("a task to claim")
    }

    /// Starts a run of the job `files`, as a person does, and claims it.
    pub async fn begin_run(&self, session: SessionId) -> Result<Task> {
        let job = self.ledger.job(&"office".parse()?, &"files".parse()?).await?;
        let job = job.context("the job")?;
        let new = NewTask {
            job: Some(job.name),
            ..NewTask::new(Some(job.project), job.owner, job.task)
        };
        self.ledger.enqueue(new).await?;
        self.claim(session).await
    }

    /// Ends a running task as if it had made a snapshot.
    pub async fn end(&self, session: SessionId, task: &Task, state: TaskState) -> Result<()> {
        let stats = TaskStats {
            snapshots: 1,
            ..TaskStats::default()
        };
        let outcome = Outcome {
            stats,
            ..Outcome::new(state)
        };
        self.ledger.finish(task.id, session, outcome).await?;
        Ok(())
    }

    /// All tasks, in order.
    pub async fn tasks(&self) -> Result<Vec<Task>> {
        let page = Page::first(1000);
        let mut tasks = self.ledger.tasks(&TaskFilter::default(), &page).await?.tasks;
        tasks.reverse();
        Ok(tasks)
    }

    /// Waits for a state of the ledger, woken by its changes.
    pub async fn until(&self, what: &str, mut is_so: impl FnMut(&[Task]) -> bool) -> Result<Vec<Task>> {
        let mut wakes = self.ledger.wakes();
        let wait = async {
            loop {
                wakes.tasks.mark_unchanged();
                let tasks = self.tasks().await?;
                if is_so(&tasks) {
                    return Ok(tasks);
                }
                wakes.tasks.changed().await?;
            }
        };
        let patience = Duration::from_secs(60);
        match tokio::time::timeout(patience, wait).await {
            Ok(result) => result,
            Err(_) => anyhow::bail!("waited in vain until {what}: {:#?}", self.tasks().await?),
        }
    }

    /// Lets a real worker work until every task is over.
    pub async fn work(&self) -> Result<Vec<Task>> {
        let worker = self.worker();
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        let token = stop.clone();
        running.spawn(async move { worker.run(token).await });
        let over = |tasks: &[Task]| tasks.iter().all(|task| task.state.is_final());
        let tasks = self.until("every task is over", over).await?;
        stop.cancel();
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(tasks)
    }

    /// All events, in order.
    pub async fn events(&self) -> Result<Vec<Event>> {
        let rows = self.ledger.events_after(0, 1000, &Scope::All).await?;
        Ok(rows.into_iter().map(|row| row.event).collect())
    }

    /// The types of all events, in order.
    pub async fn event_types(&self) -> Result<Vec<EventType>> {
        let events = self.events().await?;
        Ok(events.into_iter().map(|event| event.event_type).collect())
    }

    /// The events of one type, in order.
    pub async fn told(&self, event_type: EventType) -> Result<Vec<Event>> {
        let mut events = self.events().await?;
        events.retain(|event| event.event_type == event_type);
        Ok(events)
    }

    /// The keys of the conditions that last and begin with `prefix`.
    pub async fn conditions(&self, prefix: &str) -> Result<Vec<String>> {
        let open = self.ledger.conditions(prefix).await?;
        Ok(open.into_iter().map(|condition| condition.key).collect())
    }
}
