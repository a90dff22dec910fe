//! How a transaction begins on SQLite, and how the database is left.

use sqlx::Error;
use tracing::warn;

use crate::db::{Conn, sql};
use crate::error::LedgerError;
use crate::sql::{Begun, Numbers, Time};

/// Begins a transaction that writes. `left` are the numbers as the COMMIT before left them, when it is known: nobody
/// else writes.
pub(crate) async fn begin(conn: &mut Conn, left: Option<Numbers>) -> Result<Begun, LedgerError> {
    conn.control("BEGIN IMMEDIATE").await?;
    let numbers = match left {
        Some(left) => left,
        None => last(conn).await?,
    };
    Ok(Begun {
        time: Time::Seams,
        numbers,
        objects: 0,
    })
}

/// SQLite remembers the highest number ever used of such tables, whatever was deleted since.
async fn last(conn: &mut Conn) -> Result<Numbers, LedgerError> {
    let last = sql(
        "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'tasks'), 0) AS task,
            COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) AS event",
    );
    let row = last.fetch_one(conn).await?;
    Ok(Numbers {
        task: row.num("task")?,
        event: row.num("event")?,
    })
}

/// Moves the write-ahead log into the file.
pub(crate) async fn leave(conn: &mut Conn) {
    let moved: Result<(), Error> = conn.control("PRAGMA wal_checkpoint(TRUNCATE)").await;
    if let Err(error) = moved {
        warn!(%error, "the write-ahead log could not be moved into the database; the next start does it");
    }
}
