//! Claims: which queued tasks a worker gets, and why others wait. Who is to have the next slot is decided by
//! `rules::fair`; here is what that needs to know.

use std::collections::{BTreeMap, BTreeSet};

use ironcore_types::{JobName, KeyId, ProjectName, SessionId, TaskId, TaskState, TaskType, Timestamp};

use super::Sql;
use super::objects;
use super::queue::task;
use super::sessions::{live_session, live_sessions};
use super::tx::Tx;
use crate::LEASE;
use crate::db::{Conn, Row, Value, sql, words};
use crate::error::Result;
use crate::model::{Task, WaitReason, Waiting};
use crate::rules::fair::{Candidate, Loads, choose};
use crate::rules::tell;

/// Tasks whose place in the queue is counted.
const PLACES: u32 = 10_000;

/// What runs, what ran, and the limits: one statement, because each is a round trip.
async fn loads(conn: &mut Conn, now: Timestamp) -> Result<Loads> {
    let rows = sql(
        "SELECT 'running' AS kind, share AS name, datastore, other_datastore, COUNT(*) AS n,
            CAST(SUM($1 - COALESCE(started, $1)) AS BIGINT) AS used
         FROM tasks WHERE state = 'running' GROUP BY share, datastore, other_datastore
         UNION ALL SELECT 'used', share, NULL, NULL, 0, used FROM shares
         UNION ALL SELECT 'project', name, NULL, NULL, max_running, 0 FROM projects WHERE max_running IS NOT NULL
         UNION ALL SELECT 'datastore', name, NULL, NULL, max_running, 0 FROM datastores
            WHERE max_running IS NOT NULL",
    )
    .bind(now.as_micros())
    .fetch_all(conn)
    .await?;
    let mut loads = Loads::default();
    for row in rows {
        let (name, n, used) = (row.text("name")?, row.num("n")?, row.num("used")?);
        match row.text("kind")?.as_str() {
            "running" => {
                for datastore in datastores(&row)? {
                    *loads.datastores.entry(datastore).or_default() += n;
                }
                let load = loads.shares.entry(name).or_default();
                load.running += n;
                load.used += used.max(0);
            }
            "used" => loads.shares.entry(name).or_default().used += used,
            "project" => _ = loads.share_limits.insert(name, n),
            _ => _ = loads.datastore_limits.insert(name, n),
        }
    }
    Ok(loads)
}

fn datastores(row: &Row) -> Result<Vec<String>> {
    let both = [row.opt_text("datastore")?, row.opt_text("other_datastore")?];
    Ok(both.into_iter().flatten().collect())
}

async fn paused(conn: &mut Conn) -> Result<Option<Timestamp>> {
    sql("SELECT scheduler_paused FROM hub")
        .fetch_one(conn)
        .await?
        .opt_time("scheduler_paused")
}

/// The oldest ready tasks of each share whose queue is not empty: of the types $1, ready at $2, held when $3 = 1 and
/// automatic, on no datastore of $4, of no share of $5, at most $6 of each share.
///
/// A job never runs beside itself: of its ready tasks only the first is among them, and none while one runs. What a
/// person started goes before what the hub started of the same job, for that may be held.
macro_rules! ready {
    ($from:literal) => {
        concat!(
            "SELECT i.id FROM ",
            $from,
            " WHERE i.state = 'queued' AND i.share = s.share AND i.type IN LIST($1)
               AND (i.not_before IS NULL OR i.not_before <= $2)
               AND (i.automatic = 0 OR ($3 = 0 AND NOT EXISTS (
                    SELECT 1 FROM jobs j WHERE j.project = i.project AND j.name = i.job AND j.enabled = 0)))
               AND (i.datastore IS NULL OR i.datastore NOT IN LIST($4))
               AND (i.other_datastore IS NULL OR i.other_datastore NOT IN LIST($4))
               AND (i.key_id IS NULL OR i.key_id IN LIST($7))
               AND (i.job IS NULL OR NOT EXISTS (
                    SELECT 1 FROM tasks o
                    WHERE o.project = i.project AND o.job = i.job AND o.state IN ('queued', 'running')
                      AND (o.state = 'running'
                           OR (o.id < i.id AND (o.not_before IS NULL OR o.not_before <= $2)
                               AND (o.automatic = 0 OR i.automatic = 1)))))
             ORDER BY i.id LIMIT $6"
        )
    };
}

