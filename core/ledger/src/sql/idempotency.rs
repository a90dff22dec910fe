//! Keys under which clients enqueue tasks: written by the transaction that enqueues, so that of requests that come twice,
//! at once or to two hubs, the second finds what the first did.

use ironcore_types::Timestamp;

use super::Sql;
use super::tx::Tx;
use crate::db::{Conn, sql};
use crate::error::Result;
use crate::model::{Enqueued, KeyUse, KeyedRequest, NewTask};
use crate::{IDEMPOTENCY, IDEMPOTENCY_KEYS};

/// Keys that one call of `forget_idempotency_keys` deletes: the writer must not stand still for long.
const FORGET: u32 = 5_000;

/// What the key was used for, when it still counts.
async fn used(conn: &mut Conn, keyed: &KeyedRequest, now: Timestamp) -> Result<Option<KeyUse>> {
    let row =
        sql("SELECT request, upid FROM idempotency_keys WHERE \"user\" = $1 AND key = $2 AND used > $3")
            .bind(keyed.user.as_str())
            .bind(keyed.key.as_str())
            .bind(now.before(IDEMPOTENCY).as_micros())
            .fetch_optional(conn)
            .await?;
    row.map(|row| {
        Ok(match row.bytes("request")? == keyed.sha256 {
            true => KeyUse::Same(row.word("upid")?),
            false => KeyUse::Other,
        })
    })
    .transpose()
}

impl Tx {
    async fn enqueue_once(&mut self, new: NewTask, keyed: &KeyedRequest) -> Result<Enqueued> {
        if let Some(before) = used(&mut self.conn, keyed, self.now).await? {
            return Ok(Enqueued::Before(before));
        }
        let upid = self.enqueue(new).await?.upid;
        // One that counts no more may still be there.
        let row = sql(
            "INSERT INTO idempotency_keys (\"user\", key, number, request, upid, used)
             VALUES ($1, $2, COALESCE((SELECT MAX(number) FROM idempotency_keys WHERE \"user\" = $1), 0) + 1, $3, $4, $5)
             ON CONFLICT (\"user\", key) DO UPDATE SET
                number = EXCLUDED.number, request = EXCLUDED.request, upid = EXCLUDED.upid, used = EXCLUDED.used
             RETURNING number",
        )
        .bind(keyed.user.as_str())
        .bind(keyed.key.as_str())
        .bind(keyed.sha256.as_slice())
        .bind(upid.to_string())
        .bind(self.now.as_micros())
        .fetch_one(&mut self.conn)
        .await?;
        sql("DELETE FROM idempotency_keys WHERE \"user\" = $1 AND number <= $2")
            .bind(keyed.user.as_str())
            .bind(row.num("number")?.saturating_sub(IDEMPOTENCY_KEYS))
            .execute(&mut self.conn)
            .await?;
        Ok(Enqueued::Now(upid))
    }
}

impl Sql {
    pub(crate) async fn key_use(&self, keyed: &KeyedRequest) -> Result<Option<KeyUse>> {
        let mut conn = self.reader().await?;
        let now = self.now(&mut conn).await?;
        used(&mut conn, keyed, now).await
    }

    pub(crate) async fn enqueue_once(&self, new: NewTask, keyed: KeyedRequest) -> Result<Enqueued> {
        self.write_unguarded(move |tx| Box::pin(async move { tx.enqueue_once(new, &keyed).await }))
            .await
    }

    pub(crate) async fn forget_idempotency_keys(&self) -> Result<u64> {
        let mut conn = self.reader().await?;
        let over = self.now(&mut conn).await?.before(IDEMPOTENCY).as_micros();
        let found = sql("SELECT 1 FROM idempotency_keys WHERE used <= $1 LIMIT 1")
            .bind(over)
            .fetch_optional(&mut conn)
            .await?;
        drop(conn);
        if found.is_none() {
            return Ok(0);
        }
        self.write(move |tx| {
            Box::pin(async move {
                sql("DELETE FROM idempotency_keys WHERE (\"user\", key) IN (
                        SELECT \"user\", key FROM idempotency_keys WHERE used <= $1 ORDER BY used LIMIT $2)")
                .bind(over)
                .bind(FORGET)
                .execute(&mut tx.conn)
                .await
            })
        })
        .await
    }
}
