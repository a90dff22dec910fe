//! Slots: which are held, by whom and under what limits, and the accounts of slot time.

use std::collections::BTreeMap;

use ironcore_types::{KeyId, NodeName, SessionId, Timestamp};
use serde::Serialize;

use super::tx::Tx;
use crate::db::{Conn, sql, to_json};
use crate::error::Result;
use crate::model::Task;
use crate::rules::fair::{LAG, Loads};

/// What claims follow from.
#[derive(Default)]
pub(super) struct Look {
    pub(super) loads: Loads,
    /// Since when the scheduler is paused.
    pub(super) paused: Option<Timestamp>,
    /// The node and the keys of the session that asks, while it is not over.
    pub(super) session: Option<(NodeName, Vec<KeyId>)>,
    /// The keys that sign datastores, by the datastores' names.
    pub(super) signed: BTreeMap<String, KeyId>,
}

/// What runs, what ran, the limits, pauses, who asks and who signs: one statement, because each is a round trip.
pub(super) async fn look(conn: &mut Conn, session: Option<SessionId>, now: Timestamp) -> Result<Look> {
    let rows = sql(
        "SELECT kind, name, running AS n, began, used, NULL AS keys FROM loads
         UNION ALL SELECT 'project limit', name, max_running, 0, 0, NULL FROM projects
            WHERE max_running IS NOT NULL
         UNION ALL SELECT 'datastore limit', name, max_running, 0, 0, NULL FROM datastores
            WHERE max_running IS NOT NULL
         UNION ALL SELECT 'paused', '', scheduler_paused, 0, 0, NULL FROM hub WHERE scheduler_paused IS NOT NULL
         UNION ALL SELECT 'session', node, 0, 0, 0, keys FROM sessions WHERE id = $1 AND ended IS NULL
         UNION ALL SELECT 'signed', name, 0, 0, 0, signing_key FROM datastores WHERE signing_key IS NOT NULL",
    )
    .bind(session.map(|session| session.to_string()))
    .fetch_all(conn)
    .await?;
    let mut look = Look::default();
    for row in rows {
        let (kind, name, n) = (row.text("kind")?, row.text("name")?, row.num("n")?);
        match kind.as_str() {
            "project limit" => _ = look.loads.share_limits.insert(name, n),
            "datastore limit" => _ = look.loads.datastore_limits.insert(name, n),
            "paused" => look.paused = row.opt_time("n")?,
            "signed" => _ = look.signed.insert(name, row.word("keys")?),
            "session" => look.session = Some((row.word("name")?, row.json("keys")?)),
            kind => {
                let held = Held {
                    running: n,
                    began: row.num("began")?,
                    used: row.num("used")?,
                };
                held.add_to(&mut look.loads, kind == "share", name, now);
            }
        }
    }
    Ok(look)
}

/// What a share or a datastore holds, or by how much that changes.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    running: i64,
    /// When those began, in milliseconds, added up.
    began: i64,
    /// Slot time of those that ended, in microseconds.
    used: i64,
}

impl Held {
    fn add_to(self, loads: &mut Loads, share: bool, name: String, now: Timestamp) {
        if !share {
            *loads.datastores.entry(name).or_default() += self.running;
            return;
        }
        let load = loads.shares.entry(name).or_default();
        load.running += self.running;
        let runs = self.running.saturating_mul(millis(now)) - self.began;
        load.used += self.used + runs.saturating_mul(1_000);
    }
}

fn millis(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(1_000)
}

/// What a transaction changed of what is held and has not yet written: of shares (true) and of datastores.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes(BTreeMap<(bool, String), Held>);

impl Changes {
    fn of(&mut self, task: &Task, change: Held) {
        let share = task.project.as_ref().map_or("", |project| project.as_str());
        let datastores = task
            .spec
            .datastores()
            .into_iter()
            .map(|name| (false, name.to_string()));
        for key in datastores.chain([(true, share.to_owned())]) {
            let held = self.0.entry(key).or_default();
            held.running += change.running;
            held.began += change.began;
            held.used += change.used;
        }
    }

    /// `loads` as they are with these.
    pub(super) fn add_to(&self, loads: &mut Loads, now: Timestamp) {
        for ((share, name), held) in &self.0 {
            held.add_to(loads, *share, name.clone(), now);
        }
    }
}