/// The queue's shares are found by going from one to the next in the index: looking at every queued task would take
/// long just when many wait. SQLite has to be told which index that is.
macro_rules! shares {
    ($index:literal) => {
        concat!(
            "WITH RECURSIVE s (share) AS (
                SELECT MIN(share) FROM tasks",
            $index,
            " WHERE state = 'queued'
                UNION ALL
                SELECT (SELECT MIN(t.share) FROM tasks t",
            $index,
            " WHERE t.state = 'queued' AND t.share > s.share)
                FROM s WHERE s.share IS NOT NULL)
             SELECT t.id, t.share, t.datastore, t.other_datastore, t.project, t.job, t.automatic,
                COALESCE((SELECT j.blackouts FROM jobs j WHERE j.project = t.project AND j.name = t.job), 0)
                    AS blackouts "
        )
    };
}

/// A candidate, and whether its job has blackout windows that may hold it.
struct Found {
    candidate: Candidate,
    job: Option<(ProjectName, JobName)>,
}

async fn candidates(
    conn: &mut Conn,
    types: &[TaskType],
    now: Timestamp,
    held: bool,
    loads: &Loads,
    keys: &[KeyId],
    n: u32,
) -> Result<Vec<Found>> {
    // Each in its own words: SQLite has no LATERAL, and PostgreSQL runs the other form once for every task.
    let query = sql(if conn.is_postgres() {
        concat!(
            shares!(""),
            "FROM s CROSS JOIN LATERAL (",
            ready!("tasks i"),
            ") r JOIN tasks t ON t.id = r.id
             WHERE s.share IS NOT NULL AND s.share NOT IN LIST($5) ORDER BY t.id"
        )
    } else {
        concat!(
            shares!(" INDEXED BY tasks_waiting"),
            "FROM s CROSS JOIN tasks t ON t.id IN (",
            ready!("tasks i INDEXED BY tasks_waiting"),
            ") WHERE s.share IS NOT NULL AND s.share NOT IN LIST($5) ORDER BY t.id"
        )
    });
    let rows = query
        .bind(words(types.iter().map(|t| t.as_str())))
        .bind(now.as_micros())
        .bind(held)
        .bind(words(loads.full_datastores()))
        .bind(words(loads.full_shares()))
        .bind(n)
        .bind(words(keys.iter().map(KeyId::as_str)))
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| {
            let may_be_dark = row.flag("automatic")? && row.num("blackouts")? > 0;
            let job = row.opt_word("project")?.zip(row.opt_word("job")?);
            Ok(Found {
                candidate: Candidate {
                    id: TaskId(row.num("id")?),
                    share: row.text("share")?,
                    datastores: datastores(row)?,
                },
                job: job.filter(|_| may_be_dark),
            })
        })
        .collect()
}

impl Tx {
    async fn claim(&mut self, session: SessionId, types: &[TaskType], n: u32) -> Result<Vec<Task>> {
        self.write_tasks().await?;
        let (node, keys) = live_session(&mut self.conn, session).await?;
        let loads = loads(&mut self.conn, self.now).await?;
        let held = paused(&mut self.conn).await?.is_some();
        let found = candidates(&mut self.conn, types, self.now, held, &loads, &keys, n).await?;
        let candidates = found.iter().map(|found| found.candidate.clone()).collect();
        let mut chosen = choose(loads, candidates, usize::try_from(n).unwrap_or(usize::MAX));
        for found in &found {
            if let Some((project, job)) = &found.job
                && chosen.contains(&found.candidate.id)
                && self.wait_for_light(found.candidate.id, project, job).await?
            {
                chosen.retain(|id| *id != found.candidate.id);
            }
        }
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        let rows = sql(
            "UPDATE tasks SET state = 'running', started = $1, session = $2, node = $3, lease_until = $4
             WHERE id IN LIST($5) AND state = 'queued' RETURNING *, CAST(NULL AS TEXT) AS progress",
        )
        .bind(self.now.as_micros())
        .bind(session.to_string())
        .bind(node.as_str())
        .bind(self.now.after(LEASE).as_micros())
        .bind(Value::Numbers(chosen.iter().map(|id| id.0).collect()))
        .fetch_all(&mut self.conn)
        .await?;
        let mut claimed = rows.iter().map(task).collect::<Result<Vec<_>>>()?;
        // As they were chosen: the worker begins them in this order.
        claimed.sort_by_key(|task| chosen.iter().position(|id| *id == task.id));
        for task in &claimed {
            self.tell(tell::task(task, Vec::new()), Some(task.id));
        }
        self.woken.tasks |= !claimed.is_empty();
        Ok(claimed)
    }

