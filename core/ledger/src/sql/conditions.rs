//! Conditions. A row is there while the condition lasts; the insert that makes it decides who tells of it.

use super::Sql;
use super::tx::Tx;
use crate::db::sql;
use crate::error::Result;
use crate::model::{Condition, NewEvent};

impl Tx {
    /// Writes a condition down, of which nothing more is to be told. False when it was there.
    pub(super) async fn put_condition(&mut self, key: String) -> Result<bool> {
        let made = sql("INSERT INTO conditions (key, since) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(key)
            .bind(self.now.as_micros())
            .execute(&mut self.conn)
            .await?;
        Ok(made > 0)
    }

    async fn open_condition(&mut self, key: String, event: NewEvent) -> Result<bool> {
        if !self.put_condition(key.clone()).await? {
            return Ok(false);
        }
        let task = event.data.task.as_ref().map(|task| task.upid.task);
        let told = self.tell(event, task);
        sql("UPDATE conditions SET event = $2 WHERE key = $1")
            .bind(key)
            .bind(told.event.id.to_string())
            .execute(&mut self.conn)
            .await?;
        Ok(true)
    }
}

impl Sql {
    pub(crate) async fn open_conditions(&self, conditions: Vec<(String, NewEvent)>) -> Result<Vec<bool>> {
        if conditions.is_empty() {
            return Ok(Vec::new());
        }
        self.write(move |tx| {
            Box::pin(async move {
                let mut opened = Vec::with_capacity(conditions.len());
                for (key, event) in conditions {
                    opened.push(tx.open_condition(key, event).await?);
                }
                Ok(opened)
            })
        })
        .await
    }

    pub(crate) async fn close_conditions(&self, keys: Vec<String>) -> Result<u64> {
        if keys.is_empty() {
            return Ok(0);
        }
        self.write(move |tx| {
            Box::pin(async move {
                let mut closed = 0;
                tx.end_by_conditions(&keys).await?;
                for key in keys {
                    closed += sql("DELETE FROM conditions WHERE key = $1")
                        .bind(key)
                        .execute(&mut tx.conn)
                        .await?;
                }
                Ok(closed)
            })
        })
        .await
    }

    pub(crate) async fn conditions(&self, prefix: String) -> Result<Vec<Condition>> {
        let mut conn = self.reader().await?;
        // No key holds the last character there is: what begins with the prefix lies between the two.
        let beyond = format!("{prefix}\u{10FFFF}");
        let rows = sql("SELECT key, since FROM conditions WHERE key >= $1 AND key < $2 ORDER BY key")
            .bind(prefix)
            .bind(beyond)
            .fetch_all(&mut conn)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Condition {
                    key: row.text("key")?,
                    since: row.time("since")?,
                })
            })
            .collect()
    }

    /// A write that changes nothing, down to the disk and back.
    pub(crate) async fn check_writes(&self) -> Result<()> {
        self.write(|tx| {
            Box::pin(async move {
                sql("UPDATE hub SET only_row = 1").execute(&mut tx.conn).await?;
                Ok(())
            })
        })
        .await
    }
}
