//! Why queued tasks wait, and at which place.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_types::{DatastoreName, JobName, KeyId, ProjectName, TaskId, TaskState, TaskType, Timestamp};

use super::Sql;
use super::objects;
use super::sessions::live_sessions;
use super::slots::look;
use crate::db::{Conn, Row, Value, sql};
use crate::error::Result;
use crate::model::{Session, Task, WaitReason, Waiting};
use crate::rules::fair::Loads;
use crate::rules::places::{Place, places};

/// Tasks whose place in the queue is counted.
const PLACES: u32 = 10_000;

/// What the waits of queued tasks follow from.
macro_rules! waiters {
    ($which:literal) => {
        concat!(
            "SELECT id, share, project, job, type, automatic, not_before, datastore, other_datastore, key_id
             FROM tasks WHERE state = 'queued' ",
            $which
        )
    };
}

impl Sql {
    /// Why these tasks wait, those of them that are queued.
    pub(crate) async fn waiting(&self, tasks: Vec<Task>) -> Result<Vec<Waiting>> {
        let ids: Vec<i64> = tasks
            .iter()
            .filter(|task| task.state == TaskState::Queued)
            .map(|task| task.id.0)
            .collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut conn = self.reader().await?;
        let (now, leases) = (self.now(&mut conn).await?, self.lease_time(&mut conn).await?);
        let look = look(&mut conn, None, now).await?;
        let facts = Facts {
            now,
            paused: look.paused,
            loads: look.loads,
            signed: look.signed,
            sessions: live_sessions(&mut conn, leases).await?,
            jobs: objects::paused_jobs(&mut conn).await?,
        };
        let asked = waiters(&mut conn, &ids).await?;
        let behind = busy_jobs(&mut conn, &ids, now).await?;
        let reasons: Vec<(TaskId, WaitReason)> = asked
            .iter()
            .map(|waiter| (waiter.id, facts.reason(waiter, behind.contains(&waiter.id))))
            .collect();
        let queue = queue(&mut conn, &facts).await?;
        let places = places(&queue, &reasons);
        Ok(reasons
            .into_iter()
            .map(|(task, reason)| Waiting {
                task,
                reason,
                position: places.get(&task).copied(),
            })
            .collect())
    }
}

/// A queued task, as far as its wait goes.
struct Waiter {
    id: TaskId,
    share: String,
    job: Option<(ProjectName, JobName)>,
    task_type: TaskType,
    automatic: bool,
    not_before: Option<Timestamp>,
    datastores: Vec<DatastoreName>,
    /// The key that opens what it works on.
    key: Option<KeyId>,
}

impl Waiter {
    fn of(row: &Row) -> Result<Self> {
        let datastores = [row.opt_word("datastore")?, row.opt_word("other_datastore")?];
        Ok(Self {
            id: TaskId(row.num("id")?),
            share: row.text("share")?,
            job: row.opt_word("project")?.zip(row.opt_word("job")?),
            task_type: row.word("type")?,
            automatic: row.flag("automatic")?,
            not_before: row.opt_time("not_before")?,
            datastores: datastores.into_iter().flatten().collect(),
            key: row.opt_word("key_id")?,
        })
    }
}

async fn waiters(conn: &mut Conn, ids: &[i64]) -> Result<Vec<Waiter>> {
    let rows = sql(waiters!("AND id IN LIST($1)"))
        .bind(Value::Numbers(ids.to_vec()))
        .fetch_all(conn)
        .await?;
    rows.iter().map(Waiter::of).collect()
}

/// The oldest of those that wait, each with what it waits for.
async fn queue(conn: &mut Conn, facts: &Facts) -> Result<Vec<Place>> {
    let rows = sql("SELECT project, job FROM tasks WHERE state = 'running' AND job IS NOT NULL")
        .fetch_all(conn)
        .await?;
    let running: BTreeSet<(ProjectName, JobName)> = rows
        .iter()
        .map(|row| Ok((row.word("project")?, row.word("job")?)))
        .collect::<Result<_>>()?;
    let rows = sql(waiters!("ORDER BY id LIMIT $1"))
        .bind(PLACES)
        .fetch_all(conn)
        .await?;
    let waiters: Vec<Waiter> = rows.iter().map(Waiter::of).collect::<Result<_>>()?;
    let firsts = firsts(&waiters, facts.now);
    let queue = waiters.iter().map(|waiter| {
        let behind = waiter
            .job
            .as_ref()
            .is_some_and(|job| running.contains(job) || firsts.get(job).is_some_and(|id| *id != waiter.id));
        Place {
            task: waiter.id,
            share: waiter.share.clone(),
            reason: facts.reason(waiter, behind),
        }
    });
    Ok(queue.collect())
}

