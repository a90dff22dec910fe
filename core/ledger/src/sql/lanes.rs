//! Circuits of lanes, and when the next message could go.

use std::time::Duration;

use ironcore_types::Timestamp;

use super::Sql;
use super::tx::Tx;
use crate::db::{Row, sql};
use crate::error::Result;
use crate::model::Circuit;

pub(super) fn circuit(row: &Row) -> Result<Circuit> {
    Ok(Circuit {
        lane: row.text("lane")?,
        until: row.time("until")?,
        failures: row.small("failures")?,
        reason: row.text("reason")?,
        opened: row.time("opened")?,
        gap: row
            .opt_num("gap")?
            .and_then(|gap| u64::try_from(gap).ok())
            .map(Duration::from_micros),
    })
}

/// When the first message of all lanes without a circuit is due.
const FIRST_BY_LANE: &str = "WITH RECURSIVE l (lane) AS (
        SELECT MIN(lane) FROM messages VIA(messages_lane_open) WHERE ended IS NULL AND head = 1
        UNION ALL
        SELECT (SELECT MIN(n.lane) FROM messages n VIA(messages_lane_open)
            WHERE n.ended IS NULL AND n.head = 1 AND n.lane > l.lane)
        FROM l WHERE l.lane IS NOT NULL)
     SELECT MIN((SELECT m.due FROM messages m VIA(messages_lane_open)
        WHERE m.ended IS NULL AND m.state = 'pending' AND m.head = 1 AND m.lane = l.lane
        ORDER BY m.due LIMIT 1)) AS due
     FROM l WHERE l.lane IS NOT NULL AND NOT EXISTS (SELECT 1 FROM circuits c WHERE c.lane = l.lane)";

/// As it is kept.
fn micros_of(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

impl Tx {
    async fn ease(&mut self, lane: &str, until: Timestamp, next: Timestamp, gap: Duration) -> Result<bool> {
        // One that waits, or comes after one that is being sent.
        let waits = sql(
            "SELECT 1 FROM messages VIA(messages_lane_open)
             WHERE ended IS NULL AND state = 'pending' AND head = 1 AND lane = $1
             UNION ALL
             SELECT 1 FROM messages s VIA(messages_lane_sending)
             WHERE s.state = 'sending' AND s.lane IS NOT NULL AND s.lane = $1 AND EXISTS (SELECT 1 FROM messages m
                WHERE m.handler = s.handler AND m.recipient = s.recipient AND m.thread = s.thread
                  AND m.state IN ('pending', 'sending') AND m.state = 'pending')
             LIMIT 1",
        )
        .bind(lane)
        .fetch_optional(&mut self.conn)
        .await?
        .is_some();
        let done = if waits {
            sql("UPDATE circuits SET until = $3, gap = $4, failures = 0 WHERE lane = $1 AND until <= $2")
                .bind(lane)
                .bind(until.as_micros())
                .bind(next.as_micros())
                .bind(micros_of(gap))
        } else {
            sql("DELETE FROM circuits WHERE lane = $1 AND until <= $2")
                .bind(lane)
                .bind(until.as_micros())
        };
        let done = done.execute(&mut self.conn).await? > 0;
        self.woken.messages |= done;
        Ok(done && waits)
    }
}

impl Sql {
    pub(crate) async fn next_message_due(&self) -> Result<Option<Timestamp>> {
        let mut conn = self.reader().await?;
        // The first message of all is most often of a lane without a circuit; else lane by lane, for very much may wait
        // for a destination that rests.
        let mut free = sql(
            "SELECT m.due, c.lane FROM messages m LEFT JOIN circuits c ON c.lane = m.lane
             WHERE m.state = 'pending' AND m.head = 1 ORDER BY m.due LIMIT 1",
        )
        .fetch_optional(&mut conn)
        .await?;
        if let Some(first) = &free
            && first.opt_text("lane")?.is_some()
        {
            free = sql(FIRST_BY_LANE).fetch_optional(&mut conn).await?;
        }
        // While one message tries a lane whose pause is over, the others of the lane wait for its outcome.
        let paused = sql("SELECT c.until, (SELECT m.due FROM messages m
                WHERE m.ended IS NULL AND m.state = 'pending' AND m.head = 1 AND m.lane = c.lane
                ORDER BY m.due LIMIT 1) AS due
             FROM circuits c
             WHERE NOT EXISTS (SELECT 1 FROM messages r WHERE r.state = 'sending' AND r.lane = c.lane)")
        .fetch_all(&mut conn)
        .await?;
        let mut next = free.map(|row| row.opt_time("due")).transpose()?.flatten();
        for row in &paused {
            let due = row.opt_time("due")?.max(Some(row.time("until")?));
            if row.opt_time("due")?.is_some() {
                next = next.into_iter().chain(due).min();
            }
        }
        Ok(next)
    }

    pub(crate) async fn open_circuit(
        &self,
        lane: String,
        until: Timestamp,
        gap: Option<Duration>,
        reason: String,
    ) -> Result<Circuit> {
        self.write(move |tx| {
            Box::pin(async move {
                let row = sql(
                    "INSERT INTO circuits (lane, until, failures, reason, opened, gap) VALUES ($1, $2, 1, $3, $4, $5)
                     ON CONFLICT (lane) DO UPDATE SET reason = $3, gap = COALESCE($5, circuits.gap),
                        failures = circuits.failures + CASE WHEN circuits.until > $4 THEN 0 ELSE 1 END,
                        until = CASE WHEN circuits.until > $2 THEN circuits.until ELSE $2 END
                     RETURNING *",
                )
                .bind(lane)
                .bind(until.as_micros())
                .bind(reason)
                .bind(tx.now.as_micros())
                .bind(gap.map(micros_of))
                .fetch_one(&mut tx.conn)
                .await?;
                tx.woken.messages = true;
                circuit(&row)
            })
        })
        .await
    }

    pub(crate) async fn ease_circuit(
        &self,
        lane: String,
        until: Timestamp,
        next: Timestamp,
        gap: Duration,
    ) -> Result<bool> {
        self.write(move |tx| Box::pin(async move { tx.ease(&lane, until, next, gap).await }))
            .await
    }

    pub(crate) async fn close_circuit(&self, lane: String, until: Timestamp) -> Result<bool> {
        self.write(move |tx| {
            Box::pin(async move {
                let done = sql("DELETE FROM circuits WHERE lane = $1 AND until <= $2")
                    .bind(lane)
                    .bind(until.as_micros())
                    .execute(&mut tx.conn)
                    .await?;
                let was_open = done > 0;
                tx.woken.messages |= was_open;
                Ok(was_open)
            })
        })
        .await
    }

    pub(crate) async fn circuits(&self) -> Result<Vec<Circuit>> {
        let mut conn = self.reader().await?;
        let rows = sql("SELECT * FROM circuits ORDER BY lane")
            .fetch_all(&mut conn)
            .await?;
        rows.iter().map(circuit).collect()
    }
}
