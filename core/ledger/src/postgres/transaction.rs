//! Transactions on PostgreSQL: the lock of the one writer, the database's clock, the numbers, and what became of a
//! transaction whose end was not answered.

use std::time::Instant;

use ironcore_types::Timestamp;
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgSeverity};
use uuid::Uuid;

use super::{NOW, connect};
use crate::db::{Conn, sql};
use crate::error::LedgerError;
use crate::open::Clock;
use crate::sql::{Begun, Numbers, Time, Woken};

/// What the writer knows of its server.
pub(crate) struct Link {
    pub(super) connect: PgConnectOptions,
    /// The advisory lock that the writers of all hubs of this ledger take.
    pub(super) lock: i64,
    /// Where hubs of this ledger tell one another to look again.
    pub(super) channel: String,
    /// Who tells.
    pub(super) instance: Uuid,
    pub(super) clock: Clock,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("lock", &self.lock)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

impl Link {
    /// Another connection for the writer.
    pub(crate) async fn connect(&self) -> Result<Conn, sqlx::Error> {
        Ok(Conn::postgres(connect(&self.connect).await?))
    }

    /// Begins a transaction that writes, once every other hub's is over. Each statement sees what was committed when it began, so the numbers are read after the lock is had.
    pub(crate) async fn begin(&self, conn: &mut Conn) -> Result<Begun, LedgerError> {
        let Self { lock, .. } = self;
        let text = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({lock});
             SELECT {NOW} AS now, last_task, last_event, objects FROM hub"
        );
        let row = conn.batch(text).await?;
        let row = row.ok_or_else(|| LedgerError::from(sqlx::Error::RowNotFound))?;
        let now = row.time("now")?;
        Ok(Begun {
            time: self.time(now),
            numbers: Numbers {
                task: row.num("last_task")?,
                event: row.num("last_event")?,
            },
            objects: row.num("objects")?,
        })
    }

    fn time(&self, now: Timestamp) -> Time {
        match self.clock {
            Clock::Database => Time::Database(now, Instant::now()),
            Clock::Seams => Time::Seams,
        }
    }

    /// COMMIT, with what belongs to it: the numbers given, whom it wakes, and the writer's own `number` for this
    /// transaction, by which it finds out afterwards whether it was kept. What wrote nothing leaves nothing.
    pub(crate) async fn commit(
        &self,
        conn: &mut Conn,
        number: i64,
        numbers: Numbers,
        woken: Woken,
    ) -> Result<(), sqlx::Error> {
        let Self { instance, .. } = self;
        let Numbers { task, event } = numbers;
        let objects = i64::from(woken.objects);
        let mut text = format!(
            "UPDATE hub SET last_task = {task}, last_event = {event}, objects = objects + {objects}
             WHERE last_task <> {task} OR last_event <> {event} OR {objects} > 0;
             INSERT INTO writers (instance, number, at)
             SELECT '{instance}', {number}, {NOW} WHERE pg_current_xact_id_if_assigned() IS NOT NULL
             ON CONFLICT (instance) DO UPDATE SET number = EXCLUDED.number, at = EXCLUDED.at;"
        );
        let letters = woken.letters();
        if !letters.is_empty() {
            let Self { channel, .. } = self;
            text += &format!("SELECT pg_notify('{channel}', '{instance} {letters}');");
        }
        conn.batch(text + "COMMIT").await.map(|_| ())
    }

    /// Whether the transaction of that number was kept, asked over a new connection. The answer is sure: the lock that
    /// is taken first is free only once the transaction is over.
    pub(crate) async fn was_kept(&self, conn: &mut Conn, number: i64) -> Result<bool, LedgerError> {
        self.begin(conn).await?;
        let row = sql("SELECT number FROM writers WHERE instance = $1")
            .bind(self.instance.to_string())
            .fetch_optional(conn)
            .await?;
        conn.control("ROLLBACK").await?;
        Ok(row.map(|row| row.num("number")).transpose()? == Some(number))
    }
}

/// Whether a transaction may have been kept although COMMIT ended with this: all but an answer that says no.
pub(crate) fn leaves_open(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return true;
    };
    error
        .try_downcast_ref::<PgDatabaseError>()
        .is_none_or(|error| error.severity() != PgSeverity::Error)
}
