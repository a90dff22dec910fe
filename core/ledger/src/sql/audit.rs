//! Who changed what: written in the transaction of the change, never changed.

use ironcore_types::Timestamp;

use super::Sql;
use super::tx::Tx;
use crate::AUDIT_KEPT;
use crate::db::{Row, sql, to_json};
use crate::error::Result;
use crate::model::{Actor, AuditEntry, AuditFilter, AuditPage, Change};

/// Entries that one call of `forget_audit` deletes.
const FORGET: u32 = 1_000;
/// Entries of a page at most.
const PAGE: u32 = 1_000;

fn entry(row: &Row) -> Result<AuditEntry> {
    Ok(AuditEntry {
        number: row.num("number")?,
        time: row.time("time")?,
        user: row.word("user")?,
        address: row.opt_word("address")?,
        request: row.opt_text("request")?,
        action: row.text("action")?,
        object: row.text("object")?,
        project: row.opt_word("project")?,
        before: row.opt_json("before")?,
        after: row.opt_json("after")?,
    })
}

impl Tx {
    /// Writes down what this transaction does. Without an actor it is the hub itself that does it, of which events tell.
    pub(super) async fn audit(&mut self, by: Option<&Actor>, change: Change) -> Result<()> {
        let Some(by) = by else { return Ok(()) };
        let json =
            |value: Option<&serde_json::Value>| value.map(|value| to_json("an object", value)).transpose();
        sql(
            "INSERT INTO audit (time, \"user\", address, request, action, object, project, before, after)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(self.now.as_micros())
        .bind(by.user.as_str())
        .bind(by.address.map(|address| address.to_string()))
        .bind(by.request.as_deref())
        .bind(change.action)
        .bind(change.object)
        .bind(change.project.as_ref().map(|project| project.as_str()))
        .bind(json(change.before.as_ref())?)
        .bind(json(change.after.as_ref())?)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }
}

impl Sql {
    pub(crate) async fn record_change(&self, by: Actor, change: Change) -> Result<()> {
        self.write(move |tx| Box::pin(async move { tx.audit(Some(&by), change).await }))
            .await
    }

    pub(crate) async fn audit_page(&self, filter: AuditFilter, limit: u32) -> Result<AuditPage> {
        let limit = limit.clamp(1, PAGE);
        let below = filter.object.as_ref().filter(|object| object.ends_with('/'));
        // What begins so lies before the same with the last character one further.
        let above = below.map(|prefix| format!("{}0", prefix.trim_end_matches('/')));
        let exact = filter.object.as_ref().filter(|object| !object.ends_with('/'));
        let rows = sql(
            "SELECT * FROM audit WHERE ($1 IS NULL OR number < $1) AND ($2 IS NULL OR \"user\" = $2)
                AND ($3 IS NULL OR object = $3) AND ($4 IS NULL OR (object >= $4 AND object < $5))
                AND ($6 IS NULL OR time >= $6) AND ($7 IS NULL OR time < $7)
             ORDER BY number DESC LIMIT $8",
        )
        .bind(filter.before)
        .bind(filter.user.as_ref().map(|user| user.as_str()))
        .bind(exact.cloned())
        .bind(below.cloned())
        .bind(above)
        .bind(filter.since.map(Timestamp::as_micros))
        .bind(filter.until.map(Timestamp::as_micros))
        .bind(i64::from(limit) + 1)
        .fetch_all(&mut self.reader().await?)
        .await?;
        let mut entries = rows.iter().map(entry).collect::<Result<Vec<_>>>()?;
        let more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        let next = entries.last().filter(|_| more).map(|last| last.number);
        Ok(AuditPage { entries, next })
    }

    pub(crate) async fn forget_audit(&self) -> Result<u64> {
        let before = self.ctx.seams.now().before(AUDIT_KEPT);
        self.write(move |tx| {
            Box::pin(async move {
                sql("DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE time < $1 ORDER BY number LIMIT $2)")
                    .bind(before.as_micros())
                    .bind(i64::from(FORGET))
                    .execute(&mut tx.conn)
                    .await
            })
        })
        .await
    }
}
