//! Claims: which queued tasks a worker gets. Who is to have the next slot is decided by `rules::fair`; what that needs
//! to know of the slots is in `slots`, why others wait in `waiting`.

use ironcore_types::{JobName, KeyId, ProjectName, SessionId, TaskId, TaskType, Timestamp};

use super::Sql;
use super::objects;
use super::queue::task;
use super::slots::look;
use super::tx::Tx;
use crate::db::{Conn, Value, micros, sql, words};
use crate::error::{LedgerError, Result};
use crate::model::Task;
use crate::open::Clock;
use crate::rules::fair::{Candidate, Loads, choose};
use crate::rules::tell;

/// The oldest ready tasks of each share whose queue is not empty: of the types $1, ready at $2, held when $3 = 1 and
/// automatic, on no datastore of $4 (those are full, or signed by keys that the worker has not), of no share of $5, at
/// most $6 of each share, for a worker that has the keys $7.
///
/// A job never runs beside itself: of its ready tasks only the first is among them, and none while one runs. What a
/// person started goes before what the hub started of the same job, also when that is older, for that may be held.
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
                           OR ((o.not_before IS NULL OR o.not_before <= $2)
                               AND (o.automatic < i.automatic OR (o.automatic = i.automatic AND o.id < i.id))))))
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

/// Whether a task of the types $1 that is ready at `$now`, for session $3 to do, waits at all; no row without that
/// session. Databases have words of their own for the time and for the members of an array in JSON.
macro_rules! waits {
    ($now:literal, $keys:literal) => {
        concat!(
            "SELECT CAST(CASE WHEN EXISTS (
                SELECT 1 FROM tasks t WHERE t.state = 'queued' AND t.type IN LIST($1)
                   AND (t.not_before IS NULL OR t.not_before <= ",
            $now,
            ") AND (t.key_id IS NULL OR t.key_id IN (SELECT ",
            $keys,
            ")) AND NOT EXISTS (
                SELECT 1 FROM datastores d
                WHERE d.name IN (t.datastore, t.other_datastore) AND d.signing_key IS NOT NULL
                   AND d.signing_key NOT IN (SELECT ",
            $keys,
            "))) THEN 1 ELSE 0 END AS BIGINT) AS waiting
             FROM sessions s WHERE s.id = $3 AND s.ended IS NULL"
        )
    };
}

/// A candidate, and whether its job has blackout windows that may hold it.
struct Found {
    candidate: Candidate,
    job: Option<(ProjectName, JobName)>,
}

/// What a claim asks for.
struct Wanted<'a> {
    types: &'a [TaskType],
    now: Timestamp,
    /// Whether the scheduler is paused.
    held: bool,
    /// Datastores that nothing is to be done on.
    closed: Vec<&'a str>,
    loads: &'a Loads,
    keys: &'a [KeyId],
    n: u32,
}

async fn candidates(conn: &mut Conn, wanted: &Wanted<'_>) -> Result<Vec<Found>> {
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
        .bind(words(wanted.types.iter().map(|t| t.as_str())))
        .bind(wanted.now.as_micros())
        .bind(wanted.held)
        .bind(words(wanted.closed.iter().copied()))
        .bind(words(wanted.loads.full_shares()))
        .bind(wanted.n)
        .bind(words(wanted.keys.iter().map(KeyId::as_str)))
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| {
            let may_be_dark = row.flag("automatic")? && row.num("blackouts")? > 0;
            let datastores = [row.opt_text("datastore")?, row.opt_text("other_datastore")?];
            let job = row.opt_word("project")?.zip(row.opt_word("job")?);
            Ok(Found {
                candidate: Candidate {
                    id: TaskId(row.num("id")?),
                    share: row.text("share")?,
                    datastores: datastores.into_iter().flatten().collect(),
                },
                job: job.filter(|_| may_be_dark),
            })
        })
        .collect()
}

impl Tx {
    async fn claim(&mut self, session: SessionId, types: &[TaskType], n: u32) -> Result<Vec<Task>> {
        self.write_tasks().await?;
        let look = look(&mut self.conn, Some(session), self.now).await?;
        let (node, keys) = look
            .session
            .ok_or_else(|| LedgerError::Fenced(format!("session {session}")))?;
        let (mut loads, held) = (look.loads, look.paused.is_some());
        self.changes.add_to(&mut loads, self.now);
        // A datastore's key is asked for now, not when the task was enqueued: it may have been taken over since.
        let foreign = look.signed.iter().filter(|(_, key)| !keys.contains(key));
        let mut closed = loads.full_datastores();
        closed.extend(foreign.map(|(name, _)| name.as_str()));
        let wanted = Wanted {
            types,
            now: self.now,
            held,
            closed,
            loads: &loads,
            keys: &keys,
            n,
        };
        let found = candidates(&mut self.conn, &wanted).await?;
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
        // They wait: that is what they were chosen by, and nobody else writes. By their numbers alone: the index of
        // those that wait looks smaller, and is full of those that waited.
        let rows = sql(
            "UPDATE tasks SET state = 'running', started = $1, session = $2, node = $3, lease_until = $4
             WHERE id IN LIST($5) RETURNING *, CAST(NULL AS TEXT) AS progress",
        )
        .bind(self.now.as_micros())
        .bind(session.to_string())
        .bind(node.as_str())
        .bind(self.lease_end().as_micros())
        .bind(Value::Numbers(chosen.iter().map(|id| id.0).collect()))
        .fetch_all(&mut self.conn)
        .await?;
        let mut claimed = rows.iter().map(task).collect::<Result<Vec<_>>>()?;
        // As they were chosen: the worker begins them in this order.
        claimed.sort_by_key(|task| chosen.iter().position(|id| *id == task.id));
        for task in &claimed {
            self.hold(task);
            self.tell(tell::task(task, Vec::new()), Some(task.id));
        }
        self.woken.tasks |= !claimed.is_empty();
        Ok(claimed)
    }

    /// Whether the task's job is in a blackout window; then it waits for the window's end.
    async fn wait_for_light(&mut self, id: TaskId, project: &ProjectName, job: &JobName) -> Result<bool> {
        let job = objects::readable_job(&mut self.conn, project, job).await?;
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
}

impl Sql {
    /// Workers ask again and again: a reader looks first whether anything waits, so that an idle hub writes nothing.
    pub(crate) async fn claim(&self, session: SessionId, types: Vec<TaskType>, n: u32) -> Result<Vec<Task>> {
        let mut conn = self.reader().await?;
        let now = match self.clock {
            Clock::Seams => Some(self.ctx.seams.now()),
            Clock::Database => None,
        };
        let row = sql(if conn.is_postgres() {
            waits!(
                "COALESCE($2, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT))",
                "json_array_elements_text(CAST(s.keys AS JSON))"
            )
        } else {
            waits!("$2", "value FROM json_each(s.keys)")
        })
        .bind(words(types.iter().map(|t| t.as_str())))
        .bind(micros(now))
        .bind(session.to_string())
        .fetch_optional(&mut conn)
        .await?;
        drop(conn);
        let row = row.ok_or_else(|| LedgerError::Fenced(format!("session {session}")))?;
        if row.num("waiting")? == 0 || n == 0 {
            return Ok(Vec::new());
        }
        self.write(move |tx| Box::pin(async move { tx.claim(session, &types, n).await }))
            .await
    }
}