/// A row of `loads`, on its way there.
#[derive(Serialize)]
struct LoadRow<'a> {
    kind: &'static str,
    name: &'a str,
    running: i64,
    began: i64,
    used: i64,
}

impl Tx {
    /// A task has begun: it holds a slot.
    pub(super) fn hold(&mut self, task: &Task) {
        let change = Held {
            running: 1,
            began: task.started.map_or(0, millis),
            used: 0,
        };
        self.changes.of(task, change);
    }

    /// A running task has ended: its slot is free, and the time goes to its share's account.
    pub(super) fn release(&mut self, task: &Task) {
        let time = task
            .started
            .zip(task.ended)
            .map_or(0, |(began, ended)| (ended.as_micros() - began.as_micros()).max(0));
        let change = Held {
            running: -1,
            began: -task.started.map_or(0, millis),
            used: time,
        };
        self.changes.of(task, change);
    }

    /// Writes what has changed. A share that is far behind is first brought to where it would have been let begin.
    pub(super) async fn write_loads(&mut self) -> Result<()> {
        let changes = std::mem::take(&mut self.changes);
        if changes.0.is_empty() {
            return Ok(());
        }
        let rows: Vec<LoadRow<'_>> = changes
            .0
            .iter()
            .map(|((share, name), held)| LoadRow {
                kind: if *share { "share" } else { "datastore" },
                name,
                running: held.running,
                began: held.began,
                used: held.used,
            })
            .collect();
        let count = rows.len();
        let rows = to_json("loads", &rows)?;
        let lag = i64::try_from(LAG.as_micros()).unwrap_or(i64::MAX);
        let changed = sql(
            "UPDATE loads SET running = loads.running + r.running, began = loads.began + r.began,
                used = r.used + CASE WHEN r.kind = 'share' AND loads.used < b.least THEN b.least ELSE loads.used END
             FROM RECORDS($1 AS r: kind TEXT, name TEXT, running BIGINT, began BIGINT, used BIGINT),
                (SELECT COALESCE(MAX(used), 0) - $2 AS least FROM loads WHERE kind = 'share') AS b
             WHERE loads.kind = r.kind AND loads.name = r.name",
        )
        .bind(rows.clone())
        .bind(lag)
        .execute(&mut self.conn)
        .await?;
        if usize::try_from(changed).is_ok_and(|changed| changed == count) {
            return Ok(());
        }
        sql("INSERT INTO loads (kind, name, running, began, used)
             SELECT r.kind, r.name, r.running, r.began,
                r.used + CASE WHEN r.kind = 'share' AND b.least > 0 THEN b.least ELSE 0 END
             FROM RECORDS($1 AS r: kind TEXT, name TEXT, running BIGINT, began BIGINT, used BIGINT),
                (SELECT COALESCE(MAX(used), 0) - $2 AS least FROM loads WHERE kind = 'share') AS b
             WHERE NOT EXISTS (SELECT 1 FROM loads l WHERE l.kind = r.kind AND l.name = r.name)")
        .bind(rows)
        .bind(lag)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Counts anew what is held: whatever somebody did to the tables by hand, it is right again after a start.
    pub(super) async fn count_loads(&mut self) -> Result<()> {
        sql("UPDATE loads SET running = 0, began = 0")
            .execute(&mut self.conn)
            .await?;
        sql("INSERT INTO loads (kind, name, running, began, used)
             SELECT kind, name, COUNT(*), CAST(SUM(started / 1000) AS BIGINT), 0 FROM (
                SELECT 'share' AS kind, share AS name, started FROM tasks WHERE state = 'running'
                UNION ALL SELECT 'datastore', datastore, started FROM tasks
                    WHERE state = 'running' AND datastore IS NOT NULL
                UNION ALL SELECT 'datastore', other_datastore, started FROM tasks
                    WHERE state = 'running' AND other_datastore IS NOT NULL
             ) AS held WHERE name IS NOT NULL GROUP BY kind, name
             ON CONFLICT (kind, name) DO UPDATE SET running = EXCLUDED.running, began = EXCLUDED.began")
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }
}
