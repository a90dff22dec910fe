//! Key-value rows and actions.

use ironcore_types::{EventId, TaskId, Upid};

use super::Sql;
use super::events::seq_of;
use super::tx::Tx;
use crate::db::{Row, sql};
use crate::error::{LedgerError, Result};
use crate::model::{Action, ActionResult, ActionWork, KvScope, KvWrite, Message, NewAction};
use crate::{KV_QUOTA_BYTES, KV_QUOTA_KEYS};

/// Attempts before one that are looked at for an action that began them.
const ATTEMPTS: u32 = 100;
/// Bytes of a key at most.
const LONGEST_KEY: usize = 256;

fn action(row: &Row) -> Result<Action> {
    Ok(Action {
        cause: row.word("cause")?,
        kind: row.text("kind")?,
        target: row.text("target")?,
        actor: row.word("actor")?,
        depth: row.small("depth")?,
        task: row.opt_num("task")?.map(TaskId),
        at: row.time("at")?,
    })
}

impl Tx {
    /// Writes what the plugin of `message` wants kept, all or nothing; false when that would go over its quota.
    pub(super) async fn write_kv(&mut self, message: &Message, writes: &[KvWrite]) -> Result<bool> {
        if writes.is_empty() {
            return Ok(true);
        }
        if writes.iter().any(|write| write.key.len() > LONGEST_KEY) {
            return Ok(false);
        }
        sql("SAVEPOINT kv").execute(&mut self.conn).await?;
        let (plugin, handler) = (message.plugin.as_str(), message.handler.to_string());
        for write in writes {
            let query = match &write.value {
                Some(value) => sql(
                    "INSERT INTO plugin_kv (plugin, handler, key, value) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (plugin, handler, key) DO UPDATE SET value = $4",
                )
                .bind(plugin)
                .bind(handler.as_str())
                .bind(write.key.as_str())
                .bind(value.as_slice()),
                None => sql("DELETE FROM plugin_kv WHERE plugin = $1 AND handler = $2 AND key = $3")
                    .bind(plugin)
                    .bind(handler.as_str())
                    .bind(write.key.as_str()),
            };
            query.execute(&mut self.conn).await?;
        }
        let row = sql(
            "SELECT COUNT(*) AS keys, COALESCE(SUM(OCTET_LENGTH(key) + OCTET_LENGTH(value)), 0) AS bytes
             FROM plugin_kv WHERE plugin = $1 AND handler = $2",
        )
        .bind(plugin)
        .bind(handler.as_str())
        .fetch_one(&mut self.conn)
        .await?;
        let fits = row.count("keys")? <= KV_QUOTA_KEYS && row.count("bytes")? <= KV_QUOTA_BYTES;
        if !fits {
            sql("ROLLBACK TO kv").execute(&mut self.conn).await?;
        }
        sql("RELEASE kv").execute(&mut self.conn).await?;
        Ok(fits)
    }

    async fn record_action(&mut self, new: NewAction) -> Result<ActionResult> {
        if seq_of(&mut self.conn, new.cause).await?.is_none() {
            return Err(LedgerError::NotFound(format!("event {}", new.cause)));
        }
        let done = sql(
            "INSERT INTO actions (cause, kind, target, actor, depth, at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT DO NOTHING",
        )
        .bind(new.cause.to_string())
        .bind(new.kind.as_str())
        .bind(new.target.as_str())
        .bind(new.actor.as_str())
        .bind(new.depth)
        .bind(self.now.as_micros())
        .execute(&mut self.conn)
        .await?;
        let fresh = done > 0;
        let mut task = None;
        if fresh {
            match new.work {
                ActionWork::Record => {}
                ActionWork::Enqueue(wanted) => {
                    task = Some(self.enqueue(*wanted).await?);
                    // The action's own row points at it.
                    self.write_tasks().await?;
                }
                ActionWork::PauseJob { project, job } => {
                    self.set_job_enabled(&project, &job, false).await?;
                }
            }
        }
        let row = sql(
            "UPDATE actions SET task = COALESCE(task, $1) WHERE cause = $2 AND kind = $3 AND target = $4 RETURNING *",
        )
        .bind(task.as_ref().map(|task| task.id.0))
        .bind(new.cause.to_string())
        .bind(new.kind.as_str())
        .bind(new.target.as_str())
        .fetch_one(&mut self.conn)
        .await?;
        Ok(ActionResult {
            action: action(&row)?,
            new: fresh,
            task,
        })
    }
}

impl Sql {
    pub(crate) async fn kv_get(&self, scope: KvScope, key: String) -> Result<Option<Vec<u8>>> {
        let mut conn = self.reader().await?;
        let row = sql("SELECT value FROM plugin_kv WHERE plugin = $1 AND handler = $2 AND key = $3")
            .bind(scope.plugin.as_str())
            .bind(scope.handler.to_string())
            .bind(key)
            .fetch_optional(&mut conn)
            .await?;
        row.map(|row| row.bytes("value")).transpose()
    }

    pub(crate) async fn record_action(&self, new: NewAction) -> Result<ActionResult> {
        self.write(move |tx| Box::pin(async move { tx.record_action(new).await }))
            .await
    }

    pub(crate) async fn action_depth(&self, task: TaskId) -> Result<Option<u32>> {
        let mut conn = self.reader().await?;
        let mut task = task.0;
        for _ in 0..ATTEMPTS {
            let row = sql(
                "SELECT t.retry_of, (SELECT MAX(a.depth) FROM actions a WHERE a.task = t.id) AS depth
                 FROM tasks t WHERE t.id = $1",
            )
            .bind(task)
            .fetch_optional(&mut conn)
            .await?;
            let Some(row) = row else { return Ok(None) };
            if let Some(depth) = row.opt_num("depth")? {
                return Ok(u32::try_from(depth).ok());
            }
            match row.opt_word::<Upid>("retry_of")? {
                Some(before) => task = before.task.0,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    pub(crate) async fn acted_since(&self, task: TaskId, kind: String, target: String) -> Result<bool> {
        let mut conn = self.reader().await?;
        let (mut task, mut since) = (task.0, None);
        for _ in 0..ATTEMPTS {
            let row = sql("SELECT t.queued, t.retry_of, (SELECT MAX(e.task) FROM actions a JOIN events e ON e.id = a.cause
                    WHERE a.task = t.id AND e.task IS NOT NULL) AS caused_by
                 FROM tasks t WHERE t.id = $1")
            .bind(task)
            .fetch_optional(&mut conn)
            .await?;
            let Some(row) = row else { break };
            since = Some(row.num("queued")?);
            let before = row.opt_word::<Upid>("retry_of")?.map(|before| before.task.0);
            match row.opt_num("caused_by")?.or(before) {
                Some(before) => task = before,
                None => break,
            }
        }
        let found = sql("SELECT 1 FROM actions WHERE kind = $1 AND target = $2 AND at >= $3 AND actor LIKE '%@plugin' LIMIT 1")
            .bind(kind)
            .bind(target)
            .bind(since)
            .fetch_optional(&mut conn)
            .await?;
        Ok(found.is_some())
    }

    pub(crate) async fn actions_of(&self, cause: EventId) -> Result<Vec<Action>> {
        let mut conn = self.reader().await?;
        let rows = sql("SELECT * FROM actions WHERE cause = $1 ORDER BY at, kind, target")
            .bind(cause.to_string())
            .fetch_all(&mut conn)
            .await?;
        rows.iter().map(action).collect()
    }
}
