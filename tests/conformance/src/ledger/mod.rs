//! The ledger's suite: what every backend promises. A backend comes in as a [`Place`] where ledgers can be opened.

pub mod access;
pub mod acknowledged;
pub mod actions;
pub mod conditions;
pub mod delivery;
pub mod endings;
pub mod exchanges;
pub mod fences;
pub mod figures;
pub mod followers;
pub mod handlers;
pub mod held_back;
pub mod holding;
pub mod idempotency;
pub mod inbox;
pub mod incidents;
pub mod keys;
pub mod leases;
pub mod lists;
pub mod logs;
pub mod messages;
pub mod model;
pub mod objects;
pub mod places;
pub mod queue;
pub mod retries;
pub mod schedule;
pub mod silences;
pub mod statistics;
mod suite;
pub mod tasks;
pub mod users;
pub mod ways_in;
pub mod windows;

use anyhow::{Context, Result};
use futures::future::BoxFuture;
use ironcore_ledger::model::{NewSession, NewTask, Scope, SeqEvent, Service, Task, Tick};
use ironcore_ledger::{Ledger, LedgerError};
use ironcore_types::objects::{Document, Job};
use ironcore_types::{
    ErrorCode, EventType, JobName, ProjectName, Seams, SessionId, TaskSpec, TaskType, Timestamp, UserId,
};

use crate::clock::ManualClock;

/// Where a backend keeps one ledger; opening it again shows the same rows.
pub trait Place: Send + Sync {
    /// Opens it.
    fn open(&self, seams: Seams) -> BoxFuture<'_, Result<Ledger, LedgerError>>;

    /// Whether several hubs may have it open: then whoever has just opened it takes nobody's lease away before the others
    /// had time to renew theirs.
    fn is_shared(&self) -> bool {
        false
    }
}

/// A ledger with a project, two datastores and a clock in hand.
pub struct World {
    /// The ledger.
    pub ledger: Ledger,
    /// Its clock.
    pub clock: ManualClock,
    /// Its seams.
    pub seams: Seams,
}

impl World {
    /// Opens the ledger of `place` and declares what the suite works with.
    pub async fn new(place: &dyn Place) -> Result<Self> {
        let clock = ManualClock::new();
        let seams = clock.seams();
        let ledger = place.open(seams.clone()).await?;
        let world = Self { ledger, clock, seams };
        world
            .apply(serde_json::json!({
                "project": [{ "name": "demo" }, { "name": "other" }],
                "datastore": [
                    { "name": "ibs-primary", "path": "/srv/primary", "projects": ["demo", "other"] },
                    { "name": "ibs-archival", "path": "/srv/archival", "projects": ["demo"] },
                ],
            }))
            .await?;
        Ok(world)
    }

    /// Applies a declaration written as JSON.
    pub async fn apply(&self, document: serde_json::Value) -> Result<ironcore_ledger::model::ApplyReport> {
        let document: Document = serde_json::from_value(document)?;
        Ok(self.ledger.apply(&document, &user()?).await?)
    }

    /// Why a declaration is refused.
    pub async fn refusal(&self, document: serde_json::Value) -> Result<(ErrorCode, String)> {
        let document: Document = serde_json::from_value(document)?;
        let error = self
            .ledger
            .apply(&document, &user()?)
            .await
            .err()
            .context("it should have been refused")?;
        Ok((error.code(), error.to_string()))
    }

    /// Declares a backup job named `name` with `extra` keys and gives it back.
    pub async fn job(&self, name: &str, extra: serde_json::Value) -> Result<Job> {
        self.apply(serde_json::json!({ "job": [job_json(name, extra)] }))
            .await?;
        self.ledger
            .job(&demo()?, &name.parse()?)
            .await?
            .context("the job")
    }

