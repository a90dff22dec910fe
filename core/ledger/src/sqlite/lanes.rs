//! Circuits of lanes on SQLite, and when the next message could go.

use ironcore_types::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::Sqlite;
use super::columns::Columns;
use crate::error::Result;
use crate::model::Circuit;

fn circuit(row: &SqliteRow) -> Result<Circuit> {
    Ok(Circuit {
        lane: row.text("lane")?,
        until: row.time("until")?,
        failures: row.small("failures")?,
        reason: row.text("reason")?,
        opened: row.time("opened")?,
    })
}

impl Sqlite {
    pub(crate) async fn next_message_due(&self) -> Result<Option<Timestamp>> {
        let mut conn = self.reader().await?;
        // On lanes without a circuit the index gives the first at once; lanes with one are few.
        let free: Option<i64> = sqlx::query_scalar(
            "SELECT m.due FROM messages m
             WHERE m.state = 'pending' AND m.head = 1
               AND NOT EXISTS (SELECT 1 FROM circuits c WHERE c.lane = m.lane)
             ORDER BY m.due LIMIT 1",
        )
        .fetch_optional(&mut *conn)
        .await?;
        // While one message tries a lane whose pause is over, the others of the lane wait for its outcome.
        let paused: Option<i64> = sqlx::query_scalar(
            "SELECT MIN(MAX(m.due, c.until)) FROM circuits c JOIN messages m ON m.lane = c.lane
             WHERE m.state = 'pending' AND m.head = 1
               AND NOT EXISTS (SELECT 1 FROM messages r WHERE r.state = 'sending' AND r.lane = c.lane)",
        )
        .fetch_one(&mut *conn)
        .await?;
        Ok(free.into_iter().chain(paused).min().map(Timestamp::from_micros))
    }

    pub(crate) async fn open_circuit(
        &self,
        lane: String,
        until: Timestamp,
        reason: String,
    ) -> Result<Circuit> {
        self.write(move |tx| {
            Box::pin(async move {
                let row = sqlx::query(
                    "INSERT INTO circuits (lane, until, failures, reason, opened) VALUES (?1, ?2, 1, ?3, ?4)
                     ON CONFLICT (lane) DO UPDATE SET until = MAX(until, ?2), failures = failures + 1, reason = ?3
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
                let done = sqlx::query("DELETE FROM circuits WHERE lane = ?")
                    .bind(lane)
                    .execute(&mut tx.conn)
                    .await?;
                let was_open = done.rows_affected() > 0;
                tx.woken.messages |= was_open;
                Ok(was_open)
            })
        })
        .await
    }

    pub(crate) async fn circuits(&self) -> Result<Vec<Circuit>> {
        let mut conn = self.reader().await?;
        let rows = sqlx::query("SELECT * FROM circuits ORDER BY lane")
            .fetch_all(&mut *conn)
            .await?;
        rows.iter().map(circuit).collect()
    }
}
