//! Why queued tasks wait, and at which place.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_types::{JobName, KeyId, ProjectName, TaskId, TaskState, Timestamp};

use super::Sql;
use super::objects;
use super::sessions::live_sessions;
use super::slots::look;
use crate::db::{Conn, Value, sql};
use crate::error::Result;
use crate::model::{Session, Task, WaitReason, Waiting};
use crate::rules::fair::Loads;

/// Tasks whose place in the queue is counted.
const PLACES: u32 = 10_000;

impl Sql {
    /// Why these tasks wait, those of them that are queued.
    pub(crate) async fn waiting(&self, tasks: Vec<Task>) -> Result<Vec<Waiting>> {
        let tasks: Vec<Task> = tasks
            .into_iter()
            .filter(|task| task.state == TaskState::Queued)
            .collect();
        if tasks.is_empty() {
            return Ok(Vec::new());
        }
        let mut conn = self.reader().await?;
        let now = self.now(&mut conn).await?;
        let look = look(&mut conn, None, now).await?;
        let facts = Facts {
            now,
            paused: look.paused,
            loads: look.loads,
            sessions: live_sessions(&mut conn).await?,
            busy: busy_jobs(&mut conn, &tasks, now).await?,
            jobs: objects::paused_jobs(&mut conn).await?,
            keys: keys(&mut conn, &tasks).await?,
        };
        let places = places(&mut conn, &tasks).await?;
        Ok(tasks
            .iter()
            .map(|task| Waiting {
                task: task.id,
                reason: facts.reason(task),
                position: places.get(&task.id).copied(),
            })
            .collect())
    }
}

/// The places of these tasks in the queue: projects take turns.
async fn places(conn: &mut Conn, tasks: &[Task]) -> Result<BTreeMap<TaskId, u64>> {
    let rows = sql("SELECT id, place FROM (
            SELECT id, ROW_NUMBER() OVER (ORDER BY turn, id) AS place FROM (
                SELECT id, ROW_NUMBER() OVER (PARTITION BY share ORDER BY id) AS turn FROM (
                    SELECT id, share FROM tasks WHERE state = 'queued' ORDER BY id LIMIT $1) AS queue
            ) AS turns
         ) AS places WHERE id IN LIST($2)")
    .bind(PLACES)
    .bind(Value::Numbers(tasks.iter().map(|task| task.id.0).collect()))
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| Ok((TaskId(row.num("id")?), row.count("place")?)))
        .collect()
}

/// The keys that tasks need, those of them that need one.
async fn keys(conn: &mut Conn, tasks: &[Task]) -> Result<BTreeMap<TaskId, KeyId>> {
    let rows = sql("SELECT id, key_id FROM tasks WHERE id IN LIST($1) AND key_id IS NOT NULL")
        .bind(Value::Numbers(tasks.iter().map(|task| task.id.0).collect()))
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| Ok((TaskId(row.num("id")?), row.word("key_id")?)))
        .collect()
}

/// Those of the tasks that wait for another of the same job.
async fn busy_jobs(conn: &mut Conn, tasks: &[Task], now: Timestamp) -> Result<BTreeSet<TaskId>> {
    let rows = sql(
        "SELECT t.id FROM tasks t WHERE t.id IN LIST($1) AND t.job IS NOT NULL AND EXISTS (
            SELECT 1 FROM tasks o
            WHERE o.project = t.project AND o.job = t.job AND o.state IN ('queued', 'running')
              AND (o.state = 'running'
                   OR (o.id < t.id AND (o.not_before IS NULL OR o.not_before <= $2)
                       AND (o.automatic = 0 OR t.automatic = 1))))",
    )
    .bind(Value::Numbers(ids.to_vec()))
    .bind(now.as_micros())
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| Ok(TaskId(row.num("id")?))).collect()
}

/// What the reasons follow from.
struct Facts {
    now: Timestamp,
    paused: Option<Timestamp>,
    loads: Loads,
    sessions: Vec<Session>,
    busy: BTreeSet<TaskId>,
    /// The jobs that are paused.
    jobs: BTreeSet<(ProjectName, JobName)>,
    /// The keys that tasks need.
    keys: BTreeMap<TaskId, KeyId>,
}

impl Facts {
    fn reason(&self, task: &Task) -> WaitReason {
        if let Some(at) = task.not_before.filter(|at| *at > self.now) {
            return WaitReason::NotBefore { at };
        }
        if task.automatic {
            if let Some(since) = self.paused {
                return WaitReason::SchedulerPaused { since };
            }
            let job = task.project.clone().zip(task.job.clone());
            if job.is_some_and(|job| self.jobs.contains(&job)) {
                return WaitReason::JobPaused;
            }
        }
        if self.busy.contains(&task.id) {
            return WaitReason::JobRuns;
        }
        let small = |limit: &i64| u32::try_from(*limit).unwrap_or(u32::MAX);
        let share = task.project.as_ref().map_or("", |project| project.as_str());
        if self.loads.full_shares().contains(&share) {
            let limit = self.loads.share_limits.get(share).map_or(0, small);
            return WaitReason::ProjectLimit { limit };
        }
        let full = self.loads.full_datastores();
        let datastores = task.spec.datastores();
        if let Some(name) = datastores.into_iter().find(|name| full.contains(&name.as_str())) {
            return WaitReason::DatastoreLimit {
                datastore: name.clone(),
                limit: self.loads.datastore_limits.get(name.as_str()).map_or(0, small),
            };
        }
        let task_type = task.task_type();
        let mut fit: Vec<_> = self
            .sessions
            .iter()
            .filter(|session| session.types.contains(&task_type))
            .collect();
        if fit.is_empty() {
            return WaitReason::NoWorker { task_type };
        }
        let key = self.keys.get(&task.id);
        fit.retain(|session| key.is_none_or(|key| session.keys.contains(key)));
        if let Some(key) = key.filter(|_| fit.is_empty()) {
            return WaitReason::NoKey { key: key.clone() };
        }
        let slots = fit.iter().map(|session| u64::from(session.slots)).sum();
        if fit
            .iter()
            .all(|session| session.running >= u64::from(session.slots))
        {
            return WaitReason::NoSlot { slots };
        }
        WaitReason::Nothing
    }
}