    /// Registers a worker for every type.
    pub async fn worker(&self) -> Result<SessionId> {
        let id = SessionId(self.seams.uuid());
        let new = NewSession {
            id,
            node: "node-1".parse()?,
            pid: 7,
            services: vec![Service::Worker],
            types: TaskType::ALL.to_vec(),
            slots: 10,
            keys: Vec::new(),
        };
        self.ledger.register_session(new).await?;
        Ok(id)
    }

    /// Enqueues a backup that belongs to no job.
    pub async fn enqueue(&self) -> Result<Task> {
        Ok(self
            .ledger
            .enqueue(NewTask::new(Some(demo()?), user()?, backup()?))
            .await?)
    }

    /// Enqueues a run of a job, as a person does.
    pub async fn enqueue_job(&self, job: &Job) -> Result<Task> {
        let new = NewTask::new(Some(job.project.clone()), user()?, job.task.clone());
        Ok(self
            .ledger
            .enqueue(NewTask {
                job: Some(job.name.clone()),
                ..new
            })
            .await?)
    }

    /// A tick of a job, as a scheduler that looks now decides it.
    pub async fn tick(&self, job: &str, at: Timestamp) -> Result<Tick> {
        let job: JobName = job.parse()?;
        let cursors = self.ledger.cursors().await?;
        let cursor = cursors.iter().find(|cursor| cursor.job.name == job);
        Ok(Tick {
            project: demo()?,
            job,
            // One that does not fire has none.
            cursor: cursor.map_or(at, |cursor| cursor.until),
            scheduled_for: at,
            missed: 0,
            late: false,
            run: true,
        })
    }

    /// Claims up to `n` tasks of any type.
    pub async fn claim(&self, session: SessionId, n: u32) -> Result<Vec<Task>> {
        Ok(self.ledger.claim(session, TaskType::ALL, n).await?)
    }

    /// Tries to claim, and gives what the ledger says to it.
    pub async fn claim_any(&self, session: SessionId) -> Result<Vec<Task>, LedgerError> {
        self.ledger.claim(session, TaskType::ALL, 10).await
    }

    /// Claims the one task that must be there.
    pub async fn claim_one(&self, session: SessionId) -> Result<Task> {
        self.claim(session, 1).await?.pop().context("a task to claim")
    }

    /// All events of all, in order.
    pub async fn events(&self) -> Result<Vec<SeqEvent>> {
        Ok(self.ledger.events_after(0, 1_000, &Scope::All).await?)
    }

    /// The last event.
    pub async fn last_event(&self) -> Result<SeqEvent> {
        self.events().await?.pop().context("an event")
    }

    /// The types of a task's events, in order.
    pub async fn told(&self, task: &Task) -> Result<Vec<EventType>> {
        Ok(self
            .ledger
            .events_of_task(task.id)
            .await?
            .into_iter()
            .map(|e| e.event.event_type)
            .collect())
    }
}

/// The user of the suite.
pub fn user() -> Result<UserId> {
    Ok("ops@hub".parse()?)
}

/// The project of the suite.
pub fn demo() -> Result<ProjectName> {
    Ok("demo".parse()?)
}

/// A backup of one tree.
pub fn backup() -> Result<TaskSpec> {
    Ok(serde_json::from_value(serde_json::json!({
        "type": "backup", "source": { "tree": "/srv/data" }, "datastore": "ibs-primary", "backup-id": "demo"
    }))?)
}

/// A job declaration with `extra` keys over the usual ones.
pub fn job_json(name: &str, extra: serde_json::Value) -> serde_json::Value {
    let mut job = serde_json::json!({
        "project": "demo", "name": name, "owner": "owner@hub",
        "task": { "type": "backup", "source": { "tree": "/srv/data" }, "datastore": "ibs-primary", "backup-id": name },
    });
    if let (Some(job), Some(extra)) = (job.as_object_mut(), extra.as_object()) {
        job.extend(extra.clone());
    }
    job
}

/// Whether a verb was told that it no longer holds what it speaks of.
pub fn fenced<T>(result: Result<T, LedgerError>) -> bool {
    matches!(result, Err(LedgerError::Fenced(_)))
}
