//! Slots: which are held, by whom and under what limits, and the accounts of slot time.

use ironcore_types::{KeyId, NodeName, SessionId, Timestamp};
use serde::Serialize;

use super::tx::Tx;
use crate::db::{Conn, Row, sql, to_json};
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
}

/// What runs, what ran, the limits, pauses, and who asks: one statement, because each is a round trip.
pub(super) async fn look(conn: &mut Conn, session: Option<SessionId>, now: Timestamp) -> Result<Look> {
    let rows = sql(
        "SELECT 'running' AS kind, share AS name, datastore, other_datastore, COUNT(*) AS n,
            CAST(SUM($1 - COALESCE(started, $1)) AS BIGINT) AS used
         FROM tasks WHERE state = 'running' GROUP BY share, datastore, other_datastore
         UNION ALL SELECT 'used', share, NULL, NULL, 0, used FROM shares
         UNION ALL SELECT 'project', name, NULL, NULL, max_running, 0 FROM projects WHERE max_running IS NOT NULL
         UNION ALL SELECT 'datastore', name, NULL, NULL, max_running, 0 FROM datastores
            WHERE max_running IS NOT NULL
         UNION ALL SELECT 'paused', '', NULL, NULL, scheduler_paused, 0 FROM hub WHERE scheduler_paused IS NOT NULL
         UNION ALL SELECT 'session', node, keys, NULL, 0, 0 FROM sessions WHERE id = $2 AND ended IS NULL",
    )
    .bind(now.as_micros())
    .bind(session.map(|session| session.to_string()))
    .fetch_all(conn)
    .await?;
    let mut look = Look::default();
    let loads = &mut look.loads;
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
            "datastore" => _ = loads.datastore_limits.insert(name, n),
            "paused" => look.paused = row.opt_time("n")?,
            _ => look.session = Some((row.word("name")?, row.json("datastore")?)),
        }
    }
    Ok(look)
}

/// The datastores that a row of a task names.
pub(super) fn datastores(row: &Row) -> Result<Vec<String>> {
    let both = [row.opt_text("datastore")?, row.opt_text("other_datastore")?];
    Ok(both.into_iter().flatten().collect())
}

impl Tx {
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
        let charges: Vec<Charge> = std::mem::take(&mut self.charges)
            .into_iter()
            .map(|(share, time)| Charge { share, time })
            .collect();
        if charges.is_empty() {
            return Ok(());
        }
        let rows = to_json("slot times", &charges)?;
        let lag = i64::try_from(LAG.as_micros()).unwrap_or(i64::MAX);
        let charged = sql(
            "UPDATE shares SET used = r.time + CASE WHEN shares.used < b.least THEN b.least ELSE shares.used END
             FROM RECORDS($1 AS r: share TEXT, time BIGINT),
                (SELECT COALESCE(MAX(used), 0) - $2 AS least FROM shares) AS b
             WHERE shares.share = r.share",
        )
        .bind(rows.clone())
        .bind(lag)
        .execute(&mut self.conn)
        .await?;
        if usize::try_from(charged).is_ok_and(|charged| charged == charges.len()) {
            return Ok(());
        }
        sql("INSERT INTO shares (share, used)
             SELECT r.share, r.time + CASE WHEN b.least > 0 THEN b.least ELSE 0 END
             FROM RECORDS($1 AS r: share TEXT, time BIGINT),
                (SELECT COALESCE(MAX(used), 0) - $2 AS least FROM shares) AS b
             WHERE NOT EXISTS (SELECT 1 FROM shares s WHERE s.share = r.share)")
        .bind(rows)
        .bind(lag)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }
}

/// Slot time that a share used.
#[derive(Serialize)]
struct Charge {
    share: String,
    time: i64,
}