/// The rule of claims: of a job's ready tasks the first, and what a person started before what the hub did.
fn firsts(waiters: &[Waiter], now: Timestamp) -> BTreeMap<&(ProjectName, JobName), TaskId> {
    let mut firsts: BTreeMap<_, (bool, TaskId)> = BTreeMap::new();
    for waiter in waiters
        .iter()
        .filter(|waiter| waiter.not_before.is_none_or(|at| at <= now))
    {
        if let Some(job) = &waiter.job {
            let this = (waiter.automatic, waiter.id);
            let first = firsts.entry(job).or_insert(this);
            *first = this.min(*first);
        }
    }
    firsts.into_iter().map(|(job, (_, id))| (job, id)).collect()
}

/// Those of the tasks that wait for another of the same job.
async fn busy_jobs(conn: &mut Conn, ids: &[i64], now: Timestamp) -> Result<BTreeSet<TaskId>> {
    let rows = sql(
        "SELECT t.id FROM tasks t WHERE t.id IN LIST($1) AND t.job IS NOT NULL AND EXISTS (
            SELECT 1 FROM tasks o
            WHERE o.project = t.project AND o.job = t.job AND o.state IN ('queued', 'running')
              AND (o.state = 'running'
                   OR ((o.not_before IS NULL OR o.not_before <= $2)
                       AND (o.automatic < t.automatic OR (o.automatic = t.automatic AND o.id < t.id)))))",
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
    /// The keys that sign datastores.
    signed: BTreeMap<String, KeyId>,
    sessions: Vec<Session>,
    /// The jobs that are paused.
    jobs: BTreeSet<(ProjectName, JobName)>,
}

impl Facts {
    /// The keys that whoever does a task must have.
    fn keys<'a>(&'a self, task: &'a Waiter) -> Vec<&'a KeyId> {
        let signed = task.datastores.iter();
        let signed = signed.filter_map(|name| self.signed.get(name.as_str()));
        task.key.iter().chain(signed).collect()
    }

    /// What a task waits for; `behind` when another of its job goes before it.
    fn reason(&self, task: &Waiter, behind: bool) -> WaitReason {
        if let Some(at) = task.not_before.filter(|at| *at > self.now) {
            return WaitReason::NotBefore { at };
        }
        if task.automatic {
            if let Some(since) = self.paused {
                return WaitReason::SchedulerPaused { since };
            }
            if task.job.as_ref().is_some_and(|job| self.jobs.contains(job)) {
                return WaitReason::JobPaused;
            }
        }
        if behind {
            return WaitReason::JobRuns;
        }
        let small = |limit: &i64| u32::try_from(*limit).unwrap_or(u32::MAX);
        let share = task.share.as_str();
        if self.loads.full_shares().contains(&share) {
            let limit = self.loads.share_limits.get(share).map_or(0, small);
            return WaitReason::ProjectLimit { limit };
        }
        let full = self.loads.full_datastores();
        if let Some(name) = task.datastores.iter().find(|name| full.contains(&name.as_str())) {
            return WaitReason::DatastoreLimit {
                datastore: name.clone(),
                limit: self.loads.datastore_limits.get(name.as_str()).map_or(0, small),
            };
        }
        let task_type = task.task_type;
        let mut fit: Vec<_> = self
            .sessions
            .iter()
            .filter(|session| session.types.contains(&task_type))
            .collect();
        if fit.is_empty() {
            return WaitReason::NoWorker { task_type };
        }
        let keys = self.keys(task);
        let has = |session: &Session, key: &KeyId| session.keys.contains(key);
        let nobody_has = |key: &&KeyId| !fit.iter().any(|session| has(session, key));
        // When each key is somewhere but no worker has all, one of them is as good as missing.
        let missing = keys.iter().copied().find(nobody_has).or(keys.first().copied());
        fit.retain(|session| keys.iter().all(|key| has(session, key)));
        if let Some(key) = missing.filter(|_| fit.is_empty()) {
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
