//! Circuits of lanes, and when the next message could go.

use ironcore_types::Timestamp;

use super::Sql;
use crate::db::{Row, sql};
use crate::error::Result;
use crate::model::Circuit;

fn circuit(row: &Row) -> Result<Circuit> {
    Ok(Circuit {
        lane: row.text("lane")?,
        until: row.time("until")?,
        failures: row.small("failures")?,
        reason: row.text("reason")?,
        opened: row.time("opened")?,
    })
}

impl Sql {
    pub(crate) async fn next_message_due(&self) -> Result<Option<Timestamp>> {
        let mut conn = self.reader().await?;
        // On lanes without a circuit the index gives the first at once; lanes with one are few.
        let free = sql("SELECT m.due FROM messages m
             WHERE m.state = 'pending' AND m.head = 1
               AND NOT EXISTS (SELECT 1 FROM circuits c WHERE c.lane = m.lane)
             ORDER BY m.due LIMIT 1")
        .fetch_optional(&mut conn)
        .await?;
        // While one message tries a lane whose pause is over, the others of the lane wait for its outcome.
        let paused = sql(
            "SELECT MIN(CASE WHEN m.due > c.until THEN m.due ELSE c.until END) AS due FROM circuits c JOIN messages m ON m.lane = c.lane
             WHERE m.state = 'pending' AND m.head = 1
               AND NOT EXISTS (SELECT 1 FROM messages r WHERE r.state = 'sending' AND r.lane = c.lane)",
        )
        .fetch_one(&mut conn)
        .await?;
        let free = free.map(|row| row.time("due")).transpose()?;
        let due = free.into_iter().chain(paused.opt_time("due")?).min();
        Ok(due)
    }

    pub(crate) async fn open_circuit(
        &self,
        lane: String,
        until: Timestamp,
        reason: String,
    ) -> Result<Circuit> {
        self.write(move |tx| {
            Box::pin(async move {
                let row = sql(
                    "INSERT INTO circuits (lane, until, failures, reason, opened) VALUES ($1, $2, 1, $3, $4)
                     ON CONFLICT (lane) DO UPDATE SET failures = circuits.failures + 1, reason = $3,
                        until = CASE WHEN circuits.until > $2 THEN circuits.until ELSE $2 END
                     RETURNING *",
                )
                .bind(lane)
                .bind(until.as_micros())
                .bind(reason)
                .bind(tx.now.as_micros())
                .fetch_one(&mut tx.conn)
                .await?;
                tx.woken.messages = true;
                circuit(&row)
            })
        })
        .await
    }

    pub(crate) async fn close_circuit(&self, lane: String) -> Result<bool> {
        self.write(move |tx| {
            Box::pin(async move {
                let done = sql("DELETE FROM circuits WHERE lane = $1")
                    .bind(lane)
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