    /// Whether the task's job is in a blackout window; then it waits for the window's end.
    async fn wait_for_light(&mut self, id: TaskId, project: &ProjectName, job: &JobName) -> Result<bool> {
        let job = objects::job(&mut self.conn, project, job).await?;
        let Some(until) = job.and_then(|job| job.blackout_at(self.now)) else {
            return Ok(false);
        };
        sql("UPDATE tasks SET not_before = $1 WHERE id = $2 AND state = 'queued'")
            .bind(until.as_micros())
            .bind(id.0)
            .execute(&mut self.conn)
            .await?;
        self.woken.tasks = true;
        Ok(true)
    }

    /// Slot time that a task used goes to its share's account.
    pub(super) fn charge(&mut self, task: &Task) {
        let (Some(began), Some(ended)) = (task.started, task.ended) else {
            return;
        };
        let share = task.project.as_ref().map_or("", |project| project.as_str());
        *self.charges.entry(share.to_owned()).or_default() += (ended.as_micros() - began.as_micros()).max(0);
    }

    /// Writes the accounts. A share that is far behind is first brought to where it would have been let begin.
    pub(super) async fn write_charges(&mut self) -> Result<()> {
        for (share, used) in std::mem::take(&mut self.charges) {
            let lag = i64::try_from(crate::rules::fair::LAG.as_micros()).unwrap_or(i64::MAX);
            sql(
                "INSERT INTO shares (share, used)
                 VALUES ($1, COALESCE((SELECT CASE WHEN MAX(used) > $2 THEN MAX(used) - $2 ELSE 0 END FROM shares), 0)
                    + $3)
                 ON CONFLICT (share) DO UPDATE SET used = $3 + CASE
                    WHEN shares.used < (SELECT MAX(used) FROM shares) - $2
                    THEN (SELECT MAX(used) FROM shares) - $2 ELSE shares.used END",
            )
            .bind(share)
            .bind(lag)
            .bind(used)
            .execute(&mut self.conn)
            .await?;
        }
        Ok(())
    }
}

impl Sql {
    /// Workers ask again and again: a reader looks first whether anything waits, so that an idle hub writes nothing.
    pub(crate) async fn claim(&self, session: SessionId, types: Vec<TaskType>, n: u32) -> Result<Vec<Task>> {
        let mut conn = self.reader().await?;
        let (_, keys) = live_session(&mut conn, session).await?;
        let now = self.now(&mut conn).await?;
        let found = sql("SELECT 1 FROM tasks WHERE state = 'queued' AND type IN LIST($1)
                AND (not_before IS NULL OR not_before <= $2) AND (key_id IS NULL OR key_id IN LIST($3)) LIMIT 1")
        .bind(words(types.iter().map(|t| t.as_str())))
        .bind(now.as_micros())
        .bind(words(keys.iter().map(KeyId::as_str)))
        .fetch_optional(&mut conn)
        .await?;
        drop(conn);
        if found.is_none() || n == 0 {
            return Ok(Vec::new());
        }
        self.write(move |tx| Box::pin(async move { tx.claim(session, &types, n).await }))
            .await
    }

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
        let facts = Facts {
            now,
            paused: paused(&mut conn).await?,
            loads: loads(&mut conn, now).await?,
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
    .bind(Value::Numbers(tasks.iter().map(|task| task.id.0).collect()))
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
    sessions: Vec<crate::model::Session>,
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
